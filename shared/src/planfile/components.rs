//! Reads `components`: what there is to recover, and where its endpoint and its holds are kept.

use std::collections::HashSet;

use crate::domain::duration::Seconds;
use crate::domain::identifier::{ComponentName, InstanceId, Region, ResourceName, SecurityGroupId, VariableName};
use crate::domain::non_empty::NonEmpty;
use crate::domain::plan::{
    ApiMethod, ApiProtocol, Component, EcsService, EcsSite, EndpointPlace, HoldPoint, RdsInstance, RdsPrimary, RdsReplica,
    Reads, SiteName, WriteProbe,
};

use super::draft::{ComponentKind, DraftComponent, DraftPlace};
use super::fields::{Fields, Marked, Place};
use super::finding::{Findings, one_of, quote};
use super::tree::Value;
use super::{code, described, format, postgresql};

const A_REGION: &str = "a Region such as us-west-2";
const AN_INSTANCE: &str = "a database instance identifier such as shop-prod";
const A_FUNCTION: &str = "a Lambda function's name";
const A_VARIABLE: &str = "an environment variable's name";
/// RDS keeps automated backups for 1 to 35 days (0 would switch them off, and with them every restore to a point in time).
const LONGEST_RETENTION: u32 = 35;

pub(super) fn read(place: &Place<'_>, findings: &mut Findings) -> DraftComponent {
    // The kind decides which other fields there are, so it is looked up before them.
    let Some(kind) = place.peek("kind") else {
        let kinds = one_of(ComponentKind::WORDS.iter().map(|(word, _)| *word));
        if matches!(place.node.value, Value::Map(_)) {
            let message = format!("{} has no field `kind`", place.path());
            findings.error(code::MISSING_FIELD, place.mark, message, format!("add `kind:` with {kinds}")).expected(kinds);
        } else {
            place.wrong_type::<()>(
                &format!("a mapping with `kind:` {kinds}"),
                "write the component's fields below it",
                findings,
            );
        }
        return DraftComponent::unread(None);
    };
    let kind = kind.choice(ComponentKind::WORDS, code::UNKNOWN_COMPONENT_KIND, findings);
    match kind.map(|kind| kind.value) {
        Some(ComponentKind::RdsInstance) => read_rds(place, findings),
        Some(ComponentKind::EcsService) => read_ecs(place, findings),
        Some(ComponentKind::LoadBalancer) => described::read_load_balancer(place, findings),
        Some(ComponentKind::Route53Records) => described::read_route53_records(place, findings),
        Some(ComponentKind::CloudfrontDistribution) => described::read_distribution(place, findings),
        Some(ComponentKind::S3Data) => described::read_s3_data(place, findings),
        Some(ComponentKind::DynamodbTable) => described::read_dynamodb_table(place, findings),
        Some(ComponentKind::AuroraGlobalDatabase) => described::read_aurora(place, findings),
        Some(ComponentKind::Postgresql) => postgresql::read(place, findings),
        Some(ComponentKind::BackupArchives) => described::read_archives(place, findings),
        None => DraftComponent::unread(None),
    }
}

fn read_rds(place: &Place<'_>, findings: &mut Findings) -> DraftComponent {
    let mut draft = DraftComponent::unread(Some(ComponentKind::RdsInstance));
    let Some(fields) = place.fields(&format::RDS_INSTANCE, findings) else {
        return draft;
    };
    let primary = read_rds_primary(&fields, &mut draft, findings);
    let recovery = fields
        .required("recovery", "`{ id: … }`, the replica", findings)
        .and_then(|place| place.fields(&format::RDS_REPLICA, findings))
        .and_then(|fields| fields.required("id", AN_INSTANCE, findings))
        .and_then(|place| place.identifier::<InstanceId>(AN_INSTANCE, findings));
    if let Some(id) = &recovery {
        draft
            .resources
            .push(Marked { value: (SiteName::Recovery, format!("database instance {}", id.value)), mark: id.mark });
    }
    let backup_retention_days = fields
        .required("backup_retention", "whole days such as 7d", findings)
        .and_then(|place| read_retention(&place, findings));
    let max_lag = fields
        .required("max_lag", "a duration such as 30s", findings)
        .and_then(|place| place.duration(Seconds(1), findings));
    let write_probe = match fields.optional("write_probe") {
        Some(place) => place
            .fields(&format::WRITE_PROBE, findings)
            .and_then(|fields| fields.required("lambda", A_FUNCTION, findings))
            .and_then(|place| place.identifier::<ResourceName>(A_FUNCTION, findings))
            .map(|name| Some(WriteProbe { lambda: name.value })),
        None => Some(None),
    };
    let backups = described::read_backups(&fields, &format::INSTANCE_BACKUPS, &mut draft, findings);
    draft.endpoints_absent = fields.optional("endpoints").is_none();
    draft.holds_absent = fields.optional("holds").is_none();
    let endpoints =
        read_list(fields.optional("endpoints"), "a list of places", &mut draft.endpoints, read_endpoint, findings);
    let holds = read_list(fields.optional("holds"), "a list of places", &mut draft.holds, read_hold, findings);
    let complete = || {
        Some(RdsInstance {
            primary: primary?,
            recovery: RdsReplica { id: recovery?.value },
            backup_retention_days: backup_retention_days?,
            max_lag: max_lag?.value,
            write_probe: write_probe?,
            backups: backups?,
            endpoints: endpoints?,
            holds: holds?,
        })
    };
    draft.component = complete().map(Component::RdsInstance);
    draft
}

fn read_rds_primary(fields: &Fields<'_>, draft: &mut DraftComponent, findings: &mut Findings) -> Option<RdsPrimary> {
    let fields = fields
        .required("primary", "`{ id: …, isolation_security_group: … }`", findings)?
        .fields(&format::RDS_PRIMARY, findings)?;
    let id =
        fields.required("id", AN_INSTANCE, findings).and_then(|place| place.identifier::<InstanceId>(AN_INSTANCE, findings));
    if let Some(id) = &id {
        draft
            .resources
            .push(Marked { value: (SiteName::Primary, format!("database instance {}", id.value)), mark: id.mark });
    }
    let group = fields.optional("isolation_security_group");
    draft.isolation_group_written = group.is_some();
    let isolation_security_group = match group {
        Some(place) => place
            .identifier::<SecurityGroupId>("a security group id such as sg-0f00d", findings)
            .map(|group| Some(group.value)),
        None => Some(None),
    };
    Some(RdsPrimary { id: id?.value, isolation_security_group: isolation_security_group? })
}

fn read_retention(place: &Place<'_>, findings: &mut Findings) -> Option<u32> {
    let duration = place.duration(Seconds(0), findings)?;
    match duration.value.whole_days() {
        Some(days) if (1..=LONGEST_RETENTION).contains(&days) => Some(days),
        _ => {
            let message = format!("{}: {} is not 1 to {LONGEST_RETENTION} whole days", place.path(), duration.value);
            let help = "write days, such as 7d: RDS keeps backups for 1 to 35";
            findings.error(code::OUT_OF_RANGE, duration.mark, message, help).expected("1d to 35d");
            None
        }
    }
}

/// Reads an optional list of endpoint places or hold points, and keeps what the checks need of each. An absent list is empty.
fn read_list<T>(
    list: Option<Place<'_>>,
    expected: &str,
    drafts: &mut Vec<DraftPlace>,
    read: fn(&Place<'_>, &mut DraftPlace, &mut Findings) -> Option<T>,
    findings: &mut Findings,
) -> Option<Vec<T>> {
    let Some(list) = list else {
        return Some(Vec::new());
    };
    let items = list.items(expected, findings)?;
    let mut whole = Some(Vec::with_capacity(items.len()));
    for item in &items {
        let mut draft =
            DraftPlace { mark: item.mark, label: None, region: None, consumers: Vec::new(), writes: 1, reads_go_on: None };
        let value = read(item, &mut draft, findings);
        drafts.push(draft);
        whole = whole.zip(value).map(|(mut list, value)| {
            list.push(value);
            list
        });
    }
    whole
}

/// The one of several fields that says what an item is.
pub(super) fn variant(
    fields: &Fields<'_>,
    place: &Place<'_>,
    names: &[&'static str],
    findings: &mut Findings,
) -> Option<&'static str> {
    match fields.present(names).as_slice() {
        [only] => Some(only),
        [] => {
            let message = format!("{} does not say what it is", place.path());
            findings
                .error(code::MISSING_FIELD, fields.mark(), message, format!("add one of `{}`", names.join("`, `")))
                .expected(one_of(names.iter().copied()));
            None
        }
        [first, second, ..] => {
            let message = format!("{} has both `{first}` and `{second}`", place.path());
            findings.error(code::WRONG_TYPE, fields.mark(), message, "write one item of the list for each of them");
            None
        }
    }
}

fn read_endpoint(place: &Place<'_>, draft: &mut DraftPlace, findings: &mut Findings) -> Option<EndpointPlace> {
    let fields = place.fields_of(format::ENDPOINTS.to_vec(), findings)?;
    let kind = variant(&fields, place, &["ssm_parameter", "secret", "lambda_environment"], findings);
    let region = read_region(&fields, draft, findings);
    let consumers = read_consumers(&fields, draft, findings);
    let read = match kind? {
        "ssm_parameter" => {
            refuse_fields(&fields, &["field", "variable"], "a parameter", findings);
            let name = read_parameter_name(&fields.optional("ssm_parameter")?, findings);
            EndpointPlace::SsmParameter { name: name?, region: region?, consumers: consumers? }
        }
        "secret" => {
            refuse_fields(&fields, &["variable"], "a secret", findings);
            // Staged under a label of our own first, then made current: two calls.
            draft.writes = 2;
            let name = fields.optional("secret")?.identifier::<ResourceName>("a secret's name", findings);
            let field = fields
                .required("field", "the field of the JSON secret that holds the host", findings)
                .and_then(|place| place.identifier::<ResourceName>("a field's name", findings));
            EndpointPlace::Secret { name: name?.value, field: field?.value, region: region?, consumers: consumers? }
        }
        _ => {
            refuse_fields(&fields, &["field"], "a Lambda environment", findings);
            let (function, variable) = read_function_variable(&fields, findings)?;
            EndpointPlace::LambdaEnvironment { function, variable, region: region?, consumers: consumers? }
        }
    };
    draft.label = Some(read.label());
    Some(read)
}

/// Fields that belong to another variant of the item.
fn refuse_fields(fields: &Fields<'_>, names: &[&'static str], of: &str, findings: &mut Findings) {
    for name in fields.present(names) {
        if let Some(place) = fields.optional(name) {
            let message = format!("{}: {of} has no `{name}`", place.path());
            findings.error(code::UNKNOWN_FIELD, place.mark, message, "leave it out");
        }
    }
}

/// A parameter in a hierarchy: its ARN is then `parameter` and its name, which is how permissions name it.
pub(super) fn read_parameter_name(place: &Place<'_>, findings: &mut Findings) -> Option<ResourceName> {
    let name = place.identifier::<ResourceName>("a parameter's name such as /shop/database/host", findings)?;
    if !name.value.as_str().starts_with('/') {
        let message = format!("{}: {} does not begin with a slash", place.path(), quote(name.value.as_str()));
        let help = "write the full name, such as /shop/database/host";
        findings.error(code::BAD_IDENTIFIER, name.mark, message, help).expected("a parameter's name that begins with /");
        return None;
    }
    Some(name.value)
}

fn read_function_variable(fields: &Fields<'_>, findings: &mut Findings) -> Option<(ResourceName, VariableName)> {
    let function = fields.optional("lambda_environment")?.identifier::<ResourceName>(A_FUNCTION, findings);
    let variable = fields
        .required("variable", A_VARIABLE, findings)
        .and_then(|place| place.identifier::<VariableName>(A_VARIABLE, findings));
    Some((function?.value, variable?.value))
}

fn read_region(fields: &Fields<'_>, draft: &mut DraftPlace, findings: &mut Findings) -> Option<Region> {
    let region = fields.required("region", A_REGION, findings)?.identifier::<Region>(A_REGION, findings)?;
    draft.region = Some(region.clone());
    Some(region.value)
}

fn read_consumers(fields: &Fields<'_>, draft: &mut DraftPlace, findings: &mut Findings) -> Option<Vec<ComponentName>> {
    let Some(list) = fields.optional("consumers") else {
        return Some(Vec::new());
    };
    let items = list.items("a list of components", findings)?;
    let count = items.len();
    for item in items {
        if let Some(name) = item.identifier::<ComponentName>("a component's name", findings) {
            draft.consumers.push(name);
        }
    }
    (draft.consumers.len() == count).then(|| draft.consumers.iter().map(|name| name.value.clone()).collect())
}

fn read_hold(place: &Place<'_>, draft: &mut DraftPlace, findings: &mut Findings) -> Option<HoldPoint> {
    let fields = place.fields_of(format::HOLDS.to_vec(), findings)?;
    let kind = variant(&fields, place, &["api_gateway_stage", "lambda_environment"], findings);
    let region = read_region(&fields, draft, findings);
    let read = if kind? == "api_gateway_stage" {
        refuse_fields(&fields, &["variable", "held"], "an API stage", findings);
        read_stage(&fields.optional("api_gateway_stage")?, region, draft, findings)?
    } else {
        let names = read_function_variable(&fields, findings);
        let held = match fields.optional("held") {
            Some(place) => place.line("the value that means \"read only\"", findings).map(|held| held.value),
            None => Some("true".to_owned()),
        };
        let (function, variable) = names?;
        HoldPoint::LambdaEnvironment { function, variable, held: held?, region: region? }
    };
    draft.label = Some(read.label());
    Some(read)
}

fn read_stage(
    place: &Place<'_>,
    region: Option<Region>,
    draft: &mut DraftPlace,
    findings: &mut Findings,
) -> Option<HoldPoint> {
    let fields = place.fields(&format::API_GATEWAY_STAGE, findings)?;
    let api = fields
        .required("api", "the API's id such as a1b2c3", findings)
        .and_then(|place| place.identifier::<ResourceName>("an API id", findings));
    let stage = fields
        .required("stage", "the stage's name such as prod", findings)
        .and_then(|place| place.identifier::<ResourceName>("a stage's name", findings));
    let reads = fields
        .required("reads", "`served` (only the listed methods stop) or `stopped` (the whole stage stops)", findings)
        .and_then(|place| place.choice(format::READS, code::UNKNOWN_VALUE, findings));
    let protocol = match fields.optional("protocol") {
        Some(place) => place.choice(format::PROTOCOLS, code::UNKNOWN_VALUE, findings).map(|protocol| protocol.value),
        None => Some(ApiProtocol::Rest),
    };
    draft.reads_go_on = reads
        .as_ref()
        .filter(|reads| reads.value == Reads::Stopped && protocol == Some(ApiProtocol::Http))
        .map(|reads| reads.mark);
    let methods = fields
        .required("methods", "the writing methods such as [POST /patients]", findings)
        .and_then(|place| read_methods(&place, reads.as_ref().map(|reads| reads.value), findings));
    Some(HoldPoint::ApiGatewayStage {
        protocol: protocol?,
        api: api?.value,
        stage: stage?.value,
        methods: methods?,
        reads: reads?.value,
        region: region?,
    })
}

fn read_methods(place: &Place<'_>, reads: Option<Reads>, findings: &mut Findings) -> Option<NonEmpty<ApiMethod>> {
    const EXPECTED: &str = "a method such as POST /patients";
    let items = place.items("a list of methods", findings)?;
    let mut methods: Vec<ApiMethod> = Vec::with_capacity(items.len());
    let mut listed = HashSet::new();
    let mut whole = true;
    for item in &items {
        let Some(text) = item.text(EXPECTED, findings) else {
            whole = false;
            continue;
        };
        let Some(method) = ApiMethod::parse(text.value) else {
            let message = format!("{}: expected {EXPECTED}, found {}", item.path(), quote(text.value));
            let help = "write the verb in capitals, one blank and the path from /";
            findings.error(code::BAD_IDENTIFIER, text.mark, message, help).expected(EXPECTED);
            whole = false;
            continue;
        };
        if reads == Some(Reads::Served) && ["GET", "HEAD", "OPTIONS", "ANY"].contains(&method.verb()) {
            let message = format!("{} holds {}, which reads, but reads are to stay served", item.path(), method.verb());
            let help = "list writing methods only, or say `reads: stopped`";
            findings.error(code::HOLD_STOPS_READS, text.mark, message, help);
        }
        if !listed.insert(text.value) {
            let message = format!("{} lists {} a second time", item.path(), quote(text.value));
            findings.error(code::DUPLICATE, text.mark, message, "leave one out");
        }
        methods.push(method);
    }
    if whole { NonEmpty::new(methods).ok() } else { None }
}

fn read_ecs(place: &Place<'_>, findings: &mut Findings) -> DraftComponent {
    let mut draft = DraftComponent::unread(Some(ComponentKind::EcsService));
    let Some(fields) = place.fields(&format::ECS_SERVICE, findings) else {
        return draft;
    };
    let primary = read_ecs_site(&fields, SiteName::Primary, &mut draft, findings);
    let recovery = read_ecs_site(&fields, SiteName::Recovery, &mut draft, findings);
    let health = described::url(fields.optional("health"), findings);
    let good_revision = match fields.optional("good_revision") {
        Some(place) => read_parameter_name(&place, findings).map(Some),
        None => Some(None),
    };
    let complete =
        || Some(EcsService { primary: primary?, recovery: recovery?, health: health?, good_revision: good_revision? });
    draft.component = complete().map(Component::EcsService);
    draft
}

fn read_ecs_site(
    fields: &Fields<'_>,
    site: SiteName,
    draft: &mut DraftComponent,
    findings: &mut Findings,
) -> Option<EcsSite> {
    let place = fields.required(site.as_str(), "`{ cluster: …, service: … }`", findings)?;
    let fields = place.fields(&format::ECS_SITE, findings)?;
    let mut name = |field: &str, expected: &str| {
        let place = fields.required(field, expected, findings)?;
        place.identifier::<ResourceName>(expected, findings)
    };
    let cluster = name("cluster", "the cluster's name");
    let service = name("service", "the service's name");
    let (cluster, service) = (cluster?.value, service?);
    let label = format!("service {} of cluster {cluster}", service.value);
    draft.resources.push(Marked { value: (site, label), mark: service.mark });
    Some(EcsSite { cluster, service: service.value })
}
