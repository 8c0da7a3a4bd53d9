//! Components that a plan only describes: what they name, what moves their traffic, and how old their copies may be.

use std::collections::HashMap;

use crate::domain::identifier::{ComponentName, Region};
use crate::domain::plan::SiteName;
use crate::domain::planes;

use super::super::code;
use super::super::draft::{ComponentKind, Draft, DraftComponent, DraftRecord, DraftReference};
use super::super::finding::{Findings, one_of};
use super::find_component;

pub(super) fn check(draft: &Draft, findings: &mut Findings) {
    let mut names = RecordNames::default();
    for (name, component) in &draft.components {
        for reference in &component.names {
            refers_to_its_kind(draft, reference, findings);
        }
        for record in &component.records {
            names.add(record, findings);
        }
        if let Some(region) = &draft.primary {
            moved_by_a_control_plane(name.as_str(), component, &region.value, findings);
        }
        copies(draft, name, component, findings);
        keys(draft, component, findings);
        opening_keys(draft, component, findings);
        if let Some(mark) = component.without_tls {
            findings.warning(
                code::DATABASE_WITHOUT_TLS,
                mark,
                format!("the check of {name} sends its login in the clear, to whatever answers at that address"),
                "leave `tls:` out, and give the secret a `certificate_authority` where the certificates are your own",
            );
        }
    }
}

/// S3 encrypts under keys of the bucket's own Region only (S3 user guide, "Using server-side encryption with AWS KMS keys").
fn keys(draft: &Draft, component: &DraftComponent, findings: &mut Findings) {
    for (site, key) in &component.keys {
        let region = match site {
            SiteName::Primary => &draft.primary,
            SiteName::Recovery => &draft.recovery,
        };
        if let Some(region) = region.as_ref().filter(|region| region.value.as_str() != key.value.region()) {
            let (at, region) = (key.value.region(), &region.value);
            findings.error(
                code::KEY_OF_ANOTHER_REGION,
                key.mark,
                format!("the key is in {at}, and the bucket of the {} site in {region}", site.as_str()),
                format!("name the key of {region} under which the objects there are encrypted"),
            );
        }
    }
}

/// Archives are opened where they are restored: a key that goes with the other Region opens nothing.
fn opening_keys(draft: &Draft, component: &DraftComponent, findings: &mut Findings) {
    let Some(region) = draft.recovery.as_ref().map(|region| &region.value) else { return };
    for key in component.opening_keys.iter().filter(|key| key.value.region() != region.as_str()) {
        findings.error(
            code::KEY_OF_ANOTHER_REGION,
            key.mark,
            format!("the key is in {}, and the archives would have to be opened in {region}", key.value.region()),
            format!("name the key of {region}: the replica of this one, where it is a multi-Region key"),
        );
    }
}

fn refers_to_its_kind(draft: &Draft, reference: &DraftReference, findings: &mut Findings) {
    let Some((name, DraftComponent { kind: Some(kind), .. })) =
        find_component(draft, &reference.name.value, reference.name.mark, findings)
    else {
        return;
    };
    if !reference.kinds.contains(kind) {
        let expected = one_of(reference.kinds.iter().map(|kind| kind.as_str()));
        findings
            .error(
                code::WRONG_COMPONENT_KIND,
                reference.name.mark,
                format!("{name} is of kind {}, and here belongs a component of kind {expected}", kind.as_str()),
                "name a component of that kind; `plan show` lists them all",
            )
            .expected(format!("a component of kind {expected}"));
    }
}

/// Route 53 takes record sets of one name and type only with one and the same routing policy.
#[derive(Default)]
struct RecordNames<'a> {
    first: HashMap<(&'a str, &'static str), &'a DraftRecord>,
}

impl<'a> RecordNames<'a> {
    fn add(&mut self, record: &'a DraftRecord, findings: &mut Findings) {
        let key = (record.name.as_str(), record.record_type.as_str());
        let Some(first) = self.first.get(&key) else {
            self.first.insert(key, record);
            return;
        };
        let (name, kind) = key;
        let line = first.routing.mark.line;
        if first.routing.value == record.routing.value {
            let message = format!("{kind} record {name} is listed a second time; first in line {line}");
            findings.error(
                code::DUPLICATE,
                record.routing.mark,
                message,
                "list it once: one entry means both sites' records",
            );
        } else {
            findings.error(
                code::RECORD_ROUTING_CONFLICT,
                record.routing.mark,
                format!(
                    "{kind} record {name} is {} here and {} in line {line}; Route 53 refuses the one beside the other",
                    record.routing.value.as_str(),
                    first.routing.value.as_str()
                ),
                "give all records of one name and type the same routing",
            );
        }
    }
}

/// Without a switch made in advance, traffic moves by a call that the very disaster may have taken away.
fn moved_by_a_control_plane(name: &str, component: &DraftComponent, primary: &Region, findings: &mut Findings) {
    let Some(without) = &component.without_switch else { return };
    let Some(home) = planes::global_control_plane(without.service, primary.partition()) else { return };
    if home == primary.as_str() {
        findings.warning(
            code::CONTROL_PLANE_IN_PRIMARY_SITE,
            without.mark,
            format!(
                "clients of {name} can only be sent to the other site by {}:{}, whose control plane is in {home}, the primary \
                 site's Region",
                without.service, without.operation
            ),
            format!("add `{}:`, made in advance, which works while {home} is dark", without.field),
        );
    }
}

fn copies(draft: &Draft, name: &ComponentName, component: &DraftComponent, findings: &mut Findings) {
    if let Some(mark) = component.without_copy {
        findings.warning(
            code::COPY_ONLY_IN_PRIMARY_SITE,
            mark,
            format!("{name} has no copy outside the primary site, and is gone when that Region is"),
            "add `recovery: { bucket: … }` with a bucket of the recovery site that it is replicated to",
        );
    }
    if let Some(mark) = component.vault_without_copy {
        findings.warning(
            code::COPY_ONLY_IN_PRIMARY_SITE,
            mark,
            format!("the recovery points of {name} stand in the primary site only, and are gone when that Region is"),
            "add `recovery:`, a vault of the recovery site that they are copied to, or `copy_within:` where another copy is made",
        );
    }
    if let Some(mark) = component.restored_from_nowhere {
        findings.warning(
            code::RESTORE_TEST_WITHOUT_VAULT,
            mark,
            format!("what is restored of {name} for a test is asked in the recovery site, where no vault holds recovery points of it"),
            "add `vaults:` with `recovery:`, the vault there that they are copied to",
        );
    }
    // Archives are for corruption, not for the loss of a site: their age is not the database's recovery point.
    if component.kind != Some(ComponentKind::S3Data) {
        return;
    }
    let objective = draft.objectives.get(name);
    if let (Some(every), Some(rpo)) = (&component.every, objective.and_then(|objective| objective.rpo.as_ref()))
        && every.value > rpo.value
    {
        findings.warning(
            code::COPY_RARER_THAN_RPO,
            every.mark,
            format!("a backup of {name} every {} cannot keep its RPO of {}", every.value, rpo.value),
            "copy it more often, use replication, or state the RPO that can be kept",
        );
    }
}
