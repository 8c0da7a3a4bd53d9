//! Reading the tree field by field: every reader reports what does not fit, at its place and with its path, and goes on.

use jiff::civil::Date;

use crate::domain::duration::Seconds;
use crate::domain::identifier::InvalidIdentifier;

use super::code;
use super::finding::{Findings, one_of, quote};
use super::format::Mapping;
use super::suggest::nearest;
use super::tree::{Entry, Mark, Node, Value};

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Marked<T> {
    pub(super) value: T,
    pub(super) mark: Mark,
}

/// A node with the path that leads to it, such as `components.database.primary`.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    pub(super) node: &'a Node,
    path: String,
    /// Where findings about the whole node point: its key, or the node itself in a list.
    pub(super) mark: Mark,
}

/// The longest duration that makes sense in a plan.
const LONGEST_DURATION: Seconds = Seconds(366 * 86_400);

impl<'a> Place<'a> {
    pub(super) fn root(node: &'a Node) -> Self {
        Self { node, path: String::new(), mark: node.mark }
    }

    fn child(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// The path as sentences say it.
    pub(super) fn path(&self) -> &str {
        if self.path.is_empty() { "the plan" } else { &self.path }
    }

    /// The fields of a mapping, each of which must be one of its form's.
    pub(super) fn fields(&self, form: &'static Mapping, findings: &mut Findings) -> Option<Fields<'a>> {
        self.fields_of(vec![form], findings)
    }

    /// The fields of a mapping that has one of several forms, each of which must belong to one of them.
    pub(super) fn fields_of(&self, forms: Vec<&'static Mapping>, findings: &mut Findings) -> Option<Fields<'a>> {
        let mut known: Vec<&'static str> = Vec::new();
        for field in forms.iter().flat_map(|form| form.fields) {
            if !known.contains(&field.name) {
                known.push(field.name);
            }
        }
        let entries = self.entries(&format!("a mapping with {}", one_of(known.iter().copied())), findings)?;
        for entry in entries {
            if !known.contains(&entry.key.as_str()) {
                let message = format!("{} has no field {}", self.path(), quote(&entry.key));
                let meant = did_you_mean(&entry.key, known.iter().copied(), findings);
                findings.error(code::UNKNOWN_FIELD, entry.key_mark, message, meant.help()).meant(meant);
            }
        }
        Some(Fields { place: self.clone(), entries, forms })
    }

    /// A field of a mapping whose other fields are not known yet.
    pub(super) fn peek(&self, name: &str) -> Option<Place<'a>> {
        match &self.node.value {
            Value::Map(entries) => find(self, entries, name),
            _ => None,
        }
    }

    /// The entries of a mapping whose keys are names that the author chose.
    pub(super) fn named<N>(&self, expected: &str, findings: &mut Findings) -> Option<Vec<(Marked<N>, Place<'a>)>>
    where
        N: TryFrom<String, Error = InvalidIdentifier>,
    {
        let entries = self.entries(expected, findings)?;
        self.not_empty(entries.is_empty(), findings)?;
        let mut named = Vec::with_capacity(entries.len());
        for entry in entries {
            match N::try_from(entry.key.clone()) {
                Ok(value) => {
                    let place = Place { node: &entry.value, path: self.child(&entry.key), mark: entry.key_mark };
                    named.push((Marked { value, mark: entry.key_mark }, place));
                }
                Err(invalid) => {
                    findings
                        .error(code::BAD_IDENTIFIER, entry.key_mark, format!("{}: {invalid}", self.path()), RENAME)
                        .expected(invalid.rule());
                }
            }
        }
        Some(named)
    }

    /// The entries of a mapping whose keys are words that we chose.
    pub(super) fn chosen<T: Copy>(
        &self,
        words: &[(&'static str, T)],
        code: &'static str,
        findings: &mut Findings,
    ) -> Option<Vec<(T, Place<'a>)>> {
        let known = || words.iter().map(|(word, _)| *word);
        let entries = self.entries(&format!("a mapping with {}", one_of(known())), findings)?;
        self.not_empty(entries.is_empty(), findings)?;
        let mut chosen = Vec::with_capacity(entries.len());
        for entry in entries {
            let place = Place { node: &entry.value, path: self.child(&entry.key), mark: entry.key_mark };
            if let Some(choice) = choose(words, &entry.key, entry.key_mark, self.path(), code, findings) {
                chosen.push((choice, place));
            }
        }
        Some(chosen)
    }

    /// The one entry of a mapping such as `{ promote: database }`.
    pub(super) fn single(&self, expected: &str, findings: &mut Findings) -> Option<(Marked<&'a str>, Place<'a>)> {
        let entries = self.entries(expected, findings)?;
        match entries {
            [entry] => {
                let key = Marked { value: entry.key.as_str(), mark: entry.key_mark };
                Some((key, Place { node: &entry.value, path: self.child(&entry.key), mark: entry.key_mark }))
            }
            [] => {
                self.not_empty(true, findings);
                None
            }
            [_, second, ..] => {
                let message = format!("{} must be {expected}; this is a second field", self.path());
                findings
                    .error(code::WRONG_TYPE, second.key_mark, message, "begin a new item of the list with `-`")
                    .expected(expected);
                None
            }
        }
    }

    /// The items of a list that selects something.
    pub(super) fn items(&self, expected: &str, findings: &mut Findings) -> Option<Vec<Place<'a>>> {
        match &self.node.value {
            Value::List(items) => {
                self.not_empty(items.is_empty(), findings)?;
                let place = |(index, node): (usize, &'a Node)| Place {
                    node,
                    path: format!("{}[{index}]", self.path),
                    mark: node.mark,
                };
                Some(items.iter().enumerate().map(place).collect())
            }
            _ => self.wrong_type(expected, "write a list: `[a, b]`, or one item a line with `-` before it", findings),
        }
    }

    /// A text. Without quotes it must not look like a number or a boolean: other YAML readers would make it one.
    pub(super) fn text(&self, expected: &str, findings: &mut Findings) -> Option<Marked<&'a str>> {
        match &self.node.value {
            Value::Scalar { text, plain } if !plain || plain_type(text) == PlainType::Text => {
                Some(Marked { value: text.as_str(), mark: self.node.mark })
            }
            Value::Scalar { text, .. } if plain_type(text) != PlainType::Nothing => {
                let help = format!("write {} in quotes: without them YAML does not read a text", quote(text));
                self.wrong_type(expected, &help, findings)
            }
            _ => self.wrong_type(expected, &format!("write {expected} here"), findings),
        }
    }

    /// An identifier.
    pub(super) fn identifier<I>(&self, expected: &str, findings: &mut Findings) -> Option<Marked<I>>
    where
        I: TryFrom<String, Error = InvalidIdentifier>,
    {
        let text = self.text(expected, findings)?;
        match I::try_from(text.value.to_owned()) {
            Ok(value) => Some(Marked { value, mark: text.mark }),
            Err(invalid) => {
                findings
                    .error(code::BAD_IDENTIFIER, text.mark, format!("{}: {invalid}", self.path()), RENAME)
                    .expected(invalid.rule());
                None
            }
        }
    }

    /// A sentence or name for people: one line, not endless.
    pub(super) fn line(&self, expected: &str, findings: &mut Findings) -> Option<Marked<String>> {
        const LONGEST: usize = 200;
        let text = self.text(expected, findings)?;
        let blank = text.value.trim().is_empty();
        if blank || text.value.chars().count() > LONGEST || text.value.chars().any(char::is_control) {
            let message = format!("{}: {} is not {expected}", self.path(), quote(text.value));
            findings
                .error(code::OUT_OF_RANGE, text.mark, message, format!("write 1 to {LONGEST} characters on one line"))
                .expected(expected);
            return None;
        }
        Some(Marked { value: text.value.to_owned(), mark: text.mark })
    }

    /// A duration of at least `least`.
    pub(super) fn duration(&self, least: Seconds, findings: &mut Findings) -> Option<Marked<Seconds>> {
        const EXPECTED: &str = "a duration such as 90s, 30m, 4h or 7d";
        const HELP: &str = "write a whole number and s, m, h or d, without a blank between them";
        let text = match &self.node.value {
            // A bare number is refused for its missing unit, not for its missing quotes.
            Value::Scalar { text, .. } if !text.is_empty() && text != "~" => text,
            _ => return self.wrong_type(EXPECTED, HELP, findings),
        };
        let Some(value) = Seconds::parse(text) else {
            let message = format!("{}: expected {EXPECTED}, found {}", self.path(), quote(text));
            findings.error(code::WRONG_TYPE, self.node.mark, message, HELP).expected(EXPECTED);
            return None;
        };
        if value < least || value > LONGEST_DURATION {
            let message = format!("{}: {} is not between {least} and {LONGEST_DURATION}", self.path(), quote(text));
            findings
                .error(code::OUT_OF_RANGE, self.node.mark, message, "look at the unit: s, m, h or d")
                .expected(format!("a duration from {least} to {LONGEST_DURATION}"));
            return None;
        }
        Some(Marked { value, mark: self.node.mark })
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self, findings: &mut Findings) -> Option<Marked<bool>> {
        let value = match &self.node.value {
            Value::Scalar { text, plain: true } if text == "true" => true,
            Value::Scalar { text, plain: true } if text == "false" => false,
            _ => {
                return self.wrong_type(
                    "true or false",
                    "write true or false, in small letters and without quotes",
                    findings,
                );
            }
        };
        Some(Marked { value, mark: self.node.mark })
    }

    /// A whole number.
    pub(super) fn number(&self, findings: &mut Findings) -> Option<Marked<u32>> {
        let number = match &self.node.value {
            Value::Scalar { text, plain: true } if !text.starts_with('+') => text.parse().ok(),
            _ => None,
        };
        match number {
            Some(value) => Some(Marked { value, mark: self.node.mark }),
            None => self.wrong_type("a whole number", "write digits, without quotes", findings),
        }
    }

    /// A day.
    pub(super) fn date(&self, findings: &mut Findings) -> Option<Marked<Date>> {
        const EXPECTED: &str = "a day such as 2027-06-30";
        let text = self.text(EXPECTED, findings)?;
        // jiff reads a date out of longer texts too; a time of day would be dropped silently.
        match text.value.parse() {
            Ok(value) if text.value.len() == 10 => Some(Marked { value, mark: text.mark }),
            _ => {
                let message = format!("{}: expected {EXPECTED}, found {}", self.path(), quote(text.value));
                let help = "write year-month-day; the day itself still counts, in UTC";
                findings.error(code::WRONG_TYPE, text.mark, message, help).expected(EXPECTED);
                None
            }
        }
    }

    /// One of our words.
    pub(super) fn choice<T: Copy>(
        &self,
        words: &[(&'static str, T)],
        code: &'static str,
        findings: &mut Findings,
    ) -> Option<Marked<T>> {
        let word = match &self.node.value {
            Value::Scalar { text, .. } if !text.is_empty() && text != "~" => text,
            _ => {
                let expected = one_of(words.iter().map(|(word, _)| *word));
                return self.wrong_type(&expected, &format!("write {expected}"), findings);
            }
        };
        choose(words, word, self.node.mark, self.path(), code, findings).map(|value| Marked { value, mark: self.node.mark })
    }

    fn entries(&self, expected: &str, findings: &mut Findings) -> Option<&'a [Entry]> {
        match &self.node.value {
            Value::Map(entries) => Some(entries),
            _ => self.wrong_type(expected, "write `name: value`, one a line and indented, or `{ name: value }`", findings),
        }
    }

    /// Says that a mapping whose fields are all optional has none of them.
    pub(super) fn selects_nothing(&self, findings: &mut Findings) {
        self.not_empty(true, findings);
    }

    fn not_empty(&self, empty: bool, findings: &mut Findings) -> Option<()> {
        if empty {
            let message = format!("{} selects nothing", self.path());
            findings.error(
                code::EMPTY_LIST,
                self.mark,
                message,
                "name at least one, or leave the field out where it is optional",
            );
            return None;
        }
        Some(())
    }

    pub(super) fn wrong_type<T>(&self, expected: &str, help: &str, findings: &mut Findings) -> Option<T> {
        let found = match &self.node.value {
            // It was reported already: a second finding at the same place would only hide the first.
            Value::Unread => return None,
            Value::ToFillIn => {
                let message = format!("{} is left to fill in", self.path());
                let help = format!("write {expected} here");
                findings.error(code::LEFT_TO_FILL_IN, self.node.mark, message, help).expected(expected);
                return None;
            }
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a mapping".to_owned(),
            Value::Scalar { text, plain: true } => match plain_type(text) {
                PlainType::Nothing => "nothing".to_owned(),
                PlainType::Boolean => format!("the boolean {text}"),
                PlainType::Number => format!("the number {}", quote(text).trim_matches('"')),
                PlainType::Text => quote(text),
            },
            Value::Scalar { text, plain: false } => format!("the text {}", quote(text)),
        };
        let nothing = found == "nothing";
        let mark = if nothing { self.mark } else { self.node.mark };
        let message = format!("{}: expected {expected}, found {found}", self.path());
        findings.error(code::WRONG_TYPE, mark, message, help).expected(expected);
        None
    }
}

const RENAME: &str = "write it by this rule; where the name exists in AWS already, copy it from there";

/// The fields of one mapping.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    place: Place<'a>,
    entries: &'a [Entry],
    /// The forms that the mapping may have.
    forms: Vec<&'static Mapping>,
}

fn find<'a>(place: &Place<'a>, entries: &'a [Entry], name: &str) -> Option<Place<'a>> {
    let entry = entries.iter().find(|entry| entry.key == name)?;
    Some(Place { node: &entry.value, path: place.child(name), mark: entry.key_mark })
}

impl<'a> Fields<'a> {
    /// Where findings about the whole mapping point.
    pub(super) fn mark(&self) -> Mark {
        self.place.mark
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn optional(&self, name: &str) -> Option<Place<'a>> {
        // A field that is read but not in the format would be missing from the schema, and refused by `fields`.
        debug_assert!(self.forms.iter().any(|form| form.field(name).is_some()), "no form has a field {name}");
        find(&self.place, self.entries, name)
    }

    /// A field that must be there; `expected` says what to write into it.
    pub(super) fn required(&self, name: &str, expected: &str, findings: &mut Findings) -> Option<Place<'a>> {
        debug_assert!(
            self.forms.iter().any(|form| form.field(name).is_some_and(|field| field.required)),
            "no form requires a field {name}"
        );
        let found = self.optional(name);
        if found.is_none() {
            let message = format!("{} has no field `{name}`", self.place.path());
            findings
                .error(code::MISSING_FIELD, self.place.mark, message, format!("add `{name}:` with {expected}"))
                .expected(expected);
        }
        found
    }

    /// Which of these fields are there.
    pub(super) fn present(&self, names: &[&'static str]) -> Vec<&'static str> {
        names.iter().copied().filter(|name| self.entries.iter().any(|entry| entry.key == *name)).collect()
    }
}

fn choose<T: Copy>(
    words: &[(&'static str, T)],
    word: &str,
    mark: Mark,
    path: &str,
    code: &'static str,
    findings: &mut Findings,
) -> Option<T> {
    if let Some((_, value)) = words.iter().find(|(known, _)| *known == word) {
        return Some(*value);
    }
    let known = || words.iter().map(|(known, _)| *known);
    let message = format!("{path}: expected {}, found {}", one_of(known()), quote(word));
    // What was probably meant keeps the checks that follow from reporting the slip a second time.
    let meant = did_you_mean(word, known(), findings);
    let nearest = meant.nearest;
    findings.error(code, mark, message, meant.help()).meant(meant);
    words.iter().find(|(known, _)| Some(*known) == nearest).map(|(_, value)| *value)
}

/// What was probably meant by an unknown name.
#[derive(Debug)]
pub(super) struct Meant<'a> {
    /// The nearest known name, if one is near enough.
    pub(super) nearest: Option<&'a str>,
    /// The names that are known there, as a sentence lists them.
    pub(super) known: String,
}

impl Meant<'_> {
    /// What to do about it.
    pub(super) fn help(&self) -> String {
        match self.nearest {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("known here: {}", self.known),
        }
    }
}

/// Looks for what was probably meant by an unknown name.
pub(super) fn did_you_mean<'a>(word: &str, known: impl Iterator<Item = &'a str> + Clone, findings: &Findings) -> Meant<'a> {
    if !findings.has_room() {
        return Meant { nearest: None, known: String::new() };
    }
    Meant { nearest: nearest(word, known.clone()), known: one_of(known) }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PlainType {
    Nothing,
    Boolean,
    Number,
    Text,
}

/// The type that YAML's core schema gives a scalar without quotes.
fn plain_type(text: &str) -> PlainType {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return PlainType::Nothing,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => return PlainType::Boolean,
        _ => {}
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let radix = |prefix: &str, digits: fn(char) -> bool| {
        text.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty() && rest.chars().all(digits))
    };
    let decimal = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') && unsigned.parse::<f64>().is_ok();
    let special = [".inf", ".Inf", ".INF"].contains(&unsigned) || [".nan", ".NaN", ".NAN"].contains(&text);
    if decimal || special || radix("0x", |c| c.is_ascii_hexdigit()) || radix("0o", |c| ('0'..='7').contains(&c)) {
        PlainType::Number
    } else {
        PlainType::Text
    }
}
