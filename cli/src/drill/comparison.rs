//! What a dry run promised against what the wire saw, in one normal form. "Made" never comes from our own journal.

use rehearsal::wire::log::RequestLog;
use serde_json::Value;
use shared::domain::call::Call;

/// The calls of a dry run's answer, in order.
pub(super) fn predicted(answer: &Value) -> Option<Vec<Call>> {
    let steps = answer.get("steps")?.as_array()?;
    let calls = steps.iter().flat_map(|step| step.get("will").and_then(Value::as_array).into_iter().flatten());
    calls.map(|call| serde_json::from_value(call.clone()).ok()).collect()
}

/// The mutations that the proxy saw since `mark`, in order, retries of one ordinal counted once.
pub(super) fn made(log: &RequestLog, mark: u64) -> Vec<Value> {
    log.mutations_since(mark).into_iter().filter_map(|made| serde_json::to_value(made.call).ok()).collect()
}

/// The first difference, as a sentence; `None` when both are equal, step by step and in order within each step.
pub(super) fn difference(predicted: &[Call], made: &[Value]) -> Option<String> {
    let predicted: Vec<Value> = predicted.iter().filter_map(|call| serde_json::to_value(call).ok()).collect();
    for (index, (promised, done)) in predicted.iter().zip(made).enumerate() {
        if promised != done {
            return Some(format!("call {} was promised as {promised} and made as {done}", index + 1));
        }
    }
    match predicted.len().cmp(&made.len()) {
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Less => {
            made.get(predicted.len()).map(|call| format!("a call was made that was not promised: {call}"))
        }
        std::cmp::Ordering::Greater => predicted.get(made.len()).map(|call| format!("a promised call was not made: {call}")),
    }
}
