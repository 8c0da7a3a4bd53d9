//! What a scenario breaks.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::backups::DbSnapshot;
use crate::facts::Fact;
use crate::identifiers::InstanceKey;
use crate::instances::Process;
use crate::moments::later;
use crate::status::InstanceStatus;
use crate::view::DbInstance;
use crate::world::World;

/// How an instance breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Breakage {
    /// Its database accepts TCP, answers nothing and commits nothing, while its control plane calls it available. A
    /// reboot revives it: the primary that comes back.
    Hung,
    /// It fails for good: its control plane says so, and nothing connects.
    Failed,
}

/// What describe calls go on answering with for a while.
#[derive(Debug, Clone)]
pub(crate) struct StaleView {
    pub(crate) until: Timestamp,
    pub(crate) instances: Vec<DbInstance>,
    pub(crate) snapshots: Vec<DbSnapshot>,
}

impl World {
    /// Breaks an instance; one that is not there stays unbroken.
    pub fn break_instance(&mut self, instance: &InstanceKey, breakage: Breakage, now: Timestamp) {
        self.advance(now);
        let at = self.clock;
        let Some(broken) = self.instances.get_mut(instance) else {
            return;
        };
        match breakage {
            Breakage::Hung if broken.process == Process::Sound => {
                broken.process = Process::Hung;
                self.rely_on(Fact::HungLooksAvailable);
            }
            // What does not run cannot hang.
            Breakage::Hung => {}
            Breakage::Failed => {
                broken.process = Process::Down;
                broken.status = InstanceStatus::Failed;
                // Whatever was under way ends here.
                broken.operation = None;
                broken.promotion = None;
                broken.making = None;
                broken.sessions.cut(at);
                self.rely_on(Fact::FailedIsFinal);
            }
        }
        self.note_changes();
    }

    /// Lets an instance that hung answer again. What failed stays failed.
    pub fn revive_instance(&mut self, instance: &InstanceKey, now: Timestamp) {
        self.advance(now);
        let hung = self.instances.get_mut(instance).filter(|instance| instance.process == Process::Hung);
        if let Some(revived) = hung {
            revived.process = Process::Sound;
        }
        self.note_changes();
    }

    /// Cuts a Region off from everything outside it, or connects it again. What runs there goes on running.
    pub fn region_dark(&mut self, region: &str, dark: bool, now: Timestamp) {
        self.advance(now);
        let at = self.clock;
        if dark && self.dark.insert(region.to_owned()) {
            for instance in self.instances.values_mut().filter(|instance| instance.key.region == region) {
                instance.sessions.cut(at);
            }
        } else if !dark {
            self.dark.remove(region);
        }
        self.note_changes();
        self.note_dns_control_plane();
        self.tell_checkers();
    }

    /// Whether anything outside a Region can speak to it. A face lets calls to a Region that cannot be reached go
    /// unanswered, rather than answering them with an error.
    #[must_use]
    pub fn reachable(&self, region: &str) -> bool {
        !self.dark.contains(region)
    }

    /// Stops the control plane of RDS in a Region from answering, or lets it answer again. Databases run on.
    pub fn control_plane_dark(&mut self, region: &str, dark: bool, now: Timestamp) {
        self.advance(now);
        if dark {
            self.control_plane_dark.insert(region.to_owned());
        } else {
            self.control_plane_dark.remove(region);
        }
    }

    /// Throttles the next calls to services of this world in a Region.
    pub fn throttle(&mut self, region: &str, calls: u32) {
        self.throttled.insert(region.to_owned(), calls);
    }

    /// Lets describe calls in a Region answer with what is so now, for a while.
    pub fn stale_reads(&mut self, region: &str, span: Duration, now: Timestamp) {
        self.advance(now);
        let view = StaleView {
            until: later(self.clock, span),
            instances: self.show_region(region),
            snapshots: self.snapshots_of_region(region),
        };
        self.stale.insert(region.to_owned(), view);
    }

    /// Sets how far a replica is behind its source from now on. What it has received stays received.
    pub fn set_lag(&mut self, replica: &InstanceKey, lag: Duration, now: Timestamp) {
        self.advance(now);
        if let Some(link) = self.instances.get_mut(replica).and_then(|instance| instance.link.as_mut()) {
            link.lag = lag;
        }
    }

    /// Stops replication on an error of its own, or mends it, while both sides are well.
    pub fn break_replication(&mut self, replica: &InstanceKey, broken: bool, now: Timestamp) {
        self.advance(now);
        if let Some(link) = self.instances.get_mut(replica).and_then(|instance| instance.link.as_mut()) {
            link.broken = broken;
        }
        self.note_changes();
    }

    pub(crate) fn stale_view(&mut self, region: &str) -> Option<StaleView> {
        let view = self.stale.get(region).filter(|view| view.until > self.clock).cloned();
        if view.is_some() {
            self.rely_on(Fact::DescribeMayBeStale);
        } else {
            self.stale.remove(region);
        }
        view
    }
}
