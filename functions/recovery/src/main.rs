//! Wires the adapters of `recovery`.

use lambda_runtime::Error;
use recovery_function::handler::{Caller, Ports, handle};
use shared::adapters::aws::{
    CloudWatchLags, EcsServices, LambdaPredictors, RdsDatabases, RecoveryMutations, StateMachineExecutions, TopicNotices,
};
use shared::adapters::probe::NetworkProbes;
use shared::domain::step::FunctionName;
use shared::runtime::serve;

struct Adapters {
    databases: RdsDatabases,
    lags: CloudWatchLags,
    probes: NetworkProbes,
    services: EcsServices,
    mutations: RecoveryMutations,
    executions: StateMachineExecutions,
    notices: TopicNotices,
    predictors: LambdaPredictors,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve(
        FunctionName::Recovery,
        |setup| {
            let (clients, config) = (&setup.clients, &setup.config);
            Ok(Adapters {
                databases: RdsDatabases::new(clients.clone()),
                lags: CloudWatchLags::new(clients.clone()),
                probes: NetworkProbes::new(clients.clone(), config.rehearsal.clone()),
                services: EcsServices::new(clients.clone()),
                mutations: RecoveryMutations::new(clients.clone()),
                executions: StateMachineExecutions::new(clients.clone(), config.state_machine()?.clone()),
                notices: TopicNotices::new(clients.clone(), config.notices_topic()?.clone()),
                predictors: LambdaPredictors::new(clients.clone(), config.region.clone(), config.predictors_alias.clone()),
            })
        },
        async |setup, adapters: &Adapters, context, payload| {
            let caller = Caller {
                request_id: context.request_id.clone(),
                invoked_arn: context.invoked_function_arn.clone(),
                invocation: setup.invocation(context),
                rehearsal: setup.config.every_endpoint_is_loopback(),
            };
            let ports = Ports {
                journal: &setup.journal,
                clock: setup.clock.as_ref(),
                databases: &adapters.databases,
                lags: &adapters.lags,
                probes: &adapters.probes,
                services: &adapters.services,
                mutations: &adapters.mutations,
                executions: &adapters.executions,
                notices: &adapters.notices,
                predictors: &adapters.predictors,
            };
            handle(ports, &setup.plan, &caller, payload).await
        },
    )
    .await
}
