//! Rebooting, in place or over to the standby.

use jiff::Timestamp;

use crate::agenda::{Event, Phase};
use crate::errors::ApiError;
use crate::facts::Fact;
use crate::identifiers::InstanceKey;
use crate::instances::Process;
use crate::status::InstanceStatus;
use crate::view::DbInstance;
use crate::world::World;

impl World {
    /// Restarts an instance, on its standby if the failover is forced.
    ///
    /// # Errors
    /// `DBInstanceNotFound`, `InvalidDBInstanceState`, `InvalidParameterCombination` where a failover is forced on an
    /// instance that has no standby, and what every call may answer.
    pub fn reboot_db_instance(
        &mut self,
        region: &str,
        identifier: &str,
        force_failover: bool,
        now: Timestamp,
    ) -> Result<DbInstance, ApiError> {
        self.admit(region, now)?;
        let key = self.existing(region, identifier)?;
        let Some(instance) = self.instances.get(&key) else {
            return Err(ApiError::instance_not_found(identifier));
        };
        let (available, busy) = (instance.is_available(), instance.operation.is_some());
        let has_standby = instance.zones.standby.is_some();
        if !available {
            self.rely_on(Fact::RebootNeedsAvailable);
            return Err(ApiError::invalid_state("The DB instance is not in the available state."));
        }
        if busy {
            self.rely_on(Fact::RebootDuringOperation);
            return Err(ApiError::invalid_state(
                "Instance cannot currently reboot due to an in-progress management operation.",
            ));
        }
        if force_failover && !has_standby {
            self.rely_on(Fact::FailoverNeedsMultiAz);
            self.rely_on(Fact::FailoverRefusalCode);
            return Err(ApiError::invalid_combination(
                "ForceFailover cannot be specified since the instance is not configured for Multi-AZ.",
            ));
        }
        let span = self.takes(|timings| if force_failover { timings.failover } else { timings.reboot });
        let operation = self.next_operation();
        let at = self.clock;
        if let Some(instance) = self.instances.get_mut(&key) {
            instance.status = InstanceStatus::Rebooting;
            instance.process = Process::Down;
            instance.operation = Some(operation);
            instance.sessions.cut(at);
        }
        self.rely_on(Fact::RebootEndsSessions);
        self.after(
            span,
            Event::Phase { key: key.clone(), operation, phase: Phase::RebootDone { failover: force_failover } },
        );
        self.note_changes();
        self.answer(&key)
    }

    pub(crate) fn reboot_done(&mut self, key: &InstanceKey, operation: u64, failover: bool) {
        let Some(instance) = self.instances.get_mut(key).filter(|instance| instance.operation == Some(operation)) else {
            return;
        };
        instance.operation = None;
        instance.process = Process::Sound;
        instance.status = InstanceStatus::Available;
        self.rely_on(Fact::RebootRevives);
        if self.instances.get(key).is_some_and(|instance| instance.is_replica()) {
            self.rely_on(Fact::ReplicationResumesAfterReboot);
        }
        if failover {
            self.rely_on(Fact::FailoverSwapsZones);
            self.rely_on(Fact::ZonesReportedLate);
            let span = self.takes(|timings| timings.zones_reported);
            if let Some(instance) = self.instances.get_mut(key)
                && let Some(standby) = instance.zones.standby.take()
            {
                instance.zones.standby = Some(std::mem::replace(&mut instance.zones.zone, standby));
            }
            self.after(span, Event::ZonesReported { key: key.clone() });
        }
    }
}
