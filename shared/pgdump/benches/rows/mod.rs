//! Rows to measure with.

use std::io::Write;

/// What tables hold.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// Ids, digests and payloads: most bytes do not repeat, as in tables of events, sessions and files.
    Digests,
    /// Short columns of words, numbers, times and NULLs, which repeat often: the hardest for decoders and for counting columns.
    Columns,
}

impl Kind {
    pub(crate) const ALL: [Self; 2] = [Self::Digests, Self::Columns];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Digests => "digests",
            Self::Columns => "columns",
        }
    }

    pub(crate) fn columns(self) -> &'static str {
        match self {
            Self::Digests => "id, digest, payload, at",
            Self::Columns => "id, at, state, place, digest, amount, note, paid",
        }
    }

    /// Rows of at least so many bytes; the same for the same seed.
    pub(crate) fn rows(self, seed: u64, bytes: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes + 4096);
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for id in 1_u64.. {
            if out.len() >= bytes {
                break;
            }
            match self {
                Self::Digests => digests(&mut out, id, &mut random),
                Self::Columns => columns(&mut out, id, &mut random),
            }
        }
        out
    }
}

/// Xorshift: the bench needs the same rows every time, and nothing more.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 16) % limit
    }
}

fn digests(out: &mut Vec<u8>, id: u64, random: &mut Random) {
    let (a, b, c, d) = (random.next(), random.next(), random.next(), random.next());
    let second = id % 60;
    let minute = id / 60 % 60;
    writeln!(
        out,
        "{id}\t{a:016x}{b:016x}\tpayload {c:016x}{d:016x} {c:016x}{d:016x}\t2026-03-01 00:{minute:02}:{second:02}+00"
    )
    .unwrap();
}

fn columns(out: &mut Vec<u8>, id: u64, random: &mut Random) {
    const STATES: [&str; 5] = ["pending", "shipped", "returned", "cancelled", "paid"];
    const PLACES: [&str; 6] = ["Zürich", "north ward", "clinic 7", "depot", "東京", "front desk"];
    let state = STATES[random.below(5) as usize];
    let place = PLACES[random.below(6) as usize];
    let (day, hour, minute, micros) = (1 + random.below(28), random.below(24), random.below(60), random.below(1_000_000));
    let (digest, amount, cents, paid) = (random.next(), random.below(10_000), random.below(100), random.below(2) == 0);
    let paid = if paid { "t" } else { "f" };
    writeln!(
        out,
        "{id}\t2026-05-{day:02} {hour:02}:{minute:02}:12.{micros:06}+00\t{state}\t{place}\t{digest:016x}\t{amount}.{cents:02}\t\\N\t{paid}"
    )
    .unwrap();
}
