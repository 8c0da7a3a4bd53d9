//! The end of a log, for error messages.

use std::path::Path;

/// As many lines as explain a failure without burying it.
const LINES: usize = 20;

/// The last lines of a text, each indented.
pub(crate) fn of_text(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let first = lines.len().saturating_sub(LINES);
    lines[first..].iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

/// The last lines of a file, each indented.
pub(crate) fn of_file(path: &Path) -> String {
    match std::fs::read(path) {
        Ok(contents) => of_text(&String::from_utf8_lossy(&contents)),
        Err(error) => format!("    ({} cannot be read: {error})", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_long_log_is_shown_without_its_beginning() {
        let log = (1..=30).map(|line| format!("line {line}\n\n")).collect::<String>();
        let tail = of_text(&log);
        assert_eq!(tail.lines().count(), LINES);
        assert!(tail.starts_with("    line 11\n"));
        assert!(tail.ends_with("    line 30"));
    }

    #[test]
    fn a_short_log_is_shown_whole() {
        assert_eq!(of_text("only this\n"), "    only this");
    }
}
