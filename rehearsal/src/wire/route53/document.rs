//! The XML documents of requests, as plain values: elements are fields, lists are lists, everything else is text.

use roxmltree::{Document, Node};
use serde_json::{Map, Value};

/// Longer than any document that Route 53 takes: a thousand records with 32,000 characters in their values.
const LONGEST: usize = 2 * 1024 * 1024;
/// Deeper than any document that Route 53 takes.
const DEEPEST: usize = 12;

/// The elements whose children are the members of a list.
const LISTS: [&str; 5] = ["Changes", "ResourceRecords", "ChildHealthChecks", "Regions", "ResetElements"];

/// Reads a document; nothing comes of one that is not well formed, repeats a field, or mixes text and elements.
pub(super) fn read(body: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(body).ok().filter(|text| text.len() <= LONGEST)?;
    // Documents that declare types of their own are refused here: nothing in them is to be looked up anywhere.
    let document = Document::parse(text).ok()?;
    value(document.root_element(), 0)
}

fn value(node: Node<'_, '_>, depth: usize) -> Option<Value> {
    if depth > DEEPEST {
        return None;
    }
    let children: Vec<Node<'_, '_>> = node.children().filter(Node::is_element).collect();
    let words = node.children().filter(Node::is_text).any(|text| !text.text().unwrap_or_default().trim().is_empty());
    if LISTS.contains(&node.tag_name().name()) {
        let alike = children.windows(2).all(|pair| pair[0].tag_name().name() == pair[1].tag_name().name());
        let members = || children.iter().map(|child| value(*child, depth + 1)).collect::<Option<Vec<Value>>>();
        return (alike && !words).then(members).flatten().map(Value::Array);
    }
    if children.is_empty() {
        let text: String = node.children().filter_map(|child| child.text()).collect();
        return Some(Value::String(text));
    }
    let mut fields = Map::new();
    for child in children {
        if fields.insert(child.tag_name().name().to_owned(), value(child, depth + 1)?).is_some() {
            return None;
        }
    }
    (!words).then_some(Value::Object(fields))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn elements_are_fields_and_lists_are_lists() {
        let body = br#"<?xml version="1.0"?><R xmlns="https://x/"><B><Comment>a &amp; b</Comment>
            <Changes><Change><Action>CREATE</Action></Change><Change><Action/></Change></Changes></B></R>"#;
        let expected = json!({"B": {"Comment": "a & b", "Changes": [{"Action": "CREATE"}, {"Action": ""}]}});
        assert_eq!(read(body), Some(expected));
        assert_eq!(read(b"<R><Changes/></R>"), Some(json!({"Changes": []})));
    }

    #[test]
    fn what_cannot_be_told_apart_is_not_read() {
        let deep = format!("{}{}", "<a>".repeat(40), "</a>".repeat(40));
        for body in [
            "",
            "<R>",
            "<R><A>1</A><A>2</A></R>",
            "<R>text<A>1</A></R>",
            "<R><Changes><Change/><Other/></Changes></R>",
            "<!DOCTYPE R [<!ENTITY e \"x\">]><R>&e;</R>",
            &deep,
        ] {
            assert_eq!(read(body.as_bytes()), None, "{body}");
        }
        assert_eq!(read(&[0xff, 0xfe]), None);
    }
}
