//! What a function can see and do for a step: exactly the ports that it was given.

use std::collections::BTreeMap;
use std::pin::pin;

use futures_util::future::{Either, join, join_all, join3, select};

use crate::domain::identifier::{ComponentName, InstanceId, Region};
use crate::domain::observation::{Connection, InstanceView, LagSample, Observation, Sight};
use crate::domain::plan::{EcsService, EndpointPlace, Plan, RdsInstance, SiteName};
use crate::domain::step::{PlannedStep, StepKind, StepRecord};
use crate::error::{Code, RecoveryError};
use crate::ports::{
    Clock, Databases, EndpointStores, FailureKind, Mutations, PortResult, Probes, ReplicaLags, Services, WriteHolds,
};

/// How many reads are under way side by side. A point in a dark Region takes seconds to give up, and an invocation has fifteen;
/// API Gateway, the meanest of the services read here, takes bursts of 40 management calls from a whole account.
const AT_ONCE: usize = 16;

/// A function's ports, for the steps that are its own.
#[derive(Clone, Copy)]
pub struct Hands<'a> {
    kinds: &'static [StepKind],
    databases: &'a dyn Databases,
    lags: Option<&'a dyn ReplicaLags>,
    probes: Option<&'a dyn Probes>,
    places: Option<&'a dyn EndpointStores>,
    holds: Option<&'a dyn WriteHolds>,
    services: Option<&'a dyn Services>,
    mutations: &'a dyn Mutations,
}

impl<'a> Hands<'a> {
    /// `recovery`: fails over, bounds the loss, promotes, validates.
    #[must_use]
    pub fn of_recovery(
        databases: &'a dyn Databases,
        lags: &'a dyn ReplicaLags,
        probes: &'a dyn Probes,
        services: &'a dyn Services,
        mutations: &'a dyn Mutations,
    ) -> Self {
        let kinds = &[StepKind::ForceFailover, StepKind::Gate, StepKind::Promote, StepKind::Validate];
        let (lags, probes, services) = (Some(lags), Some(probes), Some(services));
        Self { kinds, databases, lags, probes, places: None, holds: None, services, mutations }
    }

    /// `read-only-toggle`: holds, resumes, fences.
    #[must_use]
    pub fn of_read_only_toggle(
        databases: &'a dyn Databases,
        probes: &'a dyn Probes,
        holds: &'a dyn WriteHolds,
        mutations: &'a dyn Mutations,
    ) -> Self {
        let kinds = &[StepKind::HoldWrites, StepKind::ResumeWrites, StepKind::Fence];
        let (probes, holds) = (Some(probes), Some(holds));
        Self { kinds, databases, lags: None, probes, places: None, holds, services: None, mutations }
    }

    /// `update-database-endpoints`: writes endpoints and restarts their consumers.
    #[must_use]
    pub fn of_update_database_endpoints(
        databases: &'a dyn Databases,
        places: &'a dyn EndpointStores,
        services: &'a dyn Services,
        mutations: &'a dyn Mutations,
    ) -> Self {
        let kinds = &[StepKind::Repoint];
        let (places, services) = (Some(places), Some(services));
        Self { kinds, databases, lags: None, probes: None, places, holds: None, services, mutations }
    }

    /// Carries mutations out.
    pub(super) fn mutations(&self) -> &'a dyn Mutations {
        self.mutations
    }

    /// Looks at what this step is about.
    ///
    /// # Errors
    /// `step_not_for_this_function`, `component_not_in_plan`. Trouble with the world is part of the observation, not an error.
    pub(super) async fn observe(
        &self,
        plan: &Plan,
        step: &PlannedStep,
        records: &[StepRecord],
        clock: &dyn Clock,
    ) -> Result<Observation, RecoveryError> {
        if !self.kinds.contains(&step.kind) {
            return Err(self.not_mine(step));
        }
        if let Some(service) = plan.ecs_service(&step.component) {
            let services = self.services.ok_or_else(|| self.not_mine(step))?;
            let region = plan.region(SiteName::Recovery);
            return Ok(Observation::Service {
                service: sight(services.describe(region, service.at(SiteName::Recovery)).await),
            });
        }
        let database = plan.rds_instance(&step.component).ok_or_else(|| {
            RecoveryError::new(Code::ComponentNotInPlan, format!("the plan has no database {}", step.component))
        })?;
        let (primary_region, recovery_region) = (plan.region(SiteName::Primary), plan.region(SiteName::Recovery));
        match step.kind {
            StepKind::ForceFailover | StepKind::Fence => Ok(self.instance(primary_region, &database.primary.id).await),
            StepKind::Validate => {
                let moved = records.iter().any(|record| record.step.kind == StepKind::Promote);
                let (region, id) =
                    if moved { (recovery_region, &database.recovery.id) } else { (primary_region, &database.primary.id) };
                Ok(self.instance(region, id).await)
            }
            StepKind::Gate | StepKind::Promote => self.replica(plan, database, step, records, clock).await,
            StepKind::HoldWrites | StepKind::ResumeWrites => {
                let holds = self.holds.ok_or_else(|| self.not_mine(step))?;
                let reads = database.holds.iter().map(|hold| holds.read(hold)).collect();
                Ok(Observation::Holds { points: side_by_side(reads).await })
            }
            StepKind::Repoint => self.places(plan, recovery_region, database, step).await,
        }
    }

    async fn instance(&self, region: &Region, id: &InstanceId) -> Observation {
        let instance = sight(self.databases.describe(region, id).await);
        let endpoint = instance.found().and_then(InstanceView::endpoint);
        let connection = match (self.probes, endpoint) {
            (Some(probes), Some((host, port))) => probes.connect(&host, port).await,
            _ => Connection::NotTried,
        };
        Observation::Instance { instance, connection }
    }

    async fn replica(
        &self,
        plan: &Plan,
        database: &RdsInstance,
        step: &PlannedStep,
        records: &[StepRecord],
        clock: &dyn Clock,
    ) -> Result<Observation, RecoveryError> {
        let (lags, probes) =
            (self.lags.ok_or_else(|| self.not_mine(step))?, self.probes.ok_or_else(|| self.not_mine(step))?);
        let (region, id) = (plan.region(SiteName::Recovery), &database.recovery.id);
        let replica = self.databases.describe(region, id);
        let fenced = records.iter().map(|record| (&record.step, &record.memory.fence));
        let fenced = fenced.filter(|(of, _)| of.kind == StepKind::Fence && of.component == step.component);
        let proven = fenced.filter(|(_, fence)| fence.proof.is_some()).find_map(|(_, fence)| fence.endpoint.as_ref());
        let primary = self.old_primary(plan.region(SiteName::Primary), &database.primary.id, probes, proven);
        let (replica, (primary, primary_connection)) = join(replica, primary).await;
        let replica = sight(replica);
        let standalone =
            replica.found().filter(|found| found.is_standalone() && found.serves()).and_then(InstanceView::endpoint);
        let (mut lag, mut connection, mut written) = (None, Connection::NotTried, None);
        if let Some((host, port)) = standalone.filter(|_| step.kind == StepKind::Promote) {
            connection = probes.connect(&host, port).await;
            if let Some(probe) = &database.write_probe {
                written = Some(sight(probes.write(region, &probe.lambda, &host, port).await));
            }
        } else {
            lag = newest_lag(lags, region, id, clock).await;
        }
        Ok(Observation::Replica { replica, primary, primary_connection, lag, connection, written })
    }

    /// Describes the old primary, and probes it where it was fenced in case that fails. Side by side: in a dark Region each takes two
    /// seconds to give up, and an invocation acts only in its first four.
    async fn old_primary(
        &self,
        region: &Region,
        id: &InstanceId,
        probes: &dyn Probes,
        fenced: Option<&(String, u16)>,
    ) -> (Sight<InstanceView>, Connection) {
        let probe = pin!(async {
            match fenced {
                Some((host, port)) => probes.connect(host, *port).await,
                None => Connection::NotTried,
            }
        });
        match select(self.databases.describe_briefly(region, id), probe).await {
            Either::Left((described, probe)) => match sight(described) {
                unreached @ Sight::Unreached { .. } => (unreached, probe.await),
                seen => (seen, Connection::NotTried),
            },
            Either::Right((connection, described)) => (sight(described.await), connection),
        }
    }

    async fn places(
        &self,
        plan: &Plan,
        region: &Region,
        database: &RdsInstance,
        step: &PlannedStep,
    ) -> Result<Observation, RecoveryError> {
        let (stores, services) =
            (self.places.ok_or_else(|| self.not_mine(step))?, self.services.ok_or_else(|| self.not_mine(step))?);
        let consumers: BTreeMap<&ComponentName, &EcsService> = database
            .endpoints
            .iter()
            .flat_map(EndpointPlace::consumers)
            .filter_map(|name| Some((name, plan.ecs_service(name)?)))
            .collect();
        let reads = database.endpoints.iter().map(|place| stores.read(place)).collect();
        let descriptions =
            consumers.values().map(|service| services.describe(region, service.at(SiteName::Recovery))).collect();
        let target = self.databases.describe(region, &database.recovery.id);
        let (target, places, views) = join3(target, side_by_side(reads), side_by_side(descriptions)).await;
        let target = sight(target);
        let consumers = consumers.keys().map(ToString::to_string).zip(views).collect();
        Ok(Observation::Places { target, places, consumers })
    }

    fn not_mine(&self, step: &PlannedStep) -> RecoveryError {
        RecoveryError::new(
            Code::StepNotForThisFunction,
            format!(
                "a {} step is run by {}, whose role can make its calls",
                step.kind.as_str(),
                step.kind.function().as_str()
            ),
        )
    }
}

/// The replica's newest usable lag. A figure that cannot be read is no figure.
pub(super) async fn newest_lag(
    lags: &dyn ReplicaLags,
    region: &Region,
    id: &InstanceId,
    clock: &dyn Clock,
) -> Option<LagSample> {
    let wanted = std::slice::from_ref(id);
    match lags.latest(region, wanted, clock.now()).await {
        Ok(samples) => samples.into_iter().next().flatten(),
        Err(error) => {
            tracing::warn!(%error, "the replica's lag could not be read");
            None
        }
    }
}

/// A port's answer as something seen.
pub(super) fn sight<T>(answer: PortResult<T>) -> Sight<T> {
    match answer {
        Ok(found) => Sight::Found { found },
        Err(error) if error.kind == FailureKind::NotFound => Sight::Absent,
        Err(error) => Sight::Unreached { reason: error.to_string() },
    }
}

/// What several reads see, in their order. They stay in this task, and so in the step's scope: none is spawned.
async fn side_by_side<T, F: Future<Output = PortResult<T>>>(reads: Vec<F>) -> Vec<Sight<T>> {
    let mut seen = Vec::with_capacity(reads.len());
    let mut reads = reads.into_iter();
    loop {
        let batch: Vec<F> = reads.by_ref().take(AT_ONCE).collect();
        if batch.is_empty() {
            return seen;
        }
        seen.extend(join_all(batch).await.into_iter().map(sight));
    }
}

#[cfg(test)]
mod tests;
