//! Names and ids as types of their own, so that a Region can never be passed where an instance is meant, and so that a name
//! that AWS would refuse is refused before any call.

use std::fmt;

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Why a text is not a valid identifier: which kind was expected and what it must look like.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a valid {kind}: {rule}")]
pub struct InvalidIdentifier {
    kind: &'static str,
    rule: &'static str,
    text: String,
}

impl InvalidIdentifier {
    /// What such an identifier must look like.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        self.rule
    }
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $pattern:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The rule as a regular expression that JSON Schema understands, for editors.
            pub const PATTERN: &'static str = $pattern;

            /// Accepts the text when it follows the rule, and says which rule it breaks otherwise.
            ///
            /// # Errors
            /// [`InvalidIdentifier`] with the rule.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidIdentifier> {
                let text = text.into();
                let valid: fn(&str) -> bool = $valid;
                if valid(&text) {
                    Ok(Self(text))
                } else {
                    let text = text.chars().take(80).collect();
                    Err(InvalidIdentifier { kind: $kind, rule: $rule, text })
                }
            }

            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidIdentifier;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

mod parts;

pub use parts::{
    AlertName, Arn, BalancerName, BucketName, ClusterId, ContextName, DistributionId, DomainName, EmailAddress,
    HealthCheckId, HostedZoneId, HttpsUrl, KmsKeyArn, RestoreJobId, SqlText, TableName, TimeZoneName,
};

fn is_slug(text: &str, longest: usize) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    !text.is_empty()
        && text.len() <= longest
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(inner)
}

fn is_printable(text: &str, longest: usize) -> bool {
    !text.is_empty() && text.len() <= longest && text.chars().all(|c| c.is_ascii_graphic())
}

identifier!(
    /// The platform that a plan recovers. At most 32 characters, because it begins every incident id.
    PlatformName,
    "platform name",
    "1 to 32 of a-z, 0-9 and -, beginning with a letter",
    r"^[a-z][a-z0-9-]{0,31}$",
    |text| is_slug(text, 32) && !text.contains('_')
);
identifier!(
    /// A component of the plan, such as `database`.
    ComponentName,
    "component name",
    "1 to 40 of a-z, 0-9, - and _, beginning with a letter",
    r"^[a-z][a-z0-9_-]{0,39}$",
    |text| is_slug(text, 40)
);
identifier!(
    /// A scenario of the plan, such as `database_failure`.
    ScenarioName,
    "scenario name",
    "1 to 40 of a-z, 0-9, - and _, beginning with a letter",
    r"^[a-z][a-z0-9_-]{0,39}$",
    |text| is_slug(text, 40)
);
identifier!(
    /// An AWS Region, such as `us-west-2`.
    Region,
    "Region",
    "letters, digits and hyphens as in us-west-2",
    r"^(?=.{1,25}$)[a-z][a-z0-9]*-[a-z0-9]*-[a-z0-9-]*$",
    |text| is_slug(text, 25) && !text.contains('_') && text.split('-').count() >= 3
);
identifier!(
    /// An AWS account: twelve digits.
    AccountId,
    "account id",
    "twelve digits",
    r"^[0-9]{12}$",
    |text| text.len() == 12 && text.chars().all(|c| c.is_ascii_digit())
);
identifier!(
    /// An RDS instance identifier (CreateDBInstance: 1 to 63 letters, digits or hyphens, first a letter, no two hyphens
    /// together, none at the end). RDS stores it in lower case.
    InstanceId,
    "database instance identifier",
    "1 to 63 of a-z, 0-9 and -, beginning with a letter, no double or last hyphen",
    r"^(?=.{1,63}$)[a-z](-?[a-z0-9])*$",
    |text| is_slug(text, 63) && !text.contains('_') && !text.contains("--") && !text.ends_with('-')
);
identifier!(
    /// A VPC security group, `sg-…`.
    SecurityGroupId,
    "security group id",
    "sg- and 4 to 17 of 0-9, a-f",
    r"^sg-[0-9a-f]{4,17}$",
    |text| text.strip_prefix("sg-").is_some_and(|rest| {
        (4..=17).contains(&rest.len()) && rest.chars().all(|c| c.is_ascii_hexdigit() && !c.is_ascii_uppercase())
    })
);
identifier!(
    /// Any other resource name that AWS or the user chose: printable, no blanks, at most 512 characters.
    ResourceName,
    "resource name",
    "1 to 512 printable characters without blanks",
    r"^[!-~]{1,512}$",
    |text| is_printable(text, 512)
);
identifier!(
    /// An environment variable of a Lambda function (UpdateFunctionConfiguration: letters, digits, underscores).
    VariableName,
    "environment variable name",
    "a letter, then letters, digits and underscores, at most 128",
    r"^[A-Za-z][A-Za-z0-9_]{0,127}$",
    |text| {
        text.len() <= 128
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    }
);
identifier!(
    /// A step of one incident, such as `03-promote-database`: position, kind and component.
    StepId,
    "step id",
    "1 to 80 of a-z, 0-9, - and _, beginning with two digits",
    r"^[0-9]{2}[a-z0-9_-]{1,78}$",
    |text| {
        text.len() <= 80
            && text.len() > 2
            && text.chars().take(2).all(|c| c.is_ascii_digit())
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
    }
);
identifier!(
    /// An incident: the platform and 26 base32 characters. Also the name of its Step Functions execution, which is what makes a
    /// second start harmless (StartExecution: a name may be used once in 90 days).
    IncidentId,
    "incident id",
    "platform name, a hyphen and 26 of a-z and 2-7",
    r"^[a-z][a-z0-9-]{0,31}-[a-z2-7]{26}$",
    |text| {
        text.rsplit_once('-').is_some_and(|(platform, key)| {
            PlatformName::new(platform).is_ok()
                && key.len() == 26
                && key.chars().all(|c| c.is_ascii_lowercase() || ('2'..='7').contains(&c))
        })
    }
);

impl Region {
    /// The partition that ARNs of this Region begin with.
    #[must_use]
    pub fn partition(&self) -> &'static str {
        match self.0.split('-').next() {
            Some("cn") => "aws-cn",
            Some("us") if self.0.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        }
    }
}

impl StepId {
    /// The id of a step at this position (1-based wave number) of its branch. Plans have at most 99 waves, so ids sort as they
    /// run; kinds and component names only hold characters of this rule.
    #[must_use]
    pub fn at(wave: usize, kind: &str, component: &ComponentName) -> Self {
        Self(format!("{wave:02}-{kind}-{component}"))
    }
}

impl IncidentId {
    /// The id of the incident which `key` starts. The same key gives the same id wherever and whenever it is computed.
    #[must_use]
    pub fn derive(platform: &PlatformName, key: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in key {
            // The length keeps ("ab", "c") and ("a", "bc") apart.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let text = BASE32_NOPAD.encode(&hash.finalize()).to_ascii_lowercase();
        Self(format!("{platform}-{}", &text[..26]))
    }

    /// The name of the incident's execution: the incident's own for the first, with the run's number after it for one that a person
    /// re-opened. Step Functions takes a name once in 90 days, so each run has its own, and a second start of one is found.
    #[must_use]
    pub fn execution_name(&self, run: u32) -> String {
        if run <= 1 { self.0.clone() } else { format!("{}-{run}", self.0) }
    }
}

/// SHA-256 in lower-case hexadecimal: of a plan, of a journal entry, of a question to a person.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Digest(String);

impl Digest {
    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(HEXLOWER.encode(&Sha256::digest(bytes)))
    }

    /// The digest of a value's JSON form.
    #[must_use]
    pub fn of_json<T: Serialize>(value: &T) -> Self {
        // Our own types have string keys only, so serialisation cannot fail; an empty text would still be a stable digest.
        Self::of(serde_json::to_string(value).unwrap_or_default().as_bytes())
    }

    /// The hexadecimal text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The number of a platform's recovery. It only grows, and every conditional write carries it, so that a stale recovery cannot
/// overwrite a newer one (design §2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
pub struct Generation(pub u64);

impl Generation {
    /// The generation of the next recovery.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_gives_the_same_incident_and_another_key_another() {
        let platform = PlatformName::new("healthcare-platform").unwrap();
        let first = IncidentId::derive(&platform, &["a", "bc"]);
        assert_eq!(first, IncidentId::derive(&platform, &["a", "bc"]));
        assert_ne!(first, IncidentId::derive(&platform, &["ab", "c"]));
        assert_eq!(IncidentId::new(first.as_str()).unwrap(), first);
    }

    #[test]
    fn names_that_aws_would_refuse_are_refused_here() {
        assert!(InstanceId::new("healthcare-platform-dr").is_ok());
        for bad in ["", "-x", "x-", "a--b", "Upper", "1st", "with space", "x;y"] {
            assert!(InstanceId::new(bad).is_err(), "{bad}");
        }
        assert!(SecurityGroupId::new("sg-0f00d").is_ok());
        assert!(SecurityGroupId::new("sg-XYZ").is_err());
        assert!(AccountId::new("12345678901").is_err());
        assert!(Region::new("us-west-2").is_ok());
        assert!(Region::new("useast1").is_err());
    }
}
