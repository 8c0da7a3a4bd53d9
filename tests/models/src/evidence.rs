//! Runs a checker to its end, and leaves what came of it as a line of JSON in `target/safety/models/<name>.jsonl`, from which
//! `docs/safety.md` is made. This file is the only place that knows the format:
//!
//! ```json
//! {"kind":"model","name":"start","states":1,"max_depth":1,"result":"holds","control_of":null,"properties":["…"]}
//! {"kind":"model","name":"start-two-writes","states":1,"max_depth":1,"result":"violated in 7 steps","control_of":"start","properties":["…"],"violated":"…","steps":["…"]}
//! ```
//!
//! `properties` are the names of what must hold in every state. `states` are distinct states; of a violation, those that were visited until it was found. Each run overwrites its own file.

use std::fmt::Debug;
use std::hash::Hash;
use std::path::PathBuf;

use serde::Serialize;
use stateright::{Checker, Expectation, HasDiscoveries, Model, Path};

/// What came of checking one model.
#[derive(Debug, Serialize)]
struct Evidence {
    kind: &'static str,
    name: String,
    states: usize,
    max_depth: usize,
    result: String,
    control_of: Option<String>,
    properties: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    violated: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    steps: Vec<String>,
}

/// A model that the checker takes.
pub trait Checkable:
    Model<State: Clone + Debug + Hash + PartialEq + Send + Sync, Action: Clone + Debug + PartialEq + Send + Sync>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<M> Checkable for M where
    M: Model<State: Clone + Debug + Hash + PartialEq + Send + Sync, Action: Clone + Debug + PartialEq + Send + Sync>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// Where evidence is left.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// Beside Cargo's folder for what tests write, `CARGO_TARGET_TMPDIR`.
    #[must_use]
    pub fn beside(temporary: &str) -> Self {
        Self(PathBuf::from(temporary).with_file_name("safety").join("models"))
    }

    /// Checks a model whose properties must hold.
    ///
    /// # Panics
    /// When an `always` property is broken, with the steps that break it; and when a `sometimes` property is never reached.
    pub fn holds<M: Checkable>(&self, name: &str, model: M) {
        let (evidence, unreached) = everywhere(name, model);
        self.keep(&evidence);
        assert!(evidence.violated.is_none(), "{name}: {evidence:#?}");
        assert!(unreached.is_empty(), "{name} never reaches {unreached:?}: what holds of it may hold for want of trying");
    }

    /// Checks a model without one of its guards: the checker must find what the guard prevents.
    ///
    /// # Panics
    /// When it does not find `expected` broken.
    pub fn is_violated<M: Checkable>(&self, name: &str, control_of: &str, expected: &str, model: &M) {
        let evidence = shallowest(name, control_of, expected, model);
        self.keep(&evidence);
        assert_eq!(evidence.violated, Some(expected), "{name}: {evidence:#?}");
    }

    fn keep(&self, evidence: &Evidence) {
        let path = self.0.join(format!("{}.jsonl", evidence.name));
        let line = serde_json::to_string(evidence).unwrap_or_default();
        let written = std::fs::create_dir_all(&self.0).and_then(|()| std::fs::write(&path, line + "\n"));
        assert!(written.is_ok(), "{}: {written:?}", path.display());
    }
}

/// A property and the way to where it is broken.
type Broken<M> = (&'static str, Path<<M as Model>::State, <M as Model>::Action>);

/// Every reachable state, unless a property breaks on the way.
fn everywhere<M: Checkable>(name: &str, model: M) -> (Evidence, Vec<&'static str>) {
    let properties = model.properties();
    let checker = model.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let discovery = |of: Expectation| properties.iter().filter(move |property| property.expectation == of);
    let broken =
        discovery(Expectation::Always).find_map(|property| Some((property.name, checker.discovery(property.name)?)));
    let unreached = discovery(Expectation::Sometimes).filter(|property| checker.discovery(property.name).is_none());
    let unreached = unreached.map(|property| property.name).collect();
    (evidence(name, None, &checker, broken), unreached)
}

/// One level deeper each time, so that what is found first is the shortest way: within one run the checker keeps the last way that
/// it sees.
fn shallowest<M: Checkable>(name: &str, control_of: &str, expected: &str, model: &M) -> Evidence {
    let property = model.properties().into_iter().map(|property| property.name).find(|name| *name == expected);
    let mut states = 0;
    for depth in 2.. {
        let checker = model.clone().checker().target_max_depth(depth).spawn_bfs().join();
        let found = property.and_then(|name| Some((name, checker.discovery(name)?)));
        let exhausted = checker.unique_state_count() == states;
        states = checker.unique_state_count();
        if found.is_some() || exhausted {
            return evidence(name, Some(control_of), &checker, found);
        }
    }
    unreachable!("a model of finitely many states is exhausted at some depth")
}

fn evidence<M: Checkable>(
    name: &str,
    control_of: Option<&str>,
    checker: &impl Checker<M>,
    broken: Option<Broken<M>>,
) -> Evidence {
    let (violated, steps) = broken.map_or((None, Vec::new()), |(name, path)| (Some(name), told(checker.model(), path)));
    let result = if violated.is_some() { format!("violated in {} steps", steps.len()) } else { "holds".to_owned() };
    let always = checker.model().properties().into_iter().filter(|property| property.expectation == Expectation::Always);
    let evidence = Evidence {
        kind: "model",
        name: name.to_owned(),
        states: checker.unique_state_count(),
        max_depth: checker.max_depth(),
        result,
        control_of: control_of.map(str::to_owned),
        properties: always.map(|property| property.name).collect(),
        violated,
        steps,
    };
    println!("{name}: {} over {} states, depth {}", evidence.result, evidence.states, evidence.max_depth);
    if let Some(property) = evidence.violated {
        println!("  {property}:\n    {}", evidence.steps.join("\n    "));
    }
    evidence
}

/// The steps as the model tells them.
fn told<M: Model>(model: &M, path: Path<M::State, M::Action>) -> Vec<String>
where
    M::Action: Clone + Debug,
    M::State: Clone + Debug,
{
    let steps = path.into_vec().into_iter();
    steps.filter_map(|(state, action)| model.format_step(&state, action?)).collect()
}
