//! How much memory hostile input takes, measured by the allocator of this test's own process: one test, because it counts all threads.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

use peak_alloc::PeakAlloc;
use shared::config::read_plan;
use shared::events::LARGEST_PAYLOAD;
use shared::planfile::{self, LARGEST_PLAN};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const MEGABYTE: usize = 1024 * 1024;
/// What Lambda hands over at most (synchronous invocation: 6 MB).
const LARGEST_INVOCATION: usize = 6 * MEGABYTE;

/// The most memory that `work` holds at any moment, beyond what was held before.
fn peak_of<T>(work: impl FnOnce() -> T) -> usize {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let result = work();
    let peak = ALLOCATOR.peak_usage().saturating_sub(before);
    drop(result);
    peak
}

#[test]
fn no_input_takes_more_memory_than_its_reader_is_allowed() {
    // Beyond the cap nothing is built at all; within it a value takes at most some fifty times its text.
    for (text, most) in [
        ("[".repeat(LARGEST_INVOCATION), 4_096),
        (format!("{{\"scenario\":\"{}\"}}", "x".repeat(LARGEST_INVOCATION)), 4_096),
        (format!("[{}1]", "1,".repeat(LARGEST_INVOCATION / 2)), 4_096),
        (format!("[{}1]", "1,".repeat(LARGEST_PAYLOAD / 2 - 2)), 4 * MEGABYTE),
        (format!("[{}[]]", "[],".repeat(LARGEST_PAYLOAD / 3 - 2)), 4 * MEGABYTE),
        (format!("{{{}\"b\":1}}", (0..5_000).map(|name| format!("\"{name}\":{{}},")).collect::<String>()), 8 * MEGABYTE),
        ("{\"a\":".repeat(LARGEST_PAYLOAD / 5), MEGABYTE),
    ] {
        let peak = peak_of(|| shared::events::read(&text));
        println!("payload of {} bytes, {:.20}…: {peak} bytes at most", text.len(), text);
        assert!(peak <= most, "{peak} bytes for a payload of {} bytes: {:.40}", text.len(), text);
    }
    let aliases: String =
        (1..200).map(|level| format!("a{level}: &a{level} [*a{}, *a{}]\n", level - 1, level - 1)).collect();
    for text in [
        format!("a0: &a0 {}\n{aliases}", "x".repeat(1_000)),
        "[".repeat(LARGEST_PLAN),
        "{a: ".repeat(LARGEST_PLAN / 4),
        "- ".repeat(LARGEST_PLAN / 2),
        "a:\n".repeat(LARGEST_PLAN / 3),
        format!("[{}]", "1,".repeat(LARGEST_PLAN / 2 - 2)),
        (0..400_000).map(|name| format!("n{name}: 1\n")).collect(),
        "x".repeat(LARGEST_PLAN),
    ] {
        let peak = peak_of(|| planfile::read(&text));
        println!("plan of {} bytes, {:.20}…: {peak} bytes at most", text.len(), text.replace('\n', " "));
        assert!(peak <= 256 * MEGABYTE, "{peak} bytes for a plan of {} bytes: {:.40}", text.len(), text);
    }
    for text in [
        format!("{{\"version\":1,\"x\":{}", "[".repeat(MEGABYTE - 20)),
        format!("{{\"version\":1,\"platform\":[{}1]}}", "1,".repeat(MEGABYTE / 2 - 40)),
        format!("{{\"version\":1,\"{}\":1}}", "x".repeat(MEGABYTE - 40)),
        "1".repeat(LARGEST_INVOCATION),
    ] {
        let peak = peak_of(|| read_plan(text.as_bytes(), "plan.json"));
        println!("compiled plan of {} bytes, {:.20}…: {peak} bytes at most", text.len(), text);
        assert!(peak <= 8 * MEGABYTE, "{peak} bytes for a compiled plan of {} bytes: {:.40}", text.len(), text);
    }
}
