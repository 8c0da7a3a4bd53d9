//! A bucket's own rules against the policy: what S3 expires is gone, whatever anybody wanted to keep.

use serde::{Deserialize, Serialize};

use super::calendar::Class;
use crate::domain::described::Keep;

/// A rule of a bucket's lifecycle, as far as it can cost a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifecycleRule {
    /// Its id.
    pub id: String,
    /// Whether it is in force.
    pub enabled: bool,
    /// What keys begin with that it is for; empty: all.
    pub prefix: String,
    /// Whether it is only for objects with certain tags or sizes.
    pub some_objects: bool,
    /// After how many days an object expires.
    pub expires_after_days: Option<u32>,
    /// Whether objects expire on a fixed date.
    pub expires_on_a_date: bool,
    /// After how many days an object moves to a storage class from which it must be restored before it can be read.
    pub archived_after_days: Option<u32>,
}

/// Something that the bucket does and the policy does not want.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contradiction {
    /// Stable code.
    pub code: &'static str,
    /// What it costs, as a sentence.
    pub message: String,
}

/// What of these rules contradicts a policy for archives below a prefix.
#[must_use]
pub fn contradictions(keep: Keep, prefix: &str, rules: &[LifecycleRule]) -> Vec<Contradiction> {
    rules.iter().filter(|rule| rule.enabled && meets(&rule.prefix, prefix)).flat_map(|rule| of_rule(keep, rule)).collect()
}

/// Whether a rule's prefix and the archives' have keys in common.
fn meets(rule: &str, archives: &str) -> bool {
    rule.starts_with(archives) || archives.starts_with(rule)
}

fn of_rule(keep: Keep, rule: &LifecycleRule) -> Vec<Contradiction> {
    let which = if rule.some_objects { " (of the objects that its filter selects)" } else { "" };
    let mut found = Vec::new();
    if let Some(days) = rule.expires_after_days {
        let costs = costs(keep, days);
        if !costs.is_empty() {
            found.push(Contradiction {
                code: "lifecycle_expires_first",
                message: format!(
                    "rule {} expires objects after {days} days{which}, before the policy lets them go: lost are {}. \
                     Lengthen the rule or shorten the policy",
                    rule.id,
                    costs.join(", ")
                ),
            });
        }
    }
    if rule.expires_on_a_date {
        found.push(Contradiction {
            code: "lifecycle_expires_on_a_date",
            message: format!(
                "rule {} expires every object on one date{which}, the newest backup too. Give it a number of days",
                rule.id
            ),
        });
    }
    if let Some(days) = rule.archived_after_days
        && !costs(keep, days).is_empty()
    {
        found.push(Contradiction {
            code: "lifecycle_archives",
            message: format!(
                "rule {} moves objects after {days} days{which} to a storage class that must be restored, for hours, before a \
                 backup can be read. Count those hours into the RTO, or use a class that is read at once",
                rule.id
            ),
        });
    }
    found
}

/// What of each class is older than so many days where a backup is made in every unit.
fn costs(keep: Keep, days: u32) -> Vec<String> {
    let of = |class: Class| {
        let count = class.count(keep);
        // The one of this unit is new, the one of the unit before it may be as old as a unit lasts, and so on.
        let alive = (0..count).take_while(|unit| f64::from(*unit) * class.longest_days() <= f64::from(days)).count();
        let lost = count - u32::try_from(alive).unwrap_or(count);
        (lost > 0).then(|| format!("up to {lost} of {count} {}s", class.unit()))
    };
    Class::ALL.into_iter().filter_map(of).collect()
}
