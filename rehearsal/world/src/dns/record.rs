//! Record sets: what a caller states, and what a zone holds.

use std::fmt;

use serde::Serialize;

use super::name::DnsName;

/// A type of record that this world has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RecordType {
    // In the order of their names, which is the order in which Route 53 lists them.
    /// An IPv4 address.
    A,
    /// An IPv6 address.
    Aaaa,
    /// Another name for this one.
    Cname,
    /// A mail server.
    Mx,
    /// A name server.
    Ns,
    /// The start of authority.
    Soa,
    /// Text.
    Txt,
}

impl RecordType {
    /// Every type.
    pub const ALL: [Self; 7] = [Self::A, Self::Aaaa, Self::Cname, Self::Mx, Self::Ns, Self::Soa, Self::Txt];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Cname => "CNAME",
            Self::Mx => "MX",
            Self::Ns => "NS",
            Self::Soa => "SOA",
            Self::Txt => "TXT",
        }
    }

    /// The type of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Which of a failover pair a record set is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum FailoverRole {
    /// Answers while it is healthy.
    Primary,
    /// Answers otherwise.
    Secondary,
}

impl FailoverRole {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "PRIMARY",
            Self::Secondary => "SECONDARY",
        }
    }
}

/// How Route 53 chooses among the record sets of one name and type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Routing {
    /// There is only one.
    Simple,
    /// By chance, in proportion to this weight, 0 to 255.
    Weighted(u8),
    /// By health.
    Failover(FailoverRole),
}

/// Where an alias leads.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct AliasTarget {
    /// The zone of the target: the alias's own, or that of the AWS resource.
    pub hosted_zone: String,
    /// The target's name.
    pub name: DnsName,
    /// Whether the alias is as healthy as its target.
    pub evaluate_target_health: bool,
}

/// What a record set answers with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Its own values.
    Records {
        /// How long they may be remembered, in seconds.
        ttl: u32,
        /// The values, as their type writes them.
        values: Vec<String>,
    },
    /// What its target answers with.
    Alias(AliasTarget),
}

/// What tells a record set from every other of its zone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct RecordKey {
    /// The name.
    pub name: DnsName,
    /// The type.
    pub kind: RecordType,
    /// The set identifier; none in a record set that routes simply.
    pub set_identifier: Option<String>,
}

impl fmt::Display for RecordKey {
    /// As Route 53 names a record set in its messages.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "[name='{}', type='{}'", self.name, self.kind)?;
        if let Some(identifier) = &self.set_identifier {
            write!(formatter, ", set-identifier='{identifier}'")?;
        }
        formatter.write_str("]")
    }
}

/// A record set of a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordSet {
    /// What it is told by.
    pub key: RecordKey,
    /// How it is chosen.
    pub routing: Routing,
    /// What it answers with.
    pub content: Content,
    /// The health check that decides whether it is healthy.
    pub health_check: Option<String>,
}

impl RecordSet {
    /// Whether a caller who states `other` has stated this record set: every field alike, values in any order.
    pub(crate) fn is_stated_by(&self, other: &Self) -> bool {
        let sorted = |set: &Self| {
            let mut set = set.clone();
            if let Content::Records { values, .. } = &mut set.content {
                values.sort();
            }
            set
        };
        sorted(self) == sorted(other)
    }
}

/// A record set as a caller states it: every field as it was sent, none of them checked yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatedRecordSet {
    /// `Name`.
    pub name: String,
    /// `Type`.
    pub kind: String,
    /// `SetIdentifier`.
    pub set_identifier: Option<String>,
    /// `Weight`.
    pub weight: Option<i64>,
    /// `Failover`.
    pub failover: Option<String>,
    /// `TTL`.
    pub ttl: Option<i64>,
    /// `ResourceRecords`.
    pub values: Option<Vec<String>>,
    /// `AliasTarget`.
    pub alias: Option<StatedAlias>,
    /// `HealthCheckId`.
    pub health_check: Option<String>,
}

/// An alias target as a caller states it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatedAlias {
    /// `HostedZoneId`.
    pub hosted_zone: String,
    /// `DNSName`.
    pub name: String,
    /// `EvaluateTargetHealth`.
    pub evaluate_target_health: bool,
}

impl From<&RecordSet> for StatedRecordSet {
    /// States a record set exactly as it is, as a deletion has to.
    fn from(set: &RecordSet) -> Self {
        let (weight, failover) = match set.routing {
            Routing::Simple => (None, None),
            Routing::Weighted(weight) => (Some(i64::from(weight)), None),
            Routing::Failover(role) => (None, Some(role.as_str().to_owned())),
        };
        let (ttl, values, alias) = match &set.content {
            Content::Records { ttl, values } => (Some(i64::from(*ttl)), Some(values.clone()), None),
            Content::Alias(target) => {
                let alias = StatedAlias {
                    hosted_zone: target.hosted_zone.clone(),
                    name: target.name.to_string(),
                    evaluate_target_health: target.evaluate_target_health,
                };
                (None, None, Some(alias))
            }
        };
        Self {
            name: set.key.name.to_string(),
            kind: set.key.kind.to_string(),
            set_identifier: set.key.set_identifier.clone(),
            weight,
            failover,
            ttl,
            values,
            alias,
            health_check: set.health_check.clone(),
        }
    }
}

/// What a change does to a record set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ChangeAction {
    /// Makes it, where there is none.
    Create,
    /// Removes it, if it is exactly as stated.
    Delete,
    /// Makes it, or puts it in the place of what is there, whatever that is.
    Upsert,
}

impl ChangeAction {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Delete => "DELETE",
            Self::Upsert => "UPSERT",
        }
    }

    /// The action of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Create, Self::Delete, Self::Upsert].into_iter().find(|action| action.as_str() == text)
    }
}

/// One change of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What is done.
    pub action: ChangeAction,
    /// To what.
    pub record_set: StatedRecordSet,
}

/// Changes that are made together or not at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeBatch {
    /// What the caller says about it.
    pub comment: Option<String>,
    /// The changes.
    pub changes: Vec<Change>,
}
