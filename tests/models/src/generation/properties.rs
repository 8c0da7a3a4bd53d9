//! What must hold in every state, and what must be reached for that to mean anything.

use stateright::Property;

use super::zone::{RecordSet, Site};
use super::{GenerationBatches, State, WRITERS};

/// I2.
pub const NEVER_BACK: &str = "I2: the applied generation never decreases";
/// I3.
pub const NEVER_NOTHING: &str = "I3: traffic never points at nothing";
/// Between the batches of a large set.
pub const IN_ORDER: &str = "no record set is ahead of the one before it";
/// After the last of them.
pub const WHOLE: &str = "once the TXT record says that a generation is whole, every record set serves it";

pub(super) fn all() -> Vec<Property<GenerationBatches>> {
    vec![
        Property::always(NEVER_BACK, |_, state: &State| !state.went_back),
        Property::always(NEVER_NOTHING, |model: &GenerationBatches, state: &State| {
            (0..model.batches).all(|batch| state.zone.answers(batch))
        }),
        Property::always(IN_ORDER, |_, state: &State| {
            let generations: Vec<u8> = state.generations().collect();
            generations.is_sorted_by(|before, after| before >= after)
        }),
        Property::always(WHOLE, |model: &GenerationBatches, state: &State| {
            let mark = state.zone.mark;
            mark.applied < model.batches || state.generations().all(|generation| generation == mark.generation)
        }),
        Property::sometimes("the newest generation is served, and cleaned up", |_, state: &State| {
            let newest = WRITERS[WRITERS.len() - 1];
            state.generations().all(|generation| generation == newest) && !state.zone.has_target(Site::of(newest).other())
        }),
        Property::sometimes("a request of the oldest is late, after the newest was applied", |_, state: &State| {
            state.late[0].is_some() && state.zone.mark.generation == WRITERS[WRITERS.len() - 1]
        }),
        Property::sometimes("a generation that was overtaken midway was never whole", |model, state: &State| {
            // With one batch nothing is midway.
            model.batches == 1 || state.generations().collect::<Vec<_>>() == [4, 2]
        }),
        Property::sometimes("a target that a clean-up deleted is made again", |_, state: &State| {
            state.zone.mark.generation == 3 && state.zone.has_target(Site::Primary) && !state.zone.has_target(Site::Recovery)
        }),
    ]
}

impl State {
    fn generations(&self) -> impl Iterator<Item = u8> {
        self.zone.served.iter().flatten().map(|RecordSet { generation, .. }| *generation)
    }
}
