//! A PostgreSQL standby, judged by positions in the write-ahead log. Never by the difference of two clocks, and never by the age of
//! the last transaction alone: on an idle primary that age grows while nothing is missing.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{ReplicaJudgement, Role, against, sentence};
use crate::domain::described::Postgresql;
use crate::domain::duration::Seconds;
use crate::domain::observation::Sight;

/// A position in the write-ahead log, in bytes since the cluster was made (`pg_lsn`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(pub u64);

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:X}/{:X}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

/// What the server in the primary site says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrimaryView {
    /// The system identifier: one for a cluster and all that was ever copied from it.
    pub system: String,
    /// The timeline that it writes, and how far it has written; nothing while it is itself in recovery.
    pub written: Option<(u32, Position)>,
    /// Its clock at that moment.
    pub clock: Timestamp,
    /// To how many it streams its log (`pg_stat_replication`).
    pub streams: u64,
}

/// What the server in the recovery site says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandbyView {
    /// The system identifier.
    pub system: String,
    /// Whether it is in recovery, as a standby is.
    pub in_recovery: bool,
    /// The timeline that it follows.
    pub timeline: u32,
    /// How far it has received by streaming.
    pub received: Option<Position>,
    /// How far it has replayed.
    pub replayed: Option<Position>,
    /// When the last transaction that it has replayed was committed, by the primary's clock.
    pub last_commit: Option<Timestamp>,
    /// Whether somebody has paused its replay.
    pub paused: bool,
    /// What it last heard from whoever it streams from.
    pub heard: Option<Heard>,
}

/// The last message to a standby that streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Whom it streams from, as `host:port`.
    pub from: String,
    /// How far the sender had written by its own account.
    pub announced: Position,
    /// How long ago that was, by the standby's clock alone.
    pub ago: Duration,
}

/// Both servers, looked at one after the other: whatever the primary had written when it was asked, the standby had or had not
/// replayed when it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairView {
    /// The primary.
    pub primary: Sight<PrimaryView>,
    /// The standby.
    pub standby: Sight<StandbyView>,
    /// The time from before the primary was asked until after the standby was seen.
    pub waited: Duration,
}

impl PairView {
    /// When nobody could be asked at all, for this reason.
    #[must_use]
    pub fn unreached(reason: &str) -> Self {
        let reason = reason.to_owned();
        let primary = Sight::Unreached { reason: reason.clone() };
        Self { primary, standby: Sight::Unreached { reason }, waited: Duration::ZERO }
    }
}

/// How far behind it is at most.
struct Measured {
    lag: Duration,
    bytes: Option<u64>,
    source: &'static str,
    remark: String,
}

const COMPARED: &str = "PostgreSQL pg_current_wal_lsn and pg_last_wal_replay_lsn";
const HEARD: &str = "PostgreSQL pg_stat_wal_receiver";

/// Judges the standby that was seen then.
#[must_use]
pub fn judge_standby(
    database: &Postgresql,
    pair: &PairView,
    rpo: Option<Seconds>,
    seen: Timestamp,
    now: Timestamp,
) -> ReplicaJudgement {
    let name = database.recovery.to_string();
    let (role, measured) = match &pair.standby {
        Sight::Found { found } if !found.in_recovery => (
            Role::Standalone,
            Err(format!(
                "{name} is not in recovery: it follows nobody, by a promotion or from the start, so it protects nothing"
            )),
        ),
        Sight::Found { found } => (Role::Replica, measure(database, pair, found)),
        other => (Role::Unknown, Err(format!("{name} could not be asked: {}", other.why_not()))),
    };
    // What was true when it was seen grows older until now.
    let worst = measured.as_ref().ok().map(|measured| Seconds::between(before(seen, measured.lag), now));
    let (measured, reason) = match (measured, worst) {
        (Ok(measured), Some(worst)) => {
            let reason = format!("{}{}", sentence(&name, worst, rpo), measured.remark);
            (Some(measured), reason)
        }
        (Ok(_), None) => (None, String::new()),
        (Err(reason), _) => (None, reason),
    };
    ReplicaJudgement {
        role,
        status: pair.standby.found().map(|standby| status(standby).to_owned()),
        lag_s: measured.as_ref().map(|measured| Seconds::between(before(seen, measured.lag), seen).0),
        observed_at: measured.as_ref().map(|_| seen),
        lag_at_worst_s: worst.map(|worst| worst.0),
        bytes_behind: measured.as_ref().and_then(|measured| measured.bytes),
        source: measured.map(|measured| measured.source.to_owned()),
        rpo: against(worst, rpo),
        max_lag: None,
        reason,
    }
}

fn before(moment: Timestamp, span: Duration) -> Timestamp {
    let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
    moment.saturating_sub(span).unwrap_or(Timestamp::MIN)
}

fn status(standby: &StandbyView) -> &'static str {
    match standby {
        StandbyView { in_recovery: false, .. } => "not in recovery",
        StandbyView { paused: true, .. } => "in recovery, replay paused",
        StandbyView { heard: Some(_), .. } => "in recovery, streaming",
        StandbyView { .. } => "in recovery, not streaming",
    }
}

fn measure(database: &Postgresql, pair: &PairView, standby: &StandbyView) -> Result<Measured, String> {
    match &pair.primary {
        Sight::Found { found } => beside(database, found, standby, pair.waited),
        other => alone(database, other.why_not(), standby),
    }
}

/// Compared with what the primary had written before.
fn beside(
    database: &Postgresql,
    primary: &PrimaryView,
    standby: &StandbyView,
    waited: Duration,
) -> Result<Measured, String> {
    let (name, source) = (&database.recovery, &database.primary);
    if primary.system != standby.system {
        return Err(format!(
            "{name} is of another cluster than {source}, so it protects nothing: their system identifiers are {} and {}",
            standby.system, primary.system
        ));
    }
    let Some((timeline, written)) = primary.written else {
        return Err(format!("{source} is in recovery itself, so nothing says what {name} lacks"));
    };
    if timeline != standby.timeline {
        return Err(format!(
            "{name} follows timeline {}, and {source} writes timeline {timeline}: their positions cannot be compared, and what was \
             written since they parted is not protected",
            standby.timeline
        ));
    }
    let Some(replayed) = standby.replayed else {
        return Err(format!("{name} does not say how far it has replayed"));
    };
    let bytes = written.0.saturating_sub(replayed.0);
    let paused = if standby.paused { "; its replay is paused" } else { "" };
    if bytes == 0 {
        // However long ago the last transaction was: there is none that it lacks.
        return Ok(Measured { lag: waited, bytes: Some(0), source: COMPARED, remark: paused.to_owned() });
    }
    let unreceived = match standby.received {
        Some(received) if received >= written => ", all of them received".to_owned(),
        Some(received) => format!(", {} of them not received", written.0.saturating_sub(received.0.max(replayed.0))),
        None => String::new(),
    };
    let nobody = if primary.streams == 0 { format!("; {source} streams to nobody") } else { String::new() };
    let lacks = format!("{bytes} bytes of log up to {written} not replayed{unreceived}{paused}{nobody}");
    let Some(last_commit) = standby.last_commit else {
        return Err(format!(
            "{name} has {lacks}; it has replayed no transaction since it started, so nothing says since when"
        ));
    };
    // Both by the primary's clock. The first transaction that is lacking was committed after the last that is not.
    let since = primary.clock.duration_since(last_commit);
    let lag = Duration::try_from(since).unwrap_or_default().saturating_add(waited);
    Ok(Measured { lag, bytes: Some(bytes), source: COMPARED, remark: format!("; {lacks}") })
}

/// By what the standby itself knows, while its primary cannot be asked.
fn alone(database: &Postgresql, why: &str, standby: &StandbyView) -> Result<Measured, String> {
    let (name, source) = (&database.recovery, &database.primary);
    let unasked = format!("{source} could not be asked ({why})");
    let last = standby.last_commit.map_or_else(String::new, |at| format!("; its last transaction is of {at}"));
    let Some(heard) = &standby.heard else {
        return Err(format!("{unasked}, and {name} hears from nobody, so nothing says what it lacks{last}"));
    };
    // A relay, or a server of another cluster, says nothing of what the primary has written.
    if heard.from != source.to_string() {
        return Err(format!("{unasked}, and {name} streams from {}, which may be another server{last}", heard.from));
    }
    match standby.replayed {
        Some(replayed) if replayed >= heard.announced => Ok(Measured {
            lag: heard.ago,
            bytes: None,
            source: HEARD,
            remark: format!("; {unasked}, and {name} has replayed all that it was told of when it last heard from there"),
        }),
        _ => Err(format!("{unasked}, and {name} has not replayed all that it was told of, up to {}{last}", heard.announced)),
    }
}

#[cfg(test)]
mod tests;
