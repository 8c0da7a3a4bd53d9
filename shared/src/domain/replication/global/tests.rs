use super::*;

const NOW: &str = "2026-11-20T10:10:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn regions() -> (Region, Region) {
    (Region::new("us-east-1").unwrap(), Region::new("us-west-2").unwrap())
}

fn figure(lag: u64, source: &str) -> Sight<LagSample> {
    let observed_at = Seconds(60).before(now());
    Sight::Found { found: LagSample { lag: Seconds(lag), observed_at, source: source.to_owned() } }
}

fn silent() -> Sight<LagSample> {
    Sight::Unreached { reason: "no answer in time".to_owned() }
}

fn replica(status: &str, replicas: &[(&str, &str)]) -> Sight<TableView> {
    let replicas = replicas.iter().map(|(region, status)| ((*region).to_owned(), (*status).to_owned())).collect();
    Sight::Found { found: TableView { status: status.to_owned(), replicas } }
}

#[test]
fn a_table_is_within_its_objective_only_where_every_replica_is_active_and_a_figure_says_so() {
    let table: DynamodbTable = serde_json::from_value(serde_json::json!({"table": "carts"})).unwrap();
    let (primary, recovery) = regions();
    let sound = || replica("ACTIVE", &[("us-east-1", "ACTIVE")]);
    let throttled = Sight::Unreached { reason: "dynamodb DescribeTable failed: Throttling".to_owned() };
    let table_of = [
        ("at the objective", sound(), figure(840, "m"), Verdict::Within, Role::Replica, "at most 15 min behind"),
        ("one second beyond", sound(), figure(841, "m"), Verdict::Beyond, Role::Replica, "at most 15 min 1 s behind"),
        ("no figure", sound(), Sight::Absent, Verdict::Unknown, Role::Replica, "either nothing was written to it, or"),
        ("figure not read", sound(), silent(), Verdict::Unknown, Role::Replica, "could not be read: no answer in time"),
        (
            "its capacity changes",
            replica("UPDATING", &[("us-east-1", "ACTIVE")]),
            figure(1, "m"),
            Verdict::Within,
            Role::Replica,
            "at most",
        ),
        (
            "itself locked out",
            replica("INACCESSIBLE_ENCRYPTION_CREDENTIALS", &[("us-east-1", "ACTIVE")]),
            figure(1, "m"),
            Verdict::Unknown,
            Role::Replica,
            "carts is INACCESSIBLE_ENCRYPTION_CREDENTIALS in us-west-2",
        ),
        (
            "the other one not active",
            replica("ACTIVE", &[("us-east-1", "CREATION_FAILED")]),
            figure(1, "m"),
            Verdict::Unknown,
            Role::Replica,
            "not every replica of carts is ACTIVE: CREATION_FAILED in us-east-1",
        ),
        (
            "a third one not active",
            replica("ACTIVE", &[("eu-west-1", "REGION_DISABLED"), ("us-east-1", "ACTIVE")]),
            figure(1, "m"),
            Verdict::Unknown,
            Role::Replica,
            "REGION_DISABLED in eu-west-1",
        ),
        (
            "itself listed too",
            replica("ACTIVE", &[("us-east-1", "ACTIVE"), ("us-west-2", "UPDATING")]),
            figure(1, "m"),
            Verdict::Within,
            Role::Replica,
            "at most",
        ),
        (
            "no global table",
            replica("ACTIVE", &[]),
            figure(1, "m"),
            Verdict::Unknown,
            Role::Standalone,
            "has no replica in us-east-1, so it protects nothing",
        ),
        ("absent", Sight::Absent, figure(1, "m"), Verdict::Unknown, Role::Absent, "carts does not exist"),
        ("not described", throttled, figure(1, "m"), Verdict::Unknown, Role::Unknown, "could not be described: dynamodb"),
    ];
    for (name, seen, lag, verdict, role, reason) in table_of {
        let judged = judge_table(&table, (&primary, &recovery), &seen, &lag, Some(Seconds(900)), now());
        assert_eq!((judged.rpo, judged.role), (verdict, role), "{name}: {}", judged.reason);
        assert!(judged.reason.contains(reason), "{name}: {}", judged.reason);
        let without = judge_table(&table, (&primary, &recovery), &seen, &lag, None, now());
        assert_eq!(without.rpo, Verdict::Unknown, "{name}, and no objective");
    }
}

fn member(arn: &str, writer: bool, synchronization: Option<&str>) -> ClusterMember {
    ClusterMember { arn: arn.to_owned(), writer, synchronization: synchronization.map(str::to_owned) }
}

fn global(status: &str, members: &[ClusterMember]) -> Sight<GlobalClusterView> {
    Sight::Found { found: GlobalClusterView { status: status.to_owned(), members: members.to_vec() } }
}

fn ledger() -> AuroraGlobalDatabase {
    serde_json::from_value(serde_json::json!({
        "global_cluster": "ledger",
        "primary": {"cluster": "ledger-east"},
        "recovery": {"cluster": "ledger-west"},
    }))
    .unwrap()
}

const EAST: &str = "arn:aws:rds:us-east-1:123456789012:cluster:ledger-east";
const WEST: &str = "arn:aws:rds:us-west-2:123456789012:cluster:ledger-west";

#[test]
fn a_cluster_counts_only_as_a_connected_reader_of_an_available_global_database() {
    let (_, recovery) = regions();
    let writer = member(EAST, true, None);
    let well = [writer.clone(), member(WEST, false, Some("connected"))];
    let unsaid = [writer.clone(), member(WEST, false, None)];
    let elsewhere = "arn:aws:rds:eu-west-1:123456789012:cluster:ledger-west";
    let table = [
        ("well", global("available", &well), Verdict::Within, Role::Replica, "at most 1 min 1 s behind"),
        ("its connection is not said", global("available", &unsaid), Verdict::Within, Role::Replica, "at most"),
        ("failing over", global("failing-over", &well), Verdict::Unknown, Role::Replica, "ledger is failing-over"),
        (
            "not connected",
            global("available", &[writer.clone(), member(WEST, false, Some("pending-resync"))]),
            Verdict::Unknown,
            Role::Replica,
            "ledger-west is pending-resync in global database ledger",
        ),
        (
            "it takes the writes",
            global("available", &[member(EAST, false, Some("connected")), member(WEST, true, None)]),
            Verdict::Unknown,
            Role::Standalone,
            "the sites have changed places",
        ),
        (
            "a namesake in another Region",
            global("available", &[writer, member(elsewhere, false, Some("connected"))]),
            Verdict::Unknown,
            Role::Standalone,
            "is no cluster of global database ledger",
        ),
        ("absent", Sight::Absent, Verdict::Unknown, Role::Absent, "ledger does not exist"),
        (
            "not described",
            Sight::Unreached { reason: "no answer in time".to_owned() },
            Verdict::Unknown,
            Role::Unknown,
            "could not be described: no answer in time",
        ),
    ];
    for (name, seen, verdict, role, reason) in table {
        let lags = (&figure(1, "m"), &figure(1, "m"));
        let judged = judge_cluster(&ledger(), &recovery, &seen, lags, Some(Seconds(900)), now());
        assert_eq!((judged.rpo, judged.role), (verdict, role), "{name}: {}", judged.reason);
        assert!(judged.reason.contains(reason), "{name}: {}", judged.reason);
    }
}

#[test]
fn the_worse_of_both_lags_counts_and_one_that_could_not_be_read_is_not_one_that_is_not_published() {
    let (_, recovery) = regions();
    let seen = global("available", &[member(EAST, true, None), member(WEST, false, Some("connected"))]);
    let table = [
        ("both, the first worse", figure(9, "loss"), figure(2, "all"), Verdict::Within, Some("loss")),
        ("both, the second worse", figure(2, "loss"), figure(9, "all"), Verdict::Within, Some("all")),
        ("the second beyond", figure(2, "loss"), figure(900, "all"), Verdict::Beyond, Some("all")),
        ("the first is not published", Sight::Absent, figure(2, "all"), Verdict::Within, Some("all")),
        ("the first could not be read", silent(), figure(2, "all"), Verdict::Unknown, None),
        ("the second could not be read", figure(2, "loss"), silent(), Verdict::Within, Some("loss")),
        ("neither is published", Sight::Absent, Sight::Absent, Verdict::Unknown, None),
        ("neither could be read", silent(), silent(), Verdict::Unknown, None),
        ("the first is not published, the second not read", Sight::Absent, silent(), Verdict::Unknown, None),
    ];
    for (name, loss, replication, verdict, source) in table {
        let judged = judge_cluster(&ledger(), &recovery, &seen, (&loss, &replication), Some(Seconds(900)), now());
        assert_eq!((judged.rpo, judged.source.as_deref()), (verdict, source), "{name}: {}", judged.reason);
    }
}
