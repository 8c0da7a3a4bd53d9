//! One incident to be tried: what the platform is like, what befalls it, who is told, and what goes wrong meanwhile. All of it from
//! one seed, and small enough to be read.

use std::collections::BTreeSet;
use std::time::Duration;

use rehearsal_world::Breakage;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::domain::duration::Seconds;
use shared::domain::identifier::{Digest, ScenarioName};
use shared::domain::incident::Question;
use shared::domain::mutation::Mutation;
use shared::domain::plan::{ApprovalRule, Plan};
use shared::domain::step::{Direction, FunctionName, StepKind};
use shared::events::request::CommandName;

use super::chance::Chance;
use super::faults::Fault;
use super::platform::{Platform, keys};
use super::simulation::Simulation;

/// What the platform is like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// The primary has a standby in another zone.
    pub multi_az: bool,
    /// Writes are held at an HTTP API.
    pub http_api: bool,
    /// The plan says to ask before each promotion.
    pub approval_required: bool,
    /// The plan lets nobody promote an unfenced primary's replica without being asked.
    pub unproven_fence_allowed: bool,
    /// The isolation group lets clients in all the same.
    pub isolation_leaks: bool,
    /// How much loss the plan allows in advance.
    pub loss_allowed_s: u64,
    /// Figures of the lag are readable only five minutes later.
    pub metrics_late: bool,
    /// Replication came to a halt shortly before the disaster.
    pub stalled_before: bool,
    /// How far the replica is behind.
    pub lag_s: u64,
    /// The replica's lag is not published.
    pub lag_unknown: bool,
    /// The plan gives the repointing so little time that half of it is over before a late request takes effect.
    pub hasty: bool,
}

/// What befalls the primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disaster {
    /// It takes connections and answers nothing; a reboot revives it.
    Hung,
    /// It fails for good.
    Failed,
    /// Nobody reaches it from the recovery Region, while the clients beside it go on writing.
    Partitioned,
    /// The same, and the Region's control plane does not answer either.
    CutOff,
    /// Nothing at all: the alarm is false.
    None,
}

/// Who starts the recovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// An alarm, once.
    Alarm,
    /// An alarm, delivered three times within seconds.
    AlarmThrice,
    /// An operator.
    Operator,
    /// An operator and the alarm together.
    Both,
}

/// What the person on call does when a question is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Person {
    /// Sleeps.
    Absent,
    /// Says yes.
    Approves,
    /// Says no.
    Rejects,
    /// Reads the first question, thinks for a minute, and says yes to it, whatever is asked by then.
    ApprovesTheFirst,
}

/// Something that happens at some time, whatever the recovery is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    /// The old primary comes back: what was hung answers again, what was cut off is reachable.
    PrimaryReturns,
    /// The journal does not answer for so many seconds.
    JournalAway(u64),
    /// The watchdog comes at a time of its own.
    Watchdog,
    /// The watchdog does not come for so many minutes.
    WatchdogAway(u64),
    /// A second driver runs the same incident beside the first.
    SecondDriver,
    /// The execution is stopped by hand.
    ExecutionStopped,
    /// Step Functions stands still.
    ExecutionStalled,
    /// The alarm is delivered again.
    AlarmAgain,
    /// An operator asks for the same.
    OperatorToo,
    /// Somebody gives the old primary its security groups back, before the replica is promoted.
    FenceLiftedByHand,
    /// The replica fails for good.
    ReplicaFails,
    /// The replica turns out to be one of another database, under the name that the plan knows.
    ReplicaOfAnother,
    /// Replication comes to a halt, while the figure of its lag is still that of before.
    ReplicationStalls,
    /// RDS in this site's Region throttles so many calls: `true` for the primary's.
    Throttling(bool, u32),
    /// The control plane of RDS in the primary's Region does not answer for so many seconds.
    ControlPlaneDark(u64),
    /// The primary's Region is cut off for so many seconds.
    RegionDark(u64),
    /// The clock of the next invocations but so many is off by so many seconds.
    ClockOff(usize, i64),
    /// An operator gives this command. What it names is what an operator would see then: the latest incident, the standing question,
    /// the first step that is not settled.
    Ordered(CommandName),
}

/// A fault at one call, counted from the trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Strike {
    /// Which call.
    pub call: usize,
    /// What happens to it.
    pub fault: Fault,
}

/// One incident to be tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// The seed of everything that varies in the world itself.
    pub seed: u64,
    /// What the platform is like.
    pub setting: Setting,
    /// What befalls it.
    pub disaster: Disaster,
    /// Who starts the recovery.
    pub trigger: Trigger,
    /// Who answers questions.
    pub person: Person,
    /// What strikes single calls.
    pub strikes: Vec<Strike>,
    /// What happens besides: milliseconds after the trigger, and what.
    pub happenings: Vec<(u64, Happening)>,
}

/// Calls of a whole recovery, about: later strikes hit undo, retries and watchdogs.
const CALLS: u64 = 420;
/// Less than twice the time after which a late request takes effect.
const HASTY: Seconds = Seconds(80);
/// Seconds of a whole recovery, about.
const SECONDS: u64 = 420;

impl Case {
    /// An ordinary incident: the primary hangs, the alarm says so, nothing else goes wrong.
    #[must_use]
    pub fn plain(seed: u64) -> Self {
        Self {
            seed,
            setting: Setting {
                multi_az: false,
                http_api: false,
                approval_required: false,
                unproven_fence_allowed: false,
                isolation_leaks: false,
                loss_allowed_s: 600,
                metrics_late: false,
                stalled_before: false,
                lag_s: 5,
                lag_unknown: false,
                hasty: false,
            },
            disaster: Disaster::Hung,
            trigger: Trigger::Alarm,
            person: Person::Absent,
            strikes: Vec::new(),
            happenings: Vec::new(),
        }
    }

    /// The incident of this seed.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        let chance = &mut Chance::new(seed);
        let setting = Setting {
            multi_az: chance.percent(15),
            http_api: chance.percent(15),
            approval_required: chance.percent(25),
            unproven_fence_allowed: chance.percent(10),
            isolation_leaks: chance.percent(10),
            loss_allowed_s: *chance.one_of(&[60, 600]),
            metrics_late: chance.percent(10),
            stalled_before: chance.percent(10),
            lag_s: *chance.one_of(&[0, 1, 5, 5, 5, 20, 120, 400, 1_200]),
            lag_unknown: chance.percent(5),
            hasty: chance.percent(20),
        };
        let disaster = *chance.one_of(&[
            Disaster::Hung,
            Disaster::Hung,
            Disaster::Hung,
            Disaster::Failed,
            Disaster::Partitioned,
            Disaster::CutOff,
            Disaster::None,
            Disaster::None,
        ]);
        let trigger =
            *chance.one_of(&[Trigger::Alarm, Trigger::Alarm, Trigger::AlarmThrice, Trigger::Operator, Trigger::Both]);
        let person =
            *chance.one_of(&[Person::Absent, Person::Approves, Person::Approves, Person::Rejects, Person::ApprovesTheFirst]);
        let strikes = (0..chance.below(5)).map(|_| Self::strike(chance)).collect();
        let mut happenings: Vec<(u64, Happening)> =
            (0..chance.below(4)).map(|_| (1_000 * chance.below(SECONDS), Self::happening(chance))).collect();
        // Drawn last, so that a seed stays the incident that it was. Half of them hold before anybody looks.
        if chance.percent(4) {
            let after = if chance.percent(50) { 0 } else { 1_000 * chance.below(SECONDS / 2) };
            happenings.push((after, Happening::ReplicaOfAnother));
        }
        Self { seed, setting, disaster, trigger, person, strikes, happenings }
    }

    /// What is special about it, by name.
    #[must_use]
    pub fn circumstances(&self) -> BTreeSet<String> {
        let word = |value: Value| match value {
            Value::String(word) => word,
            Value::Object(object) => object.keys().next().cloned().unwrap_or_default(),
            _ => String::new(),
        };
        let happened = self.happenings.iter().map(|(_, happening)| match happening {
            Happening::Ordered(command) => format!("ordered_{}", command.as_str()),
            other => word(json!(other)),
        });
        let mut found: BTreeSet<String> = happened.collect();
        found.extend([
            format!("disaster_{}", word(json!(self.disaster))),
            format!("trigger_{}", word(json!(self.trigger))),
            format!("person_{}", word(json!(self.person))),
        ]);
        let Setting { multi_az, http_api, approval_required, unproven_fence_allowed, lag_unknown, lag_s, .. } = self.setting;
        for (holds, name) in [
            (multi_az, "multi_az"),
            (http_api, "http_api"),
            (approval_required, "approval_required"),
            (unproven_fence_allowed, "unproven_fence_allowed"),
            (lag_unknown, "lag_unknown"),
            (self.setting.hasty, "hasty"),
            (self.setting.isolation_leaks, "isolation_leaks"),
            (self.setting.metrics_late, "metrics_late"),
            (self.setting.stalled_before, "stalled_before"),
            (lag_s > 300, "lag_beyond_what_was_allowed"),
        ] {
            if holds {
                found.insert(name.to_owned());
            }
        }
        found
    }

    fn strike(chance: &mut Chance) -> Strike {
        let call = usize::try_from(chance.below(CALLS)).unwrap_or_default();
        Strike { call, fault: *chance.one_of(&Fault::ALL) }
    }

    fn happening(chance: &mut Chance) -> Happening {
        match chance.below(18) {
            0 => Happening::PrimaryReturns,
            1 => Happening::JournalAway(5 + chance.below(90)),
            2 => Happening::Watchdog,
            3 => Happening::WatchdogAway(1 + chance.below(5)),
            4 => Happening::SecondDriver,
            5 => Happening::ExecutionStopped,
            6 => Happening::ExecutionStalled,
            7 => Happening::AlarmAgain,
            8 => Happening::OperatorToo,
            9 => Happening::FenceLiftedByHand,
            10 => Happening::ReplicaFails,
            11 => {
                let at_the_primary = chance.percent(50);
                Happening::Throttling(at_the_primary, u32::try_from(1 + chance.below(12)).unwrap_or(1))
            }
            12 => Happening::ControlPlaneDark(5 + chance.below(200)),
            13 => Happening::RegionDark(5 + chance.below(300)),
            14 => Happening::ReplicationStalls,
            15 | 16 => Happening::Ordered(*chance.one_of(&CommandName::ALL)),
            _ => {
                let later = usize::try_from(chance.below(60)).unwrap_or_default();
                let off = *chance.one_of(&[-600, -60, -4, 4, 60, 600]);
                Happening::ClockOff(later, off)
            }
        }
    }

    /// The platform two minutes after the disaster, with the trigger pulled and everything else to come.
    #[must_use]
    pub fn set_up(&self, plan: &Plan, scenario: &ScenarioName) -> Simulation {
        let mut simulation = self.calm(plan, scenario);
        self.pull_trigger(&mut simulation, scenario);
        simulation
    }

    /// The platform two minutes after the disaster, before anybody was told.
    #[must_use]
    pub fn calm(&self, plan: &Plan, scenario: &ScenarioName) -> Simulation {
        let mut plan = plan.clone();
        if let Some(scenario) = plan.scenarios.get_mut(scenario) {
            scenario.approval =
                if self.setting.approval_required { ApprovalRule::Required } else { ApprovalRule::WhenNeeded };
            if self.setting.hasty {
                scenario.budgets.insert(StepKind::Repoint, HASTY);
            }
            if let Some(allowed) = &mut scenario.preauthorised {
                allowed.unproven_fence = self.setting.unproven_fence_allowed;
                allowed.data_loss_up_to = Seconds(self.setting.loss_allowed_s);
            }
        }
        let mut platform = Platform::of(plan).with_lag(Duration::from_secs(self.setting.lag_s)).brisk();
        platform.seed = self.seed;
        platform.databases.isolation_leaks = self.setting.isolation_leaks;
        if self.setting.metrics_late {
            platform.databases.timings.metric_delay = Duration::from_secs(300);
        }
        if self.setting.multi_az {
            platform = platform.multi_az();
        }
        if self.setting.http_api {
            platform = platform.with_http_api();
        }
        let mut simulation = platform.stand_up();
        simulation.run_for(Duration::from_secs(175));
        if self.setting.stalled_before {
            stall_replication(&mut simulation);
        }
        simulation.run_for(Duration::from_secs(40));
        simulation.cloud.with(|state| {
            let (primary, replica) = keys(&state.plan);
            match self.disaster {
                Disaster::Hung => state.world.break_instance(&primary, Breakage::Hung, state.now),
                Disaster::Failed => state.world.break_instance(&primary, Breakage::Failed, state.now),
                Disaster::Partitioned => state.partitioned = true,
                Disaster::CutOff => {
                    state.partitioned = true;
                    state.world.control_plane_dark(&primary.region, true, state.now);
                }
                Disaster::None => state.befallen = false,
            }
            if self.setting.lag_unknown {
                state.world.break_replication(&replica, true, state.now);
            }
        });
        simulation.run_for(Duration::from_secs(117));
        simulation
    }

    fn pull_trigger(&self, simulation: &mut Simulation, scenario: &ScenarioName) {
        let first = simulation.call_count();
        for strike in &self.strikes {
            simulation.strike(first + strike.call, strike.fault);
        }
        let person = self.person;
        for (milliseconds, happening) in self.happenings.clone() {
            let scenario = scenario.clone();
            let due = Duration::from_millis(milliseconds);
            simulation.after(due, move |simulation| happen(simulation, happening, &scenario, person));
        }
        sit_down(simulation, person);
        let raise = |simulation: &mut Simulation| {
            let alarm = simulation.alarm(scenario);
            simulation.deliver(&alarm);
        };
        let ask = operators_request(simulation, scenario, "operator-1");
        match self.trigger {
            Trigger::Alarm => raise(simulation),
            Trigger::AlarmThrice => (0..3).for_each(|_| raise(simulation)),
            Trigger::Operator => simulation.after(Duration::ZERO, move |simulation| ask_for_it(simulation, &ask)),
            Trigger::Both => {
                raise(simulation);
                simulation.after(Duration::ZERO, move |simulation| ask_for_it(simulation, &ask));
            }
        }
    }
}

/// Who invokes a function and waits for its answer is not served again when the process dies.
fn ask_for_it(simulation: &mut Simulation, request: &Value) {
    let _ = simulation.invoke(FunctionName::Recovery, "live", request);
}

fn operators_request(simulation: &Simulation, scenario: &ScenarioName, request: &str) -> Value {
    let region = simulation.cloud.with(|state| state.plan.sites.primary.region.clone());
    json!({"scenario": scenario, "region": region, "mode": "ungraceful", "actor": "dana", "request_id": request})
}

fn happen(simulation: &mut Simulation, happening: Happening, scenario: &ScenarioName, person: Person) {
    let seconds = Duration::from_secs;
    match happening {
        Happening::PrimaryReturns => simulation.cloud.with(|state| {
            let (primary, _) = keys(&state.plan);
            state.partitioned = false;
            state.world.control_plane_dark(&primary.region, false, state.now);
            state.world.revive_instance(&primary, state.now);
        }),
        Happening::JournalAway(span) => simulation.cloud.with(|state| {
            state.journal.unreachable = Some((state.now, state.now + seconds(span)));
        }),
        Happening::Watchdog => {
            let _ = simulation.invoke(FunctionName::Recovery, "live", &json!({"task": "watchdog"}));
        }
        Happening::WatchdogAway(minutes) => simulation.hold_the_watchdog_back(seconds(60 * minutes)),
        Happening::SecondDriver => simulation.drive_again(),
        Happening::ExecutionStopped => {
            if let Some(incident) = simulation.latest_incident().filter(|incident| !incident.status.is_end()) {
                simulation.end_execution(&incident.id, "ABORTED");
            }
        }
        Happening::ExecutionStalled => simulation.stall_executions(),
        Happening::AlarmAgain => {
            let alarm = simulation.alarm(scenario);
            simulation.deliver(&alarm);
        }
        Happening::OperatorToo => {
            let request = operators_request(simulation, scenario, "operator-2");
            simulation.deliver(&request);
        }
        Happening::FenceLiftedByHand => simulation.cloud.with(|state| {
            // Nothing of ours can keep a person from opening a fenced primary beside its promoted replica.
            if state.effects.iter().any(|effect| matches!(effect.mutation, Mutation::PromoteReplica { .. })) {
                return;
            }
            state.interfered = true;
            let (primary, _) = keys(&state.plan);
            let groups = state.usual_groups.clone();
            let _ = state.set_security_groups(&primary.region, &primary.identifier, &groups);
        }),
        Happening::ReplicationStalls => stall_replication(simulation),
        Happening::ReplicaFails => simulation.cloud.with(|state| {
            let (_, replica) = keys(&state.plan);
            state.world.break_instance(&replica, Breakage::Failed, state.now);
        }),
        Happening::ReplicaOfAnother => simulation.cloud.with(|state| {
            // A request to promote that is on its way finds what it was sent for.
            if !state.calls.iter().any(|call| call.operation == "PromoteReadReplica") {
                state.replica_of = Some("somebody-elses".to_owned());
            }
        }),
        Happening::Throttling(at_the_primary, calls) => simulation.cloud.with(|state| {
            let sites = &state.plan.sites;
            let site = if at_the_primary { &sites.primary } else { &sites.recovery };
            state.world.throttle(site.region.as_str(), calls);
        }),
        Happening::ControlPlaneDark(span) => {
            let dark = |simulation: &mut Simulation, dark: bool| {
                simulation.cloud.with(|state| {
                    let region = state.plan.sites.primary.region.clone();
                    state.world.control_plane_dark(region.as_str(), dark, state.now);
                });
            };
            dark(simulation, true);
            simulation.after(seconds(span), move |simulation| dark(simulation, false));
        }
        Happening::RegionDark(span) => {
            let dark = |simulation: &mut Simulation, dark: bool| {
                // An alarm is right about a database that nobody reaches when it is assessed; what befalls it later is no excuse.
                let unassessed = simulation.latest_incident().is_none_or(|incident| incident.assessment.is_none());
                simulation.cloud.with(|state| {
                    let region = state.plan.sites.primary.region.clone();
                    state.world.region_dark(region.as_str(), dark, state.now);
                    state.befallen |= dark && unassessed;
                });
            };
            dark(simulation, true);
            simulation.after(seconds(span), move |simulation| dark(simulation, false));
        }
        Happening::ClockOff(later, off) => simulation.cloud.with(|state| {
            let invocation = state.invocations + later + 1;
            state.skews.insert(invocation, jiff::SignedDuration::from_secs(off));
        }),
        Happening::Ordered(command) => order(simulation, command, person),
    }
}

fn stall_replication(simulation: &mut Simulation) {
    simulation.cloud.with(|state| {
        let (_, replica) = keys(&state.plan);
        state.world.set_lag(&replica, Duration::from_secs(100_000), state.now);
    });
}

/// Gives a command as an operator does, through the alias that may, and never mind what comes of it.
fn order(simulation: &mut Simulation, command: CommandName, person: Person) {
    let incident = simulation.latest_incident();
    let mut payload = json!({"command": command, "actor": "dana", "reason": "as the runbook says"});
    let mut set = |field: &str, value: Value| payload[field] = value;
    if !matches!(command, CommandName::Disable | CommandName::Enable) {
        set("incident_id", json!(incident.as_ref().map(|incident| &incident.id)));
    }
    match command {
        CommandName::Approve | CommandName::Reject => {
            let question = incident.as_ref().and_then(|incident| incident.question.as_ref());
            let digest = question.map_or_else(|| Digest::of_json(&"what nobody asked"), Question::digest);
            simulation.cloud.with(|state| state.answered.insert(digest.to_string()));
            set("digest", json!(digest));
        }
        CommandName::Skip => {
            let steps = incident.as_ref().map(|incident| simulation.steps(&incident.id)).unwrap_or_default();
            let open = steps.iter().find(|step| !step.status.is_settled(Direction::Apply));
            set("step", json!(open.or(steps.first()).map(|step| &step.id)));
        }
        CommandName::Acknowledge => {
            let promoted = simulation.cloud.with(|state| !state.world.losses().is_empty());
            set("site", json!(if promoted { "recovery" } else { "primary" }));
        }
        CommandName::Retry | CommandName::Abort => set("request_id", json!(format!("order-{}", simulation.call_count()))),
        _ => {}
    }
    let approves = matches!(command, CommandName::Approve | CommandName::Reject | CommandName::Skip);
    let _ = simulation.invoke(FunctionName::Recovery, if approves { "approve" } else { "live" }, &payload);
    if command == CommandName::Retry {
        sit_down(simulation, person);
    }
}

/// Has somebody look every few seconds at whether something is asked, until the incident ends.
fn sit_down(simulation: &mut Simulation, person: Person) {
    if person != Person::Absent {
        simulation.after(Duration::from_secs(9), move |simulation| answer(simulation, person, None));
    }
}

/// How long somebody thinks before answering.
const THOUGHT: Duration = Duration::from_secs(60);

/// A person who looks every few seconds, and answers what is asked.
fn answer(simulation: &mut Simulation, person: Person, first: Option<String>) {
    let Some(incident) = simulation.latest_incident() else {
        simulation.after(Duration::from_secs(9), move |simulation| answer(simulation, person, first.clone()));
        return;
    };
    if incident.status.is_end() {
        return;
    }
    let mut first = first;
    if let Some(question) = &incident.question {
        let digest = question.digest().to_string();
        let first_digest = first.get_or_insert(digest.clone()).clone();
        let (command, digest) = match person {
            Person::Rejects => ("reject", digest),
            Person::ApprovesTheFirst => ("approve", first_digest),
            Person::Absent | Person::Approves => ("approve", digest),
        };
        let thinking = person == Person::ApprovesTheFirst
            && Duration::try_from(simulation.cloud.now().duration_since(question.asked_at))
                .is_ok_and(|since| since < THOUGHT)
            && digest == question.digest().to_string();
        if !thinking && !incident.verdicts.iter().any(|verdict| verdict.digest == question.digest()) {
            simulation.cloud.with(|state| state.answered.insert(digest.clone()));
            let payload = json!({"command": command, "incident_id": incident.id, "digest": digest, "actor": "dana"});
            let _ = simulation.invoke(FunctionName::Recovery, "approve", &payload);
        }
    }
    simulation.after(Duration::from_secs(9), move |simulation| answer(simulation, person, first.clone()));
}
