use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap::Parser;
use jiff::SignedDuration;
use pgdump::{Manifest, Options, verify};
use serde_json::Value;
use shared::domain::retention::Standing;

use super::*;
use crate::encrypted_archives::encrypted;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/pgdump/tests/fixtures/");

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    retention: RetentionArguments,
}

fn now() -> Timestamp {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

fn run_line(line: &[&str]) -> Result<Outcome, String> {
    let arguments = Line::try_parse_from([&["retention"], line].concat()).unwrap();
    run(&arguments.retention, now())
}

/// A directory of daily backups made by a real pg_dump, the newest of this morning.
struct Place(PathBuf);

impl Place {
    fn of_days(name: &str, days: i64) -> Self {
        let path = std::env::temp_dir().join(format!("recoveryctl-retention-{}-{name}", std::process::id()));
        let _old = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        let place = Self(path);
        for day in 0..days {
            place.put(&format!("{day:02}.dump"), now() - SignedDuration::from_hours(24 * day + 8));
        }
        place
    }

    fn put(&self, name: &str, recorded_at: Timestamp) {
        let archive = fs::read(format!("{FIXTURES}15.18/custom-gzip.dump")).unwrap();
        let mut options = Options::to(Level::Decodable);
        options.fingerprints = true;
        let manifest = Manifest::of(&verify(archive.as_slice(), &options), recorded_at, "a test").unwrap();
        fs::write(self.0.join(name), archive).unwrap();
        fs::write(self.0.join(format!("{name}.manifest.json")), manifest.to_json()).unwrap();
    }

    fn text(&self) -> &str {
        self.0.to_str().unwrap()
    }

    fn names(&self) -> BTreeSet<String> {
        fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn line<'a>(&'a self, command: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        [&[command, self.text(), "--keep", "daily=3", "--cap", "100", "--format", "json"], more].concat()
    }

    fn plan(&self) -> Value {
        let outcome = run_line(&self.line("plan", &[])).unwrap();
        assert_eq!(outcome.status, 0, "{}", outcome.out);
        serde_json::from_str(&outcome.out).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _left = fs::remove_dir_all(&self.0);
    }
}

fn listed(plan: &Value, list: &str) -> Vec<String> {
    plan[list].as_array().unwrap().iter().map(|each| each["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_was_listed_is_removed_and_nothing_else() {
    let place = Place::of_days("listed", 6);
    let before = place.names();
    let plan = place.plan();
    assert_eq!(listed(&plan, "goes"), ["05.dump", "04.dump", "03.dump"]);
    assert_eq!(listed(&plan, "stays"), ["00.dump", "01.dump", "02.dump"]);
    assert_eq!(place.names(), before, "a list removes nothing");
    let digest = plan["digest"].as_str().unwrap();
    let outcome = run_line(&place.line("apply", &["--digest", digest])).unwrap();
    assert_eq!((outcome.status, outcome.errors.as_str()), (0, ""));
    let kept = ["00.dump", "01.dump", "02.dump"];
    let kept: BTreeSet<String> =
        kept.iter().flat_map(|name| [(*name).to_owned(), format!("{name}.manifest.json")]).collect();
    assert_eq!(place.names(), kept);
    assert_eq!(listed(&place.plan(), "goes"), Vec::<String>::new());
}

#[test]
fn a_list_that_nobody_has_seen_is_not_applied() {
    let place = Place::of_days("unseen", 6);
    let digest = place.plan()["digest"].as_str().unwrap().to_owned();
    // One that stood for its day is gone, so another has to stay for the day before it.
    fs::remove_file(place.0.join("02.dump")).unwrap();
    fs::remove_file(place.0.join("02.dump.manifest.json")).unwrap();
    let before = place.names();
    for stated in [digest.as_str(), "", "0000"] {
        let outcome = run_line(&place.line("apply", &["--digest", stated])).unwrap();
        assert_eq!(outcome.status, 1);
        assert!(outcome.errors.contains("digest_differs"), "{}", outcome.errors);
        assert_eq!(place.names(), before);
    }
}

#[test]
fn a_backup_that_was_rewritten_since_stays() {
    let place = Place::of_days("rewritten", 6);
    let digest = place.plan()["digest"].as_str().unwrap().to_owned();
    let oldest = place.0.join("05.dump");
    let bytes = fs::read(&oldest).unwrap();
    fs::File::options().write(true).open(&oldest).unwrap().set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    let outcome = run_line(&place.line("apply", &["--digest", &digest])).unwrap();
    assert_eq!(outcome.status, 1);
    assert_eq!(fs::read(&oldest).unwrap(), bytes);
}

#[test]
fn what_has_no_manifest_or_another_ones_is_left_alone() {
    let place = Place::of_days("alone", 6);
    fs::remove_file(place.0.join("05.dump.manifest.json")).unwrap();
    fs::write(place.0.join("04.dump"), b"half of it").unwrap();
    fs::write(place.0.join("03.dump.manifest.json"), b"{}").unwrap();
    fs::create_dir(place.0.join("notes")).unwrap();
    let plan = place.plan();
    assert_eq!(listed(&plan, "goes"), Vec::<String>::new());
    assert_eq!(listed(&plan, "left_alone"), ["03.dump", "04.dump", "05.dump", "notes"]);
    let why = plan["left_alone"][1]["reason"].as_str().unwrap();
    assert!(why.contains("there are 10 bytes in 1"), "{why}");
}

#[test]
fn a_place_where_nothing_is_verified_is_a_finding() {
    let place = Place::of_days("nothing", 0);
    fs::write(place.0.join("a.dump"), b"who knows").unwrap();
    let outcome = run_line(&["plan", place.text(), "--keep", "daily=1"]).unwrap();
    assert_eq!(outcome.status, 1);
    assert!(outcome.out.contains("no_verified_backup"), "{}", outcome.out);
    assert!(run_line(&["plan", "/no/such/place", "--keep", "daily=1"]).is_err());
}

#[test]
fn a_bucket_that_forgets_sooner_than_the_policy_is_a_finding() {
    let place = Place::of_days("lifecycle", 3);
    let rules = place.0.with_extension("lifecycle.json");
    let rule = r#"{"Rules": [{"ID": "tidy", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 90}}]}"#;
    fs::write(&rules, rule).unwrap();
    let rules = rules.to_str().unwrap();
    let line = |keep| ["plan", place.text(), "--keep", keep, "--lifecycle", rules];
    let outcome = run_line(&line("monthly=12")).unwrap();
    assert_eq!(outcome.status, 1);
    assert!(outcome.out.contains("found: lifecycle_expires_first: rule tidy"), "{}", outcome.out);
    assert!(outcome.out.contains("up to 9 of 12 months"), "{}", outcome.out);
    assert_eq!(run_line(&line("monthly=3")).unwrap().status, 0);
    fs::remove_file(rules).unwrap();
    assert!(run_line(&line("monthly=3")).unwrap_err().contains("lifecycle.json could not be read"));
}

#[test]
fn a_directory_archive_goes_whole() {
    let place = Place::of_days("directory", 5);
    let source = Path::new(FIXTURES).join("15.18/directory-none");
    let target = place.0.join("old");
    fs::create_dir(&target).unwrap();
    for entry in fs::read_dir(&source).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), target.join(entry.file_name())).unwrap();
    }
    let mut options = Options::to(Level::Decodable);
    options.fingerprints = true;
    let verdict = pgdump::verify_directory(&pgdump::Directory::new(&target), &options);
    let manifest = Manifest::of(&verdict, now() - SignedDuration::from_hours(24 * 40), "a test").unwrap();
    fs::write(place.0.join("old.manifest.json"), manifest.to_json()).unwrap();
    let plan = place.plan();
    assert_eq!(listed(&plan, "goes"), ["old", "04.dump", "03.dump"]);
    let outcome = run_line(&place.line("apply", &["--digest", plan["digest"].as_str().unwrap()])).unwrap();
    assert_eq!(outcome.status, 0, "{}", outcome.errors);
    assert!(!target.exists() && !place.0.join("old.manifest.json").exists());
}

#[test]
fn the_policy_may_be_the_plans() {
    let place = Place::of_days("plan", 12);
    let plan = concat!(env!("CARGO_MANIFEST_DIR"), "/../plans/healthcare-platform.yaml");
    let line = ["plan", place.text(), "--plan", plan, "--component", "database_archives"];
    let outcome = run_line(&line).unwrap();
    assert!(outcome.out.contains("kept are 7 days, 4 weeks, 12 months of UTC, from level decodable on"), "{}", outcome.out);
    assert!(
        run_line(&["plan", place.text(), "--plan", plan, "--component", "database"]).unwrap_err().contains("rds_instance")
    );
}

#[test]
fn a_policy_that_says_nothing_is_refused() {
    let refused = |line: &[&str]| Line::try_parse_from([&["retention", "plan", "x"], line].concat()).is_err();
    for line in [
        &[][..],
        &["--keep", "daily=0"],
        &["--keep", "yearly=1"],
        &["--keep", "daily"],
        &["--keep", "daily=3", "--cap", "0"],
    ] {
        assert!(refused(line), "{line:?}");
    }
    assert!(refused(&["--keep", "daily=3", "--time-zone", "Europe/Bukarest"]));
    assert!(!refused(&["--keep", "daily=3", "--time-zone", "Europe/Bucharest"]));
}

#[test]
fn an_encrypted_backup_is_verified_by_the_manifest_of_its_encrypted_bytes() {
    let (bytes, identity) = encrypted(&fs::read(format!("{FIXTURES}15.18/custom-gzip.dump")).unwrap());
    let identities = decryption::Identities::read(&identity).unwrap();
    let options = Options { keys: Some(&identities), fingerprints: true, ..Options::to(Level::Decodable) };
    let manifest = Manifest::of(&verify(bytes.as_slice(), &options), now(), "a test").unwrap();
    let standing = |bytes: u64| proof::standing(Some(&manifest), &proof::single(bytes));
    assert!(matches!(standing(bytes.len() as u64), Standing::Verified { .. }));
    assert!(matches!(standing(manifest.files[0].bytes), Standing::Unverified { .. }), "it is not kept as it was");
}
