use rehearsal_world::{ChangeStatus, RecordType};

use super::scene::{PROPAGATION, Scene, address, create, delete, upsert};
use crate::stage::EAST;

impl Scene {
    fn status(&mut self, change: &str) -> ChangeStatus {
        self.world.get_change(change, self.now).unwrap().status
    }
}

#[test]
fn a_change_is_pending_then_in_sync() {
    let mut scene = Scene::new();
    let change = scene.change([create(address("www.example.com", 1))]).unwrap();
    assert_eq!((change.status, change.submitted), (ChangeStatus::Pending, scene.now));
    assert!(change.id.starts_with('C'));
    scene.wait(PROPAGATION - 1);
    assert_eq!(scene.status(&change.id), ChangeStatus::Pending);
    scene.wait(1);
    assert_eq!(scene.status(&format!("/change/{}", change.id)), ChangeStatus::InSync);
}

#[test]
fn name_servers_have_a_change_once_it_is_in_sync() {
    let mut scene = Scene::with([address("www.example.com", 1)]);
    let change = scene.change([delete(address("www.example.com", 1)), create(address("www.example.com", 2))]).unwrap();
    for _ in 0..PROPAGATION {
        assert_eq!((scene.status(&change.id), scene.addresses("www.example.com")), (ChangeStatus::Pending, vec![1]));
        scene.wait(1);
    }
    assert_eq!((scene.status(&change.id), scene.addresses("www.example.com")), (ChangeStatus::InSync, vec![2]));
}

#[test]
fn changes_reach_the_name_servers_in_the_order_in_which_they_were_accepted() {
    for seed in 0..20 {
        let mut scene = Scene::varied(seed);
        let mut changes = Vec::new();
        for number in 1..=20 {
            changes.push(scene.change([upsert(address("www.example.com", number))]).unwrap().id);
            scene.wait(1);
        }
        let mut highest = 0;
        for _ in 0..60 {
            let seen = scene.addresses("www.example.com").first().copied().unwrap_or(0);
            assert!(seen >= highest, "seed {seed}: {seen} after {highest}");
            highest = seen;
            let in_sync = changes
                .iter()
                .filter(|change| scene.world.get_change(change, scene.now).unwrap().status == ChangeStatus::InSync)
                .count();
            assert_eq!(in_sync, usize::from(seen), "seed {seed}");
            scene.wait(1);
        }
        assert_eq!(highest, 20);
    }
}

#[test]
fn the_control_plane_lives_in_us_east_1_and_answers_nothing_when_that_is_dark() {
    let mut scene = Scene::with([address("www.example.com", 1)]);
    scene.add_endpoint("h1");
    let change = scene.change([create(address("new.example.com", 2))]).unwrap();
    for by_region in [true, false] {
        let now = scene.now;
        let dark = |scene: &mut Scene, dark| {
            if by_region {
                scene.world.region_dark(EAST, dark, now);
            } else {
                scene.world.dns_control_plane_dark(dark, now);
            }
        };
        dark(&mut scene, true);
        let unavailable = |code| assert_eq!(code, Some("ServiceUnavailable"));
        unavailable(scene.change([create(address("x.example.com", 1))]).err().map(|error| error.code));
        unavailable(scene.world.get_change(&change.id, now).err().map(|error| error.code));
        unavailable(scene.world.get_health_check("h1", now).err().map(|error| error.code));
        assert_eq!(scene.addresses("www.example.com"), [1], "name servers go on without it");
        dark(&mut scene, false);
        assert!(scene.world.get_change(&change.id, now).is_ok());
    }
    assert_eq!(scene.record("x.example.com", RecordType::A), None);
}

#[test]
fn changes_that_were_accepted_strand_when_the_control_plane_goes_dark() {
    let mut scene = Scene::new();
    let change = scene.change([create(address("www.example.com", 1))]).unwrap();
    scene.wait(10);
    scene.world.region_dark(EAST, true, scene.now);
    scene.wait(3_600);
    assert_eq!(scene.addresses("www.example.com"), [0; 0]);
    // The second darkness begins before the first ends, and the change waits for both.
    scene.world.dns_control_plane_dark(true, scene.now);
    scene.world.region_dark(EAST, false, scene.now);
    scene.wait(3_600);
    assert_eq!(scene.addresses("www.example.com"), [0; 0]);
    scene.world.dns_control_plane_dark(false, scene.now);
    assert_eq!(scene.status(&change.id), ChangeStatus::Pending);
    scene.wait(PROPAGATION - 11);
    assert_eq!(scene.status(&change.id), ChangeStatus::Pending);
    scene.wait(1);
    assert_eq!((scene.status(&change.id), scene.addresses("www.example.com")), (ChangeStatus::InSync, vec![1]));
}
