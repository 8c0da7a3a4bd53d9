//! The failure modes that a recovery must survive, what must hold through each, and what shows that it does.

use shared::guard::Guard;
use simulation::Invariant::{self, *};

/// A failure mode.
#[derive(Debug)]
pub(crate) struct FailureMode {
    /// What goes wrong.
    pub(crate) what: &'static str,
    /// What must hold all the same.
    pub(crate) invariants: &'static [Invariant],
    /// Circumstances of simulated incidents that bring it about.
    pub(crate) circumstances: &'static [&'static str],
    /// Tests beside the simulation, by name.
    pub(crate) tests: &'static [&'static str],
    /// Guards without which it does harm.
    pub(crate) guards: &'static [Guard],
}

const fn mode(
    what: &'static str,
    invariants: &'static [Invariant],
    circumstances: &'static [&'static str],
    tests: &'static [&'static str],
    guards: &'static [Guard],
) -> FailureMode {
    FailureMode { what, invariants, circumstances, tests, guards }
}

/// Every failure mode that concerns a database's failure, in the order of the research. What concerns traffic between sites, several
/// replicas and failback comes with their scenarios.
pub(crate) const MODES: &[FailureMode] = &[
    mode(
        "the same alarm twice, in any of its shapes",
        &[OnceEach],
        &["trigger_alarm_thrice", "alarm_again"],
        &[
            "one_alarm_in_all_its_shapes_and_twice_each_is_one_incident",
            "an_alarm_that_is_delivered_again_when_all_is_over_starts_nothing",
        ],
        &[],
    ),
    mode(
        "an operator and an alarm at once",
        &[GenerationsGrow, OnceEach],
        &["trigger_both", "operator_too"],
        &["whoever_asks_while_a_recovery_is_active_joins_it", "two_requests_with_one_request_id_are_one_incident"],
        &[Guard::OneActive],
    ),
    mode(
        "a request that arrives long after its sender died",
        &[GenerationsGrow, PointsAtSomething],
        &["late", "hasty"],
        &["a_recovery_that_is_called_off_survives_every_single_fault_too"],
        &[Guard::EndTakesStepsOver, Guard::LateEffectAwaited, Guard::LateWriteRestarts],
    ),
    mode(
        "a plan that outlives its facts",
        &[FencedOrAllowed, PointsAtSomething],
        &["replica_fails", "fence_lifted_by_hand", "replication_stalls"],
        &["clients_are_never_pointed_at_an_instance_that_still_is_a_replica"],
        &[
            Guard::FenceLookedAtAgain,
            Guard::UnseenFenceProbed,
            Guard::RebootAfterTheLastSwap,
            Guard::TargetConfirmed,
            Guard::SampleAgesIntoTheBound,
        ],
    ),
    mode(
        "a process that dies, or is timed out, in the middle of a step",
        &[JournalledFirst, OnceEach],
        &["killed_before", "killed_after", "timed_out"],
        &["a_process_may_die_before_and_after_every_call", "a_rollback_survives_every_single_fault_too"],
        &[Guard::IntentFirst],
    ),
    mode(
        "a call whose outcome is unknown",
        &[OnceEach],
        &["reply_lost", "request_lost", "server_error"],
        &["the_request_or_the_reply_of_every_call_may_be_lost"],
        &[Guard::UnansweredLookedFor],
    ),
    mode(
        "throttling and storms of errors",
        &[Ends, OnceEach],
        &["throttled", "throttling"],
        &["a_storm_of_faults_breaks_no_promise"],
        &[],
    ),
    mode(
        "a change that is half made",
        &[RestoredExactly],
        &["killed_after", "refused"],
        &["the_routes_of_an_http_api_are_held_and_get_back_exactly_what_they_had"],
        &[Guard::HoldSaved],
    ),
    mode(
        "a primary that comes back",
        &[OnePrimary, FencedOrAllowed],
        &["primary_returns"],
        &["clients_write_again_on_the_new_primary_and_only_there"],
        &[Guard::RebootSeen],
    ),
    mode(
        "a primary that is only cut off from us, while clients beside it write on",
        &[OnePrimary, FencedOrAllowed],
        &["disaster_partitioned", "disaster_cut_off"],
        &["a_primary_that_cannot_be_fenced_is_never_left_behind_without_a_person"],
        &[Guard::FenceOrLeave, Guard::ProbeReachedBefore],
    ),
    mode(
        "a replica further behind than may be lost, or nobody knows how far",
        &[FencedOrAllowed, UnsureHolds, ReportIsTrue],
        &["lag_beyond_what_was_allowed", "lag_unknown", "replication_stalls"],
        &[
            "a_loss_beyond_the_preauthorisation_asks_and_an_approval_with_its_digest_completes",
            "a_replica_whose_lag_is_unknown_needs_a_person_who_accepts_an_unknown_loss",
            "a_longer_lag_is_reported_as_a_larger_loss_and_never_less_than_the_truth",
        ],
        &[Guard::LossWithinLeave, Guard::NoFigureIsUnknown, Guard::SampleAgesIntoTheBound],
    ),
    mode(
        "a replica that somebody promoted already",
        &[FencedOrAllowed],
        &[],
        &["without_a_replica_writes_are_held_and_a_person_gets_the_restore_commands"],
        &[],
    ),
    mode(
        "a replica that is one of another database",
        &[FencedOrAllowed],
        &["replica_of_another"],
        &["a_replica_of_another_database_is_never_promoted_whenever_it_became_one"],
        &[Guard::SourceCompared],
    ),
    mode(
        "a driver that dies, stalls, or runs twice",
        &[Ends, OnceEach],
        &["execution_stopped", "execution_stalled", "second_driver", "doubled_before", "doubled_after", "watchdog_away"],
        &[
            "what_was_declared_and_never_started_is_started",
            "an_execution_that_died_leaves_a_stuck_incident_with_what_is_left_to_do",
            "an_incident_that_is_overdue_ends_stuck",
            "a_second_invocation_of_a_step_that_is_held_neither_looks_nor_writes",
        ],
        &[
            Guard::WatchdogStarts,
            Guard::WatchdogEnds,
            Guard::WatchdogBuries,
            Guard::ClaimChecked,
            Guard::ConflictNoticed,
            Guard::EndTakesStepsOver,
        ],
    ),
    mode(
        "clocks that differ by ten minutes",
        &[OnceEach, ReportIsTrue],
        &["clock_off"],
        &["a_fence_that_a_slow_clock_dates_too_early_does_not_shorten_the_bound"],
        &[Guard::ClocksCompared],
    ),
    mode(
        "a journal that does not answer",
        &[JournalledFirst, Ends],
        &["journal_away"],
        &["an_outage_of_the_journal_at_any_time_only_costs_time"],
        &[],
    ),
    mode(
        "a describe call that lags behind",
        &[FencedOrAllowed, OnceEach],
        &["stale"],
        &["zones_that_describe_calls_show_late_cause_no_second_failover"],
        &[Guard::RebootSeen],
    ),
    mode(
        "a permission that is missing, a call that is none of the step's",
        &[InsideMay],
        &["refused"],
        &[],
        &[Guard::CallsInsideMay, Guard::StrayCall],
    ),
    mode(
        "an event that is malformed, hostile, or not for us",
        &[UnsureHolds],
        &[],
        &[
            "every_hostile_payload_is_refused_with_its_code_and_touches_nothing",
            "an_oversized_payload_is_refused_by_every_function",
        ],
        &[],
    ),
    mode(
        "an endpoint from a payload",
        &[PointsAtSomething],
        &[],
        &["the_one_host_that_is_right_is_told_apart_from_all_of_them"],
        &[Guard::TargetConfirmed],
    ),
    mode(
        "an alarm that is false, or comes out of missing data",
        &[UnsureHolds],
        &["disaster_none"],
        &[
            "an_alarm_about_a_primary_that_answers_changes_nothing_and_pages",
            "an_alarm_out_of_missing_data_alone_changes_nothing",
        ],
        &[Guard::AnsweringStandsDown, Guard::ProbeTriedAgain],
    ),
    mode(
        "an alarm that flaps",
        &[OnceEach],
        &["alarm_again"],
        &["a_flapping_alarm_starts_nothing_within_the_block_period_but_a_person_may"],
        &[],
    ),
    mode(
        "a control plane, or a whole Region, that does not answer",
        &[Ends, FencedOrAllowed],
        &["control_plane_dark", "region_dark", "disaster_cut_off"],
        &[],
        &[Guard::FenceOrLeave],
    ),
    mode(
        "an undo that fails, or comes too late",
        &[OnePrimary, PointsAtSomething, UnsureHolds],
        &["refused"],
        &[
            "a_promotion_that_never_completes_is_not_undone",
            "a_component_that_does_not_serve_after_a_promotion_leaves_the_fence_up_and_the_commands_with_a_person",
        ],
        &[Guard::NoUndoAfterPromotion],
    ),
    mode(
        "a person who sleeps, says no, or answers another question",
        &[FencedOrAllowed, UnsureHolds],
        &["person_absent", "person_rejects", "person_approves_the_first", "approval_required"],
        &[
            "a_question_that_nobody_answers_takes_everything_back_and_people_were_paged_twice",
            "a_rejection_takes_everything_back",
            "a_verdict_counts_only_through_its_alias_and_only_for_the_question_that_stands",
        ],
        &[Guard::ApprovalRequired, Guard::DigestOfTheQuestion, Guard::QuestionIsPaged],
    ),
    mode(
        "steps out of their order",
        &[RestoredExactly, PointsAtSomething],
        &["second_driver"],
        &["a_promotion_makes_the_predicted_calls_step_by_step_and_in_order"],
        &[Guard::WavesInOrder],
    ),
];
