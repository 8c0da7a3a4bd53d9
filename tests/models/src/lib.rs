//! Model checking. Each model is a protocol of ours in a few hundred lines, small enough that a checker visits *every*
//! interleaving of its processes, with crashes, lost replies and repeated deliveries anywhere.
//!
//! What a model shows holds for the model; the correspondence with the code is stated where each step is defined, by file and
//! function. The simulation (`rehearsal/simulation`) runs the code itself, but only over the schedules that it draws.
//!
//! Every model is checked three times over:
//! - its `always` properties hold in every reachable state;
//! - its `sometimes` properties are reached, so that it is not true by doing nothing;
//! - with each guard taken out, the checker finds the harm, so that it would see it.

// An instrument of tests: where it cannot go on, the test has to fail.
#![allow(clippy::unreachable)]

pub mod evidence;
pub mod generation;
pub mod start;
