//! The calls: what changes something, what people ask for, and where faults strike.

use std::collections::BTreeSet;

use rehearsal::wire::call::CallClass;
use rehearsal::wire::log::Record;

use super::super::console::Line;
use super::super::operator::USER;
use super::Changed;
use crate::drill::Drill;

/// How far the log was told.
#[derive(Debug)]
pub(super) struct Wire {
    seen: usize,
    own: String,
    operator: String,
    struck: BTreeSet<(String, String, String)>,
}

impl Wire {
    /// From now on: what set the stage is no news.
    pub(super) fn new(drill: &Drill, operator: &str) -> Self {
        Self {
            seen: drill.stage.log.records().len(),
            own: drill.platform.plan.account.to_string(),
            operator: operator.to_owned(),
            struck: BTreeSet::new(),
        }
    }

    pub(super) fn look(&mut self, drill: &Drill, changed: &Changed) -> Vec<Line> {
        let records = drill.stage.log.ended_after(self.seen);
        self.seen += records.len();
        let mut lines = Vec::new();
        for record in &records {
            if record.service == "dynamodb" && is_write(&record.operation) {
                changed.journal.notify_one();
            }
            // A call may have taken effect whatever was answered.
            if record.class == CallClass::Mutation {
                changed.platform.notify_one();
            }
            lines.extend(self.line(record));
        }
        lines
    }

    fn line(&mut self, record: &Record) -> Option<Line> {
        let own = record.access_key.as_deref() == Some(self.own.as_str());
        let by_hand = record.access_key.as_deref() == Some(self.operator.as_str());
        let who = match &record.step {
            Some(step) => format!("step {step}"),
            None if by_hand => USER.to_owned(),
            None => "functions".to_owned(),
        };
        // The same strike again and again is told once: whoever waits for a dark Region asks it every few seconds.
        let strike = record.fault.as_ref().is_some_and(|fault| {
            self.struck.insert((fault.clone(), who.clone(), format!("{}:{}", record.service, record.operation)))
        });
        let told = match record.class {
            CallClass::Mutation => true,
            CallClass::Control => by_hand,
            CallClass::Read => false,
        };
        if own || !(told || strike) {
            return None;
        }
        Some(Line::new(record.simulated, who, describe(record)))
    }
}

fn is_write(operation: &str) -> bool {
    matches!(operation, "TransactWriteItems" | "PutItem" | "UpdateItem" | "DeleteItem")
}

/// What was called on what, and what came of it.
fn describe(record: &Record) -> String {
    let outcome = match (record.status, &record.error) {
        (_, Some(error)) => error.clone(),
        (Some(status), None) => status.to_string(),
        (None, None) => "no answer".to_owned(),
    };
    let fault = record.fault.as_ref().map_or_else(String::new, |fault| format!(" (fault {fault})"));
    format!("{}:{} on {} in {}: {outcome}{fault}", record.service, record.operation, record.resource, record.region)
}
