//! PostgreSQL, asked directly: what a primary and its standby say of themselves, and what a restored database answers.

mod login;
mod restored;
mod session;
mod tls;

use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join;
use tokio::time::{Instant, sleep, timeout};

use super::Sending;
use super::aws::{Clients, current_secret};
use super::error::bounded;
use crate::config::Rehearsal;
use crate::domain::described::Postgresql;
use crate::domain::identifier::{Region, ResourceName};
use crate::domain::observation::Sight;
use crate::domain::operation::Operation;
use crate::domain::replication::{PairView, Position, StandbyView};
use crate::ports::{FailureKind, PortError, PortResult, PostgresqlServers};
use login::Login;
use session::{Opening, Session};

/// An invocation has fifteen seconds, and must still be able to answer.
const LONGEST: Duration = Duration::from_secs(11);
/// For the secret alone.
const SECRET: Duration = Duration::from_secs(3);
/// How long a standby may take to replay what its primary had written. A healthy one needs milliseconds.
const CATCH_UP: Duration = Duration::from_secs(2);
/// Between two looks at a standby; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// [`PostgresqlServers`] over the network.
#[derive(Debug, Clone)]
pub struct NetworkPostgresql {
    clients: Clients,
    rehearsal: Option<Rehearsal>,
}

impl NetworkPostgresql {
    /// With logins from Secrets Manager. In a rehearsal only the hosts are reached that it names, at the addresses that it names.
    #[must_use]
    pub fn new(clients: Clients, rehearsal: Option<Rehearsal>) -> Self {
        Self { clients, rehearsal }
    }

    async fn login(&self, region: &Region, secret: &ResourceName) -> PortResult<Login> {
        let reading = current_secret(&self.clients, region, secret);
        let text = Sending::of(Operation::GetSecretValue).within(SECRET, reading).await?;
        Login::read(secret, &text)
    }

    async fn look_with(&self, login: &Login, database: &Postgresql) -> PairView {
        let opening = Opening::of(database);
        let open = |server| Session::open(self.rehearsal.as_ref(), server, &opening, login);
        // Before the clock starts: what a handshake takes is not the standby's lag.
        let (primary, standby) = join(open(&database.primary), open(&database.recovery)).await;
        let began = Instant::now();
        let primary = match &primary {
            Ok(session) => session.primary().await,
            Err(error) => Err(error.clone()),
        };
        let written = primary.as_ref().ok().and_then(|primary| primary.written).map(|(_, position)| position);
        let standby = match &standby {
            Ok(session) => caught_up(session, written).await,
            Err(error) => Err(error.clone()),
        };
        PairView { primary: sight(primary), standby: sight(standby), waited: began.elapsed() }
    }
}

#[async_trait]
impl PostgresqlServers for NetworkPostgresql {
    async fn look(&self, region: &Region, database: &Postgresql) -> PairView {
        let looking = async {
            match self.login(region, &database.secret).await {
                Ok(login) => self.look_with(&login, database).await,
                Err(error) => PairView::unreached(&error.to_string()),
            }
        };
        let looked = timeout(LONGEST, self.clients.outbound().of(looking)).await;
        looked.unwrap_or_else(|_| PairView::unreached("no answer in time"))
    }
}

/// The standby as it is when it has replayed that position, or has not within [`CATCH_UP`]. Without a position: all that it was told of.
async fn caught_up(session: &Session, written: Option<Position>) -> PortResult<StandbyView> {
    let (began, mut pause) = (Instant::now(), FIRST_PAUSE);
    loop {
        let seen = session.standby().await?;
        let goal = written.or(seen.heard.as_ref().map(|heard| heard.announced));
        let done = !seen.in_recovery || goal.is_none() || seen.replayed >= goal;
        if done || began.elapsed() >= CATCH_UP {
            return Ok(seen);
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn sight<T>(result: PortResult<T>) -> Sight<T> {
    match result {
        Ok(found) => Sight::Found { found },
        Err(error) => Sight::Unreached { reason: error.to_string() },
    }
}

/// A failure on the way to a server, or of its own.
fn failure(kind: FailureKind, operation: &'static str, code: &str, message: &str) -> PortError {
    PortError { kind, service: "postgresql", operation, code: bounded(code, 100), message: bounded(message, 300) }
}

#[cfg(test)]
mod tests;
