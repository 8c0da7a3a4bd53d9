use rehearsal_world::{
    AlarmCheck, AlarmName, AlarmState, CalculatedCheck, EndpointCheck, Fact, HealthCheckConfig, HealthCheckKind,
    HealthCheckUpdate, HealthObservation, InsufficientDataStatus,
};

use super::scene::{CERTAIN, Scene, endpoint};
use crate::stage::{EAST, WEST};

/// What an update takes to reach the checkers, with the timings of these scenes.
const UPDATE: i64 = 20;

fn alarm() -> AlarmName {
    AlarmName { region: WEST.to_owned(), name: "switch".to_owned() }
}

fn following(insufficient_data: InsufficientDataStatus) -> HealthCheckConfig {
    HealthCheckConfig::new(HealthCheckKind::Alarm(AlarmCheck { alarm: alarm(), insufficient_data }))
}

impl Scene {
    fn update(&mut self, check: &str, update: HealthCheckUpdate) -> Result<i64, &'static str> {
        self.world.update_health_check(check, &update, self.now).map(|check| check.version).map_err(|error| error.code)
    }

    fn observations(&mut self, check: &str) -> Vec<HealthObservation> {
        self.world.get_health_check_status(check, self.now).unwrap()
    }
}

#[test]
fn a_new_health_check_is_healthy_until_its_checkers_know_better() {
    let mut scene = Scene::new();
    scene.add_endpoint("h1");
    scene.world.endpoint_answers("h1", false, scene.now);
    assert!(scene.healthy("h1"));
    scene.wait(CERTAIN);
    assert!(!scene.healthy("h1"));
    assert_eq!(scene.world.is_healthy("nobody", scene.now), None);
}

#[test]
fn a_checker_changes_its_mind_after_as_many_answers_in_a_row_as_it_was_told() {
    for threshold in [1, 3, 10] {
        let mut scene = Scene::new();
        let config = HealthCheckKind::Endpoint(EndpointCheck { failure_threshold: threshold, ..endpoint() });
        scene.world.add_health_check("h1", HealthCheckConfig::new(config), scene.now);
        scene.wait(1_000);
        for answers in [false, true] {
            scene.world.endpoint_answers("h1", answers, scene.now);
            // The last but one of the questions that it takes lies so far ahead at the least.
            scene.wait(10 * (i64::from(threshold) - 1));
            let early = scene.healthy("h1");
            scene.wait(10);
            assert_eq!(scene.healthy("h1"), answers, "threshold {threshold}");
            // It takes nearly all checkers to find it unhealthy, and few to find it healthy again.
            assert!(answers || early, "threshold {threshold}");
        }
    }
}

#[test]
fn an_endpoint_that_fails_for_a_moment_stays_healthy() {
    let mut scene = Scene::new();
    scene.add_endpoint("h1");
    scene.wait(100);
    for _ in 0..20 {
        scene.world.endpoint_answers("h1", false, scene.now);
        for _ in 0..19 {
            assert!(scene.wait(1).healthy("h1"));
        }
        scene.world.endpoint_answers("h1", true, scene.now);
        scene.wait(11);
    }
}

#[test]
fn more_than_18_per_cent_of_the_checkers_decide() {
    let regions = [
        "us-east-1",
        "us-west-1",
        "us-west-2",
        "eu-west-1",
        "ap-northeast-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "sa-east-1",
    ];
    let mut scene = Scene::new();
    scene.add_endpoint("h1");
    for unreached in 0..=regions.len() {
        scene.world.endpoint_unreached_from("h1", &regions[..unreached], scene.now);
        scene.wait(CERTAIN);
        // Two of eight Regions are 25 % of the checkers, one is 12.5 %.
        assert_eq!(scene.healthy("h1"), unreached <= 6, "unreached from {unreached} Regions");
    }
}

#[test]
fn a_dark_region_takes_its_endpoints_along_and_its_checkers_report_nothing() {
    let mut scene = Scene::new();
    let there = EndpointCheck { region: Some(EAST.to_owned()), ..endpoint() };
    scene.world.add_health_check("there", HealthCheckConfig::new(HealthCheckKind::Endpoint(there)), scene.now);
    scene.add_endpoint("elsewhere");
    assert!(scene.observations("elsewhere").iter().any(|report| report.region == WEST));
    scene.world.region_dark(WEST, true, scene.now);
    assert!(scene.observations("elsewhere").iter().all(|report| report.region != WEST));
    scene.world.region_dark(WEST, false, scene.now);
    scene.world.region_dark(EAST, true, scene.now);
    scene.wait(CERTAIN);
    assert!(!scene.healthy("there") && scene.healthy("elsewhere"));
    scene.world.region_dark(EAST, false, scene.now);
    scene.wait(CERTAIN);
    assert!(scene.healthy("there"));
}

#[test]
fn the_status_is_what_each_checker_saw_last() {
    let mut scene = Scene::new();
    scene.add_endpoint("h1");
    scene.wait(60);
    let reports = scene.observations("h1");
    assert_eq!(reports.len(), 16);
    assert!(
        reports.iter().all(|report| report.status.starts_with("Success: HTTP Status Code: 200. Resolved IP: 192.0.2.1."))
    );
    assert!(reports.iter().all(|report| (0..10).contains(&scene.now.duration_since(report.checked).as_secs())));
    assert!(reports.windows(2).any(|pair| pair[0].checked != pair[1].checked), "checkers do not agree on when to ask");
    scene.world.endpoint_answers("h1", false, scene.now);
    let failed =
        |scene: &mut Scene| scene.observations("h1").iter().filter(|report| report.status.starts_with("Failure")).count();
    assert_eq!(failed(&mut scene), 0, "none has asked again yet");
    scene.wait(10);
    assert_eq!(failed(&mut scene), 16);
    assert!(scene.healthy("h1"), "one failure is less than the threshold");
}

#[test]
fn only_an_endpoint_has_a_status_of_checkers() {
    let mut scene = Scene::new();
    scene.world.add_health_check("a1", following(InsufficientDataStatus::Healthy), scene.now);
    assert_eq!(scene.world.get_health_check_status("a1", scene.now).unwrap_err().code, "InvalidInput");
    assert_eq!(scene.world.get_health_check_status("nobody", scene.now).unwrap_err().code, "NoSuchHealthCheck");
}

#[test]
fn an_inverted_health_check_says_the_opposite() {
    let mut scene = Scene::new();
    let config = HealthCheckConfig { inverted: true, ..HealthCheckConfig::new(HealthCheckKind::Endpoint(endpoint())) };
    scene.world.add_health_check("h1", config, scene.now);
    assert!(!scene.healthy("h1"), "what is watched is healthy until known better");
    scene.set_endpoint("h1", false);
    assert!(scene.healthy("h1"));
}

#[test]
fn a_disabled_health_check_is_healthy_unless_it_is_inverted_too() {
    let mut scene = Scene::new();
    scene.add_endpoint("h1");
    scene.set_endpoint("h1", false);
    assert!(!scene.healthy("h1"));
    scene.update("h1", HealthCheckUpdate { disabled: Some(true), ..HealthCheckUpdate::default() }).unwrap();
    assert!(scene.wait(UPDATE).healthy("h1"));
    scene.update("h1", HealthCheckUpdate { inverted: Some(true), ..HealthCheckUpdate::default() }).unwrap();
    assert!(!scene.wait(UPDATE).healthy("h1"));
}

#[test]
fn a_health_check_follows_the_data_of_an_alarm() {
    use InsufficientDataStatus::{Healthy, LastKnownStatus, Unhealthy};
    let mut scene = Scene::new();
    for (id, status) in [("good", Healthy), ("bad", Unhealthy), ("last", LastKnownStatus)] {
        scene.world.add_health_check(id, following(status), scene.now);
    }
    let mut are = |state: Option<AlarmState>, expected: [bool; 3]| {
        if let Some(state) = state {
            scene.world.alarm_data(&alarm(), state, scene.now);
        }
        assert_eq!(["good", "bad", "last"].map(|id| scene.healthy(id)), expected, "{state:?}");
    };
    are(None, [true, false, true]);
    are(Some(AlarmState::Alarm), [false; 3]);
    are(Some(AlarmState::InsufficientData), [true, false, false]);
    are(Some(AlarmState::Ok), [true; 3]);
    are(Some(AlarmState::InsufficientData), [true, false, true]);
    are(Some(AlarmState::Ok), [true; 3]);
    scene.world.region_dark(WEST, true, scene.now);
    assert!(!scene.healthy("bad"), "the data of a dark Region is no data");
}

#[test]
fn a_calculated_health_check_counts_others() {
    let mut scene = Scene::new();
    for id in ["h1", "h2", "h3"] {
        scene.add_endpoint(id);
    }
    let children = ["h1", "h2", "h3"].map(str::to_owned).to_vec();
    let config = HealthCheckConfig::new(HealthCheckKind::Calculated(CalculatedCheck { threshold: 2, children }));
    scene.world.add_health_check("sum", config, scene.now);
    scene.set_endpoint("h1", false);
    assert!(scene.healthy("sum"));
    scene.set_endpoint("h2", false);
    assert!(!scene.healthy("sum"));
    for (threshold, expected) in [(0, true), (1, true), (4, false)] {
        scene
            .update("sum", HealthCheckUpdate { health_threshold: Some(threshold), ..HealthCheckUpdate::default() })
            .unwrap();
        assert_eq!(scene.wait(UPDATE).healthy("sum"), expected, "at least {threshold}");
    }
}

#[test]
fn an_update_may_be_conditional_on_a_version() {
    let mut scene = Scene::new();
    scene.add_endpoint("h1");
    let inverted = |version| HealthCheckUpdate { version, inverted: Some(true), ..HealthCheckUpdate::default() };
    assert_eq!(scene.update("h1", inverted(Some(2))), Err("HealthCheckVersionMismatch"));
    assert!(!scene.world.get_health_check("h1", scene.now).unwrap().config.inverted);
    assert_eq!(scene.update("h1", inverted(Some(1))), Ok(2));
    assert_eq!(scene.update("h1", inverted(None)), Ok(3));
    for update in [
        HealthCheckUpdate { health_threshold: Some(1), ..HealthCheckUpdate::default() },
        HealthCheckUpdate { insufficient_data: Some(InsufficientDataStatus::Healthy), ..HealthCheckUpdate::default() },
    ] {
        assert_eq!(scene.update("h1", update), Err("InvalidInput"), "not for a check of an endpoint");
    }
    assert_eq!(scene.world.get_health_check("h1", scene.now).unwrap().version, 3);
}

#[test]
fn checkers_follow_an_update_a_little_later() {
    let mut scene = Scene::new();
    scene.add_endpoint("h1");
    scene.update("h1", HealthCheckUpdate { inverted: Some(true), ..HealthCheckUpdate::default() }).unwrap();
    assert!(scene.world.get_health_check("h1", scene.now).unwrap().config.inverted);
    assert!(scene.wait(UPDATE - 1).healthy("h1"));
    assert!(!scene.wait(1).healthy("h1"));
}

#[test]
fn health_checks_go_on_without_the_control_plane() {
    let mut scene = Scene::new();
    scene.add_endpoint("h1");
    scene.world.dns_control_plane_dark(true, scene.now);
    scene.set_endpoint("h1", false);
    assert!(!scene.healthy("h1"));
    assert_eq!(scene.update("h1", HealthCheckUpdate::default()), Err("ServiceUnavailable"));
    assert!(scene.world.relied_on().contains(&Fact::DnsControlPlaneInOneRegion));
}
