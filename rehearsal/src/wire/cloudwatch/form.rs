//! The form of the Query protocol as the document that the other protocols send.

use jiff::Timestamp;
use rehearsal_world::ApiError;
use serde_json::{Map, Value, json};

/// Puts `MetricDataQueries.member.1.Id=lag` where a document has it. A form knows only texts; what is to be something else is
/// known by its name.
pub(super) fn document(fields: &Map<String, Value>) -> Result<Value, ApiError> {
    let mut root = Value::Null;
    for (path, value) in fields {
        let text = value.as_str().unwrap_or_default();
        let name = path.rsplit('.').next().unwrap_or(path);
        put(&mut root, path, path, typed(name, text)?)?;
    }
    Ok(if root.is_null() { json!({}) } else { root })
}

/// Puts a value at `rest`, which is what remains of `path`.
fn put(place: &mut Value, path: &str, rest: &str, value: Value) -> Result<(), ApiError> {
    let refused = || ApiError::malformed(format!("The parameter {path} cannot be placed."));
    let (name, below) = rest.split_once('.').map_or((rest, None), |(name, below)| (name, Some(below)));
    if place.is_null() {
        *place = json!({});
    }
    let slot = place.as_object_mut().ok_or_else(refused)?.entry(name).or_insert(Value::Null);
    match below.map(|below| below.strip_prefix("member.").ok_or(below)) {
        None if slot.is_null() => *slot = value,
        None => return Err(refused()),
        Some(Err(below)) => put(slot, path, below, value)?,
        Some(Ok(numbered)) => put_member(slot, path, numbered, value)?,
    }
    Ok(())
}

/// Puts a value into a list, whose members come in the order of their numbers as texts: `1`, `10`, `2`.
fn put_member(list: &mut Value, path: &str, numbered: &str, value: Value) -> Result<(), ApiError> {
    /// Longer than any list of this operation.
    const LONGEST: usize = 500;
    let refused = || ApiError::malformed(format!("The parameter {path} is no member of a list."));
    let (number, below) = numbered.split_once('.').map_or((numbered, None), |(number, below)| (number, Some(below)));
    let number = number.parse::<usize>().ok().filter(|number| (1..=LONGEST).contains(number)).ok_or_else(refused)?;
    if list.is_null() {
        *list = json!([]);
    }
    let members = list.as_array_mut().ok_or_else(refused)?;
    members.resize(members.len().max(number), Value::Null);
    match below {
        None => members[number - 1] = value,
        Some(below) => put(&mut members[number - 1], path, below, value)?,
    }
    Ok(())
}

fn typed(name: &str, text: &str) -> Result<Value, ApiError> {
    let refused = || ApiError::malformed(format!("{text} is no value for {name}."));
    match name {
        "Period" | "MaxDatapoints" => text.parse::<i64>().map(Value::from).map_err(|_| refused()),
        "ReturnData" => text.parse::<bool>().map(Value::from).map_err(|_| refused()),
        // Milliseconds are counted exactly by a double until long after the calendar ends.
        "StartTime" | "EndTime" => {
            let at: Timestamp = text.parse().map_err(|_| refused())?;
            Ok(json!(at.as_millisecond() as f64 / 1_000.0))
        }
        _ => Ok(Value::from(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Map<String, Value> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect()
    }

    #[test]
    fn a_form_becomes_the_document_that_the_other_protocols_send() {
        let form = fields(&[
            ("MetricDataQueries.member.1.Id", "lag"),
            ("MetricDataQueries.member.1.MetricStat.Period", "60"),
            ("MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.1.Name", "a"),
            ("MetricDataQueries.member.2.ReturnData", "false"),
            ("StartTime", "2026-11-20T14:00:00Z"),
        ]);
        let expected = json!({
            "MetricDataQueries": [
                {"Id": "lag", "MetricStat": {"Period": 60, "Metric": {"Dimensions": [{"Name": "a"}]}}},
                {"ReturnData": false},
            ],
            "StartTime": 1_795_183_200.0,
        });
        assert_eq!(document(&form).unwrap(), expected);
    }

    #[test]
    fn what_cannot_be_placed_is_refused() {
        for pairs in [
            &[("A", "1"), ("A.B", "2")][..],
            &[("A.member.0", "1")],
            &[("A.member.x", "1")],
            &[("A.member.501", "1")],
            &[("A.member.1", "1"), ("A.B", "1")],
            &[("StartTime", "yesterday")],
            &[("Period", "long")],
        ] {
            assert!(document(&fields(pairs)).is_err(), "{pairs:?}");
        }
    }
}
