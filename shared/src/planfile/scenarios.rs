//! Reads `scenarios`: when what is done, and what was allowed in advance.

use std::collections::BTreeMap;

use crate::domain::duration::Seconds;
use crate::domain::identifier::{ComponentName, ScenarioName};
use crate::domain::plan::{ApprovalRule, Preauthorisation, Severity};
use crate::domain::step::StepKind;

use super::draft::{DraftBranch, DraftPreauthorisation, DraftScenario, DraftStep, DraftWave, ScenarioHead};
use super::fields::{Fields, Marked, Meant, Place};
use super::finding::{Findings, one_of, quote};
use super::suggest::nearest;
use super::{code, format};

/// How long a question to a person stands unless the plan says otherwise.
const DEFAULT_APPROVAL_TIMEOUT: Seconds = Seconds(30 * 60);

const A_COMPONENT: &str = "a component's name";

pub(super) fn read(name: Marked<ScenarioName>, place: &Place<'_>, findings: &mut Findings) -> DraftScenario {
    let mut draft = DraftScenario {
        name,
        failed_region: false,
        preauthorised: None,
        budgets: BTreeMap::new(),
        branches: Vec::new(),
        scenario: None,
    };
    let Some(fields) = place.fields(&format::SCENARIO_FORM, findings) else {
        return draft;
    };
    let severity = read_severity(&fields, findings);
    let failed_region = fields
        .required("failed_region", "`true` if the failing site's Region is taken to be gone, else `false`", findings)
        .and_then(|place| place.boolean(findings));
    draft.failed_region = failed_region.as_ref().is_some_and(|failed| failed.value);
    let preauthorised = match fields.optional("preauthorised") {
        Some(place) => read_preauthorisation(&place, &mut draft, findings).map(Some),
        None => Some(None),
    };
    let approval = read_approval(&fields, findings);
    let approval_timeout = match fields.optional("approval_timeout") {
        Some(place) => place.duration(Seconds(60), findings).map(|timeout| timeout.value),
        None => Some(DEFAULT_APPROVAL_TIMEOUT),
    };
    let budgets = read_budgets(&fields, &mut draft, findings);
    let branches = read_branches(&fields, &mut draft, findings);
    draft.scenario = match (severity, failed_region, preauthorised, approval, approval_timeout, budgets, branches) {
        (Some(severity), Some(_), Some(preauthorised), Some(approval), Some(approval_timeout), Some(()), Some(())) => {
            Some(ScenarioHead { severity, preauthorised, approval, approval_timeout })
        }
        _ => None,
    };
    draft
}

fn read_severity(fields: &Fields<'_>, findings: &mut Findings) -> Option<Severity> {
    let place = fields.required("severity", "sev0, sev1, sev2 or sev3", findings)?;
    place.choice(format::SEVERITIES, code::UNKNOWN_VALUE, findings).map(|severity| severity.value)
}

fn read_approval(fields: &Fields<'_>, findings: &mut Findings) -> Option<ApprovalRule> {
    match fields.optional("approval") {
        Some(place) => place.choice(format::APPROVALS, code::UNKNOWN_VALUE, findings).map(|approval| approval.value),
        None => Some(ApprovalRule::WhenNeeded),
    }
}

fn read_preauthorisation(place: &Place<'_>, draft: &mut DraftScenario, findings: &mut Findings) -> Option<Preauthorisation> {
    let fields = place.fields(&format::PREAUTHORISATION, findings)?;
    let data_loss_up_to = fields
        .required("data_loss_up_to", "a duration such as 5m, or 0s for no loss", findings)
        .and_then(|place| place.duration(Seconds(0), findings));
    let unproven_fence = match fields.optional("unproven_fence") {
        Some(place) => place.boolean(findings).map(|unproven| unproven.value),
        None => Some(false),
    };
    let by = fields
        .required("by", "who allows it: a role or a person", findings)
        .and_then(|place| place.line("a role or a person", findings));
    let until = fields
        .required("until", "the last day on which it holds, such as 2027-06-30", findings)
        .and_then(|place| place.date(findings));
    draft.preauthorised = Some(DraftPreauthorisation {
        data_loss_up_to: data_loss_up_to.clone(),
        unproven_fence: unproven_fence.unwrap_or(false),
        until: until.clone(),
    });
    Some(Preauthorisation {
        data_loss_up_to: data_loss_up_to?.value,
        unproven_fence: unproven_fence?,
        by: by?.value,
        until: until?.value,
    })
}

fn step_words() -> Vec<(&'static str, StepKind)> {
    StepKind::ALL.iter().map(|kind| (kind.as_str(), *kind)).collect()
}

fn read_budgets(fields: &Fields<'_>, draft: &mut DraftScenario, findings: &mut Findings) -> Option<()> {
    let Some(place) = fields.optional("budgets") else {
        return Some(());
    };
    let entries = place.chosen(&step_words(), code::UNKNOWN_STEP_KIND, findings)?;
    for (kind, place) in entries {
        let budget = place.duration(Seconds(1), findings)?;
        draft.budgets.insert(kind, budget.value);
    }
    Some(())
}

fn read_branches(fields: &Fields<'_>, draft: &mut DraftScenario, findings: &mut Findings) -> Option<()> {
    let items = fields
        .required("branches", "a list of `{ when: …, steps: […] }`", findings)?
        .items("a list of `{ when: …, steps: […] }`", findings)?;
    let mut whole = Some(());
    for item in &items {
        match read_branch(item, findings) {
            Some(branch) => draft.branches.push(branch),
            None => whole = None,
        }
    }
    whole
}

fn read_branch(place: &Place<'_>, findings: &mut Findings) -> Option<DraftBranch> {
    let fields = place.fields(&format::BRANCH, findings)?;
    let when_place = fields.required("when", "`multi_az_available` or `otherwise`", findings);
    let mark = when_place.as_ref().map_or(place.mark, |when| when.node.mark);
    let when = when_place.and_then(|place| place.choice(format::CONDITIONS, code::UNKNOWN_CONDITION, findings));
    let steps = fields
        .required("steps", "a list of steps such as `- promote: database`", findings)
        .and_then(|place| place.items("a list of steps", findings));
    let mut branch = DraftBranch { mark, when: when.map(|when| when.value), waves: Vec::new(), whole: steps.is_some() };
    for item in steps.into_iter().flatten() {
        let wave = read_wave(&item, &mut branch.whole, findings);
        if !wave.steps.is_empty() {
            branch.waves.push(wave);
        }
    }
    Some(branch)
}

fn read_wave(item: &Place<'_>, whole: &mut bool, findings: &mut Findings) -> DraftWave {
    let mut wave = DraftWave { mark: item.mark, steps: Vec::new() };
    let Some((key, value)) = item.single("one step such as `promote: database`", findings) else {
        *whole = false;
        return wave;
    };
    if key.value != "together" {
        match read_step(&key, &value, item, findings) {
            Some(step) => wave.steps.push(step),
            None => *whole = false,
        }
        return wave;
    }
    let Some(members) = value.items("a list of steps that run side by side", findings) else {
        *whole = false;
        return wave;
    };
    for member in &members {
        let step = member
            .single("one step such as `validate: database`", findings)
            .and_then(|(key, value)| read_step(&key, &value, member, findings));
        match step {
            Some(step) => wave.steps.push(step),
            None => *whole = false,
        }
    }
    wave
}

fn read_step(key: &Marked<&str>, value: &Place<'_>, item: &Place<'_>, findings: &mut Findings) -> Option<DraftStep> {
    let kind = read_step_kind(key, item, findings)?;
    let component = if kind == StepKind::Gate {
        value
            .fields(&format::GATE, findings)?
            .required("loss_bound", "the database whose loss is bounded", findings)?
            .identifier::<ComponentName>(A_COMPONENT, findings)?
    } else {
        value.identifier::<ComponentName>(A_COMPONENT, findings)?
    };
    Some(DraftStep { kind, component: component.value, mark: key.mark, component_mark: component.mark })
}

/// Like a choice among words, but `together` is known too, and said to be no step where it is not one.
fn read_step_kind(key: &Marked<&str>, item: &Place<'_>, findings: &mut Findings) -> Option<StepKind> {
    let kinds = || StepKind::ALL.iter().map(|kind| kind.as_str());
    let find = |word: &str| StepKind::ALL.into_iter().find(|kind| kind.as_str() == word);
    if let Some(kind) = find(key.value) {
        return Some(kind);
    }
    if key.value == "together" {
        let message = format!("{}: `together` inside `together`", item.path());
        findings.error(code::UNKNOWN_STEP_KIND, key.mark, message, "list the steps in one `together`");
        return None;
    }
    let meant = Meant { nearest: nearest(key.value, kinds().chain(["together"])), known: one_of(kinds()) };
    let nearest = meant.nearest;
    let message = format!("{}: there is no step {}", item.path(), quote(key.value));
    findings.error(code::UNKNOWN_STEP_KIND, key.mark, message, meant.help()).meant(meant);
    // Read as what was probably meant, so that the slip is reported once.
    nearest.and_then(find)
}
