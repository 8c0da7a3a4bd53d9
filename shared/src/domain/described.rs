//! What a platform has besides its database and its services. A plan describes it, so that it can be checked and seen; no step
//! of this version acts on it; the checks look at it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::backup::{ManagedBackups, ProofLevel};
use super::duration::Seconds;
use super::identifier::{
    Arn, BalancerName, BucketName, ClusterId, ComponentName, DistributionId, DomainName, HealthCheckId, HostedZoneId,
    HttpsUrl, KmsKeyArn, ResourceName, TableName, TimeZoneName,
};
use super::non_empty::NonEmpty;
use super::plan::SiteName;

/// An Application Load Balancer in each site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadBalancer {
    /// In the primary site.
    pub primary: LoadBalancerSite,
    /// In the recovery site.
    pub recovery: LoadBalancerSite,
    /// The services that its targets belong to.
    pub serves: Vec<ComponentName>,
}

/// A load balancer in one site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadBalancerSite {
    /// Its name; address and zone are read from DescribeLoadBalancers when they are needed.
    pub name: BalancerName,
    /// Its target groups: whether it serves is their targets' health, not its own state.
    pub target_groups: NonEmpty<BalancerName>,
}

/// Record sets of one hosted zone that send clients to one site or the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route53Records {
    /// The hosted zone.
    pub zone: HostedZoneId,
    /// The record sets.
    pub records: NonEmpty<RecordSet>,
    /// What moves clients without an edit of the records; made in advance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch: Option<TrafficSwitch>,
    /// Health checks that the records follow, besides the switch's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub health_checks: Vec<HealthCheckId>,
}

impl Route53Records {
    /// Every health check that they follow, as far as the plan says.
    pub fn watched_by(&self) -> impl Iterator<Item = &HealthCheckId> {
        let of_switch = match &self.switch {
            Some(TrafficSwitch::S3Object { health_check, .. }) => Some(health_check),
            Some(TrafficSwitch::RoutingControl { .. }) | None => None,
        };
        of_switch.into_iter().chain(self.health_checks.iter().filter(move |check| Some(*check) != of_switch))
    }
}

/// The record sets of one name and type: one, or one for each site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordSet {
    /// The name that clients ask for.
    pub name: DomainName,
    /// Its type.
    #[serde(rename = "type")]
    pub record_type: RecordType,
    /// How Route 53 chooses between the sites.
    pub routing: Routing,
    /// The component that it points to.
    pub to: ComponentName,
}

/// A record's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RecordType {
    /// IPv4 address, here always an alias.
    A,
    /// IPv6 address, here always an alias.
    Aaaa,
    /// Another name.
    Cname,
}

impl RecordType {
    /// As Route 53 writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Cname => "CNAME",
        }
    }
}

/// A record set's routing policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Routing {
    /// One record, one answer.
    Simple,
    /// A share for each site.
    Weighted,
    /// The primary while its health check is healthy, else the secondary.
    Failover,
}

impl Routing {
    /// As written in a plan.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Weighted => "weighted",
            Self::Failover => "failover",
        }
    }
}

/// A switch that moves clients on the data plane alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "switch", rename_all = "snake_case", deny_unknown_fields)]
pub enum TrafficSwitch {
    /// The primary's health check is inverted and watches an object in the recovery site: when the object appears, the primary
    /// becomes unhealthy.
    S3Object {
        /// The bucket, in the recovery site.
        bucket: BucketName,
        /// The object.
        key: ResourceName,
        /// The health check that watches it.
        health_check: HealthCheckId,
    },
    /// Application Recovery Controller routing control, which the primary's health check follows.
    RoutingControl {
        /// Its ARN.
        arn: Arn,
        /// The five endpoints of its cluster: on the day, the service that would list them may be gone.
        endpoints: NonEmpty<HttpsUrl>,
    },
}

/// A web site in S3 behind CloudFront.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloudfrontDistribution {
    /// The distribution.
    pub id: DistributionId,
    /// The names that clients ask for.
    pub aliases: NonEmpty<DomainName>,
    /// The content in the primary site.
    pub primary: BucketSite,
    /// Its copy in the recovery site.
    pub recovery: BucketSite,
    /// The origin group that turns to the copy by itself when the first origin fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin_group: Option<ResourceName>,
    /// A page that says whether the site serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<HttpsUrl>,
}

/// A bucket, or a part of one, in one site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BucketSite {
    /// The bucket.
    pub bucket: BucketName,
    /// What its keys begin with; absent: all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<ResourceName>,
}

impl BucketSite {
    /// `bucket/prefix`: what the names of its objects begin with.
    #[must_use]
    pub fn below(&self) -> String {
        format!("{}/{}", self.bucket, self.prefix())
    }

    /// What its keys begin with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.prefix.as_ref().map_or("", |prefix| prefix.as_str())
    }
}

/// Data in S3 with a copy in the other Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3Data {
    /// The data.
    pub primary: BucketSite,
    /// Its copy.
    pub recovery: BucketSite,
    /// What makes the copy.
    pub copied_by: CopiedBy,
}

/// What keeps a copy of a bucket up to date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "copy", rename_all = "snake_case", deny_unknown_fields)]
pub enum CopiedBy {
    /// A rule of S3 replication: object by object, as they are written.
    ReplicationRule {
        /// The rule's id.
        id: ResourceName,
    },
    /// AWS Backup, copied to a vault of the recovery site.
    BackupVault {
        /// The vault in the recovery site.
        vault: ResourceName,
        /// How often a backup is made.
        every: Seconds,
    },
}

/// A DynamoDB global table: one name, a replica in each site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DynamodbTable {
    /// The table's name, which is the same in every Region.
    pub table: TableName,
    /// What is required of its backups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backups: Option<ManagedBackups>,
}

/// An Aurora global database with a cluster in each site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuroraGlobalDatabase {
    /// The global cluster.
    pub global_cluster: ClusterId,
    /// The cluster in the primary site, which takes the writes.
    pub primary: AuroraCluster,
    /// The cluster in the recovery site.
    pub recovery: AuroraCluster,
    /// What is required of its backups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backups: Option<ManagedBackups>,
}

/// An Aurora cluster in one site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuroraCluster {
    /// Its identifier.
    pub cluster: ClusterId,
}

/// A PostgreSQL primary and its physical standby, run by the team itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Postgresql {
    /// The server in the primary site, which takes the writes.
    pub primary: PostgresqlServer,
    /// The standby in the recovery site.
    pub recovery: PostgresqlServer,
    /// The secret, in the recovery site, with the fields `username` and `password` of a role that both servers know (a standby has
    /// its primary's roles), and `certificate_authority` where no public authority signed their certificates.
    pub secret: ResourceName,
    /// The database that is connected to.
    pub database: ResourceName,
    /// Whether connections are encrypted.
    pub tls: Tls,
}

/// A PostgreSQL server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresqlServer {
    /// Its host name or IPv4 address; with TLS the name that its certificate is for.
    pub host: DomainName,
    /// Its port.
    pub port: u16,
}

impl PostgresqlServer {
    /// Where PostgreSQL listens unless told otherwise.
    pub const PORT: u16 = 5_432;
}

impl fmt::Display for PostgresqlServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// Encrypted, and the server's certificate is for its host and signed by an authority that is trusted.
    Verified,
    /// Not at all: whoever stands between can read along, and pass for the server.
    None,
}

/// Archives of a database, made by `pg_dump` into a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupArchives {
    /// The database that they are of.
    pub of: ComponentName,
    /// Where they are written.
    pub primary: BucketSite,
    /// Where their copies are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<BucketSite>,
    /// What `pg_dump --format` wrote.
    pub format: ArchiveFormat,
    /// How often one is made.
    pub every: Seconds,
    /// How many are kept.
    pub keep: Keep,
    /// The zone by whose calendar they are kept; absent: UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<TimeZoneName>,
    /// The proof level that the newest has to reach, and from which on one counts as kept; absent: decodable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<ProofLevel>,
    /// By how much the rows of tables may differ from the archive before; absent: they are compared only for level consistent, with
    /// [`Drift::default`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
    /// How they are encrypted; absent: nothing is expected, and none that needs a key is opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<ArchiveEncryption>,
}

/// How archives are encrypted, and by which keys: one of these at least, and of the first two one at most.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveEncryption {
    /// The secret that holds the age identity that opens them, in Secrets Manager of the recovery site: there it is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_identity: Option<ResourceName>,
    /// What opens them, where they are messages of the AWS Encryption SDK.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_envelope: Option<ArchiveEnvelope>,
    /// The keys of KMS under which S3 keeps them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_keys: Option<ArchiveKeys>,
}

/// What opens archives whose data key KMS wraps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveEnvelope {
    /// The key of KMS in the recovery site that unwraps their data keys: there it is needed.
    pub kms_key: KmsKeyArn,
    /// The pairs that their encryption context has to have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub context: BTreeMap<String, String>,
}

/// The keys of KMS under which S3 keeps archives. S3 takes only keys of a bucket's own Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveKeys {
    /// Of the archives.
    pub primary: KmsKeyArn,
    /// Of their copies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<KmsKeyArn>,
}

impl ArchiveKeys {
    /// The key of one site.
    #[must_use]
    pub fn at(&self, site: SiteName) -> Option<&KmsKeyArn> {
        match site {
            SiteName::Primary => Some(&self.primary),
            SiteName::Recovery => self.recovery.as_ref(),
        }
    }
}

/// By how much a table's rows may differ from the archive before, in percent of the rows that it had there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// For tables that are not named.
    pub percent: u32,
    /// For tables by `schema.name`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tables: BTreeMap<String, u32>,
}

impl Default for Drift {
    /// Half as many or half as many again. What is usual depends on the table; this is the deviation at which IBM Financial
    /// Transaction Manager warns of a table of another size unless told otherwise (its properties, "Table Size Comparison
    /// Thresholds", <https://www.ibm.com/docs/en/ftmfm/4.0.10?topic=properties-table-size-comparison-thresholds>).
    fn default() -> Self {
        Self { percent: 50, tables: BTreeMap::new() }
    }
}

impl BackupArchives {
    /// Every place where they are.
    pub fn places(&self) -> impl Iterator<Item = (SiteName, &BucketSite)> {
        let copy = self.recovery.as_ref().map(|place| (SiteName::Recovery, place));
        std::iter::once((SiteName::Primary, &self.primary)).chain(copy)
    }

    /// The secret that holds what opens them.
    #[must_use]
    pub fn age_identity(&self) -> Option<&ResourceName> {
        self.encryption.as_ref()?.age_identity.as_ref()
    }

    /// What opens them, where KMS wraps their data keys.
    #[must_use]
    pub fn envelope(&self) -> Option<&ArchiveEnvelope> {
        self.encryption.as_ref()?.kms_envelope.as_ref()
    }

    /// The key of KMS that one site's have to be under.
    #[must_use]
    pub fn kms_key(&self, site: SiteName) -> Option<&KmsKeyArn> {
        self.encryption.as_ref()?.kms_keys.as_ref()?.at(site)
    }

    /// The proof level that the newest has to reach.
    #[must_use]
    pub fn required(&self) -> ProofLevel {
        self.level.unwrap_or(ProofLevel::Decodable)
    }
}

/// The form of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArchiveFormat {
    /// One compressed file with a table of contents.
    Custom,
    /// A directory of one file a table.
    Directory,
    /// The directory as one tar file.
    Tar,
}

/// How many archives are kept, by age: the newest of each hour, day, week and month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Keep {
    /// Of the last hours.
    #[serde(skip_serializing_if = "is_zero")]
    pub hourly: u32,
    /// Of the last days.
    #[serde(skip_serializing_if = "is_zero")]
    pub daily: u32,
    /// Of the last weeks.
    #[serde(skip_serializing_if = "is_zero")]
    pub weekly: u32,
    /// Of the last months.
    #[serde(skip_serializing_if = "is_zero")]
    pub monthly: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}
