//! The kinds of fault, in one table: `--fault help` prints it, the report is judged by it, and the tests read it.

use std::fmt::Write as _;

/// A declared end of an incident, as the journal spells it.
pub type End = &'static str;

const COMPLETED: End = "completed";
const ROLLED_BACK: End = "rolled_back";
const STUCK: End = "stuck";

/// One kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// "Slow down", before the effect.
    Throttle,
    /// 500, before the effect.
    ServerError,
    /// The effect without its reply.
    ReplyLost,
    /// The connection is reset before the effect.
    Reset,
    /// The reply comes late.
    Slow,
    /// A Region answers nothing.
    RegionDark,
    /// One service of a Region answers 503.
    ControlPlaneDark,
    /// The process dies after its call's effect.
    KillAfter,
    /// The process stands still after its call's effect, until Lambda ends it.
    Timeout,
    /// The execution is stopped by hand.
    StopExecution,
    /// The alarm comes in several shapes, each several times.
    AlarmAgain,
}

/// What there is to know of a kind.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The kind.
    pub kind: Kind,
    /// Its name on the command line.
    pub name: &'static str,
    /// Its argument, as help shows it.
    pub argument: &'static str,
    /// What happens, as a sentence.
    pub happens: &'static str,
    /// The declared ends that are good. Any other end, and an incident without end, is a failed drill.
    pub ends: &'static [End],
}

/// Every kind, in the order in which help lists them.
pub const TABLE: [Row; 11] = [
    Row {
        kind: Kind::Throttle,
        name: "throttle",
        argument: "[:OPERATION[,COUNT]]",
        happens: "the first COUNT (2) calls of OPERATION (each call that changes something) are told to slow down, without effect",
        ends: &[COMPLETED],
    },
    Row {
        kind: Kind::ServerError,
        name: "server-error",
        argument: "[:OPERATION[,COUNT]]",
        happens: "the first COUNT (1) calls of OPERATION (each call that changes something) are answered 500, without effect",
        ends: &[COMPLETED],
    },
    Row {
        kind: Kind::ReplyLost,
        name: "reply-lost",
        argument: "[:OPERATION[,COUNT]]",
        happens: "the first COUNT (1) calls of OPERATION (each call that changes something) take effect, and no reply comes",
        ends: &[COMPLETED],
    },
    Row {
        kind: Kind::Reset,
        name: "reset",
        argument: "[:OPERATION[,COUNT]]",
        happens: "the connection of the first COUNT (1) calls of OPERATION (each call that changes something) is reset, without effect",
        ends: &[COMPLETED],
    },
    Row {
        kind: Kind::Slow,
        name: "slow",
        argument: ":OPERATION[,SECONDS[,COUNT]]",
        happens: "the reply of the first COUNT (1) calls of OPERATION comes SECONDS (9: later than a function waits) late",
        ends: &[COMPLETED],
    },
    Row {
        kind: Kind::RegionDark,
        name: "region-dark",
        argument: "[:REGION]",
        happens: "from the break on, REGION (that of the primary site) resets every connection, and its databases are out of reach",
        ends: &[COMPLETED, ROLLED_BACK, STUCK],
    },
    Row {
        kind: Kind::ControlPlaneDark,
        name: "control-plane-dark",
        argument: ":SERVICE@REGION",
        happens: "from the break on, SERVICE in REGION answers 503 to every call of a function",
        ends: &[COMPLETED, ROLLED_BACK, STUCK],
    },
    Row {
        kind: Kind::KillAfter,
        name: "kill-after",
        argument: "[:STEP]",
        happens: "the function's process is killed after the effect of each changing call of STEP (every step), before it learns of it",
        ends: &[COMPLETED],
    },
    Row {
        kind: Kind::Timeout,
        name: "timeout",
        argument: ":STEP",
        happens: "the function hangs after the effect of the first changing call of STEP, until Lambda ends it at its time limit",
        ends: &[COMPLETED],
    },
    Row {
        kind: Kind::StopExecution,
        name: "stop-execution",
        argument: "[:STEP]",
        happens: "somebody stops the Step Functions execution once STEP (the first that changes something) has begun",
        ends: &[STUCK],
    },
    Row {
        kind: Kind::AlarmAgain,
        name: "alarm-again",
        argument: "[:SHAPE[,SHAPE…]]",
        happens: "the alarm's change is delivered three times in each SHAPE (eventbridge, lambda, sns), and nothing else starts the recovery",
        ends: &[COMPLETED],
    },
];

impl Kind {
    /// Its row.
    #[must_use]
    pub fn row(self) -> &'static Row {
        // Every kind has a row; a test holds us to it.
        TABLE.iter().find(|row| row.kind == self).unwrap_or(&TABLE[0])
    }
}

/// What `--fault help` prints.
#[must_use]
pub fn help() -> String {
    let mut text =
        "Faults of a drill, `--fault KIND[:ARGUMENT]`, repeatable; what stands in brackets is the default:\n".to_owned();
    for row in &TABLE {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n  {}{}\n      {}\n      good end: {}\n",
            row.name,
            row.argument,
            row.happens,
            row.ends.join(" or ")
        );
    }
    text.push_str(
        "\nOPERATION is an AWS operation that a step of the scenario may call, or one of the engine's own; STEP, REGION and SERVICE \
         are the plan's. Names that are\nunknown are refused before anything is started. With faults the objectives are shown and \
         not judged; a fault that never struck is a failed drill.\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_row_of_its_own_and_an_end_that_is_good() {
        for row in &TABLE {
            assert_eq!(row.kind.row().name, row.name);
            assert!(!row.ends.is_empty(), "{}", row.name);
            assert!(help().contains(row.happens) && help().contains(&format!("{}{}", row.name, row.argument)));
        }
    }
}
