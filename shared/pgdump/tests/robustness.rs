//! Whatever arrives, and however: the same verdict for the same bytes, an end for every input, and no panic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

mod common;

use std::io::{self, Read};
use std::sync::LazyLock;

use common::{Archive, Fixture, damaged, fixture, fixtures};
use pgdump::{Answer, Code, Level, Options, verify};
use proptest::prelude::*;
use proptest::sample::Index;

fn options() -> Options<'static> {
    let mut options = Options::to(Level::Decodable);
    options.limits.zstd_window_log = 27;
    options.fingerprints = true;
    options
}

/// Delivers its bytes in pieces of these sizes, over and over, with interruptions between.
struct Pieces<'a> {
    bytes: &'a [u8],
    sizes: Vec<usize>,
    next: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes[self.next % self.sizes.len()];
        self.next += 1;
        if size == 0 && self.next % 2 == 1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let count = size.max(1).min(out.len()).min(self.bytes.len());
        let (head, tail) = self.bytes.split_at(count);
        out[..count].copy_from_slice(head);
        self.bytes = tail;
        Ok(count)
    }
}

/// Archives of one file, sound.
static STREAMS: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let stream = |fixture: Fixture| match fixture.archive {
        Archive::One(bytes) => Some((fixture.name, bytes)),
        Archive::Many(_) => None,
    };
    fixtures().into_iter().filter_map(stream).collect()
});

fn stream() -> impl Strategy<Value = (String, Vec<u8>)> {
    any::<Index>().prop_map(|index| index.get(&STREAMS).clone())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_chunking_of_the_same_bytes_gives_the_same_verdict(
        (name, bytes) in damaged(stream()),
        sizes in prop::collection::vec(prop_oneof![4 => 0..9_usize, 2 => 9..600_usize, 1 => Just(100_000)], 1..12),
    ) {
        let whole = verify(bytes.as_slice(), &options());
        let pieces = verify(Pieces { bytes: &bytes, sizes, next: 0 }, &options());
        prop_assert_eq!(whole, pieces, "{}", name);
    }

    #[test]
    fn arbitrary_bytes_come_to_an_end_and_are_no_archive(bytes in prop::collection::vec(any::<u8>(), 0..4096)) {
        let verdict = verify(bytes.as_slice(), &options());
        prop_assert_eq!(verdict.answer(Level::Present), Answer::DoesNotHold);
    }

    #[test]
    fn arbitrary_bytes_behind_a_sound_beginning_come_to_an_end(
        (_, bytes) in stream(),
        at in any::<Index>(),
        noise in prop::collection::vec(any::<u8>(), 1..4096),
    ) {
        let beginning = &bytes[..at.index(bytes.len())];
        let verdict = verify([beginning, &noise].concat().as_slice(), &options());
        prop_assert_ne!(verdict.answer(Level::Decodable), Answer::Holds);
    }
}

/// Fails after some bytes.
struct Failing<'a>(&'a [u8]);

impl Read for Failing<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            return Err(io::Error::other("the connection was reset"));
        }
        self.0.read(out)
    }
}

/// Found by the fuzz target: how far a file was read depended on where a piece ended.
#[test]
fn a_name_with_a_zero_byte_is_read_as_far_in_any_pieces() {
    let mut bytes = b"PGDMP\x01\x0e\x00\x04\x08\x01\x00\x00\x00\x00\x00".to_vec();
    let second_to_summer_time = [15, 1, 12, 21, 10, 126, 0];
    let length_of_name = 8;
    for number in [second_to_summer_time.as_slice(), &[length_of_name]].concat() {
        bytes.extend([0, number, 0, 0, 0]);
    }
    bytes.extend(b"orders\0\0");
    // Without fingerprints nothing is read behind the fault.
    let options = Options::to(Level::Decodable);
    let whole = verify(&bytes[..], &options);
    assert!(whole.findings.iter().any(|finding| finding.sentence.contains("zero byte")), "{:?}", whole.findings);
    for size in 1..bytes.len() {
        assert_eq!(whole, verify(Pieces { bytes: &bytes, sizes: vec![size], next: 0 }, &options), "{size}");
    }
}

#[test]
fn a_read_that_fails_is_no_damage() {
    let Archive::One(bytes) = fixture("15.18/custom-gzip.dump") else { panic!() };
    for length in (0..bytes.len()).step_by(501) {
        let verdict = verify(Failing(&bytes[..length]), &options());
        assert_eq!(verdict.answer(Level::Decodable), Answer::CouldNotBeChecked, "{length}");
        assert_eq!(verdict.findings.len(), 1, "{:?}", verdict.findings);
        let finding = &verdict.findings[0];
        assert_eq!((finding.code, finding.offset), (Code::Unreadable, Some(length as u64)));
        assert!(finding.sentence.contains("the connection was reset"), "{finding}");
    }
}

#[test]
fn a_damaged_table_does_not_hide_the_others() {
    let Archive::One(bytes) = fixture("15.18/custom-gzip-piped.dump") else { panic!() };
    let sound = verify(bytes.as_slice(), &options());
    // The longest stream is that of the visits: damage its middle.
    let at = bytes.len() - 700;
    let mut damaged = bytes.clone();
    damaged[at] ^= 0x10;
    let verdict = verify(damaged.as_slice(), &options());
    assert_eq!(verdict.findings.len(), 1, "{:?}", verdict.findings);
    assert!(verdict.findings[0].sentence.starts_with("table public.visits: the zlib stream"), "{}", verdict.findings[0]);
    let names = |verdict: &pgdump::Verdict| verdict.tables.iter().map(pgdump::Table::title).collect::<Vec<_>>();
    let mut expected = names(&sound);
    expected.retain(|name| name != "public.visits");
    assert_eq!(names(&verdict), expected);
}
