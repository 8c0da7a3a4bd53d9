//! The plan file's form as a JSON Schema, for editors and other programs. Generated from the tables that the readers use.
//!
//! A schema knows form only: what refers to what, what follows what and what is possible on the day is `plan check`'s.

use serde_json::{Map, Value, json};

use crate::domain::identifier::ComponentName;
use crate::domain::plan::PLAN_VERSION;
use crate::domain::step::StepKind;

use super::format::{self, Form, Mapping};

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";
/// As [`crate::domain::duration::Seconds::parse`] reads it.
const DURATION: &str = "^[0-9]{1,9}[smhd]$";
/// As a line for people is read: something to see, and nothing that moves a cursor.
const LINE: &str = r"^(?=.*\S)[^\u0000-\u001f\u007f-\u009f]{1,200}$";
const STEP: &str = "step";
const SINGLE_STEP: &str = "single_step";

/// The schema of a plan file.
#[must_use]
pub fn schema() -> Value {
    let mut definitions = Map::new();
    define(&format::PLAN, &mut definitions);
    let mut root = match definitions.remove(format::PLAN.name) {
        Some(Value::Object(root)) => root,
        _ => Map::new(),
    };
    root.insert("$schema".to_owned(), json!(DRAFT));
    root.insert("title".to_owned(), json!("Recovery plan"));
    root.insert("$defs".to_owned(), Value::Object(definitions));
    Value::Object(root)
}

/// The schema as a file's text.
#[must_use]
pub fn schema_text() -> String {
    // Our own value has string keys only, so serialisation cannot fail.
    serde_json::to_string_pretty(&schema()).unwrap_or_default() + "\n"
}

fn define(mapping: &'static Mapping, definitions: &mut Map<String, Value>) {
    if definitions.contains_key(mapping.name) {
        return;
    }
    // Taken before its fields are: a mapping may come up again below itself.
    definitions.insert(mapping.name.to_owned(), Value::Null);
    let mut properties = Map::new();
    for field in mapping.fields {
        let mut property = form(&field.form, definitions);
        if let Value::Object(property) = &mut property {
            property.insert("description".to_owned(), json!(field.about));
        }
        properties.insert(field.name.to_owned(), property);
    }
    let required: Vec<&str> = mapping.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    let mut value = json!({
        "type": "object", "description": mapping.about, "properties": properties, "additionalProperties": false,
    });
    if required.is_empty() {
        value["minProperties"] = json!(1);
    } else {
        value["required"] = json!(required);
    }
    definitions.insert(mapping.name.to_owned(), value);
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/$defs/{name}")})
}

fn form(form_of: &'static Form, definitions: &mut Map<String, Value>) -> Value {
    match form_of {
        Form::Version => json!({"const": PLAN_VERSION}),
        Form::Pattern(pattern) => json!({"type": "string", "pattern": pattern}),
        Form::Duration => json!({"type": "string", "pattern": DURATION}),
        Form::Count(most) => json!({"type": "integer", "minimum": 1, "maximum": most}),
        Form::Number => json!({"type": "integer", "minimum": 0, "maximum": u32::MAX}),
        Form::Boolean => json!({"type": "boolean"}),
        Form::Date => json!({"type": "string", "format": "date"}),
        Form::Line => json!({"type": "string", "pattern": LINE}),
        Form::Words(words) => json!({"enum": words()}),
        Form::Constant(word) => json!({"const": word}),
        Form::List(item) => json!({"type": "array", "items": form(item, definitions), "minItems": 1}),
        Form::Mapping(mapping) => {
            define(mapping, definitions);
            reference(mapping.name)
        }
        Form::OneOf(mappings) => {
            let alternatives: Vec<Value> = mappings
                .iter()
                .map(|mapping| {
                    define(mapping, definitions);
                    reference(mapping.name)
                })
                .collect();
            json!({"anyOf": alternatives})
        }
        Form::Named(pattern, value) => json!({
            "type": "object", "propertyNames": {"pattern": pattern}, "additionalProperties": form(value, definitions),
            "minProperties": 1,
        }),
        Form::ByWord(words, value) => {
            let value = form(value, definitions);
            let properties: Map<String, Value> = words().into_iter().map(|word| (word.to_owned(), value.clone())).collect();
            json!({"type": "object", "properties": properties, "additionalProperties": false, "minProperties": 1})
        }
        Form::Step => {
            define_steps(definitions);
            reference(STEP)
        }
    }
}

/// A step is a mapping of one entry: what is done, to what.
fn define_steps(definitions: &mut Map<String, Value>) {
    define(&format::GATE, definitions);
    let component = json!({"type": "string", "pattern": ComponentName::PATTERN});
    let mut kinds: Map<String, Value> =
        StepKind::ALL.iter().map(|kind| (kind.as_str().to_owned(), component.clone())).collect();
    kinds.insert(StepKind::Gate.as_str().to_owned(), reference(format::GATE.name));
    let one = |properties: &Map<String, Value>| {
        json!({
            "type": "object", "properties": properties, "additionalProperties": false,
            "minProperties": 1, "maxProperties": 1,
        })
    };
    definitions.insert(SINGLE_STEP.to_owned(), one(&kinds));
    let together = json!({
        "type": "array", "items": reference(SINGLE_STEP), "minItems": 1, "description": "Steps that run side by side.",
    });
    kinds.insert("together".to_owned(), together);
    definitions.insert(STEP.to_owned(), one(&kinds));
}
