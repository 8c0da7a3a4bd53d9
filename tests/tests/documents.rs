//! What the documents say of the code is true of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Arrows from a name to those that it uses.
type Arrows = BTreeMap<String, BTreeSet<String>>;

/// Crates of the workspace and the crates of ours that they are built from. What only their tests use is left out.
fn crates() -> Arrows {
    let arguments = ["metadata", "--offline", "--no-deps", "--format-version", "1"];
    let done = Command::new(env!("CARGO")).args(arguments).current_dir(repository()).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let metadata: Value = serde_json::from_slice(&done.stdout).unwrap();
    let mut arrows = Arrows::new();
    for package in metadata["packages"].as_array().unwrap() {
        let ours = package["dependencies"].as_array().unwrap().iter();
        let ours = ours.filter(|dependency| dependency["path"].is_string() && dependency["kind"].is_null());
        let names = ours.map(|dependency| dependency["name"].as_str().unwrap().to_owned());
        arrows.insert(package["name"].as_str().unwrap().to_owned(), names.collect());
    }
    arrows
}

/// Modules of the common crate and the modules of it that their code names. Unit tests may name more.
fn modules() -> Arrows {
    let sources = repository().join("shared/src");
    let mut arrows = Arrows::new();
    let mut open = vec![sources.clone()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let inside = path.strip_prefix(&sources).unwrap();
        let parts: Vec<String> = inside.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if parts.iter().any(|part| part == "tests" || part == "lib") {
            continue;
        }
        let module = &parts[0];
        let used = arrows.entry(module.clone()).or_default();
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for (at, _) in line.match_indices("crate::") {
                let name: String = line[at + 7..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                let is_module = sources.join(&name).exists() || sources.join(format!("{name}.rs")).exists();
                if !name.is_empty() && name != *module && is_module {
                    used.insert(name);
                }
            }
        }
    }
    arrows
}

/// A diagram of the arrows, without those that follow from others.
fn diagram(arrows: &Arrows) -> String {
    let mut text = String::from("```mermaid\nflowchart LR\n");
    for (from, to) in arrows {
        let direct: Vec<&String> =
            to.iter().filter(|name| !to.iter().any(|other| other != *name && reaches(arrows, other, name))).collect();
        if direct.is_empty() && !arrows.values().any(|used| used.contains(from)) {
            writeln!(text, "  {from}").unwrap();
        }
        for name in direct {
            writeln!(text, "  {from} --> {name}").unwrap();
        }
    }
    text + "```\n"
}

fn reaches(arrows: &Arrows, from: &str, to: &str) -> bool {
    let mut open = vec![from];
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop() {
        for next in arrows.get(name).into_iter().flatten().filter(|next| seen.insert(next.as_str())) {
            if next == to {
                return true;
            }
            open.push(next);
        }
    }
    false
}

#[test]
fn no_arrow_leads_back_to_where_it_began() {
    for (what, arrows) in [("crates", crates()), ("modules", modules())] {
        assert!(arrows.values().any(|to| !to.is_empty()), "there are no {what}");
        for name in arrows.keys() {
            assert!(!reaches(&arrows, name, name), "{what}: {name} uses itself by way of others: {:?}", arrows[name]);
        }
    }
}

/// What stands between two marks of a page.
fn between<'a>(page: &'a str, name: &str) -> (&'a str, &'a str, &'a str) {
    let (begin, end) = (format!("<!-- {name}: written by the tests -->\n"), format!("<!-- end of {name} -->\n"));
    let (before, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("the page has no {begin}"));
    let (inside, after) = rest.split_once(&end).unwrap_or_else(|| panic!("the page has no {end}"));
    (&page[..before.len() + begin.len()], inside, &page[page.len() - after.len() - end.len()..])
}

#[test]
fn the_diagrams_of_the_architecture_are_those_of_the_code() {
    let path = repository().join("docs/architecture.md");
    for (name, arrows) in [("crates", crates()), ("modules", modules())] {
        let page = fs::read_to_string(&path).unwrap();
        let (before, inside, after) = between(&page, name);
        let now = diagram(&arrows);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&path, format!("{before}{now}{after}")).unwrap();
        } else {
            assert!(
                inside == now,
                "the diagram of {name} is stale: UPDATE_DOCS=1 cargo test -p recovery-tests --test documents"
            );
        }
    }
}

/// Every file of the repository, by its path with a stroke before it.
fn files() -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![repository()];
    while let Some(path) = open.pop() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !["target", ".git", "node_modules"].contains(&name.as_str()) {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if let Ok(path) = path.strip_prefix(repository()) {
            found.push(format!("/{}", path.display()));
        }
    }
    found
}

#[test]
fn every_file_that_a_page_names_is_there() {
    let (mut named, files) = (0, files());
    for page in ["CONTRIBUTING.md", "docs/architecture.md", "README.md"] {
        let text = fs::read_to_string(repository().join(page)).unwrap();
        for word in text.split('`').skip(1).step_by(2) {
            let is_file = [".rs", ".md", ".toml", ".yaml", ".py"].iter().any(|end| word.ends_with(end));
            if !is_file || word.contains([' ', '<', '*', '{', '…']) || word.starts_with("target/") {
                continue;
            }
            named += 1;
            // Pages leave out the folders that they just spoke of. What a drill writes is a page, and is not here.
            let there = files.iter().any(|file| file.ends_with(&format!("/{word}"))) || word == "report.md";
            assert!(there, "{page} names {word}, and there is no such file");
        }
    }
    assert!(named > 20, "only {named} files are named: the pages are read wrongly");
}

#[test]
fn every_test_that_contributing_names_is_there() {
    let page = fs::read_to_string(repository().join("CONTRIBUTING.md")).unwrap();
    let mut sources = String::new();
    let mut open = vec![repository().join("tests/tests"), repository().join("shared/src"), repository().join("cli/src")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
    // A promise is a sentence: names of tests have four words or more.
    let is_test = |word: &&str| word.matches('_').count() >= 3 && word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    for test in page.split('`').skip(1).step_by(2).filter(is_test) {
        assert!(sources.contains(&format!("fn {test}(")), "there is no test {test}");
    }
}
