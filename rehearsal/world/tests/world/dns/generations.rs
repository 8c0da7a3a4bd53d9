//! Why a stale writer cannot undo a newer one, and how it would without the generation record.
//!
//! Several writers share a name. Each looks at the zone, waits, and then writes what it decided when it looked. The
//! guarded ones put the generation record into the same batch; the bare ones only upsert.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};
use rehearsal_world::{ChangeBatch, RecordSet, RecordType, StatedRecordSet};

use super::scene::{Scene, ZONE, address, create, delete, set, upsert};

const GENERATION: &str = "_recovery.example.com";
const TARGET: &str = "db.example.com";
const WRITERS: usize = 3;

#[derive(Debug, Clone)]
enum Move {
    Look(usize),
    /// Writes what was decided, and puts these other records into the same batch, which nobody else would refuse.
    Write(usize, Vec<u8>),
    Wait(i64),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let each = prop_oneof![
        2 => (0..WRITERS).prop_map(Move::Look),
        2 => (0..WRITERS, proptest::collection::vec(0_u8..6, 0..4)).prop_map(|(writer, others)| Move::Write(writer, others)),
        1 => (1_i64..120).prop_map(Move::Wait),
    ];
    proptest::collection::vec(each, 1..40)
}

/// What a writer saw when it looked.
#[derive(Debug, Clone)]
struct Seen {
    generation: u32,
    records: Vec<RecordSet>,
}

fn generation_record(generation: u32) -> StatedRecordSet {
    set(GENERATION, RecordType::Txt, 60, &[&format!("\"generation={generation}\"")])
}

/// The generation that record sets say that they have.
fn generation_of(records: &[RecordSet]) -> u32 {
    (1..200)
        .find(|number| records.iter().any(|set| StatedRecordSet::from(set) == stated(generation_record(*number))))
        .unwrap()
}

/// As the zone spells it.
fn stated(set: StatedRecordSet) -> StatedRecordSet {
    StatedRecordSet { name: format!("{}.", set.name), ..set }
}

/// The batch with other records in front of it, each at most once and with a value that it never had before.
fn with_others(mut batch: ChangeBatch, others: &[u8], number: u32) -> ChangeBatch {
    let others: BTreeSet<&u8> = others.iter().collect();
    for other in others {
        let value = format!("\"{number}\"");
        batch.changes.insert(0, upsert(set(&format!("other-{other}.example.com"), RecordType::Txt, 60, &[&value])));
    }
    batch
}

struct Play {
    scene: Scene,
    seen: [Option<Seen>; WRITERS],
    /// How many writes were made since the first look of each writer's plan.
    written: u32,
    looked_at: [u32; WRITERS],
}

/// The host that a generation points at: there and back again, so that its value does not tell how often it was written.
fn host(generation: u32) -> StatedRecordSet {
    address(TARGET, if generation.is_multiple_of(2) { 2 } else { 1 })
}

impl Play {
    fn new() -> Self {
        let scene = Scene::with([host(1), generation_record(1)]);
        Self { scene, seen: [const { None }; WRITERS], written: 0, looked_at: [0; WRITERS] }
    }

    fn look(&mut self, writer: usize) {
        let records = self.scene.records();
        self.seen[writer] = Some(Seen { generation: generation_of(&records), records });
        self.looked_at[writer] = self.written;
    }

    fn current(&mut self) -> (u32, Vec<RecordSet>) {
        let records = self.scene.records();
        (generation_of(&records), records)
    }

    /// A batch that carries the generation it was made from: all of it is as it was seen, or none of it is written.
    fn guarded(seen: &Seen) -> ChangeBatch {
        let mut batch = Self::exact(seen);
        batch.changes.push(delete(generation_record(seen.generation)));
        batch.changes.push(create(generation_record(seen.generation + 1)));
        batch
    }

    /// The same with a condition on the host only.
    fn exact(seen: &Seen) -> ChangeBatch {
        let there = seen.records.iter().map(StatedRecordSet::from).find(|set| set.name == format!("{TARGET}.")).unwrap();
        let other = if there.values == host(1).values { host(2) } else { host(1) };
        ChangeBatch { comment: None, changes: vec![delete(there), create(other)] }
    }

    /// The same without any condition.
    fn bare(seen: &Seen) -> ChangeBatch {
        let next = seen.generation + 1;
        ChangeBatch { comment: None, changes: vec![upsert(generation_record(next)), upsert(host(next))] }
    }

    /// Plays on, and says what went wrong: a stale write that landed, a fresh one that did not, a generation that went back.
    fn play(&mut self, moves: &[Move], batch: impl Fn(&Seen) -> ChangeBatch) -> Result<(), String> {
        for next in moves {
            match next {
                Move::Look(writer) => self.look(*writer),
                Move::Wait(seconds) => {
                    self.scene.wait(*seconds);
                }
                Move::Write(writer, others) => {
                    let Some(seen) = self.seen[*writer].clone() else {
                        continue;
                    };
                    let stale = self.looked_at[*writer] != self.written;
                    let (generation, records) = self.current();
                    let batch = with_others(batch(&seen), others, self.written);
                    let written = self.scene.world.change_resource_record_sets(ZONE, &batch, self.scene.now);
                    let (generation_after, records_after) = self.current();
                    if written.is_ok() {
                        self.written += 1;
                    }
                    match (written, stale) {
                        (Ok(_), true) => {
                            return Err(format!("a stale write landed: {generation} became {generation_after}"));
                        }
                        (Err(error), false) => return Err(format!("a fresh write was refused: {error}")),
                        (Err(_), true) if records_after != records => {
                            return Err("a part of a stale write landed".to_owned());
                        }
                        _ => {}
                    }
                    if generation_after < generation {
                        return Err(format!("generation {generation} became {generation_after}"));
                    }
                }
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(Config { cases: 300, ..Config::default() })]

    #[test]
    fn a_stale_batch_with_its_generation_fails_as_a_whole(moves in moves()) {
        let outcome = Play::new().play(&moves, Play::guarded);
        prop_assert!(outcome.is_ok(), "{outcome:?}");
    }
}

/// The least sequence of moves in which a stale write lands, written in that way.
fn least_failure(batch: impl Fn(&Seen) -> ChangeBatch) -> Vec<Move> {
    let mut runner = TestRunner::new_with_rng(
        Config { cases: 300, failure_persistence: None, ..Config::default() },
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let found =
        runner.run(&moves(), |moves| Play::new().play(&moves, &batch).map_err(proptest::test_runner::TestCaseError::fail));
    let Err(TestError::Fail(reason, least)) = found else {
        panic!("no stale write landed: {found:?}");
    };
    assert!(reason.message().contains("a stale write landed"), "{reason}");
    least
}

fn writes(moves: &[Move]) -> usize {
    moves.iter().filter(|one| matches!(one, Move::Write(..))).count()
}

/// The control: the property above can fail, and does so without a condition.
#[test]
fn without_a_condition_a_stale_write_lands() {
    let least = least_failure(Play::bare);
    assert_eq!(writes(&least), 2, "one write later is late enough: {least:?}");
}

/// Nor is it enough to state the host exactly: two writes later it is what it was.
#[test]
fn without_the_generation_a_stale_write_lands_once_the_host_is_back() {
    let least = least_failure(Play::exact);
    assert_eq!(writes(&least), 3, "{least:?}");
}

/// The same in plain words: a slow writer overwrites what a later recovery has decided since.
#[test]
fn a_late_upsert_brings_an_old_host_back() {
    let mut play = Play::new();
    play.look(0);
    for _ in 0..3 {
        play.look(1);
        play.play(&[Move::Write(1, vec![0, 3])], Play::guarded).unwrap();
    }
    assert_eq!(play.current().0, 4);
    let late = play.seen[0].clone().unwrap();
    let refused = play.scene.world.change_resource_record_sets(ZONE, &Play::guarded(&late), play.scene.now).unwrap_err();
    assert_eq!(refused.code, "InvalidChangeBatch");
    assert_eq!(play.current().0, 4);
    play.scene.world.change_resource_record_sets(ZONE, &Play::bare(&late), play.scene.now).unwrap();
    assert_eq!(play.current().0, 2, "the generation went back");
    assert_eq!(play.scene.record(TARGET, RecordType::A).map(|set| StatedRecordSet::from(&set)), Some(stated(host(2))));
}
