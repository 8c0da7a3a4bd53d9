//! What can be broken in a running rehearsal: the disaster itself, and every kind of fault that a drill has.

use std::fmt::Write as _;
use std::time::Duration;

use shared::domain::plan::SiteName;
use shared::planfile::nearest;

use super::error::{Code, RehearseError};
use crate::drill::faults::{Fault, Known, TABLE};

/// A replica that is further behind is no replica any more.
const LARGEST_LAG: Duration = Duration::from_secs(24 * 3_600);

/// Something to break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Break {
    /// The database of a site takes connections and answers nothing.
    Hang(SiteName),
    /// The database of a site ends for good.
    Crash(SiteName),
    /// The replica falls behind.
    Lag(Duration),
    /// What a drill breaks besides.
    Drill(Fault),
}

/// A kind that a drill does not have.
struct Row {
    name: &'static str,
    argument: &'static str,
    happens: &'static str,
    heals: &'static str,
}

const HANG: &str = "hang";
const CRASH: &str = "crash";
const LAG: &str = "lag";

const OWN: [Row; 3] = [
    Row {
        name: HANG,
        argument: "[:SITE]",
        happens: "the database of SITE (primary) takes connections and answers nothing, while RDS goes on calling it available",
        heals: "it answers again; a fence that was put round it stays",
    },
    Row {
        name: CRASH,
        argument: "[:SITE]",
        happens: "the database of SITE (primary) ends, and RDS says failed",
        heals: "cannot be healed: RDS brings no instance back from `failed`",
    },
    Row {
        name: LAG,
        argument: ":SECONDS",
        happens: "the replica stays SECONDS behind; what has arrived has arrived, so its lag grows until then",
        heals: "it is as near again as it was",
    },
];

impl Break {
    /// Reads one, against the names of the plan.
    pub(super) fn parse(text: &str, known: &Known) -> Result<Self, RehearseError> {
        let (name, argument) = match text.split_once(':') {
            Some((name, argument)) => (name, Some(argument)),
            None => (text, None),
        };
        let refused = |why: String| RehearseError::new(Code::FaultUnknown, format!("{text}: {why}"));
        match name {
            HANG => site(argument).map(Self::Hang).map_err(refused),
            CRASH => site(argument).map(Self::Crash).map_err(refused),
            LAG => lag(argument).map(Self::Lag).map_err(refused),
            _ if TABLE.iter().any(|row| row.name == name) => Fault::parse(text, known).map(Self::Drill).map_err(|why| {
                // A drill names its own option, which nobody gave here.
                RehearseError::new(Code::FaultUnknown, why.strip_prefix("--fault ").unwrap_or(&why).to_owned())
            }),
            _ => {
                let meant = nearest(name, names()).map_or_else(String::new, |meant| format!(" Did you mean `{meant}`?"));
                let all: Vec<&str> = names().collect();
                Err(refused(format!("{name:?} is no fault.{meant} There is: {}", all.join(", "))))
            }
        }
    }

    /// Whether the other one is over when this one begins: it does the same.
    pub(super) fn replaces(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Lag(_), Self::Lag(_)) => true,
            (Self::Drill(new), Self::Drill(old)) => new.act == old.act,
            _ => self == other,
        }
    }

    /// Its kind's name.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Hang(_) => HANG,
            Self::Crash(_) => CRASH,
            Self::Lag(_) => LAG,
            Self::Drill(fault) => fault.kind().row().name,
        }
    }
}

/// Every kind's name.
pub(super) fn names() -> impl Iterator<Item = &'static str> + Clone {
    OWN.iter().map(|row| row.name).chain(TABLE.iter().map(|row| row.name))
}

fn site(argument: Option<&str>) -> Result<SiteName, String> {
    match argument {
        None | Some("primary") => Ok(SiteName::Primary),
        Some("recovery") => Ok(SiteName::Recovery),
        Some(other) => Err(format!("{other:?} is no site; there is: primary, recovery")),
    }
}

fn lag(argument: Option<&str>) -> Result<Duration, String> {
    let seconds = argument.ok_or_else(|| format!("write {LAG}:SECONDS"))?;
    let lag = seconds.parse().ok().map(Duration::from_secs).filter(|lag| *lag <= LARGEST_LAG);
    lag.ok_or_else(|| format!("SECONDS is a whole number from 0 to {}, and not {seconds:?}", LARGEST_LAG.as_secs()))
}

/// What `rehearse fault help` prints.
pub(super) fn help() -> String {
    let mut text =
        "Faults of a rehearsal, `recoveryctl rehearse fault KIND[:ARGUMENT]`; what stands in brackets is the default:\n"
            .to_owned();
    for row in &OWN {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n  {}{}\n      {}\n      heal: {}\n", row.name, row.argument, row.happens, row.heals);
    }
    for row in &TABLE {
        let _ = write!(text, "\n  {}{}\n      {}\n", row.name, row.argument, row.happens);
    }
    text.push_str(
        "\nThe first three are the disaster and its size, the others break the recovery's own tools, as `drill --fault` does; `heal` ends them.\n\
         Changing calls are those of the plan's scenario. OPERATION, STEP, REGION and SERVICE are the plan's; SECONDS of `lag` are simulated.\n",
    );
    text
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

    #[test]
    fn the_disaster_and_every_fault_of_a_drill_can_be_asked_for() {
        let read = |text: &str| Break::parse(text, &known()).unwrap();
        assert_eq!(read("hang"), Break::Hang(SiteName::Primary));
        assert_eq!(read("crash:recovery"), Break::Crash(SiteName::Recovery));
        assert_eq!(read("lag:1200"), Break::Lag(Duration::from_secs(1200)));
        for row in &TABLE {
            let argument = match row.name {
                "slow" => ":PutParameter",
                "control-plane-dark" => ":rds@us-east-1",
                "timeout" => ":04-promote-database",
                _ => "",
            };
            assert_eq!(read(&format!("{}{argument}", row.name)).kind(), row.name);
            assert!(help().contains(row.happens), "{}", row.name);
        }
    }

    #[test]
    fn what_is_no_fault_is_refused_with_what_there_is() {
        for (text, said) in [
            ("hnag", "Did you mean `hang`? There is: hang, crash, lag, throttle"),
            ("", "is no fault. There is: hang"),
            ("hang:us-east-1", "is no site; there is: primary, recovery"),
            ("lag", "write lag:SECONDS"),
            ("lag:90000", "from 0 to 86400"),
            ("lag:-1", "from 0 to 86400"),
            ("throttle:PutParametr", "did you mean `PutParameter`?"),
            ("region-dark:us-west-2", "nothing would run"),
        ] {
            let error = Break::parse(text, &known()).unwrap_err();
            assert_eq!(error.code, Code::FaultUnknown, "{text}");
            assert!(error.message.starts_with(&format!("{text}: ")) && error.message.contains(said), "{error}");
        }
    }
}
