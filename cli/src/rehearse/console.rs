//! What a rehearsal says: one line for each thing that happens.

use std::io::{self, Write};

use jiff::Timestamp;
use shared::printable::printable;

/// Longer than any sentence or command of ours; what others wrote is cut.
const LONGEST: usize = 1_500;
/// Room for the longest of the usual places, so that the sentences stand below each other.
const PLACE: usize = 36;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// When, in simulated time.
    pub(super) at: Timestamp,
    /// Where, or to whom: an instance, a step, the clients.
    pub(super) place: String,
    /// What.
    pub(super) what: String,
}

impl Line {
    pub(super) fn new(at: Timestamp, place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { at, place: place.into(), what: what.into() }
    }

    /// As it stands on the terminal. Much of it comes over the wire, and a terminal obeys what it is shown.
    fn text(&self) -> String {
        let (place, what) = (printable(&self.place, LONGEST), printable(&self.what, LONGEST));
        format!("{}  {place:<PLACE$} {what}", self.at.strftime("%H:%M:%S"))
    }
}

/// Prints a line. Nobody listens to a closed terminal, and a rehearsal goes on without.
pub(super) fn tell(line: &Line) {
    let _closed = writeln!(io::stdout().lock(), "{}", line.text());
}

/// Prints a text of ours as it is.
pub(super) fn print(text: &str) {
    let _closed = io::stdout().lock().write_all(text.as_bytes());
}

/// Prints lines.
pub(super) fn tell_all(lines: impl IntoIterator<Item = Line>) {
    lines.into_iter().for_each(|line| tell(&line));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_over_the_wire_cannot_move_the_cursor_or_forge_a_line() {
        let line = Line::new(Timestamp::UNIX_EPOCH, "people", "subject\u{1b}[2J\n00:00:01  step  done");
        assert_eq!(line.text().lines().count(), 1);
        assert!(!line.text().contains('\u{1b}'));
    }
}
