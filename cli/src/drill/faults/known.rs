//! The names that a fault may use: those of the plan's scenario, and the engine's own calls.

use std::collections::BTreeSet;

use jiff::Timestamp;
use shared::domain::call::{Call, Permitted};
use shared::domain::plan::SiteName;
use shared::domain::predict::{StepPrediction, will_declared};

use super::super::platform::Platform;

/// What the engine calls for itself, besides what the steps of a plan may call: journal, executions and notices.
const MACHINERY: [(&str, &str); 6] = [
    ("dynamodb", "GetItem"),
    ("dynamodb", "Query"),
    ("dynamodb", "TransactWriteItems"),
    ("sns", "Publish"),
    ("states", "DescribeExecution"),
    ("states", "StartExecution"),
];
/// Of the engine's own services, the only one that a recovery can do without. Where another is dark, nothing runs at all.
const SPARED: &str = "sns";

/// What a scenario has, in whichever branch.
#[derive(Debug, Clone)]
pub struct Known {
    steps: Vec<StepPrediction>,
    /// Every operation.
    pub operations: BTreeSet<String>,
    /// Every service, with the Region in which it is called.
    pub places: BTreeSet<(String, String)>,
    /// The Region that fails.
    pub primary_region: String,
    /// The Region in which the functions run.
    pub recovery_region: String,
}

impl Known {
    /// Of this platform's scenario.
    #[must_use]
    pub fn of(platform: &Platform, now: Timestamp) -> Self {
        let branches =
            platform.plan.scenarios.get(&platform.scenario).map_or(0, |scenario| scenario.branches.as_slice().len());
        let mut steps: Vec<StepPrediction> = Vec::new();
        for step in (0..branches).flat_map(|branch| will_declared(&platform.plan, &platform.scenario, branch, now)) {
            if !steps.iter().any(|known| known.step == step.step) {
                steps.push(step);
            }
        }
        let region = platform.plan.region(SiteName::Recovery).as_str();
        let permitted = || steps.iter().flat_map(|step| &step.may);
        let of_steps = permitted().map(|call| call.operation.clone());
        let operations = of_steps.chain(MACHINERY.iter().map(|(_, operation)| (*operation).to_owned())).collect();
        let places = permitted().map(|call| (call.service.clone(), call.region.to_string()));
        let places = places.chain([(SPARED.to_owned(), region.to_owned())]).collect();
        Self {
            operations,
            places,
            primary_region: platform.primary_region().to_owned(),
            recovery_region: region.to_owned(),
            steps,
        }
    }

    /// The steps' names, in order.
    pub fn steps(&self) -> impl Iterator<Item = &str> + Clone {
        self.steps.iter().map(|step| step.step.as_str())
    }

    /// The calls by which a step changes something, as a dry run of the plan's own topology has them.
    #[must_use]
    pub fn changes_of(&self, step: &str) -> &[Call] {
        self.steps.iter().find(|known| known.step.as_str() == step).map_or(&[], |known| &known.will)
    }

    /// Every call that a step may make.
    #[must_use]
    pub fn may(&self, step: &str) -> &[Permitted] {
        self.steps.iter().find(|known| known.step.as_str() == step).map_or(&[], |known| &known.may)
    }

    /// The first step that changes something.
    #[must_use]
    pub fn first_change(&self) -> Option<&str> {
        self.steps.iter().find(|step| !step.will.is_empty()).map(|step| step.step.as_str())
    }
}
