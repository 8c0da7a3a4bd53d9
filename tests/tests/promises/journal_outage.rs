//! Nothing is done without the journal, and everything goes on when it is back.

use shared::domain::incident::IncidentStatus;
use simulation::Platform;

use crate::common::{Before, assert_sound, hang_and_raise, seconds};

#[test]
fn an_outage_of_the_journal_at_any_time_only_costs_time() {
    for begins in (0..420).step_by(7) {
        let mut simulation = hang_and_raise(Platform::default().brisk(), "alarm.eventbridge.json");
        let before = Before::of(&simulation);
        let (from, until) = (simulation.cloud.now() + seconds(begins), simulation.cloud.now() + seconds(begins + 45));
        simulation.cloud.with(|state| state.journal.unreachable = Some((from, until)));
        let ended = simulation.run_to_end();
        assert_eq!(ended.incident.status, IncidentStatus::Completed, "from {begins} s: {}", ended.report.reason);
        assert_sound(&simulation, &ended, &before);
        let during = simulation
            .cloud
            .with(|state| state.effects.iter().filter(|effect| from < effect.at && effect.at < until).count());
        // A call whose intent was written just before may still be answered.
        assert!(during <= 1, "{during} effects while nothing could be journalled, from {begins} s");
    }
}
