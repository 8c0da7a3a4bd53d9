//! Wherever reading of a directory is interrupted and by however many readers it is continued: together they give the verdict of one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

mod common;

use std::cell::Cell;
use std::io::{Read, Write};
use std::sync::LazyLock;

use common::directories::{Contents, essence, options, sizes, whole};
use common::handed_on::{any_value, assert_tells_nothing_of_rows, flip, replace};
use common::{Archive, InMemory, any_change, change, fixture, fixtures, linked};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use lz4_flex::frame::{BlockMode, FrameEncoder, FrameInfo};
use pgdump::{
    Allowance, Answer, Code, DirectoryCourse, DirectoryDivision, DirectoryPiece, Level, ListedFile, ListedFiles, Manifest,
    Options, Verdict, combine_directory,
};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

fn listed(files: &Contents) -> Vec<ListedFile> {
    let listed = |(name, bytes): (&String, &Vec<u8>)| ListedFile {
        name: name.clone(),
        bytes: bytes.len() as u64,
        tag: String::new(),
    };
    files.iter().map(listed).collect()
}

/// One turn of a reader that knows nothing of the others.
fn turn(
    files: &Contents,
    size: u64,
    options: &Options<'_>,
    number: usize,
    course: Option<DirectoryCourse>,
    allowance: Option<Allowance<'_>>,
) -> Option<DirectoryCourse> {
    let (opened, listed) = (InMemory(files), listed(files));
    let division = DirectoryDivision::of(ListedFiles { files: &opened, listed: &listed }, sizes(size), options);
    let course = course.or_else(|| division.course(number))?;
    Some(division.read_on(number, course, allowance)?.0)
}

/// Gives each reader one of these allowances in turn, and lets nothing but JSON pass from one to the next.
fn in_turns(files: &Contents, size: u64, bytes: &[u64], options: &Options<'_>) -> (Verdict, u32) {
    let (opened, listed) = (InMemory(files), listed(files));
    let source = ListedFiles { files: &opened, listed: &listed };
    let count = DirectoryDivision::of(source, sizes(size), options).pieces();
    let mut turns = 0;
    let read = |number: usize| {
        let mut allowed = bytes.iter().cycle();
        let mut course = None;
        loop {
            let allowance = Allowance { bytes: *allowed.next().unwrap(), over: &|| false };
            let read = turn(files, size, options, number, course.take(), Some(allowance)).unwrap();
            turns += 1;
            assert!(read.turns() < 20_000, "it does not come to an end");
            match read.finish() {
                Ok(piece) => return serde_json::from_str(&serde_json::to_string(&piece).unwrap()).unwrap(),
                Err(unfinished) => {
                    let json = serde_json::to_string(&unfinished).unwrap();
                    let again: DirectoryCourse = serde_json::from_str(&json).unwrap();
                    assert_eq!(again, *unfinished, "{json}");
                    course = Some(again);
                }
            }
        }
    };
    let pieces: Vec<DirectoryPiece> = (0..count).map(read).collect();
    (combine_directory(source, sizes(size), options, &pieces).verdict, turns)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// With the name of the file in its header, which pg_dump does not write.
fn gzip_with_name(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::GzBuilder::new().filename("3398.dat").write(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn lz4(bytes: &[u8], info: FrameInfo) -> Vec<u8> {
    let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// As many rows of a table with so many columns, which do not compress to nothing.
fn rows(count: u64, columns: usize) -> Vec<u8> {
    let mut text = Vec::new();
    for row in 0..count {
        let noise = row.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(u32::try_from(row % 64).unwrap());
        write!(text, "{noise:x} de\u{301}ja\u{300} vu \\\\").unwrap();
        (1..columns).for_each(|column| write!(text, "\t{}", row * column as u64).unwrap());
        text.push(b'\n');
    }
    text.extend(b"\\.\n\n\n");
    text
}

type Encode = fn(&[u8]) -> Vec<u8>;

/// Directories in which a table and a large object are large, of each codec. A suffix says how a file is compressed, so all come of one.
static LARGE: LazyLock<Vec<(String, Contents)>> = LazyLock::new(|| {
    let Archive::Many(files) = fixture("15.18/directory-gzip") else { panic!("it is a directory") };
    let columns_of = |(name, bytes): (&String, &Vec<u8>)| {
        let mut text = String::new();
        GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).ok()?;
        let columns = text.lines().next()?.split('\t').count();
        (columns > 1).then(|| (name.clone(), columns))
    };
    let (table, columns) = files.iter().filter(|(name, _)| !name.starts_with("blob")).find_map(columns_of).unwrap();
    // The last file that is read.
    let object = files.keys().rfind(|name| name.starts_with("blob_")).unwrap().clone();
    let codecs: [(&str, &str, Encode); 6] = [
        ("none", "", |bytes| bytes.to_vec()),
        ("gzip", ".gz", gzip),
        ("gzip, not as pg_dump", ".gz", gzip_with_name),
        ("lz4", ".lz4", |bytes| lz4(bytes, linked())),
        ("lz4, not as pg_dump", ".lz4", |bytes| lz4(bytes, linked().block_mode(BlockMode::Independent))),
        ("zstd", ".zst", |bytes| zstd::encode_all(bytes, 3).unwrap()),
    ];
    let with = |(name, suffix, encode): (&str, &str, Encode)| {
        let mut files = files.clone();
        for (old, text) in [(&table, rows(9_000, columns)), (&object, rows(4_000, 2))] {
            files.remove(old);
            files.insert(old.replace(".gz", suffix), encode(&text));
        }
        assert_eq!(whole(&files, &options()).answer(Level::Decodable), Answer::Holds, "{name}");
        (name.to_owned(), files)
    };
    codecs.into_iter().map(with).collect()
});

static SMALL: LazyLock<Vec<(String, Contents)>> = LazyLock::new(|| {
    let many = |archive| match archive {
        Archive::Many(files) => Some(files),
        Archive::One(_) => None,
    };
    fixtures().into_iter().filter_map(|fixture| Some((fixture.name, many(fixture.archive)?))).collect()
});

/// Codecs whose files can be continued in their middle.
const CONTINUED: [&str; 3] = ["none", "gzip", "lz4"];

fn manifest(files: &Contents) -> Manifest {
    Manifest::of(&whole(files, &options()), Timestamp::UNIX_EPOCH, "a test").unwrap()
}

/// Whether somebody had to give up because a file cannot be continued.
fn gave_up(verdict: &Verdict) -> bool {
    verdict.findings.iter().any(|finding| finding.code == Code::StreamTooLong)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_number_of_readers_gives_the_verdict_of_one(
        large in any::<bool>(),
        which in any::<Index>(),
        changes in prop::collection::vec((any::<Index>(), any_change()), 0..4),
        size in prop_oneof![Just(u64::MAX), 1..5000_u64],
        mut allowed in prop::collection::vec(prop_oneof![1..200_u64, 200..50_000_u64], 1..6),
        recorded in any::<bool>(),
    ) {
        let (name, mut files) = which.get(if large { &LARGE } else { &SMALL }).clone();
        let manifest = manifest(&files);
        for (file, one) in changes {
            let name = file.get(&files.keys().cloned().collect::<Vec<_>>()).clone();
            change(files.get_mut(&name).unwrap(), one);
        }
        if large {
            allowed.iter_mut().for_each(|bytes| *bytes = 2000 + *bytes * 4);
        }
        let options = Options { manifest: recorded.then_some(&manifest), ..options() };
        let one = whole(&files, &options);
        let (verdict, _) = in_turns(&files, size, &allowed, &options);
        prop_assert_eq!(&verdict.proofs.intact, &one.proofs.intact, "{}: every byte was compared", name);
        if gave_up(&verdict) {
            prop_assert!(!CONTINUED.contains(&name.as_str()), "{}", name);
            prop_assert_ne!(verdict.answer(Level::Decodable), Answer::Holds);
        } else {
            prop_assert_eq!(essence(verdict), essence(one), "{}", name);
        }
    }
}

#[test]
fn a_large_file_is_continued_in_its_middle_where_its_codec_allows_it() {
    for (name, files) in LARGE.iter() {
        let manifest = manifest(files);
        let options = Options { manifest: Some(&manifest), ..options() };
        let (verdict, turns) = in_turns(files, 20_000, &[30_000], &options);
        assert!(verdict.proofs.intact.is_proven(), "{name}: every byte was compared with the manifest");
        if CONTINUED.contains(&name.as_str()) {
            assert!(turns > 6, "{name}: {turns}");
            assert_eq!(essence(verdict), essence(whole(files, &options)), "{name}");
        } else {
            let told: Vec<_> = verdict.findings.iter().filter(|finding| finding.code == Code::StreamTooLong).collect();
            assert_eq!(told.len(), 2, "{name}: {:?}", verdict.findings);
            assert!(told.iter().all(|finding| finding.file.is_some()));
            assert_eq!(verdict.answer(Level::Decodable), Answer::CouldNotBeChecked, "{name}");
        }
    }
}

#[test]
fn one_changed_byte_of_a_file_that_several_readers_read_is_not_that_of_the_manifest() {
    let (_, files) = &LARGE[0];
    let manifest = manifest(files);
    let options = Options { manifest: Some(&manifest), ..options() };
    let (large, length) = files.iter().map(|(name, bytes)| (name.clone(), bytes.len())).max_by_key(|file| file.1).unwrap();
    for at in [5, length / 2, length - 30] {
        let mut changed = files.clone();
        // A digit of the noise, which no rule of COPY minds.
        let bytes = changed.get_mut(&large).unwrap();
        let at = at + bytes[at..].iter().position(u8::is_ascii_digit).unwrap();
        bytes[at] ^= 1;
        let (verdict, turns) = in_turns(&changed, u64::MAX, &[30_000], &options);
        assert!(turns > 3, "{turns}");
        assert_eq!(verdict.answer(Level::Intact), Answer::DoesNotHold, "byte {at}");
        assert_eq!(essence(verdict), essence(whole(&changed, &options)));
    }
}

#[test]
fn who_has_no_time_left_stops_between_files_or_in_one_and_gets_further_every_time() {
    for (name, files) in LARGE.iter().chain(SMALL.iter()) {
        let mut course = None;
        let mut turns = 0;
        let piece = loop {
            // It is over the second time that somebody looks.
            let looked = Cell::new(0);
            let over = || looked.replace(looked.get() + 1) > 0;
            let allowance = Allowance { bytes: u64::MAX, over: &over };
            turns += 1;
            assert!(turns < 1000, "{name} does not come to an end");
            match turn(files, u64::MAX, &options(), 0, course.take(), Some(allowance)).unwrap().finish() {
                Ok(piece) => break piece,
                Err(unfinished) => course = Some(*unfinished),
            }
        };
        assert!(turns > 1, "{name}: {turns}");
        let (opened, listed) = (InMemory(files), listed(files));
        let source = ListedFiles { files: &opened, listed: &listed };
        let verdict = combine_directory(source, sizes(u64::MAX), &options(), &[piece]).verdict;
        if !gave_up(&verdict) {
            assert_eq!(essence(verdict), essence(whole(files, &options())), "{name}");
        }
    }
}

/// A course in the middle of a file, as JSON, and the directory.
fn half_way(which: usize) -> (Value, &'static Contents) {
    let files = &LARGE[which].1;
    let mut course = None;
    loop {
        let allowance = Allowance { bytes: 40_000, over: &|| false };
        let read = turn(files, u64::MAX, &options(), 0, course, Some(allowance)).unwrap();
        let json = serde_json::to_value(read.finish().unwrap_err()).unwrap();
        if json["open"].is_object() {
            return (json, files);
        }
        course = Some(serde_json::from_value(json).unwrap());
    }
}

/// What a reader makes of a course that was handed on to it, whatever it is.
fn go_on(files: &Contents, course: Value) -> Option<Verdict> {
    let course = turn(files, u64::MAX, &options(), 0, Some(serde_json::from_value(course).ok()?), None)?;
    let piece = course.finish().expect("who is not told to stop reads to the end");
    let (opened, listed) = (InMemory(files), listed(files));
    let source = ListedFiles { files: &opened, listed: &listed };
    Some(combine_directory(source, sizes(u64::MAX), &options(), &[piece]).verdict)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_course_that_was_changed_on_its_way_does_no_harm(
        which in 0..LARGE.len(),
        place in any::<Index>(),
        value in any_value(),
    ) {
        let (mut course, files) = half_way(which);
        replace(&mut course, place, value);
        let _verdict = go_on(files, course);
    }

    #[test]
    fn no_bit_of_what_is_sealed_can_be_changed(which in 0..4_usize, place in any::<Index>(), bit in 0..6_u8) {
        let (mut course, files) = half_way(which);
        flip(&mut course["open"]["so_far"], place, bit);
        prop_assert_eq!(go_on(files, course), None);
    }
}

#[test]
fn only_who_has_the_file_can_go_on_in_its_middle() {
    for which in [0, 1, 3] {
        let (course, files) = half_way(which);
        assert_eq!(essence(go_on(files, course.clone()).unwrap()), essence(whole(files, &options())));
        let at = usize::try_from(course["open"]["at"].as_u64().unwrap()).unwrap();
        let mut other = files.clone();
        for bytes in other.values_mut().filter(|bytes| bytes.len() > at + 4096) {
            bytes[at + 4000] ^= 1;
        }
        assert_eq!(go_on(&other, course), None, "of a file that goes on in another way");
    }
}

#[test]
fn what_is_handed_on_tells_nothing_of_the_data() {
    for which in [0, 1, 3] {
        assert_tells_nothing_of_rows(half_way(which).0, b" vu");
    }
}

/// Every course that is handed on while the only piece of a directory is read.
fn courses(files: &Contents, options: &Options<'_>) -> Vec<DirectoryCourse> {
    let mut courses: Vec<DirectoryCourse> = Vec::new();
    loop {
        let allowance = Allowance { bytes: 40_000, over: &|| false };
        match turn(files, u64::MAX, options, 0, courses.last().cloned(), Some(allowance)).unwrap().finish() {
            Ok(_) => return courses,
            Err(course) => courses.push(*course),
        }
    }
}

fn combined(files: &Contents, options: &Options<'_>, piece: DirectoryPiece) -> Verdict {
    let (opened, listed) = (InMemory(files), listed(files));
    combine_directory(ListedFiles { files: &opened, listed: &listed }, sizes(u64::MAX), options, &[piece]).verdict
}

#[test]
fn of_a_file_that_is_given_up_nothing_is_proven_and_what_came_before_counts() {
    for (name, files) in LARGE.iter() {
        let manifest = manifest(files);
        let options = Options { manifest: Some(&manifest), ..options() };
        for mut course in courses(files, &options) {
            course.give_up("there was no time left");
            let verdict = combined(files, &options, course.finish().unwrap());
            assert!(verdict.findings.iter().any(|finding| finding.sentence == "there was no time left"), "{name}");
            assert!(!verdict.proofs.intact.is_proven(), "{name}: {:?}", verdict.proofs.intact);
            assert!(!verdict.proofs.decodable.is_proven(), "{name}: {:?}", verdict.proofs.decodable);
            assert_ne!(verdict.answer(Level::Intact), Answer::Holds);
        }
    }
}

#[test]
fn damage_that_was_found_in_a_file_stays_found_when_nobody_reads_the_rest() {
    let mut files = LARGE[3].1.clone();
    let manifest = manifest(&files);
    let (_, large) = files.iter_mut().max_by_key(|(_, bytes)| bytes.len()).unwrap();
    let third = large.len() / 3;
    // More than a block, so the length of one, too.
    large[third..][..70_000].fill(0xff);
    let options = Options { manifest: Some(&manifest), ..options() };
    let mut damaged = 0;
    for mut course in courses(&files, &options) {
        // As the state machine does where no invocation can go on.
        let verdict = combined(&files, &options, course.piece().clone());
        assert_ne!(verdict.answer(Level::Present), Answer::Holds);
        assert!(!verdict.proofs.intact.is_proven());
        damaged += usize::from(verdict.answer(Level::Decodable) == Answer::DoesNotHold);
    }
    assert!(damaged > 1, "{damaged}");
    let (verdict, _) = in_turns(&files, u64::MAX, &[40_000], &options);
    assert_eq!(essence(verdict), essence(whole(&files, &options)));
}
