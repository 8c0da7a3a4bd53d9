//! XML documents, written element by element.

use rehearsal_world::{ApiError, Fault};

/// The content of an element.
#[derive(Debug, Default)]
pub(crate) struct Document(String);

impl Document {
    /// A document whose outermost element is open, with the attributes that it has.
    pub(crate) fn opened(name: &str, namespace: &str) -> Self {
        Self(format!("<{name} xmlns=\"{namespace}\">"))
    }

    /// An element with elements in it.
    pub(crate) fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.open(name);
        content(self);
        self.close(name);
    }

    /// An element with text in it.
    pub(crate) fn text(&mut self, name: &str, text: impl ToString) {
        self.open(name);
        escape(&text.to_string(), &mut self.0);
        self.close(name);
    }

    /// An element with text in it, if there is any.
    pub(crate) fn optional(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// What another document holds.
    pub(crate) fn append(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }

    /// The bytes of a document whose outermost element ends here.
    pub(crate) fn closed(mut self, name: &str) -> Vec<u8> {
        self.close(name);
        self.0.into_bytes()
    }

    fn open(&mut self, name: &str) {
        self.0.push('<');
        self.0.push_str(name);
        self.0.push('>');
    }

    fn close(&mut self, name: &str) {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
    }
}

/// A refusal, as the services write it that speak the Query protocol or REST with XML.
pub(crate) fn refusal(error: &ApiError, namespace: &str, request: &str) -> Vec<u8> {
    let mut document = Document::opened("ErrorResponse", namespace);
    document.element("Error", |element| {
        element.text(
            "Type",
            match error.fault {
                Fault::Sender => "Sender",
                Fault::Receiver => "Receiver",
            },
        );
        element.text("Code", error.code);
        element.text("Message", &error.message);
    });
    document.text("RequestId", request);
    document.closed("ErrorResponse")
}

/// Text as XML 1.0 can hold it: a request may have put anything into it.
fn escape(text: &str, into: &mut String) {
    for character in text.chars() {
        match character {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '"' => into.push_str("&quot;"),
            '\'' => into.push_str("&apos;"),
            '\r' => into.push_str("&#13;"),
            '\t' | '\n' => into.push(character),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => into.push('\u{fffd}'),
            _ => into.push(character),
        }
    }
}
