//! The last days of pre-authorisations. The one check that needs to know which day it is.

use jiff::Span;
use jiff::civil::Date;

use crate::domain::identifier::ScenarioName;

use super::super::code;
use super::super::draft::Draft;
use super::super::finding::{Finding, Findings};
use super::super::tree::Mark;

/// Until when a scenario's pre-authorisation holds.
#[derive(Debug)]
pub(crate) struct LastDay {
    scenario: ScenarioName,
    day: Date,
    mark: Mark,
}

pub(crate) fn last_days(draft: &Draft) -> Vec<LastDay> {
    let day = |scenario: &super::super::draft::DraftScenario| {
        let until = scenario.preauthorised.as_ref()?.until.as_ref()?;
        Some(LastDay { scenario: scenario.name.value.clone(), day: until.value, mark: until.mark })
    };
    draft.scenarios.values().filter_map(day).collect()
}

pub(crate) fn check(last_days: &[LastDay], today: Date) -> Vec<Finding> {
    let mut findings = Findings::default();
    let in_a_year = today.saturating_add(Span::new().years(1));
    for LastDay { scenario, day, mark } in last_days {
        if *day < today {
            findings.warning(
                code::PREAUTHORISATION_EXPIRED,
                *mark,
                format!("the pre-authorisation of {scenario} ended on {day}, and today is {today}"),
                "have it renewed with a new last day, or leave `preauthorised` out: a person is then asked",
            );
        } else if *day > in_a_year {
            findings.warning(
                code::PREAUTHORISATION_LONG,
                *mark,
                format!("the pre-authorisation of {scenario} holds until {day}, more than a year from now"),
                "renew it every year, so that whoever allowed it still knows",
            );
        }
    }
    findings.into_list()
}
