//! What came of a restore test, for people and for programs.

use std::fmt::Write;

use pgdump::{Answer, Level, Proof, Proofs, Verdict};
use serde::Serialize;

use super::outcome::Outcome;

/// The verdict with the question that it answers.
#[derive(Serialize)]
struct Answered<'a> {
    /// What was restored.
    backup: &'a str,
    /// What restored it.
    tool: &'static str,
    /// The level that must hold.
    required: Level,
    answer: Answer,
    /// The level reached.
    level: Option<Level>,
    proofs: Proofs,
    #[serde(flatten)]
    outcome: &'a Outcome,
    /// What reading the archive showed.
    read: &'a Verdict,
    /// What was not checked, said openly.
    not_checked: Vec<String>,
}

fn proofs(verdict: &Verdict, outcome: &Outcome) -> Proofs {
    Proofs { restorable: outcome.proof(), ..verdict.proofs.clone() }
}

fn not_checked(proofs: &Proofs) -> Vec<String> {
    let mut unchecked: Vec<String> = Level::ALL
        .into_iter()
        .filter_map(|level| match proofs.of(level) {
            Proof::NotChecked(why) => Some(format!("{level}: {why}")),
            Proof::Proven(_) | Proof::Failed(_) => None,
        })
        .collect();
    unchecked.push("owners and rights: they are of roles that the scratch server does not have".to_owned());
    unchecked
}

/// For programs.
pub(super) fn json(name: &str, required: Level, answer: Answer, verdict: &Verdict, outcome: &Outcome) -> String {
    let tool = concat!("recoveryctl ", env!("CARGO_PKG_VERSION"));
    let (level, proofs) = (outcome.level(verdict), proofs(verdict, outcome));
    let not_checked = not_checked(&proofs);
    let answered = Answered { backup: name, tool, required, answer, level, proofs, outcome, read: verdict, not_checked };
    // Serialising plain structures of strings and numbers cannot fail.
    serde_json::to_string_pretty(&answered).unwrap_or_default() + "\n"
}

/// For people: the answer first, then each level, then what the database answered, then what was not looked at.
pub(super) fn text(name: &str, required: Level, answer: Answer, verdict: &Verdict, outcome: &Outcome) -> String {
    let mut text = match answer {
        Answer::Holds => format!("{name}: {required} holds\n"),
        Answer::DoesNotHold => format!("{name}: DOES NOT HOLD\n"),
        Answer::CouldNotBeChecked if outcome.is_open() && verdict.answer(required) == Answer::Holds => {
            format!("{name}: {required} holds, but the restore or a query was left without an answer\n")
        }
        Answer::CouldNotBeChecked => format!("{name}: whether {required} holds could not be checked\n"),
    };
    let proofs = proofs(verdict, outcome);
    for level in Level::ALL {
        let (word, why) = match proofs.of(level) {
            Proof::Proven(why) => ("proven", why),
            Proof::Failed(why) => ("FAILED", why),
            Proof::NotChecked(why) => ("not checked", why),
        };
        let _infallible = writeln!(text, "  {level:<11} {word:<12} {why}");
    }
    for finding in &verdict.findings {
        let _infallible = writeln!(text, "found: {finding}");
    }
    for rows in outcome.tables.iter().filter(|rows| rows.archive != rows.restored) {
        let _infallible =
            writeln!(text, "found: {} has {} rows in the archive, {} restored", rows.table, rows.archive, rows.restored);
    }
    for query in &outcome.queries {
        let _infallible = match &query.answer {
            None => writeln!(text, "query: NOT ANSWERED: {}", query.query),
            Some(answer) if query.holds => writeln!(text, "query: true: {} -> {answer}", query.query),
            Some(answer) => writeln!(text, "query: NOT TRUE: {} -> {answer}", query.query),
        };
    }
    for what in &outcome.not_found_out {
        let _infallible = writeln!(text, "not found out: {what}");
    }
    text
}
