//! Encrypted archives for tests.

use std::io::Write;

use age::secrecy::ExposeSecret;
use age::x25519::Identity;

/// The archive, encrypted to an identity of its own, and the file of that identity as age-keygen writes it.
pub(crate) fn encrypted(plain: &[u8]) -> (Vec<u8>, String) {
    let identity = Identity::generate();
    let recipient = identity.to_public();
    let encryptor = age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient)).unwrap();
    let mut bytes = Vec::new();
    let mut writer = encryptor.wrap_output(&mut bytes).unwrap();
    writer.write_all(plain).unwrap();
    writer.finish().unwrap();
    (bytes, format!("# created: today\n{}\n", identity.to_string().expose_secret()))
}
