//! One drill from the curtain to the report.

mod beside;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rehearsal::databases::Installation;
use rehearsal::stage::{Bearings, ClientError, Clients, Stage, StageError, StageOptions};
use rehearsal_world::{Breakage, InstanceKey, Metric, PageRequest};
use serde_json::{Value, json};
use shared::domain::call::Call;
use shared::domain::duration::Seconds;
use shared::domain::plan::{ApiProtocol, HoldPoint, SiteName};
use tokio::sync::watch;

use super::arguments::DrillMode;
use super::checks::{self, Evidence};
use super::comparison;
use super::counting;
use super::faults::{Fault, Injection, Kind, Known};
use super::outcome::{Broken, Calls, DrillReport, Moment, NotRehearsed, StepTime};
use super::platform::{PROBE_METRIC, PROBE_NAMESPACE, Platform};
use super::workplace::{Workplace, WorkplaceError};

/// How long a drill waits for the alarm to be quiet, and then for the incident to end, in real time.
const LONGEST_WAIT: Duration = Duration::from_secs(150);
/// The same in simulated time, which is longer at a low speed: an alarm, every budget and an approval that nobody gives.
const LONGEST_SIMULATED_S: f64 = 4_500.0;
const POLL: Duration = Duration::from_millis(300);
/// After the incident's end the clients go on so long, so that the report shows that they can.
const AFTERMATH: Duration = Duration::from_millis(1_200);

/// Why a drill could not be tried. A recovery that was not good is no error but a report.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    /// The plan or an argument is not usable.
    #[error("{0}")]
    Input(String),
    /// This machine lacks something.
    #[error(transparent)]
    Workplace(#[from] WorkplaceError),
    /// The stage could not be set up.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// A call that the drill itself makes failed.
    #[error("the drill could not {doing}: {source}")]
    Client {
        /// What it was doing.
        doing: &'static str,
        /// Why it failed.
        source: ClientError,
    },
    /// Something that had to happen did not.
    #[error("{0}; the logs are in {1}")]
    Stalled(String, String),
}

/// What is the matter in this drill.
#[derive(Debug, Clone)]
pub struct Situation {
    /// How the recovery is meant.
    pub mode: DrillMode,
    /// Seed of the world.
    pub seed: u64,
    /// Simulated seconds in a real one.
    pub speed: f64,
    /// How far the replica is behind.
    pub lag: Duration,
    /// Whether the primary has a standby in its own Region.
    pub multi_az: bool,
    /// Whether the alarm starts the recovery. Where it does not, somebody else has to.
    pub armed: bool,
    /// What breaks besides the database.
    pub faults: Vec<Fault>,
    /// The PostgreSQL behind the simulated RDS; without one, the model alone.
    pub postgresql: Option<Installation>,
}

impl Situation {
    /// How much longer a recovery may take and how much more it may lose, in simulated seconds, because faults that last real
    /// seconds last so much longer on a faster clock. On the real day both clocks are one.
    fn allowance(&self, known: &Known) -> Seconds {
        let real: u64 = self.faults.iter().map(|fault| fault.real_seconds_lost(known)).sum();
        Seconds(Duration::from_secs(real).mul_f64(self.speed).as_secs())
    }
}

impl Default for Situation {
    fn default() -> Self {
        Self {
            mode: DrillMode::Ungraceful,
            seed: 1,
            speed: 20.0,
            lag: Duration::from_secs(5),
            multi_az: false,
            armed: true,
            faults: Vec::new(),
            postgresql: None,
        }
    }
}

/// A drill whose stage is set.
pub struct Drill {
    /// The platform.
    pub platform: Platform,
    /// The stage.
    pub stage: Stage,
    situation: Situation,
    clients: Clients,
    run_directory: String,
    injection: Injection,
    lengthened: Seconds,
    /// The primary's security groups before anything happened.
    pub(super) groups_before: Vec<String>,
}

impl Drill {
    /// Sets the stage, and lets the clients write until the alarm is quiet.
    ///
    /// # Errors
    /// [`DrillError`] with what to do.
    pub async fn set_up(
        workplace: &Workplace,
        platform: Platform,
        situation: Situation,
        say: impl Fn(&str),
    ) -> Result<Self, DrillError> {
        let drill = Self::open(workplace, platform, situation, &say).await?;
        match drill.situation.mode {
            DrillMode::Ungraceful => {
                say("clients write to the primary; waiting until the alarm has seen that it answers");
                drill.await_quiet_alarm().await?;
            }
            DrillMode::Graceful => {
                say("clients write to the primary; waiting until the replica is seen to follow");
                drill.await_near_replica().await?;
            }
        }
        if drill.situation.armed && drill.alarm_again().is_none() {
            drill.arm(true).await?;
        }
        Ok(drill)
    }

    /// Sets the stage and the clients to work, with the alarm disarmed: what a drill begins with, and a rehearsal by hand.
    ///
    /// # Errors
    /// [`DrillError`] with what to do.
    pub async fn open(
        workplace: &Workplace,
        platform: Platform,
        situation: Situation,
        say: impl Fn(&str),
    ) -> Result<Self, DrillError> {
        if let (DrillMode::Graceful, Some(fault)) =
            (situation.mode, situation.faults.iter().find(|fault| fault.kind() == Kind::AlarmAgain))
        {
            return Err(DrillError::Input(format!(
                "--fault {fault}: no alarm starts a switchover; leave out --mode graceful"
            )));
        }
        let lengthened = situation.allowance(&Known::of(&platform, Timestamp::now()));
        let platform = platform.lengthened(lengthened);
        let run_directory = workplace.run_directory();
        let plan = run_directory.join("plan").join(format!("{}.json", platform.plan.platform));
        let unwritten = |error: std::io::Error| DrillError::Input(format!("{} cannot be written: {error}", plan.display()));
        std::fs::create_dir_all(run_directory.join("plan")).map_err(unwritten)?;
        std::fs::write(&plan, serde_json::to_string(&platform.plan).unwrap_or_default()).map_err(unwritten)?;
        say("starting the simulated sites");
        let mut pair = platform.pair();
        pair.lag = situation.lag;
        pair.multi_az = situation.multi_az;
        let options = StageOptions {
            run_directory: run_directory.clone(),
            template: workplace.repository.join("infra").join("template.yaml"),
            binaries: workplace.binaries.clone(),
            plan,
            pair,
            postgresql: situation.postgresql.clone(),
            seed: situation.seed,
            speed: situation.speed,
            sites: platform.sites(),
            disclosed_variables: platform.plan.disclosed_variables().iter().map(ToString::to_string).collect(),
            stack: format!("{}-recovery", platform.plan.platform),
            parameters: platform.template_parameters(),
        };
        let stage = Stage::set_up(&workplace.python, options, &say).await?;
        // Until clients publish that the database answers, the alarm hears nothing, and on a busy machine that can last long enough
        // to be taken for a failure.
        arm(&platform, &stage, false).await?;
        let bearings = bearings(&platform, &stage)?;
        let clients = Clients::start(stage.client.clone(), bearings);
        let injection = Injection::new(situation.faults.clone());
        let run_directory = run_directory.display().to_string();
        let groups_before = Vec::new();
        let mut drill = Self { platform, stage, situation, clients, run_directory, injection, lengthened, groups_before };
        drill.groups_before = drill.primary_groups();
        Ok(drill)
    }

    /// Lets the alarm start recoveries, or not: by its rule, which the template names.
    pub(crate) async fn arm(&self, armed: bool) -> Result<(), DrillError> {
        arm(&self.platform, &self.stage, armed).await
    }

    /// Ends everything that the drill started.
    pub async fn tear_down(self) {
        drop(self.clients);
        self.stage.tear_down().await;
    }

    /// The key of the primary in the world.
    #[must_use]
    pub fn primary(&self) -> InstanceKey {
        InstanceKey::new(self.platform.primary_region(), self.platform.database.primary.id.as_str())
    }

    /// The key of the replica in the world.
    #[must_use]
    pub fn replica(&self) -> InstanceKey {
        InstanceKey::new(self.platform.region(), self.platform.database.recovery.id.as_str())
    }

    /// The security groups of the primary, by the world's own word: also of one that nobody can reach.
    pub(super) fn primary_groups(&self) -> Vec<String> {
        let (now, key) = (self.stage.now(), self.primary());
        let mut seen = self.stage.world().clone();
        seen.region_dark(&key.region, false, now);
        let described = seen.describe_db_instances(&key.region, Some(&key.identifier), &PageRequest::default(), now);
        let instance = described.ok().and_then(|page| page.items.into_iter().next());
        instance.into_iter().flat_map(|instance| instance.groups).map(|membership| membership.group).collect()
    }

    /// Whether the plan lets the call's step make it.
    pub(super) fn may_make(&self, call: &Value) -> bool {
        let text = |name: &str| call.get(name).and_then(Value::as_str).unwrap_or_default();
        let known = Known::of(&self.platform, self.stage.now());
        known.may(text("step")).iter().any(|permitted| {
            permitted.service == text("service")
                && permitted.operation == text("operation")
                && permitted.region.as_str() == text("region")
                && permitted.resource == text("resource")
        })
    }

    /// Breaks the primary: it takes connections and answers nothing, while its control plane still calls it available.
    pub fn break_primary(&self) -> Timestamp {
        let now = self.stage.now();
        self.stage.world().break_instance(&self.primary(), Breakage::Hung, now);
        now
    }

    /// Invokes `recovery`, as an operator does.
    ///
    /// # Errors
    /// The function's error with its stable code.
    pub async fn invoke(&self, payload: &Value) -> Result<Value, ClientError> {
        self.stage.client.invoke(self.platform.region(), &self.platform.recovery_function(), payload).await
    }

    /// The calls that a dry run promises in the situation that is.
    ///
    /// # Errors
    /// When the dry run fails.
    pub async fn predict(&self) -> Result<Vec<Call>, DrillError> {
        let doing = "ask for a dry run";
        let payload = json!({"scenario": self.platform.scenario, "mode": "dry_run", "actor": "drill"});
        let answer = self.invoke(&payload).await.map_err(|source| DrillError::Client { doing, source })?;
        comparison::predicted(&answer).ok_or_else(|| DrillError::Client {
            doing,
            source: ClientError::Answer("its prediction cannot be read".to_owned()),
        })
    }

    /// Waits until there is an incident and it has ended; its last status. `tell` is given each new moment of its timeline.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn await_end(&self, mut tell: impl FnMut(&Moment)) -> Result<Value, DrillError> {
        let started = Instant::now();
        let mut told = 0;
        loop {
            let status = self.invoke(&json!({"command": "status"})).await;
            if let Ok(status) = &status {
                let moments = timeline(status);
                for moment in moments.iter().skip(told) {
                    tell(moment);
                }
                told = moments.len().max(told);
                if status.get("report").is_some_and(|report| !report.is_null()) {
                    return Ok(status.clone());
                }
            }
            if started.elapsed() > self.patience() {
                let last = status.map_or_else(
                    |error| error.to_string(),
                    |status| status.get("reason").cloned().unwrap_or_default().to_string(),
                );
                let what = format!("no incident ended within {} s; the last word was {last}", self.patience().as_secs());
                return Err(DrillError::Stalled(what, self.run_directory.clone()));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// How long the end of the incident is waited for.
    fn patience(&self) -> Duration {
        let simulated = LONGEST_SIMULATED_S + self.lengthened.to_duration().as_secs_f64();
        LONGEST_WAIT.max(Duration::from_secs_f64(simulated / self.situation.speed))
    }

    /// Plays the drill: break, predict, recover, judge.
    ///
    /// # Errors
    /// When it cannot be played to its end. A recovery that was not good is a report that says so.
    pub async fn play(&self, say: impl Fn(&str)) -> Result<DrillReport, DrillError> {
        let graceful = self.situation.mode == DrillMode::Graceful;
        let before = self.clients.written.acknowledged.load(Ordering::Relaxed);
        let broken_at = if graceful { None } else { Some(self.break_primary()) };
        match broken_at {
            Some(at) => say(&format!("{at}: the primary hangs; {before} writes were acknowledged until now")),
            None => say("the primary is whole; an operator asks for a switchover"),
        }
        let predicted = self.predict().await?;
        say(&format!("a dry run promises {} calls that change something", predicted.len()));
        let mark = self.stage.log.mark();
        self.injection.put_in_force(&self.stage, self.platform.plan.account.as_str(), &predicted);
        if graceful {
            let payload = json!({"scenario": self.platform.scenario, "region": self.platform.primary_region(), "mode": "graceful", "actor": "drill"});
            let doing = "start the switchover";
            self.invoke(&payload).await.map_err(|source| DrillError::Client { doing, source })?;
        } else if let Some((fault, shapes)) = self.alarm_again() {
            say("the alarm's change is delivered again and again");
            self.deliver_again(fault, shapes).await?;
        } else {
            say("waiting for the alarm to notice and to start the recovery");
        }
        let (over, ended) = watch::channel(false);
        let (begun, steps) = watch::channel(BTreeSet::new());
        let (status, ()) = tokio::join!(
            async {
                let status = self
                    .await_end(|moment| {
                        if moment.event == "started" {
                            begun.send_if_modified(|steps| steps.insert(moment.step.clone()));
                        }
                        say(&format!(
                            "{}  {:<28} {:<18} {}",
                            moment.at.strftime("%H:%M:%S"),
                            moment.step,
                            moment.event,
                            moment.reason
                        ));
                    })
                    .await;
                over.send_replace(true);
                status
            },
            self.accompany(ended, steps),
        );
        let status = status?;
        tokio::time::sleep(AFTERMATH).await;
        say("the incident has ended; asking an independent client what it sees");
        self.judge(&status, predicted, mark, broken_at, before).await
    }

    /// Writes what the functions logged beside the run's other logs. A drill whose logs cannot be had is judged all the same.
    async fn keep_logs_of_functions(&self) {
        let (client, region) = (&self.stage.client, self.platform.region());
        let ask = async |operation, parameters| client.call("logs", region, operation, parameters).await.unwrap_or_default();
        let groups = ask("describe_log_groups", json!({"logGroupNamePrefix": "/aws/lambda/"})).await;
        let mut lines = String::new();
        for group in groups["logGroups"].as_array().into_iter().flatten().filter_map(|group| group["logGroupName"].as_str())
        {
            let events = ask("filter_log_events", json!({"logGroupName": group, "limit": 10_000})).await;
            for message in events["events"].as_array().into_iter().flatten().filter_map(|event| event["message"].as_str()) {
                lines.push_str(message.trim_end());
                lines.push('\n');
            }
        }
        let path = std::path::Path::new(&self.run_directory).join("functions.log");
        let _unwritten = std::fs::write(path, lines);
    }

    /// Judges an ended incident.
    ///
    /// # Errors
    /// When the sites cannot be read back.
    pub async fn judge(
        &self,
        status: &Value,
        predicted: Vec<Call>,
        mark: u64,
        broken_at: Option<Timestamp>,
        written_before: u64,
    ) -> Result<DrillReport, DrillError> {
        let made = comparison::made(&self.stage.log, mark);
        let sites = self.stage.sites_now().await?;
        let disturbed = !self.injection.is_empty();
        self.keep_logs_of_functions().await;
        let evidence = Evidence { drill: self, status, sites: &sites, predicted: &predicted, made: &made, mark, disturbed };
        let mut independent_checks = checks::all(&evidence).await;
        // Last, as the servers follow the world no more from then on.
        let (counted, count) = counting::count(&evidence).await;
        independent_checks.extend(counted);
        let lost = self.stage.world().lost_commits().len();
        let written = self.clients.written.acknowledged.load(Ordering::Relaxed);
        let report = status.get("report").cloned().unwrap_or_default();
        let text = |pointer: &str| status.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(DrillReport {
            incident_id: text("/incident_id"),
            platform: self.platform.plan.platform.to_string(),
            scenario: self.platform.scenario.to_string(),
            mode: text("/report/mode"),
            status: text("/status"),
            reason: text("/report/reason"),
            broken: broken_at.map(|at| Broken {
                at,
                what: format!(
                    "{} hangs: it takes connections and answers nothing, while RDS calls it available",
                    self.primary()
                ),
                alarm_after_s: alarm_delay(at, &report),
            }),
            objectives: report.get("objectives").cloned().unwrap_or_default(),
            database: match self.stage.postgresql() {
                Some(version) => format!("PostgreSQL {version}, a primary and its streaming replica"),
                None => "the model of the simulated sites".to_owned(),
            },
            lost_commits: lost,
            counted: count,
            writes_before: written_before,
            writes_after: written.saturating_sub(written_before),
            calls: Calls { predicted, made },
            independent_checks,
            faults: self.injection.outcomes(&self.stage),
            lengthened_s: self.lengthened.0,
            steps: StepTime::of(&report),
            notes: strings(&report, "notes"),
            commands_left: strings(&report, "commands_left"),
            timeline: timeline(status),
            not_rehearsed: NotRehearsed::of(&self.stage, mark),
            seed: self.situation.seed,
            speed: self.situation.speed,
        })
    }

    async fn await_quiet_alarm(&self) -> Result<(), DrillError> {
        let Some(alarm) = self.platform.alarm() else {
            return Ok(());
        };
        let started = Instant::now();
        loop {
            let parameters = json!({"AlarmNames": [alarm]});
            let answer = self.stage.client.call("cloudwatch", self.platform.region(), "describe_alarms", parameters).await;
            let state =
                answer.ok().and_then(|answer| answer.pointer("/MetricAlarms/0/StateValue")?.as_str().map(str::to_owned));
            if state.as_deref() == Some("OK") {
                return Ok(());
            }
            if started.elapsed() > LONGEST_WAIT {
                let what = format!(
                    "alarm {alarm} did not become OK although the primary answers; it is {}",
                    state.unwrap_or_default()
                );
                return Err(DrillError::Stalled(what, self.run_directory.clone()));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// A switchover begins when the replica is near; with one that is further behind nobody would begin it.
    async fn await_near_replica(&self) -> Result<(), DrillError> {
        let near = self.platform.database.max_lag.to_duration();
        let started = Instant::now();
        while !self.is_replica_within(near) {
            if started.elapsed() > LONGEST_WAIT {
                let what = format!("the replica did not come within {} s of the primary", near.as_secs());
                return Err(DrillError::Stalled(what, self.run_directory.clone()));
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// Whether clients have written, and the lag that can be read since then is no more than that.
    fn is_replica_within(&self, near: Duration) -> bool {
        let now = self.stage.now();
        let mut world = self.stage.world();
        let first = world.commits(&self.primary()).first().map(|commit| commit.at);
        let newest = world.latest(&Metric::ReplicaLag(self.replica()), now).ok().flatten();
        first.zip(newest).is_some_and(|(first, newest)| newest.at >= first && newest.value <= near.as_secs_f64())
    }
}

async fn arm(platform: &Platform, stage: &Stage, armed: bool) -> Result<(), DrillError> {
    let (operation, doing) = if armed {
        ("enable_rule", "let the alarm start recoveries")
    } else {
        ("disable_rule", "keep the alarm from starting any")
    };
    let parameters = json!({"Name": format!("{}-recovery-on-alarm", platform.plan.platform)});
    let answer = stage.client.call("events", platform.region(), operation, parameters).await;
    answer.map(drop).map_err(|source| DrillError::Client { doing, source })
}

/// Where the clients of this platform learn what they need.
fn bearings(platform: &Platform, stage: &Stage) -> Result<Bearings, DrillError> {
    let parameter = platform.host_parameter().ok_or_else(|| {
        DrillError::Input(format!(
            "{} keeps its host in no parameter, and a drill's clients read it from one",
            platform.component
        ))
    })?;
    let held = platform.database.holds.iter().find_map(|hold| match hold {
        HoldPoint::ApiGatewayStage { protocol: ApiProtocol::Rest, api, stage, methods, region, .. } => {
            let method = methods.iter().next().cloned().map(String::from).unwrap_or_default();
            Some((region.to_string(), api.to_string(), stage.to_string(), method))
        }
        _ => None,
    });
    let endpoints = stage.world().endpoints();
    let listeners = endpoints
        .iter()
        .filter_map(|(key, endpoint)| Some((endpoint.host.clone(), *stage.listeners.get(&key.to_string())?)))
        .collect();
    let primary = format!("{}/{}", platform.plan.region(SiteName::Primary), platform.database.primary.id);
    let probed = stage.listeners.get(&primary).copied();
    Ok(Bearings {
        parameter,
        stage: held,
        listeners,
        metric: (
            platform.region().to_owned(),
            PROBE_NAMESPACE.to_owned(),
            PROBE_METRIC.to_owned(),
            platform.probe_dimensions(),
        ),
        probed: probed.ok_or_else(|| DrillError::Input(format!("the world has no listener for {primary}")))?,
        writing: stage.writing(),
    })
}

fn alarm_delay(broken: Timestamp, report: &Value) -> Option<i64> {
    let alarm: Timestamp = report.get("clock_started_at")?.as_str()?.parse().ok()?;
    Some(alarm.duration_since(broken).as_secs())
}

/// The evidence in a status.
pub(crate) fn timeline(status: &Value) -> Vec<Moment> {
    let entries = status.get("timeline").and_then(Value::as_array);
    entries.into_iter().flatten().filter_map(Moment::of).collect()
}

fn strings(report: &Value, field: &str) -> Vec<String> {
    let list = report.get(field).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|each| each.as_str().map(str::to_owned)).collect()
}

/// The stage's client, for checks that run beside the drill.
impl Drill {
    /// The client that shares nothing with the functions.
    #[must_use]
    pub fn client(&self) -> Arc<rehearsal::stage::IndependentClient> {
        self.stage.client.clone()
    }

    /// What the clients wrote.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.clients.written.acknowledged.load(Ordering::Relaxed)
    }

    /// How often the clients' writes were refused or not answered.
    #[must_use]
    pub fn unacknowledged(&self) -> u64 {
        self.clients.written.failed.load(Ordering::Relaxed)
    }

    /// Where this run keeps its logs.
    #[must_use]
    pub fn run_directory(&self) -> &Path {
        Path::new(&self.run_directory)
    }
}
