//! Chance that repeats itself: a small generator whose whole state is the seed and how often it was asked.

use std::time::Duration;

/// SplitMix64: enough to spread durations and to make up identifiers; never for secrets.
#[derive(Debug, Clone)]
pub(crate) struct Seed(u64);

impl Seed {
    /// A generator for one named purpose, so that asking for one thing more does not change all that follow.
    pub(crate) fn for_purpose(seed: u64, purpose: &str) -> Self {
        // FNV-1a: stable across releases and machines, which a standard hasher does not promise.
        let name = purpose
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Self(seed ^ name)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// `typical`, shortened or lengthened by at most `percent` of itself.
    pub(crate) fn vary(&mut self, typical: Duration, percent: u8) -> Duration {
        let percent = u64::from(percent.min(100));
        // Parts per million, so that short spans are spread as finely as long ones.
        let spread = percent * 10_000;
        let offset = self.next() % (2 * spread + 1);
        let parts = 1_000_000 - spread + offset;
        let nanoseconds = typical.as_nanos().saturating_mul(u128::from(parts)) / 1_000_000;
        u64::try_from(nanoseconds).map_or(Duration::MAX, Duration::from_nanos)
    }

    /// `length` characters out of `alphabet`.
    pub(crate) fn letters(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length)
            .map(|_| char::from(alphabet[usize::try_from(self.next() % alphabet.len() as u64).unwrap_or(0)]))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_itself_and_another_does_not() {
        let draw = |seed| Seed::for_purpose(seed, "test").letters(b"abcdefgh", 20);
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert_ne!(Seed::for_purpose(7, "a").next(), Seed::for_purpose(7, "b").next());
    }

    #[test]
    fn a_varied_duration_stays_within_its_bounds() {
        let typical = Duration::from_secs(100);
        let mut seed = Seed::for_purpose(1, "test");
        let drawn: Vec<Duration> = (0..1_000).map(|_| seed.vary(typical, 20)).collect();
        assert!(drawn.iter().all(|span| (80..=120).contains(&span.as_secs()) && *span <= Duration::from_secs(120)));
        assert!(drawn.iter().any(|span| *span < Duration::from_secs(85)));
        assert!(drawn.iter().any(|span| *span > Duration::from_secs(115)));
        assert_eq!(seed.vary(typical, 0), typical);
    }
}
