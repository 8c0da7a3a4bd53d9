//! What a rehearsal prints when it is ready: where it is, and commands to paste.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rehearsal_world::InstanceKey;
use serde_json::{Value, json};
use shared::domain::plan::SiteName;

use super::names::Names;
use super::operator::{Operator, quoted};
use super::session::Place;
use crate::drill::Drill;

/// A command to paste, and what it does.
struct Command {
    what: String,
    line: String,
}

/// The whole text.
pub(super) fn text(drill: &Drill, place: &Place, operator: &Operator, aws: &Path, names: &Names, speed: f64) -> String {
    let (endpoint, region) = (drill.stage.endpoint(), drill.platform.region());
    let mut text = format!(
        "\nRehearsal {} of {} is ready: {endpoint} (its account {}, {} simulated seconds in a second).\n\
         It is on this machine alone. It listens and calls on 127.0.0.1 only; the key below was made for it and works nowhere\n\
         else; no AWS credential, profile or variable of yours was read, and {} passes none of them on.\n\n",
        place.number,
        drill.platform.plan.platform,
        drill.platform.plan.account,
        speed,
        aws.display(),
    );
    for command in commands(drill, aws, names) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# {}\n{}", command.what, command.line);
    }
    for command in making(drill, aws) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# {}\n{}", command.what, command.line);
    }
    for command in breaking(place) {
        let _ = writeln!(text, "# {}\n{}", command.what, command.line);
    }
    let _ = writeln!(
        text,
        "\nWhat else can be broken: recoveryctl rehearse fault help\nOther programs: {}\nLogs and every call: {}\n\
         Ctrl-C ends it.\n",
        operator.variables(&endpoint, region),
        drill.run_directory().display()
    );
    text
}

fn commands(drill: &Drill, aws: &Path, names: &Names) -> Vec<Command> {
    let platform = &drill.platform;
    let (recovery, region, primary) = (platform.recovery_function(), platform.region(), platform.primary_region());
    let invoke = |what: &str, function: &str, payload: Value| Command {
        what: what.to_owned(),
        line: invoke(aws, region, function, &payload),
    };
    let aws = quoted(&aws.display().to_string());
    let describe = |what: &str, region: &str| Command {
        what: what.to_owned(),
        line: format!(
            "{aws} rds describe-db-instances --region {region} --query {}",
            quoted(
                "DBInstances[].[DBInstanceIdentifier,DBInstanceStatus,Endpoint.Address,ReadReplicaSourceDBInstanceIdentifier]"
            )
        ),
    };
    let scenario = platform.scenario.as_str();
    let component = platform.component.as_str();
    let endpoints = drill.stage.world().endpoints();
    let host = endpoints.into_iter().find(|(key, _)| *key == drill.replica()).map(|(_, endpoint)| endpoint.host);
    let mut commands = vec![
        describe("the primary site's databases", primary),
        describe("the recovery site's", region),
        invoke("what a recovery would do now, step by step", &recovery, json!({"scenario": scenario, "mode": "dry_run"})),
        invoke("how the last recovery stands", &recovery, json!({"command": "status"})),
        invoke(
            "recover by hand, without waiting for the alarm",
            &recovery,
            json!({"scenario": scenario, "region": primary, "actor": "operator"}),
        ),
        invoke("the replica's role and lag against the objective", "replication-check", json!({})),
        invoke("how far the backups are proven", "backup-verify", json!({})),
        invoke("how each place stands where writes can be held", "read-only-toggle", json!({"mode": "status"})),
        invoke("hold writes", "read-only-toggle", json!({"mode": "read_only", "component": component})),
        invoke("let them through again", "read-only-toggle", json!({"mode": "read_write", "component": component})),
        invoke(
            "point clients at the recovery site (after a recovery; refused while its database is a replica)",
            "update-database-endpoints",
            json!({"new_endpoint": host.unwrap_or_default()}),
        ),
    ];
    if let Some((region, name)) = platform.host_parameter() {
        commands.push(Command {
            what: "where clients find the database".to_owned(),
            line: format!("{aws} ssm get-parameter --region {region} --name {} --query Parameter.Value", quoted(&name)),
        });
    }
    let server = drill.stage.name_server;
    for (name, kind) in &names.asked {
        commands.push(Command {
            what: format!("what Route 53 answers for {name} (within a minute of the start, as after any change)"),
            line: format!("dig @{} -p {} {} {kind}", server.ip(), server.port(), quoted(name)),
        });
    }
    commands
}

/// What makes something new: with a real database each of them is a server or its files.
fn making(drill: &Drill, aws: &Path) -> Vec<Command> {
    let (primary, replica) = (drill.primary(), drill.replica());
    let groups_of = |key: &InstanceKey| {
        let shown = drill.stage.world().watch_instances(drill.stage.now()).into_iter().find(|shown| shown.key == *key);
        let groups = shown.map(|shown| shown.groups).unwrap_or_default();
        groups.into_iter().map(|membership| membership.group).collect::<Vec<_>>().join(" ")
    };
    let (here, there) = (groups_of(&primary), groups_of(&replica));
    let aws = quoted(&aws.display().to_string());
    let command = |what: &str, line: String| Command { what: what.to_owned(), line: format!("{aws} rds {line}") };
    let (region, name) = (&primary.region, quoted(&primary.identifier));
    let arn = quoted(&primary.arn(drill.stage.world().account()));
    let mut commands = vec![
        command(
            "a snapshot of the primary",
            format!("create-db-snapshot --region {region} --db-instance-identifier {name} --db-snapshot-identifier by-hand"),
        ),
        command(
            "an instance from that snapshot, once it is available",
            format!(
                "restore-db-instance-from-db-snapshot --region {region} --db-snapshot-identifier by-hand \
                 --db-instance-identifier restored --vpc-security-group-ids {here}"
            ),
        ),
        command(
            "the primary as it was when its log was last shipped; --restore-time TIME for any moment before",
            format!(
                "restore-db-instance-to-point-in-time --region {region} --source-db-instance-identifier {name} \
                 --target-db-instance-identifier rewound --use-latest-restorable-time --vpc-security-group-ids {here}"
            ),
        ),
        command(
            "one replica more in the recovery Region",
            format!(
                "create-db-instance-read-replica --region {} --source-db-instance-identifier {arn} \
                 --db-instance-identifier one-more --kms-key-id alias/aws/rds --vpc-security-group-ids {there}",
                replica.region
            ),
        ),
    ];
    if let Some(line) = psql(drill, &primary, "SELECT count(*), max(number) FROM writes") {
        commands.push(Command { what: "how many rows the primary has".to_owned(), line });
    }
    commands
}

/// The command that runs a statement on an instance, through the door that clients use; nothing where the model stands in for it.
pub(super) fn psql(drill: &Drill, instance: &InstanceKey, statement: &str) -> Option<String> {
    let ((psql, passwords), address) = (drill.stage.psql()?, drill.stage.address(instance)?);
    Some(format!(
        "PGPASSFILE={} {} -X -h {} -p {} -U postgres -c {}",
        quoted(&passwords.display().to_string()),
        quoted(&psql.display().to_string()),
        address.ip(),
        address.port(),
        quoted(statement)
    ))
}

/// The command that invokes a function.
pub(super) fn invoke(aws: &Path, region: &str, function: &str, payload: &Value) -> String {
    let (aws, payload) = (quoted(&aws.display().to_string()), quoted(&payload.to_string()));
    format!("{aws} lambda invoke --region {region} --function-name {function} --payload {payload} /dev/stdout")
}

/// The path as it can be written in the directory in which the rehearsal was started.
pub(super) fn from_here(path: PathBuf) -> PathBuf {
    let here = std::env::current_dir().ok();
    let below = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    // A name alone would be looked for on the PATH.
    below.filter(|below| below.components().count() > 1).unwrap_or(path)
}

fn breaking(place: &Place) -> Vec<Command> {
    let program = std::env::current_exe().map_or_else(|_| PathBuf::from("recoveryctl"), from_here);
    let program = quoted(&program.display().to_string());
    let line = |rest: &str| format!("{program} rehearse {rest} --rehearsal {}", place.number);
    let command = |what: &str, rest: &str| Command { what: what.to_owned(), line: line(rest) };
    vec![
        command("the disaster: the primary hangs", "fault hang"),
        command(&format!("the {} site's Region is gone", SiteName::Primary.as_str()), "fault region-dark"),
        command("mend everything", "heal all"),
    ]
}
