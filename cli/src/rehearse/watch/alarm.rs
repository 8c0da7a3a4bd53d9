//! The alarm that starts recoveries: disarmed until it is quiet for the first time.

use serde_json::{Value, json};

use super::super::console::Line;
use crate::drill::Drill;

/// What was last told of it.
#[derive(Debug)]
pub(super) struct Alarm {
    name: Option<String>,
    state: Option<String>,
    armed: bool,
}

impl Alarm {
    pub(super) fn of(drill: &Drill) -> Self {
        Self { name: drill.platform.alarm().map(str::to_owned), state: None, armed: false }
    }

    pub(super) async fn look(&mut self, drill: &Drill) -> Vec<Line> {
        let Some(name) = self.name.clone() else { return Vec::new() };
        let parameters = json!({"AlarmNames": [name]});
        let client = &drill.stage.client;
        let answer = client.call("cloudwatch", drill.platform.region(), "describe_alarms", parameters).await;
        let answer = answer.unwrap_or_default();
        let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let state = text("/MetricAlarms/0/StateValue");
        let mut lines = Vec::new();
        let place = || format!("alarm {name}");
        if !state.is_empty() && self.state.as_ref() != Some(&state) {
            let reason = text("/MetricAlarms/0/StateReason");
            lines.push(Line::new(drill.stage.now(), place(), format!("{state}: {reason}")));
            self.state = Some(state.clone());
        }
        // Until the probe has published, silence would be taken for a failure.
        if state == "OK" && !self.armed && drill.arm(true).await.is_ok() {
            self.armed = true;
            lines.push(Line::new(drill.stage.now(), place(), "is armed: when it goes off, a recovery starts"));
        }
        lines
    }
}
