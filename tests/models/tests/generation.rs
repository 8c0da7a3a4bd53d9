//! The generation in DNS under every interleaving (`models::generation`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

use models::evidence::Folder;
use models::generation::properties::{IN_ORDER, NEVER_BACK, NEVER_NOTHING, WHOLE};
use models::generation::{GenerationBatches, Guards};

fn folder() -> Folder {
    Folder::beside(env!("CARGO_TARGET_TMPDIR"))
}

fn control(guards: Guards, batches: usize, name: &str, expected: &str) {
    let of = if batches == 1 { "generation" } else { "generation-in-two-batches" };
    folder().is_violated(name, of, expected, &GenerationBatches { guards, batches });
}

#[test]
fn a_stale_writer_neither_takes_traffic_back_nor_points_it_at_nothing() {
    folder().holds("generation", GenerationBatches { guards: Guards::Whole, batches: 1 });
}

#[test]
fn between_two_batches_each_record_set_serves_the_old_or_the_new_and_never_goes_back() {
    folder().holds("generation-in-two-batches", GenerationBatches { guards: Guards::Whole, batches: 2 });
}

#[test]
fn without_a_guard_the_stale_writer_wins() {
    control(Guards::None, 1, "generation-no-guard", NEVER_BACK);
    control(Guards::None, 1, "generation-no-guard-and-clean-up", NEVER_NOTHING);
}

#[test]
fn check_then_write_is_no_guard() {
    control(Guards::CheckThenWrite, 1, "generation-check-then-write", NEVER_BACK);
    control(Guards::CheckThenWrite, 1, "generation-check-then-write-and-clean-up", NEVER_NOTHING);
}

#[test]
fn exact_values_without_the_generation_take_a_value_that_came_back_for_the_one_that_was_read() {
    control(Guards::ExactValuesOnly, 1, "generation-exact-values-only", NEVER_BACK);
}

#[test]
fn deleting_before_creating_leaves_nothing_in_between() {
    control(Guards::NotInOneBatch, 1, "generation-not-in-one-batch", NEVER_NOTHING);
}

#[test]
fn a_clean_up_that_does_not_hold_the_generation_deletes_what_is_served() {
    control(Guards::UnguardedCleanUp, 1, "generation-unguarded-clean-up", NEVER_NOTHING);
}

#[test]
fn a_clean_up_that_leaves_no_mark_deletes_what_the_next_switch_counts_on() {
    control(Guards::UnmarkedCleanUp, 1, "generation-unmarked-clean-up", NEVER_NOTHING);
}

#[test]
fn a_second_batch_without_the_generation_is_applied_late() {
    control(Guards::FirstBatchOnly, 2, "generation-first-batch-only", NEVER_BACK);
    control(Guards::FirstBatchOnly, 2, "generation-first-batch-only-whole", WHOLE);
}

#[test]
fn without_a_guard_a_later_batch_overtakes_an_earlier_one() {
    control(Guards::CheckThenWrite, 2, "generation-check-then-write-in-two-batches", IN_ORDER);
}
