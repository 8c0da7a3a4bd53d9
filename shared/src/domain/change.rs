//! A change that a person asks for apart from a recovery: one step, declared as an incident of its own, under the platform's one lock.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::duration::Seconds;
use super::identifier::{ComponentName, IncidentId, ScenarioName};
use super::non_empty::NonEmpty;
use super::plan::{ApprovalRule, Branch, Condition, Plan, Scenario, Severity};
use super::step::{Memory, PlannedStep, SavedHold, SavedPlace, StepKind, StepRecord, StepStatus, Throttle};

/// How long a person's answer is waited for; no change of one step asks, so it only rounds the deadline up.
const APPROVAL_TIMEOUT: Seconds = Seconds(60);

/// What is changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// The recovery site's instance becomes the endpoint, in every place where clients read it.
    Repoint {
        /// The database.
        component: ComponentName,
    },
    /// What an incident wrote to the endpoint's places is taken back, where it still stands there.
    UndoRepoint {
        /// The database.
        component: ComponentName,
        /// The incident.
        incident: IncidentId,
    },
    /// Writes are held.
    HoldWrites {
        /// The databases.
        components: NonEmpty<ComponentName>,
    },
    /// Writes are let through, as they were before every hold of ours that is in place.
    ResumeWrites {
        /// The databases.
        components: NonEmpty<ComponentName>,
    },
}

impl Change {
    /// The word for it, in notices and reports.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Repoint { .. } => "repoint",
            Self::UndoRepoint { .. } => "undo_repoint",
            Self::HoldWrites { .. } => "hold_writes",
            Self::ResumeWrites { .. } => "resume_writes",
        }
    }

    /// The databases that it is about.
    #[must_use]
    pub fn components(&self) -> Vec<ComponentName> {
        match self {
            Self::Repoint { component } | Self::UndoRepoint { component, .. } => vec![component.clone()],
            Self::HoldWrites { components } | Self::ResumeWrites { components } => components.iter().cloned().collect(),
        }
    }

    /// Whether it only takes back what was done before.
    #[must_use]
    pub fn takes_back(&self) -> bool {
        matches!(self, Self::UndoRepoint { .. })
    }

    fn step(&self) -> StepKind {
        match self {
            Self::Repoint { .. } | Self::UndoRepoint { .. } => StepKind::Repoint,
            Self::HoldWrites { .. } => StepKind::HoldWrites,
            Self::ResumeWrites { .. } => StepKind::ResumeWrites,
        }
    }

    /// The steps that it has: one for each database, side by side.
    #[must_use]
    pub fn steps(&self) -> Vec<PlannedStep> {
        let kind = self.step();
        self.components().into_iter().map(|component| PlannedStep { kind, component }).collect()
    }

    /// What it follows in place of a scenario of the plan. `None` never happens: every change names a database.
    #[must_use]
    pub fn scenario(&self) -> Option<Scenario> {
        let wave = NonEmpty::new(self.steps()).ok()?;
        let branch = Branch { when: Condition::Otherwise, waves: NonEmpty::new(vec![wave]).ok()? };
        Some(Scenario {
            severity: Severity::Sev3,
            failed_region: false,
            preauthorised: None,
            approval: ApprovalRule::WhenNeeded,
            approval_timeout: APPROVAL_TIMEOUT,
            budgets: BTreeMap::new(),
            branches: NonEmpty::new(vec![branch]).ok()?,
        })
    }

    /// The name under which notices and reports show it. It follows the rule of scenario names by its letters.
    #[must_use]
    pub fn name(&self) -> Option<ScenarioName> {
        ScenarioName::new(self.as_str()).ok()
    }
}

/// What an incident still holds at the component: its `hold_writes` saved something, and nothing gave it back.
#[must_use]
pub fn still_holds(records: &[StepRecord], component: &ComponentName) -> bool {
    let of = |kind| records.iter().filter(move |record| record.step.kind == kind && &record.step.component == component);
    let held = of(StepKind::HoldWrites).any(|record| !record.memory.held.is_empty() && record.status != StepStatus::Undone);
    held && !of(StepKind::ResumeWrites).any(|record| record.status == StepStatus::Done)
}

/// What one incident's hold saved, by index in the plan that is followed now.
///
/// # Errors
/// The label of a point that this plan does not have any more: its index would mean another one.
pub fn held_in(
    plan: &Plan,
    old: &Plan,
    component: &ComponentName,
    memory: &Memory,
) -> Result<BTreeMap<usize, SavedHold>, String> {
    let (Some(now), Some(then)) = (plan.rds_instance(component), old.rds_instance(component)) else {
        return Err(component.to_string());
    };
    memory
        .held
        .iter()
        .map(|(index, saved)| {
            let label = then.holds.get(*index).map(super::plan::HoldPoint::label).unwrap_or_default();
            let place = now.holds.iter().position(|point| point.label() == label);
            place.map(|place| (place, saved.clone())).ok_or(label)
        })
        .collect()
}

/// What one incident's `repoint` saved, by index in the plan that is followed now.
///
/// # Errors
/// The label of a place that this plan does not have any more.
pub fn places_in(
    plan: &Plan,
    old: &Plan,
    component: &ComponentName,
    memory: &Memory,
) -> Result<BTreeMap<usize, SavedPlace>, String> {
    let (Some(now), Some(then)) = (plan.rds_instance(component), old.rds_instance(component)) else {
        return Err(component.to_string());
    };
    memory
        .places
        .iter()
        .map(|(index, saved)| {
            let label = then.endpoints.get(*index).map(super::plan::EndpointPlace::label).unwrap_or_default();
            let place = now.endpoints.iter().position(|place| place.label() == label);
            place.map(|place| (place, saved.clone())).ok_or(label)
        })
        .collect()
}

/// Puts what a later hold saved over what an earlier one did. What the later one found closed was closed by the earlier, so the
/// earlier one's word stands there.
pub fn put_over(earlier: &mut BTreeMap<usize, SavedHold>, later: BTreeMap<usize, SavedHold>) {
    for (index, saved) in later {
        match (earlier.get_mut(&index), saved) {
            (Some(SavedHold::Throttles { by_method: known }), SavedHold::Throttles { by_method }) => {
                put_open(known, by_method, |throttle| *throttle == Throttle { rate: 0.0, burst: 0 });
            }
            (Some(SavedHold::Routes { by_route: known }), SavedHold::Routes { by_route }) => {
                put_open(known, by_route, |settings| settings.rate == Some(0.0) && settings.burst == Some(0));
            }
            (_, saved) => {
                earlier.insert(index, saved);
            }
        }
    }
}

fn put_open<V>(known: &mut BTreeMap<String, Option<V>>, later: BTreeMap<String, Option<V>>, closed: impl Fn(&V) -> bool) {
    for (key, value) in later {
        if !value.as_ref().is_some_and(&closed) || !known.contains_key(&key) {
            known.insert(key, value);
        }
    }
}

/// The incidents that hold writes at a component, the earliest first.
pub type Holders = BTreeMap<ComponentName, Vec<IncidentId>>;

/// Brings up to date who holds what, by an incident that has just ended.
pub fn account_for(holders: &mut Holders, incident: &IncidentId, change: Option<&Change>, records: &[StepRecord]) {
    let components: BTreeSet<&ComponentName> = records.iter().map(|record| &record.step.component).collect();
    for component in components {
        let resumed = records.iter().any(|record| {
            record.step.kind == StepKind::ResumeWrites
                && &record.step.component == component
                && record.status == StepStatus::Done
        });
        if resumed && matches!(change, Some(Change::ResumeWrites { .. })) {
            holders.remove(component);
            continue;
        }
        let list = holders.entry(component.clone()).or_default();
        if !still_holds(records, component) {
            list.retain(|holder| holder != incident);
        } else if !list.contains(incident) {
            list.push(incident.clone());
        }
        if list.is_empty() {
            holders.remove(component);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttles(of: &[(&str, Option<f64>)]) -> SavedHold {
        let throttle = |rate: f64| Throttle { rate, burst: if rate == 0.0 { 0 } else { 5 } };
        SavedHold::Throttles { by_method: of.iter().map(|(key, rate)| ((*key).to_owned(), rate.map(throttle))).collect() }
    }

    #[test]
    fn of_two_holds_each_methods_last_open_setting_is_what_comes_back() {
        let mut saved = BTreeMap::from([(0, throttles(&[("POST /a", Some(100.0)), ("PUT /a", None)]))]);
        // In between somebody gave POST another throttle; PUT was still closed by the first hold, and PATCH is new in the list.
        let later = throttles(&[("POST /a", Some(50.0)), ("PUT /a", Some(0.0)), ("PATCH /a", None)]);
        put_over(&mut saved, BTreeMap::from([(0, later), (1, SavedHold::Variable { value: None })]));
        let expected = throttles(&[("POST /a", Some(50.0)), ("PUT /a", None), ("PATCH /a", None)]);
        assert_eq!(saved, BTreeMap::from([(0, expected), (1, SavedHold::Variable { value: None })]));
    }

    fn record(kind: StepKind, status: StepStatus, holds: bool) -> StepRecord {
        let component = ComponentName::new("database").unwrap();
        let mut record = StepRecord::pending(1, PlannedStep { kind, component });
        record.status = status;
        if holds {
            record.memory.held.insert(0, SavedHold::Variable { value: None });
        }
        record
    }

    #[test]
    fn a_hold_is_remembered_until_what_it_saved_is_given_back() {
        use StepKind::{HoldWrites, ResumeWrites};
        use StepStatus::{Done, Skipped, Stuck, Undone};
        let platform = crate::domain::identifier::PlatformName::new("p").unwrap();
        let id = |key: &str| IncidentId::derive(&platform, &[key]);
        let database = ComponentName::new("database").unwrap();
        let held = || record(HoldWrites, Done, true);
        let mut holders = Holders::new();
        for (name, records, remembered) in [
            ("held, and never resumed", vec![held()], true),
            ("resumed", vec![held(), record(ResumeWrites, Done, false)], false),
            ("held again", vec![held(), record(ResumeWrites, Stuck, false)], true),
            ("its resume skipped", vec![held(), record(ResumeWrites, Skipped, false)], true),
            ("undone", vec![record(HoldWrites, Undone, true)], false),
            ("found everything closed", vec![record(HoldWrites, Done, false)], false),
        ] {
            account_for(&mut holders, &id("a"), None, &records);
            assert_eq!(holders.contains_key(&database), remembered, "{name}");
        }
        account_for(&mut holders, &id("a"), None, &[held()]);
        account_for(&mut holders, &id("b"), None, &[held()]);
        assert_eq!(holders[&database], [id("a"), id("b")]);
        let change = Change::ResumeWrites { components: NonEmpty::new(vec![database.clone()]).unwrap() };
        account_for(&mut holders, &id("c"), Some(&change), &[record(ResumeWrites, Stuck, true)]);
        assert_eq!(holders[&database].len(), 2, "what could not be let through everywhere is still held");
        account_for(&mut holders, &id("c"), Some(&change), &[record(ResumeWrites, Done, true)]);
        assert!(holders.is_empty());
    }
}
