//! Reads the top of the plan and hands its parts to their readers.

use crate::domain::duration::Seconds;
use crate::domain::identifier::{AccountId, ComponentName, PlatformName, Region, ResourceName, ScenarioName};
use crate::domain::plan::{PLAN_VERSION, SiteName, Trigger};

use super::draft::{Draft, DraftObjective, DraftTrigger};
use super::fields::{Fields, Marked, Place};
use super::finding::Findings;
use super::tree::Node;
use super::{alerts, code, components, format, scenarios};

/// Reads the tree. `None` when the plan is of a newer version: what that means can only be guessed, so nothing else is said.
pub(super) fn read(root: &Node, findings: &mut Findings) -> Option<Draft> {
    let place = Place::root(root);
    if newer_version(&place, findings) {
        return None;
    }
    let mut draft = Draft::default();
    let Some(fields) = place.fields(&format::PLAN, findings) else {
        return Some(draft);
    };
    read_version(&fields, findings);
    draft.platform = fields
        .required("platform", "the platform's name", findings)
        .and_then(|place| place.identifier::<PlatformName>("the platform's name", findings))
        .map(|name| name.value);
    draft.account = fields
        .required("account", "the account id in quotes, such as \"123456789012\"", findings)
        .and_then(|place| place.identifier::<AccountId>("an account id in quotes, such as \"123456789012\"", findings))
        .map(|account| account.value);
    read_sites(&fields, &mut draft, findings);
    read_objectives(&fields, &mut draft, findings);
    let components = fields.required("components", "what there is to recover", findings);
    for (name, place) in
        components.and_then(|place| place.named::<ComponentName>("components by name", findings)).into_iter().flatten()
    {
        let component = components::read(&place, findings);
        draft.components.insert(name.value, component);
    }
    if let Some(place) = fields.optional("alerts") {
        draft.alerts = Some(alerts::read(&place, findings));
    }
    read_triggers(&fields, &mut draft, findings);
    let scenarios = fields.required("scenarios", "what to do when", findings);
    for (name, place) in
        scenarios.and_then(|place| place.named::<ScenarioName>("scenarios by name", findings)).into_iter().flatten()
    {
        let scenario = scenarios::read(name.clone(), &place, findings);
        draft.scenarios.insert(name.value, scenario);
    }
    Some(draft)
}

fn newer_version(place: &Place<'_>, findings: &mut Findings) -> bool {
    let mut unreported = Findings::default();
    let version = place.peek("version").and_then(|place| place.number(&mut unreported));
    match version {
        Some(version) if version.value > PLAN_VERSION => {
            findings.error(
                code::VERSION_NEWER,
                version.mark,
                format!("the plan is of version {}, and this program reads version {PLAN_VERSION}", version.value),
                "use the program's release that wrote it; nothing else in the file was checked",
            );
            true
        }
        _ => false,
    }
}

fn read_version(fields: &Fields<'_>, findings: &mut Findings) {
    let version = fields.required("version", &format!("{PLAN_VERSION}"), findings).and_then(|place| place.number(findings));
    if let Some(version) = version
        && version.value != PLAN_VERSION
    {
        let message = format!("version: there never was a version {}", version.value);
        findings
            .error(code::OUT_OF_RANGE, version.mark, message, format!("write {PLAN_VERSION}"))
            .expected(PLAN_VERSION.to_string());
    }
}

fn read_sites(fields: &Fields<'_>, draft: &mut Draft, findings: &mut Findings) {
    const A_REGION: &str = "a Region such as us-east-1";
    let sites = fields
        .required("sites", "`primary` and `recovery`", findings)
        .and_then(|place| place.fields(&format::SITES, findings));
    let Some(sites) = sites else {
        return;
    };
    let mut region = |site: SiteName| {
        sites
            .required(site.as_str(), "`{ region: … }`", findings)
            .and_then(|place| place.fields(&format::SITE, findings))
            .and_then(|fields| fields.required("region", A_REGION, findings))
            .and_then(|place| place.identifier::<Region>(A_REGION, findings))
    };
    draft.primary = region(SiteName::Primary);
    draft.recovery = region(SiteName::Recovery);
}

fn read_objectives(fields: &Fields<'_>, draft: &mut Draft, findings: &mut Findings) {
    let objectives = fields
        .required("objectives", "what a recovery of each component must reach", findings)
        .and_then(|place| place.named::<ComponentName>("objectives by component", findings));
    for (name, place) in objectives.into_iter().flatten() {
        let mut objective = DraftObjective { name: name.clone(), rto: None, rpo: None, rpo_written: false };
        if let Some(fields) = place.fields(&format::OBJECTIVE, findings) {
            objective.rto = fields
                .required("rto", "a duration such as 30m", findings)
                .and_then(|place| place.duration(Seconds(1), findings));
            let rpo = fields.optional("rpo");
            objective.rpo_written = rpo.is_some();
            objective.rpo = rpo.and_then(|place| place.duration(Seconds(0), findings));
        } else {
            // Unreadable as a whole, and reported so: what it lacks is not news.
            objective.rpo_written = true;
        }
        draft.objectives.insert(name.value, objective);
    }
}

fn read_triggers(fields: &Fields<'_>, draft: &mut Draft, findings: &mut Findings) {
    let Some(place) = fields.optional("triggers") else {
        return;
    };
    for item in place.items("a list of `{ alarm: …, scenario: … }`", findings).into_iter().flatten() {
        draft.triggers.push(read_trigger(&item, findings));
    }
}

fn read_trigger(item: &Place<'_>, findings: &mut Findings) -> DraftTrigger {
    let mut draft = DraftTrigger { mark: item.mark, alarm: None, site: SiteName::Recovery, scenario: None, trigger: None };
    let Some(fields) = item.fields(&format::TRIGGER, findings) else {
        return draft;
    };
    let alarm = fields
        .required("alarm", "the alarm's name", findings)
        .and_then(|place| place.identifier::<ResourceName>("the alarm's name", findings));
    let scenario = fields
        .required("scenario", "the scenario that it starts", findings)
        .and_then(|place| place.identifier::<ScenarioName>("a scenario's name", findings));
    let site = match fields.optional("site") {
        Some(place) => place
            .choice(format::SITE_WORDS, code::UNKNOWN_VALUE, findings)
            .map(|site| Marked { value: site.value, mark: site.mark }),
        None => Some(Marked { value: SiteName::Recovery, mark: item.mark }),
    };
    draft.alarm = alarm.as_ref().map(|alarm| alarm.value.to_string());
    draft.scenario = scenario.clone();
    if let Some(site) = &site {
        draft.site = site.value;
        draft.mark = site.mark;
    }
    if let (Some(alarm), Some(site), Some(scenario)) = (alarm, site, scenario) {
        draft.trigger = Some(Trigger { alarm: alarm.value, site: site.value, scenario: scenario.value });
    }
    draft
}
