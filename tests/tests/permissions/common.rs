//! The template of this version, for the variants of the repository's plan.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use policies::template::{Stack, Template};
use recoveryctl::permissions::{TEMPLATE, parameters_of};
use shared::domain::described::{ArchiveEncryption, ArchiveEnvelope};
use shared::domain::identifier::{KmsKeyArn, ResourceName};
use shared::domain::plan::{Component, Plan};
use simulation::{Platform, healthcare_plan};

/// A customer managed key of the secret.
pub(crate) const NOTICES_KEY: &str = "arn:aws:kms:us-west-2:123456789012:key/2222-3333";
pub(crate) const SECRET_KEY: &str = "arn:aws:kms:us-west-2:123456789012:key/0000-1111";
/// A customer managed key of the secret of PostgreSQL servers.
const POSTGRESQL_KEY: &str = "arn:aws:kms:us-west-2:123456789012:key/4444-5555";
/// A customer managed key of the secret of restore tests.
const RESTORE_TEST_KEY: &str = "arn:aws:kms:us-west-2:123456789012:key/6666-7777";
/// Customer managed keys of the buckets of archives.
const ARCHIVES_KEYS: &str = "arn:aws:kms:us-east-1:123456789012:key/2222,arn:aws:kms:us-west-2:123456789012:key/3333";
/// The key that opens archives whose data keys KMS wraps.
const ENVELOPE_KEY: &str = "arn:aws:kms:us-west-2:210987654321:key/mrk-8888";
/// A topic of the other Region that carries alarms.
pub(crate) const ALARM_TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:alarms";

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

pub(crate) fn template() -> Template {
    Template::parse(TEMPLATE).unwrap()
}

/// A plan, and what is deployed besides it.
pub(crate) struct Variant {
    pub(crate) name: &'static str,
    pub(crate) plan: Plan,
    pub(crate) parameters: Vec<(&'static str, &'static str)>,
}

impl Variant {
    pub(crate) fn stack<'a>(&self, template: &'a Template) -> Stack<'a> {
        self.stack_in(template, self.plan.sites.recovery.region.as_str())
    }

    pub(crate) fn stack_in<'a>(&self, template: &'a Template, region: &str) -> Stack<'a> {
        let mut parameters: BTreeMap<String, String> = parameters_of(&self.plan, &template.parameters());
        parameters.extend(self.parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        template.stack(&parameters, self.plan.account.as_str(), region).unwrap()
    }
}

/// The deployments that the template has conditions for.
pub(crate) fn variants() -> Vec<Variant> {
    let mut without_probe = healthcare_plan();
    for component in without_probe.components.values_mut() {
        if let Component::RdsInstance(database) = component {
            database.write_probe = None;
        }
    }
    let mut without_archives = healthcare_plan();
    without_archives.components.retain(|_, component| !matches!(component, Component::BackupArchives(_)));
    let mut encrypted_archives = healthcare_plan();
    for component in encrypted_archives.components.values_mut() {
        if let Component::BackupArchives(archives) = component {
            let age_identity = Some(ResourceName::new("healthcare-platform/archives").unwrap());
            archives.encryption = Some(ArchiveEncryption { age_identity, ..ArchiveEncryption::default() });
        }
    }
    let mut enveloped_archives = healthcare_plan();
    for component in enveloped_archives.components.values_mut() {
        if let Component::BackupArchives(archives) = component {
            let envelope = ArchiveEnvelope { kms_key: KmsKeyArn::new(ENVELOPE_KEY).unwrap(), context: BTreeMap::new() };
            archives.encryption = Some(ArchiveEncryption { kms_envelope: Some(envelope), ..ArchiveEncryption::default() });
        }
    }
    vec![
        Variant { name: "as the plan of the repository", plan: healthcare_plan(), parameters: Vec::new() },
        Variant {
            name: "in a network, with an HTTP API, keys and a topic of their own",
            plan: Platform::default().with_http_api().plan,
            parameters: vec![
                ("SubnetIds", "subnet-1,subnet-2"),
                ("SecurityGroupIds", "sg-1"),
                ("NoticesKeyArn", NOTICES_KEY),
                ("SecretKeyArn", SECRET_KEY),
                ("AlarmTopicArn", ALARM_TOPIC),
                ("ArchivesKeyArns", ARCHIVES_KEYS),
            ],
        },
        Variant { name: "without a write probe", plan: without_probe, parameters: Vec::new() },
        Variant { name: "with archives that are encrypted", plan: encrypted_archives, parameters: Vec::new() },
        Variant {
            name: "with archives whose data keys KMS wraps, under a key of another account",
            plan: enveloped_archives,
            parameters: Vec::new(),
        },
        Variant { name: "without archives", plan: without_archives, parameters: Vec::new() },
        Variant {
            name: "with a global table and a global database",
            plan: Platform::default().with_global_data().plan,
            parameters: Vec::new(),
        },
        Variant {
            name: "with backups that are required in both Regions and in vaults",
            plan: Platform::default().with_required_backups().plan,
            parameters: Vec::new(),
        },
        Variant {
            name: "with restore tests, in a network, their secret with a key of its own",
            plan: Platform::default().with_restore_tests().plan,
            parameters: vec![
                ("SubnetIds", "subnet-1,subnet-2"),
                ("SecurityGroupIds", "sg-1"),
                ("RestoreTestSecretKeyArns", RESTORE_TEST_KEY),
            ],
        },
        Variant {
            name: "with PostgreSQL servers of its own, in a network, their secret with a key of its own",
            plan: Platform::default().with_postgresql().plan,
            parameters: vec![
                ("SubnetIds", "subnet-1,subnet-2"),
                ("SecurityGroupIds", "sg-1"),
                ("PostgresqlSecretKeyArns", POSTGRESQL_KEY),
            ],
        },
    ]
}
