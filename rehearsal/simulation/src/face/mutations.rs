//! What functions change in the account.

use std::sync::Arc;

use async_trait::async_trait;
use shared::domain::identifier::Region;
use shared::domain::mutation::{Mutation, Performed};
use shared::domain::step::FunctionName;
use shared::ports::{CallScope, FailureKind, Mutations, PortResult};

use super::found;
use crate::cloud::{Cloud, Request, State, WRITE, delete_route, put_routes};
use crate::faults::{LateWork, failure};

/// What one function may change.
#[derive(Debug, Clone)]
pub(crate) struct MutationsOf {
    pub(crate) cloud: Arc<Cloud>,
    pub(crate) function: FunctionName,
}

#[async_trait]
impl Mutations for MutationsOf {
    async fn perform(&self, mutation: &Mutation) -> PortResult<Performed> {
        if !functions_of(mutation).contains(&self.function) {
            let message = format!("{} does not make this call; nothing was sent", self.function.as_str());
            let operation = ("recovery", "perform");
            return Err(failure(FailureKind::Refused, operation, "mutation_not_for_this_function", message));
        }
        let (operation, region, resource) = target(mutation);
        let label = CallScope::current().map(|scope| scope.label).unwrap_or_default();
        let late = Some(LateWork::Mutation { label: label.clone(), mutation: mutation.clone() });
        let request = Request { operation, region, resource, takes: WRITE, bounded: true, late };
        self.cloud.call(request, |state| state.make(&label, mutation)).await
    }
}

/// The functions whose code knows this kind of mutation.
fn functions_of(mutation: &Mutation) -> &'static [FunctionName] {
    match mutation {
        Mutation::ForceFailover { .. } | Mutation::PromoteReplica { .. } => &[FunctionName::Recovery],
        Mutation::SetSecurityGroups { .. }
        | Mutation::RebootInstance { .. }
        | Mutation::PatchRestStage { .. }
        | Mutation::PutHttpRouteSettings { .. }
        | Mutation::DeleteRouteSettings { .. } => &[FunctionName::ReadOnlyToggle],
        Mutation::SetFunctionVariable { .. } => &[FunctionName::ReadOnlyToggle, FunctionName::UpdateDatabaseEndpoints],
        Mutation::PutParameter { .. }
        | Mutation::RestoreParameter { .. }
        | Mutation::StageSecretVersion { .. }
        | Mutation::MoveSecretStage { .. }
        | Mutation::RestartService { .. } => &[FunctionName::UpdateDatabaseEndpoints],
    }
}

/// Operation, Region and resource, as the adapters name them.
pub(crate) fn target(mutation: &Mutation) -> ((&'static str, &'static str), &Region, String) {
    match mutation {
        Mutation::ForceFailover { region, instance } | Mutation::RebootInstance { region, instance } => {
            (("rds", "RebootDBInstance"), region, format!("db:{instance}"))
        }
        Mutation::SetSecurityGroups { region, instance, .. } => {
            (("rds", "ModifyDBInstance"), region, format!("db:{instance}"))
        }
        Mutation::PromoteReplica { region, instance, .. } => {
            (("rds", "PromoteReadReplica"), region, format!("db:{instance}"))
        }
        Mutation::PutParameter { region, name, .. } | Mutation::RestoreParameter { region, name, .. } => {
            (("ssm", "PutParameter"), region, format!("parameter{name}"))
        }
        Mutation::StageSecretVersion { region, secret, .. } => {
            (("secretsmanager", "PutSecretValue"), region, format!("secret:{secret}"))
        }
        Mutation::MoveSecretStage { region, secret, .. } => {
            (("secretsmanager", "UpdateSecretVersionStage"), region, format!("secret:{secret}"))
        }
        Mutation::SetFunctionVariable { region, function, .. } => {
            (("lambda", "UpdateFunctionConfiguration"), region, format!("function:{function}"))
        }
        Mutation::RestartService { region, cluster, service } => {
            (("ecs", "UpdateService"), region, format!("service/{cluster}/{service}"))
        }
        Mutation::PatchRestStage { region, api, stage, .. } => {
            (("apigateway", "UpdateStage"), region, format!("/restapis/{api}/stages/{stage}"))
        }
        Mutation::PutHttpRouteSettings { region, api, stage, .. } => {
            (("apigateway", "UpdateStage"), region, format!("/apis/{api}/stages/{stage}"))
        }
        Mutation::DeleteRouteSettings { region, api, stage, .. } => {
            (("apigateway", "DeleteRouteSettings"), region, format!("/apis/{api}/stages/{stage}"))
        }
    }
}

pub(crate) fn carry_out(state: &mut State, mutation: &Mutation) -> PortResult<Performed> {
    let (operation, _, _) = target(mutation);
    let now = state.now;
    match mutation {
        Mutation::ForceFailover { region, instance } => state.reboot(region.as_str(), instance.as_str(), true),
        Mutation::RebootInstance { region, instance } => state.reboot(region.as_str(), instance.as_str(), false),
        Mutation::SetSecurityGroups { region, instance, groups } => {
            let groups: Vec<String> = groups.iter().map(ToString::to_string).collect();
            state.set_security_groups(region.as_str(), instance.as_str(), &groups)
        }
        Mutation::PromoteReplica { region, instance, backup_retention_days } => {
            state.promote(region.as_str(), instance.as_str(), *backup_retention_days)
        }
        Mutation::PutParameter { region, name, value, .. } => {
            Ok(found(&mut state.parameters, region, name.as_str(), operation)?.put(value))
        }
        Mutation::RestoreParameter { region, name, version, .. } => {
            found(&mut state.parameters, region, name.as_str(), operation)?.restore(version)
        }
        Mutation::StageSecretVersion { region, secret, field, value, base_version, version, stage } => {
            let secret = found(&mut state.secrets, region, secret.as_str(), operation)?;
            secret.put(field.as_str(), value, base_version, version, stage)
        }
        Mutation::MoveSecretStage { region, secret, to_version, from_version } => {
            found(&mut state.secrets, region, secret.as_str(), operation)?.move_current(to_version, from_version)
        }
        Mutation::SetFunctionVariable { region, function, variable, value, kept } => {
            let function = found(&mut state.functions, region, function.as_str(), operation)?;
            function.set(variable.as_str(), value.as_deref(), kept, now)
        }
        Mutation::RestartService { region, cluster, service } => {
            let host = state.host_that_new_tasks_read();
            let name = format!("{cluster}/{service}");
            found(&mut state.services, region, &name, operation)?.restart(host, now);
            Ok(Performed::plainly())
        }
        Mutation::PatchRestStage { region, api, stage, operations } => {
            found(&mut state.rest_stages, region, &format!("{api}/{stage}"), operation)?.patch(operations)
        }
        Mutation::PutHttpRouteSettings { region, api, stage, routes } => {
            Ok(put_routes(found(&mut state.http_stages, region, &format!("{api}/{stage}"), operation)?, routes))
        }
        Mutation::DeleteRouteSettings { region, api, stage, route } => {
            delete_route(found(&mut state.http_stages, region, &format!("{api}/{stage}"), operation)?, route)
        }
    }
}
