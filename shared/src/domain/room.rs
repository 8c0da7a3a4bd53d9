//! What the journal has room for. DynamoDB takes items of 400 KB, and transactions of 4 MB in all (Developer Guide, "Quotas in Amazon
//! DynamoDB"). An incident's last commit holds every open step's record and the report, and an incident that cannot write it never ends:
//! so a step gives up while there is room for the end.

use serde::Serialize;

use super::report::Report;
use super::step::StepRecord;

/// A document may be so large, in bytes: an item's keys and revision stand beside it.
const LARGEST_DOCUMENT: usize = 350 * 1_024;
/// All records of an incident together, in bytes; the report, the incident and the platform's state come on top.
const LARGEST_RECORDS: usize = 3 * 1_024 * 1_024;

/// Why no more may be tried for this step, if so.
#[must_use]
pub fn exhausted(record: &StepRecord, records: &[StepRecord]) -> Option<String> {
    let own = size(record);
    if own >= LARGEST_DOCUMENT {
        return Some(format!("its record has grown to {own} bytes, and the journal takes 400 KB"));
    }
    let together: usize = records.iter().map(size).sum();
    (together >= LARGEST_RECORDS).then(|| {
        format!("the records of all steps have grown to {together} bytes, and one transaction of the journal takes 4 MB")
    })
}

/// The report, with as many of its calls as there is room for: the last ones, after which things stand as they do. That some are left
/// out is one of its notes; the journal's entries hold all of them.
#[must_use]
pub fn fitted(mut report: Report) -> Report {
    let surplus = size(&report).saturating_sub(LARGEST_DOCUMENT);
    if surplus == 0 {
        return report;
    }
    let (mut freed, all) = (0, report.calls.len());
    let left_out = report.calls.iter().take_while(|call| {
        let room = freed >= surplus;
        freed += size(call);
        !room
    });
    let left_out = left_out.count();
    report.calls.drain(..left_out);
    report
        .notes
        .push(format!("the first {left_out} of {all} calls are not listed here: the incident's entries hold them all"));
    report
}

fn size(value: &impl Serialize) -> usize {
    serde_json::to_string(value).map_or(usize::MAX, |text| text.len())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::call::Call;
    use crate::domain::identifier::{ComponentName, Digest, IncidentId, InstanceId, PlatformName, Region, ScenarioName};
    use crate::domain::incident::IncidentStatus;
    use crate::domain::mutation::Mutation;
    use crate::domain::step::{Direction, Effect, EffectOutcome, PlannedStep, StepKind};

    /// A step that was refused so often.
    fn tried(times: u32) -> StepRecord {
        let step = PlannedStep { kind: StepKind::Fence, component: ComponentName::new("database").unwrap() };
        let mut record = StepRecord::pending(1, step);
        let at = jiff::Timestamp::UNIX_EPOCH + Duration::from_secs(1);
        record.effects = (1..=times)
            .map(|ordinal| Effect {
                ordinal,
                direction: Direction::Apply,
                mutation: Mutation::RebootInstance {
                    region: Region::new("us-east-1").unwrap(),
                    instance: InstanceId::new("healthcare-platform-prod").unwrap(),
                },
                intended_at: at,
                outcome: Some(EffectOutcome::Refused {
                    at,
                    code: "InvalidDBInstanceState".to_owned(),
                    message: "m".repeat(300),
                    retryable: true,
                }),
            })
            .collect();
        record
    }

    #[test]
    fn a_step_that_was_tried_as_often_as_one_may_be_leaves_room() {
        let record = tried(200);
        assert_eq!(exhausted(&record, std::slice::from_ref(&record)), None);
    }

    #[test]
    fn a_record_that_no_item_takes_any_more_ends_its_step() {
        let record = tried(800);
        let why = exhausted(&record, std::slice::from_ref(&record)).unwrap();
        assert!(why.contains("400 KB"), "{why}");
    }

    #[test]
    fn records_that_no_transaction_takes_together_end_the_step_that_is_next() {
        let records = vec![tried(200); 40];
        let why = exhausted(&tried(0), &records).unwrap();
        assert!(why.contains("4 MB"), "{why}");
        assert_eq!(exhausted(&tried(0), &records[..20]), None);
    }

    #[test]
    fn a_report_that_is_too_large_keeps_its_last_calls_and_says_so() {
        let calls =
            tried(2_000).effects.iter().map(|effect| Call::of(&tried(0).id, effect.ordinal, &effect.mutation)).collect();
        let digest = Digest::of_json(&"plan");
        let platform = PlatformName::new("healthcare-platform").unwrap();
        let epoch = jiff::Timestamp::UNIX_EPOCH;
        let report = Report {
            incident_id: IncidentId::derive(&platform, &["a request"]),
            platform,
            scenario: ScenarioName::new("database_failure").unwrap(),
            mode: None,
            status: IncidentStatus::Stuck,
            reason: String::new(),
            clock_started_at: epoch,
            ended_at: epoch,
            objectives: Vec::new(),
            steps: Vec::new(),
            calls,
            notes: Vec::new(),
            commands_left: Vec::new(),
            plan_digest: digest,
            chain_heads: Vec::new(),
        };
        assert!(size(&report) > 400 * 1_024, "an item would not take it");
        let kept = fitted(report.clone());
        assert!(size(&kept) < 400 * 1_024);
        assert_eq!(kept.calls.last(), report.calls.last());
        let left_out = 2_000 - kept.calls.len();
        assert!(kept.notes[0].starts_with(&format!("the first {left_out} of 2000 calls")), "{:?}", kept.notes);
        assert_eq!(fitted(kept.clone()), kept, "what fits stays as it is");
    }
}
