//! What was answered: in a file, on the command line, or when asked.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};

use super::account::AccountError;
use super::question::{QUESTIONS, Question};

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// This.
    Text(String),
    /// Not known yet: the plan says so, and `plan check` finds it.
    ToFillIn,
    /// The plan does without.
    LeftOut,
}

/// A text that stands for "not known yet" in every form of answer.
pub(super) const UNKNOWN: &str = "?";
/// A text that stands for "leave it out".
pub(super) const NONE: &str = "none";

/// All answers so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Answers {
    given: BTreeMap<&'static str, Answer>,
}

/// Why an answer is none.
#[derive(Debug, thiserror::Error)]
pub(super) enum AnswerError {
    #[error("there is no question {key:?}{help}; `recoveryctl plan new --questions` lists them all")]
    UnknownQuestion { key: String, help: String },
    #[error("{key}: {why}")]
    Refused { key: &'static str, why: String },
    #[error("{key} is answered, and {after} is not: without it the question does not come up")]
    NotAsked { key: &'static str, after: &'static str },
    #[error("{0:?} is no KEY=ANSWER")]
    NoPair(String),
    #[error("the answers could not be read: {0}")]
    Unreadable(String),
    #[error("the account could not be looked at: {0}")]
    NoAccount(String),
    #[error(transparent)]
    Account(#[from] AccountError),
}

impl Answers {
    /// The text of an answer that has one.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match self.given.get(key) {
            Some(Answer::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether the plan has what the question is about, known or not.
    pub(super) fn has(&self, key: &str) -> bool {
        self.given.get(key).is_some_and(|answer| *answer != Answer::LeftOut)
    }

    /// Gathers an answer to every question: those given in advance first, then whatever `ask` says, and the fallback where that
    /// says nothing.
    pub(super) fn gather(
        mut advance: BTreeMap<String, String>,
        mut ask: impl FnMut(&Question, &Answer, &Answers) -> Result<Option<Answer>, AnswerError>,
    ) -> Result<Self, AnswerError> {
        for key in advance.keys() {
            known(key)?;
        }
        let mut answers = Self::default();
        for question in QUESTIONS {
            let given = advance.remove(question.key);
            let asked = question.after.is_none_or(|after| answers.has(after));
            let answer = match (given, question.after) {
                (Some(_), Some(after)) if !asked => return Err(AnswerError::NotAsked { key: question.key, after }),
                (Some(text), _) => read(question, &text, &answers)?,
                (None, _) if !asked => Answer::LeftOut,
                (None, _) => {
                    let fallback = question.fallback.answer(&answers);
                    ask(question, &fallback, &answers)?.unwrap_or(fallback)
                }
            };
            answers.given.insert(question.key, answer);
        }
        Ok(answers)
    }
}

fn known(key: &str) -> Result<(), AnswerError> {
    let keys = || QUESTIONS.iter().map(|question| question.key);
    if keys().any(|known| known == key) {
        return Ok(());
    }
    let help = shared::planfile::nearest(key, keys()).map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
    Err(AnswerError::UnknownQuestion { key: key.to_owned(), help })
}

/// Reads the text of an answer.
pub(super) fn read(question: &Question, text: &str, answers: &Answers) -> Result<Answer, AnswerError> {
    match text.trim() {
        UNKNOWN => Ok(Answer::ToFillIn),
        NONE if question.may_be_left_out() => Ok(Answer::LeftOut),
        text => (question.check)(text, answers)
            .map(|()| Answer::Text(text.to_owned()))
            .map_err(|why| AnswerError::Refused { key: question.key, why }),
    }
}

/// The answers of a file: `key: answer` in YAML, or JSON.
pub(super) fn of_file(text: &str) -> Result<BTreeMap<String, String>, AnswerError> {
    serde_saphyr::from_str(text).map_err(|error| AnswerError::Unreadable(error.to_string()))
}

/// The answers of the command line: `key=answer` each.
pub(super) fn of_pairs(pairs: &[String]) -> Result<BTreeMap<String, String>, AnswerError> {
    let pair = |pair: &String| {
        let (key, answer) = pair.split_once('=').ok_or_else(|| AnswerError::NoPair(pair.clone()))?;
        Ok((key.trim().to_owned(), answer.to_owned()))
    };
    pairs.iter().map(pair).collect()
}

/// Asks a person, or a script: a line each, an empty one for what stands in brackets. Whoever ends the input takes the rest so.
pub(super) struct Dialogue<'a> {
    pub(super) input: &'a mut dyn BufRead,
    pub(super) output: &'a mut dyn Write,
    /// Whether somebody is there to be asked again after a slip.
    pub(super) patient: bool,
}

impl Dialogue<'_> {
    pub(super) fn ask(
        &mut self,
        question: &Question,
        fallback: &Answer,
        answers: &Answers,
    ) -> Result<Option<Answer>, AnswerError> {
        let shown = match fallback {
            Answer::Text(text) => text,
            Answer::ToFillIn => UNKNOWN,
            Answer::LeftOut => NONE,
        };
        loop {
            let unreadable = |error: io::Error| AnswerError::Unreadable(error.to_string());
            let _closed = write!(self.output, "{} [{shown}]: ", question.asks).and_then(|()| self.output.flush());
            let mut line = String::new();
            if self.input.read_line(&mut line).map_err(unreadable)? == 0 || line.trim().is_empty() {
                return Ok(None);
            }
            match read(question, &line, answers) {
                Ok(answer) => return Ok(Some(answer)),
                Err(error) if self.patient => {
                    let _closed = writeln!(self.output, "  {error}");
                }
                Err(error) => return Err(error),
            }
        }
    }
}
