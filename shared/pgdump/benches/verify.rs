//! How fast archives are verified, beside `pg_restore -f /dev/null` and beside the codec's decoder alone, fed chunk by chunk, on the same
//! file in the same run. Of uncompressed data there is no decoder: there it is reading alone, and pg_restore copies what it reads and
//! checks nothing.
//!
//!     cargo bench -p pgdump                      # 256 MB of rows per compression
//!     cargo bench -p pgdump -- 1000              # 1,000 MB
//!     PG_RESTORE=/usr/lib/postgresql/17/bin/pg_restore cargo bench -p pgdump
//!
//! The archives are of version 1.15, so a pg_restore of 16 or later is needed, and one that was built with lz4 and zstd for those.
//! Every figure is the best of three runs, taken in turn, each in a process of its own, with the file in the page cache.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

#[path = "../tests/builder/mod.rs"]
mod builder;
mod decoding;
mod rows;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use builder::Builder;
use flate2::write::ZlibEncoder;
use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
use pgdump::{Answer, Level, Options, verify};

const RUNS: usize = 3;
/// A table of its own for each of these many megabytes.
const TABLE_MB: usize = 64;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.as_slice() {
        [word, path] if word == "verify" => verify_once(Path::new(path)),
        [word, path, codec, from] if word == "decode" => decode_once(Path::new(path), codec, from.parse().unwrap()),
        [] => compare(256),
        [megabytes] => compare(megabytes.parse().expect("the argument is a number of megabytes")),
        _ => panic!("one argument: a number of megabytes"),
    }
}

/// The child's work: one verification, and what it took.
fn verify_once(path: &Path) {
    let start = Instant::now();
    let verdict = verify(File::open(path).unwrap(), &Options::to(Level::Decodable));
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(verdict.answer(Level::Decodable), Answer::Holds, "{:?}", verdict.findings);
    println!("{seconds} {}", peak_kilobytes("self").unwrap());
}

/// The same of decoding alone, and how many bytes came.
fn decode_once(path: &Path, codec: &str, from: u64) {
    let start = Instant::now();
    let decoded = decoding::decode(path, codec, from).unwrap();
    println!("{} {} {decoded}", start.elapsed().as_secs_f64(), peak_kilobytes("self").unwrap());
}

/// The most memory that a process had so far.
fn peak_kilobytes(process: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}

struct Measure {
    seconds: f64,
    kilobytes: u64,
}

/// What a child of this program measures, and what else it says.
fn child(word: &str, path: &Path, more: &[&str]) -> (Measure, Option<u64>) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.arg(word).arg(path).args(more).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let mut said = text.split_whitespace();
    let (seconds, kilobytes) = (said.next().unwrap().parse().unwrap(), said.next().unwrap().parse().unwrap());
    (Measure { seconds, kilobytes }, said.next().map(|bytes| bytes.parse().unwrap()))
}

fn ours(path: &Path) -> Measure {
    child("verify", path, &[]).0
}

fn decoder(path: &Path, codec: Codec, written: &Written) -> Measure {
    let (measure, decoded) = child("decode", path, &[codec.name(), &written.contents.to_string()]);
    assert_eq!(decoded, Some(written.rows), "not every row was decoded");
    measure
}

/// `None` when this pg_restore cannot read the archive.
fn pg_restore(program: &Path, path: &Path) -> Option<Measure> {
    let start = Instant::now();
    let mut child = Command::new(program).args(["-f", "/dev/null"]).arg(path).stderr(Stdio::null()).spawn().ok()?;
    let mut kilobytes = 0;
    loop {
        kilobytes = peak_kilobytes(&child.id().to_string()).unwrap_or(kilobytes).max(kilobytes);
        if let Some(status) = child.try_wait().unwrap() {
            return status.success().then(|| Measure { seconds: start.elapsed().as_secs_f64(), kilobytes });
        }
        sleep(Duration::from_millis(2));
    }
}

fn best(measures: impl IntoIterator<Item = Measure>) -> Option<Measure> {
    measures.into_iter().reduce(|left, right| Measure {
        seconds: left.seconds.min(right.seconds),
        kilobytes: left.kilobytes.max(right.kilobytes),
    })
}

fn compare(megabytes: usize) {
    let program = PathBuf::from(std::env::var_os("PG_RESTORE").unwrap_or_else(|| "pg_restore".into()));
    let version = Command::new(&program).arg("--version").output();
    let version =
        version.map_or_else(|error| error.to_string(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    println!("beside {version}");
    println!("rows: {megabytes} MB for each compression, in tables of {TABLE_MB} MB");
    println!(
        "{:<8} {:<5} {:>8} {:>10} {:>10} {:>10} {:>13} {:>16} {:>10} {:>7}",
        "rows",
        "codec",
        "file MB",
        "MB/s file",
        "MB/s rows",
        "memory MB",
        "decoder MB/s",
        "pg_restore MB/s",
        "memory MB",
        "faster"
    );
    for kind in rows::Kind::ALL {
        for codec in [Codec::Gzip, Codec::Zstd, Codec::Lz4, Codec::None] {
            line(kind, codec, megabytes, &program);
        }
    }
}

fn line(kind: rows::Kind, codec: Codec, megabytes: usize, program: &Path) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{}.dump", codec.name()));
    let written = write_archive(&path, kind, codec, megabytes).unwrap();
    let file = fs::metadata(&path).unwrap().len();
    let (mut mine, mut decoding, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        mine.push(ours(&path));
        decoding.push(decoder(&path, codec, &written));
        theirs.extend(pg_restore(program, &path));
    }
    fs::remove_file(&path).unwrap();
    let (mine, decoding) = (best(mine).unwrap(), best(decoding).unwrap());
    let rate = |bytes: u64, seconds: f64| bytes as f64 / 1e6 / seconds;
    print!(
        "{:<8} {:<5} {:>8.0} {:>10.0} {:>10.0} {:>10.1} {:>13.0}",
        kind.name(),
        codec.name(),
        file as f64 / 1e6,
        rate(file, mine.seconds),
        rate(written.rows, mine.seconds),
        mine.kilobytes as f64 / 1e3,
        rate(file, decoding.seconds)
    );
    match best(theirs) {
        Some(theirs) => println!(
            " {:>16.0} {:>10.1} {:>6.2}x",
            rate(file, theirs.seconds),
            theirs.kilobytes as f64 / 1e3,
            theirs.seconds / mine.seconds
        ),
        None => println!(" {:>16}", "cannot read it"),
    }
}

#[derive(Clone, Copy)]
enum Codec {
    None,
    Gzip,
    Lz4,
    Zstd,
}

impl Codec {
    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// The algorithm's number in the header, and the size of pg_dump's chunks.
    fn in_archive(self) -> (u8, usize) {
        match self {
            Self::None => (0, 128 << 10),
            Self::Gzip => (1, 4096),
            Self::Lz4 => (2, 64 << 10),
            Self::Zstd => (3, 128 << 10),
        }
    }
}

/// Compresses as pg_dump does by default.
fn compress(codec: Codec, rows: &[u8]) -> io::Result<Vec<u8>> {
    match codec {
        Codec::None => Ok(rows.to_vec()),
        Codec::Gzip => {
            let mut encoder = ZlibEncoder::new(Vec::new(), flate2::Compression::new(6));
            encoder.write_all(rows)?;
            encoder.finish()
        }
        Codec::Lz4 => {
            let frame = FrameInfo::new().block_mode(BlockMode::Linked).block_size(BlockSize::Max64KB);
            let mut encoder = FrameEncoder::with_frame_info(frame, Vec::new());
            encoder.write_all(rows)?;
            encoder.finish().map_err(io::Error::other)
        }
        Codec::Zstd => zstd::encode_all(rows, 3),
    }
}

/// An archive on disk, in bytes.
struct Written {
    /// Header and table of contents.
    contents: u64,
    /// All rows, not compressed.
    rows: u64,
}

fn write_archive(path: &Path, kind: rows::Kind, codec: Codec, megabytes: usize) -> io::Result<Written> {
    let tables = i32::try_from(megabytes.div_ceil(TABLE_MB)).unwrap();
    let (algorithm, chunk) = codec.in_archive();
    let mut builder = Builder::new(15, algorithm).header().integer(tables + 1).encoding(1);
    for table in 0..tables {
        builder = builder.table_data_of(10 + table, &format!("rows_{table}"), kind.columns());
    }
    let mut file = io::BufWriter::new(File::create(path)?);
    let contents = builder.done();
    file.write_all(&contents)?;
    let mut raw = 0;
    for table in 0..tables {
        let mut rows = kind.rows(u64::from(table.unsigned_abs()) + 1, TABLE_MB.min(megabytes) * 1_000_000);
        rows.extend(b"\\.\n\n\n");
        raw += rows.len() as u64;
        let mut block = Builder::new(15, algorithm).byte(1).integer(10 + table);
        for piece in compress(codec, &rows)?.chunks(chunk) {
            block = block.chunk(piece);
        }
        file.write_all(&block.integer(0).done())?;
    }
    file.flush()?;
    Ok(Written { contents: contents.len() as u64, rows: raw })
}
