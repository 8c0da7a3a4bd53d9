//! The report of a drill: one document for programs, from which the text for people is drawn.

use jiff::Timestamp;
use rehearsal::databases::Count;
use rehearsal::stage::Stage;
use serde::Serialize;
use serde_json::Value;
use shared::domain::call::Call;

use super::checks::Check;
use super::faults::FaultOutcome;

/// What came of a drill.
#[derive(Debug, Clone, Serialize)]
pub struct DrillReport {
    /// The incident.
    pub incident_id: String,
    /// The platform.
    pub platform: String,
    /// The scenario.
    pub scenario: String,
    /// The mode that assess chose.
    pub mode: String,
    /// The declared end.
    pub status: String,
    /// Why it ended so.
    pub reason: String,
    /// What was broken, unless nothing was.
    pub broken: Option<Broken>,
    /// Objectives against what was achieved: from the journal.
    pub objectives: Value,
    /// What is behind the simulated RDS.
    pub database: String,
    /// Writes that were acknowledged to clients and are gone: from the world, which knows.
    pub lost_commits: usize,
    /// What was counted in real databases; nothing where the model stands in for them.
    pub counted: Option<Count>,
    /// Writes acknowledged before the break.
    pub writes_before: u64,
    /// Writes acknowledged after it.
    pub writes_after: u64,
    /// What was promised, and what was done.
    pub calls: Calls,
    /// What independent eyes see.
    pub independent_checks: Vec<Check>,
    /// What was broken besides the database, and what came of that.
    pub faults: Vec<FaultOutcome>,
    /// Simulated seconds by which each step's budget and the loss allowed in advance were lengthened for the faults: those that
    /// last real seconds last `speed` times as long on the simulated clock.
    pub lengthened_s: u64,
    /// The steps with their times.
    pub steps: Vec<StepTime>,
    /// What a person should know although it stopped nothing.
    pub notes: Vec<String>,
    /// What is left to a person.
    pub commands_left: Vec<String>,
    /// The evidence, in order.
    pub timeline: Vec<Moment>,
    /// What this rehearsal does not show.
    pub not_rehearsed: NotRehearsed,
    /// The seed.
    pub seed: u64,
    /// Simulated seconds in a real one.
    pub speed: f64,
}

impl DrillReport {
    /// Whether the incident completed, every objective was met and every independent check agreed. With faults: whether each of
    /// them struck, the incident ended as one of them allows, and every check agreed.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let checked = !self.independent_checks.is_empty() && self.independent_checks.iter().all(|check| check.ok);
        if !self.faults.is_empty() {
            let expected = self.faults.iter().any(|fault| fault.good_ends.contains(&self.status.as_str()));
            return checked && expected && self.faults.iter().all(FaultOutcome::is_struck);
        }
        let met = |figure: Option<&Value>| {
            figure.is_none_or(|figure| figure.is_null() || figure.get("met").and_then(Value::as_bool) == Some(true))
        };
        let objectives = self.objectives.as_array().map(Vec::as_slice).unwrap_or_default();
        self.status == "completed"
            && !objectives.is_empty()
            && objectives.iter().all(|objective| met(objective.get("rto")) && met(objective.get("rpo")))
            && checked
    }
}

/// What was broken.
#[derive(Debug, Clone, Serialize)]
pub struct Broken {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: String,
    /// How long the alarm took to notice; apart from the RTO, which runs from the alarm.
    pub alarm_after_s: Option<i64>,
}

/// Promised and made, in one normal form.
#[derive(Debug, Clone, Serialize)]
pub struct Calls {
    /// By the dry run.
    pub predicted: Vec<Call>,
    /// By the wire's log.
    pub made: Vec<Value>,
}

/// One moment of the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// The step, or `incident`.
    pub step: String,
    /// What happened.
    pub event: String,
    /// Why.
    pub reason: String,
}

impl Moment {
    pub(super) fn of(entry: &Value) -> Option<Self> {
        let text = |name: &str| entry.get(name)?.as_str().map(str::to_owned);
        Some(Self { at: text("at")?.parse().ok()?, step: text("about")?, event: text("event")?, reason: text("reason")? })
    }
}

/// One step and how long it took.
#[derive(Debug, Clone, Serialize)]
pub struct StepTime {
    /// The step.
    pub step: String,
    /// Its phase.
    pub phase: String,
    /// Where it ended.
    pub status: String,
    /// Simulated seconds from its first attempt to its end.
    pub seconds: Option<i64>,
    /// Attempts.
    pub attempts: u64,
    /// The last reason.
    pub reason: String,
}

impl StepTime {
    pub(super) fn of(report: &Value) -> Vec<Self> {
        let steps = report.get("steps").and_then(Value::as_array);
        steps
            .into_iter()
            .flatten()
            .map(|step| {
                let text = |name: &str| step.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                let time = |name: &str| text(name).parse::<Timestamp>().ok();
                let seconds = time("started_at").zip(time("ended_at")).map(|(from, to)| to.duration_since(from).as_secs());
                Self {
                    step: text("step"),
                    phase: text("phase"),
                    status: text("status"),
                    seconds,
                    attempts: step.get("attempts").and_then(Value::as_u64).unwrap_or_default(),
                    reason: text("reason"),
                }
            })
            .collect()
    }
}

/// What the emulator dropped or does not enforce, and what of the world was never checked against AWS: nothing unrehearsed may
/// look rehearsed.
#[derive(Debug, Clone, Serialize)]
pub struct NotRehearsed {
    /// Parts of the template that the emulator cannot deploy.
    pub dropped: Vec<String>,
    /// What it stores and does not act on.
    pub not_enforced: Vec<String>,
    /// Deployed and not read back.
    pub unverified: Vec<String>,
    /// Operations whose authorization was not checked.
    pub authorization_unchecked: Vec<String>,
    /// Operations that the emulator denies although the role allows them, so that the proxy judged the role itself.
    pub authorized_by_proxy: Vec<String>,
    /// Rules of the world that this run rested on and that no source confirms.
    pub unverified_rules: Vec<String>,
}

impl NotRehearsed {
    pub(super) fn of(stage: &Stage, mark: u64) -> Self {
        let deployment = &stage.deployment;
        let mut by_proxy: Vec<String> = stage
            .log
            .authorized_by_proxy()
            .into_iter()
            .map(|record| format!("{}:{} in {}", record.service, record.operation, record.region))
            .collect();
        by_proxy.sort();
        by_proxy.dedup();
        Self {
            dropped: deployment
                .dropped
                .iter()
                .map(|each| format!("{} ({}): {}", each.resource, each.kind, each.reason))
                .collect(),
            not_enforced: deployment.not_enforced.iter().map(|each| format!("{}: {}", each.what, each.meaning)).collect(),
            unverified: deployment.unverified.iter().map(|each| format!("{} ({})", each.resource, each.kind)).collect(),
            authorization_unchecked: stage.unchecked_operations(mark).into_iter().collect(),
            authorized_by_proxy: by_proxy,
            unverified_rules: stage.unverified_facts(),
        }
    }
}
