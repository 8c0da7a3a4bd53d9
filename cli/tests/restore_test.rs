//! A restore test that is killed leaves neither a server nor a file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

const ARCHIVE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/pgdump/tests/fixtures/18.4/custom-gzip.dump");
const LONGEST: Duration = Duration::from_secs(120);

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < LONGEST, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The first process of the scratch server.
fn postmaster(place: &Path) -> Option<u32> {
    let scratch = fs::read_dir(place).ok()?.flatten().next()?.path();
    let lock = fs::read_to_string(scratch.join("scratch").join("postmaster.pid")).ok()?;
    lock.lines().next()?.parse().ok()
}

/// The processes that speak of this directory.
fn processes(of: &Path) -> Vec<String> {
    let word = of.display().to_string();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let read = |path: PathBuf| fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let known =
        entries.map(|entry| format!("{} {}", read(entry.path().join("cmdline")), read(entry.path().join("environ"))));
    known.filter(|process| process.contains(&word)).collect()
}

fn is_over(child: &mut Child) -> bool {
    !matches!(child.try_wait(), Ok(None))
}

/// A restore test, with a file for what it says: nobody reads a pipe while it runs.
fn restore_test(archive: &str, place: &Path) -> (Child, PathBuf) {
    let said = place.with_extension("said");
    let file = fs::File::create(&said).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_recoveryctl"))
        .args(["backup", "restore-test", archive, "--query", "SELECT pg_sleep(600) IS NULL", "--scratch"])
        .arg(place)
        .stdout(file.try_clone().unwrap())
        .stderr(file)
        .spawn()
        .unwrap();
    (child, said)
}

/// Whether a command ended because no PostgreSQL is here that could do it; every other early end is a failure.
fn has_no_postgresql(status: ExitStatus, said: &str) -> bool {
    status.code() == Some(2) && said.contains("no PostgreSQL runs here")
}

#[test]
fn an_early_end_is_passed_over_only_where_no_postgresql_is() {
    let place = std::env::temp_dir().join(format!("early-restore-test-{}", std::process::id()));
    let (mut child, said) = restore_test("no-such.dump", &place);
    let status = child.wait().unwrap();
    let text = fs::read_to_string(&said).unwrap();
    fs::remove_file(&said).unwrap();
    assert_eq!(status.code(), Some(2), "{text}");
    assert!(!has_no_postgresql(status, &text), "{text}");
}

#[test]
fn a_restore_test_that_is_killed_leaves_nothing_behind() {
    let place = std::env::temp_dir().join(format!("killed-restore-test-{}", std::process::id()));
    fs::create_dir_all(&place).unwrap();
    let (mut child, said) = restore_test(ARCHIVE, &place);
    let asked = || processes(&place).iter().any(|process| process.contains("--command") && process.contains("pg_sleep"));
    until("it asks the restored database", || is_over(&mut child) || asked());
    if is_over(&mut child) {
        let (status, text) = (child.wait().unwrap(), fs::read_to_string(&said).unwrap());
        fs::remove_dir_all(&place).unwrap();
        fs::remove_file(&said).unwrap();
        assert!(has_no_postgresql(status, &text), "it ended early with {status}: {text}");
        println!("nothing was tested, because no PostgreSQL 18 runs here");
        return;
    }
    let server = postmaster(&place).expect("a server");
    child.kill().unwrap();
    child.wait().unwrap();
    until("everything is gone", || fs::read_dir(&place).unwrap().next().is_none() && processes(&place).is_empty());
    // Where nobody takes note of its end, a process that has ended still has a number, and no words any more.
    let words = fs::read(Path::new("/proc").join(server.to_string()).join("cmdline")).unwrap_or_default();
    assert!(words.is_empty(), "the server outlived its test: {}", String::from_utf8_lossy(&words));
    fs::remove_dir_all(&place).unwrap();
    fs::remove_file(&said).unwrap();
}
