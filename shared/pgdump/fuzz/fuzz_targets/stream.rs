//! Any bytes come to an end, without a panic, and in two pieces to the same verdict as in one.
//!
//!     cargo +nightly fuzz run stream            # guided by coverage
//!     cargo run --release --bin stream -- corpus/stream -max_total_time=60     # on stable, without

#![no_main]

use std::io::Read;

use libfuzzer_sys::fuzz_target;
use pgdump::{Level, Options, verify};

fuzz_target!(|bytes: &[u8]| {
    let options = Options::to(Level::Decodable);
    let whole = verify(bytes, &options);
    let (head, tail) = bytes.split_at(bytes.len() / 2);
    assert_eq!(whole, verify(head.chain(tail), &options));
});
