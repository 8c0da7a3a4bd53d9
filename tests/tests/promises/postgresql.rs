//! What the real handler and the real adapter say of a real primary and its real standby.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use jiff::Timestamp;
use rehearsal::databases::{Installation, Member, StandbyPair};
use rehearsal::emulator::PythonEnvironment;
use replication_check_function::handler::handle;
use serde_json::{Value, json};
use shared::adapters::aws::{
    Clients, CloudWatchLags, DynamodbTables, RdsDatabases, RdsGlobalClusters, Route53HealthChecks, S3ReplicationRules,
};
use shared::adapters::postgresql::NetworkPostgresql;
use shared::config::{Rehearsal, RehearsalTime};
use shared::domain::duration::Seconds;
use shared::domain::identifier::ComponentName;
use shared::domain::plan::{Objective, Plan};
use shared::engine::ReplicaPorts;
use shared::ports::Clock;
use simulation::Platform;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// How much may be lost. A healthy pair takes milliseconds, and what the test does to it takes longer than this.
const RPO: u64 = 3;
pub(crate) const PASSWORD: &str = "correct horse";

struct RealTime;

impl Clock for RealTime {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
    fn at_real(&self, _: u64) -> Timestamp {
        Timestamp::now()
    }
}

/// Secrets Manager, as far as a login is concerned.
pub(crate) async fn secrets_manager(login: Value) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut request, mut part) = (Vec::new(), [0_u8; 4_096]);
            // The request names the secret last, and nothing comes after its brace.
            while !request.ends_with(b"}") {
                let length = stream.read(&mut part).await.unwrap();
                request.extend_from_slice(&part[..length]);
            }
            let body = json!({"Name": "s", "VersionId": "1", "SecretString": login.to_string()}).to_string();
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\nconnection: close";
            let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    endpoint
}

/// Who checks.
fn login() -> Value {
    json!({"username": "checker", "password": PASSWORD, "engine": "postgres"})
}

/// The plan's pair is these two servers, which are where it says.
fn plan(pair: &StandbyPair, primary: Member) -> Plan {
    let mut plan = Platform::default().with_postgresql().plan;
    let server = |member| json!({"host": "127.0.0.1", "port": pair.address(member).map_or(1, |address| address.port())});
    let orders = ComponentName::new("orders").unwrap();
    let database = json!({
        "kind": "postgresql", "primary": server(primary), "recovery": server(Member::Standby),
        "secret": "s", "database": "postgres", "tls": "none",
    });
    plan.components.insert(orders.clone(), serde_json::from_value(database).unwrap());
    plan.objectives.insert(orders, Objective { rto: Seconds(3_600), rpo: Some(Seconds(RPO)) });
    plan
}

/// The check's row. In a rehearsal only hosts are reached that it names.
async fn check(endpoint: &str, plan: &Plan, rehearsal: Option<Rehearsal>) -> Value {
    let credentials = Credentials::new("123456789012", "test", None, None, "a test");
    let config = SdkConfig::builder()
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    let clients = Clients::with(config);
    let ports = ReplicaPorts {
        clock: &RealTime,
        databases: &RdsDatabases::new(clients.clone()),
        tables: &DynamodbTables::new(clients.clone()),
        clusters: &RdsGlobalClusters::new(clients.clone()),
        servers: &NetworkPostgresql::new(clients.clone(), rehearsal),
        rules: &S3ReplicationRules::new(clients.clone()),
        health: &Route53HealthChecks::new(clients.clone()),
        lags: &CloudWatchLags::new(clients),
    };
    let answer = handle(ports, plan, &json!({"component": "orders"})).await.unwrap().answer;
    println!("{}", answer["replicas"][0]["reason"]);
    answer["replicas"][0].clone()
}

fn assert_row(row: &Value, role: &str, verdict: &str, reason: &str) {
    assert_eq!((row["role"].as_str(), row["rpo"].as_str()), (Some(role), Some(verdict)), "{row:#}");
    assert!(row["reason"].as_str().unwrap().contains(reason), "{row:#}");
    assert!(!row.to_string().contains(PASSWORD), "{row:#}");
}

/// Three servers; nothing, and a line that says so, where no PostgreSQL runs.
pub(crate) fn servers() -> Option<StandbyPair> {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    let found = Installation::find(&target, |sentence| println!("{sentence}"));
    let found = found.inspect_err(|missing| println!("nothing was tested, because {missing}")).ok()?;
    let python = PythonEnvironment::prepare(&target, |sentence| println!("{sentence}")).unwrap();
    static PAIRS: AtomicU32 = AtomicU32::new(0);
    let pair = PAIRS.fetch_add(1, Ordering::Relaxed);
    let directory: PathBuf = target.join(format!("rehearsal/tests/standby-pair-{}-{pair}", std::process::id()));
    std::fs::create_dir_all(directory.parent().unwrap()).unwrap();
    let pair = StandbyPair::start(found, &python, &directory).unwrap();
    for member in [Member::Primary, Member::Stranger] {
        // What a check needs, and no more.
        pair.sql(member, &format!("CREATE ROLE checker LOGIN PASSWORD '{PASSWORD}' IN ROLE pg_monitor")).unwrap();
    }
    Some(pair)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_standby_is_judged_by_what_both_servers_say() {
    let Some(mut pair) = servers() else { return };
    let endpoint = secrets_manager(login()).await;
    let both = plan(&pair, Member::Primary);
    pair.sql(Member::Primary, "CREATE TABLE orders (number int)").unwrap();
    pair.sql(Member::Primary, "SELECT pg_switch_wal()").unwrap();

    // Nobody writes for longer than may be lost.
    sleep(Duration::from_secs(RPO + 2));
    let idle = check(&endpoint, &both, None).await;
    assert_row(&idle, "replica", "within", "at most");
    assert_eq!((idle["bytes_behind"].as_u64(), idle["status"].as_str()), (Some(0), Some("in recovery, streaming")));

    pair.sql(Member::Standby, "SELECT pg_wal_replay_pause()").unwrap();
    pair.sql(Member::Primary, "INSERT INTO orders VALUES (1)").unwrap();
    sleep(Duration::from_secs(RPO));
    let paused = check(&endpoint, &both, None).await;
    assert_row(&paused, "replica", "beyond", "not replayed, all of them received; its replay is paused");
    assert!(paused["bytes_behind"].as_u64() > Some(0), "{paused:#}");
    pair.sql(Member::Standby, "SELECT pg_wal_replay_resume()").unwrap();
    assert_row(&check(&endpoint, &both, None).await, "replica", "within", "at most");

    let other = check(&endpoint, &plan(&pair, Member::Stranger), None).await;
    assert_row(&other, "replica", "unknown", "is of another cluster than 127.0.0.1");

    // The primary runs, and the standby hears from it; only the check does not reach it.
    let clock = RehearsalTime { real_ms: 0, simulated_ms: 0, speed: 1.0 };
    let standby = pair.address(Member::Standby).unwrap();
    let only_standby = Rehearsal { clock, hosts: BTreeMap::from([(standby.to_string(), standby)]) };
    let alone = check(&endpoint, &both, Some(only_standby.clone())).await;
    assert!(["within", "beyond"].contains(&alone["rpo"].as_str().unwrap()), "{alone:#}");
    assert_row(&alone, "replica", alone["rpo"].as_str().unwrap(), "replayed all that it was told of");
    assert_eq!(alone["source"], "PostgreSQL pg_stat_wal_receiver");

    pair.kill_primary();
    sleep(Duration::from_millis(500));
    assert_row(
        &check(&endpoint, &both, None).await,
        "replica",
        "unknown",
        "hears from nobody, so nothing says what it lacks",
    );

    pair.promote().unwrap();
    let promoted = check(&endpoint, &both, None).await;
    assert_row(&promoted, "standalone", "unknown", "is not in recovery");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_refused_is_said_without_its_password() {
    let Some(pair) = servers() else { return };
    let endpoint = secrets_manager(login()).await;
    pair.sql(Member::Primary, "ALTER ROLE checker PASSWORD 'another'").unwrap();
    sleep(Duration::from_millis(500));
    let refused = check(&endpoint, &plan(&pair, Member::Primary), None).await;
    assert_row(&refused, "unknown", "unknown", "the secret holds another login than the server");
}
