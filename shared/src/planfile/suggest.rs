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
    for candidate in candidates {
        if letters.len() >= SHORTEST_BEGINNING && candidate.starts_with(word) {
            several_longer |= longer.is_some();
            longer = Some(candidate);
        }
        let other: Vec<char> = candidate.chars().take(LONGEST + 1).collect();
        if other.len() > LONGEST || other.len().abs_diff(letters.len()) > allowed {
            continue;
        }
        // A nearer one only: of two equally near ones the first listed wins, so that a suggestion does not change by chance.
        if let Some(distance) = distance(&letters, &other, allowed)
            && (best.is_none() || distance < allowed)
        {
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

/// Optimal string alignment distance, unless it is more than `most`.
fn distance(left: &[char], right: &[char], most: usize) -> Option<usize> {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (row, &l) in left.iter().enumerate() {
        let mut current = Vec::with_capacity(right.len() + 1);
        current.push(row + 1);
        for (column, &r) in right.iter().enumerate() {
            let mut cost = (above[column] + usize::from(l != r)).min(above[column + 1] + 1).min(current[column] + 1);
            if row > 0 && column > 0 && l == right[column - 1] && left[row - 1] == r {
                cost = cost.min(before[column - 1] + 1);
            }
            current.push(cost);
        }
        // A swap reaches two rows back, so both must be too far before the search can stop.
        if above.iter().chain(&current).all(|cost| *cost > most) {
            return None;
        }
        before = std::mem::replace(&mut above, current);
    }
    above.last().copied().filter(|distance| *distance <= most)
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
