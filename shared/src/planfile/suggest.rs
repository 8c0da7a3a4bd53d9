//! "did you mean …": the nearest known name.

/// The candidate that was probably meant by `word`: the one with the fewest differences, at most a third of the word and at most
/// three, where swapping two neighbours counts as one; else the only one that begins with the word.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters: Vec<char> = word.chars().take(LONGEST + 1).collect();
    if letters.is_empty() || letters.len() > LONGEST {
        return None;
    }
    let mut allowed = letters.len().div_ceil(3).min(MOST_DIFFERENCES);
    let mut best = None;
    let mut longer = None;
    let mut several_longer = false;
    let mut rows = Rows::default();
    let mut other: Vec<char> = Vec::new();
    for candidate in candidates {
        if letters.len() >= SHORTEST_BEGINNING && candidate.starts_with(word) {
            several_longer |= longer.is_some();
            longer = Some(candidate);
        }
        other.clear();
        other.extend(candidate.chars().take(LONGEST + 1));
        // A nearer one only: of two equally near ones the first listed wins, so that a suggestion does not change by chance.
        let most = if best.is_some() { allowed.checked_sub(1) } else { Some(allowed) };
        let Some(most) = most.filter(|_| other.len() <= LONGEST) else { continue };
        if let Some(distance) = rows.distance(&letters, &other, most) {
            best = Some(candidate);
            allowed = distance;
        }
    }
    best.or(if several_longer { None } else { longer })
}

/// Names are at most 40 characters; a longer word is no misspelling of one.
const LONGEST: usize = 64;
/// With more differences, it is another word.
const MOST_DIFFERENCES: usize = 3;
/// Fewer letters begin too many words.
const SHORTEST_BEGINNING: usize = 3;

/// Three rows of the table of distances between the beginnings of two words, kept from word to word: a plan with ten thousand names
/// and two hundred slips asks for two million distances.
#[derive(Default)]
struct Rows {
    before: Vec<usize>,
    above: Vec<usize>,
    current: Vec<usize>,
}

impl Rows {
    /// Optimal string alignment distance, unless it is more than `most`. Only the band of the table is filled in that a distance of
    /// at most `most` can come through; all else counts as too far.
    fn distance(&mut self, left: &[char], right: &[char], most: usize) -> Option<usize> {
        if left.len().abs_diff(right.len()) > most {
            return None;
        }
        let far = most + 1;
        for row in [&mut self.before, &mut self.above, &mut self.current] {
            row.clear();
            row.resize(right.len() + 1, far);
        }
        self.above.iter_mut().zip(0..far).for_each(|(cell, column)| *cell = column);
        let mut least_above = 0;
        for row in 1..=left.len() {
            self.current[0] = row.min(far);
            let first = row.saturating_sub(most).max(1);
            if first > 1 {
                self.current[first - 1] = far;
            }
            let mut least = far;
            for column in first..=(row + most).min(right.len()) {
                let (l, r) = (left[row - 1], right[column - 1]);
                let replaced = self.above[column - 1] + usize::from(l != r);
                let mut cost = replaced.min(self.above[column] + 1).min(self.current[column - 1] + 1);
                if row > 1 && column > 1 && l == right[column - 2] && left[row - 2] == r {
                    cost = cost.min(self.before[column - 2] + 1);
                }
                self.current[column] = cost.min(far);
                least = least.min(cost);
            }
            // A swap reaches two rows back, so both must be too far before the search can stop.
            if least.min(least_above).min(row - 1) > most {
                return None;
            }
            least_above = least;
            std::mem::swap(&mut self.before, &mut self.above);
            std::mem::swap(&mut self.above, &mut self.current);
        }
        self.above.last().copied().filter(|distance| *distance <= most)
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_finds_the_name_that_was_meant() {
        let kinds = ["force_failover", "hold_writes", "fence", "gate", "promote", "repoint", "validate", "resume_writes"];
        for (slip, meant) in [
            ("promot", "promote"),
            ("fnece", "fence"),
            ("hold_write", "hold_writes"),
            ("gat", "gate"),
            ("validte", "validate"),
            ("resume-writes", "resume_writes"),
        ] {
            assert_eq!(nearest(slip, kinds), Some(meant), "{slip}");
        }
    }

    /// The definition, without the band and without anything kept.
    fn plainly(left: &[char], right: &[char]) -> usize {
        let mut table = vec![vec![0; right.len() + 1]; left.len() + 1];
        for row in 0..=left.len() {
            for column in 0..=right.len() {
                table[row][column] = if row == 0 || column == 0 {
                    row + column
                } else {
                    let replaced = table[row - 1][column - 1] + usize::from(left[row - 1] != right[column - 1]);
                    let mut cost = replaced.min(table[row - 1][column] + 1).min(table[row][column - 1] + 1);
                    if row > 1 && column > 1 && left[row - 1] == right[column - 2] && left[row - 2] == right[column - 1] {
                        cost = cost.min(table[row - 2][column - 2] + 1);
                    }
                    cost
                };
            }
        }
        table[left.len()][right.len()]
    }

    proptest::proptest! {
        #[test]
        fn the_band_changes_no_distance(words in proptest::collection::vec("[abc]{0,9}", 2..6), most in 0..5_usize) {
            let mut rows = super::Rows::default();
            for pair in words.windows(2) {
                let (left, right): (Vec<char>, Vec<char>) = (pair[0].chars().collect(), pair[1].chars().collect());
                let expected = Some(plainly(&left, &right)).filter(|distance| *distance <= most);
                proptest::prop_assert_eq!(rows.distance(&left, &right, most), expected, "{:?}", pair);
            }
        }
    }

    #[test]
    fn another_word_suggests_nothing() {
        for word in ["", "x", "drop_table", "restore", "hol_wrtes_now", &"a".repeat(10_000)] {
            assert_eq!(nearest(word, ["hold_writes", "fence", "gate"]), None, "{word}");
        }
    }

    #[test]
    fn the_beginning_of_one_name_finds_it_and_of_two_finds_neither() {
        assert_eq!(nearest("multi_az", ["multi_az_available", "otherwise"]), Some("multi_az_available"));
        assert_eq!(nearest("data", ["database_failure", "data_corruption"]), None);
    }

    #[test]
    fn the_nearest_wins_and_of_equals_the_first() {
        assert_eq!(nearest("apj", ["apx", "api", "ap"]), Some("apx"));
        assert_eq!(nearest("database2", ["database", "database1", "database22"]), Some("database"));
        assert_eq!(nearest("api", ["apis", "api"]), Some("api"));
    }
}
