//! What the platform keeps secret is told by nobody: not by the functions' logs, the execution's history, the journal, or a report.

use recoveryctl::drill::{Drill, DrillReport};
use serde_json::{Value, json};

/// Values of the platform's secret and environment that no plan names (`Platform::sites` and the emulator's set-up make them).
const CANARIES: [&str; 3] = ["canary-password-of-the-rehearsal", "canary-token-of-the-rehearsal", "never-shown-"];

/// Searches everything that a recovery leaves in the account.
pub(crate) async fn assert_none_is_told(drill: &Drill, report: &DrillReport) {
    let (client, region) = (&drill.stage.client, drill.platform.region());
    let ask = async |service: &str, operation: &str, parameters: Value| {
        let answer = client.call(service, region, operation, parameters).await;
        answer.unwrap_or_else(|error| panic!("{service} {operation}: {error}"))
    };
    let name = drill.platform.recovery_function();
    let mut searched: Vec<(String, String)> = vec![("report".to_owned(), serde_json::to_string(report).unwrap())];

    let journal = ask("dynamodb", "scan", json!({"TableName": format!("{name}-journal")})).await;
    searched.push(("journal".to_owned(), journal.to_string()));

    let machines = ask("stepfunctions", "list_state_machines", json!({})).await;
    for machine in machines["stateMachines"].as_array().unwrap() {
        let executions =
            ask("stepfunctions", "list_executions", json!({"stateMachineArn": machine["stateMachineArn"]})).await;
        for execution in executions["executions"].as_array().unwrap() {
            let parameters = json!({"executionArn": execution["executionArn"], "maxResults": 1000});
            let history = ask("stepfunctions", "get_execution_history", parameters).await;
            searched.push(("history".to_owned(), history.to_string()));
        }
    }

    let groups = ask("logs", "describe_log_groups", json!({"logGroupNamePrefix": "/aws/lambda/"})).await;
    for group in groups["logGroups"].as_array().unwrap() {
        let group = group["logGroupName"].as_str().unwrap();
        // The write probe and the reports function are the platform's own: what they log is not ours.
        let ours = ["-recovery", "update-database-endpoints", "read-only-toggle", "replication-check", "backup-verify"];
        if ours.iter().any(|ours| group.ends_with(ours)) {
            let events = ask("logs", "filter_log_events", json!({"logGroupName": group, "limit": 10_000})).await;
            searched.push((format!("log of {group}"), events.to_string()));
        }
    }

    // The search would find what is there: in each of these places something is known to stand, and the secrets exist.
    for (place, known) in
        [("journal", "incident#"), ("history", "incident_id"), ("log of", "decided"), ("report", "completed")]
    {
        let mut places = searched.iter().filter(|(of, _)| of.starts_with(place));
        assert!(
            places.any(|(_, text)| text.contains(known)),
            "{place} does not hold {known:?}, so nothing was searched there"
        );
    }
    let kept = drill.stage.sites_now().await.unwrap().to_string();
    for canary in CANARIES {
        assert!(kept.contains(canary), "{canary} is not among the platform's secrets");
        for (place, text) in &searched {
            assert!(!text.contains(canary), "{place} holds {canary}");
        }
    }
}
