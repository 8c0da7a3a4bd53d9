//! Wires the adapters of `replication-check`.

use lambda_runtime::Error;
use replication_check_function::handler::{Ports, handle};
use shared::adapters::aws::{CloudWatchLags, RdsDatabases};
use shared::domain::step::FunctionName;
use shared::runtime::serve;
use shared::telemetry::publish;

struct Adapters {
    databases: RdsDatabases,
    lags: CloudWatchLags,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve(
        FunctionName::ReplicationCheck,
        |setup| {
            let clients = &setup.clients;
            Ok(Adapters { databases: RdsDatabases::new(clients.clone()), lags: CloudWatchLags::new(clients.clone()) })
        },
        async |setup, adapters: &Adapters, _context, payload| {
            let ports = Ports { clock: setup.clock.as_ref(), databases: &adapters.databases, lags: &adapters.lags };
            let checked = handle(ports, &setup.plan, payload).await?;
            for (component, metrics) in &checked.metrics {
                publish(&setup.plan.platform, component, metrics, setup.clock.now());
            }
            Ok(checked.answer)
        },
    )
    .await
}
