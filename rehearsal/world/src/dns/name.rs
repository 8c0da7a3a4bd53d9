//! Domain names as Route 53 writes and orders them.

use std::cmp::Ordering;
use std::fmt;

use serde::{Serialize, Serializer};

/// The longest label, in bytes.
const LONGEST_LABEL: usize = 63;
/// The longest name, in bytes, dots included.
const LONGEST_NAME: usize = 255;

/// A domain name in the one spelling that Route 53 answers with: lower case, a dot at the end, and every byte but
/// letters, digits, hyphen and underscore as a three-digit octal code.
///
/// Names are ordered as Route 53 lists them: by their labels from right to left, each followed by its dot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DnsName {
    text: String,
    /// `com.example.www.`, to compare by.
    reversed: String,
}

/// What makes a text no domain name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameProblem {
    EmptyLabel,
    LongLabel,
    LongName,
    UnsupportedCharacter,
}

impl NameProblem {
    /// As Route 53 words it.
    pub(crate) fn encountered_with(self, text: &str) -> String {
        let problem = match self {
            Self::EmptyLabel => "DomainLabelEmpty (Domain label is empty)",
            Self::LongLabel => "DomainLabelTooLong (Domain label is too long)",
            Self::LongName => "DomainNameTooLong (Domain name is too long)",
            Self::UnsupportedCharacter => "UnsupportedCharacter (Value contains unsupported characters)",
        };
        format!("FATAL problem: {problem} encountered with '{text}'")
    }
}

impl DnsName {
    /// Reads a name, with or without the dot at its end, in any case, with octal codes where the caller likes them.
    pub fn parse(text: &str) -> Option<Self> {
        Self::read(text).ok()
    }

    pub(crate) fn read(text: &str) -> Result<Self, NameProblem> {
        let mut labels = vec![Vec::new()];
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            let value = match byte {
                b'.' => {
                    labels.push(Vec::new());
                    continue;
                }
                b'\\' => octal(&mut bytes)?,
                b'!'..=b'~' => byte,
                _ => return Err(NameProblem::UnsupportedCharacter),
            };
            if let Some(label) = labels.last_mut() {
                label.push(value);
            }
        }
        // The dot at the end leaves an empty label behind it.
        if labels.len() > 1 && labels.last().is_some_and(Vec::is_empty) {
            labels.pop();
        }
        Self::of(&labels)
    }

    /// The name made of these labels, the leftmost first and the root left out; none where they make no name.
    pub fn from_labels<Label: AsRef<[u8]>>(labels: impl IntoIterator<Item = Label>) -> Option<Self> {
        let labels: Vec<Vec<u8>> = labels.into_iter().map(|label| label.as_ref().to_vec()).collect();
        Self::of(&labels).ok()
    }

    fn of(labels: &[Vec<u8>]) -> Result<Self, NameProblem> {
        if labels.is_empty() || labels.iter().any(Vec::is_empty) {
            return Err(NameProblem::EmptyLabel);
        }
        if labels.iter().any(|label| label.len() > LONGEST_LABEL) {
            return Err(NameProblem::LongLabel);
        }
        if labels.iter().map(|label| label.len() + 1).sum::<usize>() > LONGEST_NAME {
            return Err(NameProblem::LongName);
        }
        let spelled: Vec<String> = labels.iter().map(|label| spell(label)).collect();
        let joined = |parts: &mut dyn Iterator<Item = &String>| parts.flat_map(|part| [part.as_str(), "."]).collect();
        Ok(Self { text: joined(&mut spelled.iter()), reversed: joined(&mut spelled.iter().rev()) })
    }

    /// The name as Route 53 writes it: `www.example.com.`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The labels as they stand on the wire, the leftmost first, without the root.
    #[must_use]
    pub fn labels(&self) -> Vec<Vec<u8>> {
        self.text.split_terminator('.').map(unspell).collect()
    }

    /// Whether this is `zone` itself or a name below it.
    #[must_use]
    pub fn lies_within(&self, zone: &Self) -> bool {
        self.reversed.starts_with(&zone.reversed)
    }

    /// The name without its leftmost label; none above a name of one label.
    pub(crate) fn parent(&self) -> Option<Self> {
        let (label, text) = self.text.split_once('.')?;
        let reversed = &self.reversed[..self.reversed.len() - label.len() - 1];
        (!text.is_empty()).then(|| Self { text: text.to_owned(), reversed: reversed.to_owned() })
    }

    /// The wildcard one level below this name.
    pub(crate) fn wildcard(&self) -> Self {
        Self { text: format!("\\052.{}", self.text), reversed: format!("{}\\052.", self.reversed) }
    }
}

impl Ord for DnsName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.reversed.cmp(&other.reversed)
    }
}

impl PartialOrd for DnsName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for DnsName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Serialize for DnsName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// The three digits after a backslash.
pub(crate) fn octal(bytes: &mut impl Iterator<Item = u8>) -> Result<u8, NameProblem> {
    let mut value = 0_u32;
    for _ in 0..3 {
        let digit = bytes.next().filter(|byte| (b'0'..=b'7').contains(byte)).ok_or(NameProblem::UnsupportedCharacter)?;
        value = value * 8 + u32::from(digit - b'0');
    }
    u8::try_from(value).map_err(|_| NameProblem::UnsupportedCharacter)
}

fn spell(label: &[u8]) -> String {
    let mut text = String::new();
    for byte in label.iter().map(u8::to_ascii_lowercase) {
        if byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_' {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("\\{byte:03o}"));
        }
    }
    text
}

fn unspell(label: &str) -> Vec<u8> {
    let mut bytes = label.bytes();
    let mut plain = Vec::new();
    while let Some(byte) = bytes.next() {
        // What this type holds was spelled by it, so that no code can be wrong.
        plain.push(if byte == b'\\' { octal(&mut bytes).unwrap_or(byte) } else { byte });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DnsName {
        DnsName::read(text).unwrap()
    }

    #[test]
    fn a_name_has_one_spelling() {
        for (text, expected) in [
            ("www.example.com", "www.example.com."),
            ("WWW.Example.COM.", "www.example.com."),
            ("*.example.com", "\\052.example.com."),
            ("\\052.example.com.", "\\052.example.com."),
            ("_acme-challenge.\\127\\127W.com", "_acme-challenge.www.com."),
            ("a\\056b.com", "a\\056b.com."),
            ("ex\\344mple.com", "ex\\344mple.com."),
        ] {
            assert_eq!(name(text).as_str(), expected, "{text}");
            assert_eq!(DnsName::from_labels(name(text).labels()), Some(name(text)), "{text}");
        }
        assert_eq!(name("a\\056b.com").labels(), [b"a.b".to_vec(), b"com".to_vec()]);
    }

    #[test]
    fn what_is_no_name_is_refused_with_its_reason() {
        let long_label = format!("{}.com", "a".repeat(64));
        let long_name = format!("{}com", "abcdefgh.".repeat(28));
        for (text, expected) in [
            ("", NameProblem::EmptyLabel),
            (".", NameProblem::EmptyLabel),
            ("a..b", NameProblem::EmptyLabel),
            ("a.com..", NameProblem::EmptyLabel),
            (".a.com", NameProblem::EmptyLabel),
            (long_label.as_str(), NameProblem::LongLabel),
            (long_name.as_str(), NameProblem::LongName),
            ("a b.com", NameProblem::UnsupportedCharacter),
            ("ä.com", NameProblem::UnsupportedCharacter),
            ("a\\05.com", NameProblem::UnsupportedCharacter),
            ("a\\777.com", NameProblem::UnsupportedCharacter),
        ] {
            assert_eq!(DnsName::read(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn parents_wildcards_and_zones_follow_labels_not_letters() {
        assert_eq!(name("a.b.com").parent(), Some(name("b.com")));
        assert_eq!(name("com").parent(), None);
        assert_eq!(name("b.com").wildcard(), name("*.b.com"));
        assert!(name("a.b.com").lies_within(&name("b.com")) && name("b.com").lies_within(&name("b.com")));
        assert!(!name("ab.com").lies_within(&name("b.com")) && !name("com").lies_within(&name("b.com")));
    }
}
