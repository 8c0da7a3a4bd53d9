//! Lists of what stays and goes, for people and for programs.

use std::fmt::Write;

use serde_json::json;
use shared::domain::retention::{Class, Going};
use shared::printable::printable;

use super::Looked;

/// Longer names are cut: a key of S3 has at most 1,024 bytes.
const LONGEST_NAME: usize = 200;

/// A name as it may be printed: whoever writes backups chooses it.
pub(super) fn name(name: &str) -> String {
    printable(name, LONGEST_NAME)
}

fn policy(looked: &Looked) -> String {
    let keep = looked.policy.keep;
    let classes = Class::ALL.into_iter().filter(|class| class.count(keep) > 0);
    let classes: Vec<String> = classes.map(|class| format!("{} {}s", class.count(keep), class.unit())).collect();
    format!("{} of {}, from level {} on", classes.join(", "), zone(looked), looked.policy.level.as_str())
}

fn zone(looked: &Looked) -> &str {
    looked.policy.zone.iana_name().unwrap_or("UTC")
}

/// For people: what goes first.
pub(super) fn text(looked: &Looked) -> String {
    let sorted = &looked.sorted;
    let mut text = format!(
        "{}: {} go, {} wait for another run, {} stay, {} are left alone; kept are {}\n",
        name(&looked.place),
        sorted.goes.len(),
        sorted.later.len(),
        sorted.stays.len(),
        sorted.left_alone.len(),
        policy(looked)
    );
    for (word, list) in [("goes", &sorted.goes), ("later", &sorted.later)] {
        for going in list {
            let _infallible = writeln!(text, "  {word:<6} {}  {}  {}", going.completed_at, name(&going.name), going.reason);
        }
    }
    for stays in &sorted.stays {
        let reasons = stays.reasons.join("; ");
        let _infallible = writeln!(text, "  stays  {}  {}  {reasons}", stays.completed_at, name(&stays.name));
    }
    for alone in &sorted.left_alone {
        let _infallible = writeln!(text, "  alone  {}  {}", name(&alone.name), alone.reason);
    }
    for found in &looked.contradictions {
        let _infallible = writeln!(text, "found: {}: {}", found.code, found.message);
    }
    if sorted.stays.is_empty() {
        text.push_str("found: no_verified_backup: nothing here is known to be readable\n");
    }
    let _infallible = writeln!(text, "digest: {}", sorted.digest);
    text
}

/// For programs.
pub(super) fn json(looked: &Looked) -> String {
    pretty(&json!({
        "place": looked.place,
        "policy": {
            "keep": looked.policy.keep,
            "time_zone": zone(looked),
            "level": looked.policy.level,
            "floor_s": looked.policy.floor,
            "cap_percent": looked.policy.cap_percent,
        },
        "goes": looked.sorted.goes,
        "later": looked.sorted.later,
        "stays": looked.sorted.stays,
        "left_alone": looked.sorted.left_alone,
        "contradictions": looked.contradictions,
        "digest": looked.sorted.digest,
    }))
}

fn freed(removed: &[&Going]) -> u64 {
    removed.iter().map(|going| going.bytes).sum()
}

/// For people: what was removed.
pub(super) fn removed_text(looked: &Looked, removed: &[&Going]) -> String {
    let mut text = format!(
        "{}: {} of {} removed, {} bytes; {} wait for another run\n",
        name(&looked.place),
        removed.len(),
        looked.sorted.goes.len(),
        freed(removed),
        looked.sorted.later.len()
    );
    for going in removed {
        let _infallible = writeln!(text, "  removed  {}  {}", going.completed_at, name(&going.name));
    }
    text
}

/// For programs: what was removed.
pub(super) fn removed_json(looked: &Looked, removed: &[&Going]) -> String {
    pretty(&json!({
        "place": looked.place,
        "removed": removed,
        "bytes": freed(removed),
        "not_removed": looked.sorted.goes.len() - removed.len(),
        "later": looked.sorted.later.len(),
        "digest": looked.sorted.digest,
    }))
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}
