//! Time passes and things happen in their order: executions take their steps, schedules fire, alarms are delivered, people answer.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shared::domain::identifier::{IncidentId, ScenarioName};
use shared::domain::incident::{Incident, PlatformState};
use shared::domain::report::Report;
use shared::domain::step::{FunctionName, StepRecord};
use shared::engine::{Entry, Notice};
use shared::error::RecoveryError;

use super::chance::Chance;
use super::cloud::Cloud;
use super::faults::{Fault, Rule, Storm};
use super::functions::{Functions, Outcome};
use super::machine::{Demand, Line, Machine};

/// What Step Functions takes from one state to the next.
const TRANSITION: Duration = Duration::from_millis(25);
/// How long after a failed asynchronous invocation Lambda tries again.
const RETRIES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];
const MINUTE: Duration = Duration::from_secs(60);

/// Something that a test wants to happen.
type Happening = Arc<dyn Fn(&mut Simulation) + Send + Sync>;

/// Something that is due.
#[derive(Clone)]
enum Due {
    /// A line of an execution takes its next step.
    Line(usize),
    /// The token that a line waits for has not come back.
    TokenTimeout(usize, String),
    /// The schedule invokes the watchdog.
    Schedule,
    /// An asynchronous invocation of `recovery`.
    Delivery { payload: Value, request_id: String, tries: usize },
    /// Anything else that a test wants to happen.
    Happening(Happening),
}

/// A recovery that has ended, as its journal tells it.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The incident.
    pub incident: Incident,
    /// Its steps.
    pub steps: Vec<StepRecord>,
    /// Its report.
    pub report: Report,
}

/// One run of everything on a virtual clock.
pub struct Simulation {
    /// The account.
    pub cloud: Arc<Cloud>,
    /// The functions.
    pub functions: Functions,
    machine: Arc<Machine>,
    lines: BTreeMap<usize, Line>,
    agenda: BTreeMap<(Timestamp, u64), Due>,
    put_down: u64,
    next_line: usize,
    next_request: u64,
    /// Until when the schedule does not invoke the watchdog.
    watchdog_away: Option<Timestamp>,
}

impl fmt::Debug for Simulation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Simulation").field("cloud", &self.cloud).finish_non_exhaustive()
    }
}

impl Simulation {
    pub(crate) fn new(cloud: Cloud) -> Self {
        let cloud = Arc::new(cloud);
        let mut simulation = Self {
            functions: Functions::new(cloud.clone()),
            machine: Arc::new(Machine::new()),
            lines: BTreeMap::new(),
            agenda: BTreeMap::new(),
            put_down: 0,
            next_line: 0,
            next_request: 0,
            watchdog_away: None,
            cloud,
        };
        let first = simulation.cloud.now() + MINUTE;
        simulation.put(first, Due::Schedule);
        simulation
    }

    /// Another run that begins where this one stands, and goes its own way.
    #[must_use]
    pub fn fork(&self) -> Self {
        let cloud = Arc::new(self.cloud.with(|state| Cloud::new(state.clone())));
        Self {
            functions: Functions::new(cloud.clone()),
            machine: self.machine.clone(),
            lines: self.lines.clone(),
            agenda: self.agenda.clone(),
            put_down: self.put_down,
            next_line: self.next_line,
            next_request: self.next_request,
            watchdog_away: self.watchdog_away,
            cloud,
        }
    }

    // ---- what a test does ---------------------------------------------------------------------------------------------

    /// Lets time pass.
    pub fn run_for(&mut self, span: Duration) {
        let until = self.cloud.now() + span;
        while self.take_turn(until) {}
        self.cloud.with(|state| state.pass_until(until));
    }

    /// Lets time pass until `met` holds. Whether it came to hold within `limit`.
    pub fn run_until(&mut self, limit: Duration, met: impl Fn(&Self) -> bool) -> bool {
        let until = self.cloud.now() + limit;
        loop {
            if met(self) {
                return true;
            }
            if !self.take_turn(until) {
                self.cloud.with(|state| state.pass_until(until));
                return met(self);
            }
        }
    }

    /// Lets time pass until the active incident has ended and its executions are over, and for a minute more, so that the
    /// watchdog has looked at it.
    ///
    /// # Panics
    /// When it does not end within five hours: every incident ends.
    pub fn run_to_end(&mut self) -> Ended {
        let ended = self.run_until(Duration::from_secs(5 * 3_600), Self::is_over);
        assert!(ended, "the incident has not ended after five hours: {:#?}", self.latest_incident());
        self.run_for(MINUTE + MINUTE);
        let incident = self.latest_incident().expect("an incident was declared");
        Ended {
            steps: self.steps(&incident.id),
            report: self.report(&incident.id).expect("an ended incident has a report"),
            incident,
        }
    }

    /// Invokes a function and waits for its answer, as an operator does.
    pub fn invoke(&mut self, function: FunctionName, alias: &str, payload: &Value) -> Outcome {
        let request_id = self.request_id();
        let outcome = self.functions.invoke(function, alias, &request_id, payload);
        self.look_around();
        outcome
    }

    /// Sends an operator's request to `recovery:live`.
    ///
    /// # Errors
    /// What the function refuses it with.
    ///
    /// # Panics
    /// When the function dies over it.
    pub fn operate(&mut self, payload: &Value) -> Result<Value, RecoveryError> {
        self.through("live", payload)
    }

    /// Sends a command to `recovery` through this alias.
    ///
    /// # Errors
    /// What the function refuses it with.
    ///
    /// # Panics
    /// When the function dies over it.
    pub fn through(&mut self, alias: &str, payload: &Value) -> Result<Value, RecoveryError> {
        match self.invoke(FunctionName::Recovery, alias, payload) {
            Outcome::Answered(answer) => Ok(answer),
            Outcome::Failed(error) => Err(error),
            Outcome::Killed => panic!("nothing was told to kill the process that handles {payload}"),
        }
    }

    /// Delivers an event to `recovery` without waiting for it: Lambda tries it three times.
    pub fn deliver(&mut self, payload: &Value) {
        let request_id = self.request_id();
        let now = self.cloud.now();
        self.put(now, Due::Delivery { payload: payload.clone(), request_id, tries: 0 });
    }

    /// Has something happen after a while.
    pub fn after(&mut self, span: Duration, happening: impl Fn(&mut Self) + Send + Sync + 'static) {
        let at = self.cloud.now() + span;
        self.put(at, Due::Happening(Arc::new(happening)));
    }

    /// Lets a fault strike the call of this number.
    pub fn strike(&mut self, number: usize, fault: Fault) {
        self.cloud.with(|state| state.faults.by_number.insert(number, fault));
    }

    /// Lets a fault strike calls of one operation.
    pub fn obstruct(&mut self, rule: Rule) {
        self.cloud.with(|state| state.faults.rules.push(rule));
    }

    /// Lets faults strike at random, so many calls in a thousand.
    pub fn unleash(&mut self, seed: u64, per_mille: u64) {
        self.cloud.with(|state| state.faults.storm = Some(Storm { chance: Chance::new(seed), per_mille }));
    }

    /// Takes every obstruction away.
    pub fn clear_the_way(&mut self) {
        self.cloud.with(|state| {
            state.faults.rules.clear();
            state.faults.storm = None;
        });
    }

    /// Ends an execution from outside, as an operator's StopExecution or a machine-wide time-out would.
    pub fn end_execution(&mut self, incident: &IncidentId, how: &str) {
        self.lines.retain(|_, line| line.execution != incident.as_str());
        self.execution_ended(incident.as_str(), how);
    }

    /// Has Step Functions stand still: executions are said to run, and none takes another step.
    pub fn stall_executions(&mut self) {
        self.lines.clear();
    }

    /// Keeps the watchdog from being invoked for a while.
    pub fn hold_the_watchdog_back(&mut self, span: Duration) {
        self.watchdog_away = Some(self.cloud.now() + span);
    }

    /// Runs the active incident by a second execution beside the first.
    pub fn drive_again(&mut self) {
        let Some(incident) = self.latest_incident().filter(|incident| !incident.status.is_end()) else { return };
        let line = self.machine.begin(&incident.id.execution_name(incident.run()), &incident.id);
        let now = self.cloud.now();
        self.add_line(line, now);
    }

    /// The alarm that starts this scenario by the plan, as EventBridge delivers it, for a change of state that is two seconds old.
    ///
    /// # Panics
    /// When the plan has no trigger for the scenario.
    #[must_use]
    pub fn alarm(&self, scenario: &ScenarioName) -> Value {
        let (plan, raised) = self.cloud.with(|state| {
            let raised = *state.alarm_raised.get_or_insert(state.now - Duration::from_secs(2));
            (state.plan.clone(), raised)
        });
        let trigger = plan.triggers.iter().find(|trigger| trigger.scenario == *scenario);
        let trigger = trigger.expect("the plan has a trigger for the scenario");
        json!({
            "version": "0",
            "id": "0d1f6a3c-4c8e-4a58-9d1f-3f1f7f3d9a10",
            "detail-type": "CloudWatch Alarm State Change",
            "source": "aws.cloudwatch",
            "account": plan.account,
            "time": raised,
            "region": plan.region(trigger.site),
            "resources": [plan.alarm_arn(trigger)],
            "detail": {
                "alarmName": trigger.alarm,
                "state": {"value": "ALARM", "reason": "Threshold Crossed", "timestamp": raised},
                "previousState": {"value": "OK", "reason": "Threshold Crossed", "timestamp": raised - Duration::from_secs(3_600)},
            },
        })
    }

    /// Whether the latest incident has ended, and its executions with it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.lines.is_empty() && self.latest_incident().is_some_and(|incident| incident.status.is_end())
    }

    /// Whether a test or an event still wants something to happen.
    #[must_use]
    pub fn has_something_to_come(&self) -> bool {
        self.agenda.values().any(|due| matches!(due, Due::Happening(_) | Due::Delivery { .. }))
    }

    /// What the executions are at, and what is on its way to the functions.
    pub(crate) fn to_come(&self) -> Vec<Value> {
        let lines = self.lines.values().map(|line| {
            json!([
                line.execution,
                line.item_of.as_ref().map(|(map, _)| map),
                line.state,
                line.data,
                line.open_items,
                line.token.is_some()
            ])
        });
        let on_its_way = self.agenda.values().filter_map(|due| match due {
            Due::Delivery { payload, tries, .. } => Some(json!([payload, tries])),
            Due::Happening(_) => Some(json!("happening")),
            Due::Line(_) | Due::TokenTimeout(..) | Due::Schedule => None,
        });
        lines.chain(on_its_way).collect()
    }

    /// How many calls of ports there have been.
    #[must_use]
    pub fn call_count(&self) -> usize {
        self.cloud.with(|state| state.calls.len())
    }

    // ---- what a test reads --------------------------------------------------------------------------------------------

    /// What the journal keeps of the platform.
    #[must_use]
    pub fn platform(&self) -> PlatformState {
        self.cloud.with(|state| {
            let partition = format!("platform#{}", state.plan.platform);
            let content = state.journal.content(&partition, "state");
            content.map(parse).unwrap_or_default()
        })
    }

    /// The latest incident, active or ended.
    #[must_use]
    pub fn latest_incident(&self) -> Option<Incident> {
        self.platform().latest.and_then(|id| self.incident(&id))
    }

    /// An incident.
    #[must_use]
    pub fn incident(&self, id: &IncidentId) -> Option<Incident> {
        self.document(id, "incident")
    }

    /// An incident's report.
    #[must_use]
    pub fn report(&self, id: &IncidentId) -> Option<Report> {
        self.document(id, "report")
    }

    /// An incident's steps.
    #[must_use]
    pub fn steps(&self, id: &IncidentId) -> Vec<StepRecord> {
        self.documents(id, "step#")
    }

    /// An incident's evidence.
    #[must_use]
    pub fn entries(&self, id: &IncidentId) -> Vec<Entry> {
        self.documents(id, "entry#")
    }

    /// An incident's notices, sent or due.
    #[must_use]
    pub fn notices(&self, id: &IncidentId) -> Vec<Notice> {
        self.documents(id, "notice#")
    }

    fn document<T: DeserializeOwned>(&self, id: &IncidentId, name: &str) -> Option<T> {
        self.cloud.with(|state| state.journal.content(&format!("incident#{id}"), name).map(parse))
    }

    fn documents<T: DeserializeOwned>(&self, id: &IncidentId, prefix: &str) -> Vec<T> {
        let partition = format!("incident#{id}");
        self.cloud.with(|state| {
            let documents = state.journal.documents();
            let mine = documents.filter(|(of, name, _)| *of == partition && name.starts_with(prefix));
            mine.map(|(_, _, content)| parse(content)).collect()
        })
    }

    /// Every incident that has ended, as its journal tells it, in the order of their generations.
    #[must_use]
    pub fn ended_incidents(&self) -> Vec<Ended> {
        let incidents: Vec<Incident> = self.cloud.with(|state| {
            let documents = state.journal.documents().filter(|(_, name, _)| *name == "incident");
            documents.map(|(_, _, content)| parse(content)).collect()
        });
        let mut ended: Vec<Ended> = incidents
            .into_iter()
            .filter(|incident| incident.status.is_end())
            .filter_map(|incident| {
                Some(Ended { steps: self.steps(&incident.id), report: self.report(&incident.id)?, incident })
            })
            .collect();
        ended.sort_by_key(|ended| ended.incident.generation);
        ended
    }

    /// Everything that happened, a line each, by time: the evidence of every incident, the calls that were struck, the effects.
    #[must_use]
    pub fn trace(&self) -> Vec<String> {
        let mut lines: Vec<(Timestamp, String)> = self.cloud.with(|state| {
            let effects = state.effects.iter().map(|effect| {
                let call = effect.call();
                let how = if effect.took_effect { "carried out" } else { "refused" };
                (effect.at, format!("  {} on {} in {} {how}", call.operation, call.resource, call.region))
            });
            let struck = state.faults.struck.iter().filter_map(|(number, fault)| {
                let call = state.calls.get(*number)?;
                let label = call.label.as_deref().unwrap_or("no step");
                let what = format!("{} on {} for {label}", call.operation, call.resource);
                Some((call.at, format!("! {} at call {number}: {what}", fault.as_str())))
            });
            let violations = state.violations.iter().map(|violation| (violation.at, format!("# {violation}")));
            let sent = state.notices.iter().map(|notice| (notice.at, format!("  page: {}", notice.subject)));
            effects.chain(struck).chain(violations).chain(sent).collect()
        });
        let ids: Vec<IncidentId> = self.cloud.with(|state| {
            let documents = state.journal.documents().filter(|(_, name, _)| *name == "incident");
            documents.map(|(_, _, content)| parse::<Incident>(content).id).collect()
        });
        for id in ids {
            let entries = self.entries(&id).into_iter();
            lines.extend(entries.map(|entry| (entry.at, format!("{} {}: {}", entry.about, entry.event, entry.reason))));
        }
        lines.sort_by_key(|(at, _)| *at);
        lines.into_iter().map(|(at, line)| format!("{at:.3} {line}")).collect()
    }

    // ---- how things happen --------------------------------------------------------------------------------------------

    fn request_id(&mut self) -> String {
        self.next_request += 1;
        format!("00000000-0000-4000-8000-{:012}", self.next_request)
    }

    fn put(&mut self, at: Timestamp, due: Due) {
        self.agenda.insert((at, self.put_down), due);
        self.put_down += 1;
    }

    /// Does what is due next, if anything is due until then.
    pub fn take_turn(&mut self, until: Timestamp) -> bool {
        let Some((&(at, order), _)) = self.agenda.first_key_value() else { return false };
        if at > until {
            return false;
        }
        let Some(due) = self.agenda.remove(&(at, order)) else { return false };
        self.cloud.with(|state| state.pass_until(at));
        match due {
            Due::Line(id) => self.advance_line(id),
            Due::TokenTimeout(id, token) => self.token_timed_out(id, &token),
            Due::Schedule => {
                // EventBridge does not try a missed minute again.
                if self.watchdog_away.is_none_or(|until| until <= at) {
                    let _ = self.invoke(FunctionName::Recovery, "live", &json!({"task": "watchdog"}));
                }
                self.put(at + MINUTE, Due::Schedule);
            }
            Due::Delivery { payload, request_id, tries } => {
                let outcome = self.functions.invoke(FunctionName::Recovery, "live", &request_id, &payload);
                if !matches!(outcome, Outcome::Answered(_))
                    && let Some(pause) = RETRIES.get(tries)
                {
                    let again = self.cloud.now() + *pause;
                    self.put(again, Due::Delivery { payload, request_id, tries: tries + 1 });
                }
            }
            Due::Happening(happening) => happening(self),
        }
        self.look_around();
        true
    }

    /// Starts what was started, and wakes what was woken, by the invocations that have just run.
    fn look_around(&mut self) {
        let (started, tokens) = self.cloud.with(|state| {
            let fresh = state.executions.iter_mut().filter(|(_, record)| !record.begun && record.ended.is_none());
            let started: Vec<(String, IncidentId)> = fresh
                .map(|(name, record)| {
                    record.begun = true;
                    (name.clone(), record.incident.clone())
                })
                .collect();
            (started, std::mem::take(&mut state.returned_tokens))
        });
        let soon = self.cloud.now() + TRANSITION;
        for (name, incident) in started {
            let line = self.machine.begin(&name, &incident);
            self.add_line(line, soon);
        }
        for token in tokens {
            let waiting = self.lines.iter_mut().find(|(_, line)| line.token.as_ref() == Some(&token));
            if let Some((&id, line)) = waiting {
                line.token = None;
                self.machine.succeed(line, &json!({}));
                self.put(soon, Due::Line(id));
            }
        }
    }

    fn add_line(&mut self, line: Line, at: Timestamp) {
        let id = self.next_line;
        self.next_line += 1;
        self.lines.insert(id, line);
        self.put(at, Due::Line(id));
    }

    fn advance_line(&mut self, id: usize) {
        // A line of an execution that was ended from outside is gone.
        let Some(mut line) = self.lines.remove(&id) else { return };
        let token = format!("token-{}-{}", id, self.put_down);
        let demand = self.machine.demand(&mut line, || token);
        let mut pause = TRANSITION;
        match demand {
            Demand::GoOn => {}
            Demand::Wait { seconds } => pause = Duration::from_secs(seconds),
            Demand::Invoke { function, payload, token } => {
                if let Some((token, seconds)) = &token {
                    line.token = Some(token.clone());
                    let timeout = self.cloud.now() + Duration::from_secs(*seconds);
                    self.put(timeout, Due::TokenTimeout(id, token.clone()));
                }
                self.lines.insert(id, line);
                let request_id = self.request_id();
                let outcome = self.functions.invoke(function, "live", &request_id, &payload);
                let Some(line) = self.lines.get_mut(&id) else { return };
                match outcome {
                    // The answer of a function that was given a token is nobody's: the token's return is the result.
                    Outcome::Answered(_) if token.is_some() => return,
                    Outcome::Answered(answer) => self.machine.succeed(line, &json!({"StatusCode": 200, "Payload": answer})),
                    Outcome::Failed(_) | Outcome::Killed => {
                        line.token = None;
                        self.machine.fail(line);
                    }
                }
                let soon = self.cloud.now() + TRANSITION;
                self.put(soon, Due::Line(id));
                return;
            }
            Demand::Fork { items } => {
                assert!(!items.is_empty(), "a Map over nothing");
                line.open_items = items.len();
                let soon = self.cloud.now() + TRANSITION;
                let children: Vec<Line> = items.into_iter().map(|item| self.machine.begin_item(&line, id, item)).collect();
                self.lines.insert(id, line);
                for child in children {
                    self.add_line(child, soon);
                }
                return;
            }
            Demand::End(result) => {
                self.line_ended(&line, result);
                return;
            }
        }
        self.lines.insert(id, line);
        let next = self.cloud.now() + pause;
        self.put(next, Due::Line(id));
    }

    fn token_timed_out(&mut self, id: usize, token: &str) {
        let Some(line) = self.lines.get_mut(&id).filter(|line| line.token.as_deref() == Some(token)) else { return };
        line.token = None;
        self.machine.fail(line);
        let soon = self.cloud.now() + TRANSITION;
        self.put(soon, Due::Line(id));
    }

    fn line_ended(&mut self, line: &Line, result: Result<(), String>) {
        match &line.item_of {
            Some((_, parent)) => {
                let parent = *parent;
                let Some(waiting) = self.lines.get_mut(&parent) else { return };
                waiting.open_items -= 1;
                if waiting.open_items == 0 {
                    self.machine.succeed(waiting, &json!([]));
                    let soon = self.cloud.now() + TRANSITION;
                    self.put(soon, Due::Line(parent));
                }
            }
            None => self.execution_ended(&line.execution, if result.is_ok() { "SUCCEEDED" } else { "FAILED" }),
        }
    }

    /// The rule on execution status changes tells the watchdog of every end but a success.
    fn execution_ended(&mut self, name: &str, how: &str) {
        self.cloud.with(|state| {
            if let Some(record) = state.executions.get_mut(name) {
                record.ended = Some(how.to_owned());
            }
        });
        if how != "SUCCEEDED" {
            self.deliver(&json!({"task": "watchdog"}));
        }
    }
}

fn parse<T: DeserializeOwned>(content: &str) -> T {
    serde_json::from_str(content).unwrap_or_else(|error| panic!("{error} in {content}"))
}
