//! Where newlines, tabs and bytes of special meaning are in 64 bytes of COPY text, as bit masks.
//!
//! The codecs deliver up to some gigabytes a second; a loop over bytes would be slower than all of them.

/// Bytes looked at together; one bit of a mask for each.
pub(crate) const BLOCK: usize = 64;

/// One bit per byte of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Masks {
    pub(crate) newline: u64,
    pub(crate) tab: u64,
    /// A backslash, or a control character up to carriage return that is neither newline nor tab.
    pub(crate) special: u64,
    /// Any byte that is not ASCII, as zero or not zero.
    pub(crate) high: u64,
}

/// Finds the masks of a block.
pub(crate) trait Finder: Copy {
    fn masks(self, block: &[u8; BLOCK]) -> Masks;
}

/// For every processor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portable;

impl Finder for Portable {
    #[inline(always)]
    fn masks(self, block: &[u8; BLOCK]) -> Masks {
        const NEWLINE: u8 = 1;
        const TAB: u8 = 2;
        const SPECIAL: u8 = 4;
        // A plain loop over an array of fixed size, which the compiler turns into vector instructions.
        let mut classes = [0; BLOCK];
        for (class, &byte) in classes.iter_mut().zip(block) {
            let newline = u8::from(byte == b'\n');
            let tab = u8::from(byte == b'\t');
            let special = (u8::from(byte <= b'\r') & !(newline | tab)) | u8::from(byte == b'\\');
            *class = (newline * NEWLINE) | (tab * TAB) | (special * SPECIAL) | (byte & 0x80);
        }
        let mut masks = Masks { newline: 0, tab: 0, special: 0, high: 0 };
        for (index, word) in classes.as_chunks::<8>().0.iter().enumerate() {
            let word = u64::from_le_bytes(*word);
            let place = 8 * index;
            masks.newline |= gather(word) << place;
            masks.tab |= gather(word >> 1) << place;
            masks.special |= gather(word >> 2) << place;
            masks.high |= word & 0x8080_8080_8080_8080;
        }
        masks
    }
}

/// The lowest bits of eight bytes, next to each other.
#[inline(always)]
fn gather(word: u64) -> u64 {
    (word & 0x0101_0101_0101_0101).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(target_arch = "x86_64")]
impl Finder for pulp::x86::V3 {
    #[inline(always)]
    fn masks(self, block: &[u8; BLOCK]) -> Masks {
        let (avx, avx2) = (self.avx, self.avx2);
        let mut masks = Masks { newline: 0, tab: 0, special: 0, high: 0 };
        for (index, half) in block.as_chunks::<32>().0.iter().enumerate() {
            let bytes = pulp::cast(*half);
            let place = 32 * index;
            let newline = avx2._mm256_cmpeq_epi8(bytes, avx._mm256_set1_epi8(b'\n' as i8));
            let tab = avx2._mm256_cmpeq_epi8(bytes, avx._mm256_set1_epi8(b'\t' as i8));
            let backslash = avx2._mm256_cmpeq_epi8(bytes, avx._mm256_set1_epi8(b'\\' as i8));
            let control = avx2._mm256_cmpeq_epi8(avx2._mm256_min_epu8(bytes, avx._mm256_set1_epi8(b'\r' as i8)), bytes);
            let control = avx2._mm256_andnot_si256(avx2._mm256_or_si256(newline, tab), control);
            let special = avx2._mm256_or_si256(control, backslash);
            masks.newline |= u64::from(avx2._mm256_movemask_epi8(newline).cast_unsigned()) << place;
            masks.tab |= u64::from(avx2._mm256_movemask_epi8(tab).cast_unsigned()) << place;
            masks.special |= u64::from(avx2._mm256_movemask_epi8(special).cast_unsigned()) << place;
            masks.high |= u64::from(avx2._mm256_movemask_epi8(bytes).cast_unsigned());
        }
        masks
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naive(block: &[u8; BLOCK]) -> Masks {
        let mask = |of: fn(u8) -> bool| (0..BLOCK).filter(|&at| of(block[at])).map(|at| 1 << at).sum::<u64>();
        Masks {
            newline: mask(|byte| byte == b'\n'),
            tab: mask(|byte| byte == b'\t'),
            special: mask(|byte| byte == b'\\' || (byte <= b'\r' && byte != b'\n' && byte != b'\t')),
            high: mask(|byte| byte >= 128),
        }
    }

    fn agree(masks: Masks, naive: Masks) -> bool {
        (masks.newline, masks.tab, masks.special, masks.high != 0)
            == (naive.newline, naive.tab, naive.special, naive.high != 0)
    }

    proptest! {
        #[test]
        fn every_finder_finds_what_a_loop_over_bytes_finds(
            block in prop::array::uniform::<_, BLOCK>(prop_oneof![0_u8..=32, Just(b'\\'), 32_u8..128, any::<u8>()]),
        ) {
            prop_assert!(agree(Portable.masks(&block), naive(&block)));
            #[cfg(target_arch = "x86_64")]
            if let Some(v3) = pulp::x86::V3::try_new() {
                prop_assert!(agree(v3.masks(&block), naive(&block)));
            }
        }
    }
}
