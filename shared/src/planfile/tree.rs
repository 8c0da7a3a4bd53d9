//! The file as a tree in which every node knows its place. Serde's way into typed values stops at the first thing that does not
//! fit; a plan's author wants all of it at once, so the tree is read first and the types afterwards.

use std::collections::HashMap;

use serde_saphyr::granit_parser::{ErrorKind, Event, Parser, ScalarStyle, Span, options};

use super::code;
use super::finding::{Finding, Findings, Severity, finding, quote};

/// The deepest nesting that is read. The format itself needs about a dozen levels.
pub(super) const DEEPEST: usize = 32;

/// The most keys, values, lists and mappings that are read: several times as many as ten thousand components have. What is kept
/// of a short value takes many times its text, so a cap on the file's size alone would not bound the memory.
pub(super) const MOST_VALUES: usize = 1_000_000;

/// What stands in a plan where its author does not know the value yet.
pub const TO_FILL_IN: &str = "TO_FILL_IN";

/// A place in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// 1-based.
    pub(super) line: usize,
    /// 1-based, in characters.
    pub(super) column: usize,
    /// Characters, at least one.
    pub(super) width: usize,
}

impl Mark {
    pub(super) const START: Self = Self { line: 1, column: 1, width: 1 };

    fn of(span: Span) -> Self {
        let width = if span.end.line() == span.start.line() { span.end.col().saturating_sub(span.start.col()) } else { 0 };
        Self { line: span.start.line().max(1), column: span.start.col() + 1, width: width.max(1) }
    }
}

/// A value with its place.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) mark: Mark,
    pub(super) value: Value,
}

#[derive(Debug)]
pub(super) enum Value {
    /// A scalar as written; `plain` when it stands without quotes, so that its type is YAML's choice.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// [`TO_FILL_IN`], where a value belongs.
    ToFillIn,
    /// Something that was reported already and of which nothing more is said.
    Unread,
}

/// A key and its value.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_mark: Mark,
    pub(super) value: Node,
}

/// Reads the first document. `Err` when the text is no YAML that could be read to its end.
pub(super) fn parse(text: &str, findings: &mut Findings) -> Result<Node, Box<Finding>> {
    let mut options = options! { emit_anchor_events: true, emit_unresolved_aliases: true, disallow_directives: true };
    options.set_emit_comments(false);
    let mut builder = Builder { open: Vec::new(), root: None, findings };
    for (count, event) in Parser::new_from_str_with_options(text, options).enumerate() {
        let (event, span) = event.map_err(|error| {
            let mark = Mark { line: error.marker().line().max(1), column: error.marker().col() + 1, width: 1 };
            if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
                too_deep(mark)
            } else {
                not_yaml(mark, &error.info())
            }
        })?;
        let mark = Mark::of(span);
        if count > MOST_VALUES {
            return Err(too_many(mark));
        }
        match event {
            Event::Scalar(text, style, _, tag) => {
                builder.refuse_tag(mark, tag.is_some());
                let plain = style == ScalarStyle::Plain;
                let value = if plain && text == TO_FILL_IN {
                    Value::ToFillIn
                } else {
                    Value::Scalar { text: text.into_owned(), plain }
                };
                builder.attach(Node { mark, value });
            }
            Event::SequenceStart(_, _, tag) => {
                builder.refuse_tag(mark, tag.is_some());
                builder.open(mark, Open::List { mark, items: Vec::new() })?;
            }
            Event::MappingStart(_, _, tag) => {
                builder.refuse_tag(mark, tag.is_some());
                builder.open(mark, Open::Map { mark, entries: Vec::new(), lines: HashMap::new(), key: None })?;
            }
            Event::SequenceEnd | Event::MappingEnd => builder.close(),
            Event::Anchor(..) => builder.refuse(mark, "an anchor (`&…`)", "leave it out"),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                builder.refuse(mark, "an alias (`*…`)", "write the value out where it is used: a plan is read under stress");
                builder.attach(Node { mark, value: Value::Unread });
            }
            Event::DocumentStart(..) if builder.root.is_some() => {
                builder.refuse(
                    mark,
                    "a second document (`---`)",
                    "one file is one plan: move the rest to a file of its own",
                );
                break;
            }
            _ => {}
        }
    }
    Ok(builder.root.unwrap_or(Node { mark: Mark::START, value: Value::Scalar { text: String::new(), plain: true } }))
}

/// Says that the text stopped being YAML.
fn not_yaml(mark: Mark, what: &str) -> Box<Finding> {
    Box::new(finding(
        Severity::Error,
        code::NOT_YAML,
        mark,
        format!("the file stops being YAML here: {what}"),
        "look at the indentation and for a quote, bracket or brace that is not closed at or before this place".to_owned(),
    ))
}

fn too_many(mark: Mark) -> Box<Finding> {
    Box::new(finding(
        Severity::Error,
        code::TOO_LARGE,
        mark,
        format!("the file has more than {MOST_VALUES} keys and values, and no plan has as many"),
        "is it the right file? A plan names things; it does not hold their contents".to_owned(),
    ))
}

fn too_deep(mark: Mark) -> Box<Finding> {
    Box::new(finding(
        Severity::Error,
        code::TOO_DEEP,
        mark,
        format!("more than {DEEPEST} lists and mappings inside one another"),
        "no plan needs that; look for a bracket or brace that is not closed".to_owned(),
    ))
}

enum Open {
    List { mark: Mark, items: Vec<Node> },
    Map { mark: Mark, entries: Vec<Entry>, lines: HashMap<String, usize>, key: Option<Key> },
}

/// A key that waits for its value.
enum Key {
    Text {
        text: String,
        mark: Mark,
    },
    /// Reported already; its value is read and dropped.
    Refused,
}

struct Builder<'a> {
    open: Vec<Open>,
    root: Option<Node>,
    findings: &'a mut Findings,
}

impl Builder<'_> {
    fn refuse(&mut self, mark: Mark, what: &str, help: &str) {
        self.findings.error(code::UNSUPPORTED_YAML, mark, format!("{what} is YAML that a plan does without"), help);
    }

    fn refuse_tag(&mut self, mark: Mark, present: bool) {
        if present {
            self.refuse(mark, "a tag (`!…`)", "write the value alone: the plan's own rules say what type it has");
        }
    }

    fn open(&mut self, mark: Mark, collection: Open) -> Result<(), Box<Finding>> {
        if self.open.len() >= DEEPEST {
            return Err(too_deep(mark));
        }
        self.open.push(collection);
        Ok(())
    }

    fn close(&mut self) {
        let node = match self.open.pop() {
            Some(Open::List { mark, items }) => Node { mark, value: Value::List(items) },
            Some(Open::Map { mark, entries, .. }) => Node { mark, value: Value::Map(entries) },
            None => return,
        };
        self.attach(node);
    }

    fn attach(&mut self, node: Node) {
        match self.open.last_mut() {
            None => {
                self.root.get_or_insert(node);
            }
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, lines, key, .. }) => match key.take() {
                None => *key = Some(read_key(node, lines, self.findings)),
                Some(Key::Text { text, mark }) => entries.push(Entry { key: text, key_mark: mark, value: node }),
                Some(Key::Refused) => {}
            },
        }
    }
}

fn read_key(node: Node, lines: &mut HashMap<String, usize>, findings: &mut Findings) -> Key {
    let mark = node.mark;
    match node.value {
        Value::Scalar { text, plain: true } if text == "<<" => {
            let message = "a merge key (`<<`) is YAML that a plan does without";
            findings.error(code::UNSUPPORTED_YAML, mark, message, "write the fields out where they are used");
            Key::Refused
        }
        Value::Scalar { text, .. } => {
            if let Some(first) = lines.get(&text) {
                let message = format!("{} is written twice in one mapping; first in line {first}", quote(&text));
                findings.error(code::DUPLICATE, mark, message, "keep one of the two: which of them holds would be chance");
                return Key::Refused;
            }
            lines.insert(text.clone(), mark.line);
            Key::Text { text, mark }
        }
        Value::ToFillIn => {
            let message = "a name is left to fill in here";
            findings.error(code::LEFT_TO_FILL_IN, mark, message, "write the name before the colon");
            Key::Refused
        }
        Value::Unread => Key::Refused,
        Value::List(_) | Value::Map(_) => {
            let message = "a list or mapping as a key is YAML that a plan does without";
            findings.error(code::UNSUPPORTED_YAML, mark, message, "write a name before the colon");
            Key::Refused
        }
    }
}
