//! What stands around an answer of RDS.

use rehearsal_world::ApiError;

pub(super) use crate::wire::xml::Document;
use crate::wire::xml::refusal;

fn namespace(version: &str) -> String {
    format!("http://rds.amazonaws.com/doc/{version}/")
}

/// A successful answer.
pub(super) fn response(action: &str, version: &str, request: &str, result: &Document) -> Vec<u8> {
    let name = format!("{action}Response");
    let mut document = Document::opened(&name, &namespace(version));
    document.element(&format!("{action}Result"), |inside| inside.append(result));
    document.element("ResponseMetadata", |metadata| metadata.text("RequestId", request));
    document.closed(&name)
}

/// A refusal.
pub(super) fn error(error: &ApiError, version: &str, request: &str) -> Vec<u8> {
    refusal(error, &namespace(version), request)
}
