//! Every operation that the functions send to AWS, and what each needs of IAM. This table is the only place where one can come
//! from: `Permitted` and the adapters take an [`Operation`], and the SDK's clients refuse to send what has no row here for the
//! function that they belong to.

use super::mutation::Mutation;
use super::step::FunctionName;

/// One IAM action that an operation needs, and on what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// The action, which is not always the operation's name.
    pub action: &'static str,
    /// The resources on which it is needed.
    pub on: On,
}

/// On which resources an action is needed, relative to the one that the call names. Everything but [`On::Resource`] says why no
/// exact ARN can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// Exactly the resource that the call names.
    Resource,
    /// The resource that the call names, and what AWS puts behind it.
    Below {
        /// What follows, with `*` or `?`.
        suffix: &'static str,
        /// Why it cannot be known.
        reason: &'static str,
    },
    /// Another resource of the same service, account and Region.
    Beside {
        /// Kind and name, with `*`.
        resource: &'static str,
        /// Why it cannot be known.
        reason: &'static str,
    },
    /// Any: the action knows no resource.
    Anything {
        /// What is true of the action, as the service authorization reference has it.
        reason: &'static str,
        /// Whether the Region of the call is a condition of the statement instead.
        in_region: bool,
    },
}

/// What the table says of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The service's signing name, with which IAM's ARNs begin as well.
    pub service: &'static str,
    /// The operation.
    pub name: &'static str,
    /// The service as the SDK names it.
    pub sdk: &'static str,
    /// What it needs.
    pub grants: &'static [Grant],
    /// The functions whose adapters send it.
    pub by: &'static [FunctionName],
}

macro_rules! operations {
    ($($(#[$doc:meta])* $variant:ident = $service:literal $name:literal $sdk:literal by [$($by:ident)+] needs [$($grant:expr),+];)*) => {
        /// An operation of an AWS service. There are no others for the adapters.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Operation {
            $($(#[$doc])* $variant,)*
        }

        impl Operation {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its row of the table.
            #[must_use]
            pub const fn row(self) -> Row {
                match self {
                    $(Self::$variant => {
                        const GRANTS: &[Grant] = &[$($grant),+];
                        Row { service: $service, name: $name, sdk: $sdk, grants: GRANTS, by: &[$(FunctionName::$by),+] }
                    })*
                }
            }
        }
    };
}

const fn on_it(action: &'static str) -> Grant {
    Grant { action, on: On::Resource }
}

/// An action on the secret that the call names.
const fn on_secret(action: &'static str) -> Grant {
    let reason = "Secrets Manager ends every ARN with a hyphen and six characters of its own choice";
    Grant { action, on: On::Below { suffix: "-??????", reason } }
}

/// An action on the objects below what the call names.
const fn on_archive(action: &'static str) -> Grant {
    let reason = "archives are named after the moment they are made";
    Grant { action, on: On::Below { suffix: "*", reason } }
}

operations! {
    /// RDS: what an instance is.
    DescribeInstances = "rds" "DescribeDBInstances" "RDS"
        by [Recovery UpdateDatabaseEndpoints ReadOnlyToggle ReplicationCheck BackupVerify]
        needs [on_it("rds:DescribeDBInstances")];
    /// RDS: what an instance is that AWS Backup restored for a test.
    DescribeRestored = "rds" "DescribeDBInstances" "RDS"
        by [BackupVerify]
        needs [Grant {
            action: "rds:DescribeDBInstances",
            on: On::Below { suffix: "*", reason: "AWS Backup ends the names of what it restores for a test as it likes" },
        }];
    /// RDS: an instance's snapshots.
    DescribeSnapshots = "rds" "DescribeDBSnapshots" "RDS"
        by [Recovery BackupVerify]
        needs [
            on_it("rds:DescribeDBSnapshots"),
            Grant {
                action: "rds:DescribeDBSnapshots",
                on: On::Beside {
                    resource: "snapshot:*",
                    reason: "automated snapshots are named after the moment they are taken",
                },
            }
        ];
    /// RDS: automated backups, those replicated from other Regions too.
    DescribeAutomatedBackups = "rds" "DescribeDBInstanceAutomatedBackups" "RDS"
        by [BackupVerify]
        needs [
            Grant {
                action: "rds:DescribeDBInstanceAutomatedBackups",
                on: On::Beside {
                    resource: "auto-backup:*",
                    reason: "RDS names automated backups itself",
                },
            },
            Grant {
                action: "rds:DescribeDBInstanceAutomatedBackups",
                on: On::Beside {
                    resource: "db:*",
                    reason: "the instance of a replicated backup is in another Region, so that none can be named in this one",
                },
            }
        ];
    /// RDS: what a cluster of Aurora is.
    DescribeClusters = "rds" "DescribeDBClusters" "RDS"
        by [BackupVerify]
        needs [on_it("rds:DescribeDBClusters")];
    /// RDS: a cluster's snapshots.
    DescribeClusterSnapshots = "rds" "DescribeDBClusterSnapshots" "RDS"
        by [BackupVerify]
        needs [
            on_it("rds:DescribeDBClusterSnapshots"),
            Grant {
                action: "rds:DescribeDBClusterSnapshots",
                on: On::Beside {
                    resource: "cluster-snapshot:*",
                    reason: "automated snapshots are named after the moment they are taken",
                },
            }
        ];
    /// RDS: what a global database is.
    DescribeGlobalClusters = "rds" "DescribeGlobalClusters" "RDS"
        by [ReplicationCheck]
        needs [on_it("rds:DescribeGlobalClusters")];
    /// RDS: reboot, with or without failover.
    RebootInstance = "rds" "RebootDBInstance" "RDS"
        by [Recovery ReadOnlyToggle]
        needs [on_it("rds:RebootDBInstance")];
    /// RDS: change an instance. Of all that the action allows, only the security groups are ever sent.
    ModifyInstance = "rds" "ModifyDBInstance" "RDS"
        by [ReadOnlyToggle]
        needs [on_it("rds:ModifyDBInstance")];
    /// RDS: promote a replica.
    PromoteReplica = "rds" "PromoteReadReplica" "RDS"
        by [Recovery]
        needs [on_it("rds:PromoteReadReplica")];
    /// Route 53: what a health check is.
    GetHealthCheck = "route53" "GetHealthCheck" "Route 53"
        by [ReplicationCheck]
        needs [on_it("route53:GetHealthCheck")];
    /// Route 53: what each of its checkers saw last.
    GetHealthCheckStatus = "route53" "GetHealthCheckStatus" "Route 53"
        by [ReplicationCheck]
        needs [on_it("route53:GetHealthCheckStatus")];
    /// CloudWatch: figures.
    GetMetricData = "cloudwatch" "GetMetricData" "CloudWatch"
        by [Recovery ReplicationCheck]
        needs [Grant {
            action: "cloudwatch:GetMetricData",
            on: On::Anything { reason: "metrics are no resources of IAM; the Region is a condition instead", in_region: true },
        }];
    /// ECS: how a service is.
    DescribeServices = "ecs" "DescribeServices" "ECS"
        by [Recovery UpdateDatabaseEndpoints]
        needs [on_it("ecs:DescribeServices")];
    /// ECS: start a new deployment.
    UpdateService = "ecs" "UpdateService" "ECS"
        by [UpdateDatabaseEndpoints]
        needs [on_it("ecs:UpdateService")];
    /// Systems Manager: read a parameter.
    GetParameter = "ssm" "GetParameter" "SSM"
        by [UpdateDatabaseEndpoints]
        needs [on_it("ssm:GetParameter")];
    /// Systems Manager: write a parameter.
    PutParameter = "ssm" "PutParameter" "SSM"
        by [UpdateDatabaseEndpoints]
        needs [on_it("ssm:PutParameter")];
    /// S3: what is in a bucket.
    ListObjects = "s3" "ListObjectsV2" "S3"
        by [BackupVerify]
        needs [on_it("s3:ListBucket")];
    /// S3: the rules by which a bucket is replicated.
    GetBucketReplication = "s3" "GetBucketReplication" "S3"
        by [ReplicationCheck]
        needs [on_it("s3:GetReplicationConfiguration")];
    /// S3: an object's size and what S3 knows of it.
    HeadObject = "s3" "HeadObject" "S3"
        by [BackupVerify]
        needs [on_archive("s3:GetObject")];
    /// S3: a part of an object.
    GetObject = "s3" "GetObject" "S3"
        by [BackupVerify]
        needs [on_archive("s3:GetObject")];
    /// KMS: what a key is.
    DescribeKey = "kms" "DescribeKey" "KMS"
        by [BackupVerify]
        needs [on_it("kms:DescribeKey")];
    /// KMS: unwrap a data key.
    Decrypt = "kms" "Decrypt" "KMS"
        by [BackupVerify]
        needs [on_it("kms:Decrypt")];
    /// Secrets Manager: versions and stages of a secret.
    DescribeSecret = "secretsmanager" "DescribeSecret" "Secrets Manager"
        by [UpdateDatabaseEndpoints BackupVerify]
        needs [on_secret("secretsmanager:DescribeSecret")];
    /// Secrets Manager: read a version.
    GetSecretValue = "secretsmanager" "GetSecretValue" "Secrets Manager"
        by [UpdateDatabaseEndpoints ReplicationCheck BackupVerify]
        needs [on_secret("secretsmanager:GetSecretValue")];
    /// Secrets Manager: put a version.
    PutSecretValue = "secretsmanager" "PutSecretValue" "Secrets Manager"
        by [UpdateDatabaseEndpoints]
        needs [on_secret("secretsmanager:PutSecretValue")];
    /// Secrets Manager: move a stage.
    UpdateSecretVersionStage = "secretsmanager" "UpdateSecretVersionStage" "Secrets Manager"
        by [UpdateDatabaseEndpoints]
        needs [on_secret("secretsmanager:UpdateSecretVersionStage")];
    /// Lambda: a function's environment.
    GetFunctionConfiguration = "lambda" "GetFunctionConfiguration" "Lambda"
        by [UpdateDatabaseEndpoints ReadOnlyToggle]
        needs [on_it("lambda:GetFunctionConfiguration")];
    /// Lambda: set a function's environment.
    UpdateFunctionConfiguration = "lambda" "UpdateFunctionConfiguration" "Lambda"
        by [UpdateDatabaseEndpoints ReadOnlyToggle]
        needs [on_it("lambda:UpdateFunctionConfiguration")];
    /// Lambda: invoke a function.
    Invoke = "lambda" "Invoke" "Lambda"
        by [Recovery UpdateDatabaseEndpoints ReadOnlyToggle]
        needs [on_it("lambda:InvokeFunction")];
    /// API Gateway, REST APIs: a stage's settings. IAM names the HTTP method, and the path as resource.
    GetRestStage = "apigateway" "GetStage" "API Gateway"
        by [ReadOnlyToggle]
        needs [on_it("apigateway:GET")];
    /// API Gateway, REST APIs: change a stage's settings.
    UpdateRestStage = "apigateway" "UpdateStage" "API Gateway"
        by [ReadOnlyToggle]
        needs [on_it("apigateway:PATCH")];
    /// API Gateway, HTTP APIs: a stage's settings.
    GetHttpStage = "apigateway" "GetStage" "ApiGatewayV2"
        by [ReadOnlyToggle]
        needs [on_it("apigateway:GET")];
    /// API Gateway, HTTP APIs: change a stage's settings.
    UpdateHttpStage = "apigateway" "UpdateStage" "ApiGatewayV2"
        by [ReadOnlyToggle]
        needs [on_it("apigateway:PATCH")];
    /// API Gateway, HTTP APIs: take a route's settings away.
    DeleteRouteSettings = "apigateway" "DeleteRouteSettings" "ApiGatewayV2"
        by [ReadOnlyToggle]
        needs [Grant {
            action: "apigateway:DELETE",
            on: On::Below {
                suffix: "/routesettings/*",
                reason: "a route key holds a space and slashes, and how an ARN spells them is not documented",
            },
        }];
    /// DynamoDB: what a table is.
    DescribeTable = "dynamodb" "DescribeTable" "DynamoDB"
        by [ReplicationCheck]
        needs [on_it("dynamodb:DescribeTable")];
    /// DynamoDB: whether and to when a table can be restored.
    DescribeContinuousBackups = "dynamodb" "DescribeContinuousBackups" "DynamoDB"
        by [BackupVerify]
        needs [on_it("dynamodb:DescribeContinuousBackups")];
    /// AWS Backup: what a vault holds.
    ListRecoveryPoints = "backup" "ListRecoveryPointsByBackupVault" "Backup"
        by [BackupVerify]
        needs [on_it("backup:ListRecoveryPointsByBackupVault")];
    /// AWS Backup: what a restore job is.
    DescribeRestoreJob = "backup" "DescribeRestoreJob" "Backup"
        by [BackupVerify]
        needs [Grant {
            action: "backup:DescribeRestoreJob",
            on: On::Anything { reason: "restore jobs are no resources of IAM; the Region is a condition instead", in_region: true },
        }];
    /// AWS Backup: say whether what a restore test restored is sound.
    PutRestoreValidationResult = "backup" "PutRestoreValidationResult" "Backup"
        by [BackupVerify]
        needs [Grant {
            action: "backup:PutRestoreValidationResult",
            on: On::Anything { reason: "restore jobs are no resources of IAM; the Region is a condition instead", in_region: true },
        }];
    /// DynamoDB: one item.
    GetItem = "dynamodb" "GetItem" "DynamoDB"
        by [Recovery UpdateDatabaseEndpoints ReadOnlyToggle]
        needs [on_it("dynamodb:GetItem")];
    /// DynamoDB: items of a partition.
    Query = "dynamodb" "Query" "DynamoDB"
        by [Recovery UpdateDatabaseEndpoints ReadOnlyToggle]
        needs [on_it("dynamodb:Query")];
    /// DynamoDB: several conditional puts or none. IAM asks for what is in the transaction, and there are only puts in ours.
    TransactWriteItems = "dynamodb" "TransactWriteItems" "DynamoDB"
        by [Recovery UpdateDatabaseEndpoints ReadOnlyToggle]
        needs [on_it("dynamodb:PutItem")];
    /// Step Functions: start an execution.
    StartExecution = "states" "StartExecution" "SFN"
        by [Recovery]
        needs [on_it("states:StartExecution")];
    /// Step Functions: how an execution is.
    DescribeExecution = "states" "DescribeExecution" "SFN"
        by [Recovery]
        needs [Grant {
            action: "states:DescribeExecution",
            on: On::Below { suffix: ":*", reason: "an execution carries the id of its incident, which nobody knows before the day" },
        }];
    /// Step Functions: end a wait.
    SendTaskSuccess = "states" "SendTaskSuccess" "SFN"
        by [Recovery]
        needs [Grant {
            action: "states:SendTaskSuccess",
            on: On::Anything { reason: "a task token is its own proof; the action knows no resource", in_region: false },
        }];
    /// SNS: tell people.
    Publish = "sns" "Publish" "SNS"
        by [Recovery]
        needs [on_it("sns:Publish")];
}

impl Operation {
    /// The one that carries a mutation out.
    #[must_use]
    pub const fn of(mutation: &Mutation) -> Self {
        match mutation {
            Mutation::ForceFailover { .. } | Mutation::RebootInstance { .. } => Self::RebootInstance,
            Mutation::SetSecurityGroups { .. } => Self::ModifyInstance,
            Mutation::PromoteReplica { .. } => Self::PromoteReplica,
            Mutation::PutParameter { .. } | Mutation::RestoreParameter { .. } => Self::PutParameter,
            Mutation::StageSecretVersion { .. } => Self::PutSecretValue,
            Mutation::MoveSecretStage { .. } => Self::UpdateSecretVersionStage,
            Mutation::SetFunctionVariable { .. } => Self::UpdateFunctionConfiguration,
            Mutation::RestartService { .. } => Self::UpdateService,
            Mutation::PatchRestStage { .. } => Self::UpdateRestStage,
            Mutation::PutHttpRouteSettings { .. } => Self::UpdateHttpStage,
            Mutation::DeleteRouteSettings { .. } => Self::DeleteRouteSettings,
        }
    }

    /// The service's signing name.
    #[must_use]
    pub const fn service(self) -> &'static str {
        self.row().service
    }

    /// The operation as the service names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// Whether it is the machinery's (journal, state machine, notices) and never a step's.
    #[must_use]
    pub fn is_control(self) -> bool {
        ["dynamodb", "states", "sns"].contains(&self.service())
    }

    /// The row for what the SDK calls so.
    #[must_use]
    pub fn sent_as(sdk: &str, name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operation| {
            let row = operation.row();
            row.sdk == sdk && row.name == name
        })
    }
}
