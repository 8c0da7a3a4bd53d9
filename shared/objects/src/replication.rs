//! The rules by which a bucket is replicated: GetBucketReplication.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_xml::decode::{Document, ScopedDecoder};

use crate::client::{Client, is_not_now, other_region, refusal, status};
use crate::failure::{Code, Failure};
use crate::fetch::patiently;
use crate::listing::{body, data};
use crate::reader::Limits;

/// What S3 answers of a bucket that has no rules.
const NO_RULES: &str = "ReplicationConfigurationNotFoundError";

/// A rule of replication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicationRule {
    /// Its id.
    pub id: String,
    /// Whether it does anything.
    pub enabled: bool,
    /// Among rules to one bucket, the one with the highest copies an object.
    pub priority: i64,
    /// The ARN of the bucket that it copies to.
    pub destination: String,
    /// What the keys begin with that it copies; empty: all do.
    pub prefix: String,
    /// The tags that an object must have, as `key=value`.
    pub tags: Vec<String>,
    /// Whether it copies delete markers, too.
    pub delete_markers: bool,
    /// Whether it copies objects that are encrypted under keys of KMS.
    pub kms_objects: bool,
}

impl Client {
    /// Every rule of a bucket; none where replication was never set up, or was taken away.
    ///
    /// # Errors
    /// A [`Failure`]; [`Code::Missing`] when there is no such bucket.
    pub async fn replication_rules(&self, bucket: &str, limits: &Limits) -> Result<Vec<ReplicationRule>, Failure> {
        let what = format!("s3://{bucket}");
        let mut region = self.region().to_owned();
        let mut response = patiently(limits, || self.configuration(bucket, &what, &region, limits)).await?;
        // A bucket of another Region says which.
        if let Some(other) = other_region(&response, &region) {
            region = other;
            response = patiently(limits, || self.configuration(bucket, &what, &region, limits)).await?;
        }
        let said = status(&response);
        let refused = refusal(&what, &response);
        match said {
            200 => {
                let text = body(&what, response, limits).await?;
                let unreadable = |why| Failure::new(Code::Unexpected, format!("{what}: its rules cannot be read: {why}"));
                read(&text).map_err(unreadable)
            }
            404 => match error_code(&body(&what, response, limits).await?) {
                Some(code) if code == NO_RULES => Ok(Vec::new()),
                _ => Err(Failure::new(Code::Missing, format!("{what}: there is no such bucket (HTTP 404)"))),
            },
            403 => {
                let message = format!("{what}: the caller lacks s3:GetReplicationConfiguration (HTTP 403)");
                Err(Failure::new(Code::Denied, message))
            }
            _ => Err(refused),
        }
    }

    /// The answer, unless it is worth another try.
    async fn configuration(&self, bucket: &str, what: &str, region: &str, limits: &Limits) -> Result<HttpResponse, Failure> {
        let uri = self.replication_uri(bucket, region);
        let response = self.send_to("GET", uri, &what, region, &[], limits.stall).await?;
        if is_not_now(status(&response)) { Err(refusal(&what, &response)) } else { Ok(response) }
    }
}

fn error_code(text: &[u8]) -> Option<String> {
    let mut document = Document::new(std::str::from_utf8(text).ok()?);
    let mut root = document.root_element().ok()?;
    while let Some(mut tag) = root.next_tag() {
        if tag.start_el().local() == "Code" {
            return data(&mut tag).ok();
        }
    }
    None
}

/// The XML reader takes a text that breaks off for one that ends there, and a rule or a filter would be lost with it.
fn read(text: &[u8]) -> Result<Vec<ReplicationRule>, String> {
    let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
    if !text.trim_end().ends_with("</ReplicationConfiguration>") {
        return Err("they do not end as a configuration does".to_owned());
    }
    let mut document = Document::new(text);
    let mut root = document.root_element().map_err(|error| error.to_string())?;
    if root.start_el().local() != "ReplicationConfiguration" {
        return Err(format!("they are a {}", root.start_el().local()));
    }
    let mut rules = Vec::new();
    while let Some(mut tag) = root.next_tag() {
        if tag.start_el().local() == "Rule" {
            rules.push(rule(&mut tag)?);
        }
    }
    Ok(rules)
}

fn rule(tag: &mut ScopedDecoder<'_, '_>) -> Result<ReplicationRule, String> {
    let (mut id, mut enabled, mut destination, mut filter, mut prefix) = (String::new(), None, None, None, String::new());
    let (mut priority, mut delete_markers, mut kms_objects) = (0, None, false);
    while let Some(mut field) = tag.next_tag() {
        match field.start_el().local() {
            "ID" => id = data(&mut field)?,
            "Status" => enabled = Some(is_enabled(&data(&mut field)?)?),
            "Priority" => priority = data(&mut field)?.parse().map_err(|_| "a priority is no number".to_owned())?,
            "Prefix" => prefix = data(&mut field)?,
            "Filter" => filter = Some(filter_of(&mut field)?),
            "Destination" => destination = inner(&mut field, "Bucket")?,
            "DeleteMarkerReplication" => delete_markers = Some(status_in(&mut field)?),
            "SourceSelectionCriteria" => {
                while let Some(mut criterion) = field.next_tag() {
                    if criterion.start_el().local() == "SseKmsEncryptedObjects" {
                        kms_objects = status_in(&mut criterion)?;
                    }
                }
            }
            _ => {}
        }
    }
    // Rules without a filter are of the first version of the schema, whose prefix stands in the rule itself, and they copy delete
    // markers (S3 user guide, "Replication configuration file elements", backward compatibility).
    let delete_markers = delete_markers.unwrap_or(filter.is_none());
    let (prefix, tags) = filter.unwrap_or((prefix, Vec::new()));
    Ok(ReplicationRule {
        id,
        enabled: enabled.ok_or("a rule does not say whether it is enabled")?,
        priority,
        destination: destination.ok_or("a rule does not say where it copies to")?,
        prefix,
        tags,
        delete_markers,
        kms_objects,
    })
}

/// The prefix and the tags of a filter. One that has something else might leave out anything.
fn filter_of(tag: &mut ScopedDecoder<'_, '_>) -> Result<(String, Vec<String>), String> {
    let (mut prefix, mut tags) = (String::new(), Vec::new());
    while let Some(mut field) = tag.next_tag() {
        match field.start_el().local() {
            "Prefix" => prefix = data(&mut field)?,
            "Tag" => tags.push(tag_of(&mut field)?),
            "And" => (prefix, tags) = filter_of(&mut field)?,
            other => return Err(format!("a filter has {other}, which this version does not know")),
        }
    }
    Ok((prefix, tags))
}

fn tag_of(tag: &mut ScopedDecoder<'_, '_>) -> Result<String, String> {
    let (mut key, mut value) = (String::new(), String::new());
    while let Some(mut field) = tag.next_tag() {
        match field.start_el().local() {
            "Key" => key = data(&mut field)?,
            "Value" => value = data(&mut field)?,
            _ => {}
        }
    }
    Ok(format!("{key}={value}"))
}

fn inner(tag: &mut ScopedDecoder<'_, '_>, name: &str) -> Result<Option<String>, String> {
    let mut found = None;
    while let Some(mut field) = tag.next_tag() {
        if field.start_el().local() == name {
            found = Some(data(&mut field)?);
        }
    }
    Ok(found)
}

fn status_in(tag: &mut ScopedDecoder<'_, '_>) -> Result<bool, String> {
    inner(tag, "Status")?.map_or(Ok(false), |status| is_enabled(&status))
}

fn is_enabled(status: &str) -> Result<bool, String> {
    match status {
        "Enabled" => Ok(true),
        "Disabled" => Ok(false),
        other => Err(format!("{other:?} is no status")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As in the reference of GetBucketReplication, with a rule of each version of the schema.
    const RULES: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ReplicationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Role>arn:aws:iam::123456789012:role/copies</Role>
<Rule><ID>everything</ID><Status>Enabled</Status><Priority>7</Priority><DeleteMarkerReplication><Status>Disabled</Status>
</DeleteMarkerReplication><Filter><And><Prefix>in/&amp;out</Prefix><Tag><Key>kind</Key><Value>scan</Value></Tag><Tag><Key>of</Key>
<Value/></Tag></And></Filter><SourceSelectionCriteria><SseKmsEncryptedObjects><Status>Enabled</Status></SseKmsEncryptedObjects>
</SourceSelectionCriteria><Destination><Bucket>arn:aws:s3:::lake-dr</Bucket><Metrics><Status>Disabled</Status></Metrics>
</Destination></Rule>
<Rule><ID>old</ID><Prefix>a/</Prefix><Status>Disabled</Status><Destination><Bucket>arn:aws:s3:::other</Bucket></Destination></Rule>
</ReplicationConfiguration>"#;

    #[test]
    fn a_rule_says_what_it_copies_whichever_version_it_is_of() {
        let [everything, old] = <[_; 2]>::try_from(read(RULES.as_bytes()).unwrap()).unwrap();
        let expected = ReplicationRule {
            id: "everything".to_owned(),
            enabled: true,
            priority: 7,
            destination: "arn:aws:s3:::lake-dr".to_owned(),
            prefix: "in/&out".to_owned(),
            tags: vec!["kind=scan".to_owned(), "of=".to_owned()],
            delete_markers: false,
            kms_objects: true,
        };
        assert_eq!(everything, expected);
        assert_eq!((old.prefix.as_str(), old.enabled, old.delete_markers, old.kms_objects), ("a/", false, true, false));
        let all = RULES.replace("<And><Prefix>in/&amp;out</Prefix>", "").replace("</And>", "");
        assert_eq!(read(all.as_bytes()).unwrap()[0].prefix, "", "a filter without a prefix has every key");
    }

    #[test]
    fn what_is_not_understood_is_no_rule_that_copies_everything() {
        for (from, to) in [
            ("<Status>Enabled</Status><Priority>", "<Priority>"),
            ("<Status>Disabled</Status><Destination>", "<Status>disabled</Status><Destination>"),
            ("<Priority>7", "<Priority>first"),
            ("<Bucket>arn:aws:s3:::other</Bucket>", ""),
            ("<Prefix>in/&amp;out</Prefix>", "<Size>7</Size>"),
            ("ReplicationConfiguration", "Error"),
        ] {
            assert!(RULES.contains(from), "{from}");
            assert!(read(RULES.replace(from, to).as_bytes()).is_err(), "{from} as {to:?}");
        }
        for length in 0..RULES.len() {
            assert!(read(&RULES.as_bytes()[..length]).is_err(), "{}", &RULES[..length]);
        }
    }

    #[test]
    fn that_there_are_no_rules_is_told_from_that_there_is_no_bucket() {
        let error = |code: &str| format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
        assert_eq!(error_code(error(NO_RULES).as_bytes()).as_deref(), Some(NO_RULES));
        assert_eq!(error_code(error("NoSuchBucket").as_bytes()).as_deref(), Some("NoSuchBucket"));
        assert_eq!(error_code(b"<Error>"), None);
    }
}
