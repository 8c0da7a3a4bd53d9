//! The request log: what was really called, as the wire saw it.
//!
//! It only grows. It holds normal forms, so no secret reaches it.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::call::{CallClass, StepTag, WireCall};
use super::normalise::{NormalCall, Normaliser, policy_prefix};

/// Who gave the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AnsweredBy {
    /// The emulator of AWS.
    Emulator,
    /// The modelled world.
    World,
    /// The proxy itself: an injected fault, or a request that could not be passed on.
    Proxy,
}

/// Who found that the caller may do this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthorizedBy {
    /// The emulator's evaluation of the caller's policies.
    Emulator,
    /// Our own evaluation, after a refusal of the emulator that is known to be false.
    Proxy,
    /// The emulator verified the signature and asked no policy: it knows no actions in this protocol.
    SignatureOnly,
}

/// One call as the log keeps it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record {
    /// Place in the order of arrival, from 0, without gaps once all calls have ended.
    pub sequence: u64,
    /// Simulated time of arrival.
    pub simulated: Timestamp,
    /// Real time of arrival.
    pub real: Timestamp,
    /// Real milliseconds from arrival to answer.
    pub milliseconds: f64,
    /// The answer's status; `None` where the connection was closed without one.
    pub status: Option<u16>,
    /// The answer's error code, if it was an error.
    pub error: Option<String>,
    /// Whether the caller got the answer, as far as the proxy decides that.
    pub delivered: bool,
    /// Who answered.
    pub answered_by: AnsweredBy,
    /// Who let the call pass; `None` where nobody did or nobody was asked.
    pub authorized_by: Option<AuthorizedBy>,
    /// The fault that was injected into this call.
    pub fault: Option<String>,
    /// The id of the access key that signed it: it tells the rehearsal's own calls from others', and is not written down.
    #[serde(skip)]
    pub access_key: Option<String>,
    /// The step that made it.
    pub step: Option<String>,
    /// Its place among the step's mutations; 0 for reads.
    pub ordinal: Option<u32>,
    /// 1 for a call seen first; a mutation of the same step, ordinal, operation and parameters counts on.
    pub attempt: u32,
    /// What the call does.
    pub class: CallClass,
    /// The service.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// The Region.
    pub region: String,
    /// What it acts on.
    pub resource: String,
    /// Its parameters in normal form.
    pub parameters: Value,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// The answer's status, if there was an answer.
    pub status: Option<u16>,
    /// The answer's error code.
    pub error: Option<String>,
    /// Whether the caller gets the answer.
    pub delivered: bool,
    /// Who answered.
    pub answered_by: AnsweredBy,
    /// Who let it pass.
    pub authorized_by: Option<AuthorizedBy>,
    /// The fault injected.
    pub fault: Option<String>,
}

/// A mutation that a step made, its retries counted with it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MadeCall {
    /// What was called.
    #[serde(flatten)]
    pub call: NormalCall,
    /// How often.
    pub attempts: u32,
    /// Whether any attempt was answered with success, delivered or not.
    pub took_effect: bool,
    /// The last status.
    pub status: Option<u16>,
    /// When it was first made, in simulated time.
    pub simulated: Timestamp,
}

/// The log. One per rehearsal; all its methods may be called from anywhere.
#[derive(Debug)]
pub struct RequestLog {
    normaliser: Normaliser,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    arrived: u64,
    attempts: HashMap<String, u32>,
    records: Vec<Record>,
    file: Option<File>,
    file_error: Option<String>,
}

/// A call's place in the log, from arrival on.
#[derive(Debug)]
pub(crate) struct Entry {
    sequence: u64,
    attempt: u32,
    parameters: Value,
}

impl RequestLog {
    /// A log in memory.
    pub fn new(normaliser: Normaliser) -> Self {
        Self { normaliser, kept: Mutex::default() }
    }

    /// A log that also appends each record to a file, as one line of JSON.
    pub fn with_file(normaliser: Normaliser, path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { normaliser, kept: Mutex::new(Kept { file: Some(file), ..Kept::default() }) })
    }

    /// Gives a call its place. Order and attempts are those of arrival: two answers may overtake each other.
    pub(crate) fn arrive(&self, call: &WireCall) -> Entry {
        let parameters = self.normaliser.parameters(call);
        let mut kept = self.kept();
        let sequence = kept.arrived;
        kept.arrived += 1;
        let attempt = match (&call.step, call.class) {
            (Some(tag), CallClass::Mutation) => {
                let attempt = kept.attempts.entry(identity(tag, call, &parameters)).or_default();
                *attempt += 1;
                *attempt
            }
            // Reads are polls: each is one of its own.
            _ => 1,
        };
        Entry { sequence, attempt, parameters }
    }

    /// Writes down how a call ended.
    pub(crate) fn end(&self, entry: Entry, call: &WireCall, took: Duration, ending: Ending) {
        let record = Record {
            sequence: entry.sequence,
            simulated: call.time,
            real: call.real_time,
            milliseconds: (took.as_secs_f64() * 10_000.0).round() / 10.0,
            status: ending.status,
            error: ending.error,
            delivered: ending.delivered,
            answered_by: ending.answered_by,
            authorized_by: ending.authorized_by,
            fault: ending.fault,
            access_key: call.access_key.clone(),
            step: call.step.as_ref().map(|tag| tag.step.clone()),
            ordinal: call.step.as_ref().map(|tag| tag.ordinal),
            attempt: entry.attempt,
            class: call.class,
            service: call.service.clone(),
            operation: call.operation.clone(),
            region: call.region.clone(),
            resource: call.resource.clone(),
            parameters: entry.parameters,
        };
        let mut kept = self.kept();
        if let Err(error) = append(kept.file.as_mut(), &record) {
            kept.file_error.get_or_insert(error.to_string());
        }
        kept.records.push(record);
    }

    /// A mark to ask for what came later: everything that arrives from now on has at least this sequence.
    pub fn mark(&self) -> u64 {
        self.kept().arrived
    }

    /// All ended calls, in the order of arrival.
    pub fn records(&self) -> Vec<Record> {
        self.records_since(0)
    }

    /// All ended calls that arrived since a mark, in the order of arrival.
    pub fn records_since(&self, mark: u64) -> Vec<Record> {
        let mut records: Vec<Record> =
            self.kept().records.iter().filter(|record| record.sequence >= mark).cloned().collect();
        records.sort_by_key(|record| record.sequence);
        records
    }

    /// The calls that ended after so many others, in the order in which they ended: for whoever follows the log.
    pub fn ended_after(&self, seen: usize) -> Vec<Record> {
        self.kept().records.iter().skip(seen).cloned().collect()
    }

    /// The mutations that steps made, in order, duplicates of one ordinal collapsed into the first.
    pub fn mutations(&self) -> Vec<MadeCall> {
        self.mutations_since(0)
    }

    /// The same, since a mark.
    pub fn mutations_since(&self, mark: u64) -> Vec<MadeCall> {
        let mut made: Vec<MadeCall> = Vec::new();
        for record in self.records_since(mark) {
            let Some(call) = tagged_mutation(&record) else {
                continue;
            };
            let took_effect = record.status.is_some_and(|status| (200..300).contains(&status));
            match made.iter_mut().find(|earlier| earlier.call == call) {
                Some(earlier) => {
                    earlier.attempts += 1;
                    earlier.took_effect |= took_effect;
                    earlier.status = record.status;
                }
                None => made.push(MadeCall {
                    call,
                    attempts: 1,
                    took_effect,
                    status: record.status,
                    simulated: record.simulated,
                }),
            }
        }
        made
    }

    /// Mutations that no step says it made, since a mark: outside a deployment there should be none.
    pub fn untagged_mutations_since(&self, mark: u64) -> Vec<Record> {
        let mut records = self.records_since(mark);
        records.retain(|record| record.class == CallClass::Mutation && record.step.is_none());
        records
    }

    /// The calls that the emulator refused and the proxy let pass, for the report.
    pub fn authorized_by_proxy(&self) -> Vec<Record> {
        let mut records = self.records();
        records.retain(|record| record.authorized_by == Some(AuthorizedBy::Proxy));
        records
    }

    /// Calls since a mark that no policy was asked about, for the report: a right that the role lacks shows nowhere.
    pub fn unchecked_since(&self, mark: u64) -> Vec<Record> {
        let mut records = self.records_since(mark);
        records.retain(|record| record.authorized_by == Some(AuthorizedBy::SignatureOnly));
        records
    }

    /// Why the file could first not be written, if ever. The log in memory is whole all the same.
    pub fn file_error(&self) -> Option<String> {
        self.kept().file_error.clone()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tagged_mutation(record: &Record) -> Option<NormalCall> {
    if record.class != CallClass::Mutation {
        return None;
    }
    Some(NormalCall {
        step: record.step.clone()?,
        ordinal: record.ordinal?,
        service: policy_prefix(&record.service).to_owned(),
        operation: record.operation.clone(),
        region: record.region.clone(),
        resource: record.resource.clone(),
        parameters: record.parameters.clone(),
    })
}

fn identity(tag: &StepTag, call: &WireCall, parameters: &Value) -> String {
    format!("{tag} {} {} {} {parameters}", call.action(), call.region, call.resource)
}

/// One write per line, so that a reader of the growing file never sees half a record.
fn append(file: Option<&mut File>, record: &Record) -> io::Result<()> {
    let Some(file) = file else { return Ok(()) };
    let mut line = serde_json::to_vec(record)?;
    line.push(b'\n');
    file.write_all(&line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::tests::requests::{self, Wire};

    fn promote(tag: &str) -> Wire {
        requests::form("rds", "Action=PromoteReadReplica&Version=2014-10-31&DBInstanceIdentifier=dr").tagged(tag)
    }

    fn record(log: &RequestLog, wire: Wire, status: Option<u16>) {
        let call = wire.call();
        let entry = log.arrive(&call);
        log.end(entry, &call, Duration::from_millis(1), ending(status));
    }

    fn ending(status: Option<u16>) -> Ending {
        Ending {
            status,
            error: None,
            delivered: status.is_some(),
            answered_by: AnsweredBy::World,
            authorized_by: Some(AuthorizedBy::Emulator),
            fault: None,
        }
    }

    #[test]
    fn a_retried_mutation_counts_once() {
        let log = RequestLog::new(Normaliser::default());
        record(&log, promote("promote#1"), Some(400));
        record(&log, promote("promote#1"), Some(200));
        record(&log, promote("promote#1"), None);
        let made = log.mutations();
        assert_eq!(made.len(), 1);
        assert_eq!((made[0].attempts, made[0].took_effect, made[0].status), (3, true, None));
        let attempts: Vec<u32> = log.records().iter().map(|record| record.attempt).collect();
        assert_eq!(attempts, [1, 2, 3]);
    }

    #[test]
    fn another_ordinal_or_other_parameters_are_another_call() {
        let log = RequestLog::new(Normaliser::default());
        record(&log, promote("promote#1"), Some(200));
        record(&log, promote("promote#2"), Some(200));
        record(&log, promote("promote#1").in_region("us-east-1"), Some(200));
        record(
            &log,
            requests::form("rds", "Action=PromoteReadReplica&DBInstanceIdentifier=other").tagged("promote#1"),
            Some(200),
        );
        assert_eq!(log.mutations().len(), 4);
    }

    #[test]
    fn reads_and_our_own_machinery_are_no_mutations_and_polls_no_retries() {
        let log = RequestLog::new(Normaliser::default());
        for _ in 0..2 {
            record(&log, requests::form("rds", "Action=DescribeDBInstances").tagged("promote#0"), Some(200));
        }
        record(&log, requests::target("dynamodb", "DynamoDB_20120810.PutItem", Value::Null), Some(200));
        assert!(log.mutations().is_empty());
        assert!(log.records().iter().all(|record| record.attempt == 1));
    }

    #[test]
    fn mutations_come_in_the_order_of_arrival_not_of_answers() {
        let log = RequestLog::new(Normaliser::default());
        let (first, second) = (promote("promote#1").call(), promote("promote#2").call());
        let (arrived_first, arrived_second) = (log.arrive(&first), log.arrive(&second));
        log.end(arrived_second, &second, Duration::ZERO, ending(Some(200)));
        log.end(arrived_first, &first, Duration::ZERO, ending(Some(200)));
        let ordinals: Vec<u32> = log.mutations().iter().map(|made| made.call.ordinal).collect();
        assert_eq!(ordinals, [1, 2]);
    }

    #[test]
    fn a_mark_separates_the_deployment_from_the_recovery() {
        let log = RequestLog::new(Normaliser::default());
        let untagged = || requests::form("rds", "Action=CreateDBInstance&DBInstanceIdentifier=x");
        record(&log, untagged(), Some(200));
        record(&log, promote("promote#1"), Some(200));
        let mark = log.mark();
        record(&log, untagged(), Some(200));
        assert_eq!(log.untagged_mutations_since(0).len(), 2);
        assert_eq!(log.untagged_mutations_since(mark).len(), 1);
        assert!(log.mutations_since(mark).is_empty());
    }

    #[test]
    fn a_made_call_names_its_service_as_a_prediction_does() {
        let log = RequestLog::new(Normaliser::default());
        let delete =
            requests::rest("apigateway", "DELETE", "/v2/apis/a1/stages/prod/routesettings/POST%20%2Fpatients", Value::Null);
        record(&log, delete.tagged("resume_writes#1"), Some(204));
        let made = log.mutations();
        assert_eq!(made[0].call.service, "apigateway");
        assert_eq!(made[0].call.parameters, serde_json::json!({"routeKey": "POST /patients"}));
    }

    #[test]
    fn each_record_is_one_line_of_the_file() {
        let path = std::env::temp_dir().join(format!("request-log-{}.jsonl", std::process::id()));
        let log = RequestLog::with_file(Normaliser::default(), &path).unwrap();
        record(&log, promote("promote#1"), Some(200));
        record(&log, promote("promote#1"), Some(200));
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1]["attempt"], 2);
        assert_eq!(lines[1]["answered_by"], "world");
        assert_eq!(lines[1]["parameters"]["DBInstanceIdentifier"], "dr");
        assert_eq!(log.file_error(), None);
    }
}
