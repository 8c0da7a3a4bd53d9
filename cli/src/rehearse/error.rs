//! Why a rehearsal could not be started, or would not do what it was asked to; each with a code that does not change.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::drill::DrillError;

/// The stable codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Code {
    /// The sites could not be set up.
    SitesNotStarted,
    /// The emulator ended by itself.
    SitesBrokeDown,
    /// The files by which terminals find a rehearsal could not be written.
    SessionNotWritten,
    /// No rehearsal runs.
    NoRehearsal,
    /// Several run, and none was named.
    SeveralRehearsals,
    /// A rehearsal's session file cannot be read, or others could have written it.
    SessionUnusable,
    /// An address is not on this machine.
    NotLoopback,
    /// The rehearsal did not answer.
    NoAnswer,
    /// The token is not that of the rehearsal.
    TokenRefused,
    /// The request is none of ours.
    RequestUnreadable,
    /// There is no such fault, or its argument is none of this plan's.
    FaultUnknown,
    /// That is broken already.
    AlreadyBroken,
    /// The sites are not in a state in which that could be broken.
    NotBreakable,
    /// Nothing of that kind is broken.
    NothingToHeal,
    /// That cannot be mended, on AWS neither.
    NotHealable,
    /// A call that the rehearsal makes itself failed.
    CallFailed,
}

impl Code {
    /// Its text.
    #[must_use]
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::SitesNotStarted => "sites_not_started",
            Self::SitesBrokeDown => "sites_broke_down",
            Self::SessionNotWritten => "session_not_written",
            Self::NoRehearsal => "no_rehearsal",
            Self::SeveralRehearsals => "several_rehearsals",
            Self::SessionUnusable => "session_unusable",
            Self::NotLoopback => "not_loopback",
            Self::NoAnswer => "no_answer",
            Self::TokenRefused => "token_refused",
            Self::RequestUnreadable => "request_unreadable",
            Self::FaultUnknown => "fault_unknown",
            Self::AlreadyBroken => "already_broken",
            Self::NotBreakable => "not_breakable",
            Self::NothingToHeal => "nothing_to_heal",
            Self::NotHealable => "not_healable",
            Self::CallFailed => "call_failed",
        }
    }
}

/// A refusal: what happened, to what, and what to do, under its code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RehearseError {
    /// The code.
    pub(super) code: Code,
    /// The sentence.
    pub(super) message: String,
}

impl RehearseError {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl fmt::Display for RehearseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code.as_str(), self.message)
    }
}

impl std::error::Error for RehearseError {}

impl From<DrillError> for RehearseError {
    fn from(error: DrillError) -> Self {
        Self::new(Code::SitesNotStarted, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_spelt_on_the_wire_as_it_is_on_the_terminal() {
        for code in [Code::SitesNotStarted, Code::NoRehearsal, Code::TokenRefused, Code::FaultUnknown, Code::NotHealable] {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
