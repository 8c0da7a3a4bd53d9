//! What is wrong with a plan file, where, and what to write instead.

use serde::Serialize;

use super::fields::Meant;
use super::tree::Mark;

/// How many findings are listed. A file with more was not written as a plan, and its author mends the first ones first.
pub const MOST_FINDINGS: usize = 200;

/// One thing that does not fit, at its place in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable name of the rule, one of [`super::code`].
    pub code: &'static str,
    /// Whether the plan can be used all the same.
    pub severity: Severity,
    /// What was found and what was expected, with the path of the field.
    pub message: String,
    /// 1-based.
    pub line: usize,
    /// 1-based, in characters.
    pub column: usize,
    /// What to write instead.
    pub help: String,
    /// What may stand there, where that can be said in a few words.
    pub expected: Option<String>,
    /// The known name that was probably meant.
    pub nearest: Option<String>,
    /// How many characters the place is wide, for the underline; not part of the JSON form.
    #[serde(skip)]
    pub width: usize,
}

/// Whether a finding stops the plan from being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The plan is refused.
    Error,
    /// The plan works, but probably not as its author thinks.
    Warning,
}

impl Severity {
    /// As printed and as in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Collects findings, so that one pass reports them all.
#[derive(Debug, Default)]
pub(super) struct Findings {
    list: Vec<Finding>,
    left_out: usize,
    errors: usize,
    errors_left_out: usize,
}

/// A finding that was just noted, if it is listed, to which details for programs can be added.
#[derive(Debug)]
pub(super) struct Noted<'a>(Option<&'a mut Finding>);

impl Noted<'_> {
    /// What may stand there.
    pub(super) fn expected(mut self, expected: impl Into<String>) -> Self {
        if let Some(finding) = &mut self.0 {
            finding.expected = Some(expected.into());
        }
        self
    }

    /// Which known names may stand there, and which of them was probably meant.
    pub(super) fn meant(mut self, meant: Meant<'_>) -> Self {
        if let Some(finding) = &mut self.0 {
            finding.nearest = meant.nearest.map(str::to_owned);
            finding.expected = Some(meant.known);
        }
        self
    }
}

impl Findings {
    pub(super) fn error(
        &mut self,
        code: &'static str,
        mark: Mark,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Noted<'_> {
        self.add(Severity::Error, code, mark, message.into(), help.into())
    }

    pub(super) fn warning(
        &mut self,
        code: &'static str,
        mark: Mark,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Noted<'_> {
        self.add(Severity::Warning, code, mark, message.into(), help.into())
    }

    pub(super) fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        mark: Mark,
        message: String,
        help: String,
    ) -> Noted<'_> {
        let refuses = severity == Severity::Error;
        self.errors += usize::from(refuses);
        if self.list.len() >= MOST_FINDINGS {
            self.left_out += 1;
            self.errors_left_out += usize::from(refuses);
            return Noted(None);
        }
        self.list.push(finding(severity, code, mark, message, help));
        Noted(self.list.last_mut())
    }

    /// Whether searching for a better name still pays: suggestions of findings that are left out would never be seen, and a
    /// hostile file could make the search expensive.
    pub(super) fn has_room(&self) -> bool {
        self.list.len() < MOST_FINDINGS
    }

    pub(super) fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// All findings, as one reads the file.
    pub(super) fn into_list(mut self) -> Vec<Finding> {
        self.list.sort_by_key(|finding| (finding.line, finding.column, finding.severity));
        if self.left_out > 0 {
            let last = self.list.last().map_or(Mark::START, |last| Mark {
                line: last.line,
                column: last.column,
                width: last.width,
            });
            let severity = if self.errors_left_out > 0 { Severity::Error } else { Severity::Warning };
            self.list.push(finding(
                severity,
                super::code::TOO_MANY_FINDINGS,
                last,
                format!("{} more findings are not listed", self.left_out),
                "mend the ones above and check again".to_owned(),
            ));
        }
        self.list
    }
}

/// A finding at a mark.
pub(super) fn finding(severity: Severity, code: &'static str, mark: Mark, message: String, help: String) -> Finding {
    Finding {
        code,
        severity,
        message,
        line: mark.line,
        column: mark.column,
        help,
        expected: None,
        nearest: None,
        width: mark.width,
    }
}

/// A text from the file, short enough for a sentence and with everything unprintable escaped, so that a plan cannot write to
/// the reader's terminal.
pub(super) fn quote(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().nth(LONGEST).is_some() {
        let shortened: String = text.chars().take(LONGEST).chain(['…']).collect();
        format!("{shortened:?}")
    } else {
        format!("{text:?}")
    }
}

/// "a, b or c".
pub(super) fn one_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    const MOST: usize = 12;
    let words: Vec<&str> = words.into_iter().collect();
    match words.as_slice() {
        [] => "nothing".to_owned(),
        [only] => (*only).to_owned(),
        [first @ .., last] if words.len() <= MOST => format!("{} or {last}", first.join(", ")),
        many => {
            let shown: Vec<&str> = many.iter().take(MOST).copied().collect();
            format!("{} or one of {} more", shown.join(", "), words.len() - MOST)
        }
    }
}
