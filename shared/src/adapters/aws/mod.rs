//! Adapters over the AWS SDK: one file per port or per service that a port needs.

mod changes;
mod clients;
mod databases;
mod declared;
mod endpoint_stores;
mod executions;
mod functions;
mod http_stages;
mod invocation;
mod journal;
mod json_field;
mod mutations;
mod notices;
mod objects;
mod outbound;
mod parameters;
mod predictors;
mod replica_lags;
mod rest_stages;
mod secrets;
mod services;
mod shown;
mod silence;
mod step_header;
mod store_clock;
mod time;
mod write_holds;

pub use changes::LambdaChanges;
pub use clients::Clients;
pub use databases::RdsDatabases;
pub use endpoint_stores::AwsEndpointStores;
pub use executions::StateMachineExecutions;
pub use journal::DynamoJournal;
pub use mutations::{EndpointMutations, ReadOnlyToggleMutations, RecoveryMutations};
pub use notices::TopicNotices;
pub use objects::S3Objects;
pub use outbound::Outbound;
pub use predictors::LambdaPredictors;
pub use replica_lags::CloudWatchLags;
pub use services::EcsServices;
pub use step_header::{HEADER, StepHeader};
pub use write_holds::AwsWriteHolds;

pub(super) use invocation::{Speaker, invoke};
