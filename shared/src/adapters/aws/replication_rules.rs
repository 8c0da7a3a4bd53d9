//! S3: the rules by which buckets are replicated.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use objects::{Limits, ReplicationRule};
use tokio::time::Instant;

use super::Clients;
use super::clients::LOOK;
use super::objects::{failed, signed};
use crate::adapters::Sending;
use crate::domain::identifier::{BucketName, Region};
use crate::domain::operation::Operation;
use crate::domain::replication::RuleView;
use crate::ports::{FailureKind, PortResult, ReplicationRules};

/// Buckets that are asked about at a time.
const AT_ONCE: usize = 20;
/// No call is begun later: a Region that takes calls and never answers must not cost the other replicas their verdict.
const BUDGET: Duration = Duration::from_secs(8);

/// [`ReplicationRules`] over S3.
#[derive(Debug, Clone)]
pub struct S3ReplicationRules {
    clients: Clients,
}

impl S3ReplicationRules {
    /// Over the connections and credentials of these clients.
    #[must_use]
    pub fn new(clients: Clients) -> Self {
        Self { clients }
    }

    async fn look(&self, region: &Region, bucket: &BucketName, until: Instant) -> PortResult<Vec<RuleView>> {
        let sending = Sending::of(Operation::GetBucketReplication);
        let client = signed(&self.clients, sending, Operation::GetBucketReplication, region, bucket.as_str())?;
        if Instant::now() >= until {
            let message = "it was not its turn in time: other buckets took too long; ask for one component";
            return Err(sending.failure(FailureKind::NotNow, "no_turn", message));
        }
        let asking = async {
            let limits = Limits { stall: LOOK, ..Limits::default() };
            let rules = self.clients.outbound().of(client.replication_rules(bucket.as_str(), &limits)).await;
            rules.map_err(|failure| failed(sending, &failure))
        };
        Ok(sending.within(LOOK, asking).await?.into_iter().map(view).collect())
    }
}

#[async_trait]
impl ReplicationRules for S3ReplicationRules {
    async fn of_each(&self, region: &Region, buckets: &[BucketName]) -> Vec<PortResult<Vec<RuleView>>> {
        let until = Instant::now() + BUDGET;
        let looks: Vec<_> = buckets.iter().map(|bucket| self.look(region, bucket, until)).collect();
        stream::iter(looks).buffered(AT_ONCE).collect().await
    }
}

fn view(rule: ReplicationRule) -> RuleView {
    RuleView {
        id: rule.id,
        enabled: rule.enabled,
        priority: rule.priority,
        // A bucket's ARN has neither Region nor account.
        destination: rule.destination.rsplit(':').next().unwrap_or_default().to_owned(),
        prefix: rule.prefix,
        tags: rule.tags,
        delete_markers: rule.delete_markers,
        kms_objects: rule.kms_objects,
    }
}
