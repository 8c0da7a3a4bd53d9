use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rehearsal_world::{Fact, fact_rows, unverified_facts};

/// Everything under the directories where tests and behaviour live.
fn sources(directory: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(fs::read_to_string(&path).unwrap());
        }
    }
}

fn all_sources() -> Vec<String> {
    let world = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for directory in [world.join("src"), world.join("tests"), world.join("../src/wire")] {
        sources(&directory, &mut found);
    }
    found
}

#[test]
fn every_fact_has_one_row_and_every_row_a_fact() {
    let known: BTreeSet<&str> = Fact::ALL.iter().map(|fact| fact.id()).collect();
    let rows: Vec<&str> = fact_rows().iter().map(|row| row.id.as_str()).collect();
    assert_eq!(rows.iter().copied().collect::<BTreeSet<_>>(), known);
    assert_eq!(rows.len(), known.len(), "a fact has two rows");
    assert!(Fact::ALL.iter().all(|fact| fact.row().is_some()));
}

#[test]
fn every_row_names_a_test_that_exists() {
    let sources = all_sources();
    for row in fact_rows() {
        let test = format!("#[test]\nfn {}(", row.test);
        let indented = format!("#[test]\n    fn {}(", row.test);
        assert!(
            sources.iter().any(|source| source.contains(&test) || source.contains(&indented)),
            "{} names the test {}, which is not there",
            row.id,
            row.test
        );
    }
}

#[test]
fn every_row_names_a_source_or_says_that_it_has_none() {
    for row in fact_rows() {
        if row.is_verified() {
            assert!(row.source.starts_with("https://"), "{}: {}", row.id, row.source);
        } else {
            assert!(row.note.as_ref().is_some_and(|note| !note.is_empty()), "{} does not say what it rests on", row.id);
        }
        assert!(!row.behaviour.is_empty() && !row.service.is_empty() && !row.operation.is_empty(), "{}", row.id);
    }
    assert!(unverified_facts().count() < fact_rows().len() / 2);
}

/// A fact that no code refers to is a claim that nothing models.
#[test]
fn every_fact_is_relied_on_somewhere() {
    let sources = all_sources();
    for fact in Fact::ALL {
        let reference = format!("Fact::{fact:?}");
        assert!(sources.iter().any(|source| source.contains(&reference)), "{reference} is referred to nowhere");
    }
}

#[test]
fn a_run_knows_which_facts_it_rested_on() {
    let mut stage = crate::stage::Stage::new();
    assert!(!stage.world.relied_on().contains(&Fact::PromotionUnseenAtFirst));
    stage.promote().unwrap();
    assert!(stage.world.relied_on().contains(&Fact::PromotionUnseenAtFirst));
    assert!(!stage.world.relied_on().contains(&Fact::FailoverSwapsZones));
}
