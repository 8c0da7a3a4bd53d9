//! The state machine that verifies backups, by its own definition. Its map's items run one after the other here; that each is an
//! execution of its own, and sixteen at a time, is Step Functions' business.

use serde_json::Value;
use shared::domain::step::FunctionName;

use crate::machine::{Demand, Line, Machine};

const DEFINITION: &str = include_str!("../../../infra/statemachines/backup-verify.asl.json");

/// The most bytes of a state, as Step Functions counts them.
const LARGEST_STATE: usize = 262_144;

/// An execution, run to its end.
#[derive(Debug, Clone)]
pub struct Verification {
    /// `Err` for a Fail state, with its error's name.
    pub end: Result<(), String>,
    /// The last state's input.
    pub data: Value,
}

impl Verification {
    /// Runs one execution. `invoke` answers for the function, or fails.
    ///
    /// # Panics
    /// When the definition uses what the interpreter does not know, or a state is larger than Step Functions allows.
    pub fn run(mut invoke: impl FnMut(&Value) -> Option<Value>) -> Self {
        Self::of(true, &mut invoke)
    }

    /// The same, in which the map fails as a whole, as where Step Functions cannot start its items.
    ///
    /// # Panics
    /// As above.
    pub fn run_without_items(mut invoke: impl FnMut(&Value) -> Option<Value>) -> Self {
        Self::of(false, &mut invoke)
    }

    fn of(items_run: bool, invoke: &mut dyn FnMut(&Value) -> Option<Value>) -> Self {
        let machine = Machine::of(DEFINITION);
        let (end, data) = follow(&machine, machine.begin_empty("verification"), items_run, invoke);
        Self { end, data }
    }

    /// What was said last of the backups.
    #[must_use]
    pub fn answer(&self) -> &Value {
        &self.data["verification"]["answer"]
    }
}

fn follow(
    machine: &Machine,
    mut line: Line,
    items_run: bool,
    invoke: &mut dyn FnMut(&Value) -> Option<Value>,
) -> (Result<(), String>, Value) {
    loop {
        let size = line.data.to_string().len();
        assert!(size <= LARGEST_STATE, "{} has {size} bytes", line.state);
        match machine.demand(&mut line, String::new) {
            Demand::Invoke { function, payload, token } => {
                assert_eq!((function, token), (FunctionName::BackupVerify, None));
                match (0..=machine.retries(&line)).find_map(|_| invoke(&payload)) {
                    Some(answer) => machine.succeed(&mut line, &serde_json::json!({ "Payload": answer })),
                    None => machine.fail(&mut line),
                }
            }
            Demand::Fork { .. } if !items_run => machine.fail(&mut line),
            Demand::Fork { items } => {
                let item = |item| follow(machine, machine.begin_item(&line, 0, item), items_run, invoke);
                let run = items.into_iter().map(item);
                let (ends, results): (Vec<_>, Vec<_>) = run.unzip();
                if ends.iter().all(Result::is_ok) {
                    machine.succeed(&mut line, &Value::Array(results));
                } else {
                    machine.fail(&mut line);
                }
            }
            Demand::Wait { .. } | Demand::GoOn => {}
            Demand::End(end) => return (end, line.data),
        }
    }
}
