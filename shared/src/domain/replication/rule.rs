//! What a rule of S3 replication copies, beside what the plan says that it copies.

use super::BucketCopy;
use crate::domain::described::S3Data;
use crate::domain::observation::Sight;
use crate::printable::printable;

/// Characters of a name, a prefix or a tag that a sentence repeats.
const LONGEST_NAME: usize = 200;

/// A rule as its bucket has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleView {
    /// Its id.
    pub id: String,
    /// Whether it does anything.
    pub enabled: bool,
    /// Among rules to one bucket, the one with the highest copies an object.
    pub priority: i64,
    /// The bucket that it copies to.
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

impl RuleView {
    /// Whether keys that begin so may be among those that it copies.
    fn touches(&self, prefix: &str) -> bool {
        self.prefix.starts_with(prefix) || prefix.starts_with(&self.prefix)
    }
}

/// What the plan's rule copies, as a sentence; `Err` says why it does not copy all that the plan says, or why that is not known.
///
/// # Errors
/// A sentence without its end, for whoever wants to know what is not copied.
pub(super) fn coverage(copy: &BucketCopy, data: &S3Data, rules: &Sight<Vec<RuleView>>) -> Result<String, String> {
    let BucketCopy { source, destination, rule: id } = copy;
    let rules = match rules {
        Sight::Found { found } => found,
        Sight::Absent => return Err(format!("bucket {source} does not exist, so nothing is copied from it")),
        Sight::Unreached { reason } => return Err(format!("what rule {id} of {source} copies is not known: {reason}")),
    };
    let Some(rule) = rules.iter().find(|rule| rule.id == id.as_str()) else {
        return Err(format!("bucket {source} has no replication rule {id}, so nothing is copied by it"));
    };
    let prefix = data.primary.prefix();
    let named = |text: &str| printable(text, LONGEST_NAME);
    if !rule.enabled {
        return Err(format!("rule {id} of {source} is disabled, so nothing that is written now is copied"));
    }
    if rule.destination != destination.as_str() {
        return Err(format!("rule {id} of {source} copies to {}, and not to {destination}", named(&rule.destination)));
    }
    if !rule.tags.is_empty() {
        return Err(format!("rule {id} of {source} copies only objects with the tags {}", named(&rule.tags.join(", "))));
    }
    if !prefix.starts_with(&rule.prefix) {
        let all = if prefix.is_empty() { "all of the bucket".to_owned() } else { format!("all below {prefix}") };
        return Err(format!(
            "rule {id} of {source} copies only what is below {}, and the plan has {all}",
            named(&rule.prefix)
        ));
    }
    let takes_over = |other: &&RuleView| {
        let to_the_same = other.enabled && other.destination == rule.destination;
        to_the_same && other.priority > rule.priority && other.touches(prefix)
    };
    if let Some(other) = rules.iter().find(takes_over) {
        return Err(format!(
            "rule {} of {source} has a higher priority than rule {id} and copies objects instead of it, and how far that one is \
             behind is not looked at",
            named(&other.id)
        ));
    }
    let keys = if rule.kms_objects { "" } else { " but those under KMS keys" };
    let markers = if rule.delete_markers { "delete markers, too" } else { "no delete markers" };
    Ok(format!("rule {id} copies every new object{keys}, and {markers}; what is older than the rule is not looked at"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::described::{BucketSite, CopiedBy};
    use crate::domain::identifier::{BucketName, ResourceName};

    fn site(bucket: &str, prefix: &str) -> BucketSite {
        let prefix = (!prefix.is_empty()).then(|| ResourceName::new(prefix).unwrap());
        BucketSite { bucket: BucketName::new(bucket).unwrap(), prefix }
    }

    fn rule() -> RuleView {
        RuleView {
            id: "everything".to_owned(),
            enabled: true,
            priority: 1,
            destination: "lake-dr".to_owned(),
            prefix: String::new(),
            tags: Vec::new(),
            delete_markers: true,
            kms_objects: true,
        }
    }

    fn told(prefix: &str, rules: Sight<Vec<RuleView>>) -> Result<String, String> {
        let id = ResourceName::new("everything").unwrap();
        let copied_by = CopiedBy::ReplicationRule { id: id.clone() };
        let data = S3Data { primary: site("lake", prefix), recovery: site("lake-dr", ""), copied_by };
        let copy = BucketCopy { source: data.primary.bucket.clone(), destination: data.recovery.bucket.clone(), rule: id };
        coverage(&copy, &data, &rules)
    }

    #[test]
    fn a_rule_that_copies_all_that_the_plan_says_is_told_with_what_it_leaves_out_by_its_nature() {
        let all = told("", Sight::Found { found: vec![rule()] }).unwrap();
        assert!(all.starts_with("rule everything copies every new object, and delete markers, too; what is older"), "{all}");
        let narrow = RuleView { prefix: "in".to_owned(), delete_markers: false, kms_objects: false, ..rule() };
        let part = told("in/scans/", Sight::Found { found: vec![narrow] }).unwrap();
        assert!(part.starts_with("rule everything copies every new object but those under KMS keys, and no delete markers"));
    }

    #[test]
    fn whatever_keeps_a_rule_from_copying_what_the_plan_says_is_named() {
        let other = |id: &str| RuleView { id: id.to_owned(), priority: 2, ..rule() };
        let table: [(&str, &str, Vec<RuleView>); 9] = [
            ("", "has no replication rule everything", vec![]),
            ("", "has no replication rule everything", vec![other("else")]),
            ("", "is disabled", vec![RuleView { enabled: false, ..rule() }]),
            (
                "",
                "copies to lake-test, and not to lake-dr",
                vec![RuleView { destination: "lake-test".to_owned(), ..rule() }],
            ),
            ("", "the tags kind=scan", vec![RuleView { tags: vec!["kind=scan".to_owned()], ..rule() }]),
            (
                "",
                "only what is below in/, and the plan has all of the bucket",
                vec![RuleView { prefix: "in/".to_owned(), ..rule() }],
            ),
            (
                "out/",
                "only what is below in/, and the plan has all below out/",
                vec![RuleView { prefix: "in/".to_owned(), ..rule() }],
            ),
            ("", "rule else of lake has a higher priority", vec![rule(), other("else")]),
            (
                "in/",
                "rule else of lake has a higher priority",
                vec![rule(), RuleView { prefix: "in/a".to_owned(), ..other("else") }],
            ),
        ];
        for (prefix, why, rules) in table {
            let flaw = told(prefix, Sight::Found { found: rules }).unwrap_err();
            assert!(flaw.contains(why), "{flaw}");
        }
        assert!(told("", Sight::Absent).unwrap_err().contains("bucket lake does not exist"));
        let unread = told("", Sight::Unreached { reason: "throttled".to_owned() }).unwrap_err();
        assert!(unread.ends_with("is not known: throttled"), "{unread}");
    }

    #[test]
    fn rules_that_do_not_take_objects_from_the_plans_are_no_matter() {
        let other = RuleView { id: "else".to_owned(), priority: 2, ..rule() };
        for beside in [
            RuleView { priority: 1, ..other.clone() },
            RuleView { enabled: false, ..other.clone() },
            RuleView { destination: "elsewhere".to_owned(), ..other.clone() },
            RuleView { prefix: "out/".to_owned(), ..other.clone() },
        ] {
            assert!(told("in/", Sight::Found { found: vec![beside.clone(), rule()] }).is_ok(), "{beside:?}");
        }
    }
}
