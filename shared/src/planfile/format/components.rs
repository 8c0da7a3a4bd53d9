//! The form of `components`.

use crate::domain::backup::ProofLevel;
use crate::domain::described::{ArchiveFormat, RecordType, Routing, Tls};
use crate::domain::identifier::{
    Arn, BalancerName, BucketName, ClusterId, ContextName, DistributionId, DomainName, HealthCheckId, HostedZoneId,
    HttpsUrl, InstanceId, KmsKeyArn, SecurityGroupId, SqlText, TableName, TimeZoneName, VariableName,
};
use crate::domain::plan::{ApiProtocol, Reads};

use super::{COMPONENT, Field, Form, Mapping, REGION, RESOURCE, optional, required, words};

/// A component is one of these, told apart by `kind`.
pub(in super::super) const COMPONENTS: &[&Mapping] = &[
    &RDS_INSTANCE,
    &ECS_SERVICE,
    &LOAD_BALANCER,
    &ROUTE53_RECORDS,
    &CLOUDFRONT_DISTRIBUTION,
    &S3_DATA,
    &DYNAMODB_TABLE,
    &AURORA_GLOBAL_DATABASE,
    &POSTGRESQL,
    &BACKUP_ARCHIVES,
];

/// A method of an API, as [`crate::domain::plan::ApiMethod`] reads it.
const METHOD: &str = r"^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|ANY) /[!-~]{0,299}$";
/// A parameter in a hierarchy.
const PARAMETER: &str = r"^/[!-~]{0,511}$";

const URL: Form = Form::Pattern(HttpsUrl::PATTERN);

const fn kind(word: &'static str) -> Field {
    required("kind", Form::Constant(word), "What kind of component this is; decides its other fields.")
}

pub(in super::super) static RDS_INSTANCE: Mapping = Mapping {
    name: "rds_instance",
    about: "An RDS database instance with a read replica in the recovery site.",
    fields: &[
        kind("rds_instance"),
        required("primary", Form::Mapping(&RDS_PRIMARY), "The instance in the primary site."),
        required("recovery", Form::Mapping(&RDS_REPLICA), "Its read replica in the recovery site."),
        required(
            "backup_retention",
            Form::Duration,
            "How long the promoted replica keeps backups: whole days, 1d to 35d. Without it a promotion would set one day.",
        ),
        required("max_lag", Form::Duration, "How far behind the replica may be before a planned switchover goes on."),
        optional(
            "backups",
            Form::Mapping(&INSTANCE_BACKUPS),
            "What is required of its backups beyond its recovery point objective.",
        ),
        optional("write_probe", Form::Mapping(&WRITE_PROBE), "What proves that the promoted database takes writes."),
        optional(
            "endpoints",
            Form::List(&Form::OneOf(ENDPOINTS)),
            "Every place where clients read the database's host name.",
        ),
        optional("holds", Form::List(&Form::OneOf(HOLDS)), "Every place where writes can be held back."),
    ],
};

pub(in super::super) static RDS_PRIMARY: Mapping = Mapping {
    name: "rds_primary",
    about: "The instance in the primary site.",
    fields: &[
        required("id", Form::Pattern(InstanceId::PATTERN), "Its identifier."),
        optional(
            "isolation_security_group",
            Form::Pattern(SecurityGroupId::PATTERN),
            "A security group that lets nobody in, made in advance. Without it the instance cannot be fenced.",
        ),
    ],
};

pub(in super::super) static RDS_REPLICA: Mapping = Mapping {
    name: "rds_replica",
    about: "The replica in the recovery site.",
    fields: &[required("id", Form::Pattern(InstanceId::PATTERN), "Its identifier.")],
};

pub(in super::super) static WRITE_PROBE: Mapping = Mapping {
    name: "write_probe",
    about: "A function that writes one row through the promoted database and answers {\"written\": true}.",
    fields: &[required("lambda", RESOURCE, "The function's name in the recovery site.")],
};

/// A place where the host name is kept is one of these, told apart by its first field.
pub(in super::super) const ENDPOINTS: &[&Mapping] = &[&SSM_PARAMETER, &SECRET, &LAMBDA_ENDPOINT];

const fn consumers() -> Field {
    optional("consumers", Form::List(&COMPONENT), "The services that read it only when they start, and are restarted.")
}

const fn region() -> Field {
    required("region", REGION, "Its Region: one of the two sites'.")
}

pub(in super::super) static SSM_PARAMETER: Mapping = Mapping {
    name: "ssm_parameter",
    about: "A Systems Manager parameter whose whole value is the host.",
    fields: &[required("ssm_parameter", Form::Pattern(PARAMETER), "The parameter's full name."), region(), consumers()],
};

pub(in super::super) static SECRET: Mapping = Mapping {
    name: "secret",
    about: "One field of a JSON secret.",
    fields: &[
        required("secret", RESOURCE, "The secret's name."),
        required("field", RESOURCE, "The field that holds the host."),
        region(),
        consumers(),
    ],
};

pub(in super::super) static LAMBDA_ENDPOINT: Mapping = Mapping {
    name: "lambda_endpoint",
    about: "One variable of a Lambda function's environment.",
    fields: &[
        required("lambda_environment", RESOURCE, "The function's name."),
        required("variable", Form::Pattern(VariableName::PATTERN), "The variable that holds the host."),
        region(),
        consumers(),
    ],
};

/// A place where writes are held is one of these, told apart by its first field.
pub(in super::super) const HOLDS: &[&Mapping] = &[&STAGE_HOLD, &LAMBDA_HOLD];

pub(in super::super) static STAGE_HOLD: Mapping = Mapping {
    name: "api_gateway_stage_hold",
    about: "Throttling of an API Gateway stage.",
    fields: &[required("api_gateway_stage", Form::Mapping(&API_GATEWAY_STAGE), "The stage and its methods."), region()],
};

pub(in super::super) const READS: &[(&str, Reads)] = &[("served", Reads::Served), ("stopped", Reads::Stopped)];
pub(in super::super) const PROTOCOLS: &[(&str, ApiProtocol)] = &[("rest", ApiProtocol::Rest), ("http", ApiProtocol::Http)];

pub(in super::super) static API_GATEWAY_STAGE: Mapping = Mapping {
    name: "api_gateway_stage",
    about: "A stage of an API.",
    fields: &[
        required("api", RESOURCE, "The API's id."),
        required("stage", RESOURCE, "The stage's name."),
        required("methods", Form::List(&Form::Pattern(METHOD)), "The writing methods that are throttled to nothing."),
        required(
            "reads",
            Form::Words(|| words(READS)),
            "`served`: no other method is touched; `stopped`: the whole stage is throttled.",
        ),
        optional("protocol", Form::Words(|| words(PROTOCOLS)), "REST or HTTP API; `rest` unless written."),
    ],
};

pub(in super::super) static LAMBDA_HOLD: Mapping = Mapping {
    name: "lambda_hold",
    about: "A flag in a Lambda function's environment that its code obeys.",
    fields: &[
        required("lambda_environment", RESOURCE, "The function's name."),
        required("variable", Form::Pattern(VariableName::PATTERN), "The flag."),
        optional("held", Form::Line, "The value that means \"read only\"; \"true\" unless written."),
        region(),
    ],
};

pub(in super::super) static ECS_SERVICE: Mapping = Mapping {
    name: "ecs_service",
    about: "An ECS service in both sites.",
    fields: &[
        kind("ecs_service"),
        required("primary", Form::Mapping(&ECS_SITE), "The service in the primary site."),
        required("recovery", Form::Mapping(&ECS_SITE), "The service in the recovery site."),
        optional("health", URL, "A page that says whether it serves."),
        optional(
            "good_revision",
            Form::Pattern(PARAMETER),
            "The parameter, of each site, that holds the number of the task definition's last good revision.",
        ),
    ],
};

pub(in super::super) static ECS_SITE: Mapping = Mapping {
    name: "ecs_site",
    about: "An ECS service in one site.",
    fields: &[required("cluster", RESOURCE, "The cluster's name."), required("service", RESOURCE, "The service's name.")],
};

pub(in super::super) static LOAD_BALANCER: Mapping = Mapping {
    name: "load_balancer",
    about: "An Application Load Balancer in both sites.",
    fields: &[
        kind("load_balancer"),
        required("primary", Form::Mapping(&LOAD_BALANCER_SITE), "In the primary site."),
        required("recovery", Form::Mapping(&LOAD_BALANCER_SITE), "In the recovery site."),
        required("serves", Form::List(&COMPONENT), "The services that its targets belong to."),
    ],
};

const BALANCER: Form = Form::Pattern(BalancerName::PATTERN);

pub(in super::super) static LOAD_BALANCER_SITE: Mapping = Mapping {
    name: "load_balancer_site",
    about: "A load balancer in one site.",
    fields: &[
        required("name", BALANCER, "Its name; its address is read from AWS when it is needed."),
        required("target_groups", Form::List(&BALANCER), "Its target groups: it serves when their targets are healthy."),
    ],
};

pub(in super::super) static ROUTE53_RECORDS: Mapping = Mapping {
    name: "route53_records",
    about: "Record sets of one hosted zone that send clients to one site or the other.",
    fields: &[
        kind("route53_records"),
        required("zone", Form::Pattern(HostedZoneId::PATTERN), "The hosted zone's id."),
        required("records", Form::List(&Form::Mapping(&RECORD)), "The record sets."),
        optional("switch", Form::OneOf(SWITCHES), "What moves clients without an edit of the records; made in advance."),
        optional(
            "health_checks",
            Form::List(&Form::Pattern(HealthCheckId::PATTERN)),
            "The ids of health checks that the records follow, besides the switch's.",
        ),
    ],
};

pub(in super::super) const RECORD_TYPES: &[(&str, RecordType)] =
    &[("A", RecordType::A), ("AAAA", RecordType::Aaaa), ("CNAME", RecordType::Cname)];
pub(in super::super) const ROUTINGS: &[(&str, Routing)] =
    &[("simple", Routing::Simple), ("weighted", Routing::Weighted), ("failover", Routing::Failover)];

pub(in super::super) static RECORD: Mapping = Mapping {
    name: "record",
    about: "The record sets of one name and type.",
    fields: &[
        required("name", Form::Pattern(DomainName::PATTERN), "The name that clients ask for, without a dot at the end."),
        required("type", Form::Words(|| words(RECORD_TYPES)), "The record's type; A and AAAA are aliases."),
        required("routing", Form::Words(|| words(ROUTINGS)), "How Route 53 chooses between the sites."),
        required("to", COMPONENT, "The load balancer or distribution that it points to."),
    ],
};

/// A switch is one of these, told apart by its field.
pub(in super::super) const SWITCHES: &[&Mapping] = &[&S3_OBJECT_SWITCH, &ROUTING_CONTROL_SWITCH];

pub(in super::super) static S3_OBJECT_SWITCH: Mapping = Mapping {
    name: "s3_object_switch",
    about: "An object of the recovery site, watched by the primary record's inverted health check.",
    fields: &[required(
        "s3_object",
        Form::Mapping(&S3_OBJECT),
        "The object; when it appears, clients go to the other site.",
    )],
};

pub(in super::super) static S3_OBJECT: Mapping = Mapping {
    name: "s3_object",
    about: "The object and its health check.",
    fields: &[
        required("bucket", BUCKET, "A bucket in the recovery site."),
        required("key", RESOURCE, "The object's key."),
        required("health_check", Form::Pattern(HealthCheckId::PATTERN), "The id of the health check that watches it."),
    ],
};

pub(in super::super) static ROUTING_CONTROL_SWITCH: Mapping = Mapping {
    name: "routing_control_switch",
    about: "A routing control of Application Recovery Controller, which the primary record's health check follows.",
    fields: &[required("routing_control", Form::Mapping(&ROUTING_CONTROL), "The routing control.")],
};

pub(in super::super) static ROUTING_CONTROL: Mapping = Mapping {
    name: "routing_control",
    about: "A routing control and where it is reached.",
    fields: &[
        required("arn", Form::Pattern(Arn::PATTERN), "Its ARN."),
        required(
            "endpoints",
            Form::List(&URL),
            "The endpoints of its cluster: on the day, the service that lists them may be gone.",
        ),
    ],
};

const BUCKET: Form = Form::Pattern(BucketName::PATTERN);

pub(in super::super) static CLOUDFRONT_DISTRIBUTION: Mapping = Mapping {
    name: "cloudfront_distribution",
    about: "A web site in S3 behind CloudFront.",
    fields: &[
        kind("cloudfront_distribution"),
        required("id", Form::Pattern(DistributionId::PATTERN), "The distribution's id."),
        required("aliases", Form::List(&Form::Pattern(DomainName::PATTERN)), "The names that clients ask for."),
        required("primary", Form::Mapping(&BUCKET_SITE), "The content in the primary site."),
        required("recovery", Form::Mapping(&BUCKET_SITE), "Its copy in the recovery site."),
        optional("origin_group", RESOURCE, "The origin group that turns to the copy by itself when the first origin fails."),
        optional("health", URL, "A page that says whether the site serves."),
    ],
};

pub(in super::super) static BUCKET_SITE: Mapping = Mapping {
    name: "bucket_site",
    about: "A bucket, or a part of one, in one site.",
    fields: &[
        required("bucket", BUCKET, "The bucket's name."),
        optional("prefix", RESOURCE, "What its keys begin with; all of them unless written."),
    ],
};

pub(in super::super) static S3_DATA: Mapping = Mapping {
    name: "s3_data",
    about: "Data in S3 with a copy in the other Region.",
    fields: &[
        kind("s3_data"),
        required("primary", Form::Mapping(&BUCKET_SITE), "The data."),
        required("recovery", Form::Mapping(&BUCKET_SITE), "Its copy."),
        required("copied_by", Form::OneOf(COPIES), "What makes the copy."),
    ],
};

/// What makes a copy is one of these, told apart by its first field.
pub(in super::super) const COPIES: &[&Mapping] = &[&REPLICATION_RULE, &BACKUP_VAULT];

pub(in super::super) static REPLICATION_RULE: Mapping = Mapping {
    name: "replication_rule",
    about: "A rule of S3 replication: object by object, as they are written.",
    fields: &[required("replication_rule", RESOURCE, "The rule's id.")],
};

pub(in super::super) static BACKUP_VAULT: Mapping = Mapping {
    name: "backup_vault",
    about: "AWS Backup, copied to a vault of the recovery site.",
    fields: &[
        required("backup_vault", RESOURCE, "The vault in the recovery site."),
        required("every", Form::Duration, "How often a backup is made."),
    ],
};

pub(in super::super) static DYNAMODB_TABLE: Mapping = Mapping {
    name: "dynamodb_table",
    about: "A DynamoDB global table with a replica in each site.",
    fields: &[
        kind("dynamodb_table"),
        required("table", Form::Pattern(TableName::PATTERN), "The table's name, the same in both Regions."),
        backups(),
    ],
};

const fn backups() -> Field {
    optional("backups", Form::Mapping(&BACKUPS), "What is required of its backups beyond its recovery point objective.")
}

const COPY_WITHIN: Field = optional("copy_within", Form::Duration, "A copy in the recovery Region, younger than this.");
const ENCRYPTED: Field = optional(
    "encrypted",
    Form::Boolean,
    "Whether every backup that counts has to be encrypted at rest; true unless written.",
);
const VAULTS: Field =
    optional("vaults", Form::Mapping(&BACKUP_VAULTS), "The vaults of AWS Backup that hold recovery points of it.");

pub(in super::super) static BACKUPS: Mapping = Mapping {
    name: "backups",
    about: "What is required of the backups that AWS keeps of a component.",
    fields: &[COPY_WITHIN, ENCRYPTED, VAULTS],
};

pub(in super::super) static INSTANCE_BACKUPS: Mapping = Mapping {
    name: "instance_backups",
    about: "What is required of the backups that AWS keeps of an RDS instance.",
    fields: &[
        COPY_WITHIN,
        ENCRYPTED,
        VAULTS,
        optional(
            "restore_test",
            Form::Mapping(&RESTORE_TEST),
            "What backup-verify asks an instance that AWS Backup restored in the recovery site for a test.",
        ),
    ],
};

pub(in super::super) static RESTORE_TEST: Mapping = Mapping {
    name: "restore_test",
    about: "What a PostgreSQL database that was restored for a test is asked, and as whom.",
    fields: &[
        required("database", RESOURCE, "The database on the restored server."),
        required(
            "secret",
            RESOURCE,
            "The secret in the recovery site with `username` and `password` of a role that may read it, and \
             `certificate_authority`, the certificates of RDS in that Region, in PEM.",
        ),
        required("queries", Form::List(&Form::Mapping(&INTEGRITY_QUERY)), "What it is asked, at most 20 questions."),
    ],
};

pub(in super::super) static INTEGRITY_QUERY: Mapping = Mapping {
    name: "integrity_query",
    about: "A query that a restored database has to answer with true, or with a number as large as this says.",
    fields: &[
        required("name", RESOURCE, "What it is called in verdicts."),
        required("sql", Form::Pattern(SqlText::PATTERN), "One statement that answers with one row of one column."),
        optional("at_least", Form::Number, "The answer is a whole number, this or more."),
        optional("at_most", Form::Number, "The answer is a whole number, this or less."),
        optional("equals", Form::Number, "The answer is exactly this whole number."),
    ],
};

pub(in super::super) static BACKUP_VAULTS: Mapping = Mapping {
    name: "backup_vaults",
    about: "The vaults of AWS Backup that hold recovery points of a component.",
    fields: &[
        required("primary", RESOURCE, "The vault in the primary Region, where recovery points are made."),
        optional("recovery", RESOURCE, "The vault in the recovery Region, where they are copied to."),
        required("every", Form::Duration, "How often one is made: in each vault the newest has to be younger."),
    ],
};

const CLUSTER: Form = Form::Pattern(ClusterId::PATTERN);

pub(in super::super) static AURORA_GLOBAL_DATABASE: Mapping = Mapping {
    name: "aurora_global_database",
    about: "An Aurora global database with a cluster in each site.",
    fields: &[
        kind("aurora_global_database"),
        required("global_cluster", CLUSTER, "The global cluster's identifier."),
        required("primary", Form::Mapping(&AURORA_CLUSTER), "The cluster that takes the writes."),
        required("recovery", Form::Mapping(&AURORA_CLUSTER), "The secondary cluster in the recovery site."),
        backups(),
    ],
};

pub(in super::super) static AURORA_CLUSTER: Mapping = Mapping {
    name: "aurora_cluster",
    about: "An Aurora cluster in one site.",
    fields: &[required("cluster", CLUSTER, "Its identifier.")],
};

pub(in super::super) const TLS: &[(&str, Tls)] = &[("verified", Tls::Verified), ("none", Tls::None)];

pub(in super::super) static POSTGRESQL: Mapping = Mapping {
    name: "postgresql",
    about: "A PostgreSQL primary and its physical standby, run by yourselves.",
    fields: &[
        kind("postgresql"),
        required("primary", Form::Mapping(&POSTGRESQL_SERVER), "The server that takes the writes."),
        required("recovery", Form::Mapping(&POSTGRESQL_SERVER), "Its standby in the recovery site."),
        required(
            "secret",
            RESOURCE,
            "The secret in the recovery site with `username` and `password` of a member of pg_monitor, and perhaps \
             `certificate_authority`, in PEM.",
        ),
        optional("database", RESOURCE, "The database that is connected to; `postgres` unless written."),
        optional(
            "tls",
            Form::Words(|| words(TLS)),
            "`verified`: encrypted, to a server whose certificate is for its host, unless written; `none`: in the clear.",
        ),
    ],
};

pub(in super::super) static POSTGRESQL_SERVER: Mapping = Mapping {
    name: "postgresql_server",
    about: "A PostgreSQL server in one site.",
    fields: &[
        required("host", Form::Pattern(DomainName::PATTERN), "Its own host name or address, not a name that moves."),
        optional("port", Form::Count(65_535), "Its port; 5432 unless written."),
    ],
};

pub(in super::super) const ARCHIVE_FORMATS: &[(&str, ArchiveFormat)] =
    &[("custom", ArchiveFormat::Custom), ("directory", ArchiveFormat::Directory), ("tar", ArchiveFormat::Tar)];

pub(in super::super) static BACKUP_ARCHIVES: Mapping = Mapping {
    name: "backup_archives",
    about: "Archives of a database, made by pg_dump into a bucket.",
    fields: &[
        kind("backup_archives"),
        required("of", COMPONENT, "The database that they are of."),
        required("primary", Form::Mapping(&BUCKET_SITE), "Where they are written."),
        optional("recovery", Form::Mapping(&BUCKET_SITE), "Where their copies are."),
        required("format", Form::Words(|| words(ARCHIVE_FORMATS)), "What pg_dump --format wrote."),
        required("every", Form::Duration, "How often one is made."),
        required("keep", Form::Mapping(&KEEP), "How many are kept: the newest of each hour, day, week and month."),
        optional("time_zone", Form::Pattern(TimeZoneName::PATTERN), "By whose calendar they are kept; UTC unless written."),
        optional(
            "level",
            Form::Words(|| words(PROOF_LEVELS)),
            "The proof level that the newest has to reach, and from which on one counts as kept; decodable unless written.",
        ),
        optional(
            "drift",
            Form::Mapping(&DRIFT),
            "By how much rows may differ from the archive before, whatever the level; 50 % for level consistent unless written.",
        ),
        optional("encryption", Form::Mapping(&ARCHIVE_ENCRYPTION), "How they are encrypted, and by which keys."),
    ],
};

pub(in super::super) static ARCHIVE_ENCRYPTION: Mapping = Mapping {
    name: "archive_encryption",
    about: "How archives are encrypted: before they reach S3, by S3, or both.",
    fields: &[
        optional(
            "age_identity",
            RESOURCE,
            "The secret, in Secrets Manager of the recovery site, that holds the age identity that opens them.",
        ),
        optional(
            "kms_envelope",
            Form::Mapping(&ARCHIVE_ENVELOPE),
            "What opens them, where they are messages of the AWS Encryption SDK: instead of an age identity.",
        ),
        optional("kms_keys", Form::Mapping(&ARCHIVE_KEYS), "The KMS keys under which S3 keeps them (SSE-KMS)."),
    ],
};

pub(in super::super) static ARCHIVE_ENVELOPE: Mapping = Mapping {
    name: "archive_envelope",
    about: "Archives whose data key KMS wraps.",
    fields: &[
        required(
            "kms_key",
            Form::Pattern(KmsKeyArn::PATTERN),
            "The KMS key, in the recovery Region, that opens them: the replica of a multi-Region key, or one of several.",
        ),
        optional(
            "context",
            Form::Named(ContextName::PATTERN, &Form::Line),
            "Pairs that their encryption context has to have: what else is encrypted under the key is not taken for them.",
        ),
    ],
};

pub(in super::super) static ARCHIVE_KEYS: Mapping = Mapping {
    name: "archive_keys",
    about: "KMS keys of archives, each in the Region of its bucket.",
    fields: &[
        required("primary", Form::Pattern(KmsKeyArn::PATTERN), "Of the archives."),
        optional("recovery", Form::Pattern(KmsKeyArn::PATTERN), "Of their copies; required where there are some."),
    ],
};

/// The most percent of a drift: ten times as many rows again.
pub(in super::super) const MOST_DRIFT: u32 = 1_000;

pub(in super::super) static DRIFT: Mapping = Mapping {
    name: "drift",
    about: "By how much a table's rows may differ from the archive before, in percent of the rows that it had there.",
    fields: &[
        required("percent", Form::Count(MOST_DRIFT), "For tables that are not named."),
        optional("tables", Form::List(&Form::Mapping(&TABLE_DRIFT)), "For single tables."),
    ],
};

pub(in super::super) static TABLE_DRIFT: Mapping = Mapping {
    name: "table_drift",
    about: "The same for one table.",
    fields: &[
        required("table", Form::Line, "The table, as schema.name."),
        required("percent", Form::Count(MOST_DRIFT), "By how much its rows may differ."),
    ],
};

/// The levels that reading an archive can prove.
pub(in super::super) const PROOF_LEVELS: &[(&str, ProofLevel)] = &[
    ("present", ProofLevel::Present),
    ("listed", ProofLevel::Listed),
    ("intact", ProofLevel::Intact),
    ("decodable", ProofLevel::Decodable),
    ("consistent", ProofLevel::Consistent),
];

/// The most of one kind that `keep` counts.
pub(in super::super) const MOST_KEPT: u32 = 1_000;

pub(in super::super) static KEEP: Mapping = Mapping {
    name: "keep",
    about: "How many archives are kept, by age.",
    fields: &[
        optional("hourly", Form::Count(MOST_KEPT), "Of the last hours."),
        optional("daily", Form::Count(MOST_KEPT), "Of the last days."),
        optional("weekly", Form::Count(MOST_KEPT), "Of the last weeks."),
        optional("monthly", Form::Count(MOST_KEPT), "Of the last months."),
    ],
};
