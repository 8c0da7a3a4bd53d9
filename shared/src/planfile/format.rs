//! The form of a plan file as data. Readers take the fields of each mapping from here, and the JSON Schema is generated from it,
//! so that an editor and `plan check` cannot know two different formats.

mod alerts;
mod components;
mod scenarios;

pub(super) use alerts::*;
pub(super) use components::*;
pub(super) use scenarios::*;

use crate::domain::identifier::{AccountId, ComponentName, PlatformName, Region, ResourceName, ScenarioName};
use crate::domain::plan::SiteName;

/// A mapping whose fields we chose.
#[derive(Debug)]
pub(super) struct Mapping {
    /// Its name in the schema, unique.
    pub(super) name: &'static str,
    /// What it is, in a sentence.
    pub(super) about: &'static str,
    pub(super) fields: &'static [Field],
}

impl Mapping {
    pub(super) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// One field of a mapping.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) required: bool,
    /// What it says, in a sentence.
    pub(super) about: &'static str,
    pub(super) form: Form,
}

pub(super) const fn required(name: &'static str, form: Form, about: &'static str) -> Field {
    Field { name, required: true, about, form }
}

pub(super) const fn optional(name: &'static str, form: Form, about: &'static str) -> Field {
    Field { name, required: false, about, form }
}

/// What may stand as a field's value.
#[derive(Debug)]
pub(super) enum Form {
    /// The number of this format's version.
    Version,
    /// A text that follows this regular expression.
    Pattern(&'static str),
    /// A number with a unit.
    Duration,
    /// A number from 1 to the largest.
    Count(u32),
    /// A whole number from 0.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A day.
    Date,
    /// A line of text for people.
    Line,
    /// One of our words.
    Words(fn() -> Vec<&'static str>),
    /// The one word that tells this mapping from its alternatives.
    Constant(&'static str),
    /// A list of at least one.
    List(&'static Form),
    /// A mapping of ours.
    Mapping(&'static Mapping),
    /// One of several mappings.
    OneOf(&'static [&'static Mapping]),
    /// A mapping whose keys the author chose by a regular expression, at least one.
    Named(&'static str, &'static Form),
    /// A mapping whose keys are words of ours, at least one.
    ByWord(fn() -> Vec<&'static str>, &'static Form),
    /// A step, or several side by side.
    Step,
}

pub(super) const REGION: Form = Form::Pattern(Region::PATTERN);
pub(super) const COMPONENT: Form = Form::Pattern(ComponentName::PATTERN);
pub(super) const SCENARIO: Form = Form::Pattern(ScenarioName::PATTERN);
pub(super) const RESOURCE: Form = Form::Pattern(ResourceName::PATTERN);

/// The words of a choice.
pub(super) fn words<T>(table: &[(&'static str, T)]) -> Vec<&'static str> {
    table.iter().map(|(word, _)| *word).collect()
}

/// The file as a whole.
pub(super) static PLAN: Mapping = Mapping {
    name: "plan",
    about: "What there is, what a recovery must reach, and what is done when.",
    fields: &[
        required("version", Form::Version, "The version of this format."),
        required(
            "platform",
            Form::Pattern(PlatformName::PATTERN),
            "The platform's name: the first part of every incident's id.",
        ),
        required(
            "account",
            Form::Pattern(AccountId::PATTERN),
            "The account of both sites, in quotes. Alarms of another account are not accepted.",
        ),
        required("sites", Form::Mapping(&SITES), "Where the platform runs, and where it is recovered to."),
        required(
            "objectives",
            Form::Named(ComponentName::PATTERN, &Form::Mapping(&OBJECTIVE)),
            "What a recovery of each component must reach.",
        ),
        required("components", Form::Named(ComponentName::PATTERN, &Form::OneOf(COMPONENTS)), "What there is to recover."),
        optional("alerts", Form::Mapping(&ALERTS), "Who is told, by which way, and who is told next."),
        optional("triggers", Form::List(&Form::Mapping(&TRIGGER)), "Which alarm starts which scenario."),
        required("scenarios", Form::Named(ScenarioName::PATTERN, &Form::Mapping(&SCENARIO_FORM)), "What to do when."),
    ],
};

pub(super) static SITES: Mapping = Mapping {
    name: "sites",
    about: "The two sites.",
    fields: &[
        required("primary", Form::Mapping(&SITE), "Where the platform runs."),
        required("recovery", Form::Mapping(&SITE), "Where it is recovered to: another Region."),
    ],
};

pub(super) static SITE: Mapping =
    Mapping { name: "site", about: "One site.", fields: &[required("region", REGION, "Its AWS Region.")] };

pub(super) static OBJECTIVE: Mapping = Mapping {
    name: "objective",
    about: "What a recovery of a component must reach.",
    fields: &[
        required("rto", Form::Duration, "Recovery time objective: how long a recovery may take."),
        optional("rpo", Form::Duration, "Recovery point objective: how much data it may lose. Every database has one."),
    ],
};

/// Which site an alarm is in.
pub(super) const SITE_WORDS: &[(&str, SiteName)] = &[("recovery", SiteName::Recovery), ("primary", SiteName::Primary)];

pub(super) static TRIGGER: Mapping = Mapping {
    name: "trigger",
    about: "An alarm and the scenario that it starts.",
    fields: &[
        required("alarm", RESOURCE, "The alarm's name."),
        required("scenario", SCENARIO, "The scenario that it starts."),
        optional(
            "site",
            Form::Words(|| words(SITE_WORDS)),
            "The site that the alarm is in: `recovery` unless written. A dark Region raises no alarm.",
        ),
    ],
};
