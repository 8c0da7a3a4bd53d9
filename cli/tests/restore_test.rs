//! A restore test that is killed leaves neither a server nor a file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
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

#[test]
fn a_restore_test_that_is_killed_leaves_nothing_behind() {
    let place = std::env::temp_dir().join(format!("killed-restore-test-{}", std::process::id()));
    fs::create_dir_all(&place).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_recoveryctl"))
        .args(["backup", "restore-test", ARCHIVE, "--query", "SELECT pg_sleep(600) IS NULL", "--scratch"])
        .arg(&place)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let asked = || processes(&place).iter().any(|process| process.contains("--command") && process.contains("pg_sleep"));
    until("it asks the restored database", || is_over(&mut child) || asked());
    if is_over(&mut child) {
        println!("nothing was tested, because no PostgreSQL 18 runs here");
        fs::remove_dir_all(&place).unwrap();
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
}
