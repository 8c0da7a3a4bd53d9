//! The schema against an independent validator: it accepts what `plan check` accepts, and refuses what has another form.

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::domain::identifier::*;
use crate::planfile::read;
use crate::planfile::tests::table::rows;
use crate::planfile::tests::{SOUND, spoilt};

const COMMITTED: &str = include_str!("../../../plans/recovery-plan.schema.json");

fn validator() -> Validator {
    let committed: Value = serde_json::from_str(COMMITTED).unwrap();
    jsonschema::meta::validate(&committed).unwrap();
    jsonschema::options().should_validate_formats(true).build(&committed).unwrap()
}

/// A plan as other programs read it: by another YAML reader, into JSON.
fn as_json(text: &str) -> Option<Value> {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).ok()
}

#[test]
fn every_plan_of_the_repository_follows_the_schema() {
    let validator = validator();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../plans");
    let mut plans = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let plan = as_json(&std::fs::read_to_string(&path).unwrap()).unwrap();
            let errors: Vec<String> = validator.iter_errors(&plan).map(|error| error.to_string()).collect();
            assert_eq!(errors, Vec::<String>::new(), "{}", path.display());
            plans += 1;
        }
    }
    assert!(plans > 0, "no plan was found");
    assert!(validator.is_valid(&as_json(SOUND).unwrap()));
}

/// Codes of findings about the form alone. The other findings are about what a schema cannot know.
const OF_FORM: &[&str] = &[
    "bad_identifier",
    "empty_list",
    "missing_field",
    "unknown_component_kind",
    "unknown_condition",
    "unknown_field",
    "unknown_step_kind",
    "unknown_value",
    "wrong_type",
];

/// Whether the schema must say the same as `plan check` of this text: it accepts what has no findings of form, and refuses what
/// has one.
fn agrees(validator: &Validator, text: &str) -> Result<(), String> {
    let Some(plan) = as_json(text) else { return Ok(()) };
    let reading = read(text);
    let of_form = reading.findings.iter().find(|finding| OF_FORM.contains(&finding.code));
    match (of_form, validator.iter_errors(&plan).next()) {
        (Some(finding), None) => Err(format!("the schema accepts what has {finding:#?} in\n{text}")),
        (None, Some(error)) if reading.plan.is_some() => Err(format!("the schema refuses a sound plan: {error} in\n{text}")),
        _ => Ok(()),
    }
}

#[test]
fn the_schema_accepts_every_sound_plan_of_the_table_and_refuses_every_plan_of_another_form() {
    let validator = validator();
    let mut failures = Vec::new();
    let (mut accepted, mut refused) = (0, 0);
    for row in rows() {
        for text in [spoilt(row.spoil), spoilt(row.near)] {
            failures.extend(agrees(&validator, &text).err());
            match as_json(&text) {
                Some(plan) if validator.is_valid(&plan) => accepted += 1,
                Some(_) => refused += 1,
                None => {}
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert!(accepted > 100 && refused > 40, "{accepted} accepted and {refused} refused: what was compared?");
}

/// Every field of the sound plan taken away, given another type, and joined by one that nobody knows.
#[test]
fn reader_and_schema_agree_on_every_field_of_the_sound_plan() {
    let validator = validator();
    let sound = as_json(SOUND).unwrap();
    let mut failures = Vec::new();
    let mut tried = 0;
    let mut places = Vec::new();
    pointers(&sound, String::new(), &mut places);
    for pointer in places {
        for change in [remove, replace_by_number, replace_by_list, add_field] {
            let mut plan = sound.clone();
            if change(&mut plan, &pointer) {
                // JSON is YAML too, so the reader takes it as it is.
                failures.extend(agrees(&validator, &plan.to_string()).err().map(|failure| format!("{pointer}: {failure}")));
                tried += 1;
            }
        }
    }
    assert!(failures.is_empty(), "{} of {tried}, such as {}", failures.len(), failures[0]);
    assert!(tried > 300, "{tried}");
}

fn pointers(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                pointers(value, format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                pointers(value, format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
    found.push(at);
}

fn remove(plan: &mut Value, pointer: &str) -> bool {
    let Some((parent, name)) = pointer.rsplit_once('/') else { return false };
    match plan.pointer_mut(parent) {
        Some(Value::Object(map)) => map.remove(name).is_some(),
        _ => false,
    }
}

fn replace_by_number(plan: &mut Value, pointer: &str) -> bool {
    plan.pointer_mut(pointer).is_some_and(|value| {
        !value.is_number() && {
            *value = json!(7);
            true
        }
    })
}

fn replace_by_list(plan: &mut Value, pointer: &str) -> bool {
    plan.pointer_mut(pointer).is_some_and(|value| {
        !value.is_array() && {
            *value = json!([]);
            true
        }
    })
}

fn add_field(plan: &mut Value, pointer: &str) -> bool {
    match plan.pointer_mut(pointer) {
        Some(Value::Object(map)) => map.insert("Nobody_knows_this".to_owned(), json!("x")).is_none(),
        _ => false,
    }
}

fn pattern_agrees<I: TryFrom<String>>(name: &str, pattern: &str, texts: &[String]) {
    let validator = jsonschema::validator_for(&json!({"type": "string", "pattern": pattern})).unwrap();
    for text in texts {
        let accepted = I::try_from(text.clone()).is_ok();
        assert_eq!(validator.is_valid(&json!(text)), accepted, "{name}: {text:?} against {pattern}");
    }
}

#[test]
fn the_pattern_of_every_identifier_says_what_its_rule_says() {
    let mut texts: Vec<String> = [
        "",
        "a",
        "-a",
        "a-",
        "a--b",
        "a_b",
        "A",
        "1a",
        "shop",
        "us-west-2",
        "us-west",
        "us--2",
        "us-west_2",
        "123456789012",
        "12345678901",
        "sg-0f00d",
        "sg-0F00D",
        "sg-0f0",
        "sg-",
        "/shop/host",
        "with blank",
        "tab\t",
        "é",
        "_a",
        "a.b",
        "a..b",
        ".a",
        "a.",
        "*.a.b",
        "*.a",
        "a.*",
        "Z0SHOP",
        "Z",
        "E0SHOP",
        "e0shop",
        "/hostedzone/Z0SHOP",
        "a@b.c",
        "a@b",
        "@b.c",
        "a@b.c@d.e",
        "a@.c",
        "a@b.",
        "https://a",
        "https://",
        "http://a",
        "https://-a",
        "https://a b",
        "shop-dr",
        "my.bucket",
        "my-.bucket",
        "ab",
        "abc",
        "-abc",
        "abc-",
        "a.example.com",
        "a.example.com.",
        "-a.example.com",
        "a-.example.com",
        "_dmarc.example.com",
        "example._com",
        "arn:aws:rds:us-east-1:123456789012:db:x",
        "arn:aws:rds",
        "arn::rds:::x",
        "arn:aws:route53-recovery-control::1:controlpanel/a/routingcontrol/b",
        "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
        "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f",
        "0A1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
        "04-promote-database",
        "04",
        "shop-abcdefghijklmnopqrstuvwxyz",
        "shop-abcdefghijklmnopqrstuvwxy1",
    ]
    .map(str::to_owned)
    .to_vec();
    for length in [2, 17, 18, 25, 26, 31, 32, 33, 40, 41, 62, 63, 64, 80, 81, 128, 129, 253, 254, 255, 512, 513] {
        texts.extend(["a", "A", "7", "a.b", "a-a", "sg-"].map(|piece| piece.repeat(length)[..length].to_owned()));
        texts.push(format!("Z{}", "A".repeat(length)));
        texts.push(format!("E{}", "7".repeat(length)));
        texts.push(format!("https://{}", "a".repeat(length)));
        texts.push(format!("{}@b.c", "a".repeat(length)));
        texts.push(format!("{}.com", "a".repeat(length)));
        texts.push(format!("arn:aws:x:::{}", "a".repeat(length)));
    }
    macro_rules! agree {
        ($($name:ident),*) => { $(pattern_agrees::<$name>(stringify!($name), $name::PATTERN, &texts);)* };
    }
    agree!(
        PlatformName,
        ComponentName,
        ScenarioName,
        Region,
        AccountId,
        InstanceId,
        SecurityGroupId,
        ResourceName,
        VariableName,
        StepId,
        IncidentId,
        AlertName,
        Arn,
        BalancerName,
        BucketName,
        ClusterId,
        DistributionId,
        DomainName,
        EmailAddress,
        HealthCheckId,
        HostedZoneId,
        HttpsUrl,
        TableName,
        TimeZoneName
    );
}
