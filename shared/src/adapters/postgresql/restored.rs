//! A database that was restored for a test, and the questions of the plan.

use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::NetworkPostgresql;
use super::session::{Opening, Session};
use crate::domain::described::{PostgresqlServer, Tls};
use crate::domain::identifier::Region;
use crate::domain::restore_test::{RestoreTest, Told};
use crate::ports::{PortResult, RestoredDatabases};

/// For one answer. A volume that was just restored fetches its blocks from S3 when they are first read (RDS user guide, "Restoring
/// to a DB instance"), so that the first count of a table takes longer than any later one.
const LONGEST: Duration = Duration::from_secs(240);
/// For what comes back on the way.
const ON_THE_WAY: Duration = Duration::from_secs(3);

#[async_trait]
impl RestoredDatabases for NetworkPostgresql {
    async fn ask(
        &self,
        region: &Region,
        server: &PostgresqlServer,
        test: &RestoreTest,
        until: Option<Instant>,
    ) -> PortResult<Vec<Told>> {
        let asking = async {
            let login = self.login(region, &test.secret).await?;
            // What RDS restores has a certificate for its endpoint, and nobody else may see this login.
            let opening = Opening { database: &test.database, tls: Tls::Verified, application: "backup-verify" };
            let mut session = Session::open(self.rehearsal.as_ref(), server, &opening, &login).await?;
            let mut told = Vec::new();
            for query in &test.queries {
                let left = until.map_or(LONGEST, |until| until.saturating_duration_since(Instant::now()));
                let limit = left.saturating_sub(ON_THE_WAY).min(LONGEST);
                if limit.is_zero() {
                    break;
                }
                let answer = session.answer(query.sql.as_str(), limit, limit + ON_THE_WAY).await;
                let gone = matches!(answer, Told::Silent(_));
                told.push(answer);
                if gone {
                    // The question may still be under way there, and whatever comes next would wait behind it.
                    break;
                }
            }
            Ok(told)
        };
        self.clients.outbound().of(asking).await
    }
}
