//! Hosted zones: what their control plane holds, and what their name servers answer from.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::name::DnsName;
use super::record::{Content, RecordKey, RecordSet, RecordType, Routing};
use crate::seed::Seed;

/// The record sets of a zone, in the order in which Route 53 lists them.
pub(crate) type Records = BTreeMap<RecordKey, RecordSet>;

/// How long name server records may be remembered.
const NAME_SERVERS_TTL: u32 = 172_800;
/// How long the start of authority may be remembered.
const AUTHORITY_TTL: u32 = 900;

/// A hosted zone.
#[derive(Debug, Clone)]
pub(crate) struct Zone {
    pub(crate) id: String,
    pub(crate) name: DnsName,
    pub(crate) name_servers: Vec<String>,
    /// What the last accepted change made of it.
    pub(crate) current: Arc<Records>,
    /// What the name servers have.
    pub(crate) served: Arc<Records>,
}

impl Zone {
    pub(crate) fn new(id: &str, name: DnsName, seed: u64) -> Self {
        let mut chance = Seed::for_purpose(seed, &format!("name servers of {id}"));
        let name_servers: Vec<String> = ["com", "net", "org", "co.uk"]
            .iter()
            .zip(0_u64..)
            .map(|(domain, place)| {
                let number = chance.next() % 512 + place * 512;
                format!("ns-{number}.awsdns-{:02}.{domain}", chance.next() % 64)
            })
            .collect();
        let values = name_servers.iter().map(|server| format!("{server}.")).collect();
        let authority = format!("{}. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400", name_servers[0]);
        let apex = |kind, ttl, values| RecordSet {
            key: RecordKey { name: name.clone(), kind, set_identifier: None },
            routing: Routing::Simple,
            content: Content::Records { ttl, values },
            health_check: None,
        };
        let records: Records =
            [apex(RecordType::Ns, NAME_SERVERS_TTL, values), apex(RecordType::Soa, AUTHORITY_TTL, vec![authority])]
                .into_iter()
                .map(|set| (set.key.clone(), set))
                .collect();
        let records = Arc::new(records);
        Self { id: id.to_owned(), name, name_servers, current: Arc::clone(&records), served: records }
    }
}

/// The record sets of one name.
pub(crate) fn of_name<'a>(records: &'a Records, name: &'a DnsName) -> impl Iterator<Item = &'a RecordSet> + use<'a> {
    let first = RecordKey { name: name.clone(), kind: RecordType::A, set_identifier: None };
    records.range(first..).map(|(_, set)| set).take_while(move |set| set.key.name == *name)
}

/// The record sets among which Route 53 chooses for one name and type.
pub(crate) fn group<'a>(records: &'a Records, name: &'a DnsName, kind: RecordType) -> Vec<&'a RecordSet> {
    of_name(records, name).filter(|set| set.key.kind == kind).collect()
}

/// Whether there is this name, if only because there is a name below it.
pub(crate) fn has_name(records: &Records, name: &DnsName) -> bool {
    let first = RecordKey { name: name.clone(), kind: RecordType::A, set_identifier: None };
    // Names below a name follow it at once, in this order.
    let next = records.range((Bound::Included(first), Bound::Unbounded)).next();
    next.is_some_and(|(key, _)| key.name.lies_within(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(names: &[&str]) -> Records {
        let set = |name: &&str| RecordSet {
            key: RecordKey { name: DnsName::parse(name).unwrap(), kind: RecordType::Txt, set_identifier: None },
            routing: Routing::Simple,
            content: Content::Records { ttl: 60, values: vec!["\"a\"".to_owned()] },
            health_check: None,
        };
        names.iter().map(set).map(|set| (set.key.clone(), set)).collect()
    }

    #[test]
    fn a_name_exists_when_there_is_one_below_it() {
        let records = records(&["a.b.example.com", "bb.example.com", "b-c.example.com"]);
        let has = |name: &str| has_name(&records, &DnsName::parse(name).unwrap());
        assert!(has("a.b.example.com") && has("b.example.com") && has("example.com") && has("com"));
        assert!(!has("c.example.com") && !has("x.a.b.example.com") && !has("e.com") && !has("b-.example.com"));
    }
}
