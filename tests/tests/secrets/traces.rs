//! Everything that a run leaves behind, by the place in which a person could read it.

use std::io::Write;
use std::sync::{Arc, Mutex};

use simulation::Simulation;

use crate::canary::Forms;

/// What is logged, as CloudWatch would have it; the payloads and answers of every invocation among it.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Runs the work with all that it logs kept here: at the finest level, which no deployment has.
    pub(crate) fn around<T>(&self, work: impl FnOnce() -> T) -> T {
        let writer = self.clone();
        tracing::subscriber::with_default(shared::telemetry::logging_to("trace", move || writer.clone()), work)
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap().lines().map(str::to_owned).collect()
    }
}

/// What a run leaves: place and text.
pub(crate) type Trace = (&'static str, String);

/// Everything that a run has left.
pub(crate) fn traces(simulation: &Simulation, log: &Log) -> Vec<Trace> {
    let mut all: Vec<Trace> = Vec::new();
    for line in log.lines() {
        let place = if line.contains("\"invoked\"") { "invocation" } else { "log" };
        all.push((place, line));
    }
    simulation.cloud.with(|state| {
        for (partition, name, content) in state.journal.documents() {
            let place = match name.split('#').next().unwrap_or_default() {
                "report" => "report",
                "entry" => "evidence",
                "notice" => "due notice",
                "incident" => "journal's incident",
                _ => "journal",
            };
            all.push((place, format!("{partition} {name} {content}")));
        }
        all.extend(state.notices.iter().map(|notice| ("sent notice", format!("{} {}", notice.subject, notice.body))));
        all.extend(state.executions.iter().map(|(name, record)| ("execution", format!("{name} {record:?}"))));
        all.extend(state.effects.iter().map(|effect| ("call", format!("{effect:?} {:?}", effect.call()))));
        all.extend(state.calls.iter().map(|call| ("call", format!("{call:?}"))));
        all.extend(state.violations.iter().map(|violation| ("log", format!("{violation:?}"))));
    });
    all
}

/// The traces that hold a form of the secret.
pub(crate) fn holding<'a>(traces: &'a [Trace], forms: &Forms) -> Vec<&'a Trace> {
    traces.iter().filter(|(_, text)| forms.found_in(text).is_some()).collect()
}
