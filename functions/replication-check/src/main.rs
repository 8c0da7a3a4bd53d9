//! Wires the adapters of `replication-check`.

use lambda_runtime::Error;
use replication_check_function::handler::handle;
use shared::adapters::aws::{CloudWatchLags, DynamodbTables, RdsDatabases, RdsGlobalClusters};
use shared::domain::step::FunctionName;
use shared::engine::ReplicaPorts;
use shared::runtime::serve;
use shared::telemetry::publish;

struct Adapters {
    databases: RdsDatabases,
    tables: DynamodbTables,
    clusters: RdsGlobalClusters,
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
                lags: CloudWatchLags::new(clients.clone()),
            })
        },
        async |setup, adapters: &Adapters, _context, payload| {
            let ports = ReplicaPorts {
                clock: setup.clock.as_ref(),
                databases: &adapters.databases,
                tables: &adapters.tables,
                clusters: &adapters.clusters,
                lags: &adapters.lags,
            };
            let checked = handle(ports, &setup.plan, payload).await?;
            for (component, metrics) in &checked.metrics {
                publish(&setup.plan.platform, component, metrics, setup.clock.now());
            }
            Ok(checked.answer)
        },
    )
    .await
}
