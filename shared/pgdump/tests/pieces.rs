//! Whatever an archive holds and however it is divided: its pieces, put together, give the verdict of one reading.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

mod builder;
mod common;

use std::io::{self, Read};
use std::sync::LazyLock;

use builder::{rows, tables};
use common::{Archive, Fixture, damaged, decodable as options, fixture, fixtures, sizes};
use data_encoding::BASE64;
use jiff::Timestamp;
use pgdump::{
    Answer, Code, Combined, Division, Level, Manifest, Options, Piece, PieceSizes, Proof, Verdict, combine, verify,
};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

/// Divides anew for every piece, as readers do that know nothing of each other, and sends what they say through JSON.
fn read_pieces(archive: &[u8], size: PieceSizes, options: &Options<'_>) -> Vec<Piece> {
    let divide = || Division::of(archive, archive.len() as u64, size, options);
    let read = |number: usize| {
        let division = divide();
        let begin = usize::try_from(division.range(number).unwrap().start).unwrap();
        let piece = division.read(number, &archive[begin..]).unwrap();
        let json = serde_json::to_string(&piece).unwrap();
        let again: Piece = serde_json::from_str(&json).unwrap();
        assert_eq!(piece, again, "{json}");
        again
    };
    (0..divide().pieces()).map(read).collect()
}

fn in_pieces(archive: &[u8], size: PieceSizes, options: &Options<'_>) -> Combined {
    let mut pieces = read_pieces(archive, size, options);
    // In whatever order they come.
    pieces.reverse();
    combine(archive, archive.len() as u64, size, options, &pieces)
}

/// What both ways of reading must agree on; of checksums, whether they are the manifest's.
fn essence(mut verdict: Verdict) -> Verdict {
    if let Proof::Proven(evidence) | Proof::Failed(evidence) = &mut verdict.proofs.intact {
        evidence.clear();
    }
    for finding in verdict.findings.iter_mut().filter(|finding| finding.code == Code::ChecksumMismatch) {
        finding.sentence.clear();
    }
    verdict.not_checked.retain(|text| !text.starts_with("SHA-256"));
    verdict.files.clear();
    verdict.bytes_read = 0;
    verdict
}

fn custom() -> impl Iterator<Item = (String, Vec<u8>)> {
    let stream = |fixture: Fixture| match fixture.archive {
        Archive::One(bytes) if bytes.starts_with(b"PGDMP") => Some((fixture.name, bytes)),
        _ => None,
    };
    fixtures().into_iter().filter_map(stream)
}

/// Archives of which pg_dump could write where each table begins.
static SEEKABLE: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let divided = |bytes: &Vec<u8>| Division::of(bytes.as_slice(), bytes.len() as u64, sizes(1), &options()).decodes();
    let sound = |bytes: &Vec<u8>| verify(bytes.as_slice(), &options()).answer(Level::Decodable) == Answer::Holds;
    custom().filter(|(name, bytes)| !name.contains("-piped") && divided(bytes) && sound(bytes)).collect()
});

/// Where blocks begin in a sound archive.
fn offsets(bytes: &[u8]) -> Vec<u64> {
    let options = options();
    let division = Division::of(bytes, bytes.len() as u64, sizes(1), &options);
    (1..division.pieces()).map(|piece| division.range(piece).unwrap().start).collect()
}

fn seekable() -> impl Strategy<Value = (String, Vec<u8>)> {
    any::<Index>().prop_map(|index| index.get(&SEEKABLE).clone())
}

/// Blocks moved, doubled, left out or overwritten whole: what a careless copy or a wrong offset does.
fn rearranged() -> impl Strategy<Value = (String, Vec<u8>)> {
    let change = (0..5_u8, any::<Index>(), any::<Index>());
    (seekable(), prop::collection::vec(change, 1..3)).prop_map(|((name, bytes), changes)| {
        let offsets: Vec<usize> = offsets(&bytes).into_iter().map(|offset| usize::try_from(offset).unwrap()).collect();
        if offsets.len() < 2 {
            return (name, bytes);
        }
        let head = bytes[..offsets[0]].to_vec();
        let ends = offsets.iter().copied().skip(1).chain([bytes.len()]);
        let mut blocks: Vec<Vec<u8>> = offsets.iter().zip(ends).map(|(begin, end)| bytes[*begin..end].to_vec()).collect();
        let mut head_changed = head;
        for (kind, one, other) in changes {
            let (one, other) = (one.index(blocks.len()), other.index(blocks.len()));
            match kind {
                0 => blocks.swap(one, other),
                1 => blocks.insert(one, blocks[other].clone()),
                2 if blocks.len() > 1 => drop(blocks.remove(one)),
                3 => blocks.insert(one, vec![0; 1 + other]),
                _ => change_offset(&mut head_changed, offsets[one % offsets.len()], offsets[other % offsets.len()] + one),
            }
        }
        (name, [head_changed, blocks.concat()].concat())
    })
}

/// Changes an offset in the table of contents.
fn change_offset(head: &mut [u8], from: usize, to: usize) {
    let stated = |offset: usize| [&[2][..], &(offset as u64).to_le_bytes()].concat();
    let (from, to) = (stated(from), stated(to));
    if let Some(at) = head.windows(from.len()).position(|window| window == from) {
        head[at..at + to.len()].copy_from_slice(&to);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_division_of_any_archive_gives_the_verdict_of_one_reading(
        (name, bytes) in prop_oneof![damaged(seekable()), rearranged()],
        size in prop_oneof![Just(1_u64), 1..2000_u64, 2000..100_000_u64],
    ) {
        let whole = verify(bytes.as_slice(), &options());
        let combined = in_pieces(&bytes, sizes(size), &options());
        let decodes = Division::of(bytes.as_slice(), bytes.len() as u64, sizes(size), &options()).decodes();
        prop_assert_eq!(combined.crc64nvme, whole.files.first().map(|file| file.crc64nvme), "{}", name);
        if decodes {
            prop_assert_eq!(essence(combined.verdict), essence(whole), "{}", name);
        } else {
            // Nothing says where tables begin; then nothing is claimed of them either.
            prop_assert_ne!(combined.verdict.answer(Level::Decodable), Answer::Holds, "{}", name);
            prop_assert_ne!(whole.answer(Level::Decodable), Answer::Holds, "{}", name);
        }
    }

    #[test]
    fn with_a_manifest_every_changed_byte_is_found_in_pieces_too(
        (name, bytes) in seekable(),
        changes in prop::collection::vec((any::<Index>(), 1..=255_u8), 0..3),
        size in 1..5000_u64,
        decodes in any::<bool>(),
    ) {
        let manifest = manifest(&bytes);
        let mut changed = bytes.clone();
        changes.iter().for_each(|(at, flip)| changed[at.index(bytes.len())] ^= flip);
        let level = if decodes { Level::Consistent } else { Level::Intact };
        let options = Options { level, manifest: Some(&manifest), ..options() };
        let whole = verify(changed.as_slice(), &options);
        let combined = in_pieces(&changed, sizes(size), &options).verdict;
        prop_assert_eq!(combined.answer(level), whole.answer(level), "{}", name);
        prop_assert_eq!(combined.level, whole.level, "{}", name);
        prop_assert_eq!(combined.answer(level) == Answer::Holds, changed == bytes);
    }

    #[test]
    fn a_piece_that_is_missing_is_never_passed_over(
        (_, bytes) in seekable(),
        size in 1..1500_u64,
        lost in any::<Index>(),
        level in prop_oneof![Just(Level::Intact), Just(Level::Decodable)],
    ) {
        let manifest = manifest(&bytes);
        let options = Options { level, manifest: Some(&manifest), ..options() };
        let mut pieces = read_pieces(&bytes, sizes(size), &options);
        pieces.remove(lost.index(pieces.len()));
        let verdict = combine(bytes.as_slice(), bytes.len() as u64, sizes(size), &options, &pieces).verdict;
        prop_assert_eq!(verdict.answer(level), Answer::CouldNotBeChecked);
        prop_assert!(verdict.findings.iter().any(|finding| finding.code == Code::PieceMissing), "{:?}", verdict.findings);
    }

    #[test]
    fn pieces_of_another_archive_or_made_up_do_not_add_up(
        (_, bytes) in seekable(),
        size in 1..5000_u64,
        reached in any::<Option<u64>>(),
        which in any::<Index>(),
    ) {
        let mut pieces = read_pieces(&bytes, sizes(size), &options());
        let at = which.index(pieces.len());
        let mut json = serde_json::to_value(&pieces[at]).unwrap();
        let honest = json["reached"].clone();
        json["reached"] = serde_json::json!(reached);
        prop_assume!(json["reached"] != honest);
        pieces[at] = serde_json::from_value(json).unwrap();
        let verdict = combine(bytes.as_slice(), bytes.len() as u64, sizes(size), &options(), &pieces).verdict;
        prop_assert_ne!(verdict.answer(Level::Decodable), Answer::Holds);
    }
}

fn manifest(bytes: &[u8]) -> Manifest {
    Manifest::of(&verify(bytes, &options()), Timestamp::UNIX_EPOCH, "a test").unwrap()
}

#[test]
fn the_fixtures_divide() {
    assert!(SEEKABLE.len() >= 8, "{:?}", SEEKABLE.iter().map(|(name, _)| name).collect::<Vec<_>>());
    for (name, bytes) in SEEKABLE.iter() {
        let options = options();
        let division = Division::of(bytes.as_slice(), bytes.len() as u64, sizes(1), &options);
        let whole = verify(bytes.as_slice(), &options);
        let with_data = whole.tables.len() + usize::from(whole.large_objects.count > 0);
        assert!(division.pieces() >= with_data.max(1), "{name}: {} pieces of {with_data}", division.pieces());
        let combined = in_pieces(bytes, sizes(1), &options);
        assert_eq!(essence(combined.verdict), essence(whole), "{name}");
    }
}

#[test]
fn pieces_are_of_the_size_that_was_asked_for_and_no_more_than_allowed() {
    let Archive::One(bytes) = fixture("18.4/custom-none.dump") else { panic!() };
    let (length, options) = (bytes.len() as u64, options());
    for (size, most) in [(1, 3), (500, 2), (1, 10_000), (length, 1), (u64::MAX, 1)] {
        let division = Division::of(bytes.as_slice(), length, PieceSizes { bytes: size, most }, &options);
        assert!(division.pieces() <= 2 * most as usize, "{} pieces, not {most}", division.pieces());
        let mut at = 0;
        for piece in 0..division.pieces() {
            let range = division.range(piece).unwrap();
            assert_eq!(range.start, at, "no byte is in two pieces, and none in no piece");
            at = range.end;
        }
        assert_eq!(at, length);
    }
}

#[test]
fn an_archive_that_went_through_a_pipe_is_one_piece() {
    let piped = || custom().filter(|(name, _)| name.contains("-piped"));
    assert!(piped().count() > 3);
    for (name, bytes) in piped() {
        let options = options();
        let division = Division::of(bytes.as_slice(), bytes.len() as u64, sizes(1), &options);
        assert_eq!((division.pieces(), division.decodes()), (1, true), "{name}");
        assert_eq!(
            essence(in_pieces(&bytes, sizes(1), &options).verdict),
            essence(verify(bytes.as_slice(), &options)),
            "{name}"
        );
    }
}

#[test]
fn a_tar_archive_is_one_piece() {
    for name in ["15.18/tar.tar", "15.18/tar-piped.tar", "16.14/tar.tar", "18.4/tar.tar"] {
        let Archive::One(bytes) = fixture(name) else { panic!() };
        let manifest = manifest(&bytes);
        let options = Options { manifest: Some(&manifest), ..options() };
        let division = Division::of(bytes.as_slice(), bytes.len() as u64, sizes(1), &options);
        assert_eq!((division.pieces(), division.decodes()), (1, true), "{name}");
        let combined = in_pieces(&bytes, sizes(1), &options);
        assert_eq!(combined.verdict.level, Some(Level::Consistent), "{:?}", combined.verdict);
        assert!(combined.verdict.not_checked.iter().any(|text| text.starts_with("SHA-256")));
    }
}

#[test]
fn an_encrypted_archive_that_does_not_open_is_only_summed_and_says_why() {
    let bytes = [b"age-encryption.org/v1\n".as_slice(), &[7; 5000]].concat();
    let division = Division::of(bytes.as_slice(), bytes.len() as u64, sizes(1000), &options());
    assert_eq!((division.pieces(), division.decodes()), (6, false));
    let combined = in_pieces(&bytes, sizes(1000), &options());
    assert_eq!(combined.crc64nvme.map(|sum| sum.0), Some(crc_fast::crc64_nvme(&bytes)));
    assert_eq!(combined.verdict.answer(Level::Decodable), Answer::CouldNotBeChecked);
    let Proof::NotChecked(why) = &combined.verdict.proofs.decodable else { panic!() };
    assert!(why.contains("encrypted"), "{why}");
}

#[test]
fn a_file_that_is_longer_than_it_is_said_to_be_is_compared_with_nothing() {
    let bytes = tables(&[rows(1000)]);
    let longer = [bytes.as_slice(), &[7; 100]].concat();
    let division = Division::of(bytes.as_slice(), bytes.len() as u64, sizes(u64::MAX), &options());
    for (file, sum) in [(&bytes, Some(crc_fast::crc64_nvme(&bytes))), (&longer, None)] {
        let piece = division.read(0, file.as_slice()).unwrap();
        let combined = combine(bytes.as_slice(), bytes.len() as u64, sizes(u64::MAX), &options(), &[piece]);
        assert_eq!(combined.crc64nvme.map(|sum| sum.0), sum);
    }
}

#[test]
fn what_others_say_that_they_read_is_never_more_than_can_be_counted() {
    let said = |pieces: &[Value]| -> Vec<Piece> {
        pieces.iter().map(|piece| serde_json::from_value(piece.clone()).unwrap()).collect()
    };
    let closed = [b"age-encryption.org/v1\n".as_slice(), &[7; 5000]].concat();
    let pieces = said(&[json!({"begin": 0, "end": u64::MAX}), json!({"begin": 1, "end": u64::MAX})]);
    let combined = combine(closed.as_slice(), closed.len() as u64, sizes(1000), &options(), &pieces);
    assert_eq!(combined.verdict.bytes_read, u64::MAX);

    let archive = tables(&[rows(1), rows(1)]);
    // Two entries, each with one byte in as many rows as fit.
    let block = [&[1, 2, 1][..], &[0xff; 9], &[1]].concat();
    let length = archive.len();
    let pieces = said(&[json!({"begin": 0, "end": length, "reached": length, "blocks": BASE64.encode(&block.repeat(2))})]);
    let combined = combine(archive.as_slice(), length as u64, sizes(u64::MAX), &options(), &pieces);
    let Proof::Proven(evidence) = combined.verdict.proofs.decodable else { panic!("{:?}", combined.verdict) };
    assert!(evidence.contains(&u64::MAX.to_string()), "{evidence}");
}

/// Fails after some bytes.
struct Failing<'a>(&'a [u8]);

impl Read for Failing<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() { Err(io::Error::other("the connection was reset")) } else { self.0.read(out) }
    }
}

#[test]
fn a_piece_whose_bytes_stop_coming_says_so_and_is_no_damage() {
    let Archive::One(bytes) = fixture("15.18/custom-gzip.dump") else { panic!() };
    let options = options();
    let division = || Division::of(bytes.as_slice(), bytes.len() as u64, sizes(1), &options);
    for lost in 0..division().pieces() {
        let mut pieces = read_pieces(&bytes, sizes(1), &options);
        let range = division().range(lost).unwrap();
        let half = usize::try_from(range.start.midpoint(range.end)).unwrap();
        let begin = usize::try_from(range.start).unwrap();
        pieces[lost] = division().read(lost, Failing(&bytes[begin..half])).unwrap();
        assert!(pieces[lost].is_unreadable());
        let verdict = combine(bytes.as_slice(), bytes.len() as u64, sizes(1), &options, &pieces).verdict;
        assert_eq!(verdict.answer(Level::Decodable), Answer::CouldNotBeChecked, "{lost}: {:?}", verdict.findings);
    }
}

#[test]
fn a_piece_with_little_room_tells_less_and_proves_the_same() {
    let Archive::One(bytes) = fixture("15.18/custom-gzip.dump") else { panic!() };
    let mut damaged = bytes.clone();
    // In the checksum of every stream but the last: it ends seven bytes before the next block begins.
    for next in offsets(&bytes).into_iter().skip(1) {
        damaged[usize::try_from(next).unwrap() - 7] ^= 1;
    }
    let options = options();
    let mut pieces = read_pieces(&damaged, sizes(u64::MAX), &options);
    let together =
        |pieces: &[Piece]| combine(damaged.as_slice(), damaged.len() as u64, sizes(u64::MAX), &options, pieces).verdict;
    let all = together(&pieces);
    assert!(all.findings.len() > 3, "{:?}", all.findings);
    let before = serde_json::to_vec(&pieces[0]).unwrap().len();
    assert!(pieces[0].fits(before / 2));
    assert!(serde_json::to_vec(&pieces[0]).unwrap().len() <= before / 2);
    let less = together(&pieces);
    assert!(less.findings.len() < all.findings.len());
    assert_eq!(less.findings.len() as u64 + less.further_findings, all.findings.len() as u64 + all.further_findings);
    assert_eq!((less.level, &less.proofs), (all.level, &all.proofs));
    assert!(!pieces[0].fits(20), "what proves something is never left out");
}
