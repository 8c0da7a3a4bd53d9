//! What opens encrypted archives: identities of age in a file, or a key of KMS.

use std::fmt;
use std::path::PathBuf;

use aws_config::BehaviorVersion;
use backup_verify_function::envelope::unwrap_data_key;
use clap::Args;
use decryption::{DataKey, EncryptionContext, Envelope, Unwrap, Wrapped};
use pgdump::{Keys, NotOpened};
use shared::adapters::aws::{Clients, KmsEnvelopeKeys};
use shared::domain::identifier::KmsKeyArn;
use shared::ports::EnvelopeKeys;
use tokio::runtime::Runtime;

use crate::identities;

/// What a command is given to open archives with.
#[derive(Debug, Args)]
pub(crate) struct OpeningArguments {
    /// The identity that opens an archive encrypted with age, in a file as age-keygen writes it. Without one no more is proven of such
    /// an archive than that it is there, and by a manifest of it that its bytes are the same.
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// The KMS key that opens an archive encrypted with the AWS Encryption SDK: the one under which it was encrypted, or a replica of
    /// it in another Region. It is used with the credentials of the environment or a profile.
    #[arg(long, value_name = "ARN", conflicts_with = "identity", value_parser = key)]
    kms_key: Option<KmsKeyArn>,
    /// A pair that the encryption context of such an archive has to have, as `component=clinic-archives`.
    #[arg(long, value_name = "NAME=VALUE", requires = "kms_key", value_parser = pair)]
    encryption_context: Vec<(String, String)>,
}

fn key(text: &str) -> Result<KmsKeyArn, String> {
    KmsKeyArn::new(text).map_err(|error| error.to_string())
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("it is no NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// KMS as it is asked on a runtime.
pub(crate) type Connect<'a> = &'a dyn Fn(&Runtime) -> Box<dyn EnvelopeKeys>;

/// KMS with the credentials and the endpoint of the environment or of a profile.
pub(crate) fn connect(runtime: &Runtime) -> Box<dyn EnvelopeKeys> {
    let config = runtime.block_on(aws_config::defaults(BehaviorVersion::latest()).load());
    Box::new(KmsEnvelopeKeys::new(Clients::with(config)))
}

impl OpeningArguments {
    /// What opens an archive, where something was given.
    ///
    /// # Errors
    /// A sentence with a code, when it cannot be had.
    pub(crate) fn keys(&self, connect: Connect<'_>) -> Result<Option<Box<dyn Keys>>, String> {
        let Some(key) = &self.kms_key else {
            let identities = identities::read(self.identity.as_deref())?;
            return Ok(identities.map(|identities| -> Box<dyn Keys> { Box::new(identities) }));
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("no runtime to ask KMS with: {error}"))?;
        let keys = connect(&runtime);
        let context: EncryptionContext = self.encryption_context.iter().cloned().collect();
        Ok(Some(Box::new(Envelope::new(Kms { runtime, keys, key: key.clone() }, context))))
    }
}

/// A key of KMS that is asked when a message is met.
struct Kms {
    runtime: Runtime,
    keys: Box<dyn EnvelopeKeys>,
    key: KmsKeyArn,
}

impl Unwrap for Kms {
    fn data_key(&self, wrapped: &Wrapped) -> Result<DataKey, NotOpened> {
        self.runtime.block_on(unwrap_data_key(&*self.keys, &self.key, wrapped))
    }
}

impl fmt::Debug for Kms {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Kms").field("key", &self.key).finish_non_exhaustive()
    }
}
