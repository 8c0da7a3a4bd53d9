//! `KIND[:ARGUMENT]`, read strictly against the names of the plan, before anything is started.

use std::fmt;

use shared::planfile::nearest;

use super::known::Known;
use super::table::{Kind, TABLE};

/// A claim lasts until its invocation's Lambda deadline and a margin, in real time; and then somebody has to come and find it.
const LOST_CLAIM_S: u64 = 20;
/// More of them would use up budgets, which is another fault: a service that is gone (`control-plane-dark`).
const MOST_STRIKES: u64 = 3;
/// Longer than a Lambda function lives.
const SLOWEST_S: u64 = 30;
/// Later than the SDK waits for a reply.
const LATE_S: u64 = 9;

/// A fault whose names exist in the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// As it was asked for.
    text: String,
    /// What it does.
    pub act: Act,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Strikes the first calls of an operation, or each call that changes something.
    Calls {
        /// How.
        kind: Kind,
        /// Which; `None`: each call that changes something.
        operation: Option<String>,
        /// How many.
        count: u64,
        /// For slow replies: how late, in real seconds.
        seconds: u64,
    },
    /// A Region goes dark.
    RegionDark(String),
    /// A service of a Region goes dark.
    ControlPlaneDark {
        /// The service.
        service: String,
        /// Its Region.
        region: String,
    },
    /// The process dies after each changing call of these steps.
    KillAfter(Vec<String>),
    /// The process hangs after the first changing call of this step.
    Timeout(String),
    /// The execution is stopped once this step has begun.
    StopExecution(String),
    /// The alarm comes in these shapes.
    AlarmAgain(Vec<Shape>),
}

/// The ways in which an alarm can come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// By a rule.
    EventBridge,
    /// By the alarm's own action.
    Lambda,
    /// By a topic.
    Sns,
}

impl Shape {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::EventBridge, Self::Lambda, Self::Sns];

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EventBridge => "eventbridge",
            Self::Lambda => "lambda",
            Self::Sns => "sns",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Fault {
    /// Reads one.
    ///
    /// # Errors
    /// A sentence that says what is wrong, which names there are, and which one was probably meant.
    pub fn parse(text: &str, known: &Known) -> Result<Self, String> {
        let (name, argument) = match text.split_once(':') {
            Some((name, argument)) => (name, Some(argument)),
            None => (text, None),
        };
        let act = act(name, argument, known).map_err(|why| format!("--fault {text}: {why}"))?;
        Ok(Self { text: text.to_owned(), act })
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match &self.act {
            Act::Calls { kind, .. } => *kind,
            Act::RegionDark(_) => Kind::RegionDark,
            Act::ControlPlaneDark { .. } => Kind::ControlPlaneDark,
            Act::KillAfter(_) => Kind::KillAfter,
            Act::Timeout(_) => Kind::Timeout,
            Act::StopExecution(_) => Kind::StopExecution,
            Act::AlarmAgain(_) => Kind::AlarmAgain,
        }
    }

    /// How many real seconds a recovery may lose by it: in a rehearsal they weigh more than on the real day, where both clocks
    /// are one.
    #[must_use]
    pub fn real_seconds_lost(&self, known: &Known) -> u64 {
        match &self.act {
            Act::Calls { kind: Kind::Slow, count, seconds, .. } => count * seconds,
            Act::KillAfter(steps) => {
                // A step that changes nothing is killed once.
                let kills = steps.iter().map(|step| known.changes_of(step).len().max(1) as u64);
                kills.sum::<u64>() * LOST_CLAIM_S
            }
            Act::Timeout(_) => LOST_CLAIM_S,
            _ => 0,
        }
    }
}

fn act(name: &str, argument: Option<&str>, known: &Known) -> Result<Act, String> {
    let names = TABLE.iter().map(|row| row.name);
    let row = TABLE.iter().find(|row| row.name == name);
    let kind = row.map(|row| row.kind).ok_or_else(|| unknown("fault", name, names))?;
    if argument.is_some_and(str::is_empty) {
        return Err("nothing stands after the colon".to_owned());
    }
    let needed = || argument.ok_or_else(|| format!("write {name}{}", kind.row().argument));
    match kind {
        Kind::Throttle => calls(kind, argument, 2, known),
        Kind::ServerError | Kind::ReplyLost | Kind::Reset => calls(kind, argument, 1, known),
        Kind::Slow => slow(needed()?, known),
        Kind::RegionDark => region_dark(argument.unwrap_or(&known.primary_region), known).map(Act::RegionDark),
        Kind::ControlPlaneDark => control_plane_dark(needed()?, known),
        Kind::KillAfter => match argument {
            // Steps that change nothing are left alone here: there is no effect after which to kill.
            None => Ok(Act::KillAfter(
                known.steps().filter(|step| !known.changes_of(step).is_empty()).map(str::to_owned).collect(),
            )),
            Some(name) => Ok(Act::KillAfter(vec![step(name, known)?])),
        },
        Kind::Timeout => step(needed()?, known).map(Act::Timeout),
        Kind::StopExecution => match argument.or(known.first_change()) {
            Some(name) => step(name, known).map(Act::StopExecution),
            None => Err("no step of the scenario changes anything; name one".to_owned()),
        },
        Kind::AlarmAgain => shapes(argument).map(Act::AlarmAgain),
    }
}

fn calls(kind: Kind, argument: Option<&str>, default: u64, known: &Known) -> Result<Act, String> {
    let Some(argument) = argument else {
        return Ok(Act::Calls { kind, operation: None, count: default, seconds: 0 });
    };
    let parts: Vec<&str> = argument.split(',').collect();
    let (name, count) = match parts.as_slice() {
        [name] => (*name, default),
        [name, count] => (*name, number("COUNT", count, MOST_STRIKES)?),
        _ => return Err("write at most OPERATION,COUNT".to_owned()),
    };
    Ok(Act::Calls { kind, operation: Some(operation(name, known)?), count, seconds: 0 })
}

fn slow(argument: &str, known: &Known) -> Result<Act, String> {
    let parts: Vec<&str> = argument.split(',').collect();
    let (name, seconds, count) = match parts.as_slice() {
        [name] => (*name, LATE_S, 1),
        [name, seconds] => (*name, number("SECONDS", seconds, SLOWEST_S)?, 1),
        [name, seconds, count] => (*name, number("SECONDS", seconds, SLOWEST_S)?, number("COUNT", count, MOST_STRIKES)?),
        _ => return Err("write at most OPERATION,SECONDS,COUNT".to_owned()),
    };
    Ok(Act::Calls { kind: Kind::Slow, operation: Some(operation(name, known)?), count, seconds })
}

fn region_dark(region: &str, known: &Known) -> Result<String, String> {
    if region == known.recovery_region {
        return Err(format!(
            "the functions, the journal and the state machine live in {region}, so nothing would run and there would be nothing \
             to see; one of its services can be dark: control-plane-dark:SERVICE@{region}"
        ));
    }
    let regions = known.places.iter().map(|(_, region)| region.as_str()).filter(|region| *region != known.recovery_region);
    one_of("Region that can go dark", region, regions)
}

fn control_plane_dark(argument: &str, known: &Known) -> Result<Act, String> {
    let all: Vec<String> = known.places.iter().map(|(service, region)| format!("{service}@{region}")).collect();
    let place = one_of("service that this scenario calls in a Region", argument, all.iter().map(String::as_str))?;
    match place.split_once('@') {
        Some((service, region)) => Ok(Act::ControlPlaneDark { service: service.to_owned(), region: region.to_owned() }),
        None => Err("write SERVICE@REGION".to_owned()),
    }
}

fn shapes(argument: Option<&str>) -> Result<Vec<Shape>, String> {
    let Some(argument) = argument else { return Ok(Shape::ALL.to_vec()) };
    let mut shapes = Vec::new();
    for word in argument.split(',') {
        let shape = Shape::ALL.into_iter().find(|shape| shape.as_str() == word);
        let shape = shape.ok_or_else(|| unknown("shape", word, Shape::ALL.into_iter().map(Shape::as_str)))?;
        if shapes.contains(&shape) {
            return Err(format!("{word} stands twice; each shape is delivered three times anyway"));
        }
        shapes.push(shape);
    }
    Ok(shapes)
}

fn operation(name: &str, known: &Known) -> Result<String, String> {
    one_of("operation that this scenario calls", name, known.operations.iter().map(String::as_str))
}

fn step(name: &str, known: &Known) -> Result<String, String> {
    one_of("step of this scenario", name, known.steps())
}

fn one_of<'a>(what: &str, name: &str, all: impl Iterator<Item = &'a str> + Clone) -> Result<String, String> {
    all.clone().find(|known| *known == name).map(str::to_owned).ok_or_else(|| unknown(what, name, all))
}

fn unknown<'a>(what: &str, name: &str, all: impl Iterator<Item = &'a str> + Clone) -> String {
    let meant = nearest(name, all.clone()).map_or_else(|| ".".to_owned(), |meant| format!("; did you mean `{meant}`?"));
    let mut all: Vec<&str> = all.collect();
    all.dedup();
    format!("{name:?} is no {what}{meant} There is: {}", all.join(", "))
}

fn number(what: &str, text: &str, most: u64) -> Result<u64, String> {
    match text.parse::<u64>() {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err(format!("{what} is a whole number from 1 to {most}, and not {text:?}")),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jiff::Timestamp;

    use super::*;
    use crate::drill::Platform;

    fn known() -> Known {
        let plan = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("plans").join("healthcare-platform.yaml");
        Known::of(&Platform::read(&plan, "database_failure").unwrap(), Timestamp::UNIX_EPOCH)
    }

    fn act(text: &str) -> Act {
        Fault::parse(text, &known()).unwrap().act
    }

    fn refusal(text: &str) -> String {
        Fault::parse(text, &known()).unwrap_err()
    }

    #[test]
    fn a_fault_is_a_kind_and_what_the_plan_names() {
        let calls = |kind, operation: Option<&str>, count, seconds| Act::Calls {
            kind,
            operation: operation.map(str::to_owned),
            count,
            seconds,
        };
        for (text, expected) in [
            ("throttle", calls(Kind::Throttle, None, 2, 0)),
            ("throttle:PromoteReadReplica", calls(Kind::Throttle, Some("PromoteReadReplica"), 2, 0)),
            ("throttle:TransactWriteItems,3", calls(Kind::Throttle, Some("TransactWriteItems"), 3, 0)),
            ("server-error", calls(Kind::ServerError, None, 1, 0)),
            ("reply-lost:StartExecution", calls(Kind::ReplyLost, Some("StartExecution"), 1, 0)),
            ("reset:PutParameter", calls(Kind::Reset, Some("PutParameter"), 1, 0)),
            ("slow:DescribeDBInstances", calls(Kind::Slow, Some("DescribeDBInstances"), 1, 9)),
            ("slow:DescribeDBInstances,3,2", calls(Kind::Slow, Some("DescribeDBInstances"), 2, 3)),
            ("region-dark", Act::RegionDark("us-east-1".to_owned())),
            (
                "control-plane-dark:sns@us-west-2",
                Act::ControlPlaneDark { service: "sns".to_owned(), region: "us-west-2".to_owned() },
            ),
            ("kill-after:03-gate-database", Act::KillAfter(vec!["03-gate-database".to_owned()])),
            ("timeout:05-repoint-database", Act::Timeout("05-repoint-database".to_owned())),
            ("stop-execution:04-promote-database", Act::StopExecution("04-promote-database".to_owned())),
            ("alarm-again", Act::AlarmAgain(Shape::ALL.to_vec())),
            ("alarm-again:sns,lambda", Act::AlarmAgain(vec![Shape::Sns, Shape::Lambda])),
        ] {
            assert_eq!(act(text), expected, "{text}");
        }
    }

    #[test]
    fn kills_without_a_step_strike_every_step_that_changes_something() {
        let Act::KillAfter(steps) = act("kill-after") else { panic!("no kill") };
        let known = known();
        let changing: Vec<&str> = known.steps().filter(|step| !known.changes_of(step).is_empty()).collect();
        assert_eq!(steps, changing);
        assert!(steps.iter().any(|step| step == "04-promote-database"), "{steps:?}");
        assert!(!steps.iter().any(|step| step.contains("gate")), "{steps:?}");
    }

    #[test]
    fn what_is_not_understood_is_refused_with_the_name_that_was_probably_meant() {
        for (text, said) in [
            ("throtle", "did you mean `throttle`? There is: throttle, server-error"),
            ("", "\"\" is no fault. There is: throttle"),
            ("throttle:", "nothing stands after the colon"),
            ("throttle:PromoteReplica", "is no operation that this scenario calls. There is: DescribeDBInstances"),
            ("throttle:PutParametr", "did you mean `PutParameter`?"),
            ("throttle:PutParameter,0", "COUNT is a whole number from 1 to 3, and not \"0\""),
            ("throttle:PutParameter,4", "COUNT is a whole number from 1 to 3"),
            ("throttle:PutParameter,1,1", "write at most OPERATION,COUNT"),
            ("slow", "write slow:OPERATION[,SECONDS[,COUNT]]"),
            ("slow:PutParameter,31", "SECONDS is a whole number from 1 to 30"),
            ("region-dark:us-west-2", "nothing would run"),
            ("region-dark:us-east-2", "did you mean `us-east-1`?"),
            ("control-plane-dark", "write control-plane-dark:SERVICE@REGION"),
            ("control-plane-dark:rds@us-east-3", "did you mean `rds@us-east-1`?"),
            ("control-plane-dark:dynamodb@us-west-2", "is no service that this scenario calls in a Region"),
            ("kill-after:04-promot-database", "did you mean `04-promote-database`?"),
            ("timeout", "write timeout:STEP"),
            ("stop-execution:fence", "is no step of this scenario"),
            ("alarm-again:email", "\"email\" is no shape. There is: eventbridge, lambda, sns"),
            ("alarm-again:sns,sns", "sns stands twice"),
        ] {
            let refused = refusal(text);
            assert!(refused.starts_with(&format!("--fault {text}: ")) && refused.contains(said), "{refused}");
        }
    }

    #[test]
    fn only_what_lasts_real_seconds_costs_real_seconds() {
        let lost = |text: &str| Fault::parse(text, &known()).unwrap().real_seconds_lost(&known());
        assert_eq!(lost("throttle"), 0);
        assert_eq!(lost("slow:PutParameter,5,2"), 10);
        assert_eq!(lost("kill-after:03-gate-database"), 20);
        assert_eq!(lost("kill-after:02-fence-database"), 40);
        assert_eq!(lost("timeout:02-fence-database"), 20);
    }
}
