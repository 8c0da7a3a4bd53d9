//! Who the person at the terminal is in the rehearsal's account, and the AWS CLI set for that person.
//!
//! The key is made by the emulator and works nowhere else. It is not the rehearsal's own, so that faults strike the operator's calls
//! too: in a dark Region nobody gets an answer.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::error::{Code, RehearseError};
use super::session::Place;
use crate::drill::Drill;

/// The user's name.
pub(super) const USER: &str = "operator";
/// May do everything, as whoever plays with the sites should.
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// An IAM user of the rehearsal's account.
#[derive(Debug, Clone)]
pub(super) struct Operator {
    /// The access key's id.
    pub(super) key: String,
    secret: String,
}

impl Operator {
    /// Makes the user.
    pub(super) async fn create(drill: &Drill) -> Result<Self, RehearseError> {
        let call = async |operation: &'static str, parameters: Value| {
            let answer = drill.stage.client.call("iam", drill.platform.region(), operation, parameters).await;
            answer.map_err(|error| RehearseError::new(Code::SitesNotStarted, format!("{operation} of {USER}: {error}")))
        };
        call("create_user", json!({"UserName": USER})).await?;
        call("put_user_policy", json!({"UserName": USER, "PolicyName": "everything", "PolicyDocument": POLICY})).await?;
        let made = call("create_access_key", json!({"UserName": USER})).await?;
        let text = |pointer: &str| made.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        match (text("/AccessKey/AccessKeyId"), text("/AccessKey/SecretAccessKey")) {
            (Some(key), Some(secret)) => Ok(Self { key, secret }),
            _ => Err(RehearseError::new(Code::SitesNotStarted, "the emulator made no access key for the operator")),
        }
    }

    /// Writes the program `aws` of this rehearsal: the AWS CLI with this key and this endpoint, whatever is set around it.
    pub(super) fn write_cli(&self, place: &Place, endpoint: &str, region: &str) -> Result<PathBuf, RehearseError> {
        let config = format!("[default]\nregion = {region}\noutput = json\ncli_binary_format = raw-in-base64-out\n");
        let config = place.write("aws-config", &config, 0o600)?;
        let script = format!(
            r#"#!/bin/sh
# The AWS CLI (version 1 or 2), for rehearsal {number} on this machine and for nothing else.
for argument; do
  case $argument in
  --endpoint* | --profile*)
    echo "this aws speaks to rehearsal {number} only; $argument is not for it" >&2
    exit 64
    ;;
  esac
done
# Nothing of the caller's: no credentials, no profile, no endpoint, no proxy that would be asked for 127.0.0.1.
for name in $(env | sed -n 's/^\(AWS_[A-Za-z0-9_]*\)=.*/\1/p'); do unset "$name"; done
unset HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy https_proxy all_proxy
export AWS_ACCESS_KEY_ID={key} AWS_SECRET_ACCESS_KEY={secret}
export AWS_CONFIG_FILE={config} AWS_SHARED_CREDENTIALS_FILE=/dev/null
export AWS_EC2_METADATA_DISABLED=true AWS_PAGER=
exec aws --endpoint-url {endpoint} "$@"
"#,
            number = place.number,
            key = quoted(&self.key),
            secret = quoted(&self.secret),
            config = quoted(&config.display().to_string()),
            endpoint = quoted(endpoint),
        );
        place.write("aws", &script, 0o700)
    }

    /// What other programs than the AWS CLI need.
    pub(super) fn variables(&self, endpoint: &str, region: &str) -> String {
        format!(
            "AWS_ENDPOINT_URL={endpoint} AWS_REGION={region} AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={}",
            quoted(&self.key),
            quoted(&self.secret)
        )
    }
}

/// A word of the shell that stands for exactly this text.
pub(super) fn quoted(text: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "/._-:=,@+".contains(character);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_word_means_its_text() {
        for text in ["plain/path.json", "", "a b", "it's", "$(reboot)", "`x`;y", "\"", "a\nb"] {
            let output =
                std::process::Command::new("sh").args(["-c", &format!("printf %s {}", quoted(text))]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), text);
        }
    }
}
