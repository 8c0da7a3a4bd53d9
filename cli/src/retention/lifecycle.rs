//! A bucket's lifecycle, as `aws s3api get-bucket-lifecycle-configuration` prints it.

use serde::Deserialize;
use shared::domain::retention::LifecycleRule;

/// Storage classes from which an object must be restored before it can be read.
const ARCHIVES: [&str; 2] = ["GLACIER", "DEEP_ARCHIVE"];

/// What is read of it. Tolerant: AWS adds fields, and a rule that is not understood in all is still one that expires objects.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Configuration {
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Rule {
    #[serde(rename = "ID", default)]
    id: String,
    status: String,
    /// Where rules had their prefix before there were filters.
    #[serde(default)]
    prefix: Option<String>,
    #[serde(default)]
    filter: Filter,
    #[serde(default)]
    expiration: Option<Expiration>,
    #[serde(default)]
    transitions: Vec<Transition>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Filter {
    prefix: Option<String>,
    tag: Option<serde_json::Value>,
    object_size_greater_than: Option<u64>,
    object_size_less_than: Option<u64>,
    and: Option<Both>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Both {
    prefix: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Expiration {
    days: Option<u32>,
    date: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Transition {
    days: Option<u32>,
    storage_class: String,
}

/// Reads the rules.
pub(super) fn read(json: &[u8]) -> Result<Vec<LifecycleRule>, String> {
    let configuration: Configuration = serde_json::from_slice(json)
        .map_err(|error| format!("this is not what `aws s3api get-bucket-lifecycle-configuration` prints: {error}"))?;
    Ok(configuration.rules.into_iter().map(rule).collect())
}

fn rule(rule: Rule) -> LifecycleRule {
    let Filter { prefix, tag, object_size_greater_than, object_size_less_than, and } = rule.filter;
    // `And` is only there to have a second condition.
    let some_objects =
        tag.is_some() || object_size_greater_than.is_some() || object_size_less_than.is_some() || and.is_some();
    let archived = rule.transitions.iter().filter(|to| ARCHIVES.contains(&to.storage_class.as_str()));
    LifecycleRule {
        id: rule.id,
        enabled: rule.status == "Enabled",
        prefix: prefix.or(and.and_then(|and| and.prefix)).or(rule.prefix).unwrap_or_default(),
        some_objects,
        expires_after_days: rule.expiration.as_ref().and_then(|expiration| expiration.days),
        expires_on_a_date: rule.expiration.as_ref().is_some_and(|expiration| expiration.date.is_some()),
        // Without days it is a transition on a date; of those, today counts.
        archived_after_days: archived.map(|to| to.days.unwrap_or(0)).min(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_command_line_of_aws_prints_is_read() {
        let printed = br#"{"TransitionDefaultMinimumObjectSize": "all_storage_classes_128K", "Rules": [
            {"ID": "old", "Prefix": "pg/", "Status": "Disabled", "Expiration": {"Days": 90}},
            {"ID": "tidy", "Status": "Enabled", "Filter": {"And": {"Prefix": "pg/", "Tags": [{"Key": "a", "Value": "b"}]}},
             "Expiration": {"Date": "2027-01-01T00:00:00+00:00"},
             "Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 60, "StorageClass": "DEEP_ARCHIVE"}]},
            {"ID": "markers", "Status": "Enabled", "Filter": {}, "Expiration": {"ExpiredObjectDeleteMarker": true},
             "NoncurrentVersionExpiration": {"NoncurrentDays": 7}}]}"#;
        let rules = read(printed).unwrap();
        let seen: Vec<_> = rules.iter().map(|rule| (rule.enabled, rule.prefix.as_str(), rule.expires_after_days)).collect();
        assert_eq!(seen, [(false, "pg/", Some(90)), (true, "pg/", None), (true, "", None)]);
        assert_eq!(
            (rules[1].some_objects, rules[1].expires_on_a_date, rules[1].archived_after_days),
            (true, true, Some(60))
        );
        assert_eq!((rules[2].some_objects, rules[2].expires_on_a_date, rules[2].archived_after_days), (false, false, None));
        assert!(read(b"{}").unwrap_err().contains("Rules"));
    }
}
