//! What was called and what came of it: the basis of every "exactly once" and "nothing else" that the tests assert.

use jiff::Timestamp;
use shared::domain::call::Call;
use shared::domain::identifier::StepId;
use shared::domain::mutation::Mutation;

/// One call of a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortCall {
    /// Counted over the whole run.
    pub number: usize,
    /// When.
    pub at: Timestamp,
    /// The service's signing name.
    pub service: &'static str,
    /// The operation.
    pub operation: &'static str,
    /// What it was about.
    pub resource: String,
    /// `<step>#<ordinal>` when it was made for a step.
    pub label: Option<String>,
}

/// One mutation that was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// When.
    pub at: Timestamp,
    /// The step that made it.
    pub step: StepId,
    /// Which of the step's mutations it was.
    pub ordinal: u32,
    /// What was sent.
    pub mutation: Mutation,
    /// Whether the service carried it out.
    pub took_effect: bool,
}

impl Effect {
    /// In the normal form in which dry runs predict.
    #[must_use]
    pub fn call(&self) -> Call {
        Call::of(&self.step, self.ordinal, &self.mutation)
    }
}

/// Reads `<step>#<ordinal>`.
pub(crate) fn step_of_label(label: &str) -> Option<(StepId, u32)> {
    let (step, ordinal) = label.rsplit_once('#')?;
    Some((StepId::new(step).ok()?, ordinal.parse().ok()?))
}
