//! The errors that leave a function: each with a stable code that Step Functions and people can match, and a sentence that says
//! what happened, to what, and what to do next.

use lambda_runtime::Diagnostic;

use crate::ports::{FailureKind, PortError};
use crate::printable::printable;

/// Characters of an error's message. Those that we write ourselves are far shorter.
const LONGEST_MESSAGE: usize = 900;

/// What an error means for whoever gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// The same call may succeed later.
    Retryable,
    /// It will not succeed as it is; nothing was changed.
    Refused,
    /// Whether it succeeded is not known; ask for the status.
    Unknown,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $disposition:ident;)*) => {
        /// The stable codes. Texts never change once released: state machines and alarms match them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The text that error types and answers carry.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What it means for the caller.
            #[must_use]
            pub fn disposition(self) -> Disposition {
                match self { $(Self::$name => Disposition::$disposition,)* }
            }
        }
    };
}

codes! {
    /// The payload is no JSON object of a known shape, or has an unknown field or a value of the wrong type.
    PayloadUnreadable = "payload_unreadable", Refused;
    /// The payload is larger than any that this function takes.
    PayloadTooLarge = "payload_too_large", Refused;
    /// The command is none of ours.
    CommandUnknown = "command_unknown", Refused;
    /// The platform is not the one that this deployment recovers.
    PlatformNotInPlan = "platform_not_in_plan", Refused;
    /// The scenario is not in the plan.
    ScenarioNotInPlan = "scenario_not_in_plan", Refused;
    /// The component is not in the plan, or of a kind that this function does not handle.
    ComponentNotInPlan = "component_not_in_plan", Refused;
    /// The backup is in no place of the plan.
    BackupNotInPlan = "backup_not_in_plan", Refused;
    /// The restore job is of another account, or of another Region than the recovery site's.
    RestoreJobElsewhere = "restore_job_elsewhere", Refused;
    /// AWS Backup knows no such restore job in the recovery site.
    RestoreJobUnknown = "restore_job_unknown", Refused;
    /// The restore job has not ended.
    RestoreJobRunning = "restore_job_running", Retryable;
    /// What a restore job says that it made is, or may be, something else than a copy made for a test. It was not asked.
    RestoredNotSeparate = "restored_not_separate", Refused;
    /// The restored database gave no answer that decides, so no validation result was sent.
    RestoreNotValidated = "restore_not_validated", Retryable;
    /// The alarm is not a trigger of the plan, or of another account or Region.
    AlarmNotInPlan = "alarm_not_in_plan", Refused;
    /// The named Region is in no site of the plan.
    RegionNotInPlan = "region_not_in_plan", Refused;
    /// The named Region is not that of the active site.
    SiteNotActive = "site_not_active", Refused;
    /// The host is not confirmed by plan and describe.
    EndpointNotConfirmed = "endpoint_not_confirmed", Refused;
    /// Planned, but not in this version.
    NotInThisVersion = "not_in_this_version", Refused;
    /// The mode is not allowed here.
    ModeNotAllowed = "mode_not_allowed", Refused;
    /// There is no such incident.
    IncidentUnknown = "incident_unknown", Refused;
    /// The incident has no such step.
    StepUnknown = "step_unknown", Refused;
    /// Another function's role makes this step's calls.
    StepNotForThisFunction = "step_not_for_this_function", Refused;
    /// No question stands.
    QuestionNotOpen = "question_not_open", Refused;
    /// The digest is not that of the standing question.
    DigestDiffers = "digest_differs", Refused;
    /// Verdicts are taken through the `approve` alias only.
    ApproverNotAllowed = "approver_not_allowed", Refused;
    /// Only a stuck incident can be acknowledged.
    NothingToAcknowledge = "nothing_to_acknowledge", Refused;
    /// The incident has ended, so the order comes too late.
    IncidentEnded = "incident_ended", Refused;
    /// The incident is not paused.
    NotPaused = "not_paused", Refused;
    /// Nothing was refused or is stuck, or trying again would end as it did.
    NothingToRetry = "nothing_to_retry", Refused;
    /// Every step has reached its goal.
    NothingToAbort = "nothing_to_abort", Refused;
    /// What was applied is being undone.
    UndoUnderWay = "undo_under_way", Refused;
    /// A step of this kind, or in this state, is never taken for done on a person's word.
    StepNotSkippable = "step_not_skippable", Refused;
    /// An attempt at the step is in the middle of a call.
    StepBusy = "step_busy", Retryable;
    /// Another incident holds the platform.
    PlatformBusy = "platform_busy", Retryable;
    /// The incident wrote no endpoint that could be taken back.
    NothingToUndo = "nothing_to_undo", Refused;
    /// No hold of ours is in place.
    NothingToRestore = "nothing_to_restore", Refused;
    /// An environment variable or the plan is missing or wrong.
    ConfigurationInvalid = "configuration_invalid", Refused;
    /// The journal holds something that this version cannot read.
    JournalUnreadable = "journal_unreadable", Refused;
    /// The journal did not answer, or another writer was faster each time.
    JournalUnavailable = "journal_unavailable", Retryable;
    /// This process's clock and the journal's differ, so none of its times could be trusted. Nothing was done.
    ClockDiffers = "clock_differs", Retryable;
    /// A service said "not now".
    ServiceUnavailable = "service_unavailable", Retryable;
    /// The function's role does not allow a call.
    AccessDenied = "access_denied", Refused;
    /// A service refused a call.
    ServiceRefused = "service_refused", Refused;
    /// A service did not answer, so what it did is unknown.
    OutcomeUnknown = "outcome_unknown", Unknown;
}

/// An error that leaves a function.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RecoveryError {
    /// The stable code.
    pub code: Code,
    /// The sentence.
    pub message: String,
}

impl RecoveryError {
    /// An error of this code. Whatever of a payload or a service's answer the message repeats, it stays one printable line that
    /// can be read to its end.
    #[must_use]
    pub fn new(code: Code, message: impl AsRef<str>) -> Self {
        Self { code, message: printable(message.as_ref(), LONGEST_MESSAGE) }
    }

    /// A failed read or write of the journal.
    #[must_use]
    pub fn journal(error: &PortError) -> Self {
        let code = match error.kind {
            FailureKind::Denied => Code::AccessDenied,
            FailureKind::Refused | FailureKind::NotFound => Code::ConfigurationInvalid,
            FailureKind::NotNow | FailureKind::Conflict | FailureKind::NoAnswer => Code::JournalUnavailable,
        };
        Self::new(code, format!("the journal could not be used: {error}; nothing is done without it"))
    }
}

impl RecoveryError {
    /// What another of our functions answered, under its own code.
    #[must_use]
    pub fn relayed(error: PortError) -> Self {
        match Code::ALL.iter().find(|code| code.as_str() == error.code) {
            Some(code) => Self::new(*code, error.message),
            None => error.into(),
        }
    }
}

impl From<PortError> for RecoveryError {
    fn from(error: PortError) -> Self {
        let code = match error.kind {
            FailureKind::NotFound | FailureKind::Refused | FailureKind::Conflict => Code::ServiceRefused,
            FailureKind::Denied => Code::AccessDenied,
            FailureKind::NotNow => Code::ServiceUnavailable,
            FailureKind::NoAnswer => Code::OutcomeUnknown,
        };
        Self::new(code, error.to_string())
    }
}

impl From<RecoveryError> for Diagnostic {
    fn from(error: RecoveryError) -> Self {
        // A boxed error would reach Step Functions as `alloc::boxed::Box<…>`, which no Retry or Catch can match.
        Self { error_type: error.code.as_str().to_owned(), error_message: error.message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_the_error_type_that_step_functions_matches() {
        let diagnostic: Diagnostic = RecoveryError::new(Code::ScenarioNotInPlan, "no such scenario").into();
        assert_eq!(diagnostic.error_type, "scenario_not_in_plan");
        assert_eq!(diagnostic.error_message, "no such scenario");
    }

    #[test]
    fn codes_are_distinct_snake_case_words() {
        let mut seen = std::collections::HashSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.as_str()), "{code:?} twice");
            assert!(code.as_str().chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{code:?}");
        }
    }
}
