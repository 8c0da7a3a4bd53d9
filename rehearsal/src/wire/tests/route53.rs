//! Route 53 as botocore sees it: its own requests, its own reading of our answers. Needs Python.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rehearsal_world::{
    DnsName, EndpointCheck, EndpointProtocol, HealthCheckConfig, HealthCheckKind, PairConfig, RecordType, Timings, World,
};
use serde_json::{Value, json};

use super::stub::Stub;
use crate::emulator::tests::{python, run_directory};
use crate::stage::{ClientError, IndependentClient, Shared};
use crate::wire::call::CallClass;
use crate::wire::faults::Faults;
use crate::wire::log::RequestLog;
use crate::wire::normalise::Normaliser;
use crate::wire::proxy::{Proxy, ProxySettings};
use crate::wire::time::{ScaledTime, SimulatedTime};
use policies::iam::Roles;

const ZONE: &str = "Z0EXAMPLE";
/// Simulated seconds in a real one: a change is in sync after less than a real second.
const SPEED: f64 = 60.0;

struct Scene {
    client: IndependentClient,
    shared: Arc<Shared>,
    log: Arc<RequestLog>,
    proxy: Proxy,
    _emulator: Stub,
}

impl Scene {
    async fn new() -> Self {
        let time = ScaledTime::starting(Timestamp::now(), SPEED);
        let timings = Timings { variation_percent: 0, ..Timings::default() };
        let mut world = World::pair(PairConfig { timings, ..PairConfig::default() }, 1, time.now());
        world.add_hosted_zone(ZONE, "example.com").unwrap();
        let endpoint = EndpointCheck {
            protocol: EndpointProtocol::Http,
            address: Some("192.0.2.1".parse().unwrap()),
            host: None,
            port: 80,
            path: Some("/".to_owned()),
            interval: 30,
            failure_threshold: 3,
            region: None,
        };
        world.add_health_check("h1", HealthCheckConfig::new(HealthCheckKind::Endpoint(endpoint)), time.now());
        let shared = Arc::new(Shared::new(world, time));
        // Whatever the emulator says, as long as it denies nothing: the world answers for Route 53.
        let emulator = Stub::ok("<emulated/>").await;
        let log = Arc::new(RequestLog::new(Normaliser::default()));
        let proxy = Proxy::start(ProxySettings {
            listen: "127.0.0.1:0".parse().unwrap(),
            upstream: emulator.address,
            time: Arc::new(time),
            world: shared.clone(),
            log: log.clone(),
            faults: Arc::new(Faults::new()),
            roles: Arc::new(Roles::new()),
        })
        .await
        .unwrap();
        let python = tokio::task::spawn_blocking(python).await.unwrap();
        let endpoint = format!("http://{}", proxy.address());
        let client = IndependentClient::start(&python, &run_directory(), &endpoint, "123456789012").unwrap();
        Self { client, shared, log, proxy, _emulator: emulator }
    }

    async fn call(&self, operation: &str, parameters: Value) -> Value {
        self.client.call("route53", "us-east-1", operation, parameters).await.unwrap()
    }

    async fn refused(&self, operation: &str, parameters: Value) -> (String, String) {
        match self.client.call("route53", "us-east-1", operation, parameters).await {
            Err(ClientError::Service { code, message }) => (code, message),
            other => panic!("{operation} was not refused: {other:?}"),
        }
    }
}

fn change(action: &str, record_set: &Value) -> Value {
    json!({"Action": action, "ResourceRecordSet": record_set})
}

fn batch(changes: &[Value]) -> Value {
    json!({"HostedZoneId": ZONE, "ChangeBatch": {"Comment": "generation 2", "Changes": changes}})
}

fn address(name: &str, last: u8) -> Value {
    json!({"Name": name, "Type": "A", "TTL": 5, "ResourceRecords": [{"Value": format!("192.0.2.{last}")}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn botocore_changes_lists_and_follows_record_sets() {
    let scene = Scene::new().await;
    let text = json!({"Name": "_recovery.example.com.", "Type": "TXT", "TTL": 5, "ResourceRecords": [{"Value": "\"a&b\" \"<c>\""}]});
    let weighted = json!({"Name": "\\052.example.com.", "Type": "A", "SetIdentifier": "blue", "Weight": 255, "TTL": 5,
        "ResourceRecords": [{"Value": "192.0.2.9"}], "HealthCheckId": "h1"});
    let alias = json!({"Name": "example.com.", "Type": "A", "SetIdentifier": "one", "Failover": "PRIMARY", "AliasTarget":
        {"HostedZoneId": ZONE, "DNSName": "db.example.com.", "EvaluateTargetHealth": true}});
    let sets = [address("db.example.com.", 1), text, weighted, alias];
    let changes: Vec<Value> = sets.iter().map(|set| change("CREATE", set)).collect();
    let accepted = scene.call("change_resource_record_sets", batch(&changes)).await;
    let info = &accepted["ChangeInfo"];
    assert_eq!((info["Status"].as_str(), info["Comment"].as_str()), (Some("PENDING"), Some("generation 2")));
    assert!(info["SubmittedAt"].as_str().is_some_and(|text| text.parse::<Timestamp>().is_ok()), "{info}");

    let listed = scene.call("list_resource_record_sets", json!({"HostedZoneId": ZONE})).await;
    let listed = listed["ResourceRecordSets"].as_array().unwrap();
    assert_eq!(listed.len(), 6);
    for set in &sets {
        assert!(listed.contains(set), "{set} is not in {listed:#?}");
    }
    let page = json!({"HostedZoneId": ZONE, "MaxItems": "2", "StartRecordName": "db.example.com", "StartRecordType": "A"});
    let page = scene.call("list_resource_record_sets", page).await;
    assert_eq!(page["IsTruncated"], json!(false), "{page}");

    let started = Instant::now();
    let id = info["Id"].as_str().unwrap();
    while scene.call("get_change", json!({"Id": id})).await["ChangeInfo"]["Status"] != "INSYNC" {
        assert!(started.elapsed() < Duration::from_secs(20), "the change stays pending");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let name = DnsName::parse("anything.example.com").unwrap();
    let resolved = scene.shared.world().resolve(&name, Some(RecordType::A), scene.shared.time.now());
    assert_eq!(resolved.records().len(), 1);
    // What is listed can be given back as it is, to delete it.
    let deletions: Vec<Value> =
        listed.iter().filter(|set| set["Type"] != "NS" && set["Type"] != "SOA").map(|set| change("DELETE", set)).collect();
    scene.call("change_resource_record_sets", batch(&deletions)).await;

    let logged = scene.log.records();
    let made = logged.iter().find(|record| record.operation == "ChangeResourceRecordSets").unwrap();
    assert_eq!((made.class, made.resource.as_str()), (CallClass::Mutation, "hostedzone/Z0EXAMPLE"));
    assert_eq!(made.parameters["ChangeBatch"]["Changes"][0]["ResourceRecordSet"]["Name"], json!("db.example.com."));
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn botocore_understands_every_refusal() {
    let scene = Scene::new().await;
    let batch_of = |action: &str, last| batch(&[change(action, &address("db.example.com", last))]);
    scene.call("change_resource_record_sets", batch_of("CREATE", 1)).await;
    assert_eq!(
        scene.refused("change_resource_record_sets", batch_of("CREATE", 1)).await,
        (
            "InvalidChangeBatch".to_owned(),
            "[Tried to create resource record set [name='db.example.com.', type='A'] but it already exists]".to_owned()
        )
    );
    let (code, message) = scene.refused("change_resource_record_sets", batch_of("DELETE", 2)).await;
    assert!(code == "InvalidChangeBatch" && message.ends_with("do not match the current values]"), "{code}: {message}");
    let unknown = json!({"Id": "Z0NOBODY"});
    assert_eq!(scene.refused("get_hosted_zone", unknown).await.0, "NoSuchHostedZone");
    assert_eq!(scene.refused("get_change", json!({"Id": "C0NOBODY"})).await.0, "NoSuchChange");
    assert_eq!(scene.refused("get_health_check", json!({"HealthCheckId": "nobody"})).await.0, "NoSuchHealthCheck");
    let late = json!({"HealthCheckId": "h1", "HealthCheckVersion": 7, "Inverted": true});
    assert_eq!(scene.refused("update_health_check", late).await.0, "HealthCheckVersionMismatch");
    scene.shared.world().throttle_dns(1);
    assert_eq!(
        scene.refused("get_hosted_zone", json!({"Id": ZONE})).await,
        ("Throttling".to_owned(), "Rate exceeded".to_owned())
    );
    scene.shared.world().dns_busy(1);
    assert_eq!(scene.refused("change_resource_record_sets", batch_of("UPSERT", 2)).await.0, "PriorRequestNotComplete");
    let now = scene.shared.time.now();
    scene.shared.world().dns_control_plane_dark(true, now);
    assert_eq!(scene.refused("get_hosted_zone", json!({"Id": ZONE})).await.0, "ServiceUnavailable");
    scene.proxy.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn botocore_reads_zones_and_health_checks() {
    let scene = Scene::new().await;
    let zone = scene.call("get_hosted_zone", json!({"Id": ZONE})).await;
    assert_eq!(zone["HostedZone"]["Id"], json!("/hostedzone/Z0EXAMPLE"));
    assert_eq!(zone["HostedZone"]["ResourceRecordSetCount"], json!(2));
    assert_eq!(zone["DelegationSet"]["NameServers"].as_array().map(Vec::len), Some(4));
    let zones = scene.call("list_hosted_zones_by_name", json!({"DNSName": "example.com", "MaxItems": "1"})).await;
    assert_eq!((&zones["HostedZones"][0]["Name"], &zones["IsTruncated"]), (&json!("example.com."), &json!(false)));
    let update = json!({"HealthCheckId": "h1", "HealthCheckVersion": 1, "Inverted": true});
    let updated = scene.call("update_health_check", update).await;
    let check = scene.call("get_health_check", json!({"HealthCheckId": "h1"})).await;
    assert_eq!(check, updated);
    let config = &check["HealthCheck"]["HealthCheckConfig"];
    assert_eq!(
        (
            &config["IPAddress"],
            &config["Port"],
            &config["Type"],
            &config["Inverted"],
            &check["HealthCheck"]["HealthCheckVersion"]
        ),
        (&json!("192.0.2.1"), &json!(80), &json!("HTTP"), &json!(true), &json!(2))
    );
    let status = scene.call("get_health_check_status", json!({"HealthCheckId": "h1"})).await;
    let reports = status["HealthCheckObservations"].as_array().unwrap();
    assert_eq!(reports.len(), 16);
    assert!(reports.iter().all(|report| report["StatusReport"]["Status"].as_str().unwrap().starts_with("Success")));
    assert!(
        reports.iter().all(|report| report["StatusReport"]["CheckedTime"].as_str().unwrap().parse::<Timestamp>().is_ok())
    );
    scene.proxy.stop().await;
}
