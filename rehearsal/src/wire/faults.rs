//! What the rehearsal breaks, and in which call.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

use super::call::WireCall;
use super::normalise::policy_prefix;

/// Which calls a rule is about. What is not given matches every call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selector {
    /// The service, by its IAM prefix: `apigateway` is both versions of API Gateway.
    pub service: Option<String>,
    /// The operation.
    pub operation: Option<String>,
    /// The Region.
    pub region: Option<String>,
    /// The step.
    pub step: Option<String>,
    /// What the call acts on.
    pub resource: Option<String>,
    /// The one access key whose calls are left alone: that of the rehearsal's own client, which has to see what faults do.
    pub spared_key: Option<String>,
    /// Which of the calls that match all the rest.
    pub nth: Nth,
}

/// Which of the matching calls, counted from 1. A retry is a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Nth {
    /// Every one.
    #[default]
    Every,
    /// This one only.
    Only(u64),
    /// All up to this one.
    UpTo(u64),
    /// All from this one on.
    From(u64),
    /// The first so many that no earlier rule strikes: two rules about one call strike one after the other.
    First(u64),
}

impl Nth {
    /// Whether the call is meant: the `count`th that matches, after the rule has struck `struck` times.
    fn includes(self, count: u64, struck: u64) -> bool {
        match self {
            Nth::Every => true,
            Nth::Only(wanted) => count == wanted,
            Nth::UpTo(last) => count <= last,
            Nth::From(first) => count >= first,
            Nth::First(most) => struck < most,
        }
    }
}

impl Selector {
    /// All calls of an operation.
    pub fn operation(service: &str, operation: &str) -> Self {
        Self { service: Some(service.to_owned()), operation: Some(operation.to_owned()), ..Self::default() }
    }

    /// Only those of one step.
    pub fn of_step(mut self, step: &str) -> Self {
        self.step = Some(step.to_owned());
        self
    }

    /// Only those to one Region.
    pub fn in_region(mut self, region: &str) -> Self {
        self.region = Some(region.to_owned());
        self
    }

    /// Only those that act on this.
    pub fn on(mut self, resource: &str) -> Self {
        self.resource = Some(resource.to_owned());
        self
    }

    /// None of those that this key signed.
    pub fn sparing(mut self, key: &str) -> Self {
        self.spared_key = Some(key.to_owned());
        self
    }

    /// Only some of them.
    pub fn nth(mut self, nth: Nth) -> Self {
        self.nth = nth;
        self
    }

    fn matches(&self, call: &WireCall) -> bool {
        let is = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        let step = call.step.as_ref().map_or("", |tag| tag.step.as_str());
        let spared = self.spared_key.is_some() && self.spared_key == call.access_key;
        !spared
            && is(&self.service, policy_prefix(&call.service))
            && is(&self.operation, &call.operation)
            && is(&self.region, &call.region)
            && is(&self.step, step)
            && is(&self.resource, &call.resource)
    }
}

/// What happens to a selected call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultAction {
    /// The calling process dies after the effect and before the reply.
    KillCallerAfterEffect,
    /// The calling process is stopped after the effect and before the reply, and is never let go on: whoever waits for it has to
    /// give it up.
    StopCallerAfterEffect,
    /// The connection closes after the effect, without a reply.
    ReplyLost,
    /// The connection is reset before the effect.
    Reset,
    /// "Slow down", before the effect.
    Throttle,
    /// The service fails with this status (500 or 503), before the effect.
    ServerError(u16),
    /// The call takes effect late; it still does when the caller has given up meanwhile.
    Delay(Duration),
    /// The call takes effect at once; its reply comes late.
    DelayReply(Duration),
    /// Every selected call of this Region finds its connection reset.
    RegionDark(String),
    /// The service answers 503 to every selected call in this Region.
    ControlPlaneDark(String, String),
}

/// A rule: which calls, and what happens to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultRule {
    /// A name for the report.
    pub name: String,
    /// Which calls.
    pub select: Selector,
    /// What happens to them.
    pub action: FaultAction,
}

impl FaultRule {
    /// A rule about the calls of `select`.
    pub fn new(name: &str, select: Selector, action: FaultAction) -> Self {
        Self { name: name.to_owned(), select, action }
    }

    /// A whole Region goes dark.
    pub fn region_dark(region: &str) -> Self {
        Self::new(&format!("region {region} dark"), Selector::default(), FaultAction::RegionDark(region.to_owned()))
    }

    /// One service's control plane in a Region goes dark.
    pub fn control_plane_dark(service: &str, region: &str) -> Self {
        let action = FaultAction::ControlPlaneDark(service.to_owned(), region.to_owned());
        Self::new(&format!("control plane of {service} in {region} dark"), Selector::default(), action)
    }

    fn matches(&self, call: &WireCall) -> bool {
        let place = match &self.action {
            FaultAction::RegionDark(region) => call.region == *region,
            FaultAction::ControlPlaneDark(service, region) => {
                policy_prefix(&call.service) == service && call.region == *region
            }
            _ => true,
        };
        place && self.select.matches(call)
    }
}

/// What a rule has done so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FaultReport {
    /// The rule's name.
    pub name: String,
    /// What it does.
    pub action: FaultAction,
    /// Calls it was about.
    pub matched: u64,
    /// Calls it broke. 0 at the end means that the rehearsal did not rehearse this.
    pub fired: u64,
    /// Kills and stops that were refused, as the caller was not the emulator's descendant, or was gone.
    pub refused: u64,
}

/// Names a rule while it is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FaultId(u64);

/// A fault that is due for a call.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    pub(crate) id: FaultId,
    pub(crate) name: String,
    pub(crate) action: FaultAction,
}

/// The rules in force. They may change while the rehearsal runs.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Mutex<Vec<Counted>>,
}

#[derive(Debug)]
struct Counted {
    rule: FaultRule,
    in_force: bool,
    matched: u64,
    /// How often it was found due, less the refusals: a strike under way counts.
    due: u64,
    fired: u64,
    refused: u64,
}

impl Faults {
    /// Nothing breaks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a rule in force.
    pub fn add(&self, rule: FaultRule) -> FaultId {
        let mut rules = self.rules();
        rules.push(Counted { rule, in_force: true, matched: 0, due: 0, fired: 0, refused: 0 });
        FaultId(rules.len() as u64 - 1)
    }

    /// Ends a rule; its counts stay in the report.
    pub fn end(&self, id: FaultId) {
        if let Some(counted) = self.rules().get_mut(id.0 as usize) {
            counted.in_force = false;
        }
    }

    /// How often a rule has fired.
    pub fn fired(&self, id: FaultId) -> u64 {
        self.rules().get(id.0 as usize).map_or(0, |counted| counted.fired)
    }

    /// All rules, ended ones too, in the order in which they came.
    pub fn report(&self) -> Vec<FaultReport> {
        let report = |counted: &Counted| FaultReport {
            name: counted.rule.name.clone(),
            action: counted.rule.action.clone(),
            matched: counted.matched,
            fired: counted.fired,
            refused: counted.refused,
        };
        self.rules().iter().map(report).collect()
    }

    /// The fault for this call: the first rule that is due. Every rule that matches counts the call.
    pub(crate) fn due(&self, call: &WireCall) -> Option<Due> {
        let mut due = None;
        for (index, counted) in self.rules().iter_mut().enumerate() {
            if !counted.in_force || !counted.rule.matches(call) {
                continue;
            }
            counted.matched += 1;
            if due.is_none() && counted.rule.select.nth.includes(counted.matched, counted.due) {
                counted.due += 1;
                due = Some(Due {
                    id: FaultId(index as u64),
                    name: counted.rule.name.clone(),
                    action: counted.rule.action.clone(),
                });
            }
        }
        due
    }

    /// Counts a fault that happened.
    pub(crate) fn count_fired(&self, id: FaultId) {
        if let Some(counted) = self.rules().get_mut(id.0 as usize) {
            counted.fired += 1;
        }
    }

    /// Counts a kill that was refused.
    pub(crate) fn count_refused(&self, id: FaultId) {
        if let Some(counted) = self.rules().get_mut(id.0 as usize) {
            counted.refused += 1;
            counted.due = counted.due.saturating_sub(1);
        }
    }

    fn rules(&self) -> MutexGuard<'_, Vec<Counted>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::tests::requests;

    fn promote(tag: &str) -> WireCall {
        requests::form("rds", "Action=PromoteReadReplica&DBInstanceIdentifier=dr").tagged(tag).call()
    }

    fn throttle(select: Selector) -> Faults {
        let faults = Faults::new();
        faults.add(FaultRule::new("slow down", select, FaultAction::Throttle));
        faults
    }

    #[test]
    fn a_rule_is_due_for_the_nth_call_that_it_is_about() {
        for (nth, expected) in [
            (Nth::Every, [true, true, true]),
            (Nth::Only(2), [false, true, false]),
            (Nth::UpTo(2), [true, true, false]),
            (Nth::From(2), [false, true, true]),
            (Nth::First(2), [true, true, false]),
        ] {
            let faults = throttle(Selector::operation("rds", "PromoteReadReplica").nth(nth));
            let due = [1, 2, 3].map(|_| faults.due(&promote("promote#1")).is_some());
            assert_eq!(due, expected, "{nth:?}");
        }
    }

    #[test]
    fn everything_that_is_given_must_match() {
        let matching = || {
            let of_step = Selector::operation("rds", "PromoteReadReplica").of_step("promote");
            of_step.in_region("us-west-2").on("db:dr").sparing("123456789012")
        };
        assert!(throttle(matching()).due(&promote("promote#1")).is_some());
        for selector in [
            Selector { service: Some("ssm".to_owned()), ..matching() },
            Selector { operation: Some("ModifyDBInstance".to_owned()), ..matching() },
            matching().of_step("other"),
            matching().in_region("us-east-1"),
            matching().on("db:other"),
            matching().sparing("ASIAEXAMPLE"),
        ] {
            let faults = throttle(selector);
            assert!(faults.due(&promote("promote#1")).is_none());
            assert_eq!(faults.report()[0].matched, 0);
        }
    }

    #[test]
    fn darkness_covers_its_place_and_no_other() {
        let faults = Faults::new();
        faults.add(FaultRule::region_dark("us-east-1"));
        faults.add(FaultRule::control_plane_dark("route53", "us-west-2"));
        let list = |region: &str| {
            requests::rest("route53", "GET", "/2013-04-01/hostedzone", serde_json::Value::Null).in_region(region).call()
        };
        assert_eq!(faults.due(&list("us-east-1")).unwrap().action, FaultAction::RegionDark("us-east-1".to_owned()));
        assert_eq!(
            faults.due(&list("us-west-2")).unwrap().action,
            FaultAction::ControlPlaneDark("route53".to_owned(), "us-west-2".to_owned())
        );
        assert!(faults.due(&promote("promote#1")).is_none());
    }

    #[test]
    fn two_rules_about_the_first_call_strike_one_after_the_other() {
        let faults = throttle(Selector::default().nth(Nth::First(1)));
        faults.add(FaultRule::new("fails", Selector::default().nth(Nth::First(1)), FaultAction::ServerError(500)));
        let names = [1, 2, 3].map(|_| faults.due(&promote("promote#1")).map(|due| due.name));
        assert_eq!(names, [Some("slow down".to_owned()), Some("fails".to_owned()), None]);
    }

    #[test]
    fn a_strike_that_was_refused_is_tried_again() {
        let faults = throttle(Selector::default().nth(Nth::First(1)));
        let due = faults.due(&promote("promote#1")).unwrap();
        assert!(faults.due(&promote("promote#1")).is_none(), "one strike is under way");
        faults.count_refused(due.id);
        assert!(faults.due(&promote("promote#1")).is_some());
    }

    #[test]
    fn one_call_gets_one_fault_and_an_ended_rule_none() {
        let faults = throttle(Selector::default());
        let second = faults.add(FaultRule::new("fails", Selector::default(), FaultAction::ServerError(503)));
        assert_eq!(faults.due(&promote("promote#1")).unwrap().name, "slow down");
        faults.end(FaultId(0));
        let due = faults.due(&promote("promote#1")).unwrap();
        assert_eq!((due.id, due.action), (second, FaultAction::ServerError(503)));
        faults.count_fired(second);
        assert_eq!(faults.fired(second), 1);
        assert_eq!(faults.report().iter().map(|report| report.matched).collect::<Vec<_>>(), [1, 2]);
    }
}
