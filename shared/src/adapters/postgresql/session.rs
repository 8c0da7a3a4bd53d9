//! A session with one server, and the questions that it is asked.

use std::error::Error as _;
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::TlsConnect;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config, Error, NoTls, Row};

use super::failure;
use super::login::Login;
use super::tls::Connector;
use crate::adapters::plain_code;
use crate::adapters::probe::addresses;
use crate::config::Rehearsal;
use crate::domain::described::{Postgresql, PostgresqlServer, Tls};
use crate::domain::identifier::ResourceName;
use crate::domain::replication::{Heard, Position, PrimaryView, StandbyView};
use crate::domain::restore_test::Told;
use crate::ports::{FailureKind, PortError, PortResult};

/// For a connection to be made.
const CONNECTION: Duration = Duration::from_secs(2);
/// For a handshake and a login, and for each answer.
const ANSWER: Duration = Duration::from_secs(3);
/// What a restored database may answer with: anything longer than one row of one column is none.
const MOST_ROWS: i32 = 2;
/// Nothing here writes, and a question whose asker has gone is not worth the server's time.
const OPTIONS: &str = "-c default_transaction_read_only=on -c statement_timeout=3000";

/// What it has written and by which timeline, unless it is in recovery, where these functions fail.
const PRIMARY: &str = "SELECT (SELECT system_identifier::text FROM pg_control_system()), \
     CASE WHEN pg_is_in_recovery() THEN NULL \
          ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint END, \
     CASE WHEN pg_is_in_recovery() THEN NULL ELSE (pg_current_wal_lsn() - '0/0')::bigint END, \
     (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, \
     (SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming')";

/// The timeline of what it receives; of what it recovers, where it does not stream; else of its last checkpoint.
const STANDBY: &str = "SELECT (SELECT system_identifier::text FROM pg_control_system()), \
     pg_is_in_recovery(), \
     coalesce(receiver.received_tli, nullif(recovery.min_recovery_end_timeline, 0), checkpoint.timeline_id)::bigint, \
     (pg_last_wal_receive_lsn() - '0/0')::bigint, \
     (pg_last_wal_replay_lsn() - '0/0')::bigint, \
     (extract(epoch FROM pg_last_xact_replay_timestamp()) * 1000000)::bigint, \
     CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE false END, \
     receiver.sender_host || ':' || receiver.sender_port, \
     (receiver.latest_end_lsn - '0/0')::bigint, \
     (extract(epoch FROM clock_timestamp() - receiver.last_msg_receipt_time) * 1000000)::bigint \
     FROM pg_control_recovery() recovery CROSS JOIN pg_control_checkpoint() checkpoint \
     LEFT JOIN pg_stat_wal_receiver receiver ON receiver.status = 'streaming'";

/// To what a session is opened, and how.
pub(super) struct Opening<'a> {
    pub(super) database: &'a ResourceName,
    pub(super) tls: Tls,
    /// Who asks, as the server shows it.
    pub(super) application: &'static str,
}

impl<'a> Opening<'a> {
    /// To a server of a pair.
    pub(super) fn of(pair: &'a Postgresql) -> Self {
        Self { database: &pair.database, tls: pair.tls, application: "replication-check" }
    }
}

/// A session. Dropping it ends it.
pub(super) struct Session {
    client: Client,
    connection: JoinHandle<()>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Session {
    pub(super) async fn open(
        rehearsal: Option<&Rehearsal>,
        server: &PostgresqlServer,
        opening: &Opening<'_>,
        login: &Login,
    ) -> PortResult<Self> {
        let stream = connection(rehearsal, server).await?;
        let mut config = Config::new();
        config
            .user(&login.username)
            .password(login.password.expose())
            .dbname(opening.database.as_str())
            .application_name(opening.application)
            .options(OPTIONS);
        let tls = opening.tls;
        let opening = async {
            match tls {
                Tls::None => begin(config.ssl_mode(SslMode::Disable), stream, NoTls).await,
                Tls::Verified => {
                    let connector = Connector::new(server.host.as_str(), login.authority.as_deref())?;
                    begin(config.ssl_mode(SslMode::Require), stream, connector).await
                }
            }
        };
        timeout(ANSWER, opening).await.unwrap_or_else(|_| Err(silent("Connect")))
    }

    pub(super) async fn primary(&self) -> PortResult<PrimaryView> {
        let row = self.ask(PRIMARY).await?;
        let written = number(&row, 1)?.zip(number(&row, 2)?);
        Ok(PrimaryView {
            system: row.try_get(0).map_err(|error| meant(&error))?,
            written: written.and_then(|(timeline, position)| Some((u32::try_from(timeline).ok()?, Position(position)))),
            clock: moment(&row, 3)?.unwrap_or_default(),
            streams: number(&row, 4)?.unwrap_or_default(),
        })
    }

    pub(super) async fn standby(&self) -> PortResult<StandbyView> {
        let row = self.ask(STANDBY).await?;
        let flag = |column| row.try_get::<_, bool>(column).map_err(|error| meant(&error));
        let from: Option<String> = row.try_get(7).map_err(|error| meant(&error))?;
        let heard = (from, number(&row, 8)?, number(&row, 9)?);
        let heard = match heard {
            (Some(from), Some(announced), Some(ago)) => {
                Some(Heard { from, announced: Position(announced), ago: Duration::from_micros(ago) })
            }
            _ => None,
        };
        Ok(StandbyView {
            system: row.try_get(0).map_err(|error| meant(&error))?,
            in_recovery: flag(1)?,
            timeline: number(&row, 2)?.and_then(|timeline| u32::try_from(timeline).ok()).unwrap_or_default(),
            received: number(&row, 3)?.map(Position),
            replayed: number(&row, 4)?.map(Position),
            last_commit: moment(&row, 5)?,
            paused: flag(6)?,
            heard,
        })
    }

    /// What one statement answers with in a transaction that cannot write, if it does within this limit. The prepared form takes no
    /// second statement behind the first.
    pub(super) async fn answer(&mut self, statement: &str, limit: Duration, patience: Duration) -> Told {
        match timeout(patience, self.told(statement, limit)).await {
            Ok(Ok(told)) => told,
            Ok(Err(error)) => refused(&error),
            Err(_) => Told::Silent("no answer in time"),
        }
    }

    async fn told(&mut self, statement: &str, limit: Duration) -> Result<Told, Error> {
        let transaction = self.client.build_transaction().read_only(true).start().await?;
        transaction.batch_execute(&format!("SET LOCAL statement_timeout = {}", limit.as_millis().max(1))).await?;
        // By a portal: of an answer of a million rows two come.
        let prepared = transaction.prepare(statement).await?;
        let portal = transaction.bind(&prepared, &[]).await?;
        let rows = transaction.query_portal(&portal, MOST_ROWS).await?;
        let told = match rows.as_slice() {
            [] => Told::Other("no row"),
            [row] => value(row),
            _ => Told::Other("more than one row"),
        };
        transaction.rollback().await?;
        Ok(told)
    }

    async fn ask(&self, question: &str) -> PortResult<Row> {
        match timeout(ANSWER, self.client.query_one(question, &[])).await {
            Ok(answer) => answer.map_err(|error| meant(&error)),
            Err(_) => Err(silent("Query")),
        }
    }
}

/// The first of the host's addresses that takes a connection.
async fn connection(rehearsal: Option<&Rehearsal>, server: &PostgresqlServer) -> PortResult<TcpStream> {
    let found = addresses(rehearsal, server.host.as_str(), server.port, CONNECTION).await;
    let connecting = async {
        let mut last = failure(FailureKind::NoAnswer, "Connect", "host_unknown", &format!("{} has no address", server.host));
        for address in found {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = failure(FailureKind::NoAnswer, "Connect", "not_connected", &error.to_string()),
            }
        }
        Err(last)
    };
    timeout(CONNECTION, connecting).await.unwrap_or_else(|_| Err(silent("Connect")))
}

async fn begin<T>(config: &Config, stream: TcpStream, tls: T) -> PortResult<Session>
where
    T: TlsConnect<TcpStream>,
    T::Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (client, connection) = config.connect_raw(stream, tls).await.map_err(|error| meant(&error))?;
    let connection = tokio::spawn(async move {
        // Whoever waits for an answer hears of its end.
        let _ended = connection.await;
    });
    Ok(Session { client, connection })
}

fn silent(operation: &'static str) -> PortError {
    failure(FailureKind::NoAnswer, operation, "timeout", "no answer in time")
}

/// The one value of a row, if it is of a kind that can be compared. Nothing else is taken out of it.
fn value(row: &Row) -> Told {
    let [column] = row.columns() else { return Told::Other("more than one column") };
    let kind = column.type_();
    let found = if *kind == Type::BOOL {
        row.try_get::<_, Option<bool>>(0).map(|value| value.map(Told::Truth))
    } else if *kind == Type::INT8 {
        row.try_get::<_, Option<i64>>(0).map(|value| value.map(Told::Number))
    } else if *kind == Type::INT4 {
        row.try_get::<_, Option<i32>>(0).map(|value| value.map(|number| Told::Number(number.into())))
    } else if *kind == Type::INT2 {
        row.try_get::<_, Option<i16>>(0).map(|value| value.map(|number| Told::Number(number.into())))
    } else {
        return Told::Other("neither a boolean nor a whole number");
    };
    found.ok().flatten().unwrap_or(Told::Other("null"))
}

/// Why there is no answer: by the server's code alone, because its words may quote data.
fn refused(error: &Error) -> Told {
    match error.code() {
        Some(code) if *code == SqlState::QUERY_CANCELED => Told::Silent("no answer in time"),
        Some(code) => Told::Refused(plain_code(code.code())),
        None => Told::Silent("the connection was lost"),
    }
}

/// A number that cannot be negative; nothing where the server has none, or this role may not see it.
fn number(row: &Row, column: usize) -> PortResult<Option<u64>> {
    let found: Option<i64> = row.try_get(column).map_err(|error| meant(&error))?;
    Ok(found.map(|number| u64::try_from(number).unwrap_or_default()))
}

fn moment(row: &Row, column: usize) -> PortResult<Option<Timestamp>> {
    let found: Option<i64> = row.try_get(column).map_err(|error| meant(&error))?;
    Ok(found.and_then(|microseconds| Timestamp::from_microsecond(microseconds).ok()))
}

/// What an error of the client's means. Servers quote names in theirs, and never a password.
fn meant(error: &Error) -> PortError {
    let Some(said) = error.as_db_error() else {
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        return failure(FailureKind::NoAnswer, "Connect", "connection_failed", &format!("{error}{cause}"));
    };
    let code = said.code();
    let (kind, advice) = if [&SqlState::INVALID_PASSWORD, &SqlState::INVALID_AUTHORIZATION_SPECIFICATION].contains(&code) {
        (FailureKind::Denied, "; the secret holds another login than the server")
    } else if *code == SqlState::INSUFFICIENT_PRIVILEGE {
        (FailureKind::Denied, "; grant pg_monitor to the role")
    } else if [&SqlState::CANNOT_CONNECT_NOW, &SqlState::TOO_MANY_CONNECTIONS].contains(&code) {
        (FailureKind::NotNow, "")
    } else {
        (FailureKind::Refused, "")
    };
    failure(kind, "Query", code.code(), &format!("{}{advice}", said.message()))
}
