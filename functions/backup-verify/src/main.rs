//! Wires the adapters of `backup-verify`.

use std::time::{Duration, Instant, SystemTime};

use backup_verify_function::handler::{Ports, handle};
use lambda_runtime::Error;
use shared::adapters::aws::{BackupRestoreJobs, KmsEnvelopeKeys, RdsDatabases, S3Objects, ServiceBackups, StoredSecrets};
use shared::adapters::postgresql::NetworkPostgresql;
use shared::domain::step::FunctionName;
use shared::runtime::serve;
use shared::telemetry::publish;

/// Reading ends so long before Lambda ends the process: what was found has to be told.
const TELLING: Duration = Duration::from_secs(5);

struct Adapters {
    databases: RdsDatabases,
    backups: ServiceBackups,
    objects: S3Objects,
    secrets: StoredSecrets,
    envelope_keys: KmsEnvelopeKeys,
    restores: BackupRestoreJobs,
    restored: NetworkPostgresql,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve(
        FunctionName::BackupVerify,
        |setup| {
            let clients = &setup.clients;
            Ok(Adapters {
                databases: RdsDatabases::new(clients.clone()),
                backups: ServiceBackups::new(clients.clone()),
                objects: S3Objects::new(clients.clone()),
                secrets: StoredSecrets::new(clients.clone()),
                envelope_keys: KmsEnvelopeKeys::new(clients.clone()),
                restores: BackupRestoreJobs::new(clients.clone()),
                restored: NetworkPostgresql::new(clients.clone(), setup.config.rehearsal.clone()),
            })
        },
        async |setup, adapters: &Adapters, context, payload| {
            let ports = Ports {
                clock: setup.clock.as_ref(),
                databases: &adapters.databases,
                backups: &adapters.backups,
                objects: &adapters.objects,
                secrets: &adapters.secrets,
                envelope_keys: &adapters.envelope_keys,
                restores: &adapters.restores,
                restored: &adapters.restored,
                until: Some(reading_ends(context.deadline)),
            };
            let checked = handle(ports, &setup.plan, payload).await?;
            for (component, metrics) in &checked.metrics {
                publish(&setup.plan.platform, component, metrics, setup.clock.now());
            }
            Ok(checked.answer)
        },
    )
    .await
}

/// When reading has to be over, of an invocation that Lambda ends at `deadline` (milliseconds since 1970, in real time).
fn reading_ends(deadline: u64) -> Instant {
    let deadline = SystemTime::UNIX_EPOCH + Duration::from_millis(deadline);
    let left = deadline.duration_since(SystemTime::now()).unwrap_or_default();
    Instant::now() + left.saturating_sub(TELLING)
}
