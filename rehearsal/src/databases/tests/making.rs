//! Replicas, snapshots and restores are real.

use rehearsal_world::{
    DbInstance, InstanceStatus, NewReplica, PageRequest, RestoreTime, SnapshotSelection, SnapshotStatus, SnapshotType,
};

use super::*;

/// The log is shipped every three seconds.
const FAST: f64 = 100.0;
/// On a machine that does other things too.
const LONGEST: Duration = Duration::from_secs(60);

fn of_primary(identifier: &str) -> InstanceKey {
    InstanceKey::new(&primary().region, identifier)
}

impl Scene {
    fn shown(&self, key: &InstanceKey) -> DbInstance {
        let now = self.now();
        let page = PageRequest::default();
        let shown = self.shared.world().describe_db_instances(&key.region, Some(&key.identifier), &page, now);
        shown.unwrap().items.remove(0)
    }

    async fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let deadline = Instant::now() + LONGEST;
        while !holds() {
            assert!(Instant::now() < deadline, "{what}: {:?}", lock(&self.pair.seen).troubles);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until an instance is available, and gives it a door.
    async fn available(&self, key: &InstanceKey) {
        self.until("available", || self.shown(key).status == InstanceStatus::Available).await;
        self.doors.add(&key.to_string()).await.unwrap();
    }

    /// Waits until the log is shipped up to that moment.
    async fn shipped(&self, key: &InstanceKey, until: Timestamp) {
        self.until("shipped", || self.shown(key).latest_restorable >= Some(until)).await;
    }

    fn restore(&self, identifier: &str, time: RestoreTime) -> InstanceKey {
        let (key, now, groups) = (primary(), self.now(), PairConfig::default().primary_groups);
        let mut world = self.shared.world();
        let restored =
            world.restore_db_instance_to_point_in_time(&key.region, &key.identifier, identifier, time, Some(&groups), now);
        restored.unwrap().key
    }

    /// The numbers of the rows that a client finds.
    fn rows(&self, key: &InstanceKey) -> Vec<i64> {
        let said = self.psql(self.door(key), "SELECT number FROM writes WHERE number IS NOT NULL ORDER BY number");
        said.unwrap().lines().map(|line| line.parse().unwrap()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_to_a_point_in_time_has_the_rows_before_it_and_none_after() {
    let Some(scene) = Scene::with(1, FAST).await else { return };
    scene.write(&primary(), 10).await;
    let between = scene.now();
    tokio::time::sleep(Duration::from_millis(100)).await;
    scene.write(&primary(), 10).await;
    let after = scene.now();
    scene.shipped(&primary(), after).await;

    let then = scene.restore("then", RestoreTime::At(between));
    scene.available(&then).await;
    assert_eq!(scene.rows(&then), (1..=10).collect::<Vec<i64>>());
    scene.psql(scene.door(&then), "INSERT INTO writes (number) VALUES (1000)").expect("a server of its own");
    assert_eq!(scene.rows(&primary()), (1..=20).collect::<Vec<i64>>(), "its source is as it was");

    // A server that is gone can be restored to what it shipped.
    scene.write(&primary(), 5).await;
    let now = scene.now();
    scene.shared.world().break_instance(&primary(), Breakage::Failed, now);
    let latest = scene.restore("latest", RestoreTime::Latest);
    scene.available(&latest).await;
    let found = scene.rows(&latest);
    assert!(found.starts_with(&(1..=20).collect::<Vec<i64>>()), "{found:?}");
    assert!(lock(&scene.pair.seen).troubles.is_empty());
    let servers = scene.postmasters();
    scene.end(&servers);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_restored_as_a_server_of_its_own() {
    let Some(scene) = Scene::with(1, FAST).await else { return };
    scene.write(&primary(), 10).await;
    let (key, now) = (primary(), scene.now());
    scene.shared.world().create_db_snapshot(&key.region, &key.identifier, "by-hand", now).unwrap();
    scene.available(&key).await;
    scene.write(&primary(), 10).await;
    let of_old = {
        let selection = SnapshotSelection { kind: Some(SnapshotType::Automated), ..SnapshotSelection::default() };
        let now = scene.now();
        scene.shared.world().describe_db_snapshots(&key.region, &selection, &PageRequest::default(), now).unwrap().items
    };
    assert_eq!(of_old[0].status, SnapshotStatus::Available);

    let groups = PairConfig::default().primary_groups;
    for (identifier, snapshot, rows) in [("restored", "by-hand", 10), ("older", of_old[0].identifier.as_str(), 0)] {
        let now = scene.now();
        let restored =
            scene.shared.world().restore_db_instance_from_db_snapshot(&key.region, identifier, snapshot, Some(&groups), now);
        let restored = restored.unwrap().key;
        scene.available(&restored).await;
        assert_eq!(scene.rows(&restored), (1..=rows).collect::<Vec<i64>>(), "{snapshot}");
        scene.psql(scene.door(&restored), "INSERT INTO writes (number) VALUES (1000)").expect("a server of its own");
    }
    assert!(!scene.rows(&primary()).contains(&1000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_made_after_a_failover_streams_from_the_new_primary() {
    let Some(scene) = Scene::with_lag(1).await else { return };
    scene.write(&primary(), 10).await;
    scene.fence().await;
    let (key, now) = (replica(), scene.now());
    let promotion = Promotion { backup_retention: Some(7), backup_window: None };
    scene.shared.world().promote_read_replica(&key.region, &key.identifier, promotion, now).unwrap();
    scene.until("promoted", || scene.shown(&key).replica_source.is_none()).await;
    // The first backup is a real one, and it is waited for.
    scene.available(&key).await;
    scene.write(&key, 10).await;

    let wanted = NewReplica {
        identifier: "third".to_owned(),
        source: key.identifier.clone(),
        groups: Some(PairConfig::default().recovery_groups),
        key: None,
    };
    let now = scene.now();
    let third = scene.shared.world().create_db_instance_read_replica(&key.region, &wanted, now).unwrap().key;
    scene.available(&third).await;
    assert_eq!(scene.rows(&third), (1..=20).collect::<Vec<i64>>());
    scene.write(&key, 10).await;
    scene.until("streamed", || scene.rows(&third).len() == 30).await;
    let refused = scene.psql(scene.door(&third), "INSERT INTO writes DEFAULT VALUES").unwrap_err();
    assert!(refused.contains("read-only transaction"), "{refused}");
    let streams = scene.behind_the_back(&key, "SELECT application_name, state FROM pg_stat_replication");
    assert_eq!(streams.trim(), "us-west-2/third|streaming");

    // The lag of the world holds for it, too.
    let now = scene.now();
    scene.shared.world().set_lag(&third, Duration::from_secs(1_000), now);
    scene.write(&key, 10).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let held = scene.rows(&third).len();
    assert!(held < 40, "{held} rows arrived of 40");
    let counted = scene.count().await;
    assert_eq!((counted.acknowledged, counted.missing.len()), (40, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_is_made_once_its_source_runs() {
    let Some(scene) = Scene::with_lag(1).await else { return };
    scene.write(&primary(), 5).await;
    let wanted = NewReplica { identifier: "second".to_owned(), source: primary().identifier, groups: None, key: None };
    let now = scene.now();
    {
        let mut world = scene.shared.world();
        world.create_db_instance_read_replica(&primary().region, &wanted, now).unwrap();
        world.break_instance(&primary(), Breakage::Hung, now);
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let second = of_primary("second");
    assert_eq!(scene.shown(&second).status, InstanceStatus::Creating, "there is nobody to copy from");
    let now = scene.now();
    scene.shared.world().revive_instance(&primary(), now);
    scene.available(&second).await;
    let found = scene.behind_the_back(&second, "SELECT count(*) FROM writes");
    assert_eq!(found.trim(), "5");
    assert!(scene.psql(scene.door(&second), "SELECT 1").is_err(), "its groups let nobody in");
}
