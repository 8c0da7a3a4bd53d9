//! Names of things, shaped as AWS shapes them.

use std::fmt;

use serde::Serialize;

use crate::seed::Seed;

/// The port that PostgreSQL listens on.
pub(crate) const PORT: u16 = 5432;

/// A database instance: its Region and its identifier there. RDS stores identifiers in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct InstanceKey {
    /// The Region.
    pub region: String,
    /// The identifier, in lower case.
    pub identifier: String,
}

impl InstanceKey {
    /// The instance of that identifier, in any case, in that Region.
    #[must_use]
    pub fn new(region: &str, identifier: &str) -> Self {
        Self { region: region.to_owned(), identifier: identifier.to_ascii_lowercase() }
    }

    /// The instance's Amazon Resource Name.
    #[must_use]
    pub fn arn(&self, account: &str) -> String {
        format!("arn:aws:rds:{}:{account}:db:{}", self.region, self.identifier)
    }

    /// Reads an ARN of an instance of `account`.
    pub(crate) fn from_arn(arn: &str, account: &str) -> Option<Self> {
        let (region, rest) = arn.strip_prefix("arn:aws:rds:")?.split_once(':')?;
        let identifier = rest.strip_prefix(account)?.strip_prefix(":db:")?;
        (!region.is_empty() && !identifier.is_empty()).then(|| Self::new(region, identifier))
    }
}

impl fmt::Display for InstanceKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.region, self.identifier)
    }
}

/// Where clients reach an instance.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Endpoint {
    /// The host name.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// The endpoint of an instance. The middle label belongs to the account in that Region, not to the instance.
pub(crate) fn endpoint(seed: u64, account: &str, key: &InstanceKey) -> Endpoint {
    let label = Seed::for_purpose(seed, &format!("endpoint {account} {}", key.region))
        .letters(b"0123456789abcdefghijklmnopqrstuvwxyz", 11);
    Endpoint { host: format!("{}.c{label}.{}.rds.amazonaws.com", key.identifier, key.region), port: PORT }
}

/// The identifier that an instance keeps for life, whatever it is renamed to.
pub(crate) fn resource_id(seed: u64, key: &InstanceKey) -> String {
    let letters = Seed::for_purpose(seed, &format!("resource {key}")).letters(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 26);
    format!("db-{letters}")
}

/// The security group that a Region's network has from the start.
pub(crate) fn group_id(seed: u64, region: &str) -> String {
    format!("sg-{}", Seed::for_purpose(seed, &format!("default group {region}")).letters(b"0123456789abcdef", 17))
}

/// Whether a name is one that RDS takes: letters, digits and single hyphens, a letter first and no hyphen last.
pub(crate) fn is_name(name: &str, longest: usize) -> bool {
    name.len() <= longest
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '-')
        && !name.ends_with('-')
        && !name.contains("--")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_the_instance_it_was_made_from() {
        let key = InstanceKey::new("us-west-2", "Orders-DR");
        assert_eq!(key.arn("123456789012"), "arn:aws:rds:us-west-2:123456789012:db:orders-dr");
        assert_eq!(InstanceKey::from_arn(&key.arn("123456789012"), "123456789012"), Some(key.clone()));
        assert_eq!(InstanceKey::from_arn(&key.arn("123456789012"), "999999999999"), None);
        assert_eq!(InstanceKey::from_arn("orders-dr", "123456789012"), None);
    }

    #[test]
    fn an_endpoint_looks_as_in_the_documentation_and_follows_the_seed() {
        let key = InstanceKey::new("us-east-1", "orders");
        let endpoint_of = |seed| endpoint(seed, "123456789012", &key);
        let labels: Vec<String> = endpoint_of(1).host.split('.').map(str::to_owned).collect();
        assert_eq!(labels[0], "orders");
        assert_eq!(labels[1].len(), 12);
        assert_eq!(&labels[2..], ["us-east-1", "rds", "amazonaws", "com"]);
        assert_eq!(endpoint_of(1), endpoint_of(1));
        assert_ne!(endpoint_of(1), endpoint_of(2));
        assert_eq!(resource_id(1, &key).len(), 29);
    }
}
