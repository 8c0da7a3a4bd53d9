//! Looks at every replica of the plan, a page of them at a time, and lets the domain judge each.

use std::collections::BTreeMap;
use std::iter::repeat_with;

use futures_util::future::join;
use jiff::Timestamp;
use serde::Serialize;

use crate::domain::described::CopiedBy;
use crate::domain::identifier::{ComponentName, InstanceId, Region};
use crate::domain::observation::{InstanceView, LagSample, Sight};
use crate::domain::plan::{Component, Plan, SiteName};
use crate::domain::replication::{BucketCopy, ReplicaJudgement, judge, judge_copy, replicated};
use crate::error::{Code, RecoveryError};
use crate::ports::{Clock, Databases, PortResult, ReplicaLags};

use super::hands::sight;

/// Figures of one call (GetMetricData: 500 queries), so that a call that fails costs the figures of its own replicas only.
const FIGURES: usize = 500;

/// One replica, judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckedReplica {
    /// The component that it is of.
    pub component: ComponentName,
    /// The component's kind.
    pub kind: &'static str,
    /// Its own name.
    pub replica: String,
    /// Where it is.
    pub region: Region,
    /// The judgement.
    #[serde(flatten)]
    pub judgement: ReplicaJudgement,
}

/// Checks the named component's replica, or every one of the plan, in the plan's order.
///
/// # Errors
/// `component_not_in_plan`. Trouble with a replica is its verdict, not an error.
pub async fn check_replication(
    clock: &dyn Clock,
    databases: &dyn Databases,
    lags: &dyn ReplicaLags,
    plan: &Plan,
    component: Option<&str>,
) -> Result<Vec<CheckedReplica>, RecoveryError> {
    let names = replicated(plan, component).map_err(|why| RecoveryError::new(Code::ComponentNotInPlan, why))?;
    let region = plan.region(SiteName::Recovery);
    let asked = clock.now();
    let (instances, copies) = wanted(plan, &names);
    let described = databases.describe_each(region, &instances);
    // Every instance that was asked for has an answer, whatever an adapter does.
    let unanswered = || Sight::Unreached { reason: "it was not answered for".to_owned() };
    let of_instances = async {
        let mut answers = Vec::new();
        for batch in instances.chunks(FIGURES) {
            answers.push(lags.latest(region, batch, asked).await);
        }
        answers
    };
    let of_copies = async {
        let mut answers = Vec::new();
        for batch in copies.chunks(FIGURES) {
            answers.push(lags.latest_of_copies(region, batch, asked).await);
        }
        answers
    };
    let (described, (of_instances, of_copies)) = join(described, join(of_instances, of_copies)).await;
    let (of_instances, of_copies) = (figures(instances.len(), &of_instances), figures(copies.len(), &of_copies));
    let seen = Seen {
        instances: instances
            .into_iter()
            .zip(described.into_iter().map(sight).chain(repeat_with(unanswered)).zip(of_instances))
            .collect(),
        copies: copies.into_iter().zip(of_copies).collect(),
        // A figure's age counts as lag, and so does the time that looking took.
        now: clock.now(),
    };
    Ok(names.iter().filter_map(|name| seen.judged(plan, region, name)).collect())
}

fn wanted(plan: &Plan, names: &[ComponentName]) -> (Vec<InstanceId>, Vec<BucketCopy>) {
    let (mut instances, mut copies) = (Vec::new(), Vec::new());
    for component in names.iter().filter_map(|name| plan.components.get(name)) {
        match component {
            Component::RdsInstance(database) => instances.push(database.recovery.id.clone()),
            Component::S3Data(_) => copies.extend(copy_of(component)),
            _ => {}
        }
    }
    (instances, copies)
}

/// The rule that copies a component, where one does.
fn copy_of(component: &Component) -> Option<BucketCopy> {
    match component {
        Component::S3Data(data) => match &data.copied_by {
            CopiedBy::ReplicationRule { id } => Some(BucketCopy {
                source: data.primary.bucket.clone(),
                destination: data.recovery.bucket.clone(),
                rule: id.clone(),
            }),
            CopiedBy::BackupVault { .. } => None,
        },
        _ => None,
    }
}

/// The figure of each, or why there is none, from the answers about each so many of them.
fn figures(count: usize, answers: &[PortResult<Vec<Option<LagSample>>>]) -> Vec<Sight<LagSample>> {
    let of = |index: usize| match answers.get(index / FIGURES) {
        Some(Ok(samples)) => match samples.get(index % FIGURES).cloned().flatten() {
            Some(found) => Sight::Found { found },
            None => Sight::Absent,
        },
        Some(Err(error)) => Sight::Unreached { reason: error.to_string() },
        None => Sight::Absent,
    };
    (0..count).map(of).collect()
}

/// What there was to see.
struct Seen {
    instances: BTreeMap<InstanceId, (Sight<InstanceView>, Sight<LagSample>)>,
    copies: Vec<(BucketCopy, Sight<LagSample>)>,
    now: Timestamp,
}

impl Seen {
    fn judged(&self, plan: &Plan, region: &Region, name: &ComponentName) -> Option<CheckedReplica> {
        let component = plan.components.get(name)?;
        let rpo = plan.objectives.get(name).and_then(|objective| objective.rpo);
        let (replica, judgement) = match component {
            Component::RdsInstance(database) => {
                let id = &database.recovery.id;
                let (instance, lag) = self.instances.get(id)?;
                (id.to_string(), judge(id.as_str(), instance, lag, rpo, database.max_lag, self.now))
            }
            Component::S3Data(data) => {
                let bucket = data.recovery.bucket.to_string();
                let mine = copy_of(component);
                let figure = self.copies.iter().find(|(copy, _)| mine.as_ref() == Some(copy)).map(|(_, figure)| figure);
                let judgement = judge_copy(&bucket, &data.copied_by, figure.unwrap_or(&Sight::Absent), rpo, self.now);
                (bucket, judgement)
            }
            _ => return None,
        };
        let (component, kind) = (name.clone(), component.kind());
        Some(CheckedReplica { component, kind, replica, region: region.clone(), judgement })
    }
}

#[cfg(test)]
mod tests;
