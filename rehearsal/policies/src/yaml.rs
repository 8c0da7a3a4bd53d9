//! CloudFormation's YAML: the short forms of its functions are tags.

use serde_json::{Map, Number, Value, json};
use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle};

/// The document as CloudFormation would have it in JSON: `!Sub x` becomes `{"Fn::Sub": "x"}`.
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|error| format!("line {}: {}", error.marker().line(), error.info()))?;
        let value = match event {
            Event::Scalar(text, style, _, tag) => {
                let tag = tag.map(|tag| tag.suffix().to_owned());
                // A tagged scalar is an argument, and those are texts.
                let plain = style == ScalarStyle::Plain && tag.is_none();
                long_form(tag, if plain { typed(&text) } else { Value::from(text.into_owned()) })
            }
            Event::SequenceStart(_, _, tag) => {
                open.push(Open { tag: tag.map(|tag| tag.suffix().to_owned()), inner: Inner::List(Vec::new()) });
                continue;
            }
            Event::MappingStart(_, _, tag) => {
                open.push(Open { tag: tag.map(|tag| tag.suffix().to_owned()), inner: Inner::Map(Map::new(), None) });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(Open { tag, inner }) = open.pop() else { continue };
                let value = match inner {
                    Inner::List(items) => Value::Array(items),
                    Inner::Map(entries, _) => Value::Object(entries),
                };
                long_form(tag, value)
            }
            Event::Alias(_) => return Err("CloudFormation reads no YAML aliases".to_owned()),
            _ => continue,
        };
        match open.last_mut().map(|open| &mut open.inner) {
            None => root = Some(value),
            Some(Inner::List(items)) => items.push(value),
            Some(Inner::Map(entries, key)) => match key.take() {
                None => *key = Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
                Some(key) => {
                    entries.insert(key, value);
                }
            },
        }
    }
    root.ok_or_else(|| "the template is empty".to_owned())
}

struct Open {
    tag: Option<String>,
    inner: Inner,
}

enum Inner {
    List(Vec<Value>),
    /// Entries, and the key whose value comes next.
    Map(Map<String, Value>, Option<String>),
}

fn long_form(tag: Option<String>, value: Value) -> Value {
    match tag.as_deref() {
        None => value,
        Some(name @ ("Ref" | "Condition")) => json!({ name: value }),
        Some("GetAtt") => match value.as_str().and_then(|text| text.split_once('.')) {
            Some((resource, attribute)) => json!({"Fn::GetAtt": [resource, attribute]}),
            None => json!({"Fn::GetAtt": value}),
        },
        Some(name) => json!({ format!("Fn::{name}"): value }),
    }
}

/// What YAML makes of a scalar without quotes.
fn typed(text: &str) -> Value {
    match text {
        "" | "~" | "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(number), _) => Value::from(number),
            (_, Ok(number)) if text.starts_with(|first: char| first.is_ascii_digit() || first == '-') => {
                Number::from_f64(number).map_or_else(|| Value::from(text), Value::Number)
            }
            _ => Value::from(text),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_become_functions_wherever_they_stand() {
        let text = r#"
A: !Sub "${X}-y"
B: [!Ref C, !GetAtt D.Arn, 15, "15", true]
E: !If [F, { G: !Ref AWS::NoValue }, *]
"#
        .replace(", *]", ", \"*\"]");
        let expected = json!({
            "A": {"Fn::Sub": "${X}-y"},
            "B": [{"Ref": "C"}, {"Fn::GetAtt": ["D", "Arn"]}, 15, "15", true],
            "E": {"Fn::If": ["F", {"G": {"Ref": "AWS::NoValue"}}, "*"]},
        });
        assert_eq!(parse(&text).unwrap(), expected);
    }

    #[test]
    fn what_is_no_template_is_refused() {
        assert!(parse("").is_err());
        assert!(parse("A: [").is_err());
        assert!(parse("A: &x 1\nB: *x").is_err());
    }
}
