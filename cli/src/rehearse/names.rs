//! The public names of the platform, in the world's Route 53, as the plan describes them: so that there is something to ask for.
//!
//! Addresses are those that documentation may use (RFC 5737, RFC 3849), which nobody has.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jiff::Timestamp;
use rehearsal_world::{AliasResource, Change, ChangeAction, ChangeBatch, StatedAlias, StatedRecordSet, World};
use shared::domain::described::{RecordSet, RecordType, Route53Records, Routing};
use shared::domain::plan::{Component, Plan, SiteName};

/// The zone that a rehearsal's load balancers and distributions have their names in.
const RESOURCE_ZONE: &str = "Z0REHEARSALTARGETS";
/// Equal shares: the plan does not say other ones.
const WEIGHT: i64 = 50;
const SITES: [SiteName; 2] = [SiteName::Primary, SiteName::Recovery];

/// What the names lead to.
#[derive(Debug, Default)]
pub(super) struct Names {
    targets: Vec<Target>,
    /// The names that clients ask for, each with a type.
    pub(super) asked: Vec<(String, &'static str)>,
}

#[derive(Debug)]
struct Target {
    name: String,
    region: String,
    resource: AliasResource,
}

impl Names {
    /// Puts the plan's records into the world. What the world refuses is said, and left out: a rehearsal goes on without.
    pub(super) fn set_up(plan: &Plan, world: &mut World, now: Timestamp, mut say: impl FnMut(&str)) -> Self {
        let mut names = Self::default();
        for component in plan.components.values() {
            let Component::Route53Records(records) = component else { continue };
            if let Err(why) = names.add(plan, records, world, now) {
                say(&format!("zone {} is left out of the rehearsal: {why}", records.zone));
            }
        }
        names
    }

    fn add(&mut self, plan: &Plan, records: &Route53Records, world: &mut World, now: Timestamp) -> Result<(), String> {
        let zone = records.zone.to_string();
        let apex = apex(records.records.iter().map(|record| record.name.as_str()));
        world.add_hosted_zone(&zone, &apex).map_err(|error| error.message)?;
        let mut changes = Vec::new();
        for record in records.records.iter() {
            for site in SITES {
                if site == SiteName::Recovery && record.routing == Routing::Simple {
                    continue;
                }
                let target = self.target(plan, record, site, &apex);
                world.set_alias_resource(&target, self.resource(&target), now).map_err(|error| error.message)?;
                changes.push(Change { action: ChangeAction::Create, record_set: stated(record, site, &target) });
            }
            self.asked.push((record.name.to_string(), record.record_type.as_str()));
        }
        let batch = ChangeBatch { comment: Some("as the plan describes them".to_owned()), changes };
        world.change_resource_record_sets(&zone, &batch, now).map(drop).map_err(|error| error.message)
    }

    /// The name of what a record leads to in a site.
    fn target(&mut self, plan: &Plan, record: &RecordSet, site: SiteName, apex: &str) -> String {
        let region = plan.region(site).to_string();
        let balancer = matches!(plan.components.get(&record.to), Some(Component::LoadBalancer(_)));
        let name = if balancer {
            format!("{}.{region}.elb.amazonaws.com", record.to).replace('_', "-")
        } else {
            // Like a distribution, it is one for both sites.
            format!("{}.{apex}.cloudfront.net", record.to).replace('_', "-")
        };
        if !self.targets.iter().any(|target| target.name == name) {
            let last = u8::try_from(self.targets.len() + 1).unwrap_or(u8::MAX);
            let addresses = vec![
                IpAddr::V4(match site {
                    SiteName::Primary => Ipv4Addr::new(192, 0, 2, last),
                    SiteName::Recovery => Ipv4Addr::new(198, 51, 100, last),
                }),
                IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, u16::from(site == SiteName::Recovery), 0, 0, 0, u16::from(last))),
            ];
            let resource = AliasResource { hosted_zone: RESOURCE_ZONE.to_owned(), addresses, healthy: true };
            self.targets.push(Target {
                name: name.clone(),
                region: if balancer { region } else { String::new() },
                resource,
            });
        }
        name
    }

    fn resource(&self, name: &str) -> AliasResource {
        let found = self.targets.iter().find(|target| target.name == name).map(|target| target.resource.clone());
        found.unwrap_or_else(|| AliasResource {
            hosted_zone: RESOURCE_ZONE.to_owned(),
            addresses: Vec::new(),
            healthy: false,
        })
    }

    /// The load balancers of a dark Region are not healthy, so that failover records lead elsewhere.
    pub(super) fn region_dark(&self, world: &mut World, region: &str, dark: bool, now: Timestamp) {
        for target in self.targets.iter().filter(|target| target.region == region) {
            let resource = AliasResource { healthy: !dark, ..target.resource.clone() };
            // Its name was taken before.
            let _known = world.set_alias_resource(&target.name, resource, now);
        }
    }
}

/// The name that all of them lie within: what they have in common from the end.
fn apex<'a>(mut names: impl Iterator<Item = &'a str>) -> String {
    let reversed = |name: &'a str| name.split('.').rev().collect::<Vec<_>>();
    let mut common = names.next().map(reversed).unwrap_or_default();
    for name in names.map(reversed) {
        let shared = common.iter().zip(&name).take_while(|(one, other)| one == other).count();
        common.truncate(shared);
    }
    common.reverse();
    common.join(".")
}

fn stated(record: &RecordSet, site: SiteName, target: &str) -> StatedRecordSet {
    let identifier = (record.routing != Routing::Simple).then(|| site.as_str().to_owned());
    let failover = (record.routing == Routing::Failover).then(|| match site {
        SiteName::Primary => "PRIMARY".to_owned(),
        SiteName::Recovery => "SECONDARY".to_owned(),
    });
    let mut stated = StatedRecordSet {
        name: record.name.to_string(),
        kind: record.record_type.as_str().to_owned(),
        set_identifier: identifier,
        weight: (record.routing == Routing::Weighted).then_some(WEIGHT),
        failover,
        ..StatedRecordSet::default()
    };
    if record.record_type == RecordType::Cname {
        stated.ttl = Some(60);
        stated.values = Some(vec![target.to_owned()]);
    } else {
        stated.alias = Some(StatedAlias {
            hosted_zone: RESOURCE_ZONE.to_owned(),
            name: target.to_owned(),
            evaluate_target_health: record.routing != Routing::Simple,
        });
    }
    stated
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jiff::SignedDuration;
    use rehearsal_world::{DnsName, PairConfig, RecordData, RecordType};

    use super::*;
    use crate::drill::Platform;

    #[test]
    fn the_apex_is_what_all_names_lie_within() {
        assert_eq!(apex(["api.example.com", "example.com"].into_iter()), "example.com");
        assert_eq!(apex(["a.b.example.com", "c.b.example.com"].into_iter()), "b.example.com");
        assert_eq!(apex(["one.example.com"].into_iter()), "one.example.com");
    }

    #[test]
    fn a_failover_name_leads_to_the_other_site_while_its_region_is_dark() {
        let plan = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("plans").join("healthcare-platform.yaml");
        let plan = Platform::read(&plan, "database_failure").unwrap().plan;
        let mut now: Timestamp = "2026-11-20T14:00:00Z".parse().unwrap();
        let mut world = World::pair(PairConfig::default(), 1, now);
        let names = Names::set_up(&plan, &mut world, now, |refused| panic!("{refused}"));
        now += SignedDuration::from_secs(120);
        let first = |world: &mut World, name: &str, now| {
            let name = DnsName::parse(name).unwrap();
            match world.resolve(&name, Some(RecordType::A), now).records().first().map(|record| record.data.clone()) {
                Some(RecordData::A(address)) => address.octets()[0],
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(first(&mut world, "api.healthcare-platform.com", now), 192);
        names.region_dark(&mut world, "us-east-1", true, now);
        assert_eq!(first(&mut world, "api.healthcare-platform.com", now), 198);
        assert_eq!(first(&mut world, "healthcare-platform.com", now), 192, "a distribution is in no Region");
        names.region_dark(&mut world, "us-east-1", false, now);
        assert_eq!(first(&mut world, "api.healthcare-platform.com", now), 192);
        assert_eq!(names.asked.len(), 4);
    }
}
