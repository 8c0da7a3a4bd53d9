//! Sites, and where a component's endpoint and holds are kept.

use std::collections::{HashMap, HashSet};

use crate::domain::identifier::Region;
use crate::domain::plan::SiteName;

use super::super::code;
use super::super::draft::{ComponentKind, Draft, DraftComponent, DraftPlace};
use super::super::fields::did_you_mean;
use super::super::finding::{Findings, quote};
use super::super::tree::Mark;
use super::find_component;

pub(super) fn check(draft: &Draft, findings: &mut Findings) {
    if let (Some(primary), Some(recovery)) = (&draft.primary, &draft.recovery)
        && primary.value == recovery.value
    {
        let message = format!("both sites are in {}: nothing is left when that Region fails", primary.value);
        findings.error(code::SITES_EQUAL, recovery.mark, message, "name the Region that the platform is recovered to");
    }
    let mut places = Seen::default();
    let mut resources = Seen::default();
    for component in draft.components.values() {
        for place in component.endpoints.iter().chain(&component.holds) {
            region_is_a_site(draft, place, findings);
            if let Some(label) = &place.label {
                places.add(label, place.mark, findings);
            }
        }
        for resource in &component.resources {
            let (site, label) = &resource.value;
            resources.add(&format!("{label} of the {} site", site.as_str()), resource.mark, findings);
        }
        for place in component.holds.iter().filter(|place| place.reads_go_on.is_some()) {
            reads_go_on(place, findings);
        }
        for place in &component.endpoints {
            recovered_clients_read(draft, place, findings);
            consumers(draft, place, findings);
        }
    }
}

/// Finds the second of two equal things.
#[derive(Default)]
struct Seen {
    lines: HashMap<String, usize>,
}

impl Seen {
    fn add(&mut self, label: &str, mark: Mark, findings: &mut Findings) {
        if let Some(first) = self.lines.get(label) {
            let message = format!("{label} is listed a second time; first in line {first}");
            findings.error(code::DUPLICATE, mark, message, "list it once: two steps would write it, each over the other");
        } else {
            self.lines.insert(label.to_owned(), mark.line);
        }
    }
}

fn sites(draft: &Draft) -> Option<(&Region, &Region)> {
    Some((&draft.primary.as_ref()?.value, &draft.recovery.as_ref()?.value))
}

fn region_is_a_site(draft: &Draft, place: &DraftPlace, findings: &mut Findings) {
    if let (Some((primary, recovery)), Some(region)) = (sites(draft), &place.region)
        && ![primary, recovery].contains(&&region.value)
    {
        let message = format!("{} is neither the primary nor the recovery site's Region", region.value);
        let meant = did_you_mean(region.value.as_str(), [primary.as_str(), recovery.as_str()].into_iter(), findings);
        findings.error(code::REGION_NOT_A_SITE, region.mark, message, meant.help()).meant(meant);
    }
}

fn recovered_clients_read(draft: &Draft, place: &DraftPlace, findings: &mut Findings) {
    if let (Some((primary, recovery)), Some(region)) = (sites(draft), &place.region)
        && region.value == *primary
        && primary != recovery
    {
        let what = place.label.as_deref().unwrap_or("this place");
        findings.warning(
            code::ENDPOINT_OUTSIDE_RECOVERY_SITE,
            region.mark,
            format!("{what} is in the {} site, which may be gone when the endpoint moves", SiteName::Primary.as_str()),
            format!("keep a copy for the recovered clients in {recovery} and list that"),
        );
    }
}

/// The default throttle of an HTTP API's stage cannot be taken away once it is set, so a hold never sets it (see
/// `domain::decide::holds`).
fn reads_go_on(place: &DraftPlace, findings: &mut Findings) {
    let Some(mark) = place.reads_go_on else { return };
    let what = place.label.as_deref().unwrap_or("this stage");
    findings.warning(
        code::READS_NOT_STOPPED,
        mark,
        format!(
            "{what} is an HTTP API: closing it as a whole could not be undone exactly, so only the listed routes are closed"
        ),
        "list every route that must stop under `methods`, and say `reads: served`",
    );
}

fn consumers(draft: &Draft, place: &DraftPlace, findings: &mut Findings) {
    let mut listed = HashSet::new();
    for consumer in &place.consumers {
        if !listed.insert(&consumer.value) {
            let message = format!("consumer {} is listed a second time", quote(consumer.value.as_str()));
            findings.error(code::DUPLICATE, consumer.mark, message, "leave one out");
            continue;
        }
        let Some((name, DraftComponent { kind: Some(kind), .. })) =
            find_component(draft, &consumer.value, consumer.mark, findings)
        else {
            continue;
        };
        if *kind != ComponentKind::EcsService {
            let message =
                format!("{name} is of kind {}: nothing in it can be restarted to reread an endpoint", kind.as_str());
            let help = "list the components of kind ecs_service that read the endpoint at their start";
            findings
                .error(code::CONSUMER_NOT_A_SERVICE, consumer.mark, message, help)
                .expected("a component of kind ecs_service");
        }
    }
}
