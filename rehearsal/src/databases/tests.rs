//! What a real pair promises: servers do what the world says, and counting finds what they lost and what forked.

mod making;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use rehearsal_world::{Breakage, PairConfig, Promotion, Timings, World};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::*;
use crate::emulator::tests::{python, run_directory, target_directory};
use crate::processes::state_and_parent;
use crate::wire::listeners::DatabaseListeners;

const SPEED: f64 = 20.0;
const ISOLATION: &str = "sg-0150a7ed";

/// A pair, its world, and the doors before it.
struct Scene {
    shared: Arc<Shared>,
    pair: RealPair,
    directory: PathBuf,
    doors: DatabaseListeners,
}

fn primary() -> InstanceKey {
    InstanceKey::new("us-east-1", "primary")
}

fn replica() -> InstanceKey {
    InstanceKey::new("us-west-2", "replica")
}

impl Scene {
    /// Nothing, and a line that says so, on a machine where no PostgreSQL runs.
    async fn with_lag(seconds: u64) -> Option<Self> {
        Self::with(seconds, SPEED).await
    }

    async fn with(seconds: u64, speed: f64) -> Option<Self> {
        let found = match Installation::find(&target_directory(), |sentence| println!("{sentence}")) {
            Ok(found) => found,
            Err(missing) => {
                println!("nothing was tested, because {missing}");
                return None;
            }
        };
        let short = Duration::from_secs(10);
        let timings = Timings {
            reboot: short,
            group_change: short,
            promotion_unseen: short,
            promotion_modifying: short,
            promotion_rebooting: short,
            promotion_source_gone: short,
            first_backup: short,
            manual_snapshot: short,
            creation: short,
            ..Timings::default()
        };
        let lag = Duration::from_secs(seconds);
        let config = PairConfig { lag, timings, isolation_group: ISOLATION.to_owned(), ..PairConfig::default() };
        let time = ScaledTime::starting(Timestamp::now(), speed);
        let servers = Arc::new(Addresses::default());
        let shared = Shared::new(World::pair(config, 1, time.now()), time).with_servers(servers.clone());
        let shared = Arc::new(shared);
        let directory = run_directory().join("databases");
        let pair = RealPair::start(found, &python(), &directory, &primary(), &replica(), servers).await.unwrap();
        let doors = DatabaseListeners::new(shared.clone());
        for key in [primary(), replica()] {
            doors.add(&key.to_string()).await.unwrap();
        }
        pair.follow(&shared);
        Some(Self { shared, pair, directory, doors })
    }

    fn now(&self) -> Timestamp {
        self.shared.time.now()
    }

    fn door(&self, key: &InstanceKey) -> SocketAddr {
        self.doors.address(&key.to_string()).expect("a door")
    }

    async fn session(&self, key: &InstanceKey) -> Option<WritingSession> {
        let writing = self.pair.writing(&self.shared, &self.doors.addresses());
        timeout(Duration::from_secs(5), writing.connect(self.door(key))).await.ok()?.ok()
    }

    /// Writes so many rows, one every 20 ms.
    async fn write(&self, key: &InstanceKey, rows: usize) {
        let session = self.session(key).await.expect("a session");
        for _ in 0..rows {
            session.write().await.unwrap();
            session.tell_world().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the replica has so many rows. One that did not arrive before the primary goes is lost, and a busy machine takes its time.
    async fn until_arrived(&self, rows: usize) {
        for _ in 0..200 {
            if self.behind_the_back(&replica(), "SELECT count(*) FROM writes").trim() == rows.to_string() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the rows did not arrive: {:?}", lock(&self.pair.seen).troubles);
    }

    /// Promotes the replica, and waits until a client can write to it.
    async fn promote(&self) {
        let (key, now) = (replica(), self.now());
        self.shared.world().promote_read_replica(&key.region, &key.identifier, Promotion::default(), now).unwrap();
        for _ in 0..600 {
            if let Some(session) = self.session(&key).await
                && session.write().await.is_ok()
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the promoted server took no write: {:?}", lock(&self.pair.seen).troubles);
    }

    /// Isolates the primary and reboots it, and waits until it is back.
    async fn fence(&self) {
        let key = primary();
        let groups = [ISOLATION.to_owned()];
        self.shared.world().modify_db_instance(&key.region, &key.identifier, Some(&groups), self.now()).unwrap();
        self.until_status_is_available().await;
        self.shared.world().reboot_db_instance(&key.region, &key.identifier, false, self.now()).unwrap();
        self.until_status_is_available().await;
    }

    async fn until_status_is_available(&self) {
        // No change takes longer than this, and what a change of groups shows is for the seed to say.
        tokio::time::sleep(Duration::from_secs_f64(15.0 / SPEED)).await;
    }

    async fn count(&self) -> Count {
        self.pair.count(self.shared.time, &replica()).await.unwrap()
    }

    /// Runs a statement on a server behind everybody's back.
    fn behind_the_back(&self, key: &InstanceKey, statement: &str) -> String {
        let address = self.pair.addresses.of(&key.to_string()).expect("a running server");
        self.psql(address, statement).expect("a statement that is carried out")
    }

    /// Runs a statement in a session of its own.
    fn psql(&self, address: SocketAddr, statement: &str) -> Result<String, String> {
        let (psql, passwords) = self.pair.psql();
        let done = Command::new(psql)
            .env("PGPASSFILE", passwords)
            .args(["-XAt", "-h", "127.0.0.1", "-p", &address.port().to_string(), "-U", "postgres", "-c", statement])
            .output()
            .unwrap();
        let said = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        if done.status.success() { Ok(said(done.stdout)) } else { Err(said(done.stderr)) }
    }

    /// Drops everything, and looks for what is left of it.
    fn end(self, servers: &[u32]) {
        assert!(servers.len() >= 2, "{servers:?}");
        let Self { pair, directory, .. } = self;
        drop(pair);
        for process in servers {
            assert_eq!(state_and_parent(*process), None, "{process} outlived the pair");
        }
        let left: Vec<_> = fs::read_dir(&directory).unwrap().flatten().filter(|entry| entry.path().is_dir()).collect();
        assert!(left.is_empty(), "{left:?}");
    }

    fn postmasters(&self) -> Vec<u32> {
        let clusters = fs::read_dir(&self.directory).unwrap().flatten().map(|entry| entry.path().join("postmaster.pid"));
        let locks = clusters.filter_map(|lock| fs::read_to_string(lock).ok());
        locks.map(|lock| lock.lines().next().unwrap().parse().unwrap()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fenced_pair_fails_over_without_a_loss_and_nothing_of_it_outlives_the_rehearsal() {
    let Some(scene) = Scene::with_lag(1).await else { return };
    scene.write(&primary(), 20).await;
    scene.until_arrived(20).await;
    let replica_refuses = scene.session(&replica()).await.expect("a replica takes sessions").write().await;
    assert!(replica_refuses.unwrap_err().to_string().contains("db error"), "and no writes");

    let old = scene.session(&primary()).await.expect("a session");
    scene.fence().await;
    assert!(old.write().await.is_err(), "the reboot ended the session");
    let refused = TcpStream::connect(scene.door(&primary())).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);

    scene.promote().await;
    let (before, counted) = (scene.postmasters(), scene.count().await);
    assert_eq!(counted.acknowledged, 21);
    assert_eq!(counted.missing, Vec::<i64>::new());
    assert_eq!((counted.accepted_by_former, counted.accepted_by_promoted), (0, 1));

    scene.end(&before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_server_does_not_outlive_the_rehearsal_either() {
    let Some(scene) = Scene::with_lag(1).await else { return };
    let (servers, now) = (scene.postmasters(), scene.now());
    scene.shared.world().break_instance(&primary(), Breakage::Hung, now);
    for _ in 0..200 {
        if servers.iter().any(|process| matches!(state_and_parent(*process), Some(('T', _)))) {
            return scene.end(&servers);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no server was frozen: {:?}", lock(&scene.pair.seen).troubles);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_had_not_been_sent_when_the_primary_hung_is_lost_and_is_counted() {
    // Two real seconds.
    let Some(scene) = Scene::with_lag(40).await else { return };
    scene.write(&primary(), 150).await;
    let now = scene.now();
    scene.shared.world().break_instance(&primary(), Breakage::Hung, now);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut silent = TcpStream::connect(scene.door(&primary())).await.expect("who hangs takes connections");
    assert!(timeout(Duration::from_millis(300), silent.read_u8()).await.is_err(), "and says nothing");

    scene.promote().await;
    let truth = scene.shared.world().lost_commits().len();
    let counted = scene.count().await;
    assert_eq!(counted.acknowledged, 151);
    assert_eq!(counted.missing.len(), truth, "the servers lost what the world says, to the commit");
    assert!(truth > 0, "more was written than could arrive");
    let loss = counted.loss.as_secs_f64();
    assert!((30.0..60.0).contains(&loss), "{loss} s were lost with a lag of 40 s");
    assert!(!counted.is_split_brain());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_loss_and_a_planted_second_writer_are_found() {
    let Some(scene) = Scene::with_lag(1).await else { return };
    scene.write(&primary(), 10).await;
    scene.until_arrived(10).await;
    scene.fence().await;
    scene.promote().await;
    scene.behind_the_back(&replica(), "DELETE FROM writes WHERE number IN (4, 7)");
    scene.behind_the_back(&primary(), "INSERT INTO writes DEFAULT VALUES");
    let counted = scene.count().await;
    assert_eq!(counted.missing, [4, 7]);
    assert!(counted.loss > Duration::ZERO);
    assert_eq!(counted.accepted_by_former, 1);
    assert!(counted.is_split_brain());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_goes_dark_takes_its_server_with_it_and_no_other() {
    let Some(scene) = Scene::with_lag(1).await else { return };
    scene.write(&primary(), 5).await;
    let both = scene.postmasters();
    let now = scene.now();
    scene.shared.world().region_dark("us-east-1", true, now);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(both.iter().filter(|process| state_and_parent(**process).is_some()).count(), 1);
    assert!(scene.session(&replica()).await.is_some(), "the other Region goes on");
    let now = scene.now();
    scene.shared.world().region_dark("us-east-1", false, now);
    for _ in 0..200 {
        if scene.session(&primary()).await.is_some() {
            scene.write(&primary(), 1).await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the server did not come back with its Region: {:?}", lock(&scene.pair.seen).troubles);
}
