//! The ports of restore tests, over the account: jobs and instances are the world's, answers are what a test has set.

use std::collections::BTreeMap;
use std::time::Instant;

use async_trait::async_trait;
use rehearsal_world::RestoreJob;
use shared::domain::described::PostgresqlServer;
use shared::domain::identifier::{InstanceId, Region, RestoreJobId};
use shared::domain::observation::InstanceView;
use shared::domain::restore_test::{Expectation, RESTORE_JOBS, RESTORED, RestoreJobView, RestoreTest, Told};
use shared::ports::{FailureKind, PortResult, RestoreJobs, RestoredDatabases};

use super::cloud::{Request, State, WRITE, port_error};
use super::face::{Face, found, read};
use super::faults::failure;

/// What restored databases answer.
#[derive(Debug, Clone, Default)]
pub struct RestoredData {
    /// By the name of the question.
    pub answers: BTreeMap<String, Told>,
    /// Why nobody is answered.
    pub unreached: Option<(&'static str, FailureKind)>,
    /// The hosts that were asked.
    pub asked: Vec<String>,
}

impl RestoredData {
    /// What these questions are expected to be answered with.
    pub(crate) fn sound<'a>(tests: impl Iterator<Item = &'a RestoreTest>) -> Self {
        let right = |expected| match expected {
            Expectation::True => Told::Truth(true),
            Expectation::AtLeast(number) | Expectation::AtMost(number) | Expectation::Equals(number) => {
                Told::Number(number.into())
            }
        };
        let queries = tests.flat_map(|test| &test.queries);
        let answers = queries.map(|query| (query.name.to_string(), right(query.expect))).collect();
        Self { answers, ..Self::default() }
    }
}

#[async_trait]
impl RestoreJobs for Face {
    async fn job(&self, region: &Region, job: &RestoreJobId) -> PortResult<RestoreJobView> {
        let operation = ("backup", "DescribeRestoreJob");
        let request = read(operation, region, RESTORE_JOBS.to_owned());
        let look = |state: &mut State| {
            let (now, account) = (state.now, state.plan.account.to_string());
            let found = state.world.describe_restore_job(region.as_str(), job.as_str(), now);
            found.map(|found| view(found, account)).map_err(|error| port_error(operation, &error))
        };
        self.cloud.call(request, look).await
    }

    async fn restored(&self, region: &Region, instance: &InstanceId) -> PortResult<InstanceView> {
        let request = read(("rds", "DescribeDBInstances"), region, format!("db:{RESTORED}"));
        self.cloud.call(request, |state| state.describe_instance(region.as_str(), instance.as_str())).await
    }

    async fn validate(&self, region: &Region, job: &RestoreJobId, sound: bool, message: &str) -> PortResult<()> {
        let operation = ("backup", "PutRestoreValidationResult");
        let resource = RESTORE_JOBS.to_owned();
        let request = Request { operation, region, resource, takes: WRITE, bounded: true, late: None };
        let put = |state: &mut State| {
            let (now, status) = (state.now, if sound { "SUCCESSFUL" } else { "FAILED" });
            let world = &mut state.world;
            let put = world.put_restore_validation_result(region.as_str(), job.as_str(), status, Some(message), now);
            put.map_err(|error| port_error(operation, &error))
        };
        self.cloud.call(request, put).await
    }
}

#[async_trait]
impl RestoredDatabases for Face {
    async fn ask(
        &self,
        region: &Region,
        server: &PostgresqlServer,
        test: &RestoreTest,
        _: Option<Instant>,
    ) -> PortResult<Vec<Told>> {
        let operation = ("secretsmanager", "GetSecretValue");
        let request = read(operation, region, format!("secret:{}", test.secret));
        let ask = |state: &mut State| {
            found(&mut state.secrets, region, test.secret.as_str(), operation)?;
            let data = &mut state.restored;
            data.asked.push(server.host.to_string());
            if let Some((code, kind)) = data.unreached {
                return Err(failure(kind, ("postgresql", "Connect"), code, "the server was told to say so"));
            }
            let answer = |name: &str| data.answers.get(name).cloned().unwrap_or(Told::Other("no row"));
            Ok(test.queries.iter().map(|query| answer(query.name.as_str())).collect())
        };
        self.cloud.call(request, ask).await
    }
}

fn view(job: RestoreJob, account: String) -> RestoreJobView {
    let (validation, validation_message) = job.validation.clone().unzip();
    RestoreJobView {
        account: Some(account),
        status: job.status().to_owned(),
        status_message: job.broke.as_ref().map(|(_, said)| said.clone()),
        ended_at: job.ended(),
        testing_plan: job.testing_plan,
        source: Some(job.source),
        recovery_point: Some(job.recovery_point),
        recovery_point_at: Some(job.recovery_point_at),
        restored: job.created_resource,
        began_at: Some(job.began),
        validation,
        validation_message: validation_message.flatten(),
        deletion: job.deletion,
    }
}
