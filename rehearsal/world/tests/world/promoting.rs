use crate::stage::{EAST, Stage, WEST, config};
use rehearsal_world::{BackupWindow, Connection, InstanceStatus, PairConfig, Promotion, Refused};

/// The statuses that a promotion passes through, each with the second at which it was first seen.
fn seen_until_settled(stage: &mut Stage) -> Vec<(i64, InstanceStatus)> {
    let replica = stage.replica.clone();
    let mut seen: Vec<(i64, InstanceStatus)> = Vec::new();
    for second in 0..600 {
        let status = stage.status(&replica);
        if seen.last().is_none_or(|(_, last)| *last != status) {
            seen.push((second, status));
        }
        stage.wait(1);
    }
    seen
}

#[test]
fn a_promotion_passes_through_the_real_statuses() {
    let mut stage = Stage::new();
    assert_eq!(stage.promote().unwrap().status, InstanceStatus::Available);
    assert_eq!(
        seen_until_settled(&mut stage),
        [
            (0, InstanceStatus::Available),
            (30, InstanceStatus::Modifying),
            (90, InstanceStatus::Rebooting),
            (135, InstanceStatus::BackingUp),
            (225, InstanceStatus::Available),
        ]
    );
}

#[test]
fn the_status_stays_available_after_a_promotion_was_accepted() {
    let mut stage = Stage::new();
    stage.promote().unwrap();
    let shown = stage.wait(29).replica_shown();
    assert_eq!(shown.status, InstanceStatus::Available);
    assert!(shown.replica_source.is_some(), "available, and not promoted yet");
    assert_eq!(stage.commit_to_replica(), Err(Refused::ReadOnly));
}

#[test]
fn the_seed_moves_a_promotion_within_its_bounds() {
    let settled = |seed| {
        let mut timings = crate::stage::exact();
        timings.variation_percent = 20;
        let mut stage = Stage::seeded(PairConfig { timings, ..config() }, seed);
        stage.promote().unwrap();
        seen_until_settled(&mut stage).last().unwrap().0
    };
    let all: Vec<i64> = (0..20).map(settled).collect();
    assert!(all.iter().all(|second| (180..=271).contains(second)), "{all:?}");
    assert!(all.iter().any(|second| *second != all[0]));
    assert_eq!(settled(3), settled(3));
}

#[test]
fn a_promotion_reboots_before_it_takes_writes() {
    let mut stage = Stage::new();
    let replica = stage.replica.clone();
    let session = stage.world.connect(&replica, stage.now).unwrap();
    stage.promote().unwrap();
    stage.wait(90);
    let rebooted = stage.now;
    assert_eq!(stage.world.accepts_connections(&replica, stage.now), Connection::Refuses);
    assert_eq!(stage.world.cuts_existing_since(&replica), Some(rebooted));
    stage.wait(45);
    assert_eq!(stage.world.commit_in(&session, stage.now), Err(Refused::SessionEnded));
    assert!(stage.commit_to_replica().is_ok());
}

#[test]
fn the_source_goes_away_late_and_on_both_sides() {
    let mut stage = Stage::new();
    stage.promote().unwrap();
    let shown = stage.wait(154).replica_shown();
    assert!(shown.replica_source.is_some());
    assert_eq!(stage.primary_shown().replicas.len(), 1);
    assert!(stage.commit_to_replica().is_ok(), "it takes writes before describe says so");
    let shown = stage.wait(1).replica_shown();
    assert_eq!((shown.replica_source, shown.replication), (None, None));
    assert_eq!(stage.primary_shown().replicas, Vec::<String>::new());
}

#[test]
fn a_source_may_still_be_named_while_the_status_is_available_again() {
    let mut stage = Stage::new();
    let none = Promotion { backup_retention: Some(0), backup_window: None };
    stage.world.promote_read_replica(WEST, "orders-dr", none, stage.now).unwrap();
    let shown = stage.wait(135).replica_shown();
    assert_eq!(shown.status, InstanceStatus::Available);
    assert!(shown.replica_source.is_some());
    assert!(stage.wait(20).replica_shown().replica_source.is_none());
}

#[test]
fn backups_are_kept_for_a_day_unless_the_caller_says_otherwise() {
    let kept = |asked| {
        let mut stage = Stage::new();
        let promotion = Promotion { backup_retention: asked, backup_window: None };
        stage.world.promote_read_replica(WEST, "orders-dr", promotion, stage.now).unwrap();
        assert_eq!(stage.replica_shown().backup_retention, 0);
        stage.wait(600).replica_shown().backup_retention
    };
    assert_eq!(kept(None), 1);
    assert_eq!(kept(Some(7)), 7);
    assert_eq!(kept(Some(0)), 0);
    let mut stage = Stage::new();
    for days in [-1, 36, i64::MAX] {
        let promotion = Promotion { backup_retention: Some(days), backup_window: None };
        let error = stage.world.promote_read_replica(WEST, "orders-dr", promotion, stage.now).unwrap_err();
        assert_eq!(error.code, "InvalidParameterValue");
    }
}

#[test]
fn turning_backups_on_takes_one_at_once() {
    let statuses = |before, asked| {
        let mut stage = Stage::with(PairConfig { recovery_backup_retention: before, ..config() });
        let window = BackupWindow::parse("09:00-09:30").unwrap();
        let promotion = Promotion { backup_retention: Some(asked), backup_window: Some(window) };
        stage.world.promote_read_replica(WEST, "orders-dr", promotion, stage.now).unwrap();
        let seen: Vec<InstanceStatus> = seen_until_settled(&mut stage).into_iter().map(|(_, status)| status).collect();
        assert_eq!(stage.replica_shown().backup_window, window);
        seen.contains(&InstanceStatus::BackingUp)
    };
    assert!(statuses(0, 7));
    assert!(!statuses(0, 0));
    assert!(!statuses(3, 7));
}

#[test]
fn only_an_available_replica_can_be_promoted() {
    let mut stage = Stage::new();
    stage.world.reboot_db_instance(WEST, "orders-dr", false, stage.now).unwrap();
    let error = stage.promote().unwrap_err();
    assert_eq!((error.code, error.http_status), ("InvalidDBInstanceState", 400));
    assert_eq!(error.message, "DB Instance is not in available state.");
}

#[test]
fn a_replica_being_backed_up_cannot_be_promoted() {
    let mut stage = Stage::with(PairConfig { recovery_backup_retention: 7, ..config() });
    let replica = stage.replica.clone();
    stage.world.open_backup_window(&replica, stage.now);
    assert_eq!(stage.status(&replica), InstanceStatus::BackingUp);
    assert_eq!(stage.promote().unwrap_err().code, "InvalidDBInstanceState");
    assert!(stage.wait(240).promote().is_ok());
}

#[test]
fn only_a_replica_can_be_promoted() {
    let mut stage = Stage::new();
    let primary = stage.world.promote_read_replica(EAST, "orders-prod", Promotion::default(), stage.now);
    let error = primary.unwrap_err();
    assert_eq!((error.code, error.http_status), ("InvalidDBInstanceState", 400));
    assert_eq!(error.message, "DB Instance is not a read replica.");
    stage.promote().unwrap();
    assert_eq!(stage.wait(600).promote().unwrap_err().message, "DB Instance is not a read replica.");
}

#[test]
fn a_promotion_under_way_refuses_another() {
    let mut stage = Stage::new();
    stage.promote().unwrap();
    for _ in 0..200 {
        assert_eq!(stage.promote().unwrap_err().code, "InvalidDBInstanceState");
        stage.wait(1);
    }
    assert_eq!(stage.world.losses().len(), 1);
}

#[test]
fn a_promotion_leaves_the_old_primary_as_it_was() {
    let mut stage = Stage::new();
    stage.promote().unwrap();
    for _ in 0..300 {
        assert!(stage.commit_to_primary().is_ok());
        stage.wait(1);
    }
    assert!(stage.commit_to_replica().is_ok());
    assert!(stage.world.writer_overlap().is_split_brain());
}
