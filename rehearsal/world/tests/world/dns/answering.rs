use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use rehearsal_world::{AliasResource, RecordData, RecordType, Resolution, StatedRecordSet};

use super::scene::{PROPAGATION, Scene, ZONE, address, alias, checked, failover, name, routed_as, set, upsert, weighted};
use crate::stage::EAST;

const API: &str = "api.example.com";
const LOAD_BALANCERS: &str = "Z35SXDOTRQ7X7K";

impl Scene {
    /// How often each address answers, of so many times.
    fn tally(&mut self, wanted: &str, times: u32) -> BTreeMap<u8, u32> {
        let mut tally = BTreeMap::new();
        for _ in 0..times {
            let answer = self.addresses(wanted);
            assert_eq!(answer.len(), 1, "a record set of one value answers");
            *tally.entry(answer[0]).or_default() += 1;
        }
        tally
    }

    fn balancer(&mut self, target: &str, last: u8, healthy: bool) {
        let addresses = vec![IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))];
        let resource = AliasResource { hosted_zone: LOAD_BALANCERS.to_owned(), addresses, healthy };
        self.world.set_alias_resource(target, resource, self.now).unwrap();
    }
}

#[test]
fn a_simple_record_set_answers_with_all_its_values_and_its_ttl() {
    let two = StatedRecordSet { values: Some(vec!["192.0.2.1".to_owned(), "192.0.2.2".to_owned()]), ..address(API, 1) };
    let mut scene = Scene::with([two, set(API, RecordType::Txt, 5, &["\"generation=1\""])]);
    assert_eq!(scene.addresses(API), [1, 2]);
    let Resolution::Answer(records) = scene.ask("API.Example.com", RecordType::Txt) else {
        panic!("no answer");
    };
    assert_eq!((records[0].ttl, &records[0].data), (5, &RecordData::Txt(vec![b"generation=1".to_vec()])));
}

#[test]
fn answers_are_drawn_in_proportion_to_weight_and_follow_the_seed() {
    let mut scene = Scene::with([weighted(API, "blue", 30, 1), weighted(API, "green", 10, 2)]);
    let tally = scene.tally(API, 4_000);
    assert!((2_850..=3_150).contains(&tally[&1]), "{tally:?}");
    assert_eq!(tally[&1] + tally[&2], 4_000);

    let draw = |seed| {
        let mut scene = Scene::seeded(seed);
        scene.have([weighted(API, "blue", 1, 1), weighted(API, "green", 1, 2)]);
        (0..64).flat_map(|_| scene.addresses(API)).collect::<Vec<u8>>()
    };
    assert_eq!(draw(7), draw(7));
    assert_ne!(draw(7), draw(8));
}

#[test]
fn a_weight_of_0_answers_only_when_nothing_else_does() {
    let mut scene = Scene::new();
    for check in ["h1", "h2", "h3"] {
        scene.add_endpoint(check);
    }
    scene.have([
        checked(weighted(API, "blue", 5, 1), "h1"),
        checked(weighted(API, "green", 0, 2), "h2"),
        checked(weighted(API, "grey", 0, 3), "h3"),
    ]);
    assert_eq!(scene.tally(API, 200), BTreeMap::from([(1, 200)]));
    scene.set_endpoint("h1", false);
    let both = scene.tally(API, 200);
    assert!(both.keys().eq([2, 3].iter()) && both[&2] > 50 && both[&3] > 50, "{both:?}");
    scene.set_endpoint("h2", false);
    assert_eq!(scene.tally(API, 200), BTreeMap::from([(3, 200)]));

    let mut scene = Scene::with([weighted(API, "blue", 0, 1), weighted(API, "green", 0, 2)]);
    let equal = scene.tally(API, 1_000);
    assert!(equal.values().all(|count| (400..=600).contains(count)), "{equal:?}");
}

#[test]
fn if_no_record_set_is_healthy_all_are() {
    let mut scene = Scene::new();
    scene.add_endpoint("h1");
    scene.add_endpoint("h2");
    scene.have([
        checked(weighted(API, "blue", 1, 1), "h1"),
        checked(weighted(API, "green", 1, 2), "h2"),
        checked(weighted(API, "spare", 0, 3), "h2"),
    ]);
    scene.set_endpoint("h1", false);
    assert_eq!(scene.tally(API, 100), BTreeMap::from([(2, 100)]));
    scene.set_endpoint("h2", false);
    let tally = scene.tally(API, 200);
    assert!(tally.keys().eq([1, 2].iter()) && tally.values().all(|count| *count > 50), "{tally:?}");
}

#[test]
fn a_record_set_without_a_health_check_is_healthy() {
    let mut scene = Scene::new();
    scene.add_endpoint("h1");
    scene.have([checked(weighted(API, "blue", 255, 1), "h1"), weighted(API, "green", 1, 2)]);
    scene.set_endpoint("h1", false);
    assert_eq!(scene.tally(API, 100), BTreeMap::from([(2, 100)]));
}

#[test]
fn the_primary_answers_unless_the_secondary_alone_is_healthy() {
    let mut scene = Scene::new();
    scene.add_endpoint("h1");
    scene.add_endpoint("h2");
    scene.have([checked(failover(API, "PRIMARY", 1), "h1"), checked(failover(API, "SECONDARY", 2), "h2")]);
    for (primary, secondary, answers) in [(true, true, 1), (true, false, 1), (false, true, 2), (false, false, 1)] {
        scene.world.endpoint_answers("h1", primary, scene.now);
        scene.set_endpoint("h2", secondary);
        assert_eq!(scene.addresses(API), [answers], "primary {primary}, secondary {secondary}");
    }
    // A secondary without a health check answers whenever the primary is not healthy.
    scene.change([upsert(failover(API, "SECONDARY", 2))]).unwrap();
    scene.wait(PROPAGATION);
    assert_eq!(scene.addresses(API), [2]);
}

#[test]
fn a_failover_needs_no_control_plane() {
    let mut scene = Scene::new();
    scene.add_endpoint("h1");
    scene.have([checked(failover(API, "PRIMARY", 1), "h1"), failover(API, "SECONDARY", 2)]);
    scene.world.region_dark(EAST, true, scene.now);
    assert_eq!(scene.addresses(API), [1]);
    scene.set_endpoint("h1", false);
    assert_eq!(scene.addresses(API), [2]);
}

#[test]
fn an_alias_answers_with_the_values_and_the_ttl_of_its_target_under_its_own_name() {
    let mut scene = Scene::new();
    scene.balancer("lb.us-east-1.elb.amazonaws.com", 7, true);
    scene.have([
        StatedRecordSet { ttl: Some(11), ..address("origin.example.com", 1) },
        alias("example.com", ZONE, "origin.example.com", false),
        alias("lb.example.com", LOAD_BALANCERS, "lb.us-east-1.elb.amazonaws.com", true),
    ]);
    for (asked, ttl, last) in [("example.com", 11, 1), ("lb.example.com", 60, 7)] {
        let Resolution::Answer(records) = scene.ask(asked, RecordType::A) else {
            panic!("{asked} has no answer");
        };
        assert_eq!((&records[0].name, records[0].ttl, records.len()), (&name(asked), ttl, 1));
        assert_eq!(records[0].data, RecordData::A(Ipv4Addr::new(192, 0, 2, last)));
    }
    assert!(matches!(scene.ask("lb.example.com", RecordType::Aaaa), Resolution::NoData(..)));
}

#[test]
fn an_alias_is_as_healthy_as_its_target_where_it_is_told_to_look() {
    let mut scene = Scene::new();
    scene.balancer("east.elb.amazonaws.com", 1, false);
    scene.balancer("west.elb.amazonaws.com", 2, true);
    let primary =
        |evaluate| routed_as(alias(API, LOAD_BALANCERS, "east.elb.amazonaws.com", evaluate), &failover(API, "PRIMARY", 0));
    let secondary = routed_as(alias(API, LOAD_BALANCERS, "west.elb.amazonaws.com", true), &failover(API, "SECONDARY", 0));
    scene.have([primary(false), secondary]);
    assert_eq!(scene.addresses(API), [1], "nobody looks");
    scene.change([upsert(primary(true))]).unwrap();
    scene.wait(PROPAGATION);
    assert_eq!(scene.addresses(API), [2]);
    scene.balancer("west.elb.amazonaws.com", 2, false);
    assert_eq!(scene.addresses(API), [1], "neither is healthy");
}

#[test]
fn a_branch_of_aliases_is_left_when_nothing_in_it_is_healthy() {
    let mut scene = Scene::new();
    for check in ["e1", "e2", "branch"] {
        scene.add_endpoint(check);
    }
    scene.have([
        checked(weighted("east.example.com", "one", 1, 1), "e1"),
        checked(weighted("east.example.com", "two", 1, 2), "e2"),
        address("west.example.com", 3),
    ]);
    let of = |target, role| routed_as(alias(API, ZONE, target, true), &failover(API, role, 0));
    scene.have([checked(of("east.example.com", "PRIMARY"), "branch"), of("west.example.com", "SECONDARY")]);
    assert!(scene.tally(API, 50).keys().eq([1, 2].iter()));
    scene.set_endpoint("e1", false);
    assert_eq!(scene.tally(API, 50), BTreeMap::from([(2, 50)]), "one healthy record set makes the branch healthy");
    scene.set_endpoint("e2", false);
    assert_eq!(scene.addresses(API), [3]);
    scene.set_endpoint("e2", true);
    assert_eq!(scene.addresses(API), [2]);
    scene.set_endpoint("branch", false);
    assert_eq!(scene.addresses(API), [3], "the alias's own health check has to pass too");
}

#[test]
fn aliases_that_lead_to_each_other_end_without_an_answer() {
    let mut scene = Scene::with([address("a.example.com", 1)]);
    scene.have([alias("b.example.com", ZONE, "a.example.com", true)]);
    scene.change([upsert(alias("a.example.com", ZONE, "b.example.com", true))]).unwrap();
    scene.wait(PROPAGATION);
    assert!(matches!(scene.ask("a.example.com", RecordType::A), Resolution::NoData(..)));
}

#[test]
fn a_wildcard_answers_for_names_that_are_not_there() {
    let mut scene = Scene::with([
        address("*.example.com", 1),
        set("txt.example.com", RecordType::Txt, 60, &["\"here\""]),
        address("below.between.example.com", 2),
    ]);
    assert_eq!(scene.addresses("nobody.example.com"), [1]);
    assert_eq!(scene.addresses("far.below.nobody.example.com"), [1]);
    assert_eq!(scene.addresses("*.example.com"), [1]);
    let Resolution::Answer(records) = scene.ask("nobody.example.com", RecordType::A) else {
        panic!("no answer");
    };
    assert_eq!(records[0].name, name("nobody.example.com"), "under the name that was asked for");
    // A name that is there is not the wildcard's, whatever its type, nor is one that only leads to names below it.
    assert!(matches!(scene.ask("txt.example.com", RecordType::A), Resolution::NoData(..)));
    assert!(matches!(scene.ask("between.example.com", RecordType::A), Resolution::NoData(..)));
}

#[test]
fn a_cname_is_followed_within_its_zone() {
    let mut scene = Scene::with([
        set("www.example.com", RecordType::Cname, 30, &["api.example.com"]),
        address(API, 1),
        set("out.example.com", RecordType::Cname, 30, &["db.example.net."]),
        set("lost.example.com", RecordType::Cname, 30, &["nobody.example.com"]),
        set("round.example.com", RecordType::Cname, 30, &["round.example.com"]),
    ]);
    let kinds = |resolution: &Resolution| resolution.records().iter().map(|record| record.data.kind()).collect::<Vec<_>>();
    let answer = scene.ask("www.example.com", RecordType::A);
    assert_eq!(kinds(&answer), [RecordType::Cname, RecordType::A]);
    assert_eq!(answer.records()[1].name, name(API));
    assert_eq!(kinds(&scene.ask("www.example.com", RecordType::Cname)), [RecordType::Cname]);
    assert!(matches!(scene.ask("out.example.com", RecordType::A), Resolution::Answer(records) if records.len() == 1));
    assert!(
        matches!(scene.ask("lost.example.com", RecordType::A), Resolution::NoSuchName(records, _) if records.len() == 1)
    );
    assert!(scene.ask("round.example.com", RecordType::A).records().len() < 10);
}

#[test]
fn what_is_not_there_is_answered_with_the_authority_and_for_how_long() {
    let mut scene = Scene::with([address(API, 1)]);
    let Resolution::NoSuchName(records, authority) = scene.ask("nobody.example.com", RecordType::A) else {
        panic!("there is somebody");
    };
    assert_eq!((records.len(), authority.name, authority.ttl), (0, name("example.com"), 900));
    assert!(matches!(scene.ask(API, RecordType::Aaaa), Resolution::NoData(..)));
    assert!(matches!(scene.world.resolve(&name(API), None, scene.now), Resolution::NoData(..)));
    assert!(matches!(scene.ask("example.com", RecordType::A), Resolution::NoData(..)));
}

#[test]
fn names_outside_every_zone_are_refused_and_the_nearest_zone_answers() {
    let mut scene = Scene::with([address("a.sub.example.com", 1)]);
    assert_eq!(scene.ask("example.org", RecordType::A), Resolution::Refused);
    assert_eq!(scene.addresses("a.sub.example.com"), [1]);
    scene.world.add_hosted_zone("Z0SUB", "sub.example.com").unwrap();
    assert!(matches!(scene.ask("a.sub.example.com", RecordType::A), Resolution::NoSuchName(..)));
}
