//! What a plan describes: sites, components, people and scenarios.

use std::fmt::Write as _;

use shared::domain::alerts::{Alerts, Channel, Level};
use shared::domain::backup::{ManagedBackups, declared_of};
use shared::domain::described::{BucketSite, CopiedBy, LoadBalancerSite, Tls, TrafficSwitch};
use shared::domain::identifier::{AlertName, ComponentName};
use shared::domain::plan::{Component, EcsSite, Plan, SiteName};

/// For programs: the compiled plan, which holds all of it.
pub(crate) fn json(plan: &Plan) -> String {
    // Our own types have string keys only, so serialisation cannot fail.
    serde_json::to_string_pretty(plan).unwrap_or_default() + "\n"
}

/// For people.
pub(crate) fn text(plan: &Plan) -> String {
    let mut output = String::new();
    let _ = writeln!(output, "{} in account {}", plan.platform, plan.account);
    let _ = writeln!(output, "plan digest {}", plan.digest());
    let (primary, recovery) = (plan.region(SiteName::Primary), plan.region(SiteName::Recovery));
    let _ = writeln!(output, "primary site {primary}, recovery site {recovery}");
    let _ = writeln!(output, "\nComponents");
    for (name, component) in &plan.components {
        write_component(plan, name, component, &mut output);
    }
    if let Some(alerts) = &plan.alerts {
        write_alerts(alerts, &mut output);
    }
    let _ = writeln!(output, "\nScenarios");
    for name in plan.scenarios.keys() {
        let alarms: Vec<&str> =
            plan.triggers.iter().filter(|trigger| trigger.scenario == *name).map(|trigger| trigger.alarm.as_str()).collect();
        let by = if alarms.is_empty() { "by an operator only".to_owned() } else { format!("by {}", alarms.join(", ")) };
        let _ = writeln!(output, "  {name}  started {by}; `plan show --scenario {name}` shows its steps");
    }
    output
}

fn write_component(plan: &Plan, name: &ComponentName, component: &Component, output: &mut String) {
    let objective = plan.objectives.get(name).map_or_else(String::new, |objective| {
        let rpo = objective.rpo.map_or_else(String::new, |rpo| format!(", RPO {rpo}"));
        format!("  RTO {}{rpo}", objective.rto)
    });
    let _ = writeln!(output, "  {name}  {}{objective}", component.kind());
    for line in details(component).into_iter().chain(declared_of(component).map(required)) {
        let _ = writeln!(output, "    {line}");
    }
}

/// What is required of the backups that AWS keeps of a component.
fn required(backups: &ManagedBackups) -> String {
    let copy = backups.copy_within.map(|within| format!("a copy in the recovery site younger than {within}"));
    let vaults = backups.vaults.as_ref().map(|vaults| {
        let named = joined(vaults.each().map(|(site, vault)| format!("{vault} ({})", site.as_str())));
        format!("a recovery point younger than {} in each of these vaults: {named}", vaults.every)
    });
    let encrypted = backups.encrypted.then(|| "encryption at rest".to_owned());
    let test = backups.restore_test.as_ref().map(|test| {
        let (queries, database, secret) = (test.queries.iter().count(), &test.database, &test.secret);
        format!("{queries} answers of database {database} restored for a test, asked with secret {secret}")
    });
    let all = joined([copy, vaults, encrypted, test].into_iter().flatten());
    if all.is_empty() { "backups: nothing beyond the objective".to_owned() } else { format!("backups: {all}") }
}

fn details(component: &Component) -> Vec<String> {
    const DESCRIBED: &str = "described only: no step acts on it yet";
    match component {
        Component::RdsInstance(database) => vec![
            format!("primary {}, replica {}", database.primary.id, database.recovery.id),
            format!("{} endpoint places, {} hold points", database.endpoints.len(), database.holds.len()),
        ],
        Component::EcsService(service) => {
            let site = |site: &EcsSite| format!("{} of cluster {}", site.service, site.cluster);
            let mut lines = vec![format!("primary {}; recovery {}", site(&service.primary), site(&service.recovery))];
            lines.extend(service.health.iter().map(|url| format!("health {url}")));
            lines.extend(service.good_revision.iter().map(|name| format!("last good revision in parameter {name}")));
            lines
        }
        Component::LoadBalancer(balancer) => {
            let site = |site: &LoadBalancerSite| format!("{} with {}", site.name, joined(site.target_groups.iter()));
            vec![
                format!("primary {}; recovery {}", site(&balancer.primary), site(&balancer.recovery)),
                format!("serves {}", joined(balancer.serves.iter())),
                DESCRIBED.to_owned(),
            ]
        }
        Component::Route53Records(records) => {
            let mut lines: Vec<String> = records
                .records
                .iter()
                .map(|record| {
                    let (kind, routing) = (record.record_type.as_str(), record.routing.as_str());
                    format!("{kind} {} to {}, {routing}, in zone {}", record.name, record.to, records.zone)
                })
                .collect();
            lines.push(match &records.switch {
                Some(TrafficSwitch::S3Object { bucket, key, health_check }) => {
                    format!("switched by object {key} of bucket {bucket}, which health check {health_check} watches")
                }
                Some(TrafficSwitch::RoutingControl { arn, .. }) => format!("switched by routing control {arn}"),
                None => "switched by an edit of the records, which needs Route 53's control plane".to_owned(),
            });
            lines.extend(records.health_checks.iter().map(|check| format!("follows health check {check}")));
            lines.push(DESCRIBED.to_owned());
            lines
        }
        Component::CloudfrontDistribution(site) => {
            let turns = match &site.origin_group {
                Some(group) => format!("origin group {group} turns to the copy by itself"),
                None => {
                    "turns to the copy by a change of the distribution, which needs CloudFront's control plane".to_owned()
                }
            };
            let mut lines = vec![
                format!("distribution {} for {}", site.id, joined(site.aliases.iter())),
                format!("primary {}; recovery {}", bucket(&site.primary), bucket(&site.recovery)),
                turns,
            ];
            lines.extend(site.health.iter().map(|url| format!("health {url}")));
            lines.push(DESCRIBED.to_owned());
            lines
        }
        Component::S3Data(data) => vec![
            format!("primary {}; recovery {}", bucket(&data.primary), bucket(&data.recovery)),
            match &data.copied_by {
                CopiedBy::ReplicationRule { id } => format!("copied by replication rule {id}"),
                CopiedBy::BackupVault { vault, every } => format!("copied every {every} to backup vault {vault}"),
            },
            DESCRIBED.to_owned(),
        ],
        Component::DynamodbTable(table) => {
            vec![format!("global table {} in both Regions", table.table), DESCRIBED.to_owned()]
        }
        Component::AuroraGlobalDatabase(database) => vec![
            format!(
                "global database {}: primary cluster {}; recovery cluster {}",
                database.global_cluster, database.primary.cluster, database.recovery.cluster
            ),
            DESCRIBED.to_owned(),
        ],
        Component::Postgresql(database) => {
            let tls = if database.tls == Tls::None { ", without TLS" } else { "" };
            vec![
                format!("PostgreSQL primary {}; standby {}", database.primary, database.recovery),
                format!("asked with secret {}{tls}", database.secret),
                DESCRIBED.to_owned(),
            ]
        }
        Component::BackupArchives(archives) => {
            let copy = archives
                .recovery
                .as_ref()
                .map_or("no copy elsewhere".to_owned(), |copy| format!("copy in {}", bucket(copy)));
            let kept: Vec<String> = [
                (archives.keep.hourly, "hourly"),
                (archives.keep.daily, "daily"),
                (archives.keep.weekly, "weekly"),
                (archives.keep.monthly, "monthly"),
            ]
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
            let mut lines = vec![
                format!("archives of {} in {}; {copy}", archives.of, bucket(&archives.primary)),
                format!("one every {}, kept: {}", archives.every, kept.join(", ")),
            ];
            lines.extend(archives.envelope().map(|envelope| format!("opened by {} (AWS Encryption SDK)", envelope.kms_key)));
            lines.extend(archives.age_identity().map(|secret| format!("opened by the age identity in secret {secret}")));
            for (site, _) in archives.places() {
                lines.extend(archives.kms_key(site).map(|key| format!("{} kept under {key}", site.as_str())));
            }
            lines.push(DESCRIBED.to_owned());
            lines
        }
    }
}

fn bucket(site: &BucketSite) -> String {
    match &site.prefix {
        Some(prefix) => format!("bucket {}, keys with {prefix}", site.bucket),
        None => format!("bucket {}", site.bucket),
    }
}

fn joined<T: ToString>(names: impl Iterator<Item = T>) -> String {
    names.map(|name| name.to_string()).collect::<Vec<_>>().join(", ")
}

fn write_alerts(alerts: &Alerts, output: &mut String) {
    let _ = writeln!(output, "\nAlerts (described only: no function sends them yet)");
    for (name, channel) in &alerts.channels {
        let _ = writeln!(output, "  {name}  {}", Channel::label(channel));
    }
    for (name, levels) in &alerts.escalations {
        let _ = writeln!(output, "  escalation {name}{}", taken_by(alerts, name));
        for Level { after, channels } in levels {
            let _ = writeln!(output, "    after {after}: {}", joined(channels.iter()));
        }
    }
}

fn taken_by(alerts: &Alerts, name: &AlertName) -> String {
    let severities = alerts.incidents.iter().filter(|(_, taken)| *taken == name);
    let mut takers: Vec<String> = severities.map(|(severity, _)| severity.as_str().to_owned()).collect();
    takers.extend(alerts.alarms.iter().filter(|alarm| alarm.escalation == *name).map(|alarm| alarm.alarm.to_string()));
    if takers.is_empty() { String::new() } else { format!(", taken by {}", takers.join(", ")) }
}
