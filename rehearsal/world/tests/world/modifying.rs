use crate::stage::{CLIENTS, EAST, ISOLATION, Stage, config};
use rehearsal_world::{DbInstance, InstanceStatus, MembershipState, PairConfig};

fn memberships(shown: &DbInstance) -> Vec<(&str, MembershipState)> {
    shown.groups.iter().map(|membership| (membership.group.as_str(), membership.state)).collect()
}

#[test]
fn security_groups_change_asynchronously() {
    let mut stage = Stage::new();
    let answer = stage.modify(&[ISOLATION]).unwrap();
    assert_eq!(memberships(&answer), [(ISOLATION, MembershipState::Adding), (CLIENTS, MembershipState::Removing)]);
    assert_eq!(memberships(&stage.wait(14).primary_shown()), memberships(&answer));
    assert_eq!(memberships(&stage.wait(1).primary_shown()), [(ISOLATION, MembershipState::Active)]);
}

#[test]
fn the_status_may_or_may_not_show_a_change_of_groups() {
    for (shows, during) in [(false, InstanceStatus::Available), (true, InstanceStatus::Modifying)] {
        let mut stage = Stage::with(PairConfig { modifying_during_group_change: Some(shows), ..config() });
        let primary = stage.primary.clone();
        assert_eq!(stage.modify(&[ISOLATION]).unwrap().status, during);
        assert_eq!(stage.wait(14).status(&primary), during);
        assert_eq!(stage.wait(1).status(&primary), InstanceStatus::Available);
    }
    let by_seed = |seed| {
        let mut stage = Stage::seeded(PairConfig { modifying_during_group_change: None, ..config() }, seed);
        stage.modify(&[ISOLATION]).unwrap().status
    };
    let seen: Vec<InstanceStatus> = (0..20).map(by_seed).collect();
    assert!(seen.contains(&InstanceStatus::Available) && seen.contains(&InstanceStatus::Modifying));
}

#[test]
fn asking_for_the_groups_in_effect_changes_nothing() {
    let mut stage = Stage::new();
    let before = stage.primary_shown();
    assert_eq!(stage.modify(&[CLIENTS]).unwrap(), before);
    // Asking again for what is under way does not put it off.
    stage.modify(&[ISOLATION]).unwrap();
    stage.wait(10).modify(&[ISOLATION]).unwrap();
    assert_eq!(memberships(&stage.wait(5).primary_shown()), [(ISOLATION, MembershipState::Active)]);
}

#[test]
fn a_later_change_overtakes_an_earlier_one() {
    let mut stage = Stage::new();
    stage.modify(&[ISOLATION]).unwrap();
    let taken_back = stage.wait(10).modify(&[CLIENTS]).unwrap();
    assert_eq!(memberships(&taken_back), [(CLIENTS, MembershipState::Active)]);
    assert_eq!(memberships(&stage.wait(60).primary_shown()), [(CLIENTS, MembershipState::Active)]);
}

#[test]
fn a_change_that_was_overtaken_never_takes_effect() {
    let mut stage = Stage::new();
    stage.modify(&[ISOLATION]).unwrap();
    stage.wait(10).modify(&[CLIENTS, ISOLATION]).unwrap();
    let both = |state| [(CLIENTS, MembershipState::Active), (ISOLATION, state)];
    assert_eq!(memberships(&stage.wait(14).primary_shown()), both(MembershipState::Adding));
    assert_eq!(memberships(&stage.wait(1).primary_shown()), both(MembershipState::Active));
}

#[test]
fn a_modification_of_nothing_is_refused() {
    let mut stage = Stage::new();
    for nothing in [None, Some([].as_slice())] {
        let error = stage.world.modify_db_instance(EAST, "orders-prod", nothing, stage.now).unwrap_err();
        assert_eq!((error.code, error.http_status), ("InvalidParameterCombination", 400));
        assert_eq!(error.message, "No modifications were requested");
    }
}

#[test]
fn an_unknown_security_group_is_refused() {
    let mut stage = Stage::new();
    // The other Region's group is as unknown as one that never was.
    for group in ["sg-n0b0dy", "sg-we57"] {
        let error = stage.modify(&[CLIENTS, group]).unwrap_err();
        assert_eq!((error.code, error.http_status), ("InvalidParameterValue", 400));
        assert!(error.message.contains(group));
    }
    assert_eq!(memberships(&stage.primary_shown()), [(CLIENTS, MembershipState::Active)]);
}

#[test]
fn only_an_available_instance_can_be_modified() {
    let mut stage = Stage::new();
    stage.reboot().unwrap();
    let error = stage.modify(&[ISOLATION]).unwrap_err();
    assert_eq!((error.code, error.http_status), ("InvalidDBInstanceState", 400));
    assert!(stage.wait(40).modify(&[ISOLATION]).is_ok());
}
