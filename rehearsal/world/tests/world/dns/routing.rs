use rehearsal_world::{RecordType, StatedRecordSet};

use super::scene::{Scene, address, create, failover, set, upsert, weighted};

const API: &str = "api.example.com";

fn cannot(set_identifier: &str, why: &str) -> (&'static str, String) {
    (
        "InvalidChangeBatch",
        format!("[RRSet with DNS name api.example.com., type A{set_identifier} cannot be created as {why}]"),
    )
}

#[test]
fn record_sets_of_one_name_and_type_have_one_routing_policy() {
    let mut scene = Scene::with([weighted(API, "blue", 1, 1)]);
    assert_eq!(scene.refused([upsert(address(API, 2))]), cannot("", "other RRSets exist with the same name and type."));
    assert_eq!(
        scene.refused([create(failover(API, "PRIMARY", 2))]),
        cannot(", SetIdentifier primary", "a non-failover set exists with the same name and type.")
    );
    // Of another type, the same name may be routed in another way.
    scene.change([create(set(API, RecordType::Aaaa, 60, &["2001:db8::1"]))]).unwrap();

    let mut scene = Scene::with([address(API, 1)]);
    assert_eq!(
        scene.refused([upsert(weighted(API, "blue", 1, 2))]),
        cannot(", SetIdentifier blue", "a non-weighted set exists with the same name and type.")
    );
    let delegating = StatedRecordSet {
        set_identifier: Some("one".to_owned()),
        weight: Some(1),
        ..set("example.com", RecordType::Ns, 60, &["ns-1.example.net"])
    };
    assert_eq!(scene.refused([create(delegating)]).0, "InvalidInput");
}

#[test]
fn a_routing_policy_needs_a_set_identifier_and_a_set_identifier_a_policy() {
    let mut scene = Scene::new();
    let plain = address(API, 1);
    let referred = |identifier: &str| {
        format!("in Change with [Action=CREATE, Name=api.example.com, Type=A, SetIdentifier={identifier}]")
    };
    let missing = StatedRecordSet { weight: Some(1), ..plain.clone() };
    assert_eq!(
        scene.refused([create(missing)]),
        ("InvalidInput", format!("Invalid request: Missing field 'SetIdentifier' {}", referred("null")))
    );
    let identified = StatedRecordSet { set_identifier: Some("one".to_owned()), ..plain.clone() };
    let policies = "[Weight, Region, Failover, GeoLocation, MultiValueAnswer, GeoProximityLocation, or CidrRoutingConfig]";
    assert_eq!(
        scene.refused([create(identified.clone())]),
        ("InvalidInput", format!("Invalid request: Expected exactly one of {policies}, but found none {}", referred("one")))
    );
    let both = StatedRecordSet { weight: Some(1), failover: Some("PRIMARY".to_owned()), ..identified.clone() };
    assert_eq!(
        scene.refused([create(both)]),
        (
            "InvalidInput",
            format!("Invalid request: Expected exactly one of {policies}, but found more than one {}", referred("one"))
        )
    );
    for identifier in [String::new(), "x".repeat(129)] {
        let wrong = StatedRecordSet { set_identifier: Some(identifier), weight: Some(1), ..plain.clone() };
        assert_eq!(scene.refused([create(wrong)]).0, "InvalidInput");
    }
    scene.change([create(StatedRecordSet { set_identifier: Some("x".repeat(128)), weight: Some(1), ..plain })]).unwrap();
}

#[test]
fn weighted_record_sets_change_their_ttl_together() {
    let mut scene = Scene::with([weighted(API, "blue", 1, 1), weighted(API, "green", 1, 2)]);
    let slower = |identifier, last| StatedRecordSet { ttl: Some(300), ..weighted(API, identifier, 1, last) };
    assert_eq!(
        scene.refused([upsert(slower("blue", 1))]),
        cannot(", SetIdentifier blue", "weighted sets must contain the same TTL.")
    );
    scene.change([upsert(slower("blue", 1)), upsert(slower("green", 2))]).unwrap();
}

#[test]
fn a_weight_is_0_to_255_and_has_one_value() {
    let mut scene = Scene::new();
    for weight in [-1, 256] {
        assert_eq!(scene.refused([create(weighted(API, "blue", weight, 1))]).0, "InvalidInput");
    }
    let two = StatedRecordSet {
        values: Some(vec!["192.0.2.1".to_owned(), "192.0.2.2".to_owned()]),
        ..weighted(API, "blue", 1, 1)
    };
    let (code, message) = scene.refused([create(two)]);
    assert!(code == "InvalidChangeBatch" && message.contains("exactly one value"), "{message}");
    let many = |count: usize| (0..count).map(|number| create(weighted(API, &format!("n{number}"), 255, 1)));
    assert_eq!(scene.refused(many(101)).0, "InvalidChangeBatch");
    scene.change(many(100)).unwrap();
}

#[test]
fn there_is_one_primary_and_one_secondary() {
    let mut scene = Scene::with([failover(API, "PRIMARY", 1), failover(API, "SECONDARY", 2)]);
    let third = StatedRecordSet { set_identifier: Some("third".to_owned()), ..failover(API, "PRIMARY", 3) };
    assert_eq!(
        scene.refused([create(third)]),
        cannot(", SetIdentifier third", "a failover primary set exists with the same name and type.")
    );
    let neither = StatedRecordSet { failover: Some("TERTIARY".to_owned()), ..failover(API, "PRIMARY", 3) };
    assert_eq!(scene.refused([upsert(neither)]).0, "InvalidInput");
    // The two may change places, in one batch.
    let swapped = |role: &str, set: StatedRecordSet| StatedRecordSet { failover: Some(role.to_owned()), ..set };
    scene
        .change([
            upsert(swapped("SECONDARY", failover(API, "PRIMARY", 1))),
            upsert(swapped("PRIMARY", failover(API, "SECONDARY", 2))),
        ])
        .unwrap();
}
