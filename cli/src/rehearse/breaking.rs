//! Breaks and mends the sites of a rehearsal that runs.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rehearsal::wire::faults::{FaultId, FaultRule};
use rehearsal_world::{Breakage, Connection, InstanceKey, InstanceStatus};
use serde_json::Value;
use shared::domain::call::Call;
use shared::domain::plan::SiteName;

use super::console::{Line, tell};
use super::control::{Executor, Request};
use super::error::{Code, RehearseError};
use super::kinds::{Break, names};
use super::names::Names;
use crate::drill::faults::{Act, Fault, Known, alarm_event, rules_of};
use crate::drill::{Drill, Situation};
use shared::planfile::nearest;

/// How often an alarm's change is delivered in each shape, as a drill does.
const DELIVERIES: usize = 3;

/// What is broken now.
pub(super) struct Breaker<'a> {
    drill: &'a Drill,
    names: &'a Names,
    known: Known,
    /// What each step of the scenario changes, as the plan's own topology has it.
    changes: Vec<Call>,
    broken: Mutex<Vec<Broken>>,
}

struct Broken {
    text: String,
    what: Break,
    rules: Vec<FaultId>,
}

impl<'a> Breaker<'a> {
    /// Nothing is broken yet.
    pub(super) fn new(drill: &'a Drill, names: &'a Names) -> Self {
        let known = Known::of(&drill.platform, drill.stage.now());
        let changes = known.steps().flat_map(|step| known.changes_of(step)).cloned().collect();
        Self { drill, names, known, changes, broken: Mutex::default() }
    }

    async fn fault(&self, text: &str) -> Result<String, RehearseError> {
        let what = Break::parse(text, &self.known)?;
        match &what {
            Break::Hang(site) => self.hang(*site)?,
            Break::Crash(site) => self.crash(*site)?,
            Break::Lag(lag) => self.drill.stage.world().set_lag(&self.drill.replica(), *lag, self.drill.stage.now()),
            Break::Drill(Fault { act: Act::AlarmAgain(shapes), .. }) => {
                for _ in 0..DELIVERIES {
                    for shape in shapes {
                        let event = alarm_event(&self.drill.platform, *shape, self.drill.stage.now());
                        self.drill.deliver(&event).await.map_err(|error| {
                            RehearseError::new(Code::CallFailed, format!("the alarm could not be delivered: {error}"))
                        })?;
                    }
                }
                return Ok(format!("{text}: delivered; the functions have to find out that it is one change"));
            }
            Break::Drill(Fault { act: Act::RegionDark(region), .. }) => self.darken(region, true),
            Break::Drill(_) => {}
        }
        let rules = match &what {
            Break::Drill(fault) => self.put_in_force(fault),
            _ => Vec::new(),
        };
        // The same again begins anew: what had struck as often as it should strikes again.
        self.take(|broken| what.replaces(&broken.what));
        self.broken().push(Broken { text: text.to_owned(), what: what.clone(), rules });
        Ok(format!("{text}: {}", self.consequence(&what)))
    }

    fn consequence(&self, what: &Break) -> String {
        match what {
            Break::Hang(site) => {
                format!("{} takes connections and answers nothing; RDS calls it available", self.instance(*site))
            }
            Break::Crash(site) => format!("{} has failed", self.instance(*site)),
            Break::Lag(lag) => format!("{} falls {} s behind", self.drill.replica(), lag.as_secs()),
            Break::Drill(Fault { act: Act::StopExecution(step), .. }) => {
                format!("the execution is stopped once step {step} of an incident has begun")
            }
            Break::Drill(fault) => {
                format!("in force until `heal {}`: {}", fault.kind().row().name, fault.kind().row().happens)
            }
        }
    }

    fn hang(&self, site: SiteName) -> Result<(), RehearseError> {
        let (key, now) = (self.instance(site), self.drill.stage.now());
        if self.status(&key) == Some(InstanceStatus::Failed) {
            return Err(RehearseError::new(
                Code::NotBreakable,
                format!("{key} has failed, and what does not run cannot hang"),
            ));
        }
        let mut world = self.drill.stage.world();
        if world.accepts_connections(&key, now) == Connection::AcceptsOnly {
            return Err(RehearseError::new(Code::AlreadyBroken, format!("{key} hangs already")));
        }
        world.break_instance(&key, Breakage::Hung, now);
        Ok(())
    }

    fn crash(&self, site: SiteName) -> Result<(), RehearseError> {
        let (key, now) = (self.instance(site), self.drill.stage.now());
        if self.status(&key) == Some(InstanceStatus::Failed) {
            return Err(RehearseError::new(Code::AlreadyBroken, format!("{key} has failed already")));
        }
        self.drill.stage.world().break_instance(&key, Breakage::Failed, now);
        Ok(())
    }

    fn status(&self, key: &InstanceKey) -> Option<InstanceStatus> {
        let shown = self.drill.stage.world().watch_instances(self.drill.stage.now());
        shown.into_iter().find(|instance| instance.key == *key).map(|instance| instance.status)
    }

    fn instance(&self, site: SiteName) -> InstanceKey {
        match site {
            SiteName::Primary => self.drill.primary(),
            SiteName::Recovery => self.drill.replica(),
        }
    }

    fn darken(&self, region: &str, dark: bool) {
        let mut world = self.drill.stage.world();
        world.region_dark(region, dark, self.drill.stage.now());
        self.names.region_dark(&mut world, region, dark, self.drill.stage.now());
    }

    /// The wire's rules. They spare the rehearsal's own key, but not the operator's: whoever plays sees a dark Region dark.
    fn put_in_force(&self, fault: &Fault) -> Vec<FaultId> {
        let own = self.drill.platform.plan.account.as_str();
        let rules = rules_of(fault, &self.changes).into_iter();
        rules.map(|rule| self.drill.stage.faults.add(FaultRule { select: rule.select.sparing(own), ..rule })).collect()
    }

    fn heal(&self, what: &str) -> Result<String, RehearseError> {
        let all = what == "all";
        let chosen = |broken: &Broken| all || broken.text == what || broken.what.kind() == what;
        let of_kind = |text: &str| text.split(':').next().unwrap_or_default().to_owned();
        if !all && !names().any(|name| name == of_kind(what)) {
            let meant = nearest(what, names()).map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
            return Err(RehearseError::new(Code::FaultUnknown, format!("{what:?} is no fault{meant}")));
        }
        let (mut healed, mut lasting) = (Vec::new(), Vec::new());
        for broken in self.broken().iter().filter(|broken| chosen(broken)) {
            match broken.what {
                Break::Crash(site) => lasting.push(self.instance(site).to_string()),
                _ => healed.push(broken.text.clone()),
            }
        }
        let forever =
            |names: &[String]| format!("{} cannot be healed: RDS brings no instance back from `failed`", names.join(", "));
        if healed.is_empty() {
            return Err(match lasting.as_slice() {
                [] => RehearseError::new(Code::NothingToHeal, self.nothing(what)),
                some => RehearseError::new(Code::NotHealable, format!("{}; start another rehearsal", forever(some))),
            });
        }
        for broken in self.take(|broken| chosen(broken) && !matches!(broken.what, Break::Crash(_))) {
            self.undo(&broken.what);
        }
        let mut said = format!("healed: {}", healed.join(", "));
        if !lasting.is_empty() {
            said = format!("{said}; {}", forever(&lasting));
        }
        Ok(said)
    }

    fn nothing(&self, what: &str) -> String {
        let broken: Vec<String> = self.broken().iter().map(|broken| broken.text.clone()).collect();
        match broken.as_slice() {
            [] => "nothing is broken by a fault".to_owned(),
            some => format!("{what} is not broken; this is: {}", some.join(", ")),
        }
    }

    /// Takes faults out of force on the wire; what they did to the world stays.
    fn take(&self, chosen: impl Fn(&Broken) -> bool) -> Vec<Broken> {
        let mut all = self.broken();
        let (taken, kept): (Vec<Broken>, Vec<Broken>) = all.drain(..).partition(|broken| chosen(broken));
        *all = kept;
        for rule in taken.iter().flat_map(|broken| &broken.rules) {
            self.drill.stage.faults.end(*rule);
        }
        taken
    }

    /// Undoes what a fault did to the world.
    fn undo(&self, what: &Break) {
        let now = self.drill.stage.now();
        match what {
            Break::Hang(site) => self.drill.stage.world().revive_instance(&self.instance(*site), now),
            Break::Lag(_) => {
                self.drill.stage.world().set_lag(&self.drill.replica(), Situation::default().lag, now);
            }
            Break::Drill(Fault { act: Act::RegionDark(region), .. }) => self.darken(region, false),
            Break::Crash(_) | Break::Drill(_) => {}
        }
    }

    /// Stops the incident's execution where a fault wants it stopped, once its step has begun.
    pub(super) async fn stop_where_due(&self, status: &Value) {
        let begun = |step: &str| {
            let steps = status.get("steps").and_then(Value::as_array);
            steps.into_iter().flatten().any(|each| {
                each.get("step").and_then(Value::as_str) == Some(step)
                    && each.get("started_at").is_some_and(|at| !at.is_null())
            })
        };
        let due = self.broken().iter().find_map(|broken| match &broken.what {
            Break::Drill(Fault { act: Act::StopExecution(step), .. }) if begun(step) => {
                Some((broken.text.clone(), step.clone()))
            }
            _ => None,
        });
        let Some((text, step)) = due else { return };
        if self.drill.stop_execution().await.is_ok() {
            self.take(|broken| broken.text == text);
            tell(&Line::new(self.drill.stage.now(), "fault", format!("the execution is stopped: step {step} had begun")));
        }
    }

    fn broken(&self) -> MutexGuard<'_, Vec<Broken>> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Executor for Breaker<'_> {
    async fn execute(&self, request: &Request) -> Result<String, RehearseError> {
        let (place, done) = match request {
            Request::Fault { fault } => ("fault", self.fault(fault).await),
            Request::Heal { what } => ("heal", self.heal(what)),
        };
        if let Ok(sentence) = &done {
            tell(&Line::new(self.drill.stage.now(), place, sentence));
        }
        done
    }
}
