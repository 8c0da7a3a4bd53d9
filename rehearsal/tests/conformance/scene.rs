//! What the face holds before the judges ask: what `conformance/suite/scene.py` gives the other stand-ins.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rehearsal_world::{
    AlarmCheck, AlarmName, CalculatedCheck, ClusterKey, EndpointCheck, EndpointProtocol, HealthCheckConfig, HealthCheckKind,
    InstanceKey, InsufficientDataStatus, Metric, PairConfig, RecoveryPoint, Timings, World,
};

pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const EAST: &str = "us-east-1";
const WEST: &str = "us-west-2";
const PRIMARY: &str = "orders";
/// Regions that refuse: the other stand-ins have no such thing.
const THROTTLED: &str = "eu-west-1";
const DARK: &str = "eu-central-1";

pub(crate) fn world(now: Timestamp) -> World {
    let config = PairConfig {
        account: ACCOUNT.to_owned(),
        primary_region: EAST.to_owned(),
        primary_id: PRIMARY.to_owned(),
        recovery_region: WEST.to_owned(),
        recovery_id: "orders-dr".to_owned(),
        modifying_during_group_change: Some(false),
        // A daily backup at this time of the day would be in the way of every modification.
        timings: Timings {
            variation_percent: 0,
            daily_backup: Duration::from_secs(1),
            // Long enough for a busy machine to make a call meanwhile.
            reboot: Duration::from_secs(240),
            ..Timings::default()
        },
        ..PairConfig::default()
    };
    let mut world = World::pair(config, 1, now);
    let primary = InstanceKey::new(EAST, PRIMARY);
    for number in 1..=25 {
        let taken = now - SignedDuration::from_hours(number);
        world.add_manual_snapshot(&primary, &format!("manual-{number:02}"), taken);
    }
    world.add_hosted_zone("Z0CONFORMANCE", "example.com").unwrap();
    world.add_hosted_zone("Z0CONFORMANCF", "example.net").unwrap();
    for (id, kind) in health_checks() {
        world.add_health_check(id, HealthCheckConfig::new(kind), now);
    }
    world.add_global_table("carts", &[EAST, WEST], now);
    world.add_recovery_point(WEST, "kept", recovery_point(now));
    add_restore_jobs(&mut world, now);
    let secondary = ClusterKey::new(WEST, "ledger-west");
    world.add_global_cluster("ledger", ClusterKey::new(EAST, "ledger-east"), secondary.clone());
    let latency = Metric::TableLatency { region: EAST.to_owned(), table: "carts".to_owned(), receiving: WEST.to_owned() };
    for metric in [latency, Metric::ClusterReplicationLag(secondary.clone()), Metric::ClusterRpoLag(secondary)] {
        world.publish(metric, Some(900.0), now);
    }
    world.throttle(THROTTLED, u32::MAX);
    world.region_dark(DARK, true, now);
    world
}

fn recovery_point(now: Timestamp) -> RecoveryPoint {
    RecoveryPoint {
        arn: format!("arn:aws:backup:{WEST}:{ACCOUNT}:recovery-point:7c5f1f0e"),
        resource: format!("arn:aws:dynamodb:{WEST}:{ACCOUNT}:table/carts"),
        status: "COMPLETED".to_owned(),
        created: now - SignedDuration::from_hours(3),
        encrypted: true,
    }
}

/// One that a plan of restore tests began and that has ended, and one that somebody began by hand.
fn add_restore_jobs(world: &mut World, now: Timestamp) {
    let point = RecoveryPoint {
        arn: format!("arn:aws:rds:{WEST}:{ACCOUNT}:snapshot:awsbackup:copyjob-5d7a"),
        resource: InstanceKey::new(EAST, PRIMARY).arn(ACCOUNT),
        ..recovery_point(now)
    };
    let plan = format!("arn:aws:backup:{WEST}:{ACCOUNT}:restore-testing-plan:weekly");
    for (made, plan) in [("awsbackup-restore-test-1", Some(plan.as_str())), ("orders-looked-at", None)] {
        let job = world.begin_restore(WEST, made, &point, plan).unwrap();
        world.change_restore_job(&job, |job| job.ends = now);
    }
}

fn health_checks() -> [(&'static str, HealthCheckKind); 4] {
    let endpoint = EndpointCheck {
        protocol: EndpointProtocol::Https,
        address: None,
        host: Some("east.example.com".to_owned()),
        port: 443,
        path: Some("/health".to_owned()),
        interval: 30,
        failure_threshold: 3,
        region: Some(EAST.to_owned()),
    };
    let by_address = EndpointCheck {
        protocol: EndpointProtocol::Tcp,
        address: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))),
        host: None,
        path: None,
        ..endpoint.clone()
    };
    let alarm = AlarmCheck {
        alarm: AlarmName { region: EAST.to_owned(), name: "east-is-well".to_owned() },
        insufficient_data: InsufficientDataStatus::LastKnownStatus,
    };
    [
        ("check-endpoint", HealthCheckKind::Endpoint(endpoint)),
        ("check-address", HealthCheckKind::Endpoint(by_address)),
        ("check-alarm", HealthCheckKind::Alarm(alarm)),
        (
            "check-calculated",
            HealthCheckKind::Calculated(CalculatedCheck { threshold: 1, children: vec!["check-endpoint".to_owned()] }),
        ),
    ]
}
