use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::{SignedDuration, ToSpan};

use super::*;

mod oracle;

const RUNBOOK: Keep = Keep { hourly: 24, daily: 7, weekly: 4, monthly: 12 };

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn policy(keep: Keep, name: &str) -> Policy {
    Policy { keep, zone: zone(name), level: ProofLevel::Decodable, floor: Seconds(0), cap_percent: 100 }
}

fn verified(completed_at: Timestamp) -> FoundBackup {
    let standing = Standing::Verified { completed_at, level: ProofLevel::Decodable };
    FoundBackup { bytes: 1_000, identity: "one".to_owned(), standing }
}

/// Backups at these times, under names that sort otherwise than they do.
fn backups(times: impl IntoIterator<Item = Timestamp>) -> BTreeMap<String, FoundBackup> {
    times.into_iter().enumerate().map(|(index, at)| (format!("{:03}-{index}", index * 7 % 97), verified(at))).collect()
}

fn staying(sorted: &Sorted) -> BTreeSet<String> {
    sorted.stays.iter().map(|each| each.name.clone()).collect()
}

fn every(hours: i64, count: i64, last: Timestamp) -> BTreeMap<String, FoundBackup> {
    backups((0..count).map(|index| last - SignedDuration::from_hours(hours * index)))
}

#[test]
fn the_runbooks_policy_keeps_a_day_of_hours_a_week_of_days_a_month_of_weeks_and_a_year_of_months() {
    let now = time("2026-11-20T10:30:00Z");
    let all = every(1, 24 * 500, time("2026-11-20T10:00:00Z"));
    let sorted = sort("b", &policy(RUNBOOK, "Europe/Bucharest"), &all, now);
    // The newest is the first of each class, and some weeks end with a month.
    assert!((38..=44).contains(&sorted.stays.len()), "{}", sorted.stays.len());
    assert_eq!(sorted.stays.len() + sorted.goes.len(), all.len());
    let newest = &sorted.stays[0];
    assert_eq!(newest.completed_at, time("2026-11-20T10:00:00Z"));
    let expected = [
        "the newest that is verified",
        "newest of hour 2026-11-20 12h+02 (1 of 24)",
        "newest of day 2026-11-20 (1 of 7)",
        "newest of week 2026-W47 (1 of 4)",
        "newest of month 2026-11 (1 of 12)",
    ];
    assert_eq!(newest.reasons, expected);
    assert_eq!(sorted.stays.last().unwrap().reasons, ["newest of month 2025-12 (12 of 12)"]);
    let oldest = &sorted.goes[0];
    assert!(oldest.reason.contains("month 2025-07 is before the 12 kept"), "{}", oldest.reason);
    assert!(sorted.goes.is_sorted_by_key(|going| going.completed_at), "the oldest goes first");
}

#[test]
fn an_hour_that_comes_twice_is_two_hours() {
    // 25 October 2026, 04:00 in Bucharest becomes 03:00 again.
    let all = backups([time("2026-10-25T00:30:00Z"), time("2026-10-25T01:30:00Z")]);
    let keep = Keep { hourly: 2, ..Keep::default() };
    let sorted = sort("b", &policy(keep, "Europe/Bucharest"), &all, time("2026-10-25T02:00:00Z"));
    let reasons: Vec<&str> = sorted.stays.iter().map(|stays| stays.reasons.last().unwrap().as_str()).collect();
    assert_eq!(reasons, ["newest of hour 2026-10-25 03h+02 (1 of 2)", "newest of hour 2026-10-25 03h+03 (2 of 2)"]);
}

#[test]
fn a_day_is_the_zones_day() {
    // 23:30 and 00:30 in Bucharest are two days there, and one in London.
    let all = backups([time("2026-06-10T20:30:00Z"), time("2026-06-10T21:30:00Z")]);
    let keep = Keep { daily: 7, ..Keep::default() };
    for (name, stay) in [("Europe/Bucharest", 2), ("Europe/London", 1)] {
        let sorted = sort("b", &policy(keep, name), &all, time("2026-06-11T00:00:00Z"));
        assert_eq!(sorted.stays.len(), stay, "{name}");
    }
}

#[test]
fn a_backup_that_nobody_verified_stands_for_no_day_and_does_not_go() {
    let now = time("2026-11-20T10:00:00Z");
    let mut all = every(24, 5, time("2026-11-15T02:00:00Z"));
    let names: Vec<String> = all.keys().cloned().collect();
    let listed = Standing::Verified { completed_at: time("2026-11-20T02:00:00Z"), level: ProofLevel::Listed };
    let future = Standing::Verified { completed_at: time("2027-01-01T00:00:00Z"), level: ProofLevel::Restorable };
    let unverified = Standing::Unverified { why: "it has no manifest".to_owned() };
    for (name, standing) in [("only listed", listed), ("of the future", future), ("unknown", unverified)] {
        all.insert(name.to_owned(), FoundBackup { bytes: 1, identity: "x".to_owned(), standing });
    }
    let sorted = sort("b", &policy(Keep { daily: 2, ..Keep::default() }, "UTC"), &all, now);
    let alone: Vec<(&str, &str)> =
        sorted.left_alone.iter().map(|alone| (alone.name.as_str(), alone.reason.as_str())).collect();
    let expected = [
        ("of the future", "it claims to be of 2027-01-01T00:00:00Z, which has not come"),
        ("only listed", "it is proven to level listed, and only decodable counts"),
        ("unknown", "it has no manifest"),
    ];
    assert_eq!(alone, expected);
    assert_eq!(staying(&sorted), BTreeSet::from([names[0].clone(), names[1].clone()]));
    assert_eq!(sorted.goes.len(), 3);
}

#[test]
fn the_newest_verified_backup_stays_under_a_policy_that_keeps_nothing() {
    let all = every(1, 3, time("2020-01-01T00:00:00Z"));
    let sorted = sort("b", &policy(Keep::default(), "UTC"), &all, time("2026-01-01T00:00:00Z"));
    assert_eq!(sorted.stays.len(), 1);
    assert_eq!(sorted.stays[0].completed_at, time("2020-01-01T00:00:00Z"));
    assert_eq!(sorted.stays[0].reasons, ["the newest that is verified"]);
}

#[test]
fn what_is_younger_than_the_floor_stays_whatever_the_calendar_says() {
    let now = time("2026-11-20T10:00:00Z");
    let all = every(1, 100, now);
    let mut policy = policy(Keep { daily: 1, ..Keep::default() }, "UTC");
    policy.floor = Seconds(48 * 3_600);
    let sorted = sort("b", &policy, &all, now);
    assert_eq!(sorted.stays.len(), 49);
    assert_eq!(sorted.stays[48].reasons, ["not older than 2 d"]);
}

#[test]
fn one_run_removes_no_more_than_its_share_and_the_oldest_first() {
    let now = time("2026-11-20T10:00:00Z");
    let mut policy = policy(Keep { daily: 1, ..Keep::default() }, "UTC");
    policy.cap_percent = 20;
    let sorted = sort("b", &policy, &every(24, 50, now), now);
    assert_eq!((sorted.goes.len(), sorted.later.len()), (10, 39));
    assert!(sorted.goes[9].completed_at < sorted.later[0].completed_at);
    let sorted = sort("b", &policy, &every(24, 2, now), now);
    assert_eq!(sorted.goes.len(), 1, "one may always go, or a small shelf would never be tidied");
}

#[test]
fn the_digest_is_of_what_goes_and_of_nothing_else() {
    let now = time("2026-11-20T10:00:00Z");
    let policy = policy(Keep { daily: 3, ..Keep::default() }, "UTC");
    let all = every(24, 6, time("2026-11-20T02:00:00Z"));
    let digest = |place: &str, all: &BTreeMap<String, FoundBackup>| sort(place, &policy, all, now).digest;
    let first = digest("b", &all);
    assert_eq!(digest("b", &all), first);
    let mut more = all.clone();
    more.insert("later today".to_owned(), verified(time("2026-11-20T09:00:00Z")));
    let with_more = sort("b", &policy, &more, now);
    assert_ne!(with_more.digest, first, "the one of this morning goes now, too");
    let mut noted = all.clone();
    let unverified = Standing::Unverified { why: "why".to_owned() };
    noted.insert("other".to_owned(), FoundBackup { bytes: 1, identity: String::new(), standing: unverified });
    assert_eq!(digest("b", &noted), first, "what does not go is not in it");
    assert_ne!(digest("another bucket", &all), first);
    let mut rewritten = all.clone();
    let going = sort("b", &policy, &all, now).goes[0].name.clone();
    "two".clone_into(&mut rewritten.get_mut(&going).unwrap().identity);
    assert_ne!(digest("b", &rewritten), first, "another backup of the same name is another backup");
}

#[test]
fn a_bucket_that_forgets_sooner_than_the_policy_is_found() {
    let rule = |prefix: &str, days| LifecycleRule {
        id: "tidy".to_owned(),
        enabled: true,
        prefix: prefix.to_owned(),
        some_objects: false,
        expires_after_days: days,
        expires_on_a_date: false,
        archived_after_days: None,
    };
    let found = contradictions(RUNBOOK, "pg/", &[rule("", Some(90))]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].code, "lifecycle_expires_first");
    assert!(found[0].message.contains("up to 9 of 12 months"), "{}", found[0].message);
    assert!(!found[0].message.contains("week"), "{}", found[0].message);
    assert_eq!(contradictions(RUNBOOK, "pg/", &[rule("", Some(3))]).len(), 1);
    for harmless in [rule("", Some(400)), rule("logs/", Some(1)), rule("", None)] {
        assert_eq!(contradictions(RUNBOOK, "pg/", std::slice::from_ref(&harmless)), [], "{harmless:?}");
    }
    let off = LifecycleRule { enabled: false, ..rule("", Some(1)) };
    assert_eq!(contradictions(RUNBOOK, "pg/", &[off]), []);
    // A rule for a part of the archives costs that part.
    assert_eq!(contradictions(RUNBOOK, "pg/", &[rule("pg/monthly/", Some(90))]).len(), 1);
    let archived = LifecycleRule { archived_after_days: Some(30), ..rule("", None) };
    assert_eq!(contradictions(RUNBOOK, "pg/", &[archived])[0].code, "lifecycle_archives");
    let on_a_date = LifecycleRule { expires_on_a_date: true, ..rule("", None) };
    assert_eq!(contradictions(RUNBOOK, "pg/", &[on_a_date])[0].code, "lifecycle_expires_on_a_date");
}
