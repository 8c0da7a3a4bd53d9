//! What the five `main.rs` files have in common: read the configuration and the plan once, tell every invocation how much time it
//! has, and hand errors to Lambda with their stable code.
//!
//! A function with a wrong configuration still answers: each invocation then fails with `configuration_invalid` and the sentence
//! that says what to write, instead of a process that dies before it can tell anybody.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lambda_runtime::{Context, Diagnostic, Error, LambdaEvent, service_fn};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::adapters::aws::{Clients, DynamoJournal, Outbound};
use crate::adapters::clock::clock;
use crate::config::{Config, load_plan};
use crate::domain::plan::Plan;
use crate::domain::step::FunctionName;
use crate::engine::Invocation;
use crate::error::{Code, RecoveryError};
use crate::events::{LARGEST_GATHERED, LARGEST_PAYLOAD};
use crate::ports::Clock;

/// A claim outlives its invocation by so much, so that a successor never meets a predecessor that still writes.
const CLAIM_MARGIN_MS: u64 = 2_000;
/// A mutation is begun only with so much time left: the call's own limit of ten seconds, and one to journal its outcome.
const ACT_MARGIN_MS: u64 = 11_000;

/// What a function has once it is set up.
pub struct Setup {
    /// The configuration.
    pub config: Config,
    /// The plan.
    pub plan: Plan,
    /// SDK clients, made when first used.
    pub clients: Clients,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The journal.
    pub journal: DynamoJournal,
}

impl Setup {
    /// Reads the environment and the plan.
    ///
    /// # Errors
    /// `configuration_invalid` with what to write.
    pub fn load(function: FunctionName) -> Result<Self, RecoveryError> {
        let config = Config::from_environment(|name| std::env::var(name).ok())?;
        let plan =
            load_plan(&config.plan).map_err(|error| RecoveryError::new(Code::ConfigurationInvalid, error.to_string()))?;
        let clients = Clients::new(config.endpoint_url.as_deref(), function);
        let clock = clock(config.rehearsal.as_ref());
        let journal = DynamoJournal::new(clients.clone(), config.region.clone(), config.journal_table.clone());
        Ok(Self { config, plan, clients, clock, journal })
    }

    /// How much time this invocation has.
    #[must_use]
    pub fn invocation(&self, context: &Context) -> Invocation {
        Invocation {
            claim_until: self.clock.at_real(context.deadline.saturating_add(CLAIM_MARGIN_MS)),
            act_before: self.clock.at_real(context.deadline.saturating_sub(ACT_MARGIN_MS)),
        }
    }
}

/// What an invocation takes besides the calls that it waits for: the part that is ours to shorten.
struct OwnTime<'a> {
    outbound: &'a Outbound,
    started: Instant,
}

impl<'a> OwnTime<'a> {
    fn start(outbound: &'a Outbound) -> Self {
        let _of_an_earlier_invocation = outbound.take();
        Self { outbound, started: Instant::now() }
    }

    fn log(self) {
        let (taken, outbound) = (self.started.elapsed(), self.outbound.take());
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        tracing::info!(
            own_ms = milliseconds(taken.saturating_sub(outbound)),
            outbound_ms = milliseconds(outbound),
            "handled"
        );
    }
}

/// Serves invocations of this function with `handle` until Lambda ends the process.
///
/// # Errors
/// When the Lambda runtime cannot be reached.
pub async fn serve<T, H>(
    function: FunctionName,
    wire: impl FnOnce(&Arc<Setup>) -> Result<T, RecoveryError>,
    handle: H,
) -> Result<(), Error>
where
    T: Send + Sync + 'static,
    H: AsyncFn(&Setup, &T, &Context, &Value) -> Result<Value, RecoveryError>,
{
    crate::telemetry::start_logging();
    let wired = Setup::load(function).map(Arc::new).and_then(|setup| wire(&setup).map(|adapters| (setup, adapters)));
    let most = if function == FunctionName::BackupVerify { LARGEST_GATHERED } else { LARGEST_PAYLOAD };
    let (wired, handle, most) = (&wired, &handle, &most);
    // Taken as text: what the runtime itself cannot read as a value (an unpaired surrogate, brackets a thousand deep) would be
    // reported under the name of one of its types, and not under a code of ours.
    lambda_runtime::run(service_fn(async move |event: LambdaEvent<Box<RawValue>>| {
        let answer = match wired {
            Ok((setup, adapters)) => {
                let watch = OwnTime::start(setup.clients.outbound());
                let answer = match crate::events::read_up_to(*most, event.payload.get()) {
                    Ok(payload) => handle(setup, adapters, &event.context, &payload).await,
                    Err(error) => Err(error),
                };
                watch.log();
                answer
            }
            Err(error) => Err(error.clone()),
        };
        answer.map_err(|error| {
            tracing::error!(code = error.code.as_str(), %error, "refused or failed");
            Diagnostic::from(error)
        })
    }))
    .await
}
