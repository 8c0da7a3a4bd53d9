//! Memory does not grow with an encrypted archive.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

#[path = "../../pgdump/tests/builder/mod.rs"]
mod builder;
mod common;

use age::x25519::Identity;
use builder::Builder;
use common::{encrypted, identities};
use peak_alloc::PeakAlloc;
use pgdump::{Answer, Level, Options, verify};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Buffers of the verifier for the encrypted and for the decrypted bytes, a decoder, and one piece of age.
const BOUND: usize = 2_000_000;

#[test]
fn memory_does_not_grow_with_an_encrypted_archive() {
    let identity = Identity::generate();
    let keys = identities(&identity);
    let rows = "1\tsome text\n".repeat(90_000);
    let chunks =
        (0..6).fold(Builder::new(14, 0).one_table().byte(1).integer(5), |archive, _| archive.chunk(rows.as_bytes()));
    let bytes = encrypted(&chunks.chunk(b"\\.\n\n\n").integer(0).done(), &identity);
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let verdict =
        verify(bytes.as_slice(), &Options { keys: Some(&keys), fingerprints: true, ..Options::to(Level::Decodable) });
    let peak = MEMORY.peak_usage().saturating_sub(before);
    assert_eq!(verdict.answer(Level::Decodable), Answer::Holds, "{:?}", verdict.findings);
    assert_eq!(verdict.bytes_read, bytes.len() as u64);
    assert!(peak < BOUND, "{peak} bytes of memory for {}", bytes.len());
}
