use rehearsal_world::{ChangeAction, Fact, RecordType, StatedRecordSet};

use super::scene::{Scene, ZONE, address, alias, checked, create, delete, set, upsert, weighted};

const BATCH: &str = "InvalidChangeBatch";
const INPUT: &str = "InvalidInput";

fn batch(message: &str) -> (&'static str, String) {
    (BATCH, format!("[{message}]"))
}

#[test]
fn a_zone_begins_with_its_name_servers_and_its_authority() {
    let mut scene = Scene::new();
    let records = scene.records();
    let shown: Vec<(String, &str)> = records.iter().map(|set| (set.key.name.to_string(), set.key.kind.as_str())).collect();
    assert_eq!(shown, [("example.com.".to_owned(), "NS"), ("example.com.".to_owned(), "SOA")]);
    let zone = scene.world.get_hosted_zone("/hostedzone/Z0EXAMPLE", scene.now).unwrap();
    assert_eq!((zone.record_sets, zone.name_servers.len()), (2, 4));
    assert!(zone.name_servers[0].starts_with("ns-") && zone.name_servers[0].ends_with(".com"), "{:?}", zone.name_servers);
}

#[test]
fn a_batch_is_made_as_a_whole_or_not_at_all() {
    let mut scene = Scene::with([address("www.example.com", 1)]);
    let (code, message) = scene.refused([
        create(address("new.example.com", 2)),
        delete(address("www.example.com", 1)),
        delete(address("missing.example.com", 3)),
        create(address("other.org", 4)),
    ]);
    assert_eq!(code, BATCH);
    assert_eq!(
        message,
        "[Tried to delete resource record set [name='missing.example.com.', type='A'] but it was not found, \
         RRSet with DNS name other.org. is not permitted in zone example.com.]"
    );
    assert_eq!(scene.world.get_hosted_zone(ZONE, scene.now).unwrap().record_sets, 3);
}

#[test]
fn only_what_is_not_there_can_be_created() {
    let mut scene = Scene::with([address("www.example.com", 1), weighted("api.example.com", "blue", 1, 1)]);
    assert_eq!(
        scene.refused([create(address("WWW.example.com.", 2))]),
        batch("Tried to create resource record set [name='www.example.com.', type='A'] but it already exists")
    );
    let (_, message) = scene.refused([create(weighted("api.example.com", "blue", 2, 2))]);
    assert!(
        message.contains("[name='api.example.com.', type='A', set-identifier='blue'] but it already exists"),
        "{message}"
    );
}

#[test]
fn a_deletion_states_what_is_there_exactly() {
    let mut scene = Scene::new();
    scene.add_endpoint("h1");
    let there = StatedRecordSet {
        values: Some(vec!["192.0.2.1".to_owned(), "192.0.2.2".to_owned()]),
        ..address("www.example.com", 1)
    };
    scene.have([there.clone()]);
    let mismatch = batch(
        "Tried to delete resource record set [name='www.example.com.', type='A'] but the values provided do not match the \
         current values",
    );
    for stated in [
        StatedRecordSet { ttl: Some(61), ..there.clone() },
        StatedRecordSet { values: Some(vec!["192.0.2.1".to_owned()]), ..there.clone() },
        checked(there.clone(), "h1"),
    ] {
        assert_eq!(scene.refused([delete(stated)]), mismatch);
    }
    let missing = StatedRecordSet { kind: "AAAA".to_owned(), values: Some(vec!["::1".to_owned()]), ..there.clone() };
    let (_, message) = scene.refused([delete(missing)]);
    assert!(message.ends_with("type='AAAA'] but it was not found]"), "{message}");
    let reordered = StatedRecordSet { values: Some(vec!["192.0.2.2".to_owned(), "192.0.2.1".to_owned()]), ..there };
    scene.change([delete(reordered)]).unwrap();
    assert_eq!(scene.record("www.example.com", RecordType::A), None);
}

#[test]
fn what_is_listed_can_be_deleted_as_it_is_listed() {
    let mut scene = Scene::new();
    scene.add_endpoint("h1");
    scene.have([
        address("www.example.com", 1),
        checked(weighted("api.example.com", "blue", 7, 1), "h1"),
        alias("alias.example.com", ZONE, "www.example.com", true),
        set("*.example.com", RecordType::Txt, 5, &["\"a\" \"b\""]),
    ]);
    let listed: Vec<StatedRecordSet> = scene.records()[2..].iter().map(StatedRecordSet::from).collect();
    assert_eq!(listed.len(), 4);
    scene.change(listed.into_iter().map(delete)).unwrap();
    assert_eq!(scene.records().len(), 2);
}

#[test]
fn an_upsert_replaces_whatever_is_there() {
    let mut scene = Scene::with([address("www.example.com", 1)]);
    scene.change([upsert(set("www.example.com", RecordType::A, 5, &["192.0.2.9"]))]).unwrap();
    scene.change([upsert(address("new.example.com", 3))]).unwrap();
    let now = scene.record("www.example.com", RecordType::A).unwrap();
    assert_eq!(StatedRecordSet::from(&now), set("www.example.com.", RecordType::A, 5, &["192.0.2.9"]));
    assert!(scene.record("new.example.com", RecordType::A).is_some());
}

#[test]
fn a_batch_says_one_thing_of_a_record_set_or_makes_it_anew() {
    let mut scene = Scene::with([address("www.example.com", 1)]);
    let (old, new) = (|| address("www.example.com", 1), || address("www.example.com", 2));
    let message = batch("The request contains an invalid set of changes for a resource record set 'A www.example.com.'").1;
    for changes in [
        vec![delete(old()), delete(old())],
        vec![upsert(new()), upsert(new())],
        vec![upsert(new()), delete(new())],
        vec![delete(old()), upsert(new())],
        vec![delete(old()), create(new()), upsert(old())],
        vec![create(new()), delete(old())],
    ] {
        let (code, refused) = scene.refused(changes);
        assert_eq!(code, BATCH);
        assert!(refused.contains(message.trim_matches(['[', ']'])), "{refused}");
    }
    scene.change([delete(old()), create(new())]).unwrap();
    assert_eq!(
        scene.record("www.example.com", RecordType::A).map(|set| StatedRecordSet::from(&set).values),
        Some(new().values)
    );
}

/// So many records, of one value each.
fn many(count: usize, action: ChangeAction) -> Vec<rehearsal_world::Change> {
    (0..count)
        .map(|number| rehearsal_world::Change { action, record_set: address(&format!("n{number}.example.com"), 1) })
        .collect()
}

#[test]
fn a_batch_has_at_most_a_thousand_values_and_upserts_count_twice() {
    let mut scene = Scene::new();
    let message = "[Number of records limit of 1000 exceeded.]".to_owned();
    assert_eq!(scene.refused(many(1_001, ChangeAction::Create)), (BATCH, message.clone()));
    assert_eq!(scene.refused(many(501, ChangeAction::Upsert)), (BATCH, message));
    scene.change(many(500, ChangeAction::Upsert)).unwrap();
    scene.change(many(1_000, ChangeAction::Delete)[..500].to_vec()).unwrap();
    scene.change(many(1_000, ChangeAction::Create)).unwrap();
    assert_eq!(scene.world.get_hosted_zone(ZONE, scene.now).unwrap().record_sets, 1_002);
}

#[test]
fn a_batch_has_at_most_32_000_characters_and_upserts_count_twice() {
    let mut scene = Scene::new();
    // A hundred characters each, quotation marks included.
    let text = format!("\"{}\"", "x".repeat(98));
    let texts = |count: usize| -> Vec<StatedRecordSet> {
        (0..count).map(|number| set(&format!("n{number}.example.com"), RecordType::Txt, 60, &[&text])).collect()
    };
    let refused = |code: &str, message: &str| code == BATCH && message.contains("characters limit of 32000");
    let (code, message) = scene.refused(texts(321).into_iter().map(create));
    assert!(refused(code, &message), "{message}");
    let (code, message) = scene.refused(texts(161).into_iter().map(upsert));
    assert!(refused(code, &message), "{message}");
    scene.change(texts(160).into_iter().map(upsert)).unwrap();
    scene.change(texts(160).into_iter().map(delete)).unwrap();
    scene.change(texts(320).into_iter().map(create)).unwrap();
}

#[test]
fn a_batch_of_nothing_is_refused() {
    assert_eq!(Scene::new().refused([]).0, INPUT);
}

#[test]
fn names_are_kept_in_one_spelling() {
    let mut scene = Scene::with([address("WWW.Example.COM", 1), address("*.example.com.", 2)]);
    let names: Vec<String> = scene.records().iter().map(|set| set.key.name.to_string()).collect();
    assert_eq!(names, ["example.com.", "example.com.", "\\052.example.com.", "www.example.com."]);
    for (text, problem) in [
        ("a..example.com", "DomainLabelEmpty (Domain label is empty)"),
        ("a b.example.com", "UnsupportedCharacter (Value contains unsupported characters)"),
        (&format!("{}.example.com", "a".repeat(64)), "DomainLabelTooLong (Domain label is too long)"),
    ] {
        let refused = scene.refused([create(address(text, 1))]);
        assert_eq!(refused, batch(&format!("FATAL problem: {problem} encountered with '{text}'")));
    }
}

#[test]
fn records_lie_within_their_zone() {
    let mut scene = Scene::new();
    for (text, spelled) in [("www.example.org", "www.example.org."), ("badexample.com", "badexample.com."), ("com", "com.")]
    {
        assert_eq!(
            scene.refused([create(address(text, 1))]),
            batch(&format!("RRSet with DNS name {spelled} is not permitted in zone example.com."))
        );
    }
}

#[test]
fn a_cname_is_the_only_record_of_its_name() {
    let cname = || set("www.example.com", RecordType::Cname, 60, &["db.example.net"]);
    let mut scene = Scene::with([address("www.example.com", 1)]);
    assert_eq!(
        scene.refused([create(cname())]),
        batch(
            "RRSet of type CNAME with DNS name www.example.com. is not permitted as it conflicts with other records with the \
             same DNS name in zone example.com."
        )
    );
    scene.change([delete(address("www.example.com", 1)), create(cname())]).unwrap();
    assert_eq!(
        scene.refused([create(address("www.example.com", 1))]),
        batch(
            "RRSet of type A with DNS name www.example.com. is not permitted because a conflicting RRSet of type CNAME with \
             the same DNS name already exists in zone example.com."
        )
    );
}

#[test]
fn no_cname_stands_at_the_apex() {
    assert_eq!(
        Scene::new().refused([create(set("example.com", RecordType::Cname, 60, &["db.example.net"]))]),
        batch("RRSet of type CNAME with DNS name example.com. is not permitted at apex in zone example.com.")
    );
}

#[test]
fn a_zone_keeps_its_name_servers_and_its_authority() {
    let mut scene = Scene::new();
    let apex: Vec<StatedRecordSet> = scene.records().iter().map(StatedRecordSet::from).collect();
    for (stated, message) in apex.iter().zip([
        "A HostedZone must contain at least one NS record for the zone itself.",
        "A HostedZone must contain exactly one SOA record.",
    ]) {
        assert_eq!(scene.refused([delete(stated.clone())]), batch(message));
    }
    let shorter = StatedRecordSet { ttl: Some(300), ..apex[0].clone() };
    scene.change([delete(apex[0].clone()), create(shorter)]).unwrap();
}

#[test]
fn a_record_set_has_values_and_a_ttl_or_an_alias() {
    let mut scene = Scene::new();
    let plain = address("www.example.com", 1);
    let expected = |found: &str| {
        let message = format!(
            "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or \
             TrafficPolicyInstanceId], but found {found} in Change with [Action=CREATE, Name=www.example.com, Type=A, \
             SetIdentifier=null]"
        );
        (INPUT, message)
    };
    let both = StatedRecordSet { alias: alias("x", ZONE, "www.example.com", false).alias, ..plain.clone() };
    assert_eq!(scene.refused([create(both)]), expected("more than one"));
    for incomplete in [
        StatedRecordSet { ttl: None, ..plain.clone() },
        StatedRecordSet { values: None, ..plain.clone() },
        StatedRecordSet { values: Some(Vec::new()), ..plain.clone() },
        StatedRecordSet { values: None, ttl: None, ..plain.clone() },
    ] {
        assert_eq!(scene.refused([create(incomplete)]), expected("none"));
    }
    for ttl in [-1, 2_147_483_648] {
        assert_eq!(scene.refused([create(StatedRecordSet { ttl: Some(ttl), ..plain.clone() })]).0, INPUT);
    }
}

#[test]
fn values_are_what_their_type_takes() {
    let mut scene = Scene::new();
    assert_eq!(
        scene.refused([create(set("www.example.com", RecordType::A, 60, &["a8766bd0", "192.0.2.1", "192.0.2.1"]))]),
        batch(
            "Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) \
             encountered with 'a8766bd0'', Duplicate Resource Record: '192.0.2.1'"
        )
    );
    let (_, message) = scene.refused([create(set("www.example.com", RecordType::Txt, 60, &["generation=1"]))]);
    assert!(message.contains("InvalidCharacterString (Value should be enclosed in quotation marks)"), "{message}");
    let (_, message) =
        scene.refused([create(set("www.example.com", RecordType::Cname, 60, &["a.example.net", "b.example.net"]))]);
    assert!(message.contains("exactly one value"), "{message}");
    let unknown = StatedRecordSet { kind: "AFSDB".to_owned(), ..address("www.example.com", 1) };
    assert_eq!(scene.refused([create(unknown)]).0, INPUT);
}

#[test]
fn what_route_53_has_and_this_world_does_not_is_refused_by_name() {
    let mut scene = Scene::new();
    let unmodelled = StatedRecordSet { kind: "SRV".to_owned(), ..address("www.example.com", 1) };
    let (code, message) = scene.refused([create(unmodelled)]);
    assert_eq!((code, message.as_str()), ("ValidationError", "The rehearsed world does not model records of type SRV."));
    let delegated = set("sub.example.com", RecordType::Ns, 60, &["ns-1.example.net"]);
    assert_eq!(scene.refused([create(delegated)]).0, "ValidationError");
    assert!(scene.world.relied_on().contains(&Fact::UnmodelledIsRefused));
}

#[test]
fn an_alias_leads_to_something_in_the_zone_of_its_target() {
    let mut scene = Scene::with([address("www.example.com", 1)]);
    let tried = |target: &str, zone: &str, what: &str| {
        batch(&format!("Tried to create an alias that targets {target}, type A in zone {zone}, but {what}"))
    };
    let outside = "the alias target name does not lie within the target zone";
    assert_eq!(
        scene.refused([create(alias("a.example.com", ZONE, "lb.elb.amazonaws.com", true))]),
        tried("lb.elb.amazonaws.com.", ZONE, outside)
    );
    assert_eq!(
        scene.refused([create(alias("a.example.com", "Z35SXDOTRQ7X7K", "nobody.elb.amazonaws.com", true))]),
        tried("nobody.elb.amazonaws.com.", "Z35SXDOTRQ7X7K", outside)
    );
    assert_eq!(
        scene.refused([create(alias("a.example.com", ZONE, "nobody.example.com", true))]),
        tried("nobody.example.com.", ZONE, "that target was not found")
    );
    let (_, message) = scene.refused([create(alias("a.example.com", "Z2FDTNDATAQYW2", "d1.cloudfront.net", true))]);
    assert!(message.contains("CloudFront"), "{message}");
    scene.change([create(alias("a.example.com", ZONE, "www.example.com", true))]).unwrap();
}

#[test]
fn a_record_set_names_a_health_check_that_exists() {
    let mut scene = Scene::new();
    let (code, message) = scene.refused([create(checked(weighted("a.example.com", "one", 1, 1), "nobody"))]);
    assert_eq!((code, message.as_str()), ("NoSuchHealthCheck", "No health check exists with the specified ID nobody"));
    scene.add_endpoint("h1");
    scene.change([create(checked(weighted("a.example.com", "one", 1, 1), "h1"))]).unwrap();
}

#[test]
fn calls_may_be_throttled_and_batches_may_meet_a_prior_one() {
    let mut scene = Scene::new();
    scene.world.throttle_dns(1);
    let (code, message) = {
        let error = scene.change([create(address("a.example.com", 1))]).unwrap_err();
        (error.code, error.message)
    };
    assert_eq!((code, message.as_str()), ("Throttling", "Rate exceeded"));
    scene.world.dns_busy(1);
    let (code, message) = scene.refused([create(address("a.example.com", 1))]);
    assert_eq!(code, "PriorRequestNotComplete");
    assert!(message.contains("still processing a prior request"));
    scene.change([create(address("a.example.com", 1))]).unwrap();
}

#[test]
fn what_is_not_there_is_a_404() {
    let mut scene = Scene::new();
    let now = scene.now;
    let error = scene.world.get_hosted_zone("Z0NOBODY", now).unwrap_err();
    assert_eq!(
        (error.http_status, error.code, error.message.as_str()),
        (404, "NoSuchHostedZone", "No hosted zone found with ID: Z0NOBODY")
    );
    let error = scene.world.get_change("C0NOBODY", now).unwrap_err();
    assert_eq!((error.http_status, error.code), (404, "NoSuchChange"));
    let error = scene.world.get_health_check("nobody", now).unwrap_err();
    assert_eq!((error.http_status, error.code), (404, "NoSuchHealthCheck"));
}
