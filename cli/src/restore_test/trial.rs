//! The trial: restore, count, ask.

use std::path::Path;
use std::time::Duration;

use pgdump::{Table, Verdict};
use rehearsal::databases::{Asked, Restored, Scratch};

use super::outcome::{LargeObjects, Outcome, Query, Restore, Rows};

/// What pg_restore says where this machine lacks something that the archive's own has: nothing is wrong with the archive.
const MISSING_HERE: [&str; 6] = [
    "does not support compression",
    "not built with",
    "extension control file",
    "is not available",
    "unsupported version",
    "role \"",
];
/// Tables counted by one statement.
const TABLES: usize = 200;
/// Of an answer, so many characters are told.
const TOLD: usize = 200;

/// Restores an archive that could be decoded, and asks what came of it.
pub(super) fn of(scratch: &Scratch, archive: &Path, verdict: &Verdict, queries: &[String], limit: Duration) -> Outcome {
    let restore = match scratch.restore(archive, limit) {
        Ok(Restored::Whole(took)) => Restore::Whole { took },
        Ok(Restored::OutOfTime(limit)) => Restore::OutOfTime { limit },
        Ok(Restored::Refused(said)) => {
            let missing_here = MISSING_HERE.iter().any(|words| said.contains(words));
            Restore::Refused { said, missing_here }
        }
        Err(error) => Restore::NotTried { why: error.to_string() },
    };
    let mut outcome = Outcome::of(restore, Some(scratch.version().to_owned()));
    if matches!(outcome.restore, Restore::Whole { .. }) {
        count(scratch, verdict, limit, &mut outcome);
        for query in queries {
            ask(scratch, query, limit, &mut outcome);
        }
    }
    outcome
}

fn count(scratch: &Scratch, verdict: &Verdict, limit: Duration, outcome: &mut Outcome) {
    outcome.not_found_out.extend(verdict.tables.iter().filter(|table| table.rows.is_none()).map(not_counted));
    let known: Vec<(&Table, u64)> = verdict.tables.iter().filter_map(|table| Some((table, table.rows?))).collect();
    for tables in known.chunks(TABLES) {
        let statement = counting(tables.iter().map(|(table, _)| *table));
        let Some(said) = told(scratch, &statement, limit, "counting rows", outcome) else { return };
        let Some(counts) = counts(&said, tables.len()) else {
            outcome.not_found_out.push("counting rows was not answered with a number for each table".to_owned());
            return;
        };
        let rows = tables.iter().zip(counts).map(|((table, archive), restored)| Rows {
            table: table.title(),
            archive: *archive,
            restored,
        });
        outcome.tables.extend(rows);
    }
    let objects = "SELECT count(*) FROM pg_largeobject_metadata";
    if let Some(said) = told(scratch, objects, limit, "counting large objects", outcome) {
        let restored = said.trim().parse().unwrap_or_default();
        outcome.large_objects = Some(LargeObjects { archive: verdict.large_objects.count, restored });
    }
}

fn not_counted(table: &Table) -> String {
    format!("whether {} has all its rows: the archive has them as INSERT statements, which are not counted", table.title())
}

/// Counts the rows of tables, each under its number: SQL promises no order of a UNION ALL, and a parallel plan has none.
pub(super) fn counting<'a>(tables: impl Iterator<Item = &'a Table>) -> String {
    let counts = tables.enumerate().map(|(number, table)| format!("SELECT {number}, count(*) FROM ONLY {}", quoted(table)));
    counts.collect::<Vec<_>>().join(" UNION ALL ") + " ORDER BY 1"
}

/// The rows of each table, by its number in the answer; nothing where one has none.
pub(super) fn counts(said: &str, tables: usize) -> Option<Vec<u64>> {
    let mut counts = vec![None; tables];
    for line in said.lines() {
        let (number, rows) = line.trim().split_once('|')?;
        *counts.get_mut(number.parse::<usize>().ok()?)? = Some(rows.parse().ok()?);
    }
    counts.into_iter().collect()
}

fn ask(scratch: &Scratch, query: &str, limit: Duration, outcome: &mut Outcome) {
    let said = told(scratch, query, limit, query, outcome);
    let answer = said.map(|said| said.trim().chars().take(TOLD).collect::<String>());
    let holds = answer.as_deref() == Some("t");
    outcome.queries.push(Query { query: query.to_owned(), answer, holds });
}

/// The answer; where there is none, the outcome says why.
fn told(scratch: &Scratch, statement: &str, limit: Duration, what: &str, outcome: &mut Outcome) -> Option<String> {
    let why = match scratch.ask(statement, limit) {
        Ok(Asked::Answered(said)) => return Some(said),
        Ok(Asked::Refused(said)) => format!("{what}: {}", said.trim()),
        Ok(Asked::OutOfTime(limit)) => format!("{what}: no answer within {} s", limit.as_secs_f64()),
        Err(error) => error.to_string(),
    };
    outcome.not_found_out.push(why);
    None
}

fn quoted(table: &Table) -> String {
    let quote = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let name = quote(&table.name);
    table.schema.as_deref().map_or_else(|| name.clone(), |schema| format!("{}.{name}", quote(schema)))
}
