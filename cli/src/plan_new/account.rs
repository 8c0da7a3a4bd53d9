//! What an account says of itself: answers found by describing, so that fewer are asked. Only calls that read are sent.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use aws_config::SdkConfig;
use aws_sdk_rds::types::DbInstance;

use crate::closed_list::OnlyListed;

/// Pages of one list; an account with more is described by hand.
const MOST_PAGES: usize = 50;
/// Names that GetParameters takes.
const PARAMETERS_PER_CALL: usize = 10;

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Answers, by the key of their question.
    pub(super) answers: BTreeMap<String, String>,
    /// What a person should know of how they were found, a sentence each.
    pub(super) remarks: Vec<String>,
}

/// Why nothing could be found.
#[derive(Debug, thiserror::Error)]
pub(super) enum AccountError {
    #[error("{service} in {region} could not be read: {reason}; the role needs Describe and List permissions only")]
    Unread { service: &'static str, region: String, reason: String },
    #[error(
        "no PostgreSQL instance of {region} has a read replica in another Region: make one, or name the Region of the primary \
         with --region"
    )]
    NoReplica { region: String },
    #[error(
        "{region} has several instances with a replica in another Region: say which, with --set primary_database=NAME: {names}"
    )]
    Several { region: String, names: String },
    #[error(
        "--set primary_database={name}: {region} has no PostgreSQL instance of that name with a replica in another Region; it has: {names}"
    )]
    Unknown { name: String, region: String, names: String },
}

/// A primary and its replica in another Region.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pair {
    account: String,
    primary: String,
    host: Option<String>,
    replica: String,
    region: String,
}

/// Describes the account as seen from this Region: the pair of databases, and the places that hold the primary's host.
///
/// # Errors
/// [`AccountError`] when there is no such pair, or which of several is meant is not said.
pub(super) async fn look(config: &SdkConfig, region: &str, wanted: Option<&str>) -> Result<Found, AccountError> {
    let pair = choose(pairs(config, region).await?, region, wanted)?;
    let mut found = Found::default();
    let mut answer = |key: &str, text: &str| found.answers.insert(key.to_owned(), text.to_owned());
    answer("account", &pair.account);
    answer("primary_region", region);
    answer("recovery_region", &pair.region);
    answer("primary_database", &pair.primary);
    answer("recovery_database", &pair.replica);
    match &pair.host {
        Some(host) => {
            parameter(config, &pair.region, host, &mut found).await;
            function(config, &pair.region, host, &mut found).await;
        }
        None => found.remarks.push(format!("{} has no endpoint yet, so its places were not looked for", pair.primary)),
    }
    service(config, region, &pair.region, &mut found).await;
    found.remarks.push("secrets were not opened: name the one that holds the host with --set host_secret=NAME".to_owned());
    Ok(found)
}

/// Every call that is made here. Names that begin like a read's are no list: `GetSecretValue` is one of them.
fn is_listed(service: &str, operation: &str) -> bool {
    match service {
        "RDS" => operation == "DescribeDBInstances",
        "SSM" => ["DescribeParameters", "GetParameters"].contains(&operation),
        "Lambda" => operation == "ListFunctions",
        "ECS" => ["ListClusters", "ListServices"].contains(&operation),
        _ => false,
    }
}

async fn pairs(config: &SdkConfig, region: &str) -> Result<Vec<Pair>, AccountError> {
    let client = aws_sdk_rds::Client::from_conf(
        aws_sdk_rds::config::Builder::from(config)
            .region(aws_sdk_rds::config::Region::new(region.to_owned()))
            .interceptor(OnlyListed(is_listed))
            .build(),
    );
    let mut pairs = Vec::new();
    let mut marker = None;
    for _ in 0..MOST_PAGES {
        let page = client.describe_db_instances().set_marker(marker).send().await;
        let page = page.map_err(|error| unread("RDS", region, &error))?;
        pairs.extend(page.db_instances().iter().filter_map(|instance| pair(instance, region)));
        marker = page.marker().filter(|marker| !marker.is_empty()).map(str::to_owned);
        if marker.is_none() {
            break;
        }
    }
    Ok(pairs)
}

fn pair(instance: &DbInstance, region: &str) -> Option<Pair> {
    if !instance.engine()?.starts_with("postgres") {
        return None;
    }
    // arn:partition:rds:region:account:db:name. A replica of the same Region is named without an ARN.
    let replica = instance.read_replica_db_instance_identifiers().iter().find_map(|name| {
        let parts: Vec<&str> = name.split(':').collect();
        (parts.len() == 7 && parts[3] != region).then(|| (parts[3].to_owned(), parts[6].to_owned()))
    })?;
    Some(Pair {
        account: instance.db_instance_arn()?.split(':').nth(4)?.to_owned(),
        primary: instance.db_instance_identifier()?.to_owned(),
        host: instance.endpoint().and_then(|endpoint| endpoint.address()).map(str::to_owned),
        replica: replica.1,
        region: replica.0,
    })
}

fn choose(mut pairs: Vec<Pair>, region: &str, wanted: Option<&str>) -> Result<Pair, AccountError> {
    let names = pairs.iter().map(|pair| pair.primary.as_str()).collect::<Vec<_>>().join(", ");
    let region = region.to_owned();
    match (wanted, pairs.len()) {
        (_, 0) => Err(AccountError::NoReplica { region }),
        (None, 1) => Ok(pairs.remove(0)),
        (None, _) => Err(AccountError::Several { region, names }),
        (Some(name), _) => match pairs.iter().position(|pair| pair.primary == name) {
            Some(place) => Ok(pairs.swap_remove(place)),
            None => Err(AccountError::Unknown { name: name.to_owned(), region, names }),
        },
    }
}

/// The parameter of the recovery Region whose value is the primary's host. Those that are encrypted are not opened.
async fn parameter(config: &SdkConfig, region: &str, host: &str, found: &mut Found) {
    match parameters(config, region, host).await {
        Ok(names) => one_of(names, "host_parameter", &format!("parameter of {region} holds {host}"), found),
        Err(error) => found.remarks.push(error.to_string()),
    }
}

async fn parameters(config: &SdkConfig, region: &str, host: &str) -> Result<Vec<String>, AccountError> {
    let client = aws_sdk_ssm::Client::from_conf(
        aws_sdk_ssm::config::Builder::from(config)
            .region(aws_sdk_ssm::config::Region::new(region.to_owned()))
            .interceptor(OnlyListed(is_listed))
            .build(),
    );
    let mut names = Vec::new();
    let mut token = None;
    for _ in 0..MOST_PAGES {
        let page = client.describe_parameters().set_next_token(token).send().await;
        let page = page.map_err(|error| unread("Systems Manager", region, &error))?;
        let plain =
            page.parameters().iter().filter(|parameter| parameter.r#type().is_some_and(|kind| kind.as_str() == "String"));
        names.extend(plain.filter_map(|parameter| parameter.name().map(str::to_owned)));
        token = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    let mut holding = Vec::new();
    for names in names.chunks(PARAMETERS_PER_CALL) {
        let answer = client.get_parameters().set_names(Some(names.to_vec())).send().await;
        let answer = answer.map_err(|error| unread("Systems Manager", region, &error))?;
        let matching = answer.parameters().iter().filter(|parameter| parameter.value() == Some(host));
        holding.extend(matching.filter_map(|parameter| parameter.name().map(str::to_owned)));
    }
    Ok(holding)
}

/// The function of the recovery Region that has the primary's host in a variable.
async fn function(config: &SdkConfig, region: &str, host: &str, found: &mut Found) {
    match functions(config, region, host).await {
        Ok(places) => {
            let names = places.iter().map(|(name, _)| name.clone()).collect();
            one_of(names, "host_function", &format!("function of {region} has {host} in a variable"), found);
            if let (Some(name), true) = (found.answers.get("host_function"), !places.is_empty())
                && let Some((_, variable)) = places.iter().find(|(of, _)| of == name)
            {
                found.answers.insert("host_variable".to_owned(), variable.clone());
            }
        }
        Err(error) => found.remarks.push(error.to_string()),
    }
}

async fn functions(config: &SdkConfig, region: &str, host: &str) -> Result<Vec<(String, String)>, AccountError> {
    let client = aws_sdk_lambda::Client::from_conf(
        aws_sdk_lambda::config::Builder::from(config)
            .region(aws_sdk_lambda::config::Region::new(region.to_owned()))
            .interceptor(OnlyListed(is_listed))
            .build(),
    );
    let mut places = Vec::new();
    let mut marker = None;
    for _ in 0..MOST_PAGES {
        let page = client.list_functions().set_marker(marker).send().await;
        let page = page.map_err(|error| unread("Lambda", region, &error))?;
        for function in page.functions() {
            let variables = function.environment().and_then(|environment| environment.variables()).into_iter().flatten();
            let holding = variables.filter(|(_, value)| value.as_str() == host);
            places.extend(holding.filter_map(|(name, _)| Some((function.function_name()?.to_owned(), name.clone()))));
        }
        marker = page.next_marker().filter(|marker| !marker.is_empty()).map(str::to_owned);
        if marker.is_none() {
            break;
        }
    }
    Ok(places)
}

/// The service that runs under one name of cluster and service in both Regions.
async fn service(config: &SdkConfig, primary: &str, recovery: &str, found: &mut Found) {
    let both = async {
        let here = services(config, primary).await?;
        let there = services(config, recovery).await?;
        Ok::<Vec<String>, AccountError>(here.intersection(&there).cloned().collect())
    };
    match both.await {
        Ok(names) => {
            one_of(names, "service", "service runs under the same name in both Regions", found);
            if let Some((cluster, name)) =
                found.answers.get("service").and_then(|both| both.split_once('/')).map(|(a, b)| (a.to_owned(), b.to_owned()))
            {
                found.answers.insert("cluster".to_owned(), cluster);
                found.answers.insert("service".to_owned(), name);
            }
        }
        Err(error) => found.remarks.push(error.to_string()),
    }
}

/// `cluster/service` of every service of a Region.
async fn services(config: &SdkConfig, region: &str) -> Result<BTreeSet<String>, AccountError> {
    let client = aws_sdk_ecs::Client::from_conf(
        aws_sdk_ecs::config::Builder::from(config)
            .region(aws_sdk_ecs::config::Region::new(region.to_owned()))
            .interceptor(OnlyListed(is_listed))
            .build(),
    );
    let clusters = client.list_clusters().into_paginator().items().send().collect::<Result<Vec<String>, _>>().await;
    let mut found = BTreeSet::new();
    for cluster in clusters.map_err(|error| unread("ECS", region, &error))? {
        let services = client.list_services().cluster(&cluster).into_paginator().items().send();
        let services = services.collect::<Result<Vec<String>, _>>().await.map_err(|error| unread("ECS", region, &error))?;
        let last = |arn: &str| arn.rsplit('/').next().unwrap_or_default().to_owned();
        found.extend(services.iter().map(|service| format!("{}/{}", last(&cluster), last(service))));
    }
    Ok(found)
}

/// Takes the only one there is; of none or several it says so, and the question is left to be asked.
fn one_of(mut names: Vec<String>, key: &str, what: &str, found: &mut Found) {
    names.sort();
    names.dedup();
    match names.as_slice() {
        [only] => {
            found.answers.insert(key.to_owned(), only.clone());
        }
        [] => found.remarks.push(format!("no {what}")),
        several => found.remarks.push(format!("more than one {what}: {}", several.join(", "))),
    }
}

fn unread(service: &'static str, region: &str, error: &dyn std::error::Error) -> AccountError {
    // The SDK's own sentence says no more than "service error"; what happened is behind it.
    let mut reason = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        reason = format!("{reason}: {source}");
        next = source.source();
    }
    AccountError::Unread { service, region: region.to_owned(), reason }
}
