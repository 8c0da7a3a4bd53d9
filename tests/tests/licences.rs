//! Under which licences everything is that a binary may carry. Needs no network: what is built is there already.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Licences that somebody has looked at, as crates write them. Each allows what we do: use unchanged, in binaries under another
/// licence, with the notice kept. A new expression fails the test until it has been looked at too.
const SEEN: &[&str] = &[
    "(Apache-2.0 OR MIT) AND BSD-3-Clause",
    "(MIT OR Apache-2.0) AND NCSA",
    "(MIT OR Apache-2.0) AND Unicode-3.0",
    "0BSD OR MIT OR Apache-2.0",
    "Apache-2.0",
    "Apache-2.0 / MIT",
    "Apache-2.0 AND ISC",
    "Apache-2.0 OR BSL-1.0",
    "Apache-2.0 OR BSL-1.0 OR MIT",
    "Apache-2.0 OR GPL-2.0-only",
    "Apache-2.0 OR ISC OR MIT",
    "Apache-2.0 OR MIT",
    "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT",
    "Apache-2.0/MIT",
    "BSD-2-Clause OR Apache-2.0 OR MIT",
    "BSD-3-Clause",
    "BlueOak-1.0.0",
    "CC0-1.0 OR MIT-0 OR Apache-2.0",
    "ISC",
    "ISC AND (Apache-2.0 OR ISC)",
    "ISC AND (Apache-2.0 OR ISC) AND Apache-2.0 AND MIT AND BSD-3-Clause AND (Apache-2.0 OR ISC OR MIT) AND (Apache-2.0 OR ISC \
     OR MIT-0)",
    "MIT",
    "MIT OR Apache-2.0",
    "MIT OR Apache-2.0 OR LGPL-2.1-or-later",
    "MIT OR Zlib OR Apache-2.0",
    "MIT/Apache-2.0",
    "Unicode-3.0",
    "Unlicense OR MIT",
    "Unlicense/MIT",
    "Zlib",
    "Zlib OR Apache-2.0 OR MIT",
];

/// Every package of the workspace's build on this machine, with its licence.
fn packages() -> BTreeMap<String, BTreeSet<String>> {
    let output = |program: &str, arguments: &[&str]| {
        let done = Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
        assert!(done.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    };
    let version = output("rustc", &["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    // Only this machine's: what other systems would need was never downloaded.
    let metadata =
        output(env!("CARGO"), &["metadata", "--offline", "--locked", "--format-version", "1", "--filter-platform", host]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        let licence = package["license"].as_str().unwrap_or("no licence").to_owned();
        found.entry(licence).or_default().insert(package["name"].as_str().unwrap().to_owned());
    }
    found
}

#[test]
fn every_dependency_has_a_licence_that_somebody_has_looked_at() {
    let found = packages();
    assert!(found.values().map(BTreeSet::len).sum::<usize>() > 100, "these are not all: {found:?}");
    let unseen: BTreeMap<_, _> = found.iter().filter(|(licence, _)| !SEEN.contains(&licence.as_str())).collect();
    assert!(unseen.is_empty(), "look at these, then list them in this file or take another crate: {unseen:#?}");
    let copyleft = ["GPL", "AGPL", "SSPL", "BUSL", "EUPL", "MPL"];
    for licence in found.keys().filter(|licence| copyleft.iter().any(|word| licence.contains(word))) {
        let another = licence.split(" OR ").any(|choice| ["MIT", "Apache-2.0"].contains(&choice));
        assert!(another, "{licence} leaves no choice");
    }
}
