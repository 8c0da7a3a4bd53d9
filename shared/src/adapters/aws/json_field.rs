//! Replaces one field of a JSON object's text and leaves every other character as it was: a secret's other fields are not ours
//! to reformat, not even a number's last zero.

use std::ops::Range;

use serde::de::IgnoredAny;
use serde_json::Deserializer;

/// Where a field's value stands in the text of an object; `None` when it has no such field. Of a field that stands there twice,
/// the last one, which is the one that readers take.
///
/// `Err` when the text is not one JSON object.
pub(super) fn value_of(text: &str, field: &str) -> Result<Option<Range<usize>>, NotAnObject> {
    let (fields, _) = fields(text)?;
    Ok(fields.into_iter().rev().find(|(name, _)| name == field).map(|(_, value)| value))
}

/// The text with the field set to a string. A field that is not there is added at the end.
pub(super) fn with_string(text: &str, field: &str, value: &str) -> Result<String, NotAnObject> {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    if let Some(range) = value_of(text, field)? {
        let (before, after) = (text.get(..range.start), text.get(range.end..));
        let (Some(before), Some(after)) = (before, after) else {
            return Err(NotAnObject);
        };
        return Ok(format!("{before}{}{after}", quoted(value)));
    }
    let (fields, last) = fields(text)?;
    let (Some(before), Some(after)) = (text.get(..last), text.get(last..)) else {
        return Err(NotAnObject);
    };
    let comma = if fields.is_empty() { "" } else { "," };
    Ok(format!("{before}{comma}{}:{}{after}", quoted(field), quoted(value)))
}

/// The text is not one JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotAnObject;

/// A field's name, and where its value stands.
type Field = (String, Range<usize>);

/// The object's fields, and where the last one ends (after the brace, when there is none).
fn fields(text: &str) -> Result<(Vec<Field>, usize), NotAnObject> {
    // The parser judges the whole; the walk below then only has to find its way.
    serde_json::from_str::<IgnoredAny>(text).map_err(|_| NotAnObject)?;
    let mut at = skip(text, 0);
    if byte(text, at) != Some(b'{') {
        return Err(NotAnObject);
    }
    at += 1;
    let mut last = at;
    let mut fields = Vec::new();
    loop {
        at = skip(text, at);
        match byte(text, at).ok_or(NotAnObject)? {
            b'}' => return Ok((fields, last)),
            b',' => at = skip(text, at + 1),
            _ => {}
        }
        let (name, end) = next::<String>(text, at)?;
        let start = skip(text, skip(text, end) + 1);
        let (IgnoredAny, end) = next::<IgnoredAny>(text, start)?;
        fields.push((name, start..end));
        (at, last) = (end, end);
    }
}

/// The next value, and where it ends.
fn next<'a, T: serde::Deserialize<'a>>(text: &'a str, at: usize) -> Result<(T, usize), NotAnObject> {
    let rest = text.get(at..).ok_or(NotAnObject)?;
    let mut values = Deserializer::from_str(rest).into_iter::<T>();
    let value = values.next().and_then(Result::ok).ok_or(NotAnObject)?;
    Ok((value, at + values.byte_offset()))
}

fn skip(text: &str, mut at: usize) -> usize {
    while matches!(byte(text, at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

fn byte(text: &str, at: usize) -> Option<u8> {
    text.as_bytes().get(at).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn one_value_changes_and_every_other_character_stays() {
        for (before, after) in [
            (r#"{"host":"old","port":5432}"#, r#"{"host":"new","port":5432}"#),
            (
                r#"{ "port" : 1.50, "host" : "old" , "n":12345678901234567890123 }"#,
                r#"{ "port" : 1.50, "host" : "new" , "n":12345678901234567890123 }"#,
            ),
            (r#"{"host":null}"#, r#"{"host":"new"}"#),
            (r#"{"host":5432}"#, r#"{"host":"new"}"#),
            (r#"{"inner":{"host":"kept"},"host":{"a":["}"]}}"#, r#"{"inner":{"host":"kept"},"host":"new"}"#),
            (r#"{"h\u006fst":"old"}"#, r#"{"h\u006fst":"new"}"#),
            (r#"{"host":"first","host":"second"}"#, r#"{"host":"first","host":"new"}"#),
            (r#"{"password":"\"host\":\"x\" é{"}"#, r#"{"password":"\"host\":\"x\" é{","host":"new"}"#),
            ("{ }", r#"{"host":"new" }"#),
            ("{\n  \"a\": 1\n}\n", "{\n  \"a\": 1,\"host\":\"new\"\n}\n"),
        ] {
            assert_eq!(with_string(before, "host", "new").unwrap(), after, "{before}");
        }
    }

    #[test]
    fn what_is_not_one_object_is_left_alone() {
        for text in ["", "hunter2", "[]", "\"host\"", "{\"host\":\"x\"} x", "{\"host\"", "{\"a\":1,}"] {
            assert_eq!(with_string(text, "host", "new"), Err(NotAnObject), "{text}");
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map("\\PC{0,6}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn reading_the_changed_text_gives_the_old_fields_and_the_new_value(
            fields in prop::collection::hash_map("\\PC{0,6}|host", json(), 0..5),
            pretty: bool,
            value in "\\PC{0,20}",
        ) {
            let mut expected = Value::Object(fields.into_iter().collect());
            let text = if pretty { serde_json::to_string_pretty(&expected) } else { serde_json::to_string(&expected) }.unwrap();
            let changed = with_string(&text, "host", &value).unwrap();
            expected["host"] = Value::from(value);
            prop_assert_eq!(serde_json::from_str::<Value>(&changed).unwrap(), expected);
        }
    }
}
