use recovery_tests::in_process::Platform;

use crate::common::hang_and_raise;

#[test]
fn a_hung_primary_is_replaced_by_its_replica() {
    let mut simulation = hang_and_raise(Platform::default(), "alarm.eventbridge.json");
    let ended = simulation.run_to_end();
    for entry in simulation.entries(&ended.incident.id) {
        println!("{} {} {}: {}", entry.at, entry.about, entry.event, entry.reason);
    }
    println!("{:#?}", ended.report.objectives);
    simulation.cloud.with(|state| {
        println!("{} calls, {:?}", state.calls.len(), state.violations);
        println!("{:#?}", state.world.losses());
        for effect in &state.effects {
            println!("{} {}#{} {:?}", effect.at, effect.step, effect.ordinal, effect.mutation);
        }
    });
}

#[test]
fn timing() {
    let start = std::time::Instant::now();
    for _ in 0..20 {
        let mut simulation = hang_and_raise(Platform::default(), "alarm.eventbridge.json");
        simulation.run_to_end();
    }
    println!("20 runs: {:?}", start.elapsed());
}
