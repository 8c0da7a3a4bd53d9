//! Memory stays within the bound, whatever the archive is or claims to be.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

mod builder;

use std::io::{self, Read, Write};

use builder::Builder;
use flate2::Compression as Level6;
use flate2::write::ZlibEncoder;
use peak_alloc::PeakAlloc;
use pgdump::{Allowance, Answer, Code, Division, Level, Options, PieceSizes, Verdict, combine, verify};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What the verifier may take: buffers, one decoder, and what it keeps of names.
const BOUND: usize = 128_000_000;

/// The verdict, and the bytes of memory that were in use at most while it was found.
fn measured(reader: impl Read, options: &Options<'_>) -> (Verdict, usize) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let verdict = verify(reader, options);
    (verdict, MEMORY.peak_usage().saturating_sub(before))
}

fn decodable() -> Options<'static> {
    Options::to(Level::Decodable)
}

/// One test, because the peak is the process's.
#[test]
fn memory_stays_within_the_bound() {
    lengths_that_lie();
    rows_without_end();
    rows_that_several_readers_read();
    a_table_that_expands_a_thousand_times();
    a_chunk_for_each_byte();
    the_largest_zstd_window();
    more_names_than_are_kept();
}

fn lengths_that_lie() {
    let huge = i32::MAX;
    let archives = [
        ("a count of entries", Builder::new(14, 0).header().integer(huge).done()),
        ("a count of entries within the limit", Builder::new(14, 0).header().integer(999_999).done()),
        ("a database's name", Builder::new(14, 0).preamble().integer(huge).done()),
        ("a name", Builder::new(14, 0).header().integer(1).integer(5).integer(1).text("0").text("0").integer(huge).done()),
        ("a chunk", Builder::new(14, 0).one_table().byte(1).integer(5).integer(huge).done()),
        ("a chunk of zlib", Builder::new(14, 6).one_table().byte(1).integer(5).integer(huge).done()),
    ];
    for (what, bytes) in archives {
        let (verdict, peak) = measured(bytes.as_slice(), &decodable());
        assert_ne!(verdict.answer(Level::Decodable), Answer::Holds, "{what}");
        assert!(peak < 2_000_000, "{what}: {peak} bytes of memory");
    }
}

/// An archive of so many megabytes of rows, made while it is read.
struct Endless {
    beginning: io::Cursor<Vec<u8>>,
    chunk: Vec<u8>,
    at: usize,
    left: usize,
    end: io::Cursor<Vec<u8>>,
}

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.beginning.read(out)?;
        if count > 0 || self.left == 0 {
            return if count > 0 { Ok(count) } else { self.end.read(out) };
        }
        let count = (&self.chunk[self.at..]).read(out)?;
        self.at += count;
        if self.at == self.chunk.len() {
            (self.at, self.left) = (0, self.left - 1);
        }
        Ok(count)
    }
}

fn rows_without_end() {
    let rows = "1\tsome text\n".repeat(90_000);
    let chunk = Builder::new(14, 0).chunk(rows.as_bytes()).done();
    let beginning = Builder::new(14, 0).one_table().byte(1).integer(5).done();
    let end = Builder::new(14, 0).chunk(b"\\.\n\n\n").integer(0).done();
    let endless = Endless { beginning: io::Cursor::new(beginning), chunk, at: 0, left: 400, end: io::Cursor::new(end) };
    let (verdict, peak) = measured(endless, &decodable());
    assert_eq!(verdict.answer(Level::Decodable), Answer::Holds, "{:?}", verdict.findings);
    assert_eq!(verdict.tables[0].rows, Some(36_000_000));
    assert!(peak < 2_000_000, "{peak} bytes of memory for {} bytes", verdict.bytes_read);
}

/// Each with what the one before handed on, and the decoder that can be continued.
fn rows_that_several_readers_read() {
    let mut encoder = ZlibEncoder::new(Vec::new(), Level6::fast());
    for row in 0..2_000_000_u64 {
        writeln!(encoder, "{row}\t{:x}", row.wrapping_mul(0x9e37_79b9_7f4a_7c15)).unwrap();
    }
    encoder.write_all(b"\\.\n\n\n").unwrap();
    let stream = encoder.finish().unwrap();
    let begun = Builder::new(14, 6).one_table().byte(1).integer(5);
    let bytes = stream.chunks(4096).fold(begun, Builder::chunk).integer(0).done();
    let (options, sizes) = (decodable(), PieceSizes { bytes: u64::MAX, most: 1 });
    let length = bytes.len() as u64;
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let divide = || Division::of(bytes.as_slice(), length, sizes, &options);
    let mut course = divide().course(0).unwrap();
    let piece = loop {
        let from = usize::try_from(divide().begins_at(&course)).unwrap();
        let allowance = Allowance { bytes: length / 7, over: &|| false };
        match divide().read_on(0, course, &bytes[from..], Some(allowance)).unwrap().finish() {
            Ok(piece) => break piece,
            Err(unfinished) => course = *unfinished,
        }
    };
    let peak = MEMORY.peak_usage().saturating_sub(before);
    let verdict = combine(bytes.as_slice(), length, sizes, &options, &[piece]).verdict;
    assert_eq!(verdict.answer(Level::Decodable), Answer::Holds, "{:?}", verdict.findings);
    assert!(peak < 2_000_000, "{peak} bytes of memory for {length} bytes");
}

fn a_table_that_expands_a_thousand_times() {
    let mut encoder = ZlibEncoder::new(Vec::new(), Level6::best());
    let rows = "1\t\n".repeat(100_000);
    (0..500).for_each(|_| encoder.write_all(rows.as_bytes()).unwrap());
    encoder.write_all(b"\\.\n\n\n").unwrap();
    let stream = encoder.finish().unwrap();
    let bytes = Builder::new(14, 6).one_table().byte(1).integer(5).chunk(&stream).integer(0).done();
    let (verdict, peak) = measured(bytes.as_slice(), &decodable());
    assert_eq!(
        (verdict.answer(Level::Decodable), verdict.tables[0].rows),
        (Answer::Holds, Some(50_000_000)),
        "{:?}",
        verdict.findings
    );
    assert!(verdict.tables[0].bytes > 300 * bytes.len() as u64);
    assert!(peak < 2_000_000, "{peak} bytes of memory");
}

fn a_chunk_for_each_byte() {
    let mut encoder = ZlibEncoder::new(Vec::new(), Level6::none());
    encoder.write_all("1\t\n".repeat(100_000).as_bytes()).unwrap();
    encoder.write_all(b"\\.\n\n\n").unwrap();
    let begun = Builder::new(14, 6).one_table().byte(1).integer(5);
    let bytes = encoder.finish().unwrap().chunks(1).fold(begun, Builder::chunk).integer(0).done();
    let (verdict, peak) = measured(bytes.as_slice(), &decodable());
    assert_eq!(verdict.answer(Level::Decodable), Answer::Holds, "{:?}", verdict.findings);
    assert!(peak < 2_000_000, "{peak} bytes of memory");
}

fn the_largest_zstd_window() {
    let frame = |window: u32| {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.set_parameter(zstd::zstd_safe::CParameter::WindowLog(window)).unwrap();
        encoder.include_contentsize(false).unwrap();
        // As much as the window, or the decoder would not need all of it.
        let rows = "1\t\n".repeat(1 << 20);
        (0..30).for_each(|_| encoder.write_all(rows.as_bytes()).unwrap());
        encoder.write_all(b"\\.\n\n\n").unwrap();
        encoder.finish().unwrap()
    };
    let archive = |window| Builder::new(16, 3).one_table().byte(1).integer(5).chunk(&frame(window)).integer(0).done();
    let (sound, too_large) = (archive(26), archive(27));
    let (verdict, peak) = measured(sound.as_slice(), &decodable());
    assert_eq!(verdict.answer(Level::Decodable), Answer::Holds, "{:?}", verdict.findings);
    assert!(peak < BOUND, "{peak} bytes of memory");
    // PeakAlloc does not see what the C library allocates, so its window is held to the limit instead.
    let (verdict, _) = measured(too_large.as_slice(), &decodable());
    assert_eq!(verdict.findings[0].code, Code::LimitReached);
}

fn more_names_than_are_kept() {
    let mut builder = Builder::new(14, 0).header().integer(900_000);
    let name = "n".repeat(60);
    builder = builder.encoding(1);
    for id in 2..=900_000 {
        builder = builder.table_data(id, &name);
    }
    let bytes = builder.done();
    let (verdict, peak) = measured(bytes.as_slice(), &decodable());
    assert_eq!((verdict.findings.len(), verdict.findings[0].code), (1, Code::LimitReached), "{:?}", verdict.findings);
    assert!(peak < BOUND, "{peak} bytes of memory");
}
