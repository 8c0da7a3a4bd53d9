//! What the answers of a restored database prove.

use serde::Serialize;

use super::{Expectation, IntegrityQuery, RestoreTest};

/// What came back for one question. Nothing of the data is kept but whether it was true, or a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A boolean.
    Truth(bool),
    /// A whole number.
    Number(i64),
    /// Something that is neither, which is not repeated.
    Other(&'static str),
    /// An error of the server's own, by its SQLSTATE. Its words may quote data.
    Refused(String),
    /// No answer.
    Silent(&'static str),
}

/// One question with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// What it is called.
    pub name: String,
    /// What was expected.
    pub expected: String,
    /// What was answered, as far as it is shown.
    pub answered: String,
    /// Whether that is what was expected; nothing where it cannot be said.
    pub holds: Option<bool>,
}

/// What all answers together prove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// Every one is as expected.
    Holds,
    /// At least one is not, each with the reason.
    Fails(Vec<String>),
    /// None is wrong, and at least one is missing, each with the reason.
    Open(Vec<String>),
}

impl Told {
    fn shown(&self) -> String {
        match self {
            Self::Truth(truth) => truth.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Other(what) => (*what).to_owned(),
            Self::Refused(code) => format!("error {code}"),
            Self::Silent(why) => (*why).to_owned(),
        }
    }

    /// Whether it is what was expected; nothing where the database did not come to answer.
    fn holds(&self, expected: Expectation) -> Option<bool> {
        match (self, expected) {
            (Self::Truth(truth), Expectation::True) => Some(*truth),
            (Self::Number(number), Expectation::AtLeast(least)) => Some(*number >= i64::from(least)),
            (Self::Number(number), Expectation::AtMost(most)) => Some(*number <= i64::from(most)),
            (Self::Number(number), Expectation::Equals(exactly)) => Some(*number == i64::from(exactly)),
            (Self::Truth(_) | Self::Number(_) | Self::Other(_), _) => Some(false),
            (Self::Refused(code), _) => is_of_the_data(code).then_some(false),
            (Self::Silent(_), _) => None,
        }
    }
}

/// Whether an error says something of the data (PostgreSQL, appendix A, "PostgreSQL Error Codes"): a table, a column, a function or a
/// schema is not there; what is there cannot be computed with (class 22); or it is damaged (class XX, 58030). A missing right, a
/// time-out, a slip in the statement say nothing of it.
fn is_of_the_data(code: &str) -> bool {
    let missing = ["42P01", "42703", "42883", "42704", "3F000", "58030", "58P01"];
    missing.contains(&code) || code.starts_with("22") || code.starts_with("XX")
}

/// Whether a connection was refused because the restored server has no such database.
#[must_use]
pub fn no_database(code: &str) -> bool {
    code == "3D000"
}

/// Each question with its answer, and what they prove. A question without an answer was not asked.
#[must_use]
pub fn judge(test: &RestoreTest, told: &[Told]) -> (Vec<Asked>, Proof) {
    let mut all = Vec::new();
    let (mut wrong, mut open) = (Vec::new(), Vec::new());
    for (index, query) in test.queries.iter().enumerate() {
        let answer = told.get(index).unwrap_or(&Told::Silent("not asked"));
        let asked = asked(query, answer);
        match asked.holds {
            Some(true) => {}
            Some(false) => wrong.push(sentence(&asked)),
            None => open.push(sentence(&asked)),
        }
        all.push(asked);
    }
    let proof = match (wrong.is_empty(), open.is_empty()) {
        (true, true) => Proof::Holds,
        (true, false) => Proof::Open(open),
        // One wrong answer is enough, whatever the others would have been.
        (false, _) => Proof::Fails(wrong),
    };
    (all, proof)
}

fn asked(query: &IntegrityQuery, told: &Told) -> Asked {
    Asked {
        name: query.name.to_string(),
        expected: query.expect.shown(),
        answered: told.shown(),
        holds: told.holds(query.expect),
    }
}

fn sentence(asked: &Asked) -> String {
    let Asked { name, expected, answered, .. } = asked;
    format!("{name}: {answered}, and {expected} is expected")
}
