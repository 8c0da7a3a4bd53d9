//! Whom to ask: an account of the reader's own, or a rehearsal on this machine.

use std::net::IpAddr;
use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_rds::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};

use super::calls::is_listed;
use crate::closed_list::OnlyListed;

/// The access key that the emulator takes for the root of the rehearsal's account.
const REHEARSAL: &str = "123456789012";

/// Why nobody can be asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoAccount {
    /// Whoever is asked by address has to be on this machine.
    #[error("--endpoint-url is for a rehearsal on this machine, as http://127.0.0.1:PORT; {0} is not. Nothing was called.")]
    NotLoopback(String),
    /// No Region is set anywhere.
    #[error("no Region is set: give --region, or set one in the profile. Nothing was called.")]
    NoRegion,
    /// There are no credentials.
    #[error(
        "there are no credentials to ask with: {0}. For a profile that signs in through IAM Identity Center or a process, first run \
         `eval \"$(aws configure export-credentials --profile NAME --format env)\"`. Nothing was called."
    )]
    NoCredentials(String),
}

/// The clients, each of which makes no call that is not on the list.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) rds: aws_sdk_rds::Client,
    pub(super) cloudwatch: aws_sdk_cloudwatch::Client,
    pub(super) route53: aws_sdk_route53::Client,
    /// The Region that is asked for databases and metrics.
    pub(super) region: String,
    introduction: String,
}

impl Account {
    /// A rehearsal's face on this machine. No file and no variable of the reader's is read.
    pub(super) fn on_loopback(endpoint: &str, region: &str) -> Result<Self, NoAccount> {
        if !is_loopback(endpoint) {
            return Err(NoAccount::NotLoopback(endpoint.to_owned()));
        }
        let credentials = Credentials::new(REHEARSAL, "rehearsal", None, None, "rehearsal");
        let config = SdkConfig::builder()
            .endpoint_url(endpoint)
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .region(Region::new(region.to_owned()))
            .behavior_version(BehaviorVersion::v2026_01_12())
            .build();
        Ok(Self::with(&config, region, format!("Asking the rehearsal at {endpoint}, {region}")))
    }

    /// An account of the reader's own, by profile or by what the environment has.
    pub(super) async fn of(profile: Option<&str>, region: Option<&str>) -> Result<Self, NoAccount> {
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12());
        if let Some(profile) = profile {
            // Of this profile and no other place: the SDK's own chain would prefer credentials of the environment to a profile that
            // was named, and another account than the reader means would be asked.
            let named = ProfileFileCredentialsProvider::builder().profile_name(profile).build();
            loader = loader.profile_name(profile).credentials_provider(named);
        }
        if let Some(region) = region {
            loader = loader.region(Region::new(region.to_owned()));
        }
        let config = loader.load().await;
        let region = config.region().ok_or(NoAccount::NoRegion)?.to_string();
        let Some(provider) = config.credentials_provider() else {
            return Err(NoAccount::NoCredentials("none are set".to_owned()));
        };
        if let Err(error) = provider.provide_credentials().await {
            return Err(NoAccount::NoCredentials(reason(&error)));
        }
        let whose = profile.map_or("the credentials of the environment".to_owned(), |name| format!("the profile {name}"));
        Ok(Self::with(&config, &region, format!("Asking AWS with {whose}, {region}")))
    }

    fn with(config: &SdkConfig, region: &str, introduction: String) -> Self {
        let config = config
            .clone()
            .into_builder()
            .retry_config(RetryConfig::standard().with_max_attempts(3))
            .timeout_config(TimeoutConfig::builder().operation_timeout(Duration::from_secs(20)).build())
            .build();
        Self {
            rds: aws_sdk_rds::Client::from_conf(
                aws_sdk_rds::config::Builder::from(&config).interceptor(OnlyListed(is_listed)).build(),
            ),
            cloudwatch: aws_sdk_cloudwatch::Client::from_conf(
                aws_sdk_cloudwatch::config::Builder::from(&config).interceptor(OnlyListed(is_listed)).build(),
            ),
            route53: aws_sdk_route53::Client::from_conf(
                aws_sdk_route53::config::Builder::from(&config).interceptor(OnlyListed(is_listed)).build(),
            ),
            region: region.to_owned(),
            introduction,
        }
    }

    /// Who is asked, in one line.
    pub(super) fn introduction(&self) -> &str {
        &self.introduction
    }
}

/// An error with everything that led to it, in one line.
pub(super) fn reason(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text.split_whitespace().collect::<Vec<&str>>().join(" ")
}

fn is_loopback(endpoint: &str) -> bool {
    let Some(rest) = endpoint.strip_prefix("http://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_asked_by_address() {
        for endpoint in ["http://127.0.0.1:4566", "http://[::1]:4566", "http://127.0.0.1:4566/"] {
            assert!(Account::on_loopback(endpoint, "us-east-1").is_ok(), "{endpoint}");
        }
        for endpoint in [
            "https://rds.us-east-1.amazonaws.com",
            "http://10.0.0.1:80",
            "http://127.0.0.1.example.com:80",
            "http://127.0.0.1@example.com",
            "http://localhost:4566",
            "127.0.0.1:4566",
            "",
        ] {
            assert!(matches!(Account::on_loopback(endpoint, "us-east-1"), Err(NoAccount::NotLoopback(_))), "{endpoint}");
        }
    }
}
