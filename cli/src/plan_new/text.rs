//! The plan's text: what was answered, and why each line is there.

use std::fmt::Write as _;

use shared::planfile::TO_FILL_IN;

use super::answers::Answers;
use super::question::listed_methods;

/// The plan.
pub(super) fn plan(answers: &Answers) -> String {
    let page = Page { answers };
    [page.head(), page.objectives(), page.database(), page.service(), page.alerts(), page.triggers(), page.scenario()]
        .concat()
}

struct Page<'a> {
    answers: &'a Answers,
}

impl Page<'_> {
    /// The answer as YAML, or the mark of a value that is not known.
    fn value(&self, key: &str) -> String {
        self.answers.text(key).map_or_else(|| TO_FILL_IN.to_owned(), scalar)
    }

    fn has(&self, key: &str) -> bool {
        self.answers.has(key)
    }

    fn head(&self) -> String {
        format!(
            "\
# A recovery plan: what there is, what a recovery must reach, and what is done when.
#
#   recoveryctl plan check FILE                                finds what does not fit, and every {TO_FILL_IN} that is left
#   recoveryctl plan check --explain CODE                      says what a finding means
#   recoveryctl plan show FILE --scenario database_failure     prints every step and what it may call
#   recoveryctl plan build FILE                                compiles it for the functions
#
# Durations are whole numbers with a unit: 90s, 30m, 4h, 7d.

version: 1  # of this format; a program that is older than the plan refuses it
platform: {platform}  # begins every incident's id and every resource of the stack
account: {account}  # both sites' account, and the only one whose alarms are accepted (quoted: it is no number)

# Where the platform runs, and where it is recovered to. The functions and the journal live in the recovery site, so that they are
# there when the primary site is not.
sites:
  primary: {{ region: {primary} }}
  recovery: {{ region: {recovery} }}

",
            platform = self.value("platform"),
            account = self.value("account"),
            primary = self.value("primary_region"),
            recovery = self.value("recovery_region"),
        )
    }

    fn objectives(&self) -> String {
        let mut text = format!(
            "\
# What a recovery must reach, by component: how long it may take (rto), and how much data it may lose (rpo).
objectives:
  database: {{ rto: {rto}, rpo: {rpo} }}
",
            rto = self.value("rto"),
            rpo = self.value("rpo"),
        );
        if self.has("service") {
            let _ =
                writeln!(text, "  service: {{ rto: {} }}  # it keeps no data, so it has no rpo", self.value("service_rto"));
        }
        text + "\n"
    }

    fn database(&self) -> String {
        let mut text = format!(
            "\
components:
  database:
    kind: rds_instance
    # The isolation security group lets nobody in. It is made in advance, because a fence that has to be built first is none.
    primary: {{ id: {primary}, isolation_security_group: {group} }}
    recovery: {{ id: {replica} }}  # its read replica in the recovery site
    backup_retention: {retention}  # of the promoted replica, which would otherwise keep backups for one day
    max_lag: {lag}  # how far behind it may be before a planned switchover goes on
",
            primary = self.value("primary_database"),
            group = self.value("isolation_security_group"),
            replica = self.value("recovery_database"),
            retention = self.value("backup_retention"),
            lag = self.value("max_lag"),
        );
        if self.has("write_probe") {
            text += "    # Writes one row through the promoted database and answers {\"written\": true}: only that proves that it takes writes.\n";
            let _ = writeln!(text, "    write_probe: {{ lambda: {} }}", self.value("write_probe"));
        } else {
            text += "    # write_probe: { lambda: NAME }  # a function of yours that proves that the promoted database takes writes\n";
        }
        text + &self.endpoints() + &self.holds() + "\n"
    }

    fn has_endpoints(&self) -> bool {
        ["host_parameter", "host_secret", "host_function"].iter().any(|key| self.has(key))
    }

    /// The service reads the host when it starts, from the first kind of place that there is.
    fn endpoints(&self) -> String {
        let region = self.value("recovery_region");
        let rereads = |whether: bool| if whether && self.has("service") { ", consumers: [service]" } else { "" };
        let read_at_start = self.has("host_parameter") || self.has("host_secret");
        let mut text = "    # Every place where clients read the database's host, and the components that read it only when they start.\n".to_owned();
        if !self.has_endpoints() {
            return text
                + "    # endpoints: none was named, so clients are not told where the database is after a promotion\n";
        }
        text += "    endpoints:\n";
        if self.has("host_parameter") {
            let (name, consumers) = (self.value("host_parameter"), rereads(true));
            let _ = writeln!(text, "      - {{ ssm_parameter: {name}, region: {region}{consumers} }}");
        }
        if self.has("host_secret") {
            let (name, field, consumers) = (self.value("host_secret"), self.value("host_secret_field"), rereads(true));
            let _ = writeln!(text, "      - {{ secret: {name}, field: {field}, region: {region}{consumers} }}");
        }
        if self.has("host_function") {
            let (name, variable) = (self.value("host_function"), self.value("host_variable"));
            let consumers = rereads(!read_at_start);
            let _ = writeln!(
                text,
                "      - {{ lambda_environment: {name}, variable: {variable}, region: {region}{consumers} }}"
            );
        }
        text
    }

    fn has_holds(&self) -> bool {
        self.has("held_api") || self.has("held_function")
    }

    fn holds(&self) -> String {
        let mut text = "    \
    # Every place where writes can be held back while the database moves. What clients do not write cannot be lost. This is advice
    # to clients: the fence is what makes sure.
"
        .to_owned();
        if !self.has_holds() {
            return text + "    # holds: none was named, so clients go on writing until the fence stands\n";
        }
        text += "    holds:\n";
        let region = self.value("primary_region");
        if self.has("held_api") {
            let methods = match self.answers.text("held_methods") {
                Some(methods) => format!("[{}]", listed_methods(methods).map(quoted).collect::<Vec<_>>().join(", ")),
                None => TO_FILL_IN.to_owned(),
            };
            let _ = write!(
                text,
                "      \
      - api_gateway_stage:
          api: {api}
          stage: {stage}
          methods: {methods}  # throttled to nothing
          reads: served  # and no other method; `stopped` would throttle the whole stage
        region: {region}
",
                api = self.value("held_api"),
                stage = self.value("held_stage"),
            );
        }
        if self.has("held_function") {
            let (name, variable) = (self.value("held_function"), self.value("held_variable"));
            text += "      # Sets the variable to \"true\", which the function must take as \"read only\".\n";
            let _ = writeln!(text, "      - {{ lambda_environment: {name}, variable: {variable}, region: {region} }}");
        }
        text
    }

    fn service(&self) -> String {
        if !self.has("service") {
            return String::new();
        }
        let site = format!("{{ cluster: {}, service: {} }}", self.value("cluster"), self.value("service"));
        let mut text = format!(
            "  \
  service:
    kind: ecs_service
    primary: {site}
    recovery: {site}
"
        );
        if self.has("service_health") {
            let _ = writeln!(text, "    health: {}  # a page that says whether it serves", self.value("service_health"));
        }
        text + "\n"
    }

    fn alerts(&self) -> String {
        if !self.has("email") {
            return "\
# Who is told, and who next if nobody answers: `plan show` prints it. Without it, everybody who subscribed to the stack's topic.
# alerts: { channels: …, escalations: …, incidents: … }

"
            .to_owned();
        }
        format!(
            "\
# Who is told, and who next if nobody answers.
alerts:
  channels:
    on_call: {{ email: [{}] }}
  escalations:
    critical:  # add levels, such as {{ after: 15m, channels: [second] }}: each is told unless somebody answered the one before
      - {{ after: 0s, channels: [on_call] }}
  incidents: {{ sev0: critical, sev1: critical, sev2: critical }}

",
            self.value("email")
        )
    }

    fn triggers(&self) -> String {
        format!(
            "\
# Which alarm starts which scenario. It is in the recovery site, over what an outside probe publishes there: one that the failing
# site would have to raise may never come.
triggers:
  - {{ alarm: {}, scenario: database_failure }}

",
            self.value("alarm")
        )
    }

    fn scenario(&self) -> String {
        let mut text = "\
scenarios:
  database_failure:
    severity: sev1
    failed_region: false  # the Region itself still answers; true would make everything in it best effort
"
        .to_owned();
        if self.has("data_loss_up_to") {
            let _ = write!(
                text,
                "    \
    # A replica is always a little behind, so promoting it may lose the last writes. Up to this much may be lost without asking,
    # until the end of that day; a greater or unknown loss waits for a person's approval.
    preauthorised: {{ data_loss_up_to: {}, by: {}, until: {} }}
",
                self.value("data_loss_up_to"),
                self.answers.text("preauthorised_by").map_or_else(|| TO_FILL_IN.to_owned(), quoted),
                self.value("preauthorised_until"),
            );
        } else {
            text += "    \
    # Nothing may be lost without asking: a promotion that may lose writes waits for a person. To allow it in advance:
    # preauthorised: { data_loss_up_to: 5m, by: NAME, until: 2027-06-30 }
";
        }
        text + "    \
    # The first branch whose condition holds is taken, and it is chosen before anything is changed.
    branches:
      # RDS says that the database has a standby in its own Region, and that it is available: failing over to it loses nothing.
      - when: multi_az_available
        steps:
          - force_failover: database
          - validate: database
      - when: otherwise
        steps:  # in this order
" + &self.steps()
    }

    fn steps(&self) -> String {
        let mut text = String::new();
        if self.has_holds() {
            text += "          - hold_writes: database  # ask clients to stop writing\n";
        }
        text += "          - fence: database  # make sure that the old primary takes no writes\n";
        text += "          - gate: { loss_bound: database }  # bound what is lost, and ask a person unless it is allowed above\n";
        text += "          - promote: database  # the one step that cannot be taken back\n";
        if self.has_endpoints() {
            text += "          - repoint: database  # tell clients where the database is now\n";
        }
        if self.has("service") {
            text += "          - together: [ { validate: database }, { validate: service } ]  # side by side\n";
        } else {
            text += "          - validate: database  # the recovery time ends when this passes\n";
        }
        if self.has_holds() {
            text += "          - resume_writes: database  # exactly as before the hold\n";
        }
        text
    }
}

/// A text as YAML: plain where every reader takes it for the same text, else in quotes.
fn scalar(text: &str) -> String {
    // Words and numbers that some YAML reader makes a boolean, a null or a number of.
    const WORDS: &[&str] = &["true", "false", "yes", "no", "on", "off", "y", "n", "null", TO_FILL_IN];
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_/.@".contains(c);
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(safe)
        && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(text));
    let duration_or_date = text.len() > 1
        && text.starts_with(|c: char| c.is_ascii_digit())
        && (text.ends_with(['s', 'm', 'h', 'd']) || text.len() == 10 && text.contains('-'))
        && text.chars().all(safe);
    if plain || duration_or_date { text.to_owned() } else { quoted(text) }
}

/// A text in quotes. What JSON quotes is YAML too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
