//! What was called and what came of it: the basis of every "exactly once" and "nothing else" that the tests assert.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rehearsal_world::InstanceKey;
use shared::domain::call::Call;
use shared::domain::identifier::{IncidentId, InstanceId, Region, StepId};
use shared::domain::incident::{Incident, IncidentStatus, Origin, PlatformState};
use shared::domain::may::may;
use shared::domain::mutation::{Mutation, Performed};
use shared::domain::plan::{ApprovalRule, Component};
use shared::domain::step::{EffectOutcome, FunctionName, StepRecord};
use shared::ports::PortResult;

use super::cloud::State;
use super::face::{carry_out, target};
use super::invariants::{Invariant, Violation};

/// One call of a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortCall {
    /// Counted over the whole run.
    pub number: usize,
    /// When.
    pub at: Timestamp,
    /// Whose call it is.
    pub function: Option<FunctionName>,
    /// Region.
    pub region: Region,
    /// The service's signing name.
    pub service: &'static str,
    /// The operation.
    pub operation: &'static str,
    /// What it was about.
    pub resource: String,
    /// `<step>#<ordinal>` when it was made for a step.
    pub label: Option<String>,
}

/// One mutation that was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// When.
    pub at: Timestamp,
    /// The incident whose journal announced it.
    pub incident: Option<IncidentId>,
    /// The step that made it.
    pub step: StepId,
    /// Which of the step's mutations it was.
    pub ordinal: u32,
    /// What was sent.
    pub mutation: Mutation,
    /// Whether the service carried it out.
    pub took_effect: bool,
}

impl Effect {
    /// In the normal form in which dry runs predict.
    #[must_use]
    pub fn call(&self) -> Call {
        Call::of(&self.step, self.ordinal, &self.mutation)
    }
}

/// Reads `<step>#<ordinal>`.
pub(crate) fn step_of_label(label: &str) -> Option<(StepId, u32)> {
    let (step, ordinal) = label.rsplit_once('#')?;
    Some((StepId::new(step).ok()?, ordinal.parse().ok()?))
}

impl State {
    /// Carries a mutation out, whoever may still hear the answer, and keeps the account of it.
    pub(crate) fn make(&mut self, label: &str, mutation: &Mutation) -> PortResult<Performed> {
        let announced = self.announcing(label, mutation);
        self.judge_call(label, mutation, announced.as_ref());
        let answer = carry_out(self, mutation);
        if let Some((step, ordinal)) = step_of_label(label) {
            let (at, took_effect) = (self.now, answer.is_ok());
            let incident = announced.map(|(incident, _)| incident.id);
            self.effects.push(Effect { at, incident, step, ordinal, mutation: mutation.clone(), took_effect });
        }
        answer
    }

    /// The incident and the step whose record announces this very mutation, without an outcome yet.
    fn announcing(&self, label: &str, mutation: &Mutation) -> Option<(Incident, StepRecord)> {
        let (step, ordinal) = step_of_label(label)?;
        let name = format!("step#{step}");
        let records = self.journal.documents().filter(|(_, document, _)| *document == name);
        let announcing = records.filter_map(|(partition, _, content)| {
            let record: StepRecord = serde_json::from_str(content).ok()?;
            let intended = record.effects.iter().any(|effect| {
                let open = matches!(effect.outcome, None | Some(EffectOutcome::Unknown { .. }));
                effect.ordinal == ordinal && &effect.mutation == mutation && open
            });
            let incident = serde_json::from_str(self.journal.content(partition, "incident")?).ok()?;
            intended.then_some((incident, record))
        });
        // Of several incidents with the same intent it is the latest one's.
        announcing.max_by_key(|(incident, _): &(Incident, StepRecord)| incident.generation)
    }

    /// Whether this call may be made now, by what the journal says at this very moment.
    fn judge_call(&mut self, label: &str, mutation: &Mutation, announced: Option<&(Incident, StepRecord)>) {
        let Some((incident, record)) = announced else {
            let sentence = format!("{label} made a call that the journal does not announce: {mutation:?}");
            self.violate(Invariant::JournalledFirst, sentence);
            return;
        };
        if !matches!(incident.status, IncidentStatus::Declared | IncidentStatus::Running | IncidentStatus::Stuck) {
            let sentence = format!("{label} of {} acted after its end as {}", incident.id, incident.status.as_str());
            self.violate(Invariant::GenerationsGrow, sentence);
        }
        let intended = step_of_label(label).and_then(|(_, ordinal)| {
            record.effects.iter().find(|effect| effect.ordinal == ordinal).map(|effect| effect.intended_at)
        });
        if incident.ended_at.zip(intended).is_some_and(|(ended, intended)| intended > ended) {
            let sentence = format!("{label} of {} was begun after the incident had ended", incident.id);
            self.violate(Invariant::GenerationsGrow, sentence);
        }
        let newest = self.journal.content(&format!("platform#{}", self.plan.platform), "state");
        let newest: Option<PlatformState> = newest.and_then(|content| serde_json::from_str(content).ok());
        if newest.is_some_and(|newest| newest.generation > incident.generation) {
            let sentence = format!("{label} of {} acted after a later recovery had been declared", incident.id);
            self.violate(Invariant::GenerationsGrow, sentence);
        }
        let (operation, region, resource) = target(mutation);
        let inside = may(&self.plan, &record.step).iter().any(|permitted| {
            (permitted.service.as_str(), permitted.operation.as_str()) == operation
                && &permitted.region == region
                && permitted.resource == resource
        });
        if !inside {
            let sentence = format!("{label} called {operation:?} on {resource} in {region}, which it must not");
            self.violate(Invariant::InsideMay, sentence);
        }
        if let Mutation::PromoteReplica { region, instance, .. } = mutation {
            self.judge_promotion(incident, record, region, instance);
        }
    }

    /// Whether the old primary is fenced, or somebody allowed that it is not; and whether anybody knows what would be lost.
    fn judge_promotion(&mut self, incident: &Incident, promoting: &StepRecord, region: &Region, replica: &InstanceId) {
        let now = self.now;
        let Some(scenario) = self.plan.scenarios.get(&incident.scenario) else { return };
        let until_today = |last: &jiff::civil::Date| now.to_zoned(TimeZone::UTC).date() <= *last;
        let allowed_before = scenario.preauthorised.as_ref().filter(|allowed| until_today(&allowed.until));
        // A verdict is about one database: the one whose gate or promotion asked.
        let asked = format!("-{}", promoting.step.component);
        let approvals = || {
            let approved = incident.verdicts.iter().filter(|verdict| verdict.approved);
            approved.filter(|verdict| verdict.step.as_str().ends_with(&asked))
        };
        let unfenced_approved = approvals().any(|verdict| verdict.unproven_fence);
        let unfenced_allowed = allowed_before.is_some_and(|allowed| allowed.unproven_fence) || unfenced_approved;
        let unknown_allowed = approvals().any(|verdict| verdict.loss_up_to.is_none());
        let approved = approvals().next().is_some();
        let asked_always = scenario.approval == ApprovalRule::Required;
        let key = InstanceKey::new(region.as_str(), replica.as_str());
        let source = self.source_of(replica);
        let writable = self.world.writable_instances(now);
        if let Some(source) = source.filter(|source| writable.iter().any(|writable| writable.instance == *source))
            && !unfenced_allowed
        {
            let sentence = format!("{source} still took writes when {key} was promoted, and nobody had allowed that");
            self.violate(Invariant::FencedOrAllowed, sentence);
        }
        // Who approves of an unproven fence was told that the old primary may still take writes: it is that person's word then.
        if !self.befallen && !unfenced_approved && matches!(incident.origin, Origin::Alarm { .. }) {
            let sentence = format!("{key} was promoted beside a healthy primary because an alarm said so");
            self.violate(Invariant::UnsureHolds, sentence);
        }
        if asked_always && !approved {
            self.violate(Invariant::FencedOrAllowed, format!("{key} was promoted, and the plan says to ask first"));
        }
        if matches!(self.newest_lag(region.as_str(), replica.as_str()), Ok(None)) && !unknown_allowed {
            let sentence = format!("{key} was promoted, nobody knew how far behind it was, and nobody had allowed that");
            self.violate(Invariant::UnsureHolds, sentence);
        }
    }

    fn source_of(&self, replica: &InstanceId) -> Option<InstanceKey> {
        let region = self.plan.sites.primary.region.as_str();
        let mut databases = self.plan.components.values().filter_map(|component| match component {
            Component::RdsInstance(database) => Some(database),
            _ => None,
        });
        let database = databases.find(|database| database.recovery.id == *replica)?;
        Some(InstanceKey::new(region, database.primary.id.as_str()))
    }

    /// Notes that an invariant does not hold.
    pub(crate) fn violate(&mut self, invariant: Invariant, sentence: String) {
        let at = self.now;
        if !self.violations.iter().any(|known| known.invariant == invariant && known.sentence == sentence) {
            self.violations.push(Violation { invariant, at, sentence });
        }
    }
}
