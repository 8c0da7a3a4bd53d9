//! Wherever reading of an archive is interrupted and by however many readers it is continued: together they give the verdict of one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

mod builder;
mod common;

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::sync::LazyLock;

use builder::Builder;
use common::handed_on::{any_value, assert_tells_nothing_of_rows, flip, replace};
use common::{Archive, any_change, change, decodable as options, fixture, fixtures, linked, sizes};
use data_encoding::BASE64;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use lz4_flex::frame::{BlockMode, FrameEncoder, FrameInfo};
use pgdump::{Allowance, Answer, Code, Combined, Course, Division, Level, Options, Piece, Proof, Verdict, combine, verify};
use proptest::prelude::*;
use proptest::sample::Index;

fn divide(archive: &[u8], size: u64) -> Division {
    Division::of(archive, archive.len() as u64, sizes(size), &options())
}

/// Gives each reader one of these allowances in turn, and lets nothing but JSON pass from one to the next.
fn in_turns(archive: &[u8], size: u64, bytes: &[u64]) -> (Combined, u32) {
    let mut pieces = Vec::new();
    let mut turns = 0;
    for number in 0..divide(archive, size).pieces() {
        let mut allowed = bytes.iter().cycle();
        let mut course = divide(archive, size).course(number).unwrap();
        let piece = loop {
            let json = serde_json::to_string(&course).unwrap();
            let again: Course = serde_json::from_str(&json).unwrap();
            assert_eq!(again, course, "{json}");
            let from = usize::try_from(divide(archive, size).begins_at(&again)).unwrap();
            let allowance = Allowance { bytes: *allowed.next().unwrap(), over: &|| false };
            let read = divide(archive, size).read_on(number, again, &archive[from..], Some(allowance)).unwrap();
            turns += 1;
            assert!(read.turns() < 20_000, "it does not come to an end");
            match read.finish() {
                Ok(piece) => break piece,
                Err(unfinished) => course = *unfinished,
            }
        };
        let json = serde_json::to_string(&piece).unwrap();
        pieces.push(serde_json::from_str::<Piece>(&json).unwrap());
    }
    (combine(archive, archive.len() as u64, sizes(size), &options(), &pieces), turns)
}

/// What all ways of reading must agree on.
fn essence(mut verdict: Verdict) -> Verdict {
    verdict.files.clear();
    verdict.bytes_read = 0;
    verdict
}

/// Text as COPY writes it, of so many rows, which does not compress to nothing.
fn rows(count: u64) -> Vec<u8> {
    let mut text = Vec::new();
    for row in 0..count {
        let noise = row.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(u32::try_from(row % 64).unwrap());
        writeln!(text, "{row}\t{noise:x} de\u{301}ja\u{300} vu \u{1f691} \\\\ {}", row % 7).unwrap();
    }
    text.extend(b"\\.\n\n\n");
    text
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A stream of zlib whose last block has nothing but the end of the rows.
fn short_end(text: &[u8]) -> Vec<u8> {
    let (most, end) = text.split_at(text.len() - 6);
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(most).unwrap();
    encoder.flush().unwrap();
    encoder.write_all(end).unwrap();
    encoder.finish().unwrap()
}

fn lz4(bytes: &[u8], info: FrameInfo) -> Vec<u8> {
    let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An archive with one table whose stream has many blocks; between its rows and its end, chunks of this size.
fn one_table(minor: u8, compression: u8, stream: &[u8], chunk: usize) -> Vec<u8> {
    let begun = Builder::new(minor, compression).one_table().byte(1).integer(5);
    stream.chunks(chunk).fold(begun, Builder::chunk).integer(0).done()
}

/// An archive with large objects of many blocks, one of one and one of none.
fn large_objects(text: &[u8]) -> Vec<u8> {
    let objects = ["7", "8", "4294967287", "10"].into_iter().zip(6..);
    let contents = Builder::new(14, 6).header().integer(6).encoding(1).large_objects(5);
    let contents = objects.fold(contents, |contents, (object, id)| contents.large_object(id, object));
    let mut archive = contents.byte(3).integer(5);
    for (id, bytes) in [(7, text), (8, &text[..100]), (-9, &text[..text.len() / 2]), (10, &[])] {
        let stream = if bytes.is_empty() { Vec::new() } else { zlib(bytes) };
        archive = stream.chunks(3000).fold(archive.integer(id), Builder::chunk).integer(0);
    }
    archive.integer(0).done()
}

/// The members of a tar archive: their headers and what they hold.
fn members(archive: &[u8]) -> Vec<(&[u8], &[u8])> {
    let mut members = Vec::new();
    let mut rest = archive;
    while rest[0] != 0 {
        let (header, more) = rest.split_at(512);
        let size = usize::from_str_radix(std::str::from_utf8(&header[124..135]).unwrap().trim(), 8).unwrap();
        members.push((header, &more[..size]));
        rest = &more[size.next_multiple_of(512)..];
    }
    members
}

fn tar_of(members: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut archive: Vec<u8> = members.iter().flat_map(|(header, data)| member(header, data)).collect();
    archive.extend([0; 1024]);
    archive
}

fn tar_fixture() -> Vec<u8> {
    let Archive::One(archive) = fixture("15.18/tar.tar") else { panic!("it is one file") };
    archive
}

/// A tar archive of which a table and a large object are large.
fn tar(text: &[u8]) -> Vec<u8> {
    let archive = tar_fixture();
    let mut members = members(&archive);
    for (header, data) in &mut members {
        let columns = std::str::from_utf8(data).ok().and_then(|text| Some(text.lines().next()?.split('\t').count()));
        let table = header.starts_with(b"3") && columns == Some(2);
        if table || header.starts_with(b"blob_") {
            *data = text;
        }
    }
    tar_of(&members)
}

/// A member of a tar archive with this header, but for its size.
fn member(header: &[u8], data: &[u8]) -> Vec<u8> {
    let mut member = header.to_vec();
    member[124..136].copy_from_slice(format!("{:011o} ", data.len()).as_bytes());
    member[148..156].fill(b' ');
    let sum: u32 = member.iter().map(|byte| u32::from(*byte)).sum();
    member[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    member.extend(data);
    member.resize(member.len().next_multiple_of(512), 0);
    member
}

/// Archives with one large table, of each codec.
static LARGE: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let text = rows(12_000);
    let none = one_table(14, 0, &text, 777);
    let zlib = one_table(14, 6, &zlib(&text), 4096);
    let independent = linked().block_mode(BlockMode::Independent);
    let checked = linked().content_checksum(true);
    let mut all = vec![("none".to_owned(), none), ("zlib".to_owned(), zlib)];
    for (name, info) in [("lz4", linked()), ("lz4, not as pg_dump", independent), ("lz4, with checksum", checked)] {
        all.push((name.to_owned(), one_table(16, 2, &lz4(&text, info), 5000)));
    }
    all.push(("zlib of large objects".to_owned(), large_objects(&text)));
    all.push(("tar".to_owned(), tar(&text)));
    all.push(("zstd".to_owned(), one_table(16, 3, &zstd::encode_all(text.as_slice(), 3).unwrap(), 5000)));
    for (name, bytes) in &all {
        assert_eq!(verify(bytes.as_slice(), &options()).answer(Level::Decodable), Answer::Holds, "{name}");
    }
    all
});

static SMALL: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let one = |archive| match archive {
        Archive::One(bytes) => Some(bytes),
        Archive::Many(_) => None,
    };
    fixtures().into_iter().filter_map(|fixture| Some((fixture.name, one(fixture.archive)?))).collect()
});

/// Whether somebody had to give up because a stream cannot be continued.
fn gave_up(verdict: &Verdict) -> bool {
    verdict.findings.iter().any(|finding| finding.code == Code::StreamTooLong)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_number_of_readers_gives_the_verdict_of_one(
        large in any::<bool>(),
        which in any::<Index>(),
        changes in prop::collection::vec(any_change(), 0..4),
        size in prop_oneof![Just(u64::MAX), 1..5000_u64],
        mut allowed in prop::collection::vec(prop_oneof![1..200_u64, 200..50_000_u64], 1..6),
    ) {
        let (name, mut bytes) = which.get(if large { &LARGE } else { &SMALL }).clone();
        changes.into_iter().for_each(|one| change(&mut bytes, one));
        if large {
            allowed.iter_mut().for_each(|bytes| *bytes = 2000 + *bytes * 4);
        }
        let whole = verify(bytes.as_slice(), &options());
        let (combined, _) = in_turns(&bytes, size, &allowed);
        prop_assert_eq!(combined.crc64nvme, whole.files.first().map(|file| file.crc64nvme), "{}", name);
        if gave_up(&combined.verdict) {
            prop_assert!(name.contains("zstd") || name.contains("lz4"), "{}", name);
            prop_assert_ne!(combined.verdict.answer(Level::Decodable), Answer::Holds);
        } else if divide(&bytes, size).decodes() {
            prop_assert_eq!(essence(combined.verdict), essence(whole), "{}", name);
        } else {
            prop_assert_ne!(combined.verdict.answer(Level::Decodable), Answer::Holds);
        }
    }
}

#[test]
fn a_large_table_is_continued_in_its_middle_where_its_codec_allows_it() {
    for (name, bytes) in LARGE.iter() {
        let whole = verify(bytes.as_slice(), &options());
        let (combined, turns) = in_turns(bytes, u64::MAX, &[15_000]);
        let crc64nvme = whole.files.first().map(|file| file.crc64nvme);
        assert_eq!(combined.crc64nvme, crc64nvme, "{name}: every byte was summed");
        if ["none", "zlib", "lz4", "zlib of large objects", "tar"].contains(&name.as_str()) {
            assert!(turns > 3, "{name}: {turns}");
            assert_eq!(essence(combined.verdict), essence(whole), "{name}");
        } else {
            let verdict = combined.verdict;
            assert!(gave_up(&verdict), "{name}: {:?}", verdict.findings);
            assert_eq!(verdict.answer(Level::Decodable), Answer::CouldNotBeChecked, "{name}");
            assert!(matches!(&verdict.proofs.decodable, Proof::NotChecked(why) if why.contains("zstd hands out no state")));
        }
    }
}

/// A course in the middle of a table, as JSON, and the archive.
fn half_way(which: usize) -> (serde_json::Value, &'static [u8]) {
    let bytes = &LARGE[which].1;
    let division = divide(bytes, u64::MAX);
    let allowance = Allowance { bytes: 50_000, over: &|| false };
    let course = division.read_on(0, division.course(0).unwrap(), bytes.as_slice(), Some(allowance)).unwrap();
    (serde_json::to_value(course.finish().unwrap_err()).unwrap(), bytes)
}

/// What readers make of a course that was handed on to them, whatever it is.
fn go_on(archive: &[u8], course: serde_json::Value) -> Option<Verdict> {
    let mut course: Course = serde_json::from_value(course).ok()?;
    for _ in 0..10 {
        let division = divide(archive, u64::MAX);
        let from = archive.len().min(usize::try_from(division.begins_at(&course)).unwrap_or(usize::MAX));
        course = division.read_on(0, course, &archive[from..], None)?;
        match course.finish() {
            Ok(piece) => {
                return Some(combine(archive, archive.len() as u64, sizes(u64::MAX), &options(), &[piece]).verdict);
            }
            Err(unfinished) => course = *unfinished,
        }
    }
    panic!("who is not told to stop reads to the end");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_course_that_was_changed_on_its_way_does_no_harm(
        which in 0..LARGE.len(),
        place in any::<Index>(),
        value in any_value(),
    ) {
        let (mut course, archive) = half_way(which);
        replace(&mut course, place, value);
        let _verdict = go_on(archive, course);
    }

    #[test]
    fn no_bit_of_what_is_sealed_can_be_changed(which in 0..3_usize, place in any::<Index>(), bit in 0..6_u8) {
        let (mut course, archive) = half_way(which);
        flip(&mut course["cursor"]["open"]["sealed"], place, bit);
        prop_assert_eq!(go_on(archive, course), None);
    }
}

#[test]
fn damage_in_a_table_is_told_before_somebody_else_looks_for_its_end() {
    let mut archive = LARGE[2].1.clone();
    let length = archive.len();
    archive[length / 3..][..100].fill(0xff);
    let division = divide(&archive, u64::MAX);
    let allowance = Allowance { bytes: length as u64 / 2, over: &|| false };
    let read = division.read_on(0, division.course(0).unwrap(), archive.as_slice(), Some(allowance)).unwrap();
    let course = serde_json::to_value(read.finish().unwrap_err()).unwrap();
    assert_eq!(course["cursor"]["open"]["known"]["block"]["stream"]["progress"], "passed_over", "{course}");
    assert_eq!(course["piece"]["findings"][0]["code"], "stream_invalid", "{course}");
    assert!(course["piece"]["findings"][0]["sentence"].as_str().unwrap().starts_with("table "), "{course}");
    assert_eq!(essence(go_on(&archive, course).unwrap()), essence(verify(archive.as_slice(), &options())));
}

/// Who could read all of it decodes as who never stops does, and may stop all the same: at streams, and where none is decoded.
#[test]
fn time_may_be_over_at_any_moment_of_a_reading_that_was_to_be_the_only_one() {
    let mut stream = zlib(&rows(40_000));
    let sound = one_table(14, 6, &stream, 4096);
    // In its header, so that all of it is passed over.
    stream[0] ^= 1;
    let damaged = one_table(14, 6, &stream, 4096);
    // Behind that, but taken together with it: a chunk that has no length.
    let (before, behind) = stream.split_at(5 * 4096);
    let lost = before.chunks(4096).fold(Builder::new(14, 6).one_table().byte(1).integer(5), Builder::chunk);
    let lost = behind.chunks(4096).fold(lost.integer(-7), Builder::chunk).integer(0).done();
    for (archive, stops, passes) in [(&sound, 10, 0), (&LARGE[5].1, 10, 0), (&damaged, 8, 7), (&lost, 1, 1)] {
        let whole = essence(verify(archive.as_slice(), &options()));
        let (mut stopped, mut passed_over) = (0, 0);
        for moments in 0..60_u32 {
            let left = Cell::new(moments);
            let over = || left.replace(left.get().saturating_sub(1)) == 0;
            let division = divide(archive, u64::MAX);
            let allowance = Allowance { bytes: u64::MAX, over: &over };
            let read = division.read_on(0, division.course(0).unwrap(), archive.as_slice(), Some(allowance)).unwrap();
            let Err(course) = read.finish() else { continue };
            let course = serde_json::to_value(course).unwrap();
            stopped += 1;
            passed_over += u32::from(course.to_string().contains("passed_over"));
            assert_eq!(essence(go_on(archive, course).unwrap()), whole, "{moments}");
        }
        assert!(stopped >= stops && passed_over >= passes, "{stopped}, {passed_over}");
    }
}

/// Fails at once.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the connection was reset"))
    }
}

/// Bits as deflate packs them, from the lowest of each byte on (RFC 1951, 3.1.1).
fn packed(bits: &str) -> Vec<u8> {
    let byte = |bits: &[u8]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | (bit - b'0'));
    bits.as_bytes().chunks(8).map(byte).collect()
}

/// A zlib stream of which the decoder's last room is full when the last byte was taken, which tells in its last bits that it is damaged.
fn damaged_in_its_last_bits(shift: usize) -> Vec<u8> {
    let number = |value: usize, bits: usize| -> String {
        (0..bits).map(|bit| if value >> bit & 1 == 1 { '1' } else { '0' }).collect()
    };
    // A last block with codes of its own: 286 for literals and lengths, one for distances, and 18 for the lengths of these codes.
    let mut bits = ["1", "01", &number(286 - 257, 5), &number(0, 5), &number(18 - 4, 4)].concat();
    for symbol in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1] {
        bits += &number(
            match symbol {
                18 => 1,
                1 | 2 => 2,
                _ => 0,
            },
            3,
        );
    }
    // "0" are zeros, "10" is one and "11" two: so "0" is the letter, "10" the end, "11" a length of 258, and "0" the only distance, 1.
    let zeros = |count: usize| format!("0{}", number(count - 11, 7));
    bits += &[&zeros(97), "10", &zeros(138), &zeros(20), "11", &zeros(28), "11", "10"].concat();
    // As much as is decoded at once.
    let lengths = 508 - shift;
    let letters = (128 << 10) - 258 * lengths;
    bits += &["0".repeat(letters), "110".repeat(lengths)].concat();
    // One more letter, and a distance that is none.
    [vec![0x78, 0x9c], packed(&(bits + "0" + "111"))].concat()
}

#[test]
fn damage_in_bits_that_wait_for_room_comes_before_the_end_and_before_what_does_not_come() {
    let codes = |piece: &serde_json::Value| -> Vec<String> {
        let findings = piece["findings"].as_array().unwrap().iter();
        findings.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
    };
    // Anywhere in its byte.
    for shift in 0..8 {
        let begun = Builder::new(14, 6).one_table().byte(1).integer(5).chunk(&damaged_in_its_last_bits(shift)).done();
        let ended = [begun.as_slice(), &[0; 5]].concat();
        let comes = |fails: bool| -> Box<dyn Read + '_> {
            if fails { Box::new(begun.chain(Broken)) } else { Box::new(begun.chain([0; 5].as_slice())) }
        };
        for (fails, expected) in [(false, vec!["stream_invalid"]), (true, vec!["stream_invalid", "unreadable"])] {
            let verdict = serde_json::to_value(verify(comes(fails), &Options::to(Level::Decodable))).unwrap();
            assert_eq!(codes(&verdict), expected, "{shift}");
            for bytes in [u64::MAX, 10] {
                let allowance = Allowance { bytes, over: &|| false };
                let division = divide(&ended, u64::MAX);
                let read = division.read_on(0, division.course(0).unwrap(), comes(fails), Some(allowance));
                let course = serde_json::to_value(read.unwrap()).unwrap();
                assert_eq!(codes(&course["piece"]), expected, "{shift}, {bytes}: {course}");
            }
        }
    }
}

#[test]
fn only_who_has_the_archive_can_go_on_in_the_middle_of_a_table() {
    for which in 0..3 {
        let (course, archive) = half_way(which);
        let verdict = go_on(archive, course.clone()).unwrap();
        assert_eq!(essence(verdict), essence(verify(archive, &options())));
        let at = usize::try_from(course["cursor"]["at"].as_u64().unwrap()).unwrap();
        let mut other = archive.to_vec();
        other[at + 4000] ^= 1;
        assert_eq!(go_on(&other, course), None, "of an archive that goes on in another way");
    }
}

#[test]
fn damage_in_bits_behind_the_end_of_a_block_is_told_alike_by_whoever_begins_there() {
    // A block of the letter a with the codes that need no telling, and in the last byte of its end a block of no kind there is.
    let letters = "10010001".repeat(8188);
    let stream = [vec![0x78, 0x9c], packed(&["0", "10", &letters, "0000000", "0", "11", "000"].concat())].concat();
    let objects = Builder::new(14, 6).header().integer(4).encoding(1).large_objects(5);
    let objects = objects.large_object(6, "7").large_object(7, "8").byte(3).integer(5).integer(7);
    let objects = objects.chunk(&stream).integer(0).integer(8).chunk(&zlib(&rows(1000))).integer(0).integer(0).done();
    for archive in [one_table(14, 6, &stream, 4096), objects] {
        let whole = verify(archive.as_slice(), &options());
        assert_eq!(whole.findings[0].code, Code::StreamInvalid);
        assert_eq!(essence(in_turns(&archive, u64::MAX, &[10]).0.verdict), essence(whole));
    }
}

#[test]
fn nobody_goes_on_in_the_middle_of_a_table_that_nobody_began() {
    let (mut course, archive) = half_way(1);
    assert!(go_on(archive, course.clone()).is_some());
    course["turns"] = 0.into();
    assert_eq!(go_on(archive, course), None);
}

#[test]
fn what_is_handed_on_tells_nothing_of_the_data() {
    for which in 0..3 {
        assert_tells_nothing_of_rows(half_way(which).0, b" vu");
    }
}

#[test]
fn nobody_stops_inside_a_stream_where_too_little_follows_to_make_a_key_of() {
    let text = rows(12_000);
    // Lengths of chunks are a quarter of the file; or a block ends shortly before the stream does.
    let mut archives = vec![one_table(14, 6, &zlib(&text), 15), one_table(16, 2, &lz4(&text, linked()), 15)];
    archives.extend((2800..3800).step_by(100).map(|count| one_table(14, 6, &short_end(&rows(count)), 1 << 20)));
    let mut stopped = 0;
    for archive in archives {
        let length = archive.len() as u64;
        for bytes in (length / 2..length).step_by(1009) {
            let division = divide(&archive, u64::MAX);
            let allowance = Allowance { bytes, over: &|| false };
            let course = division.read_on(0, division.course(0).unwrap(), archive.as_slice(), Some(allowance)).unwrap();
            let course = match course.finish() {
                Ok(piece) => {
                    assert!(!piece.is_unreadable(), "nobody stopped where none can go on: {piece:?}");
                    continue;
                }
                Err(course) => serde_json::to_value(course).unwrap(),
            };
            if course["cursor"]["open"]["sealed"].is_string() {
                stopped += 1;
                assert!(course["cursor"]["at"].as_u64().unwrap() + 4096 <= length, "{course}");
            }
        }
    }
    assert!(stopped > 0);
}

#[test]
fn a_table_cannot_be_said_to_have_been_read_that_nobody_has_decoded() {
    let (mut course, archive) = half_way(1);
    let passed_over = serde_json::json!({"left": 0, "ended": true, "progress": "passed_over"});
    for (skipped, stream) in [(true, serde_json::Value::Null), (true, passed_over.clone()), (false, passed_over)] {
        course["cursor"]["open"] = serde_json::json!({
            "known": {"block": {"large_objects": false, "skipped": skipped, "object": 0, "stream": stream}}
        });
        assert!(serde_json::from_value::<Course>(course.clone()).is_ok());
        assert_eq!(go_on(archive, course.clone()), None, "skipped: {skipped}, {stream}");
    }

    let (combined, _) = in_turns(archive, u64::MAX, &[u64::MAX]);
    assert_eq!(combined.verdict.answer(Level::Decodable), Answer::Holds);
    // One block, of the first entry, without rows and without a word on why.
    let piece = serde_json::json!({
        "begin": 0, "end": archive.len(), "reached": archive.len(), "blocks": BASE64.encode(&[1, 0]),
        "crc64nvme": combined.crc64nvme,
    });
    let piece: Piece = serde_json::from_value(piece).unwrap();
    let combined = combine(archive, archive.len() as u64, sizes(u64::MAX), &options(), &[piece]);
    assert_eq!(combined.verdict.answer(Level::Decodable), Answer::CouldNotBeChecked, "{:?}", combined.verdict.findings);
}

#[test]
fn large_objects_that_are_not_remembered_are_not_said_to_be_there() {
    for archive in [large_objects(&rows(100)), tar(&rows(100))] {
        let division = divide(&archive, u64::MAX);
        let course = division.read_on(0, division.course(0).unwrap(), archive.as_slice(), None).unwrap();
        let mut piece = course.finish().unwrap();
        let full = serde_json::to_vec(&piece).unwrap().len();
        assert!(piece.fits(full - 1));
        let combined = combine(archive.as_slice(), archive.len() as u64, sizes(u64::MAX), &options(), &[piece]);
        assert_eq!(combined.verdict.answer(Level::Decodable), Answer::CouldNotBeChecked);
        assert!(combined.verdict.findings.iter().any(|finding| finding.code == Code::LimitReached));
    }
}

#[test]
fn a_member_of_a_tar_archive_that_is_missing_or_there_twice_is_found_by_any_number_of_readers() {
    let archive = tar_fixture();
    let sound = members(&archive);
    // The first is the table of contents.
    for which in 1..sound.len() {
        let (mut missing, mut twice, mut last) = (sound.clone(), sound.clone(), sound.clone());
        let member = missing.remove(which);
        twice.insert(which, member);
        last.push(member);
        for members in [missing, twice, last] {
            let changed = tar_of(&members);
            let one = verify(changed.as_slice(), &options());
            for bytes in [1, 700, 5_000] {
                let (combined, turns) = in_turns(&changed, u64::MAX, &[bytes]);
                assert!(turns > 1 || bytes > 1_000, "{turns}");
                assert_eq!(essence(combined.verdict), essence(one.clone()));
            }
        }
    }
}
