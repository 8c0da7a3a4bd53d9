//! Text of others, as it may be repeated: in an error, a log, a notice, on a terminal.

/// Whether a character could make a reader see something else than what is there: control characters (a terminal obeys them, a
/// line feed forges a line), and the invisible ones that reorder or hide text (Unicode's default-ignorable format characters).
#[must_use]
pub fn misleads(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text with what misleads written out as escapes, at most `longest` characters of it.
#[must_use]
pub fn printable(text: &str, longest: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(longest));
    let mut length = 0;
    for character in text.chars() {
        let before = shown.len();
        if misleads(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
        length += shown[before..].chars().count();
        if length > longest {
            shown.truncate(before);
            shown.push('…');
            break;
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_misleads_is_written_out_and_what_does_not_is_left_alone() {
        assert_eq!(printable("Größe 3 µs, “quoted”", 100), "Größe 3 µs, “quoted”");
        assert_eq!(printable("a\u{1b}[2J\nb\u{202e}c\u{feff}", 100), "a\\u{1b}[2J\\nb\\u{202e}c\\u{feff}");
    }

    #[test]
    fn a_long_text_is_cut_and_shows_it() {
        assert_eq!(printable("abcdef", 6), "abcdef");
        assert_eq!(printable("abcdefg", 6), "abcdef…");
        assert!(printable(&"\u{202e}".repeat(1_000), 50).chars().count() <= 51);
    }
}
