//! What is played, once for all tests of this binary.

use std::sync::OnceLock;
use std::time::Duration;

use shared::domain::identifier::ScenarioName;
use shared::events::request::CommandName;
use shared::guard::Guard;
use simulation::{Campaign, Case, Fault, Finding, Happening, Person, Setting, Summary, healthcare_plan};

/// Random incidents that every run of the tests plays.
pub(crate) const SEEDS: u64 = 400;
/// Longer than any of this takes on a slow machine: what bounds it is the number of incidents.
pub(crate) const LIMIT: Duration = Duration::from_secs(3_600);

/// Incidents of the repository's plan, with these guards taken out.
pub(crate) fn campaign(removed: &[Guard]) -> Campaign {
    let mut campaign = Campaign::of(healthcare_plan(), ScenarioName::new("database_failure").unwrap());
    campaign.removed = removed.to_vec();
    campaign
}

/// Random incidents from the first seed on.
pub(crate) fn random() -> &'static (Summary, Vec<Finding>) {
    static PLAYED: OnceLock<(Summary, Vec<Finding>)> = OnceLock::new();
    PLAYED.get_or_init(|| campaign(&[]).run(1, SEEDS, LIMIT))
}

/// Every fault at every call of an ordinary incident.
pub(crate) fn exhaustive() -> &'static (Summary, Vec<Finding>) {
    static PLAYED: OnceLock<(Summary, Vec<Finding>)> = OnceLock::new();
    PLAYED.get_or_init(|| campaign(&[]).exhaust(&Case::plain(1), &Fault::ALL, None, LIMIT))
}

/// Every command of the operator at every turn of incidents that complete, that ask, and that end stuck.
pub(crate) fn orders() -> &'static (Summary, Vec<Finding>) {
    static PLAYED: OnceLock<(Summary, Vec<Finding>)> = OnceLock::new();
    PLAYED.get_or_init(|| {
        let plain = Case::plain(1);
        let asking = Setting { approval_required: true, ..plain.setting.clone() };
        let asked = Case { setting: asking, person: Person::Approves, ..plain.clone() };
        let stuck = Case { happenings: vec![(60_000, Happening::ReplicaFails)], person: Person::Approves, ..plain.clone() };
        let played = [plain, asked, stuck].map(|case| campaign(&[]).order_at_every_turn(&case, LIMIT));
        together(played)
    })
}

/// Every fault at every call of incidents that somebody calls off: while writes are being held, and once the primary is fenced.
pub(crate) fn called_off() -> &'static (Summary, Vec<Finding>) {
    static PLAYED: OnceLock<(Summary, Vec<Finding>)> = OnceLock::new();
    PLAYED.get_or_init(|| {
        let aborted = |after: u64| {
            let happenings = vec![(after, Happening::Ordered(CommandName::Abort))];
            campaign(&[]).exhaust(&Case { happenings, ..Case::plain(1) }, &Fault::ALL, None, LIMIT)
        };
        together([3_000, 12_000].map(aborted))
    })
}

fn together<const N: usize>(played: [(Summary, Vec<Finding>); N]) -> (Summary, Vec<Finding>) {
    let sum = |(mut sum, mut findings): (Summary, Vec<Finding>), (summary, more)| {
        sum.add(summary);
        findings.extend(more);
        (sum, findings)
    };
    played.into_iter().reduce(sum).unwrap_or_default()
}

fn assert_nothing_violated((summary, findings): &(Summary, Vec<Finding>)) {
    let told: Vec<String> = findings
        .iter()
        .map(|finding| {
            let violations: Vec<String> = finding.violations.iter().map(ToString::to_string).collect();
            let smallest = serde_json::to_string(&finding.smallest).unwrap();
            let again = format!("cargo recoveryctl simulate --seed {}", finding.case.seed);
            format!("{}\n  smallest: {smallest}\n  again: {again}", violations.join("\n  "))
        })
        .collect();
    assert_eq!(summary.violations, 0, "of {} incidents; for example:\n{}", summary.incidents, told.join("\n"));
}

#[test]
fn random_incidents_violate_nothing() {
    let played = random();
    assert_nothing_violated(played);
    let summary = &played.0;
    assert_eq!(summary.incidents, SEEDS);
    println!("{} incidents: {:?}; {} a minute", summary.incidents, summary.by_end, summary.per_minute);
    for end in ["completed", "rolled_back", "stuck"] {
        assert!(
            summary.by_end.contains_key(end),
            "no incident ended {end}, so nothing was tried of it: {:?}",
            summary.by_end
        );
    }
}

#[test]
fn every_fault_at_every_call_of_an_ordinary_incident_violates_nothing() {
    let played = exhaustive();
    assert_nothing_violated(played);
    println!("{} incidents, each struck once: {:?}", played.0.incidents, played.0.by_end);
    assert!(played.0.incidents > 1_000, "a recovery makes many calls: {:?}", played.0);
}

#[test]
fn every_command_at_every_turn_violates_nothing() {
    let played = orders();
    assert_nothing_violated(played);
    println!("{} incidents, each with one command: {:?}", played.0.incidents, played.0.by_end);
    for end in ["completed", "rolled_back", "stuck"] {
        assert!(played.0.by_end.contains_key(end), "no command led to the end {end}: {:?}", played.0.by_end);
    }
}

#[test]
fn a_recovery_that_is_called_off_survives_every_single_fault_too() {
    let played = called_off();
    assert_nothing_violated(played);
    println!("{} incidents, each called off and struck once: {:?}", played.0.incidents, played.0.by_end);
    assert!(played.0.by_end["rolled_back"] > 500, "{:?}", played.0.by_end);
}
