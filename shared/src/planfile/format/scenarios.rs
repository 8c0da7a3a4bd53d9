//! The form of `scenarios`.

use crate::domain::plan::{ApprovalRule, Condition, Severity};
use crate::domain::step::StepKind;

use super::{COMPONENT, Form, Mapping, optional, required, words};

pub(in super::super) const SEVERITIES: &[(&str, Severity)] =
    &[("sev0", Severity::Sev0), ("sev1", Severity::Sev1), ("sev2", Severity::Sev2), ("sev3", Severity::Sev3)];

pub(in super::super) const APPROVALS: &[(&str, ApprovalRule)] =
    &[("when_needed", ApprovalRule::WhenNeeded), ("required", ApprovalRule::Required)];

pub(in super::super) const CONDITIONS: &[(&str, Condition)] =
    &[("multi_az_available", Condition::MultiAzAvailable), ("otherwise", Condition::Otherwise)];

/// The words of the steps.
pub(in super::super) fn step_words() -> Vec<&'static str> {
    StepKind::ALL.iter().map(|kind| kind.as_str()).collect()
}

pub(in super::super) static SCENARIO_FORM: Mapping = Mapping {
    name: "scenario",
    about: "What to do in one kind of disaster.",
    fields: &[
        required("severity", Form::Words(|| words(SEVERITIES)), "How bad it is, by the share of users affected."),
        required(
            "failed_region",
            Form::Boolean,
            "Whether the primary site's Region is taken to be gone: what needs it is then best effort.",
        ),
        optional("preauthorised", Form::Mapping(&PREAUTHORISATION), "What may be done without asking."),
        optional(
            "approval",
            Form::Words(|| words(APPROVALS)),
            "Whether a person is always asked before a promotion; `when_needed` unless written.",
        ),
        optional("approval_timeout", Form::Duration, "How long a question to a person stands; 30m unless written."),
        optional(
            "budgets",
            Form::ByWord(step_words, &Form::Duration),
            "How long a step may take, by its kind, where that differs from the kind's own budget.",
        ),
        required(
            "branches",
            Form::List(&Form::Mapping(&BRANCH)),
            "What is done, by what is found: the first branch whose condition holds is taken.",
        ),
    ],
};

pub(in super::super) static PREAUTHORISATION: Mapping = Mapping {
    name: "preauthorisation",
    about: "What a named person allowed in advance.",
    fields: &[
        required("data_loss_up_to", Form::Duration, "The largest loss that may be taken without asking."),
        optional(
            "unproven_fence",
            Form::Boolean,
            "Whether a promotion may go on although the old primary is not proven fenced; `false` unless written.",
        ),
        required("by", Form::Line, "Who allowed it: a role or a person."),
        required("until", Form::Date, "The last day, UTC, on which it holds."),
    ],
};

pub(in super::super) static BRANCH: Mapping = Mapping {
    name: "branch",
    about: "One way through a scenario.",
    fields: &[
        required("when", Form::Words(|| words(CONDITIONS)), "When it is taken."),
        required("steps", Form::List(&Form::Step), "What is done, in this order."),
    ],
};

/// What `gate` takes instead of a component's name.
pub(in super::super) static GATE: Mapping = Mapping {
    name: "gate",
    about: "What consent is decided on.",
    fields: &[required("loss_bound", COMPONENT, "The database whose loss is bounded.")],
};
