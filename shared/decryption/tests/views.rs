//! What an encrypted file holds, read from any byte on: the same bytes as in one reading, and the same damage.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

mod common;

use std::io::{ErrorKind, Read};

use age::x25519::Identity;
use common::messages::{CONTENT_FRAMED, Writer, envelope, envelope_of_given, message};
use common::{Broken, encrypted, fixture, identities};
use decryption::Identities;
use pgdump::{Keys, NotOpened, View};
use proptest::prelude::*;
use proptest::sample::Index;

/// Bytes of a chunk of age, and of its tag.
const CHUNK: usize = 65_536;
const TAG: usize = 16;
/// Bytes of a frame of the messages that are written here, and around it.
const FRAME: usize = 100;
const AROUND: usize = 32;
/// Bytes of a signature and of its length.
const SIGNATURE: usize = 103;
/// Messages of all four algorithm suites, one that ends with a full frame, and one that holds nothing.
const MESSAGES: [&str; 6] = ["default", "committed", "signed", "plain", "even", "empty"];

fn text(length: usize) -> Vec<u8> {
    (0..length).map(|index| u8::try_from(index % 251).unwrap()).collect()
}

fn view(keys: &dyn Keys, bytes: &[u8]) -> Box<dyn View> {
    keys.view(&mut &*bytes, bytes.len() as u64).unwrap()
}

/// What comes from this byte on of a file that has these bytes, before the first error, and the error.
fn read_from(view: &dyn View, file: &[u8], from: usize) -> (Vec<u8>, Result<(), ErrorKind>) {
    let begin = usize::try_from(view.begins_at(from as u64)).unwrap();
    read_through(view, &file[begin.min(file.len())..], from)
}

fn read_through<'a>(view: &'a dyn View, rest: impl Read + 'a, from: usize) -> (Vec<u8>, Result<(), ErrorKind>) {
    let mut out = Vec::new();
    let read = view.read(Box::new(rest), from as u64).and_then(|mut reader| reader.read_to_end(&mut out));
    (out, read.map(drop).map_err(|error| error.kind()))
}

/// Some offsets that matter: around the beginnings of chunks, and at the end.
fn offsets(length: usize, chunk: usize) -> Vec<usize> {
    let edges = (0..=length / chunk).map(|number| number * chunk).chain([length]);
    let around = edges.flat_map(|edge| [edge.saturating_sub(1), edge, edge + 1]);
    around.filter(|offset| *offset <= length).collect()
}

/// A file with more than one chunk of each format: its keys, the file, where its chunks begin, and what it holds.
#[derive(Debug)]
struct Sample {
    keys: Box<dyn Keys>,
    file: Vec<u8>,
    chunks: Vec<usize>,
    chunk: usize,
    content: Vec<u8>,
}

fn age(length: usize) -> Sample {
    let identity = Identity::generate();
    let (keys, content): (Identities, _) = (identities(&identity), text(length));
    let file = encrypted(&content, &identity);
    let count = length.div_ceil(CHUNK).max(1);
    let begin = file.len() - length - count * TAG;
    let chunks = (0..count).map(|number| begin + number * (CHUNK + TAG)).collect();
    Sample { keys: Box::new(keys), file, chunks, chunk: CHUNK, content }
}

fn framed(length: usize) -> Sample {
    let content = text(length);
    let begin = Writer::new(CONTENT_FRAMED, u32::try_from(FRAME).unwrap(), &[]).header.len();
    let chunks = (0..length.div_ceil(FRAME).max(1)).map(|number| begin + number * (FRAME + AROUND)).collect();
    Sample { keys: Box::new(envelope_of_given()), file: Writer::message(FRAME, &content), chunks, chunk: FRAME, content }
}

const SAMPLES: [fn() -> Sample; 4] =
    [|| age(2 * CHUNK + 7), || age(3 * CHUNK), || framed(2 * FRAME + 7), || framed(3 * FRAME)];

fn samples() -> impl Iterator<Item = Sample> {
    SAMPLES.into_iter().map(|sample| sample())
}

impl Sample {
    fn view(&self) -> Box<dyn View> {
        view(&*self.keys, &self.file)
    }

    /// What the file holds was changed so, which is found from every offset.
    fn is_found_everywhere(&self, what: &str, changed: &[u8]) {
        let view = view(&*self.keys, changed);
        for from in offsets(usize::try_from(view.bytes()).unwrap(), self.chunk) {
            let (out, result) = read_from(&*view, changed, from);
            assert!(self.content[from.min(self.content.len())..].starts_with(&out), "{what}: forged from {from}");
            assert_eq!(result, Err(ErrorKind::InvalidData), "{what}: from {from}");
        }
    }
}

#[test]
fn whatever_its_length_it_is_read_from_around_every_chunk_on() {
    for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 70] {
        for Sample { keys, file, content, chunk, .. } in [age(length), framed(length / 300)] {
            let view = view(&*keys, &file);
            assert_eq!(view.bytes(), content.len() as u64);
            for from in offsets(content.len(), chunk) {
                assert!(read_from(&*view, &file, from) == (content[from..].to_vec(), Ok(())), "{length} from {from}");
            }
        }
    }
}

#[test]
fn a_last_frame_that_holds_nothing_is_one_too() {
    let writer = Writer::new(CONTENT_FRAMED, 4, &[]);
    let file = [&writer.header[..], &writer.frame(false, 1, b"abcd"), &writer.frame(true, 2, b"")].concat();
    let view = view(&envelope_of_given(), &file);
    assert_eq!(view.bytes(), 4);
    for from in 0..=4 {
        assert_eq!(read_from(&*view, &file, from), (b"abcd"[from..].to_vec(), Ok(())));
    }
}

#[test]
fn messages_that_the_sdk_wrote_are_read_from_any_byte_on() {
    let archive = fixture("15.18/small.dump");
    for name in MESSAGES {
        let (file, envelope) = (message(name), envelope(name));
        let view = view(&envelope, &file);
        let length = match name {
            "empty" => 0,
            "even" => 1024,
            _ => archive.len(),
        };
        assert_eq!(view.bytes(), length as u64, "{name}");
        for from in 0..=length {
            assert_eq!(read_from(&*view, &file, from), (archive[from..length].to_vec(), Ok(())), "{name} from {from}");
        }
    }
}

#[test]
fn reading_begins_with_the_chunk_that_holds_the_byte() {
    for sample in samples() {
        let view = sample.view();
        for (number, begin) in sample.chunks.iter().enumerate() {
            for byte in [0, sample.chunk - 1] {
                let byte = number * sample.chunk + byte;
                let expected = if byte < sample.content.len() { *begin } else { *sample.chunks.last().unwrap() };
                assert_eq!(view.begins_at(byte as u64), expected as u64);
            }
        }
    }
}

#[test]
fn a_file_that_ends_between_two_chunks_is_found_by_whoever_reads_to_its_end() {
    for sample in samples() {
        for begin in &sample.chunks[1..] {
            sample.is_found_everywhere("cut between two chunks", &sample.file[..*begin]);
        }
        for less in [1, 2, TAG, TAG + 1, TAG + 30] {
            sample.is_found_everywhere("cut", &sample.file[..sample.file.len() - less]);
        }
    }
}

#[test]
fn bytes_behind_the_end_are_found_by_whoever_reads_to_it() {
    for sample in samples() {
        for more in [1, 16, 32, 40, sample.chunk + 16, sample.chunk + 32] {
            sample.is_found_everywhere("longer", &[sample.file.as_slice(), &vec![0; more]].concat());
        }
        // Its own last chunk once more, and all of them.
        for begin in [*sample.chunks.last().unwrap(), sample.chunks[0]] {
            sample.is_found_everywhere("twice", &[sample.file.as_slice(), &sample.file[begin..]].concat());
        }
    }
}

#[test]
fn a_chunk_in_another_place_does_not_open_there() {
    for sample in samples() {
        let [begin, second, third] = sample.chunks[..] else { panic!("three of them") };
        let chunk = |from: usize, to: usize| &sample.file[from..to];
        let (header, rest) = (chunk(0, begin), chunk(third, sample.file.len()));
        let swapped = [header, chunk(second, third), chunk(begin, second), rest].concat();
        let doubled = [header, chunk(begin, second), chunk(begin, second), rest].concat();
        let missing = [header, chunk(second, third), rest].concat();
        sample.is_found_everywhere("missing", &missing);
        for (what, changed) in [("swapped", &swapped), ("doubled", &doubled)] {
            let view = view(&*sample.keys, changed);
            for from in offsets(sample.content.len(), sample.chunk) {
                // Whoever begins behind what was moved reads what is in its place.
                let expected = if from < 2 * sample.chunk { Err(ErrorKind::InvalidData) } else { Ok(()) };
                assert_eq!(read_from(&*view, changed, from).1, expected, "{what}: from {from}");
            }
        }
    }
}

#[test]
fn a_signature_is_not_verified_and_not_claimed() {
    for (name, is_signed) in [("default", true), ("signed", true), ("committed", false), ("plain", false)] {
        let view = view(&envelope(name), &message(name));
        assert_eq!(view.not_checked().is_some_and(|what| what.contains("signature")), is_signed, "{name}");
    }
    assert_eq!(age(7).view().not_checked(), None);
}

#[test]
fn a_signature_of_another_length_is_no_damage_and_is_not_read_so() {
    for length in [101, 104] {
        let mut file = message("default");
        file.truncate(file.len() - SIGNATURE - 2);
        file.extend(u16::try_from(length).unwrap().to_be_bytes());
        file.extend(vec![7; length]);
        let view = view(&envelope("default"), &file);
        assert_eq!(read_from(&*view, &file, 0).1, Err(ErrorKind::Unsupported), "{length}");
        file.push(7);
        assert_eq!(read_from(&*view, &file, 0).1, Err(ErrorKind::InvalidData), "{length} and one more");
    }
}

#[test]
fn who_has_another_key_has_no_view() {
    let sample = age(7);
    let trouble = identities(&Identity::generate()).view(&mut sample.file.as_slice(), 1).unwrap_err();
    assert!(matches!(trouble, NotOpened::WrongKey(_)), "{trouble:?}");
    let trouble = envelope_of_given().view(&mut sample.file.as_slice(), 1).unwrap_err();
    assert!(matches!(trouble, NotOpened::Unsupported(_)), "{trouble:?}");
}

fn any_sample() -> impl Strategy<Value = Sample> {
    (0..SAMPLES.len()).prop_map(|which| SAMPLES[which]())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 50, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_flipped_bit_is_found_by_whoever_reads_its_chunk_or_begins_before_it(
        sample in any_sample(), at in any::<Index>(), bit in 0..8_u8, from in any::<Index>(),
    ) {
        let mut changed = sample.file.clone();
        let at = sample.chunks[0] + at.index(sample.file.len() - sample.chunks[0]);
        changed[at] ^= 1 << bit;
        let view = view(&*sample.keys, &changed);
        let from = from.index(sample.content.len() + 1);
        let (out, result) = read_from(&*view, &changed, from);
        prop_assert!(sample.content[from..].starts_with(&out));
        let is_read = at as u64 >= view.begins_at(from as u64);
        prop_assert_eq!(result, if is_read { Err(ErrorKind::InvalidData) } else { Ok(()) });
    }

    #[test]
    fn no_flipped_bit_of_a_message_but_its_signature_goes_unseen(
        which in 0..MESSAGES.len(), at in any::<Index>(), bit in 0..8_u8,
    ) {
        let (mut file, envelope) = (message(MESSAGES[which]), envelope(MESSAGES[which]));
        let is_signed = view(&envelope, &file).not_checked().is_some();
        let at = at.index(file.len() - if is_signed { SIGNATURE } else { 0 });
        file[at] ^= 1 << bit;
        if let Ok(view) = envelope.view(&mut file.as_slice(), file.len() as u64) {
            prop_assert_eq!(read_from(&*view, &file, 0).1, Err(ErrorKind::InvalidData));
        }
    }

    #[test]
    fn a_disk_that_fails_is_not_called_damage(sample in any_sample(), at in any::<Index>(), from in any::<Index>()) {
        let (view, from) = (sample.view(), from.index(sample.content.len()));
        let begin = usize::try_from(view.begins_at(from as u64)).unwrap();
        let rest = &sample.file[begin..];
        let (out, result) = read_through(&*view, Broken(&rest[..at.index(rest.len())]), from);
        prop_assert!(sample.content[from..].starts_with(&out));
        prop_assert_eq!(result, Err(ErrorKind::TimedOut));
        let trouble = sample.keys.view(&mut Broken(&sample.file[..at.index(sample.chunks[0])]), 7);
        prop_assert!(matches!(trouble, Err(NotOpened::Unreadable(_))));
    }

    #[test]
    fn a_length_that_is_not_the_files_makes_nobody_panic(sample in any_sample(), bytes in any::<u64>(), from in any::<u64>()) {
        let view = sample.keys.view(&mut sample.file.as_slice(), bytes).unwrap();
        let begin = usize::try_from(view.begins_at(from)).unwrap_or(usize::MAX).min(sample.file.len());
        let out = read_through(&*view, &sample.file[begin..], usize::try_from(from).unwrap()).0;
        prop_assert!(out.is_empty() || sample.content.ends_with(&out));
    }
}
