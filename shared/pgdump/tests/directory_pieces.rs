//! However a directory is damaged and divided: its pieces, put together, give the verdict of one reading.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

mod common;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::sync::LazyLock;

use common::directories::{Contents, essence, options, sizes, whole};
use common::{Archive, Fixture, InMemory, any_change, change, fixture, fixtures};
use data_encoding::BASE64;
use jiff::Timestamp;
use pgdump::{
    Answer, Code, DirectoryDivision, DirectoryPiece, FileSizes, Files, Level, ListedFile, ListedFiles, Manifest, Options,
    PieceSizes, Proof, Verdict, combine_directory, verify_directory,
};
use proptest::prelude::*;
use proptest::sample::Index;

fn listed(files: &Contents) -> Vec<ListedFile> {
    let listed = |(name, bytes): (&String, &Vec<u8>)| ListedFile {
        name: name.clone(),
        bytes: bytes.len() as u64,
        tag: {
            let mut hasher = DefaultHasher::new();
            bytes.hash(&mut hasher);
            hasher.finish().to_string()
        },
    };
    files.iter().map(listed).collect()
}

/// Divides anew for every piece, as readers do that know nothing of each other, and sends what they say through JSON.
fn read_pieces(files: &Contents, size: FileSizes, options: &Options<'_>) -> Vec<DirectoryPiece> {
    let (opened, listed) = (InMemory(files), listed(files));
    let divide = || DirectoryDivision::of(ListedFiles { files: &opened, listed: &listed }, size, options);
    let read = |number: usize| {
        let (piece, _) = divide().read(number).unwrap();
        let json = serde_json::to_string(&piece).unwrap();
        let again: DirectoryPiece = serde_json::from_str(&json).unwrap();
        assert_eq!(piece, again, "{json}");
        again
    };
    (0..divide().pieces()).map(read).collect()
}

fn together(files: &Contents, size: FileSizes, options: &Options<'_>, pieces: &[DirectoryPiece]) -> Verdict {
    let (opened, listed) = (InMemory(files), listed(files));
    combine_directory(ListedFiles { files: &opened, listed: &listed }, size, options, pieces).verdict
}

fn in_pieces(files: &Contents, size: FileSizes, options: &Options<'_>) -> Verdict {
    let mut pieces = read_pieces(files, size, options);
    // In whatever order they come.
    pieces.reverse();
    together(files, size, options, &pieces)
}

static DIRECTORIES: LazyLock<Vec<(String, Contents)>> = LazyLock::new(|| {
    let directory = |fixture: Fixture| match fixture.archive {
        Archive::Many(files) => Some((fixture.name, files)),
        Archive::One(_) => None,
    };
    fixtures().into_iter().filter_map(directory).collect()
});

fn directory(name: &str) -> Contents {
    let Archive::Many(files) = fixture(name) else { panic!("{name} is no directory") };
    files
}

fn manifest(files: &Contents) -> Manifest {
    Manifest::of(&whole(files, &options()), Timestamp::UNIX_EPOCH, "a test").unwrap()
}

/// What happens to a directory, to which file and from which.
type Change = (u8, Index, Index, common::Change);

fn changes(most: usize) -> impl Strategy<Value = Vec<Change>> {
    prop::collection::vec((0..8_u8, any::<Index>(), any::<Index>(), any_change()), 0..most)
}

/// Bytes changed, cut and doubled, files lost, mixed up, there twice, and some that have no business there.
fn changed(files: &Contents, changes: &[Change]) -> Contents {
    let mut files = files.clone();
    for (kind, one, other, bytes) in changes {
        let names: Vec<String> = files.keys().cloned().collect();
        if names.is_empty() {
            break;
        }
        let name = &names[one.index(names.len())];
        let content = files[&names[other.index(names.len())]].clone();
        match kind {
            0..4 => change(files.get_mut(name).unwrap(), *bytes),
            4 => drop(files.remove(name)),
            5 => drop(files.insert(name.clone(), content)),
            _ => drop(files.insert(unexpected(name, bytes.2), content)),
        }
    }
    files
}

/// A name that pg_dump could have given to another file, or could not.
fn unexpected(name: &str, which: u8) -> String {
    let stem = name.trim_end_matches(".gz").trim_end_matches(".lz4").trim_end_matches(".zst");
    match which % 8 {
        0 => format!("blob_{which}.dat"),
        1 => format!("blob_{which}.dat.gz"),
        2 => format!("{name}.gz"),
        3 => stem.to_owned(),
        4 => format!("{stem}.zst"),
        5 => "blobs.toc".to_owned(),
        6 => format!("{which}.dat"),
        _ => "README".to_owned(),
    }
}

fn any_directory() -> impl Strategy<Value = (String, Contents)> {
    any::<Index>().prop_map(|index| index.get(&DIRECTORIES).clone())
}

fn any_size() -> impl Strategy<Value = FileSizes> {
    prop_oneof![Just(1_u64), 1..500_u64, 500..100_000_u64].prop_map(sizes)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_division_of_any_directory_gives_the_verdict_of_one_reading(
        (name, files) in any_directory(),
        changes in changes(4),
        size in any_size(),
    ) {
        let files = changed(&files, &changes);
        prop_assert_eq!(essence(in_pieces(&files, size, &options())), essence(whole(&files, &options())), "{}", name);
    }

    #[test]
    fn with_a_manifest_the_bytes_of_every_file_are_compared_where_it_is_read(
        (name, files) in any_directory(),
        changes in changes(3),
        size in any_size(),
        decodes in any::<bool>(),
    ) {
        let manifest = manifest(&files);
        let level = if decodes { Level::Consistent } else { Level::Intact };
        let options = Options { level, manifest: Some(&manifest), fingerprints: false, ..options() };
        let changed = changed(&files, &changes);
        let one = whole(&changed, &options);
        let verdict = in_pieces(&changed, size, &options);
        prop_assert_eq!(verdict.answer(level) == Answer::Holds, one.answer(level) == Answer::Holds);
        prop_assert_eq!(essence(verdict), essence(one), "{}", name);
    }

    #[test]
    fn a_piece_that_is_missing_is_never_passed_over_and_the_others_still_show_damage(
        (_, files) in any_directory(),
        size in 1..500_u64,
        lost in any::<Index>(),
        level in prop_oneof![Just(Level::Intact), Just(Level::Decodable)],
        damaged in any::<bool>(),
    ) {
        let manifest = manifest(&files);
        let mut files = files;
        let options = Options { level, manifest: Some(&manifest), ..options() };
        let sound = read_pieces(&files, sizes(size), &options);
        prop_assume!(sound.len() > 1);
        let lost = lost.index(sound.len());
        if damaged {
            // The last byte of everything, so also of a file that was not lost.
            files.iter_mut().filter(|(name, _)| name.ends_with(".gz")).for_each(|(_, bytes)| bytes.truncate(bytes.len() - 1));
        }
        let mut pieces = read_pieces(&files, sizes(size), &options);
        prop_assume!(pieces.len() > lost);
        pieces.remove(lost);
        let verdict = together(&files, sizes(size), &options, &pieces);
        let told = verdict.findings.iter().filter(|finding| finding.code == Code::PieceMissing).count();
        prop_assert_eq!(told, 1, "{:?}", verdict.findings);
        if !damaged {
            prop_assert_eq!(verdict.findings.len(), 1, "{:?}", verdict.findings);
            prop_assert_eq!(verdict.answer(level), Answer::CouldNotBeChecked);
            prop_assert!(matches!(verdict.proofs.intact, Proof::NotChecked(_)), "{:?}", verdict.proofs.intact);
        }
        prop_assert_ne!(verdict.answer(level), Answer::Holds);
        prop_assert!(verdict.level < Some(level));
    }
}

#[test]
fn the_fixtures_divide_into_as_many_pieces_as_files() {
    assert!(DIRECTORIES.len() >= 5, "{}", DIRECTORIES.len());
    for (name, files) in DIRECTORIES.iter() {
        let pieces = read_pieces(files, sizes(1), &options());
        let one = whole(files, &options());
        assert_eq!(pieces.len() as u64, one.tables.len() as u64 + one.large_objects.count, "{name}");
        assert_eq!(one.answer(Level::Decodable), Answer::Holds, "{name}");
        assert_eq!(essence(together(files, sizes(1), &options(), &pieces)), essence(one), "{name}");
    }
}

#[test]
fn pieces_are_of_the_size_that_was_asked_for_and_no_more_than_allowed() {
    let files = directory("18.4/directory-gzip");
    let (opened, listed) = (InMemory(&files), listed(&files));
    let source = ListedFiles { files: &opened, listed: &listed };
    for (bytes, most, opening) in
        [(1, 3, 0), (500, 2, 0), (1, 10_000, 0), (u64::MAX, 1, 0), (100, 100, 60), (2_000, 100, 500)]
    {
        let sizes = FileSizes { pieces: PieceSizes { bytes, most }, opening };
        let options = options();
        let division = DirectoryDivision::of(source, sizes, &options);
        assert!(division.pieces() <= 2 * most as usize, "{} pieces, not {most}", division.pieces());
        let read: Vec<_> = (0..division.pieces()).map(|piece| division.read(piece).unwrap().1).collect();
        let costs = read.iter().map(|files| files.iter().map(|file| file.bytes + opening).sum::<u64>());
        assert_eq!(costs.max(), Some(division.largest()));
        let largest = listed.iter().map(|file| file.bytes + opening).max().unwrap();
        if most >= 100 {
            assert!(division.largest() <= bytes.max(largest), "{} in a piece of {bytes}", division.largest());
        }
        let mut names: Vec<_> = read.iter().flatten().map(|file| file.name.clone()).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count, "no file is in two pieces");
        assert!(division.read(division.pieces()).is_none());
    }
}

#[test]
fn a_directory_that_changed_is_not_put_together_from_two() {
    let files = directory("15.18/directory-gzip");
    let manifest = manifest(&files);
    let options = Options { manifest: Some(&manifest), ..options() };
    let size = sizes(200);
    let pieces = read_pieces(&files, size, &options);
    assert_eq!(together(&files, size, &options, &pieces).answer(Level::Consistent), Answer::Holds);
    let (opened, listed) = (InMemory(&files), listed(&files));
    let source = ListedFiles { files: &opened, listed: &listed };
    let stamp = |size: u64| DirectoryDivision::of(source, sizes(size), &options).stamp();
    assert_eq!((stamp(200), stamp(200) == stamp(300)), (stamp(200), false), "pieces of one number are other files");
    let name = files.keys().find(|name| name.ends_with(".dat.gz")).unwrap();
    let mut other = files.clone();
    // As large as before, and its pieces would be sound.
    other.get_mut(name).unwrap()[9] ^= 1;
    for (what, found) in [
        ("a file", together(&other, size, &options, &pieces)),
        ("the division", together(&files, sizes(300), &options, &pieces)),
        ("the manifest", together(&files, size, &self::options(), &pieces)),
    ] {
        assert_eq!(found.answer(Level::Decodable), Answer::CouldNotBeChecked, "{what}: {:?}", found.findings);
        assert!(found.findings.iter().all(|finding| finding.code == Code::PieceMissing), "{what}: {:?}", found.findings);
    }
}

#[test]
fn a_piece_that_says_of_files_what_they_cannot_hold_is_not_believed() {
    let files = directory("15.18/directory-gzip");
    let pieces = read_pieces(&files, sizes(u64::MAX), &options());
    let honest = serde_json::to_value(&pieces[0]).unwrap();
    let made_up = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut json = honest.clone();
        change(&mut json);
        match serde_json::from_value::<DirectoryPiece>(json) {
            Ok(piece) => together(&files, sizes(u64::MAX), &options(), &[piece]).answer(Level::Decodable),
            Err(_) => Answer::CouldNotBeChecked,
        }
    };
    assert_eq!(made_up(&|_| {}), Answer::Holds);
    // One with nothing in it, a large object for a table, a summed run of 2^60, a number that does not end, more files than there are.
    for text in ["", "AwE=", "BICAgICAgICAEA==", "gICA", &format!("{}AAAA", honest["files"].as_str().unwrap())] {
        assert_eq!(made_up(&|json| json["files"] = text.into()), Answer::CouldNotBeChecked, "{text}");
    }
    // What the first table holds, said to be uncounted rows, and to be a large object: two numbers behind the kind, of which one goes.
    let told = BASE64.decode(honest["files"].as_str().unwrap().as_bytes()).unwrap();
    let ends: Vec<usize> = told.iter().enumerate().filter(|(_, byte)| **byte < 0x80).map(|(at, _)| at + 1).take(3).collect();
    assert_eq!((told[0], ends.len()), (2, 3));
    for kind in [1, 3] {
        let other = BASE64.encode(&[&[kind], &told[1..ends[1]], &told[ends[2]..]].concat());
        assert_eq!(made_up(&|json| json["files"] = other.clone().into()), Answer::CouldNotBeChecked, "{kind}");
    }
    // Nothing, without a word on why; and that it is not the manifest's, without a word on how.
    for (kind, rest) in [(0, &told[ends[2]..]), (2 | 1 << 4, &told[1..])] {
        let other = BASE64.encode(&[&[kind], rest].concat());
        assert_eq!(made_up(&|json| json["files"] = other.clone().into()), Answer::CouldNotBeChecked, "{kind}");
    }
    // Findings of no file.
    let finding = serde_json::json!({"code": "stream_invalid", "sentence": "made up"});
    assert_eq!(made_up(&|json| json["findings"] = vec![finding.clone()].into()), Answer::CouldNotBeChecked);
    let difference = serde_json::json!({"file": 0, "how": finding});
    assert_eq!(made_up(&|json| json["differences"] = vec![difference.clone()].into()), Answer::CouldNotBeChecked);
    assert_eq!(made_up(&|json| json["number"] = 1.into()), Answer::CouldNotBeChecked);
    assert_eq!(made_up(&|json| json["stamp"] = "0".repeat(64).into()), Answer::CouldNotBeChecked);
}

/// A directory of which one file cannot be read to its end.
struct Failing<'a>(&'a Contents, &'a str);

impl Files for Failing<'_> {
    fn names(&self) -> io::Result<Vec<String>> {
        InMemory(self.0).names()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        let bytes = self.0.get(name).ok_or(io::ErrorKind::NotFound)?;
        let half = &bytes[..bytes.len() / 2];
        Ok(if name == self.1 { Box::new(half.chain(Broken)) } else { Box::new(bytes.as_slice()) })
    }
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the connection was reset"))
    }
}

#[test]
fn a_file_whose_bytes_stop_coming_is_told_and_no_damage() {
    let files = directory("18.4/directory-gzip");
    let manifest = manifest(&files);
    let options = Options { manifest: Some(&manifest), ..options() };
    let (opened, listed) = (InMemory(&files), listed(&files));
    let source = ListedFiles { files: &opened, listed: &listed };
    for size in [1, 300, u64::MAX] {
        for broken in files.keys().filter(|name| name.contains(".dat.")) {
            let failing = Failing(&files, broken);
            let failing = ListedFiles { files: &failing, listed: &listed };
            let division = DirectoryDivision::of(failing, sizes(size), &options);
            let pieces: Vec<_> = (0..division.pieces()).map(|piece| division.read(piece).unwrap().0).collect();
            let told = |piece: &&DirectoryPiece| serde_json::to_string(piece).unwrap().contains("unreadable");
            assert_eq!(pieces.iter().filter(told).count(), 1, "{broken}");
            let verdict = combine_directory(source, sizes(size), &options, &pieces).verdict;
            assert_eq!(verdict.answer(Level::Intact), Answer::CouldNotBeChecked, "{broken}: {:?}", verdict.findings);
            let one = verify_directory(&failing, &options);
            assert_eq!(essence(verdict), essence(one), "{broken}");
        }
    }
}

#[test]
fn a_piece_with_little_room_tells_less_and_proves_the_same() {
    let mut files = directory("18.4/directory-gzip");
    let manifest = manifest(&files);
    for (_, bytes) in files.iter_mut().filter(|(name, _)| name.ends_with(".gz")) {
        bytes.pop();
    }
    let options = Options { manifest: Some(&manifest), ..options() };
    let size = sizes(u64::MAX);
    let mut pieces = read_pieces(&files, size, &options);
    let all = together(&files, size, &options, &pieces);
    assert!(all.findings.len() > 20, "{:?}", all.findings);
    let before = serde_json::to_vec(&pieces[0]).unwrap().len();
    assert!(pieces[0].fits(before / 2));
    assert!(serde_json::to_vec(&pieces[0]).unwrap().len() <= before / 2);
    let less = together(&files, size, &options, &pieces);
    assert!(less.findings.len() < all.findings.len());
    assert_eq!(less.findings.len() as u64 + less.further_findings, all.findings.len() as u64 + all.further_findings);
    assert_eq!((less.level, &less.proofs), (all.level, &all.proofs));
    assert_eq!((less.tables, less.large_objects), (all.tables, all.large_objects));
    assert!(!pieces[0].fits(20), "what proves something is never left out");
}

/// A sound directory with so many large objects more.
fn with_objects(count: u32) -> Contents {
    let mut files = directory("15.18/directory-gzip");
    let template = files.iter().find(|(name, _)| name.starts_with("blob_")).unwrap().1.clone();
    let list = files.get_mut("blobs.toc").unwrap();
    for id in 1_000_000..1_000_000 + count {
        list.extend(format!("{id} blob_{id}.dat\n").bytes());
    }
    for id in 1_000_000..1_000_000 + count {
        files.insert(format!("blob_{id}.dat.gz"), template.clone());
    }
    files
}

#[test]
fn what_is_said_of_large_objects_does_not_grow_with_their_number() {
    let files = with_objects(3_000);
    let size = sizes(20_000);
    let mut pieces = read_pieces(&files, size, &options());
    assert!(pieces.len() > 3, "{}", pieces.len());
    let one = whole(&files, &options());
    assert_eq!(essence(together(&files, size, &options(), &pieces)), essence(one.clone()));
    for piece in &mut pieces {
        let room = 300 + 12 * piece.tables();
        assert!(piece.fits(room), "{}", serde_json::to_string(piece).unwrap());
    }
    let summed = essence(together(&files, size, &options(), &pieces));
    assert_eq!(summed, essence(one), "the sum is that of the parts");
    // One that no list names was added to the others: that is damage, and the sum is not claimed.
    let mut other = files;
    other.insert("blob_77.dat.gz".to_owned(), other["blob_1000000.dat.gz"].clone());
    let mut pieces = read_pieces(&other, size, &options());
    pieces.iter_mut().for_each(|piece| assert!(piece.fits(300 + 12 * piece.tables())));
    let summed = together(&other, size, &options(), &pieces);
    assert_eq!(summed.answer(Level::Decodable), Answer::DoesNotHold);
    assert!(summed.not_checked.iter().any(|text| text.contains("no list names")), "{:?}", summed.not_checked);
}

#[test]
fn a_file_that_would_be_a_tables_and_a_large_objects_is_read_as_neither() {
    for name in ["blob_50002.dat", "blob_7.dat", "blob_7.dat.gz"] {
        let mut files = directory("15.18/directory-gzip");
        let written = |name: &str| [&[0, u8::try_from(name.len()).unwrap(), 0, 0, 0], name.as_bytes()].concat();
        let (old, new) = (written("3398.dat"), written(name));
        let contents = files.get_mut("toc.dat").unwrap();
        let at = contents.windows(old.len()).position(|window| window == old).unwrap();
        contents.splice(at..at + old.len(), new);
        let one = whole(&files, &options());
        assert_eq!(one.answer(Level::Decodable), Answer::DoesNotHold, "{name}");
        assert_eq!(one.findings[0].code, Code::ContentsInvalid, "{name}: {:?}", one.findings);
        assert_eq!(essence(in_pieces(&files, sizes(1), &options())), essence(one), "{name}");
    }
}
