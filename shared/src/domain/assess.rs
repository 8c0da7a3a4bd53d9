//! What is the matter, and which branch of the scenario answers it. Decided once, before anything is held.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::duration::Seconds;
use super::identifier::{ComponentName, Digest};
use super::incident::{Mode, Origin};
use super::observation::{Connection, InstanceView, LagSample, Sight};
use super::plan::{Condition, Plan, RdsInstance, Scenario, SiteName};
use super::step::{PlannedStep, StepKind};
use crate::guard::{self, Guard};

impl DatabaseSituation {
    /// Whether the primary takes connections somewhere, and we could not even try one.
    #[must_use]
    pub fn primary_could_not_be_probed(&self) -> bool {
        let known = self.primary.found().is_some_and(|primary| primary.endpoint().is_some());
        known && self.primary_connection == Connection::NotTried
    }
}

/// What assess saw of the scenario's database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseSituation {
    /// The component.
    pub component: ComponentName,
    /// The primary as described.
    pub primary: Sight<InstanceView>,
    /// What a new connection to the primary found.
    pub primary_connection: Connection,
    /// The replica as described.
    pub replica: Sight<InstanceView>,
    /// The replica's lag.
    pub lag: Option<LagSample>,
    /// The newest automated snapshot of the primary.
    pub newest_snapshot: Option<super::observation::SnapshotView>,
}

/// What assess decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// When.
    pub at: Timestamp,
    /// The mode that the recovery has from now on.
    pub mode: Mode,
    /// The way on.
    pub course: Course,
    /// Why, as a sentence.
    pub reason: String,
    /// Whether an alarm alone said that the primary is down, because no connection to it could be tried.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub on_an_alarms_word: bool,
    /// The digest of what was seen.
    pub basis: Digest,
}

/// The way on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "course", rename_all = "snake_case")]
pub enum Course {
    /// Run this branch of the scenario.
    Branch {
        /// Its index.
        index: usize,
    },
    /// Nothing that the plan knows can be promoted: hold writes, and a person decides on a restore.
    HoldOnly {
        /// The waves of the hold.
        waves: Vec<Vec<PlannedStep>>,
        /// The restore it proposes, as commands.
        proposed: Vec<String>,
    },
    /// Do nothing and page: acting could make it worse.
    StandDown,
}

impl Course {
    /// The waves that this course runs.
    #[must_use]
    pub fn waves(&self, scenario: &Scenario) -> Vec<Vec<PlannedStep>> {
        match self {
            Self::Branch { index } => scenario
                .branches
                .as_slice()
                .get(*index)
                .map(|branch| branch.waves.iter().map(|wave| wave.as_slice().to_vec()).collect())
                .unwrap_or_default(),
            Self::HoldOnly { waves, .. } => waves.clone(),
            Self::StandDown => Vec::new(),
        }
    }
}

/// The database that a scenario is about: the first one that a step of it names.
#[must_use]
pub fn subject<'a>(plan: &'a Plan, scenario: &Scenario) -> Option<(ComponentName, &'a RdsInstance)> {
    let steps = scenario.branches.iter().flat_map(|branch| branch.waves.iter()).flat_map(|wave| wave.iter());
    steps.filter_map(|step| plan.rds_instance(&step.component).map(|database| (step.component.clone(), database))).next()
}

/// Chooses the course.
#[must_use]
pub fn assess(
    plan: &Plan,
    scenario: &Scenario,
    origin: &Origin,
    situation: &DatabaseSituation,
    now: Timestamp,
) -> Assessment {
    let basis = Digest::of_json(situation);
    let answers = situation.primary_connection == Connection::Answers;
    let asked = match origin {
        Origin::Alarm { .. } => Some(Mode::Ungraceful),
        Origin::Operator { mode, .. } => *mode,
    };
    let mode = match asked {
        Some(mode) => mode,
        None if answers => Mode::Graceful,
        None => Mode::Ungraceful,
    };
    let (course, reason) = choose(plan, scenario, situation, mode, origin);
    let on_an_alarms_word = matches!(origin, Origin::Alarm { .. }) && situation.primary_connection == Connection::NotTried;
    Assessment { at: now, mode, course, reason, on_an_alarms_word, basis }
}

fn choose(plan: &Plan, scenario: &Scenario, situation: &DatabaseSituation, mode: Mode, origin: &Origin) -> (Course, String) {
    let answers = situation.primary_connection == Connection::Answers;
    let by_alarm = matches!(origin, Origin::Alarm { .. });
    let came_from_ok = !matches!(origin, Origin::Alarm { previous: Some(previous), .. } if previous != "OK");
    if !came_from_ok && matches!(situation.primary_connection, Connection::NotTried | Connection::TimedOut) {
        // A freshly deployed alarm over a probe that does not publish yet goes from INSUFFICIENT_DATA to ALARM by itself.
        return (
            Course::StandDown,
            "the alarm came out of INSUFFICIENT_DATA and nothing else says that the database is down, so nothing was done"
                .to_owned(),
        );
    }
    if by_alarm && answers && !guard::removed(Guard::AnsweringStandsDown) {
        return (
            Course::StandDown,
            "the alarm says that the database is down, but it answers us: promoting now could split it in two, so nothing was \
             done; an operator who knows better starts it with mode graceful or ungraceful"
                .to_owned(),
        );
    }
    if by_alarm
        && situation.primary_could_not_be_probed()
        && situation.primary.found().is_some_and(InstanceView::is_available)
        && !guard::removed(Guard::ProbeTriedAgain)
    {
        // What keeps us from probing, a name server say, may be what raised the alarm.
        return (
            Course::StandDown,
            "the alarm says that the database is down, but RDS calls it available and no connection to it could even be tried, so \
             nothing was done; an operator who knows better starts it with mode ungraceful"
                .to_owned(),
        );
    }
    if mode == Mode::Graceful && !answers {
        return (
            Course::StandDown,
            "a graceful switchover was asked for, but the primary does not answer, so nothing can be waited for; start it again \
             with mode ungraceful"
                .to_owned(),
        );
    }
    for (index, branch) in scenario.branches.iter().enumerate() {
        match branch.when {
            Condition::MultiAzAvailable => {
                if let Some(primary) = situation.primary.found().filter(|primary| primary.multi_az && primary.is_available())
                {
                    let zone = primary.availability_zone.as_deref().unwrap_or("its zone");
                    return (
                        Course::Branch { index },
                        format!("the primary is Multi-AZ and available in {zone}, so a forced failover loses nothing"),
                    );
                }
            }
            Condition::Otherwise => {
                let promotes = branch.waves.iter().flatten().any(|step| step.kind == StepKind::Promote);
                if !promotes {
                    return (Course::Branch { index }, "the scenario has no other branch".to_owned());
                }
                return match replica_can_be_promoted(plan, situation) {
                    Ok(why) => (Course::Branch { index }, why),
                    Err(why_not) => hold_only(plan, scenario, situation, index, &why_not),
                };
            }
        }
    }
    (Course::StandDown, "no branch of the scenario applies".to_owned())
}

fn replica_can_be_promoted(plan: &Plan, situation: &DatabaseSituation) -> Result<String, String> {
    let Some(replica) = situation.replica.found() else {
        return Err(format!("the replica cannot be promoted: {}", situation.replica.why_not()));
    };
    if replica.is_standalone() {
        return Err(
            "the plan's replica replicates from nobody: it was promoted or detached before, so it does not hold the \
                    primary's data"
                .to_owned(),
        );
    }
    let of_another = |database: &RdsInstance| replica.of_another(plan.region(SiteName::Primary), &database.primary.id);
    if let Some(why_not) = plan.rds_instance(&situation.component).and_then(of_another) {
        return Err(format!("the replica must not be promoted: {why_not}"));
    }
    let hopeless =
        ["failed", "deleting", "incompatible-restore", "incompatible-network", "inaccessible-encryption-credentials"];
    if hopeless.contains(&replica.status.as_str()) {
        return Err(format!("the replica is {}", replica.status));
    }
    let lag = situation
        .lag
        .as_ref()
        .map_or_else(|| "of unknown lag".to_owned(), |sample| format!("{} behind at {}", sample.lag, sample.observed_at));
    Ok(format!("the primary cannot fail over within its Region, and the replica is {} and {lag}", replica.status))
}

fn hold_only(plan: &Plan, scenario: &Scenario, situation: &DatabaseSituation, index: usize, why: &str) -> (Course, String) {
    let branch = scenario.branches.as_slice().get(index);
    let holds: Vec<Vec<PlannedStep>> = branch
        .iter()
        .flat_map(|branch| branch.waves.iter())
        .map(|wave| wave.iter().filter(|step| step.kind == StepKind::HoldWrites).cloned().collect::<Vec<_>>())
        .filter(|wave| !wave.is_empty())
        .collect();
    let proposed = propose_restore(plan, situation);
    let reason = format!("{why}; writes are held, and a person decides on the restore that is proposed");
    (Course::HoldOnly { waves: holds, proposed }, reason)
}

/// The restore that a person could run: to a new instance, never over the old one, and with what a restore would otherwise
/// silently set to defaults named (RestoreDBInstanceToPointInTime).
fn propose_restore(plan: &Plan, situation: &DatabaseSituation) -> Vec<String> {
    let Some(database) = plan.rds_instance(&situation.component) else {
        return Vec::new();
    };
    let region = &plan.sites.primary.region;
    let source = &database.primary.id;
    let mut commands = vec![format!(
        "aws rds restore-db-instance-to-point-in-time --region {region} --source-db-instance-identifier {source} \
         --target-db-instance-identifier {source}-restored --use-latest-restorable-time --db-subnet-group-name <as {source}> \
         --vpc-security-group-ids <as {source}> --db-parameter-group-name <as {source}> --multi-az"
    )];
    if let Some(snapshot) = &situation.newest_snapshot {
        commands.push(format!(
            "aws rds restore-db-instance-from-db-snapshot --region {region} --db-snapshot-identifier {} \
             --db-instance-identifier {source}-restored --db-subnet-group-name <as {source}> \
             --vpc-security-group-ids <as {source}> --db-parameter-group-name <as {source}> --multi-az  # made {}",
            snapshot.id, snapshot.created_at
        ));
    }
    commands
}

/// The state machine's own limit (`TimeoutSeconds` of the definition). It is the second net; the watchdog's deadline comes first.
pub const LONGEST_EXECUTION: Seconds = Seconds(14_400);

/// How long an incident may take altogether: every wave's longest step, twice (forward, and back if it must), one wait for a
/// person, and ten minutes for starting and reporting. Past it the watchdog ends the incident.
#[must_use]
pub fn longest_incident(scenario: &Scenario) -> Seconds {
    let branch_budget = |branch: &super::plan::Branch| {
        let waves = branch.waves.iter();
        let longest = waves.map(|wave| wave.iter().map(|step| scenario.budget(step.kind)).max().unwrap_or_default());
        longest.fold(Seconds(0), Seconds::plus)
    };
    let longest = scenario.branches.iter().map(branch_budget).max().unwrap_or_default();
    longest_with(longest, scenario.approval_timeout)
}

/// The same for a branch of this length.
#[must_use]
pub fn longest_with(branch: Seconds, approval_timeout: Seconds) -> Seconds {
    branch.plus(branch).plus(approval_timeout).plus(Seconds(600))
}
