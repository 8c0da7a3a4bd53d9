//! Whatever the file holds, reading it ends soon, without a panic, and with places that exist.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// Generous, because tests are not optimised and run beside others: a release build needs half a second for the slowest of these
/// files, and what must be caught, work that grows with the square of the file, takes many minutes.
const SOON: Duration = Duration::from_secs(60);

fn reads_calmly(bytes: &[u8]) -> Reading {
    let start = Instant::now();
    let reading = read_bytes(bytes);
    assert!(start.elapsed() < SOON, "{:?} for {} bytes", start.elapsed(), bytes.len());
    let lines = bytes.iter().filter(|byte| **byte == b'\n' || **byte == b'\r').count() + 1;
    for finding in &reading.findings {
        assert!((1..=lines).contains(&finding.line), "{finding:?} of {lines} lines");
        assert!(finding.column >= 1 && finding.width >= 1, "{finding:?}");
        assert!(finding.message.len() < 2_000, "{finding:?}");
        assert!(!finding.message.chars().any(|c| c.is_control()), "{finding:?}");
        assert!(!finding.help.chars().any(|c| c.is_control()), "{finding:?}");
    }
    let refused = reading.findings.iter().any(|finding| finding.severity == Severity::Error);
    assert_eq!(reading.plan.is_none(), refused, "a plan is refused exactly for an error that is named");
    reading
}

/// Pieces that plans are made of, and pieces that YAML readers have stumbled over.
const PIECES: &[&str] = &[
    "&a ",
    "*a",
    "!!map ",
    "<<: ",
    "? ",
    ": ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "|\n",
    ">\n",
    "#",
    "---\n",
    "...\n",
    "\t",
    "\n",
    "\r",
    "\u{0}",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "%TAG ! x\n",
    "~",
    "null",
    "true",
    "0x1F",
    "1e999",
    ".inf",
    "-1",
    "99999999999d",
    "database",
    "api",
    "promote",
    "otherwise",
    "together",
    "us-east-1",
    "\u{1b}[31m",
    "é",
    "𝒳",
    "    ",
    ",",
    "2027-02-30",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_read_calmly(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        reads_calmly(&bytes);
    }

    #[test]
    fn random_text_is_read_calmly(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..300)) {
        reads_calmly(pieces.concat().as_bytes());
    }

    #[test]
    fn a_spoilt_healthcare_plan_is_read_calmly(
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), 0..40_usize, proptest::sample::select(PIECES)), 1..8),
    ) {
        let mut text: Vec<char> = HEALTHCARE.chars().collect();
        for (at, removed, piece) in edits {
            let start = at.index(text.len());
            let end = (start + removed).min(text.len());
            text.splice(start..end, piece.chars());
        }
        reads_calmly(text.into_iter().collect::<String>().as_bytes());
    }

    #[test]
    fn a_healthcare_plan_with_lines_moved_dropped_or_doubled_is_read_calmly(
        moves in proptest::collection::vec((any::<proptest::sample::Index>(), any::<proptest::sample::Index>(), 0..3_u8), 1..12),
    ) {
        let mut lines: Vec<&str> = HEALTHCARE.lines().collect();
        for (from, to, what) in moves {
            let line = lines[from.index(lines.len())];
            match what {
                0 => lines.insert(to.index(lines.len()), line),
                1 if lines.len() > 1 => { lines.remove(from.index(lines.len())); }
                _ => { let (from, to) = (from.index(lines.len()), to.index(lines.len())); lines.swap(from, to); }
            }
        }
        reads_calmly(lines.join("\n").as_bytes());
    }

    #[test]
    fn a_healthcare_plan_cut_short_is_read_calmly(at in any::<proptest::sample::Index>()) {
        let bytes = HEALTHCARE.as_bytes();
        reads_calmly(&bytes[..at.index(bytes.len())]);
    }
}

#[test]
fn files_made_to_be_slow_are_read_calmly() {
    let names: Vec<String> = (0..80_000).map(|number| format!("n{number}")).collect();
    let steps: String = (0..40_000).map(|_| "          - validate: databaes\n").collect();
    let components: String = (0..9_000)
        .map(|number| format!("  database-{number}: {{kind: ecs_service, primary: {{cluster: a, service: b}}, recovery: {{cluster: a, service: b}}}}\n"))
        .collect();
    let bomb: String = (1..200).map(|level| format!("a{level}: &a{level} [*a{}, *a{}]\n", level - 1, level - 1)).collect();
    for text in [
        "[".repeat(LARGEST_PLAN),
        "{a: ".repeat(LARGEST_PLAN / 4),
        "- ".repeat(LARGEST_PLAN / 2),
        "? ".repeat(LARGEST_PLAN / 2),
        "a:\n".repeat(LARGEST_PLAN / 3),
        "\"".repeat(LARGEST_PLAN),
        "é".repeat(LARGEST_PLAN / 2),
        " ".repeat(LARGEST_PLAN),
        "\n".repeat(LARGEST_PLAN),
        "&a ".repeat(LARGEST_PLAN / 3),
        format!("a0: &a0 x\n{bomb}"),
        spoilt(&[("consumers: [api]", &format!("consumers: [{}]", names.join(",")))]),
        spoilt(&[("[POST /orders]", &format!("[{}]", vec!["POST /orders"; 60_000].join(",")))]),
        spoilt(&[("          - resume_writes: database\n", &steps)]),
        spoilt(&[
            ("components:\n", &format!("components:\n{components}")),
            ("consumers: [api]", &format!("consumers: [{}]", vec!["databasee-1"; 5_000].join(","))),
        ]),
        names.iter().map(|name| format!("{name}: 1\n")).collect(),
    ] {
        reads_calmly(text.as_bytes());
    }
}

#[test]
fn a_plan_cannot_write_to_the_terminal_of_its_reader() {
    let reading = reads_calmly(spoilt(&[("platform: shop", "platform: \"\\e[2Jshop\\u202e\"")]).as_bytes());
    let [finding] = reading.findings.as_slice() else { panic!("one finding") };
    assert_eq!(finding.code, "bad_identifier");
    assert!(finding.message.is_ascii(), "{}", finding.message);
}
