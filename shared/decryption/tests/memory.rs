//! Memory does not grow with an encrypted archive.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

#[path = "../../pgdump/tests/builder/mod.rs"]
mod builder;
mod common;

use age::x25519::Identity;
use builder::Builder;
use common::messages::{Given32, Writer};
use common::{encrypted, identities};
use decryption::{EncryptionContext, Envelope};
use peak_alloc::PeakAlloc;
use pgdump::{Answer, Division, Keys, Level, Options, PieceSizes, Verdict, combine, verify};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Buffers of the verifier for the encrypted and for the decrypted bytes, a decoder, and one piece of age or a frame of 4 KiB.
const BOUND: usize = 2_000_000;

/// As large as a frame may be, beside what the verifier takes.
const LARGEST_FRAME: usize = 32 << 20;

fn archive() -> Vec<u8> {
    let rows = "1\tsome text\n".repeat(90_000);
    let chunks =
        (0..6).fold(Builder::new(14, 0).one_table().byte(1).integer(5), |archive, _| archive.chunk(rows.as_bytes()));
    chunks.chunk(b"\\.\n\n\n").integer(0).done()
}

fn takes_less_than(bound: usize, bytes: &[u8], keys: &dyn Keys) {
    let options = Options { keys: Some(keys), fingerprints: true, ..Options::to(Level::Decodable) };
    let verdict = bounded(bound, || verify(bytes, &options));
    assert_eq!(verdict.bytes_read, bytes.len() as u64);
    let (length, sizes) = (bytes.len() as u64, PieceSizes { bytes: 1, most: 1 });
    bounded(bound, || {
        let division = Division::of(bytes, length, sizes, &options);
        assert!(division.is_opened());
        let piece = division.read(0, bytes).unwrap();
        combine(bytes, length, sizes, &options, &[piece]).verdict
    });
}

fn bounded(bound: usize, verified: impl Fn() -> Verdict) -> Verdict {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let verdict = verified();
    let peak = MEMORY.peak_usage().saturating_sub(before);
    assert_eq!(verdict.answer(Level::Decodable), Answer::Holds, "{:?}", verdict.findings);
    assert!(peak < bound, "{peak} bytes of memory");
    verdict
}

/// One test: what two at a time take could not be told apart.
#[test]
fn memory_does_not_grow_with_an_encrypted_archive() {
    let archive = archive();
    let identity = Identity::generate();
    takes_less_than(BOUND, &encrypted(&archive, &identity), &identities(&identity));
    let envelope = Envelope::new(Given32, EncryptionContext::new());
    takes_less_than(BOUND, &Writer::message(4096, &archive), &envelope);
    takes_less_than(BOUND + LARGEST_FRAME, &Writer::message(LARGEST_FRAME, &archive), &envelope);
}
