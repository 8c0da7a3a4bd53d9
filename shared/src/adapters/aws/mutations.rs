//! Carries mutations out. There is one type per function, and each knows only the kinds that its function is for: what a
//! function's role does not allow, its code cannot even try.

use async_trait::async_trait;

use super::{Clients, databases, functions, http_stages, parameters, rest_stages, secrets, services};
use crate::adapters::Sending;
use crate::domain::call::Permitted;
use crate::domain::mutation::{Mutation, Performed};
use crate::domain::operation::Operation;
use crate::domain::step::FunctionName;
use crate::ports::{FailureKind, Mutations, PortResult};

macro_rules! mutations {
    ($($(#[$doc:meta])* $name:ident)*) => {
        $($(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name {
            clients: Clients,
        }

        impl $name {
            /// Over these clients.
            #[must_use]
            pub fn new(clients: Clients) -> Self {
                Self { clients }
            }
        })*
    };
}

mutations! {
    /// What `recovery` may do: fail over and promote.
    RecoveryMutations
    /// What `read-only-toggle` may do: hold, resume and fence.
    ReadOnlyToggleMutations
    /// What `update-database-endpoints` may do: write endpoints and restart their consumers.
    EndpointMutations
}

#[async_trait]
impl Mutations for RecoveryMutations {
    async fn perform(&self, mutation: &Mutation) -> PortResult<Performed> {
        let clients = &self.clients;
        match mutation {
            Mutation::ForceFailover { region, instance } => databases::reboot(clients, region, instance, true).await,
            Mutation::PromoteReplica { region, instance, backup_retention_days } => {
                databases::promote(clients, region, instance, *backup_retention_days).await
            }
            other => not_for(FunctionName::Recovery, other),
        }
    }
}

#[async_trait]
impl Mutations for ReadOnlyToggleMutations {
    async fn perform(&self, mutation: &Mutation) -> PortResult<Performed> {
        let clients = &self.clients;
        match mutation {
            Mutation::SetSecurityGroups { region, instance, groups } => {
                databases::set_security_groups(clients, region, instance, groups).await
            }
            Mutation::RebootInstance { region, instance } => databases::reboot(clients, region, instance, false).await,
            Mutation::SetFunctionVariable { region, function, variable, value, kept } => {
                functions::set_variable(clients, region, function, variable, value.as_deref(), kept).await
            }
            Mutation::PatchRestStage { region, api, stage, operations } => {
                rest_stages::patch(clients, region, api, stage, operations).await
            }
            Mutation::PutHttpRouteSettings { region, api, stage, routes } => {
                http_stages::put(clients, region, api, stage, routes).await
            }
            Mutation::DeleteRouteSettings { region, api, stage, route } => {
                http_stages::delete(clients, region, api, stage, route).await
            }
            other => not_for(FunctionName::ReadOnlyToggle, other),
        }
    }
}

#[async_trait]
impl Mutations for EndpointMutations {
    async fn perform(&self, mutation: &Mutation) -> PortResult<Performed> {
        let clients = &self.clients;
        match mutation {
            Mutation::PutParameter { region, name, parameter_type, value } => {
                parameters::put(clients, region, name, *parameter_type, value).await
            }
            Mutation::RestoreParameter { region, name, parameter_type, version } => {
                parameters::restore(clients, region, name, *parameter_type, version).await
            }
            Mutation::StageSecretVersion { region, secret, field, value, base_version, version, stage } => {
                secrets::stage(clients, region, secret, field, value, (base_version, version), stage).await
            }
            Mutation::MoveSecretStage { region, secret, to_version, from_version } => {
                secrets::move_current(clients, region, secret, to_version, from_version).await
            }
            Mutation::SetFunctionVariable { region, function, variable, value, kept } => {
                functions::set_variable(clients, region, function, variable, value.as_deref(), kept).await
            }
            Mutation::RestartService { region, cluster, service } => {
                services::restart(clients, region, cluster, service).await
            }
            other => not_for(FunctionName::UpdateDatabaseEndpoints, other),
        }
    }
}

fn not_for(function: FunctionName, mutation: &Mutation) -> PortResult<Performed> {
    let message = format!("{} does not make {}; nothing was sent", function.as_str(), Permitted::of(mutation));
    Err(Sending::of(Operation::of(mutation)).failure(FailureKind::Refused, "mutation_not_for_this_function", &message))
}
