//! XML documents, written element by element.

use rehearsal_world::{ApiError, Fault};

/// The content of an element.
#[derive(Debug, Default)]
pub(super) struct Document(String);

impl Document {
    /// An element with elements in it.
    pub(super) fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.open(name);
        content(self);
        self.close(name);
    }

    /// An element with text in it.
    pub(super) fn text(&mut self, name: &str, text: impl ToString) {
        self.open(name);
        escape(&text.to_string(), &mut self.0);
        self.close(name);
    }

    /// An element with text in it, if there is any.
    pub(super) fn optional(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
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

/// A successful answer.
pub(super) fn response(action: &str, version: &str, request: &str, result: Document) -> Vec<u8> {
    let mut document = Document(format!("<{action}Response xmlns=\"http://rds.amazonaws.com/doc/{version}/\">"));
    document.element(&format!("{action}Result"), |inside| inside.0.push_str(&result.0));
    document.element("ResponseMetadata", |metadata| metadata.text("RequestId", request));
    document.close(&format!("{action}Response"));
    document.0.into_bytes()
}

/// A refusal.
pub(super) fn error(error: &ApiError, version: &str, request: &str) -> Vec<u8> {
    let mut document = Document(format!("<ErrorResponse xmlns=\"http://rds.amazonaws.com/doc/{version}/\">"));
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
    document.close("ErrorResponse");
    document.0.into_bytes()
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
