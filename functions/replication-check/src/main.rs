//! Wires the adapters of `replication-check`.

use lambda_runtime::Error;
use replication_check_function::handler::handle;
use shared::adapters::aws::{
    CloudWatchLags, DynamodbTables, RdsDatabases, RdsGlobalClusters, Route53HealthChecks, S3ReplicationRules,
};
use shared::adapters::postgresql::NetworkPostgresql;
use shared::domain::step::FunctionName;
use shared::engine::ReplicaPorts;
use shared::runtime::serve;
use shared::telemetry::{publish, publish_of_all};

struct Adapters {
    databases: RdsDatabases,
    tables: DynamodbTables,
    clusters: RdsGlobalClusters,
    servers: NetworkPostgresql,
    rules: S3ReplicationRules,
    health: Route53HealthChecks,
    lags: CloudWatchLags,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve(
        FunctionName::ReplicationCheck,
        |setup| {
            let clients = &setup.clients;
            Ok(Adapters {
                databases: RdsDatabases::new(clients.clone()),
                tables: DynamodbTables::new(clients.clone()),
                clusters: RdsGlobalClusters::new(clients.clone()),
                servers: NetworkPostgresql::new(clients.clone(), setup.config.rehearsal.clone()),
                rules: S3ReplicationRules::new(clients.clone()),
                health: Route53HealthChecks::new(clients.clone()),
                lags: CloudWatchLags::new(clients.clone()),
            })
        },
        async |setup, adapters: &Adapters, _context, payload| {
            let ports = ReplicaPorts {
                clock: setup.clock.as_ref(),
                databases: &adapters.databases,
                tables: &adapters.tables,
                clusters: &adapters.clusters,
                servers: &adapters.servers,
                rules: &adapters.rules,
                health: &adapters.health,
                lags: &adapters.lags,
            };
            let checked = handle(ports, &setup.plan, payload).await?;
            for (component, metrics) in &checked.metrics {
                publish(&setup.plan.platform, component, metrics, setup.clock.now());
            }
            publish_of_all(&setup.plan.platform, &checked.of_all, setup.clock.now());
            Ok(checked.answer)
        },
    )
    .await
}
