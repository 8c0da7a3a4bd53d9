//! What can be wrong with reading an object, each with a stable code.

use std::fmt;

/// Why an object could not be read. Texts never change once released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// There is no such object or bucket.
    Missing,
    /// The caller may not read it, or has no credentials.
    Denied,
    /// It is in a storage class from which it must be restored before it can be read.
    Archived,
    /// It was replaced or deleted since it was looked at: what was read so far is of something else.
    Changed,
    /// It is shorter than it says: its bytes end before its length, every time.
    Truncated,
    /// Its bytes stop coming, every time.
    Stalled,
    /// S3 says "not now", every time.
    Unavailable,
    /// No connection, every time.
    Unreachable,
    /// The time that was given for it ran out.
    OutOfTime,
    /// There are more objects than a listing may have.
    TooMany,
    /// An answer that S3 does not give.
    Unexpected,
}

impl Code {
    /// The text that answers carry.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "object_missing",
            Self::Denied => "object_denied",
            Self::Archived => "object_archived",
            Self::Changed => "object_changed",
            Self::Truncated => "object_truncated",
            Self::Stalled => "object_stalled",
            Self::Unavailable => "object_unavailable",
            Self::Unreachable => "object_unreachable",
            Self::OutOfTime => "object_out_of_time",
            Self::TooMany => "object_listing_too_long",
            Self::Unexpected => "object_unexpected_answer",
        }
    }

    /// Whether the same request may do better. What S3 is sure of is not asked again.
    pub(crate) fn may_pass(self) -> bool {
        matches!(self, Self::Truncated | Self::Stalled | Self::Unavailable | Self::Unreachable)
    }
}

/// An object that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The stable code.
    pub code: Code,
    /// What happened to what, as a sentence.
    pub message: String,
}

impl Failure {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code.as_str(), self.message)
    }
}

impl std::error::Error for Failure {}
