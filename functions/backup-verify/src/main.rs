//! Wires the adapters of `backup-verify`.

use backup_verify_function::handler::{Ports, handle};
use lambda_runtime::Error;
use shared::adapters::aws::RdsDatabases;
use shared::domain::step::FunctionName;
use shared::runtime::serve;
use shared::telemetry::publish;

struct Adapters {
    databases: RdsDatabases,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve(
        FunctionName::BackupVerify,
        |setup| {
            let clients = &setup.clients;
            Ok(Adapters { databases: RdsDatabases::new(clients.clone()) })
        },
        async |setup, adapters: &Adapters, _context, payload| {
            let ports = Ports { clock: setup.clock.as_ref(), databases: &adapters.databases };
            let checked = handle(ports, &setup.plan, payload).await?;
            for (component, metrics) in &checked.metrics {
                publish(&setup.plan.platform, component, metrics, setup.clock.now());
            }
            Ok(checked.answer)
        },
    )
    .await
}
