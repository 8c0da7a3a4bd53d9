//! What a writer decides from what it reads, and what becomes of its request.

use std::fmt;

use super::zone::{Mark, RecordSet, Site, Zone};
use super::{GenerationBatches, Guards, State};

/// One change batch, with what its writer read before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Request {
    generation: u8,
    mark: Mark,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum What {
    /// Point the record sets of this batch to the generation's site.
    Switch {
        batch: usize,
        /// The site as read.
        read: Option<Site>,
        /// The site's target does not exist as read, and is created with it.
        with_target: bool,
    },
    /// Only with [`Guards::NotInOneBatch`]: the CREATE after the DELETE.
    Create { batch: usize },
    /// Delete the target of the site that serves no more.
    CleanUp,
}

impl fmt::Display for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mark { generation, applied } = self.mark;
        write!(formatter, "{:?}, where the TXT record says {generation}, {applied} applied", self.what)
    }
}

impl GenerationBatches {
    /// Reads the records. `None`: a newer generation was there, or nothing is left to do.
    pub(super) fn decide(&self, zone: &Zone, generation: u8) -> Option<Request> {
        let blind = self.guards == Guards::None;
        if zone.mark.generation > generation && !blind {
            return None;
        }
        let own = zone.mark.generation == generation;
        let applied = match own {
            true => zone.mark.applied,
            // Without a look at the mark, what is left is seen from the records.
            false if blind => {
                zone.served.iter().take_while(|set| set.is_some_and(|set| set.generation == generation)).count()
            }
            false => 0,
        };
        let what = if applied < self.batches {
            What::Switch {
                batch: applied,
                read: zone.served[applied].map(|record| record.site),
                with_target: !zone.has_target(Site::of(generation)),
            }
        } else if own && applied == self.batches && zone.has_target(Site::of(generation).other()) {
            What::CleanUp
        } else {
            return None;
        };
        Some(Request { generation, mark: zone.mark, what })
    }

    /// Route 53 takes the batch whole, or refuses it. Returns what its writer sends next without reading again, if anything.
    pub(super) fn apply(&self, state: &mut State, request: Option<Request>) -> Option<Request> {
        let request = request?;
        if !self.accepts(&state.zone, &request) {
            return None;
        }
        let site = Site::of(request.generation);
        let zone = &mut state.zone;
        match request.what {
            What::Switch { batch, .. } if self.guards == Guards::NotInOneBatch && zone.served[batch].is_some() => {
                zone.served[batch] = None;
                return Some(Request { what: What::Create { batch }, ..request });
            }
            What::Switch { batch, .. } | What::Create { batch } => {
                if matches!(request.what, What::Switch { with_target: true, .. }) {
                    zone.set_target(site, true);
                }
                let before = zone.served[batch].replace(RecordSet { site, generation: request.generation });
                state.went_back |= before.is_some_and(|before| before.generation > request.generation);
                self.write_mark(state, &request, batch + 1);
            }
            What::CleanUp => {
                zone.set_target(site.other(), false);
                self.write_mark(state, &request, self.batches + 1);
            }
        }
        None
    }

    /// The conditions that the batch carries: each DELETE states a record exactly, and each CREATE that there is none.
    fn accepts(&self, zone: &Zone, request: &Request) -> bool {
        match request.what {
            What::Switch { batch, read, with_target } => {
                let mark = match self.guards {
                    Guards::None | Guards::CheckThenWrite => return true,
                    Guards::ExactValuesOnly => true,
                    Guards::FirstBatchOnly => batch > 0 || zone.mark == request.mark,
                    _ => zone.mark == request.mark,
                };
                let created = !with_target || !zone.has_target(Site::of(request.generation));
                mark && zone.served[batch].map(|record| record.site) == read && created
            }
            What::Create { batch } => zone.served[batch].is_none(),
            What::CleanUp => match self.guards {
                Guards::None | Guards::CheckThenWrite | Guards::ExactValuesOnly | Guards::UnguardedCleanUp => true,
                _ => zone.mark == request.mark && zone.has_target(Site::of(request.generation).other()),
            },
        }
    }

    fn write_mark(&self, state: &mut State, request: &Request, applied: usize) {
        let mark = Mark { generation: request.generation, applied };
        match (self.guards, request.what) {
            (Guards::UnmarkedCleanUp, What::CleanUp) => {}
            // Apart from the batch, and then only while it is still its own: the kindest case.
            (Guards::UnguardedCleanUp, What::CleanUp) => state.zone.mark = state.zone.mark.max(mark),
            // Where it is not part of the batch it is written apart; that this happens at once is the kindest case, too.
            _ => {
                state.went_back |= mark < state.zone.mark;
                state.zone.mark = mark;
            }
        }
    }
}
