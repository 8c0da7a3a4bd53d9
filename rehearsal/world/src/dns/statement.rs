//! From a record set as a caller states it to one that a zone can hold.

use super::flaw::{Flaw, Refusal};
use super::name::DnsName;
use super::record::{
    AliasTarget, Change, Content, FailoverRole, RecordKey, RecordSet, RecordType, Routing, StatedAlias, StatedRecordSet,
};
use super::value;
use crate::errors::ApiError;
use crate::facts::Fact;

/// The most values of one record set.
const MOST_VALUES: usize = 400;
/// The longest set identifier, in characters.
const LONGEST_IDENTIFIER: usize = 128;

/// Types that Route 53 takes and this world does not.
const UNMODELLED: &[&str] = &["CAA", "DS", "HTTPS", "NAPTR", "PTR", "SPF", "SRV", "SSHFP", "SVCB", "TLSA"];

/// Why a statement cannot be used.
#[derive(Debug)]
pub(crate) enum Problem {
    /// The request as a whole is refused.
    Refused(Refusal),
    /// What is wrong with this change, to be told together with what is wrong with others.
    Flaws(Vec<Flaw>),
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Reads one change of a batch.
pub(crate) fn read(change: &Change) -> Result<RecordSet, Problem> {
    let stated = &change.record_set;
    let kind = kind_of(&stated.kind)?;
    let routing = routing_of(change, stated)?;
    let content = content_of(change, stated)?;
    if matches!(kind, RecordType::Ns | RecordType::Soa) && routing != Routing::Simple {
        let refused = invalid(Fact::RoutingPoliciesDoNotMix, format!("Record sets of type {kind} route simply"));
        return Err(refused.into());
    }
    if stated.health_check.as_ref().is_some_and(|id| id.chars().count() > 64) {
        return Err(invalid(Fact::HealthCheckIsThere, "HealthCheckId has at most 64 characters").into());
    }
    let mut flaws = Vec::new();
    let name = read_name(&stated.name, &mut flaws);
    let content = match content {
        StatedContent::Alias(alias) => read_name(&alias.name, &mut flaws).map(|target| {
            Content::Alias(AliasTarget {
                hosted_zone: alias.hosted_zone.clone(),
                name: target,
                evaluate_target_health: alias.evaluate_target_health,
            })
        }),
        StatedContent::Records { ttl, values } => {
            flaws.extend(flaws_of_values(kind, routing, values));
            Some(Content::Records { ttl, values: values.to_vec() })
        }
    };
    match (name, content) {
        (Some(name), Some(content)) if flaws.is_empty() => Ok(RecordSet {
            key: RecordKey { name, kind, set_identifier: stated.set_identifier.clone() },
            routing,
            content,
            health_check: stated.health_check.clone(),
        }),
        _ => Err(Problem::Flaws(flaws)),
    }
}

fn invalid(fact: Fact, what: impl std::fmt::Display) -> Refusal {
    Refusal::new(fact, ApiError::invalid_input(format!("Invalid request: {what}")))
}

pub(crate) fn kind_of(text: &str) -> Result<RecordType, Refusal> {
    if UNMODELLED.contains(&text) {
        let error = ApiError::not_modelled(format_args!("records of type {text}"));
        return Err(Refusal::new(Fact::UnmodelledIsRefused, error));
    }
    RecordType::parse(text).ok_or_else(|| invalid(Fact::ValuesAreChecked, format!("{text} is no record type")))
}

/// A change in the words in which Route 53 refers to it.
fn referred(change: &Change) -> String {
    let StatedRecordSet { name, kind, set_identifier, .. } = &change.record_set;
    let identifier = set_identifier.as_deref().unwrap_or("null");
    format!("Change with [Action={}, Name={name}, Type={kind}, SetIdentifier={identifier}]", change.action.as_str())
}

fn routing_of(change: &Change, stated: &StatedRecordSet) -> Result<Routing, Refusal> {
    const POLICIES: &str =
        "[Weight, Region, Failover, GeoLocation, MultiValueAnswer, GeoProximityLocation, or CidrRoutingConfig]";
    let routing = match (stated.weight, stated.failover.as_deref()) {
        (Some(_), Some(_)) => {
            return Err(invalid(
                Fact::SetIdentifierRules,
                format!("Expected exactly one of {POLICIES}, but found more than one in {}", referred(change)),
            ));
        }
        (Some(weight), None) => {
            let weight = u8::try_from(weight)
                .map_err(|_| invalid(Fact::WeightedSetRules, format!("Weight {weight} is not between 0 and 255")))?;
            Routing::Weighted(weight)
        }
        (None, Some("PRIMARY")) => Routing::Failover(FailoverRole::Primary),
        (None, Some("SECONDARY")) => Routing::Failover(FailoverRole::Secondary),
        (None, Some(other)) => {
            return Err(invalid(Fact::FailoverPair, format!("Failover {other} is neither PRIMARY nor SECONDARY")));
        }
        (None, None) => Routing::Simple,
    };
    match (&stated.set_identifier, routing) {
        (None, Routing::Simple) => Ok(routing),
        (None, _) => {
            Err(invalid(Fact::SetIdentifierRules, format!("Missing field 'SetIdentifier' in {}", referred(change))))
        }
        (Some(_), Routing::Simple) => Err(invalid(
            Fact::SetIdentifierRules,
            format!("Expected exactly one of {POLICIES}, but found none in {}", referred(change)),
        )),
        (Some(identifier), _) if identifier.is_empty() || identifier.chars().count() > LONGEST_IDENTIFIER => {
            Err(invalid(Fact::SetIdentifierRules, "SetIdentifier has 1 to 128 characters"))
        }
        (Some(_), _) => Ok(routing),
    }
}

enum StatedContent<'a> {
    Records { ttl: u32, values: &'a [String] },
    Alias(&'a StatedAlias),
}

fn content_of<'a>(change: &Change, stated: &'a StatedRecordSet) -> Result<StatedContent<'a>, Refusal> {
    let expected = |found: &str| {
        invalid(
            Fact::ValuesOrAlias,
            format!(
                "Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found \
             {found} in {}",
                referred(change)
            ),
        )
    };
    match (&stated.alias, stated.ttl, &stated.values) {
        (Some(alias), None, None) => Ok(StatedContent::Alias(alias)),
        (Some(_), _, _) => Err(expected("more than one")),
        (None, Some(ttl), Some(values)) if !values.is_empty() => {
            let ttl = u32::try_from(ttl).ok().filter(|ttl| i32::try_from(*ttl).is_ok());
            let ttl = ttl.ok_or_else(|| invalid(Fact::ValuesOrAlias, "TTL is not between 0 and 2147483647"))?;
            Ok(StatedContent::Records { ttl, values })
        }
        (None, _, _) => Err(expected("none")),
    }
}

fn read_name(text: &str, flaws: &mut Vec<Flaw>) -> Option<DnsName> {
    match DnsName::read(text) {
        Ok(name) => Some(name),
        Err(problem) => {
            flaws.push(Flaw::new(Fact::NamesHaveOneSpelling, problem.encountered_with(text)));
            None
        }
    }
}

fn flaws_of_values(kind: RecordType, routing: Routing, values: &[String]) -> Vec<Flaw> {
    let checked = |text| Flaw::new(Fact::ValuesAreChecked, text);
    let mut flaws: Vec<Flaw> = values.iter().filter_map(|text| value::read(kind, text).err()).map(checked).collect();
    for (position, text) in values.iter().enumerate() {
        if values[..position].contains(text) {
            flaws.push(checked(format!("Duplicate Resource Record: '{text}'")));
        }
    }
    if matches!(kind, RecordType::Cname | RecordType::Soa) && values.len() > 1 {
        flaws.push(checked(format!("A record set of type {kind} has exactly one value")));
    }
    if matches!(routing, Routing::Weighted(_)) && values.len() > 1 {
        flaws.push(Flaw::new(Fact::WeightedSetRules, "A weighted record set has exactly one value".to_owned()));
    }
    if values.len() > MOST_VALUES {
        flaws.push(checked(format!("Number of values limit of {MOST_VALUES} exceeded.")));
    }
    flaws
}
