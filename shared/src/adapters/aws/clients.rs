//! The SDK's clients: one per service and Region, made when first needed, all from one configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_types::sdk_config::SharedCredentialsProvider;

use super::declared::OnlyDeclared;
use super::outbound::Outbound;
use super::silence::NoRepeatAfterSilence;
use super::step_header::StepHeader;
use crate::domain::identifier::Region;
use crate::domain::operation::Operation;
use crate::domain::step::FunctionName;

/// A function has at most 15 seconds, and must still be able to journal what it learnt: a call gets ten, all retries together.
pub(super) const OPERATION: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(2);
const READ: Duration = Duration::from_secs(8);
/// A look at an instance that may be in a Region which takes a call and never answers. One that takes longer comes too late for the
/// attempt that waits for it: a mutation is begun within four seconds of an attempt's start (`runtime::ACT_MARGIN_MS`).
pub(super) const LOOK: Duration = Duration::from_secs(3);
/// Of reads and control calls, whose repetition changes nothing. Mutations are sent once, see [`once`].
const ATTEMPTS: u32 = 3;

/// The clients of one function. Cloning shares them.
#[derive(Clone)]
pub struct Clients {
    inner: Arc<Inner>,
}

struct Inner {
    function: Option<FunctionName>,
    outbound: Outbound,
    endpoint_url: Option<String>,
    given: Option<SdkConfig>,
    config: OnceLock<SdkConfig>,
    apigateway: Cache<aws_sdk_apigateway::Client>,
    apigatewayv2: Cache<aws_sdk_apigatewayv2::Client>,
    backup: Cache<aws_sdk_backup::Client>,
    cloudwatch: Cache<aws_sdk_cloudwatch::Client>,
    dynamodb: Cache<aws_sdk_dynamodb::Client>,
    ecs: Cache<aws_sdk_ecs::Client>,
    kms: Cache<aws_sdk_kms::Client>,
    lambda: Cache<aws_sdk_lambda::Client>,
    objects: OnceLock<Option<objects::Client>>,
    rds: Cache<aws_sdk_rds::Client>,
    route53: Cache<aws_sdk_route53::Client>,
    secretsmanager: Cache<aws_sdk_secretsmanager::Client>,
    sfn: Cache<aws_sdk_sfn::Client>,
    sns: Cache<aws_sdk_sns::Client>,
    ssm: Cache<aws_sdk_ssm::Client>,
}

impl Clients {
    /// Clients with the credentials of the function's environment and nothing else: no profile, no metadata service, so that
    /// nothing is waited for and a rehearsal cannot pick up real credentials. Calls go to `endpoint_url` where one is given, and
    /// only those that the table of operations has for this function.
    #[must_use]
    pub fn new(endpoint_url: Option<&str>, function: FunctionName) -> Self {
        Self::build(endpoint_url.map(str::to_owned), None, Some(function))
    }

    /// Clients with credentials, endpoint and HTTP client of this configuration. Retries, time limits and the step header are
    /// ours all the same. They are no one function's: they make every call of the table.
    #[must_use]
    pub fn with(config: SdkConfig) -> Self {
        Self::build(None, Some(config), None)
    }

    pub(super) fn build(endpoint_url: Option<String>, given: Option<SdkConfig>, function: Option<FunctionName>) -> Self {
        let inner = Inner {
            function,
            outbound: Outbound::default(),
            endpoint_url,
            given,
            config: OnceLock::new(),
            apigateway: Cache::default(),
            apigatewayv2: Cache::default(),
            backup: Cache::default(),
            cloudwatch: Cache::default(),
            dynamodb: Cache::default(),
            ecs: Cache::default(),
            kms: Cache::default(),
            lambda: Cache::default(),
            objects: OnceLock::new(),
            rds: Cache::default(),
            route53: Cache::default(),
            secretsmanager: Cache::default(),
            sfn: Cache::default(),
            sns: Cache::default(),
            ssm: Cache::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// How long their calls were under way.
    #[must_use]
    pub fn outbound(&self) -> &Outbound {
        &self.inner.outbound
    }

    /// Whether the table of operations has this one for the function that they belong to.
    pub(super) fn may_send(&self, operation: Operation) -> bool {
        self.inner.function.is_none_or(|function| operation.row().by.contains(&function))
    }

    /// What reads objects of buckets in this Region; nothing without credentials.
    pub(super) fn objects(&self, region: &Region) -> Option<objects::Client> {
        let client = self.inner.objects.get_or_init(|| {
            let config = self.config();
            Some(objects::Client::new(objects::Connection {
                region: region.to_string(),
                endpoint_url: config.endpoint_url().map(str::to_owned),
                credentials: config.credentials_provider()?,
            }))
        });
        client.as_ref().map(|client| client.in_region(region.as_str()))
    }

    fn config(&self) -> &SdkConfig {
        self.inner.config.get_or_init(|| {
            let builder = match &self.inner.given {
                Some(given) => given.clone().into_builder(),
                None => {
                    let mut builder = SdkConfig::builder()
                        .credentials_provider(SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new()));
                    builder.set_endpoint_url(self.inner.endpoint_url.clone());
                    builder
                }
            };
            builder
                .behavior_version(BehaviorVersion::v2026_01_12())
                .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
                .timeout_config(
                    TimeoutConfig::builder()
                        .connect_timeout(CONNECT)
                        .read_timeout(READ)
                        .operation_timeout(OPERATION)
                        .build(),
                )
                .build()
        })
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Clients").field("endpoint_url", &self.inner.endpoint_url).finish_non_exhaustive()
    }
}

/// One client per Region.
struct Cache<C>(Mutex<BTreeMap<Region, C>>);

impl<C> Default for Cache<C> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<C: Clone> Cache<C> {
    fn get(&self, region: &Region, make: impl FnOnce() -> C) -> C {
        // The map is whole whatever happened to a thread that held it.
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        clients.entry(region.clone()).or_insert_with(make).clone()
    }
}

macro_rules! clients {
    ($($(#[$doc:meta])* $service:ident: $sdk:ident $(, $interceptor:expr)?;)*) => {
        impl Clients {
            $($(#[$doc])*
            pub(crate) fn $service(&self, region: &Region) -> $sdk::Client {
                self.inner.$service.get(region, || {
                    let builder = $sdk::config::Builder::from(self.config())
                        .region($sdk::config::Region::new(region.to_string()))
                        .interceptor(self.inner.outbound.clone())
                        .interceptor(OnlyDeclared { function: self.inner.function })
                        .retry_classifier(NoRepeatAfterSilence)
                        $(.interceptor($interceptor))?;
                    $sdk::Client::from_conf(builder.build())
                })
            })*
        }
    };
}

clients! {
    apigateway: aws_sdk_apigateway, StepHeader;
    apigatewayv2: aws_sdk_apigatewayv2, StepHeader;
    backup: aws_sdk_backup, StepHeader;
    cloudwatch: aws_sdk_cloudwatch, StepHeader;
    ecs: aws_sdk_ecs, StepHeader;
    kms: aws_sdk_kms, StepHeader;
    lambda: aws_sdk_lambda, StepHeader;
    rds: aws_sdk_rds, StepHeader;
    route53: aws_sdk_route53, StepHeader;
    secretsmanager: aws_sdk_secretsmanager, StepHeader;
    ssm: aws_sdk_ssm, StepHeader;
    // Control: what these do is the machinery's, never a step's, so they carry no step.
    dynamodb: aws_sdk_dynamodb;
    sfn: aws_sdk_sfn;
    sns: aws_sdk_sns;
}

/// Sends a call exactly once. A mutation is not repeated by the SDK: after a lost reply a second try could reboot twice, and its
/// answer ("already being promoted") would be taken for the first one's. The engine repeats, after it has read the world.
macro_rules! once {
    ($sdk:ident) => {
        $sdk::config::Builder::new().retry_config(aws_config::retry::RetryConfig::disabled())
    };
}
pub(crate) use once;
