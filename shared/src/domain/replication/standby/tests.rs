use super::*;
use crate::domain::replication::Verdict;

const SEEN: &str = "2026-11-20T10:10:00Z";
const WRITTEN: Position = Position(0x1_0300_0000);

fn seen() -> Timestamp {
    SEEN.parse().unwrap()
}

fn database() -> Postgresql {
    serde_json::from_value(serde_json::json!({
        "primary": {"host": "pg-0.shop.internal", "port": 5432},
        "recovery": {"host": "pg-1.shop.internal", "port": 5432},
        "secret": "shop/check", "database": "postgres", "tls": "verified",
    }))
    .unwrap()
}

fn primary() -> PrimaryView {
    // Its clock is an hour wrong, and that must not matter.
    let clock = Seconds(3_600).after(seen());
    PrimaryView { system: "7".to_owned(), written: Some((3, WRITTEN)), clock, streams: 1 }
}

fn standby() -> StandbyView {
    StandbyView {
        system: "7".to_owned(),
        in_recovery: true,
        timeline: 3,
        received: Some(WRITTEN),
        replayed: Some(WRITTEN),
        // Nobody has written for a day.
        last_commit: Some(Seconds(86_400).before(primary().clock)),
        paused: false,
        heard: Some(Heard { from: "pg-0.shop.internal:5432".to_owned(), announced: WRITTEN, ago: Duration::from_secs(4) }),
    }
}

/// Behind by 4,096 bytes; the last transaction that it has replayed was committed so long ago.
fn behind(seconds: u64) -> StandbyView {
    let last_commit = Some(Seconds(seconds).before(primary().clock));
    let replayed = Some(Position(WRITTEN.0 - 4_096));
    StandbyView { replayed, received: Some(Position(WRITTEN.0 - 1_024)), last_commit, ..standby() }
}

fn unreached() -> Sight<PrimaryView> {
    Sight::Unreached { reason: "no answer in time".to_owned() }
}

fn judged(primary: Sight<PrimaryView>, standby: StandbyView) -> ReplicaJudgement {
    let pair = PairView { primary, standby: Sight::Found { found: standby }, waited: Duration::from_millis(20) };
    judge_standby(&database(), &pair, Some(Seconds(900)), seen(), seen())
}

#[test]
fn a_standby_is_judged_by_positions_and_an_idle_one_is_not_late() {
    let found = |primary| Sight::Found { found: primary };
    let other = |from: &str| Some(Heard { from: from.to_owned(), announced: WRITTEN, ago: Duration::from_secs(4) });
    let told_of_more = Some(Heard { announced: Position(WRITTEN.0 + 1), ..standby().heard.unwrap() });
    let long_ago = Some(Heard { ago: Duration::from_millis(900_001), ..standby().heard.unwrap() });
    let table = [
        ("idle for a day", found(primary()), standby(), Verdict::Within, Some(0), "at most 1 s behind (objective 15 min)"),
        ("at the objective", found(primary()), behind(899), Verdict::Within, Some(4_096), "at most 15 min behind"),
        (
            "beyond it",
            found(primary()),
            behind(900),
            Verdict::Beyond,
            Some(4_096),
            "4096 bytes of log up to 1/3000000 not replayed, 1024 of them not received",
        ),
        (
            "paused with all of it there",
            found(primary()),
            StandbyView { paused: true, received: Some(WRITTEN), ..behind(901) },
            Verdict::Beyond,
            Some(4_096),
            "not replayed, all of them received; its replay is paused",
        ),
        (
            "cut off",
            found(PrimaryView { streams: 0, ..primary() }),
            StandbyView { heard: None, ..behind(901) },
            Verdict::Beyond,
            Some(4_096),
            "pg-0.shop.internal:5432 streams to nobody",
        ),
        (
            "behind since nobody knows when",
            found(primary()),
            StandbyView { last_commit: None, ..behind(0) },
            Verdict::Unknown,
            None,
            "no transaction since it started, so nothing says since when",
        ),
        (
            "of another cluster",
            found(PrimaryView { system: "8".to_owned(), ..primary() }),
            standby(),
            Verdict::Unknown,
            None,
            "is of another cluster than pg-0.shop.internal:5432, so it protects nothing: their system identifiers are 7 and 8",
        ),
        (
            "on another timeline",
            found(PrimaryView { written: Some((4, WRITTEN)), ..primary() }),
            standby(),
            Verdict::Unknown,
            None,
            "follows timeline 3, and pg-0.shop.internal:5432 writes timeline 4",
        ),
        (
            "of a standby",
            found(PrimaryView { written: None, ..primary() }),
            standby(),
            Verdict::Unknown,
            None,
            "pg-0.shop.internal:5432 is in recovery itself",
        ),
        (
            "a role that may not see positions",
            found(primary()),
            StandbyView { replayed: None, ..standby() },
            Verdict::Unknown,
            None,
            "does not say how far it has replayed",
        ),
        (
            "alone, and up to date by its last word",
            unreached(),
            standby(),
            Verdict::Within,
            None,
            "at most 4 s behind (objective 15 min); pg-0.shop.internal:5432 could not be asked (no answer in time), and",
        ),
        (
            "alone, and its last word is old",
            unreached(),
            StandbyView { heard: long_ago, ..standby() },
            Verdict::Beyond,
            None,
            "at most 15 min 1 s behind",
        ),
        (
            "alone, and told of more",
            unreached(),
            StandbyView { heard: told_of_more, ..standby() },
            Verdict::Unknown,
            None,
            "has not replayed all that it was told of, up to 1/3000001",
        ),
        (
            "alone, and hears from nobody",
            unreached(),
            StandbyView { heard: None, ..standby() },
            Verdict::Unknown,
            None,
            "hears from nobody, so nothing says what it lacks; its last transaction is of 2026-11-19T11:10:00Z",
        ),
        (
            "alone, and hears from another",
            unreached(),
            StandbyView { heard: other("relay.shop.internal:5432"), ..standby() },
            Verdict::Unknown,
            None,
            "streams from relay.shop.internal:5432, which may be another server",
        ),
    ];
    for (name, primary, standby, verdict, bytes, reason) in table {
        let judged = judged(primary, standby);
        assert_eq!((judged.rpo, judged.role, judged.bytes_behind), (verdict, Role::Replica, bytes), "{name}: {judged:?}");
        assert!(judged.reason.contains(reason), "{name}: {}", judged.reason);
        assert_eq!(judged.observed_at.is_some(), judged.lag_s.is_some(), "{name}");
        assert_eq!(judged.lag_s.is_some(), verdict != Verdict::Unknown, "{name}");
    }
}

#[test]
fn a_promoted_server_is_no_replica_whatever_else_is_true_of_it() {
    let judged = judged(Sight::Found { found: primary() }, StandbyView { in_recovery: false, ..standby() });
    assert_eq!((judged.role, judged.rpo, judged.lag_s), (Role::Standalone, Verdict::Unknown, None));
    assert!(judged.reason.contains("pg-1.shop.internal:5432 is not in recovery"), "{}", judged.reason);
}

#[test]
fn a_standby_that_cannot_be_asked_is_not_known() {
    let standby = Sight::Unreached { reason: "the login was refused".to_owned() };
    let pair = PairView { primary: Sight::Found { found: primary() }, standby, waited: Duration::ZERO };
    let judged = judge_standby(&database(), &pair, Some(Seconds(900)), seen(), seen());
    assert_eq!((judged.role, judged.rpo, judged.status), (Role::Unknown, Verdict::Unknown, None));
    assert_eq!(judged.reason, "pg-1.shop.internal:5432 could not be asked: the login was refused");
}

#[test]
fn what_was_seen_grows_older_and_a_server_without_an_objective_is_not_known() {
    let pair = PairView {
        primary: Sight::Found { found: primary() },
        standby: Sight::Found { found: standby() },
        waited: Duration::from_millis(20),
    };
    let later = Seconds(900).after(seen());
    let judged = judge_standby(&database(), &pair, Some(Seconds(900)), seen(), later);
    assert_eq!((judged.rpo, judged.lag_s, judged.lag_at_worst_s), (Verdict::Beyond, Some(1), Some(901)));
    assert_eq!(judge_standby(&database(), &pair, None, seen(), seen()).rpo, Verdict::Unknown);
}
