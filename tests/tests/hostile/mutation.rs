//! Changes to a JSON value, one place at a time.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};

/// One change.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// The place and all below it goes.
    Drop,
    /// Something of another type comes in its place.
    Replace(Value),
    /// It is wrapped so often, by turns in a list and in an object.
    Nest(usize),
    /// Its name gets a neighbour: the same content under another name.
    Double(&'static str),
    /// Its name changes.
    Rename(&'static str),
    /// A text is spoilt.
    Spoil(Spoiling),
    /// What stands at another place comes here.
    Move(Index),
}

/// A change to a text.
#[derive(Debug, Clone)]
pub(crate) enum Spoiling {
    /// A letter becomes one that looks alike.
    Lookalike(Index),
    /// A character comes in.
    Insert(Index, char),
    /// It is cut.
    Cut(Index),
    /// It is repeated.
    Repeat(usize),
    /// Its case changes.
    Case,
}

/// A place to change and the change.
pub(crate) type Edit = (Index, Change);

/// Some edits.
pub(crate) fn edits() -> impl Strategy<Value = Vec<Edit>> {
    proptest::collection::vec((any::<Index>(), change()), 1..4)
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        2 => Just(Change::Drop),
        4 => value().prop_map(Change::Replace),
        1 => prop_oneof![1..4_usize, Just(100), Just(200)].prop_map(Change::Nest),
        2 => proptest::sample::select(NAMES).prop_map(Change::Double),
        2 => proptest::sample::select(NAMES).prop_map(Change::Rename),
        5 => spoiling().prop_map(Change::Spoil),
        2 => any::<Index>().prop_map(Change::Move),
    ]
}

/// Names that mean something to one of the readers, and names that only look so.
const NAMES: &[&str] = &[
    "task",
    "command",
    "scenario",
    "mode",
    "undo",
    "component",
    "new_endpoint",
    "alarmData",
    "detail-type",
    "Records",
    "backup",
    "version",
    "$ref",
    "__proto__",
    "",
    "Task",
    "scenario ",
    "sc\u{435}nario",
    "\u{202e}edom",
    "\u{1b}[2J",
];

fn value() -> impl Strategy<Value = Value> {
    proptest::sample::select(vec![
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1e308),
        json!(-0.0),
        json!(5e-324),
        json!(""),
        json!("\u{0}"),
        json!("ALARM"),
        json!("9999-12-31T23:59:59.999+0000"),
        json!("-009999-01-01T00:00:00Z"),
        json!("2026-11-20T10:00:31.812+9999"),
        json!("+0000"),
        json!("é0000"),
        json!([]),
        json!({}),
        json!([[]]),
        json!({"": {}}),
        json!(vec!["x"; 500]),
        json!("a".repeat(501)),
        json!("\u{202e}".repeat(499)),
        json!("x".repeat(70_000)),
    ])
}

fn spoiling() -> impl Strategy<Value = Spoiling> {
    let character =
        proptest::sample::select(vec!['\u{0}', '\n', '\u{1b}', '\u{200b}', '\u{202e}', '.', '/', '@', ' ', '\'', '"', '%']);
    prop_oneof![
        any::<Index>().prop_map(Spoiling::Lookalike),
        (any::<Index>(), character).prop_map(|(at, character)| Spoiling::Insert(at, character)),
        any::<Index>().prop_map(Spoiling::Cut),
        (2..4_usize).prop_map(Spoiling::Repeat),
        Just(Spoiling::Case),
    ]
}

/// Applies the edits, one after the other.
pub(crate) fn apply(value: &mut Value, edits: &[Edit]) {
    for (at, change) in edits {
        let places = places(value);
        let place = &places[at.index(places.len())];
        match change {
            Change::Drop => drop_place(value, place),
            Change::Replace(new) => put(value, place, new.clone()),
            Change::Nest(depth) => {
                let inner = get(value, place).clone();
                let wrap = |inner, level| if level % 2 == 0 { json!([inner]) } else { json!({ "a": inner }) };
                put(value, place, (0..*depth).fold(inner, wrap));
            }
            Change::Double(name) => with_parent(value, place, |parent, key| {
                if let Some(content) = parent.get(key).cloned() {
                    parent.insert((*name).to_owned(), content);
                }
            }),
            Change::Rename(name) => with_parent(value, place, |parent, key| {
                if let Some(content) = parent.remove(key) {
                    parent.insert((*name).to_owned(), content);
                }
            }),
            Change::Spoil(spoiling) => {
                if let Some(text) = get(value, place).as_str() {
                    let spoilt = spoil(text, spoiling);
                    put(value, place, json!(spoilt));
                }
            }
            Change::Move(from) => {
                let moved = get(value, &places[from.index(places.len())]).clone();
                put(value, place, moved);
            }
        }
    }
}

fn spoil(text: &str, spoiling: &Spoiling) -> String {
    let characters: Vec<char> = text.chars().collect();
    let boundary = |at: &Index| at.index(characters.len() + 1);
    match spoiling {
        Spoiling::Lookalike(at) if !characters.is_empty() => {
            let place = at.index(characters.len());
            let alike = |(index, c): (usize, &char)| if index == place { lookalike(*c) } else { *c };
            characters.iter().enumerate().map(alike).collect()
        }
        Spoiling::Lookalike(_) => "\u{435}".to_owned(),
        Spoiling::Insert(at, character) => {
            let (head, tail) = characters.split_at(boundary(at));
            head.iter().chain([character]).chain(tail).collect()
        }
        Spoiling::Cut(at) => characters[..boundary(at)].iter().collect(),
        Spoiling::Repeat(times) => text.repeat(*times),
        Spoiling::Case => {
            text.chars().map(|c| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }).collect()
        }
    }
}

/// Cyrillic, Greek, full-width and mathematical letters, as they are used to imitate.
fn lookalike(character: char) -> char {
    match character {
        'a' => '\u{430}',
        'e' => '\u{435}',
        'o' => '\u{3bf}',
        'i' => '\u{456}',
        '-' => '\u{2010}',
        '.' => '\u{3002}',
        ':' => '\u{ff1a}',
        '/' => '\u{2044}',
        '0'..='9' => char::from_u32(u32::from(character) - u32::from('0') + 0xff10).unwrap_or('?'),
        '!'..='~' => char::from_u32(u32::from(character) - u32::from('!') + 0xff01).unwrap_or('?'),
        other => other,
    }
}

/// One step down.
#[derive(Debug, Clone)]
pub(crate) enum Down {
    Field(String),
    Item(usize),
}

type Place = Vec<Down>;

/// Every place in the value, the whole first.
pub(crate) fn places(value: &Value) -> Vec<Place> {
    let mut found = vec![Vec::new()];
    let mut open: Vec<(Place, &Value)> = vec![(Vec::new(), value)];
    while let Some((place, value)) = open.pop() {
        let below: Vec<(Down, &Value)> = match value {
            Value::Object(fields) => fields.iter().map(|(name, value)| (Down::Field(name.clone()), value)).collect(),
            Value::Array(items) => items.iter().enumerate().map(|(index, value)| (Down::Item(index), value)).collect(),
            _ => Vec::new(),
        };
        for (down, value) in below {
            let place: Place = place.iter().cloned().chain([down]).collect();
            found.push(place.clone());
            // What was nested deep is one place: nothing below the hundredth level is told apart by any reader.
            if place.len() < 20 {
                open.push((place, value));
            }
        }
    }
    found
}

pub(crate) fn get<'a>(value: &'a Value, place: &[Down]) -> &'a Value {
    place.iter().fold(value, |value, down| match down {
        Down::Field(name) => &value[name],
        Down::Item(index) => &value[index],
    })
}

pub(crate) fn get_mut<'a>(value: &'a mut Value, place: &[Down]) -> &'a mut Value {
    place.iter().fold(value, |value, down| match down {
        Down::Field(name) => &mut value[name],
        Down::Item(index) => &mut value[index],
    })
}

fn put(value: &mut Value, place: &[Down], new: Value) {
    *get_mut(value, place) = new;
}

fn drop_place(value: &mut Value, place: &[Down]) {
    let Some((last, above)) = place.split_last() else { return };
    match (get_mut(value, above), last) {
        (Value::Object(fields), Down::Field(name)) => {
            fields.remove(name);
        }
        (Value::Array(items), Down::Item(index)) => {
            items.remove(*index);
        }
        _ => {}
    }
}

fn with_parent(value: &mut Value, place: &[Down], change: impl FnOnce(&mut Map<String, Value>, &str)) {
    if let Some((Down::Field(name), above)) = place.split_last()
        && let Value::Object(parent) = get_mut(value, above)
    {
        change(parent, name);
    }
}
