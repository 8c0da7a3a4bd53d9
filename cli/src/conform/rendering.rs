//! What is said before, and what is said after.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rehearsal_world::{Fact, FactRow, fact_rows};
use serde::Serialize;
use serde_json::json;

use super::checks::{self, Finding};
use super::sight::Sight;
use super::{AGREES, DRIFTS, UNKNOWN, calls};

/// What will be called, before anything is.
pub(super) fn announcement() -> String {
    let mut text = "Only these calls are made, and all of them only read:\n".to_owned();
    for call in calls::ALL {
        let _ = writeln!(text, "  {:<32} {}", call.action, call.purpose);
    }
    text.push_str("CloudWatch charges for GetMetricData by the metric; this asks for fewer than ten.\n");
    text
}

/// What was found of one fact.
#[derive(Debug)]
struct Line {
    row: &'static FactRow,
    finding: Finding,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Report {
    asked: String,
    lines: Vec<Line>,
    not_looked_at: usize,
}

/// A line for programs.
#[derive(Serialize)]
struct Plain<'a> {
    fact: &'a str,
    operation: &'a str,
    behaviour: &'a str,
    source: &'a str,
    looked: Option<&'a str>,
    finding: &'static str,
    seen: &'a str,
}

impl Report {
    /// Judges every fact that can be looked at.
    pub(super) fn of(asked: &str, sight: &Sight) -> Self {
        let lines: Vec<Line> = Fact::ALL
            .iter()
            .filter_map(|fact| Some(Line { row: fact.row()?, finding: checks::of(*fact)?(sight) }))
            .collect();
        Self { asked: asked.to_owned(), not_looked_at: fact_rows().len() - lines.len(), lines }
    }

    fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::from([("agrees", 0), ("drifts", 0), ("nothing to see", 0), ("not asked", 0)]);
        for line in &self.lines {
            *counts.entry(word(&line.finding)).or_default() += 1;
        }
        counts
    }

    /// 1 for a drift; 2 where something could not be asked; 0 otherwise.
    pub(super) fn exit_status(&self) -> u8 {
        let counts = self.counts();
        match (counts["drifts"], counts["not asked"]) {
            (0, 0) => AGREES,
            (0, _) => UNKNOWN,
            _ => DRIFTS,
        }
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{}\n", self.asked);
        for line in &self.lines {
            let _ = writeln!(text, "  {:<14} {}: {}", word(&line.finding), line.row.id, seen(&line.finding));
            if matches!(line.finding, Finding::Drifts(_)) {
                let _ = writeln!(text, "  {:<14} the rehearsal takes for granted: {}", "", line.row.behaviour);
                let _ = writeln!(text, "  {:<14} from: {}", "", line.row.source);
            }
        }
        let counts: Vec<String> = self.counts().iter().map(|(word, count)| format!("{word}: {count}")).collect();
        let _ = writeln!(text, "{}; cannot be looked at without a change: {}", counts.join("; "), self.not_looked_at);
        text
    }

    /// For programs.
    pub(super) fn json(&self) -> String {
        let facts: Vec<Plain<'_>> = self
            .lines
            .iter()
            .map(|line| Plain {
                fact: &line.row.id,
                operation: &line.row.operation,
                behaviour: &line.row.behaviour,
                source: &line.row.source,
                looked: line.row.conform.as_deref(),
                finding: word(&line.finding),
                seen: seen(&line.finding),
            })
            .collect();
        let calls: Vec<&str> = calls::ALL.iter().map(|call| call.action).collect();
        let document = json!({
            "asked": self.asked, "calls": calls, "facts": facts, "counts": self.counts(),
            "not_looked_at": self.not_looked_at, "exit_status": self.exit_status(),
        });
        format!("{document:#}")
    }
}

fn word(finding: &Finding) -> &'static str {
    match finding {
        Finding::Agrees(_) => "agrees",
        Finding::Drifts(_) => "drifts",
        Finding::NothingToSee(_) => "nothing to see",
        Finding::Unasked(_) => "not asked",
    }
}

fn seen(finding: &Finding) -> &str {
    match finding {
        Finding::Agrees(text) | Finding::Drifts(text) | Finding::NothingToSee(text) | Finding::Unasked(text) => text,
    }
}
