use std::fs;

use clap::Parser;
use serde_json::Value;

use super::*;
use crate::encrypted_archives::{MESSAGES, asked_of_kms, encrypted, fixture_kms};

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    arguments: RestoreTestArguments,
}

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/pgdump/tests/fixtures/");

/// A directory of a test's own, which has to be empty again when the command is over.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("restore-test-{}-{name}", std::process::id()));
        fs::create_dir_all(path.join("scratch")).unwrap();
        Self(path)
    }

    fn test(&self, archive: &str, more: &[&str]) -> (Answer, Value) {
        let scratch = self.0.join("scratch");
        let line = [&["restore-test", archive, "--format", "json", "--scratch", scratch.to_str().unwrap()], more].concat();
        let arguments = Line::try_parse_from(line).unwrap().arguments;
        let tested = run(&arguments, Timestamp::now(), &fixture_kms, |sentence| println!("{sentence}")).unwrap();
        let left: Vec<_> = fs::read_dir(&scratch).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
        println!("{}", tested.text);
        (tested.answer, serde_json::from_str(&tested.text).unwrap())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

fn archive(name: &str) -> String {
    format!("{FIXTURES}{name}")
}

/// Whether PostgreSQL 18 runs here; a line says so where it does not.
fn postgresql() -> bool {
    let found = Installation::not_older_than(18, &target_directory().unwrap(), |sentence| println!("{sentence}"));
    found.inspect_err(|missing| println!("nothing was tested, because {missing}")).is_ok()
}

fn proof<'a>(answered: &'a Value, level: &str) -> (&'a str, &'a str) {
    let proof = &answered["proofs"][level];
    (proof["state"].as_str().unwrap(), proof["why"].as_str().unwrap())
}

#[test]
fn sound_archives_of_every_layout_are_restored_row_by_row_and_nothing_is_left() {
    if !postgresql() {
        return;
    }
    let place = Place::new("sound");
    for (name, at_least) in [("15.18/custom-gzip.dump", 15), ("16.14/tar.tar", 16), ("18.4/directory-gzip", 18)] {
        let (answer, answered) = place.test(&archive(name), &["--query", "SELECT count(*) > 0 FROM pg_class"]);
        assert_eq!(answer, Answer::Holds, "{name}");
        assert_eq!((answered["level"].as_str(), answered["restore"]["state"].as_str()), (Some("restorable"), Some("whole")));
        let version = answered["postgresql"].as_str().unwrap();
        assert!(version.split('.').next().unwrap().parse::<u32>().unwrap() >= at_least, "{name} by {version}");
        let tables = answered["tables"].as_array().unwrap();
        assert!(tables.iter().any(|table| table["archive"].as_u64() > Some(0)), "{name}");
        assert!(tables.iter().all(|table| table["archive"] == table["restored"]), "{name}");
        assert_eq!(answered["queries"][0]["holds"], true);
        assert!(answered["not_checked"].to_string().contains("consistent: "), "nothing was there to compare with");
    }
}

#[test]
fn a_query_that_is_not_true_fails_the_backup_and_one_that_is_refused_leaves_it_open() {
    if !postgresql() {
        return;
    }
    let place = Place::new("queries");
    let archive = archive("18.4/custom-gzip.dump");
    let (answer, answered) =
        place.test(&archive, &["--query", "SELECT true", "--query", "SELECT count(*) < 0 FROM pg_class"]);
    assert_eq!(answer, Answer::DoesNotHold);
    let (state, why) = proof(&answered, "restorable");
    assert!(state == "failed" && why.contains("count(*) < 0"), "{why}");
    let (answer, answered) = place.test(&archive, &["--query", "SELECT true FROM no_such_table"]);
    assert_eq!(answer, Answer::CouldNotBeChecked);
    assert!(proof(&answered, "restorable").1.contains("no_such_table"));
    let lower = ["--level", "decodable", "--query", "SELECT true FROM no_such_table"];
    let (answer, answered) = place.test(&archive, &lower);
    assert_eq!(answer, Answer::CouldNotBeChecked, "it was asked, and not answered");
    assert_eq!(answered["queries"][0]["answer"], Value::Null);
}

#[test]
fn an_archive_of_insert_statements_is_not_proven_restorable_because_no_row_is_counted() {
    if !postgresql() {
        return;
    }
    let place = Place::new("inserts");
    let archive = archive("15.18/inserts.dump");
    let (answer, answered) = place.test(&archive, &[]);
    assert_eq!((answer, answered["restore"]["state"].as_str()), (Answer::CouldNotBeChecked, Some("whole")));
    assert_eq!(proof(&answered, "restorable").0, "not_checked");
    let told = answered["not_found_out"].as_array().unwrap();
    let tables = verify(File::open(&archive).unwrap(), &Options::to(Level::Decodable)).tables;
    assert!(!tables.is_empty());
    for table in tables {
        let named = format!("whether {} has all its rows", table.title());
        assert!(told.iter().any(|why| why.as_str().unwrap().starts_with(&named)), "{named}");
    }
    assert_eq!(place.test(&archive, &["--level", "decodable"]).0, Answer::Holds, "reading it proves as much");
}

#[test]
fn counts_belong_to_tables_by_number_and_not_by_the_order_of_the_answer() {
    let table = |name: &str| pgdump::Table { schema: Some("s".to_owned()), name: name.to_owned(), rows: Some(1), bytes: 1 };
    assert_eq!(
        trial::counting([table("a"), table("b\"")].iter()),
        r#"SELECT 0, count(*) FROM ONLY "s"."a" UNION ALL SELECT 1, count(*) FROM ONLY "s"."b""" ORDER BY 1"#
    );
    assert_eq!(trial::counts("2|30\n0|10\n1|20\n", 3), Some(vec![10, 20, 30]));
    for said in ["0|10\n", "0|10\n0|20\n", "0|10\n2|20\n", "10\n20\n", "0|10\n1|\n"] {
        assert_eq!(trial::counts(said, 2), None, "{said}");
    }
}

#[test]
fn what_was_asked_and_not_answered_never_holds_at_any_level() {
    let verdict = verify(File::open(archive("18.4/custom-gzip.dump")).unwrap(), &Options::to(Level::Consistent));
    let lower = [Level::Present, Level::Listed, Level::Decodable];
    let not_tried = || Outcome::not_tried("no PostgreSQL runs here");
    let mut never_put = not_tried();
    never_put.leave_open(&["SELECT true".to_owned()]);
    let out_of_time = Outcome::of(outcome::Restore::OutOfTime { limit: Duration::from_secs(1) }, None);
    for level in lower {
        assert_eq!(not_tried().answer(&verdict, level), Answer::Holds, "{level}: nothing else was asked");
        assert_eq!(never_put.answer(&verdict, level), Answer::CouldNotBeChecked, "{level}");
        assert_eq!(out_of_time.answer(&verdict, level), Answer::CouldNotBeChecked, "{level}");
    }
    let text = rendering::text("x", Level::Decodable, Answer::CouldNotBeChecked, &verdict, &never_put);
    assert!(text.starts_with("x: decodable holds, but ") && text.contains("query: NOT ANSWERED: SELECT true"), "{text}");
}

#[test]
fn what_is_damaged_is_never_run_and_what_takes_too_long_is_ended() {
    if !postgresql() {
        return;
    }
    let place = Place::new("damaged");
    let sound = archive("18.4/custom-gzip.dump");
    let bytes = fs::read(&sound).unwrap();
    let cut = place.0.join("cut.dump");
    fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let (answer, answered) = place.test(cut.to_str().unwrap(), &[]);
    assert_eq!((answer, answered["restore"]["state"].as_str()), (Answer::DoesNotHold, Some("not_tried")));
    let (answer, answered) = place.test(&sound, &["--time-limit", "1ms"]);
    assert_eq!((answer, answered["restore"]["state"].as_str()), (Answer::CouldNotBeChecked, Some("out_of_time")));
    assert!(proof(&answered, "restorable").1.contains("had not ended"));
}

#[test]
fn a_manifest_is_held_against_what_was_read() {
    if !postgresql() {
        return;
    }
    let place = Place::new("manifest");
    let sound = archive("18.4/custom-gzip.dump");
    let mut options = Options::to(Level::Decodable);
    options.fingerprints = true;
    let manifest = Manifest::of(&verify(File::open(&sound).unwrap(), &options), Timestamp::now(), "a test").unwrap();
    let path = place.0.join("manifest.json");
    fs::write(&path, manifest.to_json()).unwrap();
    let (answer, answered) = place.test(&sound, &["--manifest", path.to_str().unwrap()]);
    assert_eq!(answer, Answer::Holds);
    assert_eq!((proof(&answered, "consistent").0, proof(&answered, "intact").0), ("proven", "proven"));
    let mut other = manifest;
    other.tables[0].rows = other.tables[0].rows.map(|rows| rows + 1);
    fs::write(&path, other.to_json()).unwrap();
    assert_eq!(place.test(&sound, &["--manifest", path.to_str().unwrap()]).0, Answer::DoesNotHold);
}

#[test]
fn restored_rows_that_are_not_the_archives_are_a_failure_and_what_this_machine_lacks_is_none() {
    let verdict = verify(File::open(archive("18.4/custom-gzip.dump")).unwrap(), &Options::to(Level::Consistent));
    let whole = || Outcome::of(outcome::Restore::Whole { took: Duration::from_secs(1) }, Some("18.4".to_owned()));
    assert_eq!(whole().answer(&verdict, Level::Restorable), Answer::Holds);
    let mut short = whole();
    short.tables.push(outcome::Rows { table: "public.patients".to_owned(), archive: 3, restored: 2 });
    assert_eq!(short.answer(&verdict, Level::Restorable), Answer::DoesNotHold);
    assert_eq!(short.answer(&verdict, Level::Decodable), Answer::DoesNotHold, "whatever the level");
    let mut objects = whole();
    objects.large_objects = Some(outcome::LargeObjects { archive: 3, restored: 2 });
    assert_eq!(objects.answer(&verdict, Level::Restorable), Answer::DoesNotHold);
    for (missing_here, expected) in [(true, Answer::CouldNotBeChecked), (false, Answer::DoesNotHold)] {
        let said = "pg_restore: error: could not execute query".to_owned();
        let refused = Outcome::of(outcome::Restore::Refused { said, missing_here }, None);
        assert_eq!(refused.answer(&verdict, Level::Restorable), expected);
        assert_eq!(refused.level(&verdict), Some(Level::Decodable));
    }
}

#[test]
fn an_archive_that_is_not_there_and_a_limit_that_is_none_are_refused() {
    let arguments = Line::try_parse_from(["restore-test", "no-such.dump"]).unwrap().arguments;
    let refused = run(&arguments, Timestamp::now(), &fixture_kms, |_| {}).err().unwrap();
    assert!(refused.starts_with("no-such.dump could not be read: "), "{refused}");
    for limit in ["0s", "soon", "-5m"] {
        assert!(Line::try_parse_from(["restore-test", "x", &format!("--time-limit={limit}")]).is_err(), "{limit}");
    }
}

#[test]
fn an_encrypted_archive_is_restored_with_its_identity_and_not_tried_without() {
    let place = Place::new("encrypted");
    let (bytes, identity) = encrypted(&fs::read(archive("18.4/custom-gzip.dump")).unwrap());
    let (dump, key) = (place.0.join("a.dump.age"), place.0.join("key"));
    fs::write(&dump, bytes).unwrap();
    fs::write(&key, identity).unwrap();
    let (dump, key) = (dump.to_str().unwrap(), key.to_str().unwrap());
    let (answer, answered) = place.test(dump, &[]);
    assert_eq!((answer, proof(&answered, "restorable").0), (Answer::CouldNotBeChecked, "not_checked"));
    if postgresql() {
        let (answer, answered) = place.test(dump, &["--identity", key]);
        assert_eq!((answer, proof(&answered, "restorable").0), (Answer::Holds, "proven"));
        assert_eq!(answered["read"]["encryption"]["opened"], true);
    }
}

#[test]
fn an_archive_of_the_encryption_sdk_is_restored_with_its_kms_key() {
    if !postgresql() {
        return;
    }
    let key = asked_of_kms()["default"]["keys"][0]["key"].clone();
    let place = Place::new("enveloped");
    let (answer, answered) = place.test(&format!("{MESSAGES}default.message"), &["--kms-key", key.as_str().unwrap()]);
    assert_eq!((answer, proof(&answered, "restorable").0), (Answer::Holds, "proven"));
    assert_eq!(answered["read"]["encryption"]["opened"], true);
}
