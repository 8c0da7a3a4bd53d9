//! Reads the kinds of component that a plan describes and no step acts on yet.

use std::collections::BTreeMap;

use crate::domain::backup::{BackupVaults, ManagedBackups};
use crate::domain::described::{
    AuroraCluster, AuroraGlobalDatabase, BackupArchives, BucketSite, CloudfrontDistribution, CopiedBy, Drift, DynamodbTable,
    Keep, LoadBalancer, LoadBalancerSite, RecordSet, Route53Records, S3Data, TrafficSwitch,
};
use crate::domain::duration::Seconds;
use crate::domain::identifier::{
    Arn, BalancerName, BucketName, ClusterId, ComponentName, DistributionId, DomainName, HealthCheckId, HostedZoneId,
    HttpsUrl, InvalidIdentifier, ResourceName, TableName, TimeZoneName,
};
use crate::domain::non_empty::NonEmpty;
use crate::domain::plan::{Component, SiteName};

use super::components::variant;
use super::draft::{ComponentKind, DraftComponent, DraftRecord, DraftReference, WithoutSwitch};
use super::fields::{Fields, Marked, Place};
use super::finding::Findings;
use super::format::Mapping;
use super::{code, format, restore_test};

/// The shortest time between two backups that makes sense.
const OFTENEST: Seconds = Seconds(60);

/// A required field with an identifier.
fn name<I>(fields: &Fields<'_>, field: &str, expected: &str, findings: &mut Findings) -> Option<Marked<I>>
where
    I: TryFrom<String, Error = InvalidIdentifier>,
{
    fields.required(field, expected, findings)?.identifier(expected, findings)
}

/// A required list of identifiers.
fn names<I>(fields: &Fields<'_>, field: &str, expected: &str, findings: &mut Findings) -> Option<Vec<Marked<I>>>
where
    I: TryFrom<String, Error = InvalidIdentifier>,
{
    let list = format!("a list of {expected}s");
    let items = fields.required(field, &list, findings)?.items(&list, findings)?;
    let read: Vec<Option<Marked<I>>> = items.iter().map(|item| item.identifier(expected, findings)).collect();
    read.into_iter().collect()
}

fn values<I>(marked: Vec<Marked<I>>) -> Option<NonEmpty<I>> {
    NonEmpty::new(marked.into_iter().map(|item| item.value).collect()).ok()
}

/// An optional page; the outer absence means that it could not be read.
pub(super) fn url(place: Option<Place<'_>>, findings: &mut Findings) -> Option<Option<HttpsUrl>> {
    match place {
        Some(place) => {
            place.identifier("an address such as https://example.com/health", findings).map(|url| Some(url.value))
        }
        None => Some(None),
    }
}

/// An optional name; the outer absence means that it could not be read.
fn optional_name(place: Option<Place<'_>>, expected: &str, findings: &mut Findings) -> Option<Option<ResourceName>> {
    match place {
        Some(place) => place.identifier(expected, findings).map(|name| Some(name.value)),
        None => Some(None),
    }
}

fn refers(draft: &mut DraftComponent, names: &[Marked<ComponentName>], kinds: &'static [ComponentKind]) {
    draft.names.extend(names.iter().map(|name| DraftReference { name: name.clone(), kinds }));
}

pub(super) fn read_load_balancer(place: &Place<'_>, findings: &mut Findings) -> DraftComponent {
    let mut draft = DraftComponent::unread(Some(ComponentKind::LoadBalancer));
    let Some(fields) = place.fields(&format::LOAD_BALANCER, findings) else {
        return draft;
    };
    let primary = read_load_balancer_site(&fields, SiteName::Primary, &mut draft, findings);
    let recovery = read_load_balancer_site(&fields, SiteName::Recovery, &mut draft, findings);
    let serves = names::<ComponentName>(&fields, "serves", "component", findings);
    refers(&mut draft, serves.as_deref().unwrap_or_default(), &[ComponentKind::EcsService]);
    let serves = serves.map(|serves| serves.into_iter().map(|name| name.value).collect());
    let complete = || Some(LoadBalancer { primary: primary?, recovery: recovery?, serves: serves? });
    draft.component = complete().map(Component::LoadBalancer);
    draft
}

fn read_load_balancer_site(
    fields: &Fields<'_>,
    site: SiteName,
    draft: &mut DraftComponent,
    findings: &mut Findings,
) -> Option<LoadBalancerSite> {
    let fields = fields
        .required(site.as_str(), "`{ name: …, target_groups: […] }`", findings)?
        .fields(&format::LOAD_BALANCER_SITE, findings)?;
    let balancer = name::<BalancerName>(&fields, "name", "the load balancer's name", findings);
    let groups = names::<BalancerName>(&fields, "target_groups", "target group", findings);
    let balancer = balancer?;
    let label = format!("load balancer {}", balancer.value);
    draft.resources.push(Marked { value: (site, label), mark: balancer.mark });
    Some(LoadBalancerSite { name: balancer.value, target_groups: values(groups?)? })
}

pub(super) fn read_route53_records(place: &Place<'_>, findings: &mut Findings) -> DraftComponent {
    let mut draft = DraftComponent::unread(Some(ComponentKind::Route53Records));
    let Some(fields) = place.fields(&format::ROUTE53_RECORDS, findings) else {
        return draft;
    };
    let zone = name::<HostedZoneId>(&fields, "zone", "the hosted zone's id such as Z0123456789ABC", findings);
    let items = fields
        .required("records", "a list of `{ name: …, type: …, routing: …, to: … }`", findings)
        .and_then(|place| place.items("a list of records", findings));
    let records: Option<Vec<RecordSet>> = items.and_then(|items| {
        let read: Vec<Option<RecordSet>> = items.iter().map(|item| read_record(item, &mut draft, findings)).collect();
        read.into_iter().collect()
    });
    let switch = match fields.optional("switch") {
        Some(place) => read_switch(&place, findings).map(Some),
        None => {
            draft.without_switch = Some(WithoutSwitch {
                mark: fields.mark(),
                field: "switch",
                service: "route53",
                operation: "ChangeResourceRecordSets",
            });
            Some(None)
        }
    };
    let health_checks: Option<Vec<HealthCheckId>> = match fields.optional("health_checks") {
        Some(place) => place.items("a list of health check ids", findings).and_then(|items| {
            let read: Vec<_> = items.iter().map(|item| item.identifier("a health check's id", findings)).collect();
            read.into_iter().map(|id: Option<Marked<HealthCheckId>>| Some(id?.value)).collect()
        }),
        None => Some(Vec::new()),
    };
    let complete = || {
        let records = NonEmpty::new(records?).ok()?;
        Some(Route53Records { zone: zone?.value, records, switch: switch?, health_checks: health_checks? })
    };
    draft.component = complete().map(Component::Route53Records);
    draft
}

fn read_record(item: &Place<'_>, draft: &mut DraftComponent, findings: &mut Findings) -> Option<RecordSet> {
    let fields = item.fields(&format::RECORD, findings)?;
    let domain = name::<DomainName>(&fields, "name", "a name such as api.example.com", findings);
    let record_type = fields
        .required("type", "A, AAAA or CNAME", findings)
        .and_then(|place| place.choice(format::RECORD_TYPES, code::UNKNOWN_VALUE, findings));
    let routing = fields
        .required("routing", "simple, weighted or failover", findings)
        .and_then(|place| place.choice(format::ROUTINGS, code::UNKNOWN_VALUE, findings));
    let to = name::<ComponentName>(&fields, "to", "a component's name", findings);
    refers(draft, to.as_slice(), &[ComponentKind::LoadBalancer, ComponentKind::CloudfrontDistribution]);
    let (domain, record_type, routing) = (domain?.value, record_type?.value, routing?);
    draft.records.push(DraftRecord {
        name: domain.clone(),
        record_type,
        routing: Marked { value: routing.value, mark: item.mark },
    });
    Some(RecordSet { name: domain, record_type, routing: routing.value, to: to?.value })
}

fn read_switch(place: &Place<'_>, findings: &mut Findings) -> Option<TrafficSwitch> {
    let fields = place.fields_of(format::SWITCHES.to_vec(), findings)?;
    let kind = variant(&fields, place, &["s3_object", "routing_control"], findings)?;
    let place = fields.optional(kind)?;
    if kind == "s3_object" {
        let fields = place.fields(&format::S3_OBJECT, findings)?;
        let bucket = name::<BucketName>(&fields, "bucket", "a bucket of the recovery site", findings);
        let key = name::<ResourceName>(&fields, "key", "the object's key", findings);
        let health_check = name::<HealthCheckId>(&fields, "health_check", "the health check's id", findings);
        return Some(TrafficSwitch::S3Object { bucket: bucket?.value, key: key?.value, health_check: health_check?.value });
    }
    let fields = place.fields(&format::ROUTING_CONTROL, findings)?;
    let arn = name::<Arn>(&fields, "arn", "the routing control's ARN", findings);
    let endpoints = names::<HttpsUrl>(&fields, "endpoints", "cluster endpoint", findings);
    Some(TrafficSwitch::RoutingControl { arn: arn?.value, endpoints: values(endpoints?)? })
}

pub(super) fn read_distribution(place: &Place<'_>, findings: &mut Findings) -> DraftComponent {
    let mut draft = DraftComponent::unread(Some(ComponentKind::CloudfrontDistribution));
    let Some(fields) = place.fields(&format::CLOUDFRONT_DISTRIBUTION, findings) else {
        return draft;
    };
    let id = name::<DistributionId>(&fields, "id", "the distribution's id such as E2ABCDEFGHIJKL", findings);
    let aliases = names::<DomainName>(&fields, "aliases", "domain name", findings);
    let primary = read_bucket(&fields, SiteName::Primary, &mut draft, findings);
    let recovery = read_bucket(&fields, SiteName::Recovery, &mut draft, findings);
    let group = fields.optional("origin_group");
    if group.is_none() {
        draft.without_switch = Some(WithoutSwitch {
            mark: fields.mark(),
            field: "origin_group",
            service: "cloudfront",
            operation: "UpdateDistribution",
        });
    }
    let origin_group = optional_name(group, "an origin group's id", findings);
    let health = url(fields.optional("health"), findings);
    let complete = || {
        Some(CloudfrontDistribution {
            id: id?.value,
            aliases: values(aliases?)?,
            primary: primary?,
            recovery: recovery?,
            origin_group: origin_group?,
            health: health?,
        })
    };
    draft.component = complete().map(Component::CloudfrontDistribution);
    draft
}

pub(super) fn read_s3_data(place: &Place<'_>, findings: &mut Findings) -> DraftComponent {
    let mut draft = DraftComponent::unread(Some(ComponentKind::S3Data));
    let Some(fields) = place.fields(&format::S3_DATA, findings) else {
        return draft;
    };
    let primary = read_bucket(&fields, SiteName::Primary, &mut draft, findings);
    let recovery = read_bucket(&fields, SiteName::Recovery, &mut draft, findings);
    let copied_by = fields
        .required("copied_by", "`{ replication_rule: … }` or `{ backup_vault: …, every: … }`", findings)
        .and_then(|place| read_copied_by(&place, &mut draft, findings));
    let complete = || Some(S3Data { primary: primary?, recovery: recovery?, copied_by: copied_by? });
    draft.component = complete().map(Component::S3Data);
    draft
}

fn read_copied_by(place: &Place<'_>, draft: &mut DraftComponent, findings: &mut Findings) -> Option<CopiedBy> {
    let fields = place.fields_of(format::COPIES.to_vec(), findings)?;
    let kind = variant(&fields, place, &["replication_rule", "backup_vault"], findings)?;
    if kind == "replication_rule" {
        if let Some(every) = fields.optional("every") {
            let message = format!("{}: a replication rule has no `every`", every.path());
            findings.error(code::UNKNOWN_FIELD, every.mark, message, "leave it out");
        }
        let id = fields.optional(kind)?.identifier::<ResourceName>("the rule's id", findings)?;
        return Some(CopiedBy::ReplicationRule { id: id.value });
    }
    let vault = fields.optional(kind)?.identifier::<ResourceName>("the vault's name", findings);
    draft.every = read_every(&fields, findings);
    Some(CopiedBy::BackupVault { vault: vault?.value, every: draft.every.as_ref()?.value })
}

/// What a component's field `backups` requires; `Some(None)` where it has none.
pub(super) fn read_backups(
    fields: &Fields<'_>,
    form: &'static Mapping,
    draft: &mut DraftComponent,
    findings: &mut Findings,
) -> Option<Option<ManagedBackups>> {
    let Some(place) = fields.optional("backups") else {
        return Some(None);
    };
    let fields = place.fields(form, findings)?;
    if fields.is_empty() {
        place.selects_nothing(findings);
        return None;
    }
    let copy_within = match fields.optional("copy_within") {
        Some(place) => place.duration(OFTENEST, findings).map(Some),
        None => Some(None),
    };
    let encrypted = match fields.optional("encrypted") {
        Some(place) => place.boolean(findings).map(|written| written.value),
        None => Some(true),
    };
    let vaults = match fields.optional("vaults") {
        Some(place) => read_vaults(&place, findings).map(Some),
        None => Some(None),
    };
    // A copy that is required has to be somewhere, whoever makes it.
    if let (Some(None), Some(Some(BackupVaults { recovery: None, .. }))) = (&copy_within, &vaults) {
        draft.vault_without_copy = fields.optional("vaults").map(|place| place.mark);
    }
    // Only an RDS instance's have it.
    let tested = form.field("restore_test").and_then(|field| fields.optional(field.name));
    if !matches!(&vaults, None | Some(Some(BackupVaults { recovery: Some(_), .. }))) {
        draft.restored_from_nowhere = tested.as_ref().map(|place| place.mark);
    }
    let restore_test = match tested {
        Some(place) => restore_test::read(&place, findings).map(Some),
        None => Some(None),
    };
    let copy_within = copy_within?.map(|within| within.value);
    Some(Some(ManagedBackups { copy_within, encrypted: encrypted?, vaults: vaults?, restore_test: restore_test? }))
}

fn read_vaults(place: &Place<'_>, findings: &mut Findings) -> Option<BackupVaults> {
    let fields = place.fields(&format::BACKUP_VAULTS, findings)?;
    let primary = name::<ResourceName>(&fields, "primary", "the vault's name", findings);
    let recovery = optional_name(fields.optional("recovery"), "the vault's name", findings);
    let every = read_every(&fields, findings);
    Some(BackupVaults { primary: primary?.value, recovery: recovery?, every: every?.value })
}

fn read_every(fields: &Fields<'_>, findings: &mut Findings) -> Option<Marked<Seconds>> {
    fields.required("every", "a duration such as 24h", findings)?.duration(OFTENEST, findings)
}

pub(super) fn read_dynamodb_table(place: &Place<'_>, findings: &mut Findings) -> DraftComponent {
    let mut draft = DraftComponent::unread(Some(ComponentKind::DynamodbTable));
    let Some(fields) = place.fields(&format::DYNAMODB_TABLE, findings) else {
        return draft;
    };
    let table = name::<TableName>(&fields, "table", "the table's name", findings);
    if let Some(table) = &table {
        // One name for both sites, and so one finding where it is taken twice.
        let resource = (SiteName::Primary, format!("table {}", table.value));
        draft.resources.push(Marked { value: resource, mark: table.mark });
    }
    let backups = read_backups(&fields, &format::BACKUPS, &mut draft, findings);
    let complete = || Some(DynamodbTable { table: table?.value, backups: backups? });
    draft.component = complete().map(Component::DynamodbTable);
    draft
}

pub(super) fn read_aurora(place: &Place<'_>, findings: &mut Findings) -> DraftComponent {
    let mut draft = DraftComponent::unread(Some(ComponentKind::AuroraGlobalDatabase));
    let Some(fields) = place.fields(&format::AURORA_GLOBAL_DATABASE, findings) else {
        return draft;
    };
    let global_cluster = name::<ClusterId>(&fields, "global_cluster", "the global cluster's identifier", findings);
    let primary = read_aurora_cluster(&fields, SiteName::Primary, &mut draft, findings);
    let recovery = read_aurora_cluster(&fields, SiteName::Recovery, &mut draft, findings);
    let backups = read_backups(&fields, &format::BACKUPS, &mut draft, findings);
    let complete = || {
        let global_cluster = global_cluster?.value;
        Some(AuroraGlobalDatabase { global_cluster, primary: primary?, recovery: recovery?, backups: backups? })
    };
    draft.component = complete().map(Component::AuroraGlobalDatabase);
    draft
}

fn read_aurora_cluster(
    fields: &Fields<'_>,
    site: SiteName,
    draft: &mut DraftComponent,
    findings: &mut Findings,
) -> Option<AuroraCluster> {
    let place = fields.required(site.as_str(), "`{ cluster: … }`", findings)?;
    let fields = place.fields(&format::AURORA_CLUSTER, findings)?;
    let cluster = name::<ClusterId>(&fields, "cluster", "the cluster's identifier", findings)?;
    draft.resources.push(Marked { value: (site, format!("cluster {}", cluster.value)), mark: cluster.mark });
    Some(AuroraCluster { cluster: cluster.value })
}

pub(super) fn read_archives(place: &Place<'_>, findings: &mut Findings) -> DraftComponent {
    let mut draft = DraftComponent::unread(Some(ComponentKind::BackupArchives));
    let Some(fields) = place.fields(&format::BACKUP_ARCHIVES, findings) else {
        return draft;
    };
    let of = name::<ComponentName>(&fields, "of", "the database that they are of", findings);
    refers(&mut draft, of.as_slice(), &[ComponentKind::RdsInstance]);
    let primary = read_bucket(&fields, SiteName::Primary, &mut draft, findings);
    let recovery = if fields.optional("recovery").is_some() {
        read_bucket(&fields, SiteName::Recovery, &mut draft, findings).map(Some)
    } else {
        draft.without_copy = Some(fields.mark());
        Some(None)
    };
    let archive_format = fields
        .required("format", "custom, directory or tar", findings)
        .and_then(|place| place.choice(format::ARCHIVE_FORMATS, code::UNKNOWN_VALUE, findings));
    draft.every = read_every(&fields, findings);
    let keep = fields
        .required("keep", "how many are kept, such as `{ daily: 7, weekly: 4 }`", findings)
        .and_then(|place| read_keep(&place, findings));
    let time_zone = match fields.optional("time_zone") {
        Some(place) => read_time_zone(&place, findings).map(Some),
        None => Some(None),
    };
    let level = match fields.optional("level") {
        Some(place) => place.choice(format::PROOF_LEVELS, code::UNKNOWN_VALUE, findings).map(Some),
        None => Some(None),
    };
    let drift = match fields.optional("drift") {
        Some(place) => read_drift(&place, findings).map(Some),
        None => Some(None),
    };
    let encryption = match fields.optional("encryption") {
        Some(place) => {
            let has_copy = fields.optional("recovery").is_some();
            super::archive_encryption::read(&place, has_copy, &mut draft, findings).map(Some)
        }
        None => Some(None),
    };
    let every = draft.every.clone();
    let complete = || {
        Some(BackupArchives {
            of: of?.value,
            primary: primary?,
            recovery: recovery?,
            format: archive_format?.value,
            every: every?.value,
            keep: keep?,
            time_zone: time_zone?,
            level: level?.map(|level| level.value),
            drift: drift?,
            encryption: encryption?,
        })
    };
    draft.component = complete().map(Component::BackupArchives);
    draft
}

fn read_drift(place: &Place<'_>, findings: &mut Findings) -> Option<Drift> {
    let fields = place.fields(&format::DRIFT, findings)?;
    let percent = read_percent(&fields, findings);
    let mut tables = BTreeMap::new();
    let mut complete = true;
    if let Some(place) = fields.optional("tables") {
        let items = place.items("a list of `{ table: schema.name, percent: … }`", findings);
        complete &= items.is_some();
        for item in items.unwrap_or_default() {
            complete &= read_table_drift(&item, &mut tables, findings).is_some();
        }
    }
    Some(Drift { percent: percent.filter(|_| complete)?, tables })
}

fn read_table_drift(item: &Place<'_>, tables: &mut BTreeMap<String, u32>, findings: &mut Findings) -> Option<()> {
    let fields = item.fields(&format::TABLE_DRIFT, findings)?;
    let table = fields
        .required("table", "the table as schema.name", findings)
        .and_then(|place| place.line("the table as schema.name", findings));
    let percent = read_percent(&fields, findings);
    let table = table?;
    if tables.contains_key(&table.value) {
        let message = format!("{}: table {} is listed a second time", item.path(), table.value);
        findings.error(code::DUPLICATE, table.mark, message, "leave one out");
        return None;
    }
    tables.insert(table.value, percent?);
    Some(())
}

fn read_percent(fields: &Fields<'_>, findings: &mut Findings) -> Option<u32> {
    let place = fields.required("percent", "a number of percent", findings)?;
    let number = place.number(findings)?;
    if (1..=format::MOST_DRIFT).contains(&number.value) {
        return Some(number.value);
    }
    let message = format!("{}: {} is not 1 to {}", place.path(), number.value, format::MOST_DRIFT);
    findings.error(code::OUT_OF_RANGE, number.mark, message, "write percent of the rows that the table had before");
    None
}

fn read_time_zone(place: &Place<'_>, findings: &mut Findings) -> Option<TimeZoneName> {
    let name = place.identifier::<TimeZoneName>("a time zone such as Europe/Bucharest", findings)?;
    if name.value.zone().is_none() {
        let message = format!("{}: the IANA database has no time zone {}", place.path(), name.value);
        findings.error(code::UNKNOWN_TIME_ZONE, name.mark, message, "write it as there, such as Europe/Bucharest or UTC");
        return None;
    }
    Some(name.value)
}

fn read_keep(place: &Place<'_>, findings: &mut Findings) -> Option<Keep> {
    let fields = place.fields(&format::KEEP, findings)?;
    if fields.is_empty() {
        place.selects_nothing(findings);
        return None;
    }
    let mut count = |field: &str| match fields.optional(field) {
        Some(place) => {
            let number = place.number(findings)?;
            if !(1..=format::MOST_KEPT).contains(&number.value) {
                let message = format!("{}: {} is not 1 to {}", place.path(), number.value, format::MOST_KEPT);
                findings.error(code::OUT_OF_RANGE, number.mark, message, "leave the field out where none is kept");
                return None;
            }
            Some(number.value)
        }
        None => Some(0),
    };
    let (hourly, daily, weekly, monthly) = (count("hourly"), count("daily"), count("weekly"), count("monthly"));
    Some(Keep { hourly: hourly?, daily: daily?, weekly: weekly?, monthly: monthly? })
}

fn read_bucket(
    fields: &Fields<'_>,
    site: SiteName,
    draft: &mut DraftComponent,
    findings: &mut Findings,
) -> Option<BucketSite> {
    let place = fields.optional(site.as_str());
    if place.is_none() {
        fields.required(site.as_str(), "`{ bucket: … }`", findings);
    }
    let fields = place?.fields(&format::BUCKET_SITE, findings)?;
    let bucket = name::<BucketName>(&fields, "bucket", "the bucket's name", findings);
    let prefix = optional_name(fields.optional("prefix"), "what the keys begin with", findings);
    let (bucket, prefix) = (bucket?, prefix?);
    let keys = prefix.as_ref().map_or_else(String::new, |prefix| format!(", keys with {prefix}"));
    let label = format!("bucket {}{keys}", bucket.value);
    draft.resources.push(Marked { value: (site, label), mark: bucket.mark });
    Some(BucketSite { bucket: bucket.value, prefix })
}
