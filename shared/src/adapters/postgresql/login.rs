//! Who logs in, from a JSON secret. Other fields (RDS and rotation functions keep host and port there too) are nobody's business here.

use serde::Deserialize;

use super::failure;
use crate::domain::identifier::ResourceName;
use crate::ports::{FailureKind, PortResult};
use crate::redact::Secret;

/// A login.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) username: String,
    pub(super) password: Secret<String>,
    /// The certificate of the authority that signs the servers', in PEM; absent: those that the system trusts.
    pub(super) authority: Option<String>,
}

#[derive(Deserialize)]
struct Fields {
    username: String,
    password: String,
    #[serde(default)]
    certificate_authority: Option<String>,
}

impl Login {
    pub(super) fn read(secret: &ResourceName, text: &Secret<String>) -> PortResult<Self> {
        // The parser's own words would quote the secret.
        let Ok(fields) = serde_json::from_str::<Fields>(text.expose()) else {
            let message = format!("secret {secret} is not a JSON object with the texts `username` and `password`");
            return Err(failure(FailureKind::Refused, "Login", "login_unreadable", &message));
        };
        let Fields { username, password, certificate_authority } = fields;
        Ok(Self { username, password: Secret::new(password), authority: certificate_authority })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_read_beside_other_fields_and_never_quoted() {
        let secret = ResourceName::new("shop/check").unwrap();
        let read = |text: &str| Login::read(&secret, &Secret::new(text.to_owned()));
        let login = read(r#"{"username": "check", "password": "hunter2", "host": "elsewhere", "port": 5432}"#).unwrap();
        assert_eq!((login.username.as_str(), login.password.expose().as_str()), ("check", "hunter2"));
        assert!(login.authority.is_none() && !format!("{login:?}").contains("hunter2"));
        for text in ["hunter2", r#"{"username": "check"}"#, r#"{"username": "check", "password": ["hunter2"]}"#, ""] {
            let error = read(text).unwrap_err();
            assert_eq!(error.code, "login_unreadable");
            assert!(error.message.contains("shop/check") && !error.message.contains("hunter2"), "{error}");
        }
    }
}
