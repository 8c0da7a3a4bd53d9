//! The incident: its status, its steps, its question, its report.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::console::Line;
use super::super::guide::invoke;
use crate::drill::{Drill, timeline};

/// How far the latest incident was told.
#[derive(Debug, Default)]
pub(super) struct Incidents {
    approve: Approve,
    id: String,
    moments: usize,
    status: String,
    question: String,
}

/// What `recovery` says of the active or latest incident; none if there is none, or it cannot be asked now.
pub(super) async fn ask(drill: &Drill) -> Option<Value> {
    drill.invoke(&json!({"command": "status"})).await.ok()
}

/// How a question is answered.
#[derive(Debug, Clone, Default)]
pub(super) struct Approve {
    /// The AWS CLI of the rehearsal.
    pub(super) aws: PathBuf,
    /// The function's Region.
    pub(super) region: String,
    /// The function.
    pub(super) function: String,
}

impl Approve {
    fn command(&self, incident: &str, digest: &str) -> String {
        let payload = json!({"command": "approve", "incident_id": incident, "digest": digest, "actor": "operator"});
        // The alias is what makes an operator an approver.
        format!("{} --qualifier approve", invoke(&self.aws, &self.region, &self.function, &payload))
    }
}

impl Incidents {
    pub(super) fn new(approve: Approve) -> Self {
        Self { approve, ..Self::default() }
    }

    pub(super) fn tell(&mut self, status: &Value) -> Vec<Line> {
        let text = |pointer: &str| status.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let id = text("/incident_id");
        if id.is_empty() {
            return Vec::new();
        }
        if id != self.id {
            *self = Self { id: id.to_owned(), ..Self::new(self.approve.clone()) };
        }
        let moments = timeline(status);
        let at = moments.last().map(|moment| moment.at);
        let mut lines: Vec<Line> = moments
            .iter()
            .skip(self.moments)
            .map(|moment| {
                let place = if moment.step == "incident" { "incident".to_owned() } else { format!("step {}", moment.step) };
                Line::new(moment.at, place, format!("{}: {}", moment.event, moment.reason))
            })
            .collect();
        // A retry begins another run of the same incident, and its timeline goes on.
        self.moments = self.moments.max(moments.len());
        let Some(at) = at else { return lines };
        if text("/status") != self.status {
            self.status = text("/status").to_owned();
            lines.push(Line::new(at, "incident", format!("{id} is {}", self.status)));
            lines.extend(objectives(status).into_iter().map(|objective| Line::new(at, "incident", objective)));
        }
        let digest = text("/question/digest");
        if digest != self.question {
            self.question = digest.to_owned();
            if !digest.is_empty() {
                lines.push(Line::new(at, "question", text("/question/text")));
                lines.push(Line::new(at, "question", format!("to say yes: {}", self.approve.command(id, digest))));
            }
        }
        lines
    }
}

/// What was reached, once it is reported.
fn objectives(status: &Value) -> Vec<String> {
    let rows = status.pointer("/report/objectives").and_then(Value::as_array);
    let figure = |row: &Value, name: &str| {
        let figure = row.get(name).filter(|figure| !figure.is_null())?;
        let seconds =
            |field: &str| figure.get(field).and_then(Value::as_i64).map_or("unknown".to_owned(), |s| format!("{s} s"));
        let met = if figure.get("met").and_then(Value::as_bool) == Some(true) { "met" } else { "not met" };
        Some(format!("{} {} of {} ({met})", name.to_uppercase(), seconds("achieved_s"), seconds("objective_s")))
    };
    let line = |row: &Value| {
        let component = row.get("component").and_then(Value::as_str).unwrap_or_default();
        let figures: Vec<String> = ["rto", "rpo"].into_iter().filter_map(|name| figure(row, name)).collect();
        format!("{component}: {}", figures.join(", "))
    };
    rows.into_iter().flatten().map(line).collect()
}
