//! Wires the adapters of `update-database-endpoints`.

use lambda_runtime::Error;
use shared::adapters::aws::{AwsEndpointStores, EcsServices, EndpointMutations, LambdaChanges, RdsDatabases};
use shared::domain::step::FunctionName;
use shared::runtime::serve;
use update_database_endpoints_function::handler::{Ports, handle};

struct Adapters {
    databases: RdsDatabases,
    places: AwsEndpointStores,
    services: EcsServices,
    mutations: EndpointMutations,
    changes: LambdaChanges,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve(
        FunctionName::UpdateDatabaseEndpoints,
        |setup| {
            let clients = &setup.clients;
            Ok(Adapters {
                databases: RdsDatabases::new(clients.clone()),
                places: AwsEndpointStores::new(clients.clone()),
                services: EcsServices::new(clients.clone()),
                mutations: EndpointMutations::new(clients.clone()),
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
                places: &adapters.places,
                services: &adapters.services,
                mutations: &adapters.mutations,
                changes: &adapters.changes,
            };
            handle(ports, &setup.plan, setup.invocation(context), &context.request_id, payload).await
        },
    )
    .await
}
