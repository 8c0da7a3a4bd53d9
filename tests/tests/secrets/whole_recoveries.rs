//! Whole recoveries of a platform whose secrets are canaries.

use std::collections::BTreeSet;
use std::time::Duration;

use rehearsal_world::Breakage;
use serde_json::{Value, json};
use shared::domain::incident::IncidentStatus;
use shared::domain::mutation::ParameterType;
use shared::domain::plan::ApprovalRule;
use shared::domain::step::FunctionName;
use simulation::{
    DATABASE_PARAMETER, DATABASE_SECRET, Fault, Platform, REPORTS_FUNCTION, Simulation, SsmParameter, primary_key,
};

use crate::canary::{CANARY, Forms};
use crate::traces::{Log, Trace, holding, traces};

fn event(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../events").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The platform with a canary wherever it keeps a secret, two minutes after its primary broke.
fn broken(platform: Platform) -> Simulation {
    let mut simulation = platform.stand_up();
    simulation.cloud.with(|state| {
        let west = |name: &str| ("us-west-2".to_owned(), name.to_owned());
        let secret = state.secrets.get_mut(&west(DATABASE_SECRET)).unwrap();
        for content in secret.versions.values_mut() {
            content["password"] = json!(CANARY);
            content["url"] = json!(format!("postgres://healthcare:{CANARY}@db/healthcare"));
        }
        // An encrypted parameter that holds something else than a host, now and before.
        let parameter = SsmParameter::new(ParameterType::SecureString, &[CANARY, CANARY]);
        state.parameters.insert(west(DATABASE_PARAMETER), parameter);
        for region in ["us-east-1", "us-west-2"] {
            let function = state.functions.get_mut(&(region.to_owned(), REPORTS_FUNCTION.to_owned())).unwrap();
            function.variables.insert("MAIL_TOKEN".to_owned(), CANARY.to_owned());
        }
    });
    simulation.run_for(Duration::from_secs(215));
    simulation.cloud.with(|state| state.world.break_instance(&primary_key(), Breakage::Hung, state.now));
    simulation.run_for(Duration::from_secs(117));
    simulation
}

fn asking() -> Platform {
    Platform::default().with_plan(|plan| {
        plan.scenarios.values_mut().for_each(|scenario| scenario.approval = ApprovalRule::Required);
    })
}

/// Every command and question there is, whatever comes of it.
fn ask_everything(simulation: &mut Simulation) {
    let incident = simulation.latest_incident();
    for file in [
        "recovery.dry_run.json",
        "recovery.status.json",
        "recovery.watchdog.json",
        "recovery.approve.json",
        "recovery.reject.json",
        "recovery.acknowledge.json",
        "recovery.disable.json",
        "recovery.enable.json",
        "recovery.start.json",
    ] {
        let mut payload = event(file);
        if let (Some(incident), true) = (&incident, payload.get("incident_id").is_some()) {
            payload["incident_id"] = json!(incident.id);
        }
        simulation.invoke(FunctionName::Recovery, "live", &payload);
    }
    for (function, files) in [
        (
            FunctionName::UpdateDatabaseEndpoints,
            ["update-database-endpoints.new_endpoint.json", "update-database-endpoints.site.json"].as_slice(),
        ),
        (FunctionName::ReadOnlyToggle, &["read-only-toggle.status.json", "read-only-toggle.read_only.json"]),
        (FunctionName::ReplicationCheck, &["replication-check.json"]),
        (FunctionName::BackupVerify, &["backup-verify.json"]),
    ] {
        for file in files {
            simulation.invoke(function, "live", &event(file));
        }
    }
    for (function, kind) in
        [(FunctionName::ReadOnlyToggle, "hold_writes"), (FunctionName::UpdateDatabaseEndpoints, "repoint")]
    {
        let predict = json!({"task": "predict", "kind": kind, "component": "database"});
        simulation.invoke(function, "live", &predict);
    }
}

fn assert_silent(simulation: &Simulation, log: &Log, what: &str) -> Vec<Trace> {
    let traces = traces(simulation, log);
    let forms = Forms::of(CANARY);
    let held = holding(&traces, &forms);
    assert!(held.is_empty(), "{what}: {:#?}", held.iter().take(3).collect::<Vec<_>>());
    traces
}

fn in_use(simulation: &Simulation) -> usize {
    let forms = Forms::of(CANARY);
    simulation.cloud.with(|state| {
        let secrets = state.secrets.values().filter(|secret| forms.found_in(&secret.current().to_string()).is_some());
        let functions = state.functions.values().filter(|function| function.variables.values().any(|value| value == CANARY));
        secrets.count() + functions.count()
    })
}

#[test]
fn a_promotion_and_everything_that_can_be_asked_about_it_tell_no_secret() {
    let log = Log::default();
    let simulation = log.around(|| {
        let mut simulation = broken(Platform::default());
        ask_everything(&mut simulation);
        let mut simulation = broken(Platform::default());
        simulation.deliver(&event("alarm.eventbridge.json"));
        let ended = simulation.run_to_end();
        assert_eq!(ended.incident.status, IncidentStatus::Completed, "{}", ended.report.reason);
        ask_everything(&mut simulation);
        simulation
    });
    assert_eq!(in_use(&simulation), 3, "the recovery kept what was secret where it was");
    let traces = assert_silent(&simulation, &log, "a promotion");
    let places: BTreeSet<&str> = traces.iter().map(|(place, _)| *place).collect();
    for place in [
        "invocation",
        "log",
        "report",
        "evidence",
        "due notice",
        "journal's incident",
        "journal",
        "sent notice",
        "execution",
        "call",
    ] {
        assert!(places.contains(place), "nothing was left in {place}, so nothing was searched there");
    }
}

#[test]
fn a_secret_in_any_of_these_places_would_be_found_in_any_of_its_forms() {
    let log = Log::default();
    let simulation = log.around(|| {
        let mut simulation = broken(Platform::default());
        simulation.deliver(&event("alarm.eventbridge.json"));
        simulation.run_to_end();
        simulation
    });
    let forms = Forms::of(CANARY);
    let clean = traces(&simulation, &log);
    assert!(holding(&clean, &forms).is_empty());
    let places: BTreeSet<&'static str> = clean.iter().map(|(place, _)| *place).collect();
    for place in places {
        for form in forms.each() {
            let mut planted = clean.clone();
            planted.iter_mut().find(|(of, _)| *of == place).unwrap().1.push_str(form);
            assert_eq!(holding(&planted, &forms).len(), 1, "{form} in {place}");
        }
    }
    // And by the ways on which it would come: a log line, a notice, a journal document.
    log.around(|| tracing::info!(password = CANARY, "a slip"));
    let mut planted = simulation.fork();
    planted.cloud.with(|state| state.notices[0].body.push_str(CANARY));
    let payload = json!({"scenario": "database_failure", "region": "us-east-1", "mode": "dry_run", "reason": CANARY});
    log.around(|| planted.invoke(FunctionName::Recovery, "live", &payload));
    let all = traces(&planted, &log);
    let found: Vec<&str> = holding(&all, &forms).into_iter().map(|(place, _)| *place).collect();
    assert_eq!(found, ["log", "invocation", "sent notice"]);
}

#[test]
fn a_rejection_and_its_undo_tell_no_secret_and_nobody_is_told_the_task_token() {
    let log = Log::default();
    let (simulation, token) = log.around(|| {
        let mut simulation = broken(asking());
        simulation.deliver(&event("alarm.eventbridge.json"));
        let asks = |simulation: &Simulation| {
            simulation
                .latest_incident()
                .and_then(|incident| incident.question)
                .is_some_and(|question| question.token.is_some())
        };
        assert!(simulation.run_until(Duration::from_secs(1_200), asks));
        ask_everything(&mut simulation);
        let incident = simulation.latest_incident().unwrap();
        let question = incident.question.unwrap();
        let reject = json!({"command": "reject", "incident_id": incident.id, "digest": question.digest(), "actor": "dana"});
        simulation.through("approve", &reject).unwrap();
        let ended = simulation.run_to_end();
        assert_eq!(ended.incident.status, IncidentStatus::RolledBack, "{}", ended.report.reason);
        ask_everything(&mut simulation);
        (simulation, question.token.unwrap())
    });
    let traces = assert_silent(&simulation, &log, "a rejection");
    // Step Functions hands the token to the task that keeps it, and the call that returns it carries it: nobody else has it.
    let told: Vec<&Trace> = holding(&traces, &Forms::of(&token))
        .into_iter()
        .filter(|(place, text)| match *place {
            "invocation" => !text.contains("await_approval"),
            "call" => !text.contains("SendTaskSuccess"),
            "journal's incident" => false,
            _ => true,
        })
        .collect();
    assert!(told.is_empty(), "{told:#?}");
    assert!(!holding(&traces, &Forms::of(&token)).is_empty(), "the token is nowhere, so nothing was searched for");
}

#[test]
fn no_failure_of_a_call_that_touches_a_secret_makes_a_recovery_tell_it() {
    let mut calm = broken(Platform::default());
    calm.deliver(&event("alarm.eventbridge.json"));
    let before = calm.fork();
    calm.run_to_end();
    let touched: Vec<(usize, &str)> = calm.cloud.with(|state| {
        let calls = state.calls.iter().filter(|call| {
            let keeps = ["ssm", "secretsmanager"].contains(&call.service);
            keeps || (call.service == "lambda" && call.operation.ends_with("Configuration"))
        });
        calls.map(|call| (call.number, call.operation)).collect()
    });
    // The first of each operation: what a failure is told by depends on the operation, not on how often it was made before.
    let mut operations = BTreeSet::new();
    let firsts: Vec<(usize, &str)> = touched.into_iter().filter(|(_, operation)| operations.insert(*operation)).collect();
    assert_eq!(firsts.len(), 8, "{firsts:?}");
    for (number, operation) in firsts {
        for fault in
            [Fault::Refused, Fault::Throttled, Fault::ServerError, Fault::ReplyLost, Fault::TimedOut, Fault::KilledBefore]
        {
            let what = format!("{operation} {fault:?}");
            let log = Log::default();
            let simulation = log.around(|| {
                let mut simulation = before.fork();
                simulation.strike(number, fault);
                simulation.run_to_end();
                ask_everything(&mut simulation);
                simulation
            });
            assert_silent(&simulation, &log, &what);
        }
    }
}
