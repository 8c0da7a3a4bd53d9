use serde_json::json;

use super::*;
use crate::domain::identifier::{ClusterId, Region, ResourceName};
use crate::domain::plan::{Component, SiteName};

const ARN: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/carts";

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn region(site: SiteName) -> Region {
    Region::new(if site == SiteName::Primary { "us-east-1" } else { "us-west-2" }).unwrap()
}

fn table() -> BackupSource {
    BackupSource::Table(crate::domain::identifier::TableName::new("carts").unwrap())
}

fn vault() -> BackupSource {
    BackupSource::Vault { vault: ResourceName::new("dr").unwrap(), resource: ARN.to_owned() }
}

fn snapshots() -> BackupSource {
    BackupSource::ClusterSnapshots { cluster: ClusterId::new("ledger").unwrap(), origin: region(SiteName::Primary) }
}

fn entry(of: &str, status: &str, age: u64) -> KeptView {
    KeptView {
        id: format!("backup-{age}"),
        of: of.to_owned(),
        origin: Some("us-east-1".to_owned()),
        status: status.to_owned(),
        holds_until: Some(Seconds(age).before(now())),
        encrypted: Some(true),
        copied_from: None,
    }
}

fn found(site: SiteName, source: BackupSource, found: Vec<KeptView>) -> Looked {
    Looked { site, source, sight: Sight::Found { found } }
}

fn unreached(site: SiteName, source: BackupSource) -> Looked {
    Looked { site, source, sight: Sight::Unreached { reason: "it did not answer".to_owned() } }
}

fn component(backups: &serde_json::Value) -> Component {
    let table = json!({"kind": "dynamodb_table", "table": "carts", "backups": backups});
    serde_json::from_value(table).unwrap()
}

fn judged(looked: &[Looked], backups: &serde_json::Value) -> BackupJudgement {
    let places = Place::of(region, looked, now());
    judge_kept("carts", &component(backups), &places, Some(Seconds(900)), now())
}

fn own(age: u64) -> Looked {
    found(SiteName::Primary, table(), vec![entry("carts", "ENABLED", age)])
}

fn codes(judged: &BackupJudgement) -> Vec<&str> {
    judged.findings.iter().filter_map(|finding| finding.split(':').next()).collect()
}

#[test]
fn at_its_objective_a_backup_is_too_old_and_what_was_not_seen_is_never_good() {
    let nothing = || found(SiteName::Primary, table(), Vec::new());
    for (name, looked, verdict, level) in [
        ("one second before", own(899), Verdict::Within, Some(ProofLevel::Present)),
        ("at the objective", own(900), Verdict::Beyond, Some(ProofLevel::Present)),
        ("one second after", own(901), Verdict::Beyond, Some(ProofLevel::Present)),
        ("nothing", nothing(), Verdict::Beyond, None),
        ("switched off", found(SiteName::Primary, table(), vec![entry("carts", "DISABLED", 1)]), Verdict::Beyond, None),
        ("of another table", found(SiteName::Primary, table(), vec![entry("baskets", "ENABLED", 1)]), Verdict::Beyond, None),
        ("no table", Looked { sight: Sight::Absent, ..nothing() }, Verdict::Beyond, None),
        ("no answer", unreached(SiteName::Primary, table()), Verdict::Unknown, None),
    ] {
        let judged = judged(&[looked], &json!(null));
        assert_eq!((judged.freshness, judged.level), (verdict, level), "{name}: {judged:?}");
        assert!(judged.findings.is_empty(), "{name}");
    }
    let places = Place::of(region, &[own(1)], now());
    let judged = judge_kept("carts", &component(&json!(null)), &places, None, now());
    assert_eq!(judged.freshness, Verdict::Unknown, "no objective says how old it may be");
    assert_eq!(judge_kept("carts", &component(&json!(null)), &[], Some(Seconds(900)), now()).freshness, Verdict::Unknown);
}

#[test]
fn what_has_no_date_or_one_that_is_yet_to_come_does_not_count() {
    let undated = KeptView { holds_until: None, ..entry("carts", "ENABLED", 1) };
    let ahead = |seconds: u64| KeptView { holds_until: Some(Seconds(seconds).after(now())), ..entry("carts", "ENABLED", 0) };
    for (view, verdict) in [(undated, Verdict::Beyond), (ahead(901), Verdict::Beyond), (ahead(900), Verdict::Within)] {
        let judged = judged(&[found(SiteName::Primary, table(), vec![view.clone()])], &json!(null));
        assert_eq!(judged.freshness, verdict, "{view:?}");
    }
}

#[test]
fn the_newest_that_counts_decides_and_not_the_newest_there_is() {
    let listed = vec![
        entry(ARN, "COMPLETED", 5_000),
        entry(ARN, "PARTIAL", 10),
        entry(ARN, "COMPLETED", 4_000),
        entry(ARN, "EXPIRED", 20),
        entry("arn:aws:dynamodb:us-east-1:123456789012:table/carts2", "COMPLETED", 30),
    ];
    let place = Place::of(region, &[found(SiteName::Recovery, vault(), listed)], now()).remove(0);
    let shown = place.judged("carts", Some(Seconds(4_001)), now());
    assert_eq!((shown.newest.as_deref(), shown.age_s), (Some("backup-4000"), Some(4_000)));
    assert_eq!(shown.freshness, Verdict::Within);
    assert_eq!(place.freshness(Some(Seconds(4_000)), now()), Verdict::Beyond);
    assert_eq!(place.freshness(None, now()), Verdict::Unknown);
}

#[test]
fn a_copy_that_is_required_and_not_found_is_a_finding_and_one_that_is_not_required_is_none() {
    let copy = |age| found(SiteName::Recovery, table(), vec![entry("carts", "ENABLED", age)]);
    let in_vault = |age| found(SiteName::Recovery, vault(), vec![entry(ARN, "COMPLETED", age)]);
    let required = json!({"copy_within": 3_600, "encrypted": true});
    for (name, looked, backups, verdict, expected) in [
        ("as required", vec![own(1), copy(3_599)], &required, Verdict::Within, [].as_slice()),
        ("at its age", vec![own(1), copy(3_600)], &required, Verdict::Beyond, &["copy_too_old"]),
        ("none", vec![own(1), found(SiteName::Recovery, table(), vec![])], &required, Verdict::Beyond, &["copy_missing"]),
        ("no answer", vec![own(1), unreached(SiteName::Recovery, table())], &required, Verdict::Unknown, &["copy_unknown"]),
        ("not asked for", vec![own(1)], &required, Verdict::Unknown, &["copy_unknown"]),
        ("late, and another", vec![own(1), copy(9_000), in_vault(10)], &required, Verdict::Within, &[]),
        // What was not looked at may be younger.
        (
            "late, and one that did not answer",
            vec![own(1), copy(9_000), unreached(SiteName::Recovery, vault())],
            &required,
            Verdict::Unknown,
            &["copy_unknown"],
        ),
        ("late, and not required", vec![own(1), copy(9_000)], &json!(null), Verdict::Within, &[]),
        (
            "no answer, and not required",
            vec![own(1), unreached(SiteName::Recovery, table())],
            &json!(null),
            Verdict::Within,
            &[],
        ),
    ] {
        let judged = judged(&looked, backups);
        assert_eq!((judged.freshness, codes(&judged).as_slice()), (verdict, expected), "{name}: {judged:?}");
        let unseen = looked.iter().any(|looked| matches!(looked.sight, Sight::Unreached { .. }));
        let told = format!("{:?} {:?}", judged.not_checked, judged.findings).contains("it did not answer");
        assert_eq!(told, unseen, "{name}: {judged:?}");
    }
}

#[test]
fn encryption_is_looked_at_where_it_is_required_and_not_known_is_not_good() {
    let with = |encrypted| found(SiteName::Primary, table(), vec![KeptView { encrypted, ..entry("carts", "ENABLED", 1) }]);
    for (encrypted, required, expected) in [
        (Some(true), true, [].as_slice()),
        (Some(false), true, &["not_encrypted"]),
        (None, true, &["encryption_unknown"]),
        (Some(false), false, &[]),
    ] {
        let judged = judged(&[with(encrypted)], &json!({"encrypted": required}));
        assert_eq!(codes(&judged), expected, "{encrypted:?} {required}");
    }
}

#[test]
fn a_vault_is_held_to_how_often_a_recovery_point_is_made() {
    let declared = json!({"encrypted": true, "vaults": {"primary": "daily", "recovery": "dr", "every": 86_400}});
    let listed = |status: &str, age| found(SiteName::Recovery, vault(), vec![entry(ARN, status, age)]);
    for (looked, verdict, expected) in [
        (listed("COMPLETED", 86_399), Verdict::Within, [].as_slice()),
        (listed("AVAILABLE", 86_399), Verdict::Within, &[]),
        (listed("COMPLETED", 86_400), Verdict::Beyond, &["recovery_point_too_old"]),
        (listed("CREATING", 1), Verdict::Beyond, &["recovery_point_missing"]),
        (unreached(SiteName::Recovery, vault()), Verdict::Unknown, &["recovery_point_unknown"]),
    ] {
        let judged = judged(&[own(1), looked.clone()], &declared);
        assert_eq!((judged.freshness, codes(&judged).as_slice()), (verdict, expected), "{looked:?}");
    }
}

#[test]
fn a_copied_snapshot_takes_its_date_from_the_original_of_its_region_and_name() {
    let copy = |source: &str| KeptView {
        copied_from: Some(format!("arn:aws:rds:us-east-1:123456789012:cluster-snapshot:{source}")),
        ..entry("ledger", "available", 60)
    };
    let originals = || {
        let of = |id: &str, age| KeptView { id: id.to_owned(), ..entry("ledger", "available", age) };
        found(SiteName::Primary, snapshots(), vec![of("rds:ledger-1", 7_200), of("ledger-1", 9_000)])
    };
    for (source, age, undated) in [("rds:ledger-1", 7_200, false), ("ledger-1", 9_000, false), ("rds:ledger-2", 60, true)] {
        let looked = [originals(), found(SiteName::Recovery, snapshots(), vec![copy(source)])];
        let places = Place::of(region, &looked, now());
        assert_eq!(places[1].judged("ledger", None, now()).age_s, Some(age), "{source}");
        assert_eq!(places[1].undated().is_some(), undated, "{source}");
    }
}
