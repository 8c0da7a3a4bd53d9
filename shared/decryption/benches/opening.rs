//! How fast encrypted archives are opened, beside the same cipher of aws-lc alone, on the same bytes in the same run.
//!
//!     cargo bench -p decryption                  # 256 MB
//!     cargo bench -p decryption -- 1000          # 1,000 MB
//!
//! Every figure is the best of three runs, taken in turn, in memory and on one core.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::io::{BufReader, Read};
use std::time::Instant;

use age::x25519::Identity;
use aws_lc_rs::aead::{AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use common::messages::{Writer, envelope_of_given};
use common::{encrypted, identities};
use decryption::decrypt;

const RUNS: usize = 3;

fn main() {
    let argument = std::env::args().skip(1).find(|argument| argument != "--bench");
    let megabytes: usize = argument.map_or(256, |argument| argument.parse().expect("the argument is a number of megabytes"));
    let plain: Vec<u8> = (0..megabytes * 1_000_000).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u8).collect();
    println!("{:<20} {:>8} {:>8} {:>12}", "encryption", "MB", "MB/s", "cipher MB/s");
    let identity = Identity::generate();
    let (keys, file) = (identities(&identity), encrypted(&plain, &identity));
    line("age", plain.len(), &mut || Box::new(decrypt(file.as_slice(), &keys).unwrap()), &CHACHA20_POLY1305, 64 << 10);
    let file = Writer::message(4096, &plain);
    let opened =
        || -> Box<dyn Read + '_> { Box::new(envelope_of_given().decrypt(BufReader::new(file.as_slice())).unwrap()) };
    line("AWS-Encryption-SDK", plain.len(), &mut { opened }, &AES_256_GCM, 4096);
}

fn line<'a>(
    name: &str,
    length: usize,
    open: &mut dyn FnMut() -> Box<dyn Read + 'a>,
    cipher: &'static Algorithm,
    chunk: usize,
) {
    let key = LessSafeKey::new(UnboundKey::new(cipher, &[7; 32]).unwrap());
    let nonce = || Nonce::assume_unique_for_key([0; 12]);
    let mut sealed = vec![1; chunk];
    key.seal_in_place_append_tag(nonce(), Aad::empty(), &mut sealed).unwrap();
    let (mut ours, mut alone) = (f64::MAX, f64::MAX);
    for _ in 0..RUNS {
        ours = ours.min(seconds(|| assert_eq!(read(open()), length, "not every byte came")));
        alone = alone.min(seconds(|| {
            for _ in 0..length.div_ceil(chunk) {
                let mut bytes = sealed.clone();
                key.open_in_place(nonce(), Aad::empty(), &mut bytes).unwrap();
            }
        }));
    }
    let (megabytes, rate) = (length as f64 / 1e6, |seconds: f64| length as f64 / 1e6 / seconds);
    println!("{name:<20} {megabytes:>8.0} {:>8.0} {:>12.0}", rate(ours), rate(alone));
}

fn seconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

fn read(mut reader: impl Read) -> usize {
    let mut buffer = vec![0; 64 << 10];
    let mut bytes = 0;
    loop {
        match reader.read(&mut buffer).unwrap() {
            0 => return bytes,
            count => bytes += count,
        }
    }
}
