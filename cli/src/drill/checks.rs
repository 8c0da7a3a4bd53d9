//! What independent eyes see afterwards: botocore, plain sockets and the world's own truth, never our adapters or our journal.

use std::time::Duration;

use rehearsal::wire::call::CallClass;
use rehearsal::wire::log::Record;
use serde::Serialize;
use serde_json::{Map, Value, json};
use shared::domain::call::Call;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::comparison::difference;
use super::recovery::Drill;

/// How long a database may take to answer somebody who asks after the recovery.
const PATIENCE: Duration = Duration::from_secs(3);

/// One question and its answer.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// What was asked.
    pub name: String,
    /// Whether the answer is the good one.
    pub ok: bool,
    /// The answer.
    pub detail: String,
}

impl Check {
    pub(super) fn new(name: &str, ok: bool, detail: impl Into<String>) -> Self {
        Self { name: name.to_owned(), ok, detail: detail.into() }
    }
}

/// What the checks look at.
pub(super) struct Evidence<'a> {
    pub(super) drill: &'a Drill,
    pub(super) status: &'a Value,
    pub(super) sites: &'a Value,
    pub(super) predicted: &'a [Call],
    pub(super) made: &'a [Value],
    pub(super) mark: u64,
    /// Whether anything was broken besides the database.
    pub(super) disturbed: bool,
}

impl Evidence<'_> {
    /// The declared end.
    pub(super) fn end(&self) -> &str {
        self.status.get("status").and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether the wire saw a promotion take effect.
    pub(super) fn moved(&self) -> bool {
        self.effects().iter().any(|record| record.operation == "PromoteReadReplica")
    }

    /// The loss that the recovery admits at most, in simulated seconds; nothing where it claims no bound.
    pub(super) fn reported_bound_s(&self) -> Option<u64> {
        let component = self.drill.platform.component.as_str();
        let objectives = self.status.pointer("/report/objectives").and_then(Value::as_array);
        objectives
            .into_iter()
            .flatten()
            .find(|objective| objective.get("component").and_then(Value::as_str) == Some(component))
            .and_then(|objective| objective.pointer("/rpo/achieved_s")?.as_u64())
    }

    /// The calls that changed something, whether or not their caller lived to read the answer.
    fn effects(&self) -> Vec<Record> {
        let mut records = self.drill.stage.log.records_since(self.mark);
        records.retain(|record| {
            record.class == CallClass::Mutation
                && record.step.is_some()
                && record.status.is_some_and(|status| (200..300).contains(&status))
        });
        records
    }
}

/// Asks everything that an incident with this end has to answer.
pub(super) async fn all(evidence: &Evidence<'_>) -> Vec<Check> {
    let moved = evidence.moved();
    let mut checks = match evidence.end() {
        "rolled_back" => vec![nothing_was_promoted(evidence).await, fence_is_lifted(evidence), endpoints(evidence, false)],
        "stuck" => vec![people_know_what_is_left(evidence)],
        _ => vec![new_primary(evidence, moved).await, client_writes(evidence).await, endpoints(evidence, moved)],
    };
    if moved {
        checks.push(old_primary_refuses(evidence).await);
    }
    // Who is stuck may have left holds, and half of the endpoints, to a person.
    if evidence.end() != "stuck" {
        checks.push(nothing_else_changed(evidence));
        checks.push(holds_restored(evidence));
    }
    checks.push(one_execution(evidence).await);
    checks.push(no_split_brain(evidence));
    checks.push(bound_holds(evidence));
    if evidence.disturbed {
        checks.push(calls_within_may(evidence));
        checks.push(at_most_once(evidence));
        checks.push(report_agrees(evidence, moved));
    } else {
        checks.push(calls_as_promised(evidence));
    }
    checks.push(every_mutation_tagged(evidence));
    checks
}

/// RDS, asked by botocore, shows a replica that still follows its primary.
async fn nothing_was_promoted(evidence: &Evidence<'_>) -> Check {
    let name = "RDS shows the replica still replicating";
    let platform = &evidence.drill.platform;
    let parameters = json!({"DBInstanceIdentifier": platform.database.recovery.id});
    match evidence.drill.stage.client.call("rds", platform.region(), "describe_db_instances", parameters).await {
        Ok(answer) => {
            let source = answer.pointer("/DBInstances/0/ReadReplicaSourceDBInstanceIdentifier").and_then(Value::as_str);
            Check::new(
                name,
                source.is_some() && !evidence.moved(),
                format!("{} replicates from {}", platform.database.recovery.id, source.unwrap_or("nobody")),
            )
        }
        Err(error) => Check::new(name, false, error.to_string()),
    }
}

/// The old primary has the security groups that it had. The world is asked, as nobody else can look into a dark Region.
fn fence_is_lifted(evidence: &Evidence<'_>) -> Check {
    let name = "the old primary has the security groups that it had";
    let drill = evidence.drill;
    let (before, now) = (&drill.groups_before, drill.primary_groups());
    Check::new(name, *before == now, format!("{} had {}, and has {}", drill.primary(), before.join(", "), now.join(", ")))
}

/// A person can go on where the recovery stopped.
fn people_know_what_is_left(evidence: &Evidence<'_>) -> Check {
    let name = "a person is told what is left to do";
    let commands = evidence.status.pointer("/report/commands_left").and_then(Value::as_array).map_or(0, Vec::len);
    let reason = evidence.status.pointer("/report/reason").and_then(Value::as_str).unwrap_or_default();
    // Who changed nothing has nothing to leave to anybody but the reason.
    let ok = !reason.is_empty() && (commands > 0 || evidence.effects().is_empty());
    Check::new(name, ok, format!("{commands} commands are left, because {reason}"))
}

/// RDS, asked by botocore, shows a primary that stands alone.
async fn new_primary(evidence: &Evidence<'_>, moved: bool) -> Check {
    let name = "RDS shows the new primary standing alone and available";
    let platform = &evidence.drill.platform;
    let (region, id) = if moved {
        (platform.region(), platform.database.recovery.id.as_str())
    } else {
        (platform.primary_region(), platform.database.primary.id.as_str())
    };
    let parameters = json!({"DBInstanceIdentifier": id});
    match evidence.drill.stage.client.call("rds", region, "describe_db_instances", parameters).await {
        Ok(answer) => {
            let instance = answer.pointer("/DBInstances/0").cloned().unwrap_or_default();
            let status = instance.get("DBInstanceStatus").and_then(Value::as_str).unwrap_or("unknown");
            let source = instance.get("ReadReplicaSourceDBInstanceIdentifier").and_then(Value::as_str);
            let retention = instance.get("BackupRetentionPeriod").and_then(Value::as_u64).unwrap_or_default();
            let kept = u64::from(platform.database.backup_retention_days);
            // A promoted instance is backed up at once; both statuses take writes.
            let serving = ["available", "backing-up"].contains(&status);
            let ok = serving && source.is_none() && (!moved || retention == kept);
            Check::new(
                name,
                ok,
                format!("{id} is {status}, replicates from {}, keeps backups {retention} days", source.unwrap_or("nobody")),
            )
        }
        Err(error) => Check::new(name, false, error.to_string()),
    }
}

/// A client that knows only the parameter's name reads it, connects and writes.
async fn client_writes(evidence: &Evidence<'_>) -> Check {
    let name = "a fresh client that reads the parameter can write";
    let drill = evidence.drill;
    let Some((region, parameter)) = drill.platform.host_parameter() else {
        return Check::new(name, false, "the plan keeps the host in no parameter");
    };
    let answer =
        drill.stage.client.call("ssm", &region, "get_parameter", json!({"Name": parameter, "WithDecryption": true})).await;
    let host =
        answer.ok().and_then(|answer| answer.pointer("/Parameter/Value")?.as_str().map(str::to_owned)).unwrap_or_default();
    let endpoints = drill.stage.world().endpoints();
    let listener = endpoints
        .iter()
        .find(|(_, endpoint)| endpoint.host == host)
        .and_then(|(key, _)| drill.stage.listeners.get(&key.to_string()).copied());
    let Some(address) = listener else {
        return Check::new(name, false, format!("the parameter says {host:?}, which is no database of the simulated sites"));
    };
    match timeout(PATIENCE, drill.stage.write_as_a_stranger(address)).await {
        Ok(Ok(said)) => Check::new(name, true, format!("{host} said: {said}")),
        Ok(Err(error)) => Check::new(name, false, format!("{host}: {error}")),
        Err(_) => Check::new(name, false, format!("{host} did not answer within {} s", PATIENCE.as_secs())),
    }
}

/// A new connection to the old primary fails.
async fn old_primary_refuses(evidence: &Evidence<'_>) -> Check {
    let name = "the old primary takes no connection";
    let key = evidence.drill.primary().to_string();
    let Some(address) = evidence.drill.stage.listeners.get(&key).copied() else {
        return Check::new(name, false, format!("{key} has no listener"));
    };
    match timeout(PATIENCE, TcpStream::connect(address)).await {
        Ok(Ok(_)) => Check::new(name, false, format!("{key} still takes connections")),
        Ok(Err(error)) => Check::new(name, true, format!("{key}: {error}")),
        Err(_) => Check::new(name, true, format!("{key}: nothing came back")),
    }
}

/// Every place of the plan holds the host that RDS describes.
fn endpoints(evidence: &Evidence<'_>, moved: bool) -> Check {
    let name = "every endpoint place holds the serving database's host";
    let drill = evidence.drill;
    let serving = if moved { drill.replica() } else { drill.primary() };
    let host =
        drill.stage.world().endpoints().into_iter().find(|(key, _)| *key == serving).map(|(_, endpoint)| endpoint.host);
    let host = host.unwrap_or_default();
    let before = primary_host(evidence);
    let texts = evidence.sites.to_string();
    let still = if moved { texts.matches(before.as_str()).count() } else { 0 };
    let held = texts.matches(host.as_str()).count();
    let places = drill.platform.database.endpoints.len();
    Check::new(
        name,
        held == places && still == 0,
        format!("{host} stands in {held} of {places} places, the old host in {still}"),
    )
}

fn primary_host(evidence: &Evidence<'_>) -> String {
    let primary = evidence.drill.primary();
    let endpoints = evidence.drill.stage.world().endpoints();
    endpoints.into_iter().find(|(key, _)| *key == primary).map(|(_, endpoint)| endpoint.host).unwrap_or_default()
}

/// Apart from the host itself, versions, and the consumers' deployments, the platform's resources are as they were.
fn nothing_else_changed(evidence: &Evidence<'_>) -> Check {
    let name = "nothing else of the platform's resources changed";
    let old = primary_host(evidence);
    let replica = evidence.drill.replica();
    let endpoints = evidence.drill.stage.world().endpoints();
    let new = endpoints.into_iter().find(|(key, _)| *key == replica).map(|(_, endpoint)| endpoint.host).unwrap_or_default();
    let before = forget(&evidence.drill.stage.sites_before, &old, &new);
    let after = forget(evidence.sites, &old, &new);
    match first_difference("", &before, &after) {
        None => Check::new(name, true, "every other field, variable and setting is as it was"),
        Some(where_) => Check::new(name, false, where_),
    }
}

/// Takes out what must change: either host, and counters that count writes.
fn forget(value: &Value, old: &str, new: &str) -> Value {
    const COUNTERS: [&str; 5] = ["revision", "version", "stages", "deployment", "deployments"];
    match value {
        Value::String(text) if text == old || text == new => Value::String("<database host>".to_owned()),
        Value::Array(list) => Value::Array(list.iter().map(|each| forget(each, old, new)).collect()),
        Value::Object(map) => Value::Object(
            map.iter()
                .filter(|(key, _)| !COUNTERS.contains(&key.as_str()))
                .map(|(key, each)| (key.clone(), forget(each, old, new)))
                .collect::<Map<_, _>>(),
        ),
        other => other.clone(),
    }
}

fn first_difference(path: &str, before: &Value, after: &Value) -> Option<String> {
    match (before, after) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            keys.into_iter().find_map(|key| {
                let (x, y) = (a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null));
                first_difference(&format!("{path}/{key}"), x, y)
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(index, (x, y))| first_difference(&format!("{path}/{index}"), x, y))
        }
        _ if before == after => None,
        _ => Some(format!("{path} differs from before")),
    }
}

/// API stages and read-only flags are exactly as before the hold.
fn holds_restored(evidence: &Evidence<'_>) -> Check {
    let name = "every hold is lifted, exactly as before";
    let before = &evidence.drill.stage.sites_before;
    for kind in ["rest_apis", "http_apis"] {
        if before.get(kind) != evidence.sites.get(kind) {
            return Check::new(name, false, format!("{kind}: before {}, now {}", before[kind], evidence.sites[kind]));
        }
    }
    Check::new(name, true, "API stages have the settings that they had")
}

/// Step Functions, asked by botocore, ran one execution.
async fn one_execution(evidence: &Evidence<'_>) -> Check {
    let (name, expected): (_, &[&str]) = match evidence.end() {
        "completed" => ("exactly one execution ran, and it succeeded", &["SUCCEEDED"]),
        "rolled_back" => ("exactly one execution ran, and it failed as declared", &["FAILED"]),
        // One that was stopped by hand is ABORTED.
        _ => ("exactly one execution ran, and it failed as declared", &["FAILED", "ABORTED", "TIMED_OUT"]),
    };
    let drill = evidence.drill;
    let Some(machine) = drill.stage.deployment.outputs.get("RecoveryMachineArn") else {
        return Check::new(name, false, "the stack has no output RecoveryMachineArn");
    };
    let parameters = json!({"stateMachineArn": machine});
    // The last state may still be under way when the incident has ended.
    let mut seen = Vec::new();
    for _ in 0..20 {
        let answer =
            drill.stage.client.call("stepfunctions", drill.platform.region(), "list_executions", parameters.clone()).await;
        let list = answer.unwrap_or_default();
        let executions = list.get("executions").and_then(Value::as_array).cloned().unwrap_or_default();
        seen = executions
            .iter()
            .filter_map(|execution| {
                Some((execution.get("name")?.as_str()?.to_owned(), execution.get("status")?.as_str()?.to_owned()))
            })
            .collect();
        if seen.iter().all(|(_, status)| status != "RUNNING") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    let id = evidence.status.get("incident_id").and_then(Value::as_str).unwrap_or_default();
    let ok = matches!(seen.as_slice(), [(name, status)] if name == id && expected.contains(&status.as_str()));
    Check::new(name, ok, format!("{seen:?}"))
}

/// The world saw no commit accepted on both sides.
fn no_split_brain(evidence: &Evidence<'_>) -> Check {
    let name = "no writes were accepted on both sides";
    let now = evidence.drill.stage.now();
    let mut world = evidence.drill.stage.world();
    let overlap = world.writer_overlap();
    let writable = world.writable_instances(now);
    let ok = !overlap.is_split_brain() && writable.len() <= 1;
    Check::new(
        name,
        ok,
        format!(
            "{} commits on the old side after the promotion; {} instance(s) can be written to",
            overlap.old_side.len(),
            writable.len()
        ),
    )
}

/// The reported bound is at least the truth.
fn bound_holds(evidence: &Evidence<'_>) -> Check {
    let name = "the reported data loss bound is not below the truth";
    let truth = evidence.drill.stage.world().true_rpo();
    let reported = evidence.reported_bound_s();
    match (truth, reported) {
        (None, Some(reported)) => Check::new(name, true, format!("nothing was promoted; {reported} s reported")),
        (Some(truth), Some(reported)) => {
            let ok = Duration::from_secs(reported) >= truth;
            Check::new(name, ok, format!("at most {reported} s reported, {:.1} s true", truth.as_secs_f64()))
        }
        (None, None) if evidence.end() != "completed" => {
            Check::new(name, true, "nothing was promoted, and no loss reported")
        }
        (Some(_), None) if evidence.end() == "stuck" => Check::new(name, true, "no bound is claimed: it counts as unknown"),
        (_, None) => Check::new(name, false, "no bound was reported"),
    }
}

/// The wire saw exactly what the dry run promised.
fn calls_as_promised(evidence: &Evidence<'_>) -> Check {
    let name = "the calls made are the calls that the dry run promised";
    match difference(evidence.predicted, evidence.made) {
        None => Check::new(name, true, format!("{} calls, in order", evidence.made.len())),
        Some(difference) => Check::new(name, false, difference),
    }
}

/// Whatever broke, no step made a call outside its `may`.
fn calls_within_may(evidence: &Evidence<'_>) -> Check {
    let name = "every call that changes something is one that its step may make";
    let outside = evidence.made.iter().find(|call| !evidence.drill.may_make(call));
    match outside {
        None => Check::new(name, true, format!("{} calls, {} promised", evidence.made.len(), evidence.predicted.len())),
        Some(call) => Check::new(name, false, format!("{call} is outside")),
    }
}

/// Whatever broke, nothing happened twice: a call with the same content is the same, whatever number it goes by.
fn at_most_once(evidence: &Evidence<'_>) -> Check {
    let name = "no change took effect twice";
    let mut seen = std::collections::BTreeMap::<String, u32>::new();
    // A reboot that nobody saw proves no fence and is asked for again; the primary behind the fence serves nobody meanwhile.
    let again = |record: &Record| record.operation == "RebootDBInstance" && record.parameters.get("ForceFailover").is_none();
    for record in evidence.effects().into_iter().filter(|record| !again(record)) {
        let step = record.step.unwrap_or_default();
        let what = format!("{step}: {}:{} on {} in {}", record.service, record.operation, record.resource, record.region);
        *seen.entry(format!("{what} with {}", record.parameters)).or_default() += 1;
    }
    match seen.iter().find(|(_, times)| **times > 1) {
        None => Check::new(
            name,
            true,
            format!("{} changes, each of them once (reboots behind the fence not counted)", seen.len()),
        ),
        Some((what, times)) => Check::new(name, false, format!("{times} times: {what}")),
    }
}

/// What the report says of its steps is what the wire saw.
fn report_agrees(evidence: &Evidence<'_>, moved: bool) -> Check {
    let name = "the report's steps are what the wire saw";
    let steps = evidence.status.pointer("/report/steps").and_then(Value::as_array).cloned().unwrap_or_default();
    let status_of = |wanted: &str| {
        let step = steps.iter().find(|step| step.get("step").and_then(Value::as_str) == Some(wanted));
        step.and_then(|step| step.get("status")).and_then(Value::as_str).unwrap_or("pending").to_owned()
    };
    let effects = evidence.effects();
    for record in &effects {
        let step = record.step.as_deref().unwrap_or_default();
        if status_of(step) == "pending" {
            return Check::new(name, false, format!("{step} is said not to have begun, and made {}", record.operation));
        }
    }
    // Holds and fences may be done without their calls: they are best effort, and consent judges what is missing.
    let binding = ["promote", "repoint", "force_failover"];
    for call in evidence.predicted {
        let step = call.step.as_str();
        let binds = binding.iter().any(|kind| step.contains(&format!("-{kind}-")));
        let took_effect = effects.iter().any(|record| {
            record.step.as_deref() == Some(step) && record.operation == call.operation && record.resource == call.resource
        });
        if binds && status_of(step) == "done" && !took_effect {
            return Check::new(name, false, format!("{step} is said to be done without its {}", call.operation));
        }
    }
    let reversed = moved && evidence.end() == "rolled_back";
    Check::new(name, !reversed, format!("{} changes, all of steps that the report calls begun", effects.len()))
}

/// No mutation was made on behalf of no step.
fn every_mutation_tagged(evidence: &Evidence<'_>) -> Check {
    let name = "every mutation was made on behalf of a step";
    let strays: Vec<String> = evidence
        .drill
        .stage
        .log
        .untagged_mutations_since(evidence.mark)
        .into_iter()
        .map(|record| format!("{}:{}", record.service, record.operation))
        .collect();
    Check::new(name, strays.is_empty(), if strays.is_empty() { "none without".to_owned() } else { strays.join(", ") })
}
