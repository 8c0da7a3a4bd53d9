//! S3: the rules by which the plan's buckets are replicated.

use std::collections::BTreeMap;

use shared::domain::identifier::BucketName;
use shared::domain::plan::Plan;
use shared::domain::replication::{RuleView, copy_of};
use shared::ports::{FailureKind, PortResult};

use super::State;
use crate::faults::failure;

/// The rules of each bucket that there is.
pub(crate) type Rules = BTreeMap<String, Vec<RuleView>>;

const OPERATION: (&str, &str) = ("s3", "GetBucketReplication");

/// What the plan says that there is, with rules that copy everything.
pub(crate) fn rules_of(plan: &Plan) -> Rules {
    let mut rules = Rules::new();
    for copy in plan.components.values().filter_map(copy_of) {
        rules.entry(copy.source.to_string()).or_default().push(RuleView {
            id: copy.rule.to_string(),
            enabled: true,
            priority: 0,
            destination: copy.destination.to_string(),
            prefix: String::new(),
            tags: Vec::new(),
            delete_markers: false,
            kms_objects: true,
        });
    }
    rules
}

impl State {
    pub(crate) fn replication_rules(&mut self, region: &str, bucket: &BucketName) -> PortResult<Vec<RuleView>> {
        if !self.world.reachable(region) {
            return Err(failure(FailureKind::NoAnswer, OPERATION, "timeout", format!("{region} does not answer")));
        }
        let missing = || failure(FailureKind::NotFound, OPERATION, "object_missing", format!("there is no bucket {bucket}"));
        self.rules.get(bucket.as_str()).cloned().ok_or_else(missing)
    }
}
