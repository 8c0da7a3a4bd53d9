//! Checks of COPY text while it streams past: columns of every row, escapes, and the end.

use serde::{Deserialize, Serialize};

use crate::finding::Code;
use crate::masks::{BLOCK, Finder, Masks, Portable};

/// What was wrong with rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    pub(crate) code: Code,
    pub(crate) sentence: String,
}

/// What the last bytes leave open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Open {
    Nothing,
    /// A backslash. Whether it stands at the beginning of a field, and of a row.
    Escape {
        field: bool,
        row: bool,
    },
    /// `\N`, which must be a whole field.
    Null,
    /// `\.` at the beginning of a row, which must be a whole row.
    End,
}

/// Checks the rows of one table, as COPY writes them. As it stands it can be kept, to go on elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rows {
    columns: u32,
    /// Whether a backslash always begins an escape; it does not in encodings that embed ASCII.
    escapes: bool,
    rows: u64,
    /// Tabs of the row that is not finished.
    tabs: u32,
    last: u8,
    open: Open,
    ended: bool,
    wrong_rows: u64,
    fault: Option<Fault>,
}

impl Rows {
    pub(crate) fn new(columns: u32, escapes: bool) -> Self {
        Self {
            columns,
            escapes,
            rows: 0,
            tabs: 0,
            last: b'\n',
            open: Open::Nothing,
            ended: false,
            wrong_rows: 0,
            fault: None,
        }
    }

    /// Whether it can have come of rows of that shape: what was kept elsewhere may be anything. Counters have room to go on.
    pub(crate) fn is_sane(&self, columns: u32, escapes: bool) -> bool {
        let counted = self.rows < 1 << 62 && self.wrong_rows < 1 << 62 && self.tabs < 1 << 31;
        (self.columns, self.escapes) == (columns, escapes) && counted
    }

    /// Rows so far, without the end mark.
    pub(crate) fn count(&self) -> u64 {
        self.rows
    }

    /// Looks at the next bytes; `true` when one of them is not ASCII.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> bool {
        if self.columns == 0 {
            return self.empty_rows(bytes);
        }
        #[cfg(target_arch = "x86_64")]
        if let Some(v3) = pulp::x86::V3::try_new() {
            return v3.vectorize(
                #[inline(always)]
                || self.scan(v3, bytes),
            );
        }
        self.scan(Portable, bytes)
    }

    /// The first thing that was wrong, the end included.
    pub(crate) fn finish(mut self) -> Option<Fault> {
        if !self.ended {
            let rows = self.rows;
            self.wrong(Code::RowsUnfinished, || format!("the data does not end with \\. after its {rows} rows"));
        }
        let wrong = self.wrong_rows;
        self.fault.map(|mut fault| {
            if fault.code == Code::RowColumns && wrong > 1 {
                fault.sentence += &format!("; {wrong} rows are wrong in this way");
            }
            fault
        })
    }

    #[inline(always)]
    fn scan<F: Finder>(&mut self, finder: F, bytes: &[u8]) -> bool {
        // Bytes below this belong to an escape that was looked at.
        let mut seen = self.close(bytes, 0);
        let last = bytes.last().copied().unwrap_or(self.last);
        let mut high = 0;
        let mut start = 0;
        while start < bytes.len() && !self.ended {
            let (block, length) = block_at(bytes, start);
            // One call and no more: with a second one the compiler leaves the vector instructions in functions of their own, which
            // was measured to be sixteen times slower.
            let mut masks = finder.masks(&block);
            high |= masks.high;
            if masks.special != 0 {
                seen = self.specials(bytes, start, &mut masks, seen);
            }
            self.count_rows(masks.newline, masks.tab);
            start += length;
        }
        if self.ended {
            self.after_end(&bytes[seen..]);
        }
        self.last = last;
        high != 0 || (self.ended && !bytes.is_ascii())
    }

    /// Rows and tabs of a block.
    #[inline(always)]
    fn count_rows(&mut self, mut newline: u64, mut tab: u64) {
        while newline != 0 {
            let row = newline ^ (newline - 1);
            self.tabs += (tab & row).count_ones();
            self.rows += 1;
            if self.tabs + 1 != self.columns {
                self.wrong_row(self.rows, self.tabs + 1);
            }
            self.tabs = 0;
            tab &= !row;
            newline &= newline - 1;
        }
        self.tabs = self.tabs.saturating_add(tab.count_ones());
    }

    /// Counts what stands before `at` ahead of the rest of its block, so that a fault at `at` names its own row, and an earlier fault
    /// comes before it: else both would depend on where blocks begin.
    #[cold]
    fn count_rows_before(&mut self, at: usize, masks: &mut Masks) {
        let before = (1 << at) - 1;
        self.count_rows(masks.newline & before, masks.tab & before);
        masks.newline &= !before;
        masks.tab &= !before;
    }

    /// Rows of a table without columns: empty lines. They are too rare to be quick about.
    fn empty_rows(&mut self, bytes: &[u8]) -> bool {
        for (at, &byte) in bytes.iter().enumerate() {
            let row = self.last == b'\n';
            self.last = byte;
            if self.ended {
                self.after_end(&bytes[at..]);
                break;
            } else if self.open != Open::Nothing {
                self.step(byte);
            } else if byte == b'\n' {
                self.rows += 1;
            } else if byte == b'\\' && row {
                self.open = Open::Escape { field: false, row };
            } else if row {
                self.wrong_row(self.rows + 1, 1);
            }
        }
        !bytes.is_ascii()
    }

    #[cold]
    fn wrong_row(&mut self, row: u64, found: u32) {
        self.wrong_rows += 1;
        let columns = self.columns;
        self.wrong(Code::RowColumns, || format!("row {row} has {found} columns, and its COPY statement has {columns}"));
    }

    #[cold]
    fn wrong(&mut self, code: Code, sentence: impl FnOnce() -> String) {
        self.fault.get_or_insert_with(|| Fault { code, sentence: sentence() });
    }

    /// Looks at the bytes of a block that are backslashes or control characters, and says up to where bytes were looked at. What
    /// stands from the end mark on is no row any more, and is taken out of the masks.
    fn specials(&mut self, bytes: &[u8], start: usize, masks: &mut Masks, mut seen: usize) -> usize {
        let mut special = masks.special;
        while special != 0 {
            let place = special.trailing_zeros() as usize;
            let at = start + place;
            special &= special - 1;
            if at < seen {
                continue;
            }
            let before = if at == 0 { self.last } else { bytes[at - 1] };
            if bytes[at] != b'\\' {
                if !matches!(bytes[at], 1..=7) {
                    self.count_rows_before(place, masks);
                    self.control(bytes[at]);
                }
                continue;
            }
            let row = before == b'\n';
            if self.escapes && plain_escape(bytes, at, before) {
                seen = at + 2;
            } else if self.escapes || row {
                self.count_rows_before(place, masks);
                self.open = Open::Escape { field: row || before == b'\t', row };
                seen = self.close(bytes, at + 1);
            }
            if self.ended {
                (masks.newline, masks.tab) = (0, 0);
                return seen;
            }
        }
        seen
    }

    /// COPY writes an escape for each control character that has one, and no text holds a zero byte.
    fn control(&mut self, byte: u8) {
        let row = self.rows + 1;
        self.wrong(Code::RowEscape, || format!("row {row} holds the byte {byte:#04x}, which COPY never writes as it is"));
    }

    /// Goes on with what is open, from `at`; returns the first byte that it did not need.
    #[inline]
    fn close(&mut self, bytes: &[u8], mut at: usize) -> usize {
        while self.open != Open::Nothing && at < bytes.len() && !self.ended {
            self.step(bytes[at]);
            at += 1;
        }
        at
    }

    fn step(&mut self, byte: u8) {
        let next = match (self.open, byte) {
            (Open::Escape { .. }, b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'\\') if self.columns > 0 => {
                Some(Open::Nothing)
            }
            (Open::Escape { field: true, .. }, b'N') => Some(Open::Null),
            (Open::Escape { row: true, .. }, b'.') => Some(Open::End),
            // Where a backslash can be half a character, only the end mark is told apart.
            (Open::Escape { .. }, _) if !self.escapes => Some(Open::Nothing),
            (Open::Null, b'\t' | b'\n') => Some(Open::Nothing),
            (Open::End, b'\n') => {
                self.ended = true;
                Some(Open::Nothing)
            }
            _ => None,
        };
        if next.is_none() {
            let (row, open) = (self.rows + 1, self.open);
            self.wrong(Code::RowEscape, || match open {
                Open::Null => format!("row {row} has a field that begins with \\N and goes on"),
                Open::End => format!("row {row} begins with \\. and goes on"),
                _ => format!("row {row} holds a backslash before the byte {byte:#04x}, which COPY never writes"),
            });
        }
        self.open = next.unwrap_or(Open::Nothing);
    }

    fn after_end(&mut self, bytes: &[u8]) {
        if bytes.iter().any(|byte| *byte != b'\n') {
            let rows = self.rows;
            self.wrong(Code::RowsTrailing, || format!("the data goes on after \\. and {rows} rows"));
        }
    }
}

/// Whether the backslash begins an escape that needs no more thought: all but the end mark, and what the end of the bytes cuts.
#[inline(always)]
fn plain_escape(bytes: &[u8], at: usize, before: u8) -> bool {
    match bytes.get(at + 1..at + 3) {
        Some([b'N', after]) => matches!(before, b'\t' | b'\n') && matches!(after, b'\t' | b'\n'),
        Some([b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'\\', _]) => true,
        _ => false,
    }
}

/// The block that begins at `start`, filled up with spaces, which are of no class; and how much of it is there.
#[inline(always)]
fn block_at(bytes: &[u8], start: usize) -> ([u8; BLOCK], usize) {
    let rest = &bytes[start..];
    if let Some(block) = rest.first_chunk() {
        return (*block, BLOCK);
    }
    let mut block = [b' '; BLOCK];
    block[..rest.len()].copy_from_slice(rest);
    (block, rest.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(columns: u32, pieces: &[&[u8]]) -> (u64, Option<Fault>) {
        let mut rows = Rows::new(columns, true);
        for piece in pieces {
            rows.push(piece);
        }
        (rows.count(), rows.finish())
    }

    fn whole(columns: u32, text: &str) -> (u64, Option<Code>) {
        let (rows, fault) = check(columns, &[text.as_bytes()]);
        (rows, fault.map(|fault| fault.code))
    }

    #[test]
    fn rows_as_copy_writes_them_are_sound() {
        assert_eq!(whole(3, "1\tAda\t\\N\n2\tl\\tb\\nb\\\\\tx\n\\.\n\n\n"), (2, None));
        assert_eq!(whole(1, "\\N\n\n\\\\.\n\\\\N\n\\.\n\n\n"), (4, None));
        assert_eq!(whole(2, "\\.\n\n\n"), (0, None));
        assert_eq!(whole(0, "\n\n\\.\n\n\n"), (2, None));
        assert_eq!(whole(1, "bell \u{7} and \u{1f}\n\\.\n"), (1, None));
    }

    #[test]
    fn a_row_with_a_column_too_many_or_too_few_is_found() {
        assert_eq!(whole(3, "1\t2\n\\.\n").1, Some(Code::RowColumns));
        assert_eq!(whole(3, "1\t2\t3\t4\n\\.\n").1, Some(Code::RowColumns));
        // One too many and one too few are not told apart by a total.
        assert_eq!(whole(2, "1\t2\t3\n4\n\\.\n").1, Some(Code::RowColumns));
        assert_eq!(whole(0, "x\n\\.\n").1, Some(Code::RowColumns));
    }

    #[test]
    fn a_wrong_escape_is_found() {
        for text in [
            "a\\x\n\\.\n",
            "a\\N\n\\.\n",
            "\\Na\n\\.\n",
            "a\\.\n\\.\n",
            "\\.a\n\\.\n",
            "a\rb\n\\.\n",
            "a\0\n\\.\n",
            "\\\n\n\\.\n",
        ] {
            assert_eq!(whole(1, text).1, Some(Code::RowEscape), "{text:?}");
        }
    }

    #[test]
    fn an_end_that_is_missing_or_passed_is_found() {
        for text in ["", "1\n", "1\n\\", "1\n\\.", "1\n.\n", "1\n\\\\.\n"] {
            assert_eq!(whole(1, text).1, Some(Code::RowsUnfinished), "{text:?}");
        }
        assert_eq!(whole(1, "1\n\\.\n\nx").1, Some(Code::RowsTrailing));
        assert_eq!(whole(1, "1\n\\.\n1\n\\.\n").1, Some(Code::RowsTrailing));
    }

    #[test]
    fn where_a_backslash_may_be_half_a_character_only_the_end_mark_counts() {
        let mut rows = Rows::new(2, false);
        rows.push(b"1\t\x95\x5c\n2\t\x5cx\n\x5c.\n\n\n");
        assert_eq!((rows.count(), rows.finish()), (2, None));
    }

    #[test]
    fn the_first_fault_is_named_with_its_own_row() {
        let said = |columns, text: &str| check(columns, &[text.as_bytes()]).1.unwrap().sentence;
        assert!(said(1, "1\n2\n3\\y\n\\.\n").starts_with("row 3 holds a backslash"));
        assert!(said(1, "1\n2\n\u{0}\n\\.\n").starts_with("row 3 holds the byte 0x00"));
        assert!(said(1, "1\n2\t\n3\\y\n\\.\n").starts_with("row 2 has 2 columns"));
        assert_eq!(said(0, "\nxy\n\\.\n"), "row 2 has 1 columns, and its COPY statement has 0");
    }

    /// The rules once more, on whole text and without any cleverness.
    fn naive(columns: u32, text: &[u8]) -> (u64, bool) {
        let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        let finished = &lines[..lines.len() - 1];
        let end = finished.iter().position(|line| *line == b"\\.");
        let rows = &finished[..end.unwrap_or(finished.len())];
        let field = |field: &[u8]| {
            let mut rest = field.iter();
            while let Some(byte) = rest.next() {
                match byte {
                    b'\\' if !rest.next().is_some_and(|next| b"bfnrtv\\".contains(next)) => return field == b"\\N",
                    0 | 8 | 11..=13 => return false,
                    _ => {}
                }
            }
            true
        };
        let sound = |row: &&[u8]| {
            let fields: Vec<&[u8]> = row.split(|byte| *byte == b'\t').collect();
            let count = if columns == 0 && row.is_empty() { 0 } else { fields.len() };
            count == columns as usize && fields.iter().all(|text| field(text))
        };
        let after = end.is_some_and(|end| lines[end + 1..].iter().all(|line| line.is_empty()));
        (rows.len() as u64, after && rows.iter().all(sound))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn any_text_in_any_pieces_is_judged_as_by_the_plain_rules(
            columns in 0_u32..4,
            body in "([a\t\n\\\\N.tb\r\u{1}é]|a\ta\n|\\\\N|\\\\\\\\|aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa){0,40}",
            end in prop_oneof![3 => Just("\n\\.\n\n\n"), 2 => Just("\\.\n"), 1 => Just("")],
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let text = [body.as_bytes(), end.as_bytes()].concat();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).chain([0, text.len()]).collect();
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
            let (rows, fault) = check(columns, &pieces);
            let (expected, sound) = naive(columns, &text);
            prop_assert_eq!(fault.is_none(), sound, "{:?}", fault);
            prop_assert_eq!((rows, fault), check(columns, &[&text]));
            if sound {
                prop_assert_eq!(rows, expected);
            }
        }
    }
}
