//! Logs as JSON lines on standard output, and metrics in CloudWatch's embedded metric format, which needs no call and no
//! permission: CloudWatch Logs reads them out of the same stream.

use std::io::Write;

use jiff::Timestamp;

use crate::domain::identifier::PlatformName;
use serde_json::{Map, Value, json};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{FilterExt, Targets, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Libraries whose finer events quote requests and replies, secrets included. Whatever `RUST_LOG` says, they only warn.
const QUOTING: [&str; 8] =
    ["aws_", "hyper", "h2", "rustls", "lambda_runtime", "lambda_runtime_api_client", "tower", "reqwest"];

/// CloudWatch takes this many metrics in one directive, and this many dimensions in one set.
const METRICS_PER_DIRECTIVE: usize = 100;
const MOST_DIMENSIONS: usize = 30;

/// Starts logging to standard output. The level is `info` unless `RUST_LOG` says otherwise. CloudWatch stamps each line itself, so
/// lines carry no time of their own. A second call changes nothing.
pub fn start_logging() {
    let wanted = std::env::var("RUST_LOG").unwrap_or_default();
    let already_started = logging_to(&wanted, std::io::stdout).try_init().is_err();
    if already_started {
        tracing::debug!("logging was started already");
    }
}

/// What [`start_logging`] sets up, with levels and a writer of one's own: what would be logged, for whoever has to look at it.
pub fn logging_to<W>(filter: &str, writer: W) -> impl tracing::Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let discreet = filter_fn(|found| {
        // The runtime's span names the request, which a line should carry; what the libraries say inside it is another matter.
        let quotes = !found.is_span() && QUOTING.iter().any(|library| found.target().starts_with(library));
        !quotes || *found.level() <= tracing::Level::WARN
    });
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .without_time()
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(writer)
        .with_filter(wanted(filter).and(discreet));
    tracing_subscriber::registry().with(lines)
}

/// Levels as `RUST_LOG` has them: `debug`, or `warn,shared=debug`. What cannot be read of it is left out: a slip there must not cost the logs.
/// By target alone: to choose by anything else takes regular expressions, which no function needs in its binary.
fn wanted(filter: &str) -> Targets {
    let mut wanted = Targets::new().with_default(LevelFilter::INFO);
    // Nothing at all would be read as a level of its own.
    let directives = filter.split(',').map(str::trim).filter(|directive| !directive.is_empty());
    for read in directives.filter_map(|directive| directive.parse::<Targets>().ok()) {
        if let Some(level) = read.default_level() {
            wanted = wanted.with_default(level);
        }
        wanted.extend(read);
    }
    wanted
}

/// What a metric's figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Bytes.
    Bytes,
    /// Parts of a hundred.
    Percent,
}

impl Unit {
    /// As CloudWatch writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Seconds => "Seconds",
            Self::Milliseconds => "Milliseconds",
            Self::Bytes => "Bytes",
            Self::Percent => "Percent",
        }
    }
}

/// One figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Name.
    pub name: String,
    /// Figure.
    pub value: f64,
    /// What it counts.
    pub unit: Unit,
}

impl Metric {
    /// A figure.
    #[must_use]
    pub fn new(name: impl Into<String>, value: f64, unit: Unit) -> Self {
        Self { name: name.into(), value, unit }
    }
}

/// The line that CloudWatch reads these metrics from; `None` when there is no figure to write. A figure that is no number is left
/// out: CloudWatch would drop the whole line for it.
#[must_use]
pub fn emit_metrics(namespace: &str, dimensions: &[(&str, &str)], metrics: &[Metric], now: Timestamp) -> Option<String> {
    let usable: Vec<&Metric> = metrics.iter().filter(|metric| metric.value.is_finite()).collect();
    if usable.is_empty() {
        return None;
    }
    let dimensions = dimensions.get(..MOST_DIMENSIONS).unwrap_or(dimensions);
    let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
    let directives: Vec<Value> = usable
        .chunks(METRICS_PER_DIRECTIVE)
        .map(|chunk| {
            let definitions: Vec<Value> =
                chunk.iter().map(|metric| json!({"Name": metric.name, "Unit": metric.unit.as_str()})).collect();
            json!({"Namespace": namespace, "Dimensions": [names], "Metrics": definitions})
        })
        .collect();
    let mut line = Map::new();
    line.insert("_aws".to_owned(), json!({"Timestamp": now.as_millisecond(), "CloudWatchMetrics": directives}));
    for (name, value) in dimensions {
        line.insert((*name).to_owned(), json!(value));
    }
    for metric in usable {
        line.insert(metric.name.clone(), json!(metric.value));
    }
    Some(Value::Object(line).to_string())
}

/// Writes one line whole. Metrics are never worth failing for, so a stream that cannot be written is ignored.
pub fn write_line(line: &str) {
    let mut stream = std::io::stdout().lock();
    let written = writeln!(stream, "{line}").and_then(|()| stream.flush());
    drop(written);
}

/// The namespace of our own metrics.
pub const NAMESPACE: &str = "Recovery";

/// Writes a component's metrics to standard output, where Lambda turns them into CloudWatch metrics without a call.
pub fn publish(platform: &PlatformName, component: &str, metrics: &[Metric], now: Timestamp) {
    let dimensions = [("Platform", platform.as_str()), ("Component", component)];
    if let Some(line) = emit_metrics(NAMESPACE, &dimensions, metrics, now) {
        write_line(&line);
    }
}

/// The same of the platform as a whole.
pub fn publish_of_all(platform: &PlatformName, metrics: &[Metric], now: Timestamp) {
    if let Some(line) = emit_metrics(NAMESPACE, &[("Platform", platform.as_str())], metrics, now) {
        write_line(&line);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn levels_are_chosen_by_target_and_a_slip_costs_no_logs() {
        use tracing::Level;

        for (filter, ours, others) in [
            ("", Level::INFO, Level::INFO),
            ("debug", Level::DEBUG, Level::DEBUG),
            ("warn,shared=debug", Level::DEBUG, Level::WARN),
            ("shared=trace", Level::TRACE, Level::INFO),
            ("inof", Level::INFO, Level::INFO),
            ("shared=[loud, error", Level::ERROR, Level::ERROR),
        ] {
            let wanted = wanted(filter);
            for level in [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE] {
                assert_eq!(wanted.would_enable("shared::engine", &level), level <= ours, "{filter}: ours at {level}");
                assert_eq!(wanted.would_enable("tower", &level), level <= others, "{filter}: others at {level}");
            }
        }
    }

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(filter: &str, work: impl FnOnce()) -> Vec<Value> {
        let lines = Lines::default();
        let writer = lines.clone();
        tracing::subscriber::with_default(logging_to(filter, move || writer.clone()), work);
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_is_json_with_its_fields_and_without_a_time_of_its_own() {
        let lines = logged("info", || {
            tracing::info!(incident_id = "p-x", "declared");
            tracing::debug!("not asked for");
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["message"], "declared");
        assert_eq!(lines[0]["incident_id"], "p-x");
        assert_eq!(lines[0].get("timestamp"), None);
    }

    #[test]
    fn a_line_names_the_request_that_it_belongs_to() {
        let lines = logged("info", || {
            let span =
                tracing::info_span!(target: "lambda_runtime::layers::trace", "Lambda runtime invoke", requestId = "r-1");
            span.in_scope(|| tracing::info!("declared"));
        });
        assert_eq!(lines[0]["span"]["requestId"], "r-1");
    }

    #[test]
    fn libraries_that_quote_requests_are_quiet_whatever_the_level() {
        let lines = logged("trace", || {
            tracing::trace!(target: "aws_smithy_runtime::client::http", "body with a password");
            tracing::debug!(target: "hyper_util::client", "headers");
            tracing::warn!(target: "aws_config", "no Region");
            tracing::trace!("ours");
        });
        let messages: Vec<&Value> = lines.iter().map(|line| &line["message"]).collect();
        assert_eq!(messages, ["no Region", "ours"]);
    }

    #[test]
    fn metrics_become_one_line_that_cloudwatch_reads() {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let metrics = [Metric::new("ReplicaLag", 3.0, Unit::Seconds), Metric::new("Broken", f64::NAN, Unit::Count)];
        let line = emit_metrics("Recovery", &[("Platform", "healthcare-platform")], &metrics, now).unwrap();
        assert!(!line.contains('\n'));
        let expected = json!({
            "_aws": {
                "Timestamp": 1_795_168_800_000_i64,
                "CloudWatchMetrics": [{
                    "Namespace": "Recovery",
                    "Dimensions": [["Platform"]],
                    "Metrics": [{"Name": "ReplicaLag", "Unit": "Seconds"}],
                }],
            },
            "Platform": "healthcare-platform",
            "ReplicaLag": 3.0,
        });
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), expected);
        assert_eq!(emit_metrics("Recovery", &[], &metrics[1..], now), None);
    }

    #[test]
    fn more_than_a_hundred_metrics_are_split_over_directives() {
        let metrics: Vec<Metric> = (0..150).map(|number| Metric::new(format!("m{number}"), 1.0, Unit::Count)).collect();
        let line: Value =
            serde_json::from_str(&emit_metrics("Recovery", &[], &metrics, Timestamp::UNIX_EPOCH).unwrap()).unwrap();
        let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        let sizes: Vec<usize> = directives.iter().map(|directive| directive["Metrics"].as_array().unwrap().len()).collect();
        assert_eq!(sizes, [100, 50]);
    }
}
