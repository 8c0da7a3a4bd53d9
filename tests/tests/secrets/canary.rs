//! What is looked for, in every form in which it could be written.

use std::fmt::Write as _;

/// A secret that nothing else looks like, with characters that JSON, URLs and shells write in other ways.
pub(crate) const CANARY: &str = "c4n4ry-7Qz/\"p&ss+w%rd\\ö";

/// The forms of a text that are looked for.
#[derive(Debug, Clone)]
pub(crate) struct Forms(Vec<String>);

impl Forms {
    /// As it is, in JSON (once and twice), in URLs, in hexadecimal, and in base64 wherever in a longer text it begins.
    pub(crate) fn of(secret: &str) -> Self {
        let escaped = |text: &str| serde_json::to_string(text).unwrap().trim_matches('"').to_owned();
        let ascii: String = escaped(secret).chars().fold(String::new(), |mut text, c| {
            let _ = if c.is_ascii() { write!(text, "{c}") } else { write!(text, "\\u{:04x}", u32::from(c)) };
            text
        });
        let percent = |keep: fn(u8) -> bool| {
            secret.bytes().fold(String::new(), |mut text, byte| {
                let _ = if keep(byte) { write!(text, "{}", char::from(byte)) } else { write!(text, "%{byte:02X}") };
                text
            })
        };
        let hexadecimal = secret.bytes().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        let mut forms = vec![
            secret.to_owned(),
            escaped(secret),
            escaped(&escaped(secret)),
            ascii,
            percent(|byte| byte.is_ascii_alphanumeric()),
            percent(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)),
            hexadecimal,
        ];
        forms.extend((0..3).map(|offset| base64_inside(secret.as_bytes(), offset)));
        Self(forms)
    }

    /// The form that a text holds.
    pub(crate) fn found_in(&self, text: &str) -> Option<&str> {
        self.0.iter().map(String::as_str).find(|form| text.contains(form))
    }

    pub(crate) fn each(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// The part of the secret's base64 that is the same whatever stands before and after it.
fn base64_inside(secret: &[u8], offset: usize) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = vec![0; offset];
    bytes.extend_from_slice(secret);
    let whole = bytes.chunks_exact(3).flat_map(|three| {
        let number = u32::from(three[0]) << 16 | u32::from(three[1]) << 8 | u32::from(three[2]);
        [18, 12, 6, 0].map(|shift| char::from(DIGITS[usize::try_from(number >> shift & 63).unwrap()]))
    });
    // The digits that the bytes before it have a part in.
    let shared = if offset == 0 { 0 } else { offset + 1 };
    whole.skip(shared).collect()
}

#[test]
fn the_forms_are_those_that_other_programs_write() {
    let forms = Forms::of("pass/\"word");
    for written in ["pass/\"word", r#"pass/\"word"#, "pass%2F%22word", "706173732f22776f7264", "cGFzcy8id29y"] {
        assert!(forms.found_in(&format!("x{written}y")).is_some(), "{written}");
    }
    // `printf 'ab%s' 'pass/"word' | base64`, and with one byte before it.
    assert!(forms.found_in("YWJwYXNzLyJ3b3Jk").is_some());
    assert!(forms.found_in("YXBhc3MvIndvcmQ=").is_some());
    assert_eq!(forms.found_in("pass word"), None);
}
