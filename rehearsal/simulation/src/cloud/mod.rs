//! The account that a simulated recovery plays in, behind one lock and one clock.

mod backups;
mod buckets;
mod clients;
mod databases;
mod ecs;
mod executions;
mod gateway;
mod journal;
mod lambda;
mod parameters;
mod rules;
mod secrets;
mod wrapping;

use backup_verify_function::pieces::Sizes;
use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rehearsal_world::World;
use shared::domain::identifier::Region;
use shared::domain::plan::Plan;
use shared::domain::replication::PairView;
use shared::domain::step::RouteSettings;
use shared::ports::{CallScope, FailureKind, PortError, PortResult};

use super::accounting::{Effect, PortCall};
use super::faults::{Fault, Faults, LATE, LateRequest, LateWork, STALE, failure};
use super::functions::RUNNING;
use super::invariants::{Invariant, Violation};
use super::restores::RestoredData;

pub use buckets::{Buckets, SimulatedObject, dated, nightly_archive};
pub(crate) use buckets::{SimulatedFiles, listed, object, with_archives};
pub use clients::Client;
pub(crate) use clients::Finds;
pub use ecs::EcsService;
pub use executions::ExecutionRecord;
pub use gateway::{MethodSetting, RestStage};
pub(crate) use gateway::{delete_route, put_routes};
pub use journal::Journal;
pub use lambda::LambdaFunction;
pub use parameters::SsmParameter;
pub(crate) use rules::{Rules, rules_of};
pub use secrets::Secret;
pub use wrapping::WrappingKey;
pub(crate) use wrapping::{decrypt, found as found_key};

pub(crate) use databases::port_error;

/// A resource in a Region, by name.
pub(crate) type Regional<T> = BTreeMap<(String, String), T>;

/// A notice that went out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentNotice {
    /// When.
    pub at: Timestamp,
    /// Subject.
    pub subject: String,
    /// Body.
    pub body: String,
}

/// Everything that there is.
#[derive(Debug, Clone)]
pub struct State {
    /// The virtual clock.
    pub now: Timestamp,
    /// The plan that the functions were deployed with.
    pub plan: Plan,
    /// Databases.
    pub world: World,
    /// The journal's table.
    pub journal: Journal,
    /// Systems Manager parameters.
    pub parameters: Regional<SsmParameter>,
    /// Secrets.
    pub secrets: Regional<Secret>,
    /// Keys of KMS, by ARN.
    pub wrapping_keys: BTreeMap<String, WrappingKey>,
    /// Lambda functions of the platform.
    pub functions: Regional<LambdaFunction>,
    /// Stages of REST APIs, by `<api>/<stage>`.
    pub rest_stages: Regional<RestStage>,
    /// Stages of HTTP APIs, by `<api>/<stage>`: settings by route.
    pub http_stages: Regional<BTreeMap<String, RouteSettings>>,
    /// ECS services, by `<cluster>/<service>`.
    pub services: Regional<EcsService>,
    /// PostgreSQL pairs that the team runs itself, by the standby's `host:port`.
    pub standbys: BTreeMap<String, PairView>,
    /// What databases answer that were restored for a test.
    pub restored: RestoredData,
    /// Objects in S3.
    pub buckets: Buckets,
    /// The rules by which they are replicated, by bucket.
    pub rules: Rules,
    /// How much of them one invocation of `backup-verify` reads.
    pub sizes: Sizes,
    /// Step Functions executions, by name.
    pub executions: BTreeMap<String, ExecutionRecord>,
    /// Task tokens that were handed back.
    pub(crate) returned_tokens: Vec<String>,
    /// Notices that went out.
    pub notices: Vec<SentNotice>,
    /// The platform's clients.
    pub clients: Vec<Client>,
    /// Every call of a port so far.
    pub calls: Vec<PortCall>,
    /// Every mutation that was sent.
    pub effects: Vec<Effect>,
    /// What must never be found, and was.
    pub violations: Vec<Violation>,
    pub(crate) faults: Faults,
    pub(crate) interruption: Option<Interruption>,
    /// Requests on their way whose senders are gone.
    pub(crate) late: Vec<LateRequest>,
    /// Invocations so far.
    pub(crate) invocations: usize,
    /// Invocations whose clock is wrong, and by how much.
    pub(crate) skews: BTreeMap<usize, SignedDuration>,
    /// A network that lets nobody reach the primary from the recovery Region, though clients beside it do.
    pub partitioned: bool,
    /// What every replica replicates instead of the plan's primary: somebody rebuilt it.
    pub replica_of: Option<String>,
    /// Whether anything really befell the platform.
    pub(crate) befallen: bool,
    /// The questions that people answered, by digest.
    pub(crate) answered: BTreeSet<String>,
    /// Somebody changed by hand what the recovery had changed.
    pub(crate) interfered: bool,
    /// When the alarm changed its state.
    pub(crate) alarm_raised: Option<Timestamp>,
    /// The primary's security groups on an ordinary day.
    pub usual_groups: Vec<String>,
}

/// Why an invocation stopped half-way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// Its process ended.
    Killed,
    /// It is held up and goes on when it is polled again, while the same request is handled once more.
    HeldUp,
    /// It is held up, while its incident is ended.
    Overtaken,
}

/// What a call is, before it is made.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) operation: (&'static str, &'static str),
    pub(crate) region: &'a Region,
    pub(crate) resource: String,
    /// How long it takes.
    pub(crate) takes: Duration,
    /// Whether it is made for a step, and so has to be inside the step's `may`.
    pub(crate) bounded: bool,
    /// What is on its way when its sender dies; nothing for reads.
    pub(crate) late: Option<LateWork>,
}

/// How long a read takes.
pub(crate) const READ: Duration = Duration::from_millis(30);
/// How long a mutation takes.
pub(crate) const WRITE: Duration = Duration::from_millis(120);
/// How long a call to a Region that does not answer takes until it is given up.
const GIVEN_UP: Duration = Duration::from_secs(3);

/// What is left of an invocation's time when a call begins that outlasts it, at most.
const TIMED_OUT: Duration = Duration::from_secs(15);

/// The account, shared by everything that is invoked in it.
#[derive(Debug)]
pub struct Cloud {
    state: Mutex<State>,
}

impl Cloud {
    pub(crate) fn new(state: State) -> Self {
        Self { state: Mutex::new(state) }
    }

    /// Looks into the account, or changes it, as nobody's call.
    pub fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.lock())
    }

    /// Now, on the virtual clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.lock().now
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes one call: time passes, a fault may strike, the effect happens, the answer comes back. In this order, and once.
    pub(crate) async fn call<T>(
        &self,
        request: Request<'_>,
        effect: impl FnOnce(&mut State) -> PortResult<T> + Send,
    ) -> PortResult<T> {
        let (service, operation) = request.operation;
        if request.bounded
            && let Err(outside) = CallScope::permit(service, operation, request.region, &request.resource)
        {
            self.lock().violate(Invariant::InsideMay, outside.to_string());
            return Err(outside);
        }
        let fault = self.lock().begin(&request)?;
        let injected = |kind, code| Err(failure(kind, request.operation, code, "the service was told to say so"));
        match fault {
            Some(Fault::KilledBefore) => self.end_process().await,
            Some(Fault::Late) => {
                self.lock().send_late(request.late);
                self.end_process().await;
            }
            Some(Fault::RequestLost) => return Err(lost(request.operation)),
            Some(Fault::Throttled) => return injected(FailureKind::NotNow, "ThrottlingException"),
            Some(Fault::Refused) => return injected(FailureKind::Refused, "InvalidParameterValue"),
            Some(Fault::DoubledBefore) => self.hold_up(Interruption::HeldUp).await,
            Some(Fault::Overtaken) => self.hold_up(Interruption::Overtaken).await,
            Some(Fault::Stale) => {
                let mut state = self.lock();
                let now = state.now;
                state.world.stale_reads(request.region.as_str(), STALE, now);
            }
            _ => {}
        }
        let answer = effect(&mut self.lock());
        match fault {
            Some(Fault::KilledAfter) => self.end_process().await,
            Some(Fault::TimedOut) => {
                self.lock().pass(TIMED_OUT);
                self.end_process().await;
            }
            Some(Fault::ReplyLost) => return Err(lost(request.operation)),
            Some(Fault::ServerError) => return injected(FailureKind::NoAnswer, "InternalFailure"),
            Some(Fault::DoubledAfter) => self.hold_up(Interruption::HeldUp).await,
            _ => {}
        }
        answer
    }

    async fn end_process(&self) {
        self.lock().interruption = Some(Interruption::Killed);
        pending::<()>().await;
    }

    async fn hold_up(&self, interruption: Interruption) {
        self.lock().interruption = Some(interruption);
        HeldUp { cloud: self }.await;
    }
}

/// Pending until whoever runs the invocation has taken note. Not for one poll: a caller that waits for two calls at once polls this
/// one again as soon as the other is answered.
struct HeldUp<'a> {
    cloud: &'a Cloud,
}

impl Future for HeldUp<'_> {
    type Output = ();
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.cloud.lock().interruption.is_none() {
            return Poll::Ready(());
        }
        // Whoever joins several calls asks only those again that say they are ready.
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

fn lost(operation: (&'static str, &'static str)) -> PortError {
    failure(FailureKind::NoAnswer, operation, "connection_lost", "the connection was lost before a reply came")
}

impl State {
    /// Counts the call, lets its time pass, and finds out what strikes it.
    fn begin(&mut self, request: &Request<'_>) -> PortResult<Option<Fault>> {
        let (service, operation) = request.operation;
        let number = self.calls.len();
        self.calls.push(PortCall {
            number,
            at: self.now,
            function: RUNNING.try_with(|function| *function).ok(),
            region: request.region.clone(),
            service,
            operation,
            resource: request.resource.clone(),
            label: CallScope::current().map(|scope| scope.label),
        });
        let fault = self.faults.strike(number, service, operation);
        if !self.world.reachable(request.region.as_str()) {
            self.pass(GIVEN_UP);
            return Err(failure(FailureKind::NoAnswer, request.operation, "timeout", "no answer in time"));
        }
        self.pass(request.takes);
        Ok(fault)
    }

    /// Lets time pass: clients go on, and so does the world.
    pub fn pass(&mut self, span: Duration) {
        let until = self.now + span;
        self.pass_until(until);
    }

    fn send_late(&mut self, work: Option<LateWork>) {
        if let Some(work) = work {
            self.late.push(LateRequest { at: self.now + LATE, work });
        }
    }

    /// Takes the request that arrives first, if one does until then.
    fn next_late_request(&mut self, until: Timestamp) -> Option<LateRequest> {
        let (index, _) = self.late.iter().enumerate().min_by_key(|(_, request)| request.at)?;
        (self.late.get(index)?.at <= until).then(|| self.late.remove(index))
    }

    /// Lets time pass until then.
    pub fn pass_until(&mut self, until: Timestamp) {
        while let Some(LateRequest { at, work }) = self.next_late_request(until) {
            self.pass_until(at);
            // Nobody hears the answer.
            let _ = match work {
                LateWork::Mutation { label, mutation } => self.make(&label, &mutation).map(|_| ()),
                LateWork::Commit(writes) => self.journal.commit(&writes).map(|_| ()),
            };
        }
        while let Some(due) = self.next_client_turn().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.clients_turn(due);
        }
        self.now = self.now.max(until);
        self.world.advance(self.now);
    }
}
