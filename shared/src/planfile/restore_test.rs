//! Reads what a database restored for a test is asked.

use std::collections::BTreeSet;

use crate::domain::identifier::{ResourceName, SqlText};
use crate::domain::non_empty::NonEmpty;
use crate::domain::restore_test::{Expectation, IntegrityQuery, RestoreTest};

use super::fields::{Fields, Place};
use super::finding::Findings;
use super::{code, format};

const SQL: &str = "one SQL query, such as SELECT count(*) FROM patients";
/// Each may take minutes, and all of them together have one invocation.
const MOST_QUERIES: usize = 20;
/// Fields that say what an answer has to be.
const EXPECTATIONS: [&str; 3] = ["at_least", "at_most", "equals"];

/// `restore_test: { database: …, secret: …, queries: … }`.
pub(super) fn read(place: &Place<'_>, findings: &mut Findings) -> Option<RestoreTest> {
    let fields = place.fields(&format::RESTORE_TEST, findings)?;
    let name = |field, expected: &str, findings: &mut Findings| {
        fields.required(field, expected, findings)?.identifier::<ResourceName>(expected, findings)
    };
    let database = name("database", "the database's name", findings);
    let secret = name("secret", "a secret of the recovery site", findings);
    let queries = fields.required("queries", "a list of queries", findings).and_then(|place| read_queries(&place, findings));
    Some(RestoreTest { database: database?.value, secret: secret?.value, queries: queries? })
}

fn read_queries(place: &Place<'_>, findings: &mut Findings) -> Option<NonEmpty<IntegrityQuery>> {
    let items = place.items("a list of queries", findings)?;
    if items.len() > MOST_QUERIES {
        let message = format!("{} has {} queries", place.path(), items.len());
        findings.error(code::OUT_OF_RANGE, place.mark, message, format!("name at most {MOST_QUERIES}"));
        return None;
    }
    let mut names = BTreeSet::new();
    let mut queries = Vec::new();
    for item in &items {
        let query = read_query(item, findings);
        if let Some(query) = &query
            && !names.insert(query.name.to_string())
        {
            let message = format!("{}: {} is the name of two queries", item.path(), query.name);
            findings.error(
                code::DUPLICATE,
                item.mark,
                message,
                "give each a name of its own: verdicts tell them apart by it",
            );
        }
        queries.push(query);
    }
    NonEmpty::new(queries.into_iter().collect::<Option<Vec<_>>>()?).ok()
}

fn read_query(place: &Place<'_>, findings: &mut Findings) -> Option<IntegrityQuery> {
    let fields = place.fields(&format::INTEGRITY_QUERY, findings)?;
    let name = fields.required("name", "the query's name", findings);
    let name = name.and_then(|place| place.identifier::<ResourceName>("the query's name", findings));
    let sql = fields.required("sql", SQL, findings).and_then(|place| place.identifier::<SqlText>(SQL, findings));
    let expect = read_expectation(place, &fields, findings);
    Some(IntegrityQuery { name: name?.value, sql: sql?.value, expect: expect? })
}

fn read_expectation(place: &Place<'_>, fields: &Fields<'_>, findings: &mut Findings) -> Option<Expectation> {
    match fields.present(&EXPECTATIONS).as_slice() {
        [] => Some(Expectation::True),
        [field] => {
            let number = fields.optional(field)?.number(findings)?.value;
            Some(match *field {
                "at_least" => Expectation::AtLeast(number),
                "at_most" => Expectation::AtMost(number),
                _ => Expectation::Equals(number),
            })
        }
        several => {
            let message = format!("{} has {} for one answer", place.path(), several.join(" and "));
            findings.error(code::DUPLICATE, place.mark, message, "keep one, or make two queries of it");
            None
        }
    }
}
