//! Declarations that meet the end of another incident. `tests/models` tries every such meeting; this is the one that it found.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::ports::{Clock, Document, Journal, PortResult, Write};

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
    fn at_real(&self, _: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

/// A journal to which others write right after the platform was read.
#[derive(Default)]
struct Interleaved {
    documents: Mutex<BTreeMap<(String, String), Document>>,
    after_the_platform: Mutex<Vec<Write>>,
}

impl Interleaved {
    fn put(&self, write: &Write) {
        let Write { partition, name, expected, content } = write.clone();
        let document = Document { partition, name, revision: expected + 1, content };
        self.documents.lock().unwrap().insert((write.partition.clone(), write.name.clone()), document);
    }

    fn revision(&self, write: &Write) -> u64 {
        let key = (write.partition.clone(), write.name.clone());
        self.documents.lock().unwrap().get(&key).map_or(0, |document| document.revision)
    }
}

#[async_trait]
impl Journal for Interleaved {
    async fn read(&self, partition: &str, name: &str) -> PortResult<Option<Document>> {
        let found = self.documents.lock().unwrap().get(&(partition.to_owned(), name.to_owned())).cloned();
        if partition.starts_with("platform#") {
            std::mem::take(&mut *self.after_the_platform.lock().unwrap()).iter().for_each(|write| self.put(write));
        }
        Ok(found)
    }

    async fn list(&self, _: &str, _: &str) -> PortResult<Vec<Document>> {
        Ok(Vec::new())
    }

    async fn commit(&self, writes: &[Write]) -> PortResult<Commit> {
        if writes.iter().any(|write| self.revision(write) != write.expected) {
            return Ok(Commit::Conflict);
        }
        writes.iter().for_each(|write| self.put(write));
        Ok(Commit::Committed)
    }

    fn clock_lead(&self) -> Option<i64> {
        None
    }
}

/// The first request declares an incident; it ends so right after the second request has read who holds the platform.
async fn second_request_meets(end: impl FnOnce(&mut Incident)) -> Declared {
    let plan = crate::planfile::read(include_str!("../../../../plans/healthcare-platform.yaml")).plan.unwrap();
    let journal = Interleaved::default();
    let engine = Engine { journal: &journal, clock: &Stopped };
    let ask = |request_id: &str| Declaration {
        id: IncidentId::derive(&plan.platform, &[request_id]),
        plan: &plan,
        scenario: ScenarioName::new("database_failure").unwrap(),
        region: None,
        origin: Origin::Operator { request_id: request_id.to_owned(), actor: None, reason: None, mode: None },
    };
    let first = ask("first");
    assert!(matches!(declare(engine, &first).await.unwrap(), Declared::New(_)));
    let mut incident = engine.book().incident(&first.id).await.unwrap();
    let mut platform = engine.book().platform(&plan.platform).await.unwrap();
    end(&mut incident.value);
    let mut writes = vec![write_incident(&incident)];
    if !incident.value.holds_its_platform() {
        platform.value.active = None;
        writes.push(write_platform(&plan.platform, &platform));
    }
    *journal.after_the_platform.lock().unwrap() = writes;
    declare(engine, &ask("second")).await.unwrap()
}

#[tokio::test]
async fn a_request_that_meets_the_end_of_a_recovery_starts_its_own_and_does_not_join_what_is_over() {
    let declared = second_request_meets(|incident| incident.status = IncidentStatus::RolledBack).await;
    let Declared::New(incident) = declared else { panic!("{declared:?}") };
    assert_eq!(incident.generation.0, 2);
}

#[tokio::test]
async fn a_request_joins_a_stuck_recovery_until_a_person_has_acknowledged_it() {
    let stuck = |incident: &mut Incident| incident.status = IncidentStatus::Stuck;
    assert!(matches!(second_request_meets(stuck).await, Declared::Joined(_)));
    let acknowledged = |incident: &mut Incident| {
        stuck(incident);
        incident.acknowledged = Some(("an operator".to_owned(), Timestamp::UNIX_EPOCH));
    };
    assert!(matches!(second_request_meets(acknowledged).await, Declared::New(_)));
}
