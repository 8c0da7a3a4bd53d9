//! Findings as compilers draw them in a terminal.

use std::fmt::{self, Display, Write as _};

use miette::{
    Diagnostic, GraphicalReportHandler, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents,
};
use shared::planfile::{Finding, Severity};

use super::{Excerpt, excerpt};

/// Draws every finding. Colours and line art are miette's choice by what the terminal can show.
pub(super) fn draw(name: &str, lines: &[&str], findings: &[Finding]) -> String {
    draw_with(&GraphicalReportHandler::new(), name, lines, findings)
}

fn draw_with(handler: &GraphicalReportHandler, name: &str, lines: &[&str], findings: &[Finding]) -> String {
    let mut output = String::new();
    for finding in findings {
        // Writing to a text cannot fail; a report that miette cannot draw would be one that is not there.
        let _ = handler.render_report(&mut output, &Drawn::of(name, lines, finding));
        output.push('\n');
    }
    output
}

/// A finding with the part of its line that is shown. The text is made safe to print before miette sees it.
#[derive(Debug)]
struct Drawn<'a> {
    finding: &'a Finding,
    code: String,
    source: Option<Line>,
}

#[derive(Debug)]
struct Line {
    name: String,
    text: String,
    line: usize,
    column: usize,
    span: SourceSpan,
}

impl<'a> Drawn<'a> {
    fn of(name: &str, lines: &[&str], finding: &'a Finding) -> Self {
        let source = lines.get(finding.line.wrapping_sub(1)).map(|line| {
            let Excerpt { text, indent, width } = excerpt(line, finding.column, finding.width);
            let start: usize = text.chars().take(indent).map(char::len_utf8).sum();
            let length: usize = text.chars().skip(indent).take(width).map(char::len_utf8).sum();
            Line {
                name: name.to_owned(),
                line: finding.line - 1,
                column: finding.column.saturating_sub(1),
                span: (start, length).into(),
                text,
            }
        });
        Self { finding, code: format!("{}[{}]", finding.severity.as_str(), finding.code), source }
    }
}

impl SourceCode for Line {
    fn read_span<'a>(&'a self, _: &SourceSpan, _: usize, _: usize) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let whole = (0, self.text.len()).into();
        let text = self.text.as_bytes();
        Ok(Box::new(MietteSpanContents::new_named(self.name.clone(), text, whole, self.line, self.column, 1)))
    }
}

impl Display for Drawn<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.finding.message)?;
        if self.source.is_none() {
            write!(formatter, " (line {}, column {})", self.finding.line, self.finding.column)?;
        }
        Ok(())
    }
}

impl std::error::Error for Drawn<'_> {}

impl Diagnostic for Drawn<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        Some(Box::new(&self.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.finding.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        let mut help = self.finding.help.clone();
        if !help.is_empty() {
            help.push('\n');
        }
        let _ = write!(help, "more: plan check --explain {}", self.finding.code);
        Some(Box::new(help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let source = self.source.as_ref()?;
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(Some("here".to_owned()), source.span))))
    }
}

#[cfg(test)]
mod tests {
    use miette::GraphicalTheme;

    use super::*;

    fn finding(line: usize, column: usize, width: usize) -> Finding {
        Finding {
            code: "unknown_component",
            severity: Severity::Error,
            message: "the plan has no component \"apo\"".to_owned(),
            line,
            column,
            help: "did you mean `api`?".to_owned(),
            expected: None,
            nearest: Some("api".to_owned()),
            width,
        }
    }

    fn drawn(text: &str, finding: Finding) -> String {
        let handler = GraphicalReportHandler::new_themed(GraphicalTheme::none());
        draw_with(&handler, "plan.yaml", &super::super::lines(text), &[finding])
    }

    #[test]
    fn a_finding_is_drawn_at_its_place_with_what_was_meant() {
        let printed = drawn("version: 1\nconsumers: [apo]\n", finding(2, 13, 3));
        for expected in ["error[unknown_component]", "plan.yaml:2:13", "2 | consumers: [apo]", "did you mean `api`?", "^|^"]
        {
            assert!(printed.contains(expected), "{expected} is not in\n{printed}");
        }
        assert!(printed.contains("--explain unknown_component"), "{printed}");
    }

    #[test]
    fn a_line_cannot_move_the_cursor_turn_the_text_round_or_flood_the_terminal() {
        let text = format!("a: \u{1b}[2J\u{202e}apo\tb{}", "x".repeat(100_000));
        let printed = drawn(&text, finding(1, 9, 3));
        assert!(!printed.contains('\u{1b}') && !printed.contains('\u{202e}') && !printed.contains('\t'), "{printed:?}");
        assert!(printed.len() < 2_000, "{}", printed.len());
    }

    #[test]
    fn a_place_outside_the_text_is_drawn_without_a_line() {
        for (line, column) in [(7, 1), (1, 99), (0, 0)] {
            let printed = drawn("short é", finding(line, column, 500));
            assert!(printed.contains("no component"), "{printed}");
        }
    }
}
