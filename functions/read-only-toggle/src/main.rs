//! Wires the adapters of `read-only-toggle`.

use lambda_runtime::Error;
use read_only_toggle_function::handler::{Ports, handle};
use shared::adapters::aws::{AwsWriteHolds, LambdaChanges, RdsDatabases, ReadOnlyToggleMutations};
use shared::adapters::probe::NetworkProbes;
use shared::domain::step::FunctionName;
use shared::runtime::serve;

struct Adapters {
    databases: RdsDatabases,
    probes: NetworkProbes,
    holds: AwsWriteHolds,
    mutations: ReadOnlyToggleMutations,
    changes: LambdaChanges,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve(
        FunctionName::ReadOnlyToggle,
        |setup| {
            let clients = &setup.clients;
            Ok(Adapters {
                databases: RdsDatabases::new(clients.clone()),
                probes: NetworkProbes::new(clients.clone(), setup.config.rehearsal.clone()),
                holds: AwsWriteHolds::new(clients.clone()),
                mutations: ReadOnlyToggleMutations::new(clients.clone()),
                changes: LambdaChanges::new(
                    clients.clone(),
                    setup.config.region.clone(),
                    &setup.plan.platform,
                    &setup.config.predictors_alias,
                ),
            })
        },
        async |setup, adapters: &Adapters, context, payload| {
            let ports = Ports {
                journal: &setup.journal,
                clock: setup.clock.as_ref(),
                databases: &adapters.databases,
                probes: &adapters.probes,
                holds: &adapters.holds,
                mutations: &adapters.mutations,
                changes: &adapters.changes,
            };
            handle(ports, &setup.plan, setup.invocation(context), &context.request_id, payload).await
        },
    )
    .await
}
