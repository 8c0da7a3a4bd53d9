//! Making a read replica: of an instance in the same Region, or in another.

use jiff::Timestamp;

use crate::creation::NewInstance;
use crate::errors::ApiError;
use crate::facts::Fact;
use crate::identifiers::InstanceKey;
use crate::making::Origin;
use crate::replication::{Link, Timeline};
use crate::view::DbInstance;
use crate::world::World;

/// An instance has no more replicas of its own.
const MOST_REPLICAS: usize = 15;

/// What a caller says of the replica.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewReplica {
    /// Its identifier.
    pub identifier: String,
    /// The instance it is to follow: an identifier in its own Region, or an ARN.
    pub source: String,
    /// Its security groups.
    pub groups: Option<Vec<String>>,
    /// The key that its storage is encrypted with.
    pub key: Option<String>,
}

impl World {
    /// Begins to make a read replica. It holds what its source has now, and follows it once it is available.
    ///
    /// # Errors
    /// `DBInstanceNotFound`, `DBInstanceAlreadyExists`, `InvalidDBInstanceState`, `InstanceQuotaExceeded`,
    /// `InvalidParameterValue`, `InvalidParameterCombination`, and what every call may answer.
    pub fn create_db_instance_read_replica(
        &mut self,
        region: &str,
        replica: &NewReplica,
        now: Timestamp,
    ) -> Result<DbInstance, ApiError> {
        self.admit(region, now)?;
        let source = self.source_of(region, &replica.source)?;
        let key = self.free_name(region, &replica.identifier)?;
        self.may_have_a_replica(&source)?;
        self.fitting_key(region, &source, replica.key.is_some())?;
        let groups = self.groups_of_new(region, replica.groups.as_deref())?;
        let (lag, at) = (self.lag, self.clock);
        let Some(followed) = self.instances.get(&source) else {
            return Err(ApiError::instance_not_found(&replica.source));
        };
        let (held, backup_window) = (followed.holds(), followed.backup_window);
        self.rely_on(Fact::ReplicaBeginsAsACopy);
        self.rely_on(Fact::ReplicasHaveNoBackups);
        let span = self.takes(|timings| timings.creation);
        self.begin_creation(NewInstance {
            key,
            origin: Origin::Replica { source: source.clone() },
            groups,
            backup_retention: 0,
            backup_window,
            timeline: Timeline::default(),
            link: Some(Link::holding(source, lag, at, held)),
            span,
        })
    }

    /// The instance to follow, whose Region has to answer: RDS copies it from there.
    fn source_of(&mut self, region: &str, named: &str) -> Result<InstanceKey, ApiError> {
        self.rely_on(Fact::SourceIsNamedByArnAcrossRegions);
        let source = InstanceKey::from_arn(named, &self.account).unwrap_or_else(|| InstanceKey::new(region, named));
        if self.dark.contains(&source.region) {
            self.rely_on(Fact::DarkRegion);
            return Err(ApiError::unavailable(&source.region));
        }
        if self.control_plane_dark.contains(&source.region) {
            self.rely_on(Fact::DarkControlPlane);
            return Err(ApiError::unavailable(&source.region));
        }
        if !self.instances.contains_key(&source) {
            self.rely_on(Fact::UnknownInstance);
            return Err(ApiError::instance_not_found(named));
        }
        Ok(source)
    }

    fn may_have_a_replica(&mut self, source: &InstanceKey) -> Result<(), ApiError> {
        let followers = |link: &Link| link.source == *source && !link.ended;
        let replicas = self.instances.values().filter(|other| other.link.as_ref().is_some_and(followers)).count();
        let Some(followed) = self.instances.get(source) else {
            return Err(ApiError::instance_not_found(&source.identifier));
        };
        let (idle, retention) = (followed.is_available() && followed.operation.is_none(), followed.backup_retention);
        if followed.link.as_ref().is_some_and(|link| !link.ended) {
            self.rely_on(Fact::UnmodelledIsRefused);
            return Err(ApiError::not_modelled("a replica of a replica"));
        }
        if retention == 0 {
            self.rely_on(Fact::ReplicaNeedsBackups);
            return Err(ApiError::invalid_state(
                "Automated backups are not enabled for this database instance. To enable automated backups, use \
                 ModifyDBInstance to set the backup retention period to a non-zero value.",
            ));
        }
        if !idle {
            self.rely_on(Fact::ReplicaNeedsAvailableSource);
            return Err(ApiError::invalid_state("The source DB instance is not in the available state."));
        }
        if replicas >= MOST_REPLICAS {
            self.rely_on(Fact::MostReplicas);
            return Err(ApiError::instance_quota_exceeded());
        }
        Ok(())
    }

    /// The world's databases are encrypted, and a key is of one Region.
    fn fitting_key(&mut self, region: &str, source: &InstanceKey, given: bool) -> Result<(), ApiError> {
        match (source.region == region, given) {
            (false, false) => {
                self.rely_on(Fact::KeyAcrossRegions);
                let message = "An encrypted read replica in another Region needs a KmsKeyId of that Region.";
                Err(ApiError::invalid_combination(message))
            }
            (true, true) => {
                self.rely_on(Fact::UnmodelledIsRefused);
                Err(ApiError::not_modelled("another key for a replica in the Region of its source"))
            }
            (false, true) | (true, false) => Ok(()),
        }
    }
}
