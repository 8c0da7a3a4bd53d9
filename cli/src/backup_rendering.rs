//! Verdicts of backups, for people and for programs.

use std::fmt::Write;

use pgdump::{Answer, Level, Proof, Verdict};
use serde::Serialize;

use crate::object_source::ObjectEvidence;

/// A verdict with the question that it answers.
#[derive(Serialize)]
struct Answered<'a> {
    /// What was verified.
    backup: &'a str,
    /// What verified it.
    tool: &'static str,
    /// The level that must hold.
    required: Level,
    answer: Answer,
    #[serde(flatten)]
    verdict: &'a Verdict,
    /// What S3 says of it, where it is an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<&'a ObjectEvidence>,
}

/// For programs.
pub(crate) fn json(
    name: &str,
    required: Level,
    answer: Answer,
    verdict: &Verdict,
    object: Option<&ObjectEvidence>,
) -> String {
    let tool = concat!("recoveryctl ", env!("CARGO_PKG_VERSION"));
    let answered = Answered { backup: name, tool, required, answer, verdict, object };
    // Serialising plain structures of strings and numbers cannot fail.
    serde_json::to_string_pretty(&answered).unwrap_or_default() + "\n"
}

/// For people: the answer first, then each level, then what was found, then what was not looked at.
pub(crate) fn text(
    name: &str,
    required: Level,
    answer: Answer,
    verdict: &Verdict,
    object: Option<&ObjectEvidence>,
) -> String {
    let mut text = match (answer, verdict.level) {
        (Answer::Holds, _) => format!("{name}: {required} holds\n"),
        (Answer::DoesNotHold, Some(level)) => format!("{name}: DOES NOT HOLD; it is damaged, and only {level}\n"),
        (Answer::DoesNotHold, None) => format!("{name}: DOES NOT HOLD; it is damaged from the beginning\n"),
        (Answer::CouldNotBeChecked, _) => format!("{name}: whether {required} holds could not be checked\n"),
    };
    for level in Level::ALL {
        let (word, why) = match verdict.proofs.of(level) {
            Proof::Proven(why) => ("proven", why),
            Proof::Failed(why) => ("FAILED", why),
            Proof::NotChecked(why) => ("not checked", why),
        };
        let _infallible = writeln!(text, "  {level:<11} {word:<12} {why}");
    }
    for finding in &verdict.findings {
        let _infallible = writeln!(text, "found: {finding}");
    }
    if verdict.further_findings > 0 {
        let _infallible = writeln!(text, "found: {} more", verdict.further_findings);
    }
    if let Some(object) = object {
        text.push_str(&object.lines());
    }
    for what in verdict.not_checked.iter().filter(|what| !is_level(what)) {
        let _infallible = writeln!(text, "not checked: {what}");
    }
    text
}

/// Levels that were not checked stand in the table above already.
fn is_level(what: &str) -> bool {
    what.split_once(": ").is_some_and(|(word, _)| word.parse::<Level>().is_ok())
}

/// One line for the log of a backup job.
pub(crate) fn summary(verdict: &Verdict) -> String {
    let rows: u64 = verdict.tables.iter().filter_map(|table| table.rows).sum();
    format!(
        "decodable: {} bytes, {} tables with {rows} rows, {} large objects\n",
        verdict.bytes_read,
        verdict.tables.len(),
        verdict.large_objects.count
    )
}
