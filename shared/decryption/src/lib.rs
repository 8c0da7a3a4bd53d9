//! Reads backups that are encrypted, and tells a wrong key from changed bytes.
//!
//! Two formats: age to X25519 recipients ([`Identities`]), and messages of the AWS Encryption SDK, whose data key KMS wraps
//! ([`Envelope`]). Nothing is handed on before it was authenticated, and a cut shows. That a file does not open with a key, that its
//! bytes were changed, and that they could not be read are three different things, and stay so here.

mod age_file;
mod chunks;
mod message;

pub use age_file::{Decrypted, Identities, Trouble, decrypt, is_encrypted};
pub use message::{DataKey, EncryptedDataKey, EncryptionContext, Envelope, Message, Unwrap, Unwrapped, Wrapped, wrapped};
