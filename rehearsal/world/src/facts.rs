//! What this world claims about AWS, and where each claim comes from.
//!
//! A behaviour without a [`Fact`] is not allowed, nor a fact without a row in `facts.toml`: the row names the
//! documentation and the test that holds the model to it. A run notes the facts that its answers rested on, so that a
//! report can say which of them nobody has ever checked.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

macro_rules! facts {
    ($($name:ident = $id:literal: $meaning:literal,)+) => {
        /// A claim about how AWS behaves.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Fact {
            $(#[doc = $meaning] $name,)+
        }

        impl Fact {
            /// Every fact.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The name of its row.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self {
                    $(Self::$name => $id,)+
                }
            }
        }
    };
}

facts! {
    StatusesAreDocumented = "rds.instance.statuses": "Instances are only ever in documented statuses.",
    EndpointNames = "rds.instance.endpoint": "Endpoints are named after instance, account and Region.",
    SourceInAnotherRegionIsAnArn = "rds.instance.source-arn": "A source in another Region is named by ARN.",
    ReplicaInAnotherRegionIsAnArn = "rds.instance.replica-arn": "A replica in another Region is named by ARN.",
    RestorableEveryFiveMinutes = "rds.instance.restorable": "The log is shipped every five minutes.",
    UnknownInstance = "rds.error.instance-not-found": "An unknown instance is a 404.",
    UnknownSnapshot = "rds.error.snapshot-not-found": "An unknown snapshot is a 404.",
    Throttling = "rds.error.throttling": "Too many calls are refused with 400.",
    DarkControlPlane = "rds.error.control-plane-dark": "A control plane can fail while databases run on.",
    DarkRegion = "aws.region.dark": "A dark Region answers nothing and its databases are out of reach.",
    UnknownAction = "rds.error.unknown-action": "An unknown action is a 400.",
    UnmodelledIsRefused = "rds.error.not-modelled": "What the world does not model is refused, not ignored.",
    QueryProtocol = "rds.protocol.query": "RDS takes forms and answers in XML.",
    DescribeTakesIdentifierOrArn = "rds.describe.identifier-or-arn": "Describe takes identifiers in any case, or ARNs.",
    PagesOfRecords = "rds.describe.pages": "Lists come in pages of 20 to 100 records.",
    DescribeMayBeStale = "rds.describe.stale": "Describe calls may answer with what was so before.",
    SnapshotsByType = "rds.snapshots.by-type": "Automated snapshots are found by name only with their type.",
    AutomatedSnapshotNames = "rds.snapshots.names": "Automated snapshots are named after instance and time.",
    DailyBackup = "rds.backup.daily": "An available instance is backed up daily in its window.",
    InstanceNames = "rds.create.names": "New instances have names of letters, digits and hyphens.",
    InstanceExists = "rds.create.exists": "A name that is taken is refused.",
    InstanceQuota = "rds.create.quota": "An account has at most 40 instances in a Region.",
    CreatingFirst = "rds.create.creating": "A new instance is creating before it is available.",
    NewInstancesAreUnprotected = "rds.create.unprotected": "A new instance is not protected from deletion.",
    NewInstancesHaveTheDefaultGroup = "rds.create.default-group": "A new instance has the network's default security group.",
    FirstBackupAfterRestore = "rds.create.first-backup": "A restored instance is backed up at once.",
    ReplicaNeedsBackups = "rds.replica.source-needs-backups": "The source of a replica keeps backups.",
    ReplicaNeedsAvailableSource = "rds.replica.source-needs-available": "The source of a replica is available.",
    ReplicasHaveNoBackups = "rds.replica.created-without-backups": "Replicas are created without backups.",
    ReplicaBeginsAsACopy = "rds.replica.begins-as-a-copy": "A replica begins as a copy of its source.",
    SourceIsNamedByArnAcrossRegions = "rds.replica.source-named": "A source in another Region is asked for by ARN.",
    KeyAcrossRegions = "rds.replica.key-across-regions": "An encrypted replica in another Region needs a key of that Region.",
    MostReplicas = "rds.replica.at-most-fifteen": "An instance has at most 15 replicas.",
    SnapshotNames = "rds.snapshots.create-names": "Snapshots have names of letters, digits and hyphens.",
    SnapshotExists = "rds.snapshots.create-exists": "A snapshot's name is taken once.",
    SnapshotNeedsAvailable = "rds.snapshots.create-needs-available": "Only an available instance is snapshotted.",
    SnapshotQuota = "rds.snapshots.quota": "An account has at most 100 manual snapshots in a Region.",
    SnapshotTakesTime = "rds.snapshots.create-takes-time": "A snapshot is creating, then available.",
    RestoreNeedsAvailableSnapshot = "rds.restore.needs-available-snapshot": "Only an available snapshot is restored.",
    RestoredFromSnapshot = "rds.restore.from-snapshot": "What is restored from a snapshot holds what it held.",
    RestoredIsSingleAz = "rds.restore.configuration": "What is restored has most of the configuration, in one zone.",
    PointInTimeNeedsBackups = "rds.point-in-time.needs-backups": "Without backups there is no point in time to restore.",
    PointInTimeWindow = "rds.point-in-time.window": "Only times between the oldest backup and the shipped log are restorable.",
    PointInTimeIsOne = "rds.point-in-time.one-time": "A restore asks for one time.",
    RestoredToPointInTime = "rds.point-in-time.holds": "What is restored holds every commit up to that time and none after.",
    GroupsChangeAsynchronously = "rds.modify.groups-asynchronous": "Security groups change a little later.",
    MembershipStates = "rds.modify.membership-states": "Groups are adding and removing while they change.",
    StatusDuringGroupChange = "rds.modify.status-during-group-change": "The status may show a change of groups.",
    SameGroupsChangeNothing = "rds.modify.same-groups": "Asking for the groups in effect changes nothing.",
    NothingToModify = "rds.modify.nothing-requested": "A modification of nothing is refused.",
    UnknownSecurityGroup = "rds.modify.unknown-group": "A group that does not exist is refused.",
    ModifyNeedsAvailable = "rds.modify.needs-available": "Only an available instance can be modified.",
    GroupRulesAddUp = "ec2.security-groups.add-up": "One group that lets clients in is enough.",
    SessionsOutliveGroupChange = "ec2.security-groups.tracked-connections": "A change ends no tracked connection.",
    RebootNeedsAvailable = "rds.reboot.needs-available": "Only an available instance can be rebooted.",
    RebootDuringOperation = "rds.reboot.during-operation": "An instance in an operation cannot be rebooted.",
    RebootEndsSessions = "rds.reboot.outage": "A reboot is an outage, shown as rebooting.",
    RebootRevives = "rds.reboot.revives": "A reboot restarts the engine, even one that hangs.",
    ReplicationResumesAfterReboot = "rds.reboot.replication-resumes": "Replication resumes after a reboot.",
    FailoverNeedsMultiAz = "rds.reboot.failover-needs-multi-az": "Only Multi-AZ instances fail over.",
    FailoverRefusalCode = "rds.reboot.failover-refusal-code": "The code of that refusal.",
    FailoverSwapsZones = "rds.reboot.failover-swaps-zones": "A failover swaps the zones.",
    ZonesReportedLate = "rds.reboot.zones-reported-late": "Describe shows swapped zones minutes later.",
    PromotionNeedsAvailable = "rds.promote.needs-available": "Only an available replica can be promoted.",
    NoPromotionDuringBackup = "rds.promote.not-during-backup": "A replica being backed up cannot be promoted.",
    PromotionNeedsReplica = "rds.promote.needs-replica": "Only a replica can be promoted.",
    SecondPromotionRefused = "rds.promote.second-refused": "A promotion under way refuses another.",
    DefaultRetentionAfterPromotion = "rds.promote.default-retention": "Backups are kept for a day unless said.",
    PromotionEndsReplication = "rds.promote.ends-replication": "A promotion ends replication.",
    PromotionUnseenAtFirst = "rds.promote.unseen-at-first": "The status stays available for a while.",
    PromotionShowsModifying = "rds.promote.shows-modifying": "The status shows modifying.",
    PromotionReboots = "rds.promote.reboots": "The replica is rebooted before it takes writes.",
    FirstBackupAfterPromotion = "rds.promote.first-backup": "Turning backups on takes one at once.",
    SourceGoneLate = "rds.promote.source-gone-late": "Describe names the source for a while longer.",
    SourceForgetsReplica = "rds.promote.source-forgets-replica": "The source no longer lists the replica.",
    PromotionLeavesOldPrimary = "rds.promote.old-primary-unaffected": "The old primary goes on taking writes.",
    ReplicaIsReadOnly = "rds.replica.read-only": "A replica takes no writes.",
    ReplicationIsAsynchronous = "rds.replica.asynchronous": "Commits are acknowledged before they replicate.",
    ReplicationStatuses = "rds.replica.statuses": "Replication is replicating, error or terminated.",
    StalledReplicationBecomesAnError = "rds.replica.stalled-is-error": "Stalled replication becomes an error.",
    ReplicationGivenUpAfterThirtyDays = "rds.replica.given-up": "It is terminated after 30 days.",
    HungLooksAvailable = "rds.failure.hung-looks-available": "A hung database can look available.",
    FailedIsFinal = "rds.failure.failed-is-final": "A failed instance cannot be recovered.",
    LagIsSecondsSinceReplay = "cloudwatch.replica-lag.since-replay": "Lag is the time since the last replay.",
    LagOfIdlePrimary = "cloudwatch.replica-lag.idle-primary": "An idle primary shows up to five minutes.",
    BrokenReplicationReportsMinusOne = "cloudwatch.replica-lag.minus-one": "Inactive replication reports -1.",
    LagEveryMinute = "cloudwatch.replica-lag.every-minute": "RDS publishes every minute.",
    TableLatencyAtItsSource = "cloudwatch.table-latency": "A table's latency is published where it is written.",
    ClusterLagAtTheSecondary = "cloudwatch.cluster-lag": "A global database's lags are published at the secondary.",
    BucketLatencyAtTheDestination = "cloudwatch.bucket-latency": "A rule's latency is published at the destination.",
    BucketFailuresAtTheSource = "cloudwatch.bucket-failures": "What a rule gives up is published at the source.",
    ReplicasOfATable = "dynamodb.table.replicas": "A table names its replicas and their statuses.",
    DynamodbProtocol = "dynamodb.protocol.json": "DynamoDB takes JSON, named by a header.",
    UnknownTable = "dynamodb.error.table-not-found": "An unknown table is a 400.",
    MembersOfAGlobalCluster = "rds.global-cluster.members": "A global cluster names its clusters and the writer.",
    ReplicatedAutomatedBackups = "rds.automated-backups.replicated": "Replicated backups are listed where they arrive.",
    CopiedSnapshotsKeepTheirTime = "rds.snapshots.copied": "A copy says when its original was taken.",
    RestorableCluster = "rds.cluster.restorable": "A cluster says to when it can be restored.",
    UnknownCluster = "rds.error.cluster-not-found": "An unknown cluster is a 404.",
    CopiedClusterSnapshots = "rds.cluster-snapshots.copied": "A copy of a cluster's snapshot names its source.",
    ContinuousBackupsOfATable = "dynamodb.continuous-backups": "A table says whether and to when it can be restored.",
    ContinuousBackupsOfNoTable = "dynamodb.error.continuous-backups-of-no-table": "An unknown table is a 400 of its own.",
    RecoveryPointsOfAVault = "backup.recovery-points": "A vault lists recovery points of every status.",
    UnknownVault = "backup.error.vault-not-found": "An unknown vault is a 400.",
    DescribedRestoreJob = "backup.restore-job": "A restore job names what began it, what it is of and what it made.",
    UnknownRestoreJob = "backup.error.restore-job-not-found": "An unknown restore job is a 400.",
    ValidationStatuses = "backup.validation.statuses": "A validation result is one of four words.",
    OnlyRestoreTestsAreValidated = "backup.validation.of-tests": "Only a restore test that has ended takes a validation result.",
    ValidationIsFinal = "backup.validation.final": "A validation result is set once.",
    ValidationEndsTheTest = "backup.validation.ends": "What was restored for a test is deleted once it is validated.",
    BackupProtocol = "backup.protocol.rest-json": "AWS Backup takes paths and queries, and answers in JSON.",
    UnknownGlobalCluster = "rds.error.global-cluster-not-found": "An unknown global cluster is a 404.",
    MetricRange = "cloudwatch.get-metric-data.range": "The start is included, the end is not.",
    MetricOrder = "cloudwatch.get-metric-data.order": "The newest data point comes first.",
    MetricPages = "cloudwatch.get-metric-data.pages": "Results are cut at MaxDatapoints.",
    MetricStatistics = "cloudwatch.get-metric-data.statistics": "Periods are whole minutes.",
    CborProtocol = "cloudwatch.protocol.cbor": "CloudWatch speaks RPC v2 CBOR.",
    JsonAndQueryProtocols = "cloudwatch.protocol.json-and-query": "CloudWatch is answered as it is asked: JSON and forms, too.",
    ZoneApexRecords = "route53.zone.apex-records": "A zone begins with its name servers and its authority.",
    NamesHaveOneSpelling = "route53.names.spelling": "Names are kept in lower case, with octal codes.",
    ChangeIsAtomic = "route53.change.atomic": "A batch is made as a whole or not at all.",
    BatchLimits = "route53.change.limits": "A batch has at most 1,000 values and 32,000 characters.",
    CreateNeedsAbsence = "route53.change.create": "Only what is not there can be created.",
    DeleteStatesExactValues = "route53.change.delete": "A deletion states what is there, exactly.",
    UpsertReplaces = "route53.change.upsert": "An upsert replaces whatever is there.",
    OneChangePerRecordSet = "route53.change.one-per-set": "A batch says one thing of a record set.",
    ApexRecordsStay = "route53.change.apex-stays": "A zone keeps its name servers and its authority.",
    NamesLieWithinZone = "route53.change.within-zone": "Records lie within their zone.",
    CnameStandsAlone = "route53.change.cname-alone": "A CNAME is the only record of its name.",
    NoCnameAtApex = "route53.change.cname-apex": "No CNAME stands at the apex of a zone.",
    RoutingPoliciesDoNotMix = "route53.routing.one-policy": "Record sets of one name and type have one policy.",
    SetIdentifierRules = "route53.routing.set-identifier": "A routing policy needs a set identifier.",
    WeightedSetsShareTtl = "route53.routing.weighted-ttl": "Weighted record sets have one TTL.",
    WeightedSetRules = "route53.routing.weighted-rules": "A weight is 0 to 255, and has one value.",
    FailoverPair = "route53.routing.failover-pair": "There is one primary and one secondary.",
    ValuesOrAlias = "route53.records.values-or-alias": "A record set has values and a TTL, or an alias.",
    ValuesAreChecked = "route53.records.values": "Values are what their type takes.",
    AliasTargetIsThere = "route53.records.alias-target": "An alias leads to something in its target's zone.",
    HealthCheckIsThere = "route53.records.health-check": "A record set names a health check that exists.",
    ChangePendingThenInSync = "route53.propagation.pending": "A change is pending, then in sync.",
    VisibleOnceInSync = "route53.propagation.visible": "Name servers have a change once it is in sync.",
    UnknownHostedZone = "route53.error.no-such-hosted-zone": "An unknown zone is a 404.",
    UnknownChange = "route53.error.no-such-change": "An unknown change is a 404.",
    UnknownHealthCheck = "route53.error.no-such-health-check": "An unknown health check is a 404.",
    DnsThrottling = "route53.error.throttling": "Too many calls of an account are refused with 400.",
    PriorRequestNotComplete = "route53.error.prior-request": "A batch may meet a prior one still at work.",
    DnsControlPlaneInOneRegion = "route53.control-plane.region": "The control plane lives in us-east-1.",
    ChangesStrandWithControlPlane = "route53.control-plane.stranded": "Changes strand when it goes dark.",
    AnswersOutliveControlPlane = "route53.control-plane.answers": "Name servers and health checks go on without it.",
    RecordSetOrder = "route53.list.order": "Record sets are listed by reversed labels.",
    RecordSetPages = "route53.list.pages": "Record sets come in pages of at most 300.",
    ListShowsPending = "route53.list.pending": "Lists show what is still pending.",
    ZonesByName = "route53.list.zones-by-name": "Zones are listed by reversed labels.",
    HealthNeedsShareOfCheckers = "route53.health.share": "More than 18 % of checkers decide.",
    FailureThreshold = "route53.health.failure-threshold": "A checker changes its mind after several answers.",
    NewCheckIsHealthy = "route53.health.new": "A new health check is healthy until it knows better.",
    DisabledIsHealthy = "route53.health.disabled": "A disabled health check is healthy.",
    InvertedHealth = "route53.health.inverted": "An inverted health check says the opposite.",
    AlarmDecidesHealth = "route53.health.alarm": "A health check may follow the data of an alarm.",
    CalculatedHealth = "route53.health.calculated": "A health check may count others.",
    HealthCheckVersions = "route53.health.versions": "An update may be conditional on a version.",
    HealthCheckChangesLate = "route53.health.changes-late": "Checkers follow an update a little later.",
    ObservationsOfCheckers = "route53.health.observations": "The status is what each checker saw last.",
    StatusOfEndpointsOnly = "route53.health.status-of-endpoints": "Only endpoints have a status of checkers.",
    WeightedAnswers = "route53.answer.weighted": "Answers are drawn in proportion to weight.",
    ZeroWeightIsALastResort = "route53.answer.zero-weight": "Weight 0 answers when nothing else does.",
    AllUnhealthyCountsAsHealthy = "route53.answer.all-unhealthy": "If none is healthy, all are.",
    WithoutHealthCheckHealthy = "route53.answer.no-health-check": "A record set without a health check is healthy.",
    FailoverAnswers = "route53.answer.failover": "The primary answers, or the secondary while it is the only healthy one.",
    AliasAnswersForItsTarget = "route53.answer.alias": "An alias answers with its target's values and TTL.",
    TargetHealth = "route53.answer.target-health": "An alias may be as healthy as its target.",
    Wildcards = "route53.answer.wildcard": "A wildcard answers for names that are not there.",
    OtherNamesAreFollowed = "route53.answer.cname": "A CNAME is followed within its zone.",
    NegativeAnswers = "route53.answer.negative": "What is not there is answered with the zone's authority.",
    RestXmlProtocol = "route53.protocol.rest-xml": "Route 53 takes paths, queries and XML, and answers in XML.",
    ForeignNamesAreRefused = "route53.answer.refused": "Names outside every zone are refused.",
}

/// A row of `facts.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FactRow {
    /// The fact it stands for.
    pub id: String,
    /// The service that behaves so.
    pub service: String,
    /// The operation, or the part of the service.
    pub operation: String,
    /// How it behaves.
    pub behaviour: String,
    /// The address that says so, or `unverified`.
    pub source: String,
    /// The test that fails when the model behaves otherwise.
    pub test: String,
    /// What to know about the source, or about its absence.
    #[serde(default)]
    pub note: Option<String>,
    /// How `recoveryctl conform` looks at it in a real account without changing anything, where that is possible.
    #[serde(default)]
    pub conform: Option<String>,
}

impl FactRow {
    /// Whether anything but experience says so.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.source != "unverified"
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    fact: Vec<FactRow>,
}

/// The table is part of the program, and a test reads it: it cannot fail to parse where that test passed.
static ROWS: LazyLock<Vec<FactRow>> =
    LazyLock::new(|| toml::from_str::<Table>(include_str!("../../facts.toml")).map(|table| table.fact).unwrap_or_default());

/// Every row of `facts.toml`.
#[must_use]
pub fn fact_rows() -> &'static [FactRow] {
    &ROWS
}

/// The rows that no source stands behind: what a report has to list as never checked against AWS.
pub fn unverified_facts() -> impl Iterator<Item = &'static FactRow> {
    fact_rows().iter().filter(|row| !row.is_verified())
}

impl Fact {
    /// Its row.
    #[must_use]
    pub fn row(self) -> Option<&'static FactRow> {
        fact_rows().iter().find(|row| row.id == self.id())
    }
}
