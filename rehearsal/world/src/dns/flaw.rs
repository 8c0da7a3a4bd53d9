//! Why a batch of changes is refused, and which claims about Route 53 that rests on.

use crate::errors::ApiError;
use crate::facts::Fact;

/// One thing that is wrong with a batch, in the words of Route 53.
#[derive(Debug)]
pub(crate) struct Flaw {
    fact: Fact,
    text: String,
}

impl Flaw {
    pub(crate) fn new(fact: Fact, text: String) -> Self {
        Self { fact, text }
    }
}

/// A batch that is not made.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) facts: Vec<Fact>,
    pub(crate) error: ApiError,
}

impl Refusal {
    pub(crate) fn new(fact: Fact, error: ApiError) -> Self {
        Self { facts: vec![fact], error }
    }

    /// Everything that is wrong, in one list.
    pub(crate) fn of(flaws: Vec<Flaw>) -> Self {
        let (facts, texts): (Vec<Fact>, Vec<String>) = flaws.into_iter().map(|flaw| (flaw.fact, flaw.text)).unzip();
        Self { facts, error: ApiError::invalid_change_batch(&texts) }
    }
}
