//! Nothing is promoted without a proven fence and a loss that somebody allowed; otherwise a person is asked.

use rehearsal_world::Breakage;
use serde_json::{Value, json};
use shared::domain::duration::Seconds;
use shared::domain::incident::{Incident, IncidentStatus};
use shared::domain::plan::ApprovalRule;
use simulation::{Platform, Simulation, primary_key};

use crate::common::{
    Before, achieved, assert_sound, broken, database_failure, event, groups_of, hang_and_raise, host_of, hosts, minutes,
    operations, seconds,
};

/// Less than any recovery of a hung primary could keep to.
fn frugal() -> Platform {
    Platform::default().with_plan(|plan| {
        let scenario = plan.scenarios.get_mut(&database_failure()).unwrap();
        scenario.preauthorised.as_mut().unwrap().data_loss_up_to = Seconds(60);
    })
}

/// A plan by which a person is asked in any case.
fn always_asking() -> Platform {
    Platform::default().with_plan(|plan| {
        plan.scenarios.get_mut(&database_failure()).unwrap().approval = ApprovalRule::Required;
    })
}

/// A run that has come to its question.
fn asked(mut simulation: Simulation) -> (Simulation, Incident, Before) {
    let before = Before::of(&simulation);
    let asks = |simulation: &Simulation| {
        simulation
            .latest_incident()
            .is_some_and(|incident| incident.question.as_ref().is_some_and(|question| question.token.is_some()))
    };
    assert!(simulation.run_until(minutes(20), asks), "{:#?}", simulation.latest_incident());
    let incident = simulation.latest_incident().unwrap();
    assert!(!operations(&simulation).iter().any(|made| made.starts_with("Promote")));
    (simulation, incident, before)
}

fn verdict(command: &str, incident: &Incident) -> Value {
    let digest = incident.question.as_ref().unwrap().digest();
    json!({"command": command, "incident_id": incident.id, "digest": digest, "actor": "dana", "reason": "seen the figures"})
}

#[test]
fn a_loss_beyond_the_preauthorisation_asks_and_an_approval_with_its_digest_completes() {
    let (mut simulation, incident, before) = asked(hang_and_raise(frugal(), "alarm.eventbridge.json"));
    let question = incident.question.clone().unwrap();
    assert!(question.loss_up_to.is_some_and(|loss| loss > Seconds(60)), "{question:?}");
    assert!(!question.unproven_fence, "the fence was proven");
    let status = simulation.operate(&json!({"command": "status"})).unwrap();
    assert_eq!(status["question"]["digest"], json!(question.digest()));
    let notices = simulation.cloud.with(|state| state.notices.clone());
    assert!(notices.iter().any(|notice| notice.body.contains(question.digest().as_str())), "{notices:#?}");

    let approved_at = simulation.cloud.now();
    simulation.through("approve", &verdict("approve", &incident)).unwrap();
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::Completed, "{}", ended.report.reason);
    assert_sound(&simulation, &ended, &before);
    let promoted = simulation.cloud.with(|state| state.world.losses()[0].requested);
    assert!(promoted.duration_since(approved_at).as_secs() < 10, "the approval ends the wait at once");
}

#[test]
fn a_verdict_counts_only_through_its_alias_and_only_for_the_question_that_stands() {
    let (mut simulation, incident, before) = asked(hang_and_raise(frugal(), "alarm.eventbridge.json"));
    for alias in ["", "live"] {
        let refused = simulation.through(alias, &verdict("approve", &incident)).unwrap_err();
        assert_eq!(refused.code.as_str(), "approver_not_allowed");
    }
    let mut other = verdict("approve", &incident);
    other["digest"] = json!("0".repeat(64));
    assert_eq!(simulation.through("approve", &other).unwrap_err().code.as_str(), "digest_differs");
    let mut nobody = verdict("approve", &incident);
    nobody["incident_id"] = json!("healthcare-platform-aaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_eq!(simulation.through("approve", &nobody).unwrap_err().code.as_str(), "incident_unknown");
    simulation.run_for(minutes(5));
    assert_eq!(simulation.latest_incident().unwrap().verdicts, [], "none of them left a verdict");
    assert!(!operations(&simulation).iter().any(|made| made.starts_with("Promote")));

    simulation.through("approve", &verdict("approve", &incident)).unwrap();
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::Completed);
    assert_sound(&simulation, &ended, &before);
}

fn assert_taken_back(simulation: &mut Simulation, before: &Before) {
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::RolledBack, "{}", ended.report.reason);
    assert_sound(simulation, &ended, before);
    assert!(before.points_to_the_same(simulation));
    assert_eq!(groups_of(simulation, &primary_key()), ["sg-0c11e475"], "the fence is lifted");
    simulation.cloud.with(|state| assert!(state.world.losses().is_empty(), "nothing was promoted"));
}

#[test]
fn a_rejection_takes_everything_back() {
    let (mut simulation, incident, before) = asked(hang_and_raise(frugal(), "alarm.eventbridge.json"));
    simulation.through("approve", &verdict("reject", &incident)).unwrap();
    assert_taken_back(&mut simulation, &before);
}

#[test]
fn a_question_that_nobody_answers_takes_everything_back_and_people_were_paged_twice() {
    let (mut simulation, incident, before) = asked(hang_and_raise(always_asking(), "alarm.eventbridge.json"));
    assert_taken_back(&mut simulation, &before);
    let text = incident.question.unwrap().text;
    let pages = simulation.cloud.with(|state| {
        let asks = |subject: &str| subject.contains("a decision is needed");
        state.notices.iter().filter(|notice| asks(&notice.subject) && notice.body.contains(&text)).count()
    });
    assert_eq!(pages, 2, "once when it was asked, and once more while it stood");
}

#[test]
fn a_dark_region_and_nobody_who_answers_take_everything_back_when_the_questions_time_is_over() {
    let mut simulation = broken(Platform::default(), Breakage::Hung);
    let goes_dark = |simulation: &Simulation, dark: bool| {
        simulation.cloud.with(|state| state.world.region_dark(&primary_key().region, dark, state.now));
    };
    goes_dark(&simulation, true);
    simulation.deliver(&event("alarm.eventbridge.json"));
    let (mut simulation, incident, before) = asked(simulation);
    let question = incident.question.clone().unwrap();
    assert!(question.unproven_fence, "{question:?}");
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::RolledBack, "{}", ended.report.reason);
    let late = ended.report.ended_at.duration_since(question.stands_until);
    assert!(late < jiff::SignedDuration::from_mins(5), "the question stood until {}", question.stands_until);
    goes_dark(&simulation, false);
    assert_sound(&simulation, &ended, &before);
}

#[test]
fn a_question_whose_reason_has_gone_by_its_end_needs_no_answer() {
    // The reboot that fenced the primary revived it, and meanwhile the replica has received everything.
    let (mut simulation, _, before) = asked(hang_and_raise(frugal(), "alarm.eventbridge.json"));
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::Completed, "{}", ended.report.reason);
    assert_sound(&simulation, &ended, &before);
    assert_eq!(achieved(&ended, "database").rpo.clone().unwrap().achieved_s, Some(0));
    assert_eq!(simulation.cloud.with(|state| state.world.lost_commits()), []);
}

#[test]
fn a_verdict_is_given_once_and_stands() {
    let (mut simulation, incident, _) = asked(hang_and_raise(always_asking(), "alarm.eventbridge.json"));
    simulation.through("approve", &verdict("reject", &incident)).unwrap();
    simulation.through("approve", &verdict("reject", &incident)).unwrap();
    let refused = simulation.through("approve", &verdict("approve", &incident)).unwrap_err();
    assert_eq!(refused.code.as_str(), "question_not_open");
    assert!(refused.message.contains("rejected by dana"), "{}", refused.message);
    assert_eq!(simulation.run_to_end().incident.status, IncidentStatus::RolledBack);
}

#[test]
fn an_approval_that_comes_too_late_is_refused() {
    let (mut simulation, incident, _) = asked(hang_and_raise(always_asking(), "alarm.eventbridge.json"));
    simulation.run_to_end();
    let refused = simulation.through("approve", &verdict("approve", &incident)).unwrap_err();
    assert_eq!(refused.code.as_str(), "question_not_open");
}

#[test]
fn a_primary_that_cannot_be_fenced_is_never_left_behind_without_a_person() {
    let mut simulation = broken(Platform::default(), Breakage::Failed);
    simulation.deliver(&event("alarm.eventbridge.json"));
    let (mut simulation, incident, before) = asked(simulation);
    let question = incident.question.clone().unwrap();
    assert!(question.unproven_fence, "{question:?}");
    simulation.run_for(minutes(3));
    simulation.through("approve", &verdict("approve", &incident)).unwrap();
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::Completed, "{}", ended.report.reason);
    assert_sound(&simulation, &ended, &before);
    simulation.cloud.with(|state| {
        let loss = state.world.losses().remove(0);
        assert!(!loss.lost.is_empty(), "what the replica had not received yet is lost");
    });
    assert!(achieved(&ended, "database").rpo.is_some());
}

#[test]
fn a_replica_whose_lag_is_unknown_needs_a_person_who_accepts_an_unknown_loss() {
    let mut simulation = Platform::default().stand_up();
    simulation.run_for(seconds(20));
    simulation.cloud.with(|state| {
        let replica = simulation::replica_key();
        state.world.break_replication(&replica, true, state.now);
    });
    simulation.run_for(seconds(195));
    simulation.cloud.with(|state| state.world.break_instance(&primary_key(), Breakage::Hung, state.now));
    simulation.run_for(seconds(117));
    simulation.deliver(&event("alarm.eventbridge.json"));
    let (mut simulation, incident, before) = asked(simulation);
    assert_eq!(incident.question.as_ref().unwrap().loss_up_to, None, "unknown");
    simulation.through("approve", &verdict("approve", &incident)).unwrap();
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::Completed, "{}", ended.report.reason);
    let lost = simulation.cloud.with(|state| state.world.lost_commits().len());
    assert!(lost > 100, "more than two minutes of commits never arrived: {lost}");
    let rpo = achieved(&ended, "database").rpo.clone().unwrap();
    assert_eq!((rpo.achieved_s, rpo.met), (None, false), "an unknown loss is never reported as a figure");
    assert!(before.differences(&simulation).is_empty());
}

#[test]
fn approval_required_asks_even_when_nothing_is_lost() {
    let (mut simulation, incident, before) = asked(hang_and_raise(always_asking(), "alarm.eventbridge.json"));
    simulation.through("approve", &verdict("approve", &incident)).unwrap();
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::Completed, "{}", ended.report.reason);
    assert_sound(&simulation, &ended, &before);
    let new = host_of(&simulation, &simulation::replica_key());
    assert!(simulation.cloud.with(|state| hosts(state)).values().all(|host| *host == new));
}
