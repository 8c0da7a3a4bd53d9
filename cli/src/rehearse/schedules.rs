//! The schedules of the template, which a rehearsal's stack has switched off: they keep simulated time here.

use std::convert::Infallible;
use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use crate::drill::Drill;

const WATCHDOG_S: f64 = 60.0;
const REPLICATION_CHECK_S: f64 = 300.0;
const BACKUP_VERIFY_S: f64 = 3_600.0;

/// Invokes what the template's schedules invoke, as they do: nobody waits for an answer. Never ends.
pub(super) async fn keep(drill: &Drill, speed: f64) -> Infallible {
    let recovery = drill.platform.recovery_function();
    tokio::select! {
        never = repeat(drill, &recovery, r#"{"task":"watchdog"}"#, WATCHDOG_S / speed) => never,
        never = repeat(drill, "replication-check", "{}", REPLICATION_CHECK_S / speed) => never,
        never = repeat(drill, "backup-verify", "{}", BACKUP_VERIFY_S / speed) => never,
    }
}

async fn repeat(drill: &Drill, function: &str, payload: &str, every: f64) -> Infallible {
    loop {
        sleep(Duration::from_secs_f64(every)).await;
        let parameters = json!({"FunctionName": function, "InvocationType": "Event", "Payload": payload});
        // Whatever became of it: on the real day the next turn tries again as well.
        let _taken = drill.stage.client.call("lambda", drill.platform.region(), "invoke", parameters).await;
    }
}
