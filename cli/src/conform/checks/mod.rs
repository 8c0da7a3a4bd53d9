//! Which facts can be looked at without changing anything, and what is seen of each.

mod cloudwatch;
mod rds;
mod records;
mod route53;

use rehearsal_world::Fact;

use super::sight::{Reply, Sight};

/// What was found of a fact. Each says in a sentence what was seen, or why nothing was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    /// AWS behaves as the fact says.
    Agrees(String),
    /// It behaves otherwise.
    Drifts(String),
    /// The account has nothing to see it by.
    NothingToSee(String),
    /// The call was not let through or not answered.
    Unasked(String),
}

/// How a fact is judged by what was seen.
pub(super) type Check = fn(&Sight) -> Finding;

/// The check of a fact; nothing for those that only a change would show. A row of `facts.toml` has `conform` exactly when its
/// fact has a check.
pub(super) fn of(fact: Fact) -> Option<Check> {
    Some(match fact {
        Fact::StatusesAreDocumented => rds::statuses,
        Fact::EndpointNames => rds::endpoints,
        Fact::SourceInAnotherRegionIsAnArn => rds::sources,
        Fact::ReplicaInAnotherRegionIsAnArn => rds::replicas,
        Fact::RestorableEveryFiveMinutes => rds::restorable,
        Fact::UnknownInstance => rds::unknown_instance,
        Fact::UnknownSnapshot => rds::unknown_snapshot,
        Fact::DescribeTakesIdentifierOrArn => rds::other_names,
        Fact::PagesOfRecords => rds::pages,
        Fact::SnapshotsByType => rds::automated_by_name,
        Fact::AutomatedSnapshotNames => rds::automated_names,
        Fact::MembershipStates => rds::group_states,
        Fact::ReplicationStatuses => rds::replication_states,
        Fact::LagEveryMinute => cloudwatch::every_minute,
        Fact::MetricRange => cloudwatch::range,
        Fact::MetricOrder => cloudwatch::order,
        Fact::MetricPages => cloudwatch::pages,
        Fact::MetricStatistics => cloudwatch::rules,
        Fact::ZoneApexRecords => route53::apex,
        Fact::UnknownHostedZone => route53::unknown_zone,
        Fact::UnknownChange => route53::unknown_change,
        Fact::UnknownHealthCheck => route53::unknown_check,
        Fact::RecordSetOrder => route53::record_order,
        Fact::RecordSetPages => route53::record_pages,
        Fact::ZonesByName => route53::zone_order,
        Fact::ObservationsOfCheckers => route53::observations,
        Fact::StatusOfEndpointsOnly => route53::status_of_endpoints,
        Fact::NamesHaveOneSpelling => records::spelling,
        Fact::CnameStandsAlone => records::cname_alone,
        Fact::NoCnameAtApex => records::no_cname_at_apex,
        Fact::RoutingPoliciesDoNotMix => records::one_policy,
        Fact::SetIdentifierRules => records::set_identifiers,
        Fact::WeightedSetsShareTtl => records::weighted_ttl,
        Fact::WeightedSetRules => records::weights,
        Fact::FailoverPair => records::failover_pairs,
        Fact::ValuesOrAlias => records::values_or_alias,
        _ => return None,
    })
}

/// A refusal with this code and this status, and nothing else.
fn refused(reply: &Reply<()>, code: &str, status: u16) -> Finding {
    match reply {
        Reply::Refused(refusal) if refusal.code == code && refusal.status == status => Finding::Agrees(refusal.to_string()),
        Reply::Refused(refusal) => Finding::Drifts(format!("it was refused with {refusal}, and not with {code}, {status}")),
        Reply::Answered(()) => Finding::Drifts(format!("it was answered, and not refused with {code}, {status}")),
        Reply::Unasked(reason) => Finding::Unasked(reason.clone()),
    }
}

/// What is wrong with any of the things that were listed. `nothing` is said where none of them is concerned.
fn each<T>(
    listed: &Reply<Vec<T>>,
    concerns: impl Fn(&T) -> bool,
    wrong: impl Fn(&T) -> Option<String>,
    nothing: &str,
) -> Finding {
    let listed = match answered(listed) {
        Ok(listed) => listed,
        Err(finding) => return finding,
    };
    let concerned: Vec<&T> = listed.iter().filter(|item| concerns(item)).collect();
    if concerned.is_empty() {
        return Finding::NothingToSee(nothing.to_owned());
    }
    match concerned.iter().find_map(|item| wrong(item)) {
        Some(flaw) => Finding::Drifts(flaw),
        None => Finding::Agrees(format!("so with all {} that were seen", concerned.len())),
    }
}

/// The answer of a call that has to be answered.
fn answered<T>(reply: &Reply<T>) -> Result<&T, Finding> {
    match reply {
        Reply::Answered(answer) => Ok(answer),
        Reply::Refused(refusal) => Err(Finding::Drifts(format!("the call was refused with {refusal}"))),
        Reply::Unasked(reason) => Err(Finding::Unasked(reason.clone())),
    }
}

/// The worst of several looks at one fact: a drift before ignorance, ignorance before agreement.
fn all(findings: Vec<Finding>) -> Finding {
    let find = |wanted: fn(&Finding) -> bool| findings.iter().find(|finding| wanted(finding)).cloned();
    find(|finding| matches!(finding, Finding::Drifts(_)))
        .or_else(|| find(|finding| matches!(finding, Finding::Unasked(_))))
        .or_else(|| find(|finding| matches!(finding, Finding::Agrees(_))))
        .or_else(|| findings.first().cloned())
        .unwrap_or_else(|| Finding::NothingToSee("nothing was looked at".to_owned()))
}

#[cfg(test)]
mod tests;
