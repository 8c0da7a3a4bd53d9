//! What was seen, as plain values: everything that the judgement of a fact rests on.

use std::fmt;

/// What became of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply<T> {
    /// It was answered.
    Answered(T),
    /// The service refused it; what a fact may be about.
    Refused(Refusal),
    /// It was not made, or not let through: nothing is known.
    Unasked(String),
}

/// A refusal, as its caller sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: String,
    pub(super) status: u16,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}, {}", self.code, self.status)
    }
}

impl<T> Reply<T> {
    /// The same reply with only as much of the answer as somebody needs.
    pub(super) fn map<U>(self, take: impl FnOnce(T) -> U) -> Reply<U> {
        match self {
            Self::Answered(answer) => Reply::Answered(take(answer)),
            Self::Refused(refusal) => Reply::Refused(refusal),
            Self::Unasked(reason) => Reply::Unasked(reason),
        }
    }
}

/// Everything that was seen.
#[derive(Debug, Clone)]
pub(super) struct Sight {
    pub(super) region: String,
    pub(super) rds: RdsSight,
    pub(super) cloudwatch: CloudWatchSight,
    pub(super) route53: Route53Sight,
}

#[derive(Debug, Clone)]
pub(super) struct RdsSight {
    /// The instances of the Region.
    pub(super) instances: Reply<Vec<Instance>>,
    pub(super) unknown_instance: Reply<()>,
    /// What one instance's name in capitals, and its ARN, lead to. Nothing where there is no instance.
    pub(super) by_other_names: Option<NamedOtherwise>,
    pub(super) page_of_20: Reply<Page>,
    pub(super) page_of_19: Reply<()>,
    pub(super) page_of_101: Reply<()>,
    /// The automated snapshots of the Region.
    pub(super) automated: Reply<Vec<Snapshot>>,
    pub(super) unknown_snapshot: Reply<()>,
    /// What the name of an automated snapshot leads to without its type, and with it. Nothing where there is none.
    pub(super) automated_by_name: Option<(Reply<usize>, Reply<usize>)>,
}

/// How one instance was found by names of other spelling.
#[derive(Debug, Clone)]
pub(super) struct NamedOtherwise {
    pub(super) identifier: String,
    pub(super) in_capitals: Reply<Vec<String>>,
    pub(super) by_arn: Reply<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) records: usize,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Instance {
    pub(super) identifier: String,
    pub(super) arn: String,
    pub(super) status: String,
    pub(super) engine: String,
    pub(super) host: Option<String>,
    pub(super) source: Option<String>,
    pub(super) replicas: Vec<String>,
    /// The status of each kind of replication that is reported.
    pub(super) replication: Vec<String>,
    /// The states of its security groups.
    pub(super) groups: Vec<String>,
    pub(super) restorable: bool,
    pub(super) backup_retention: i32,
}

#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    pub(super) identifier: String,
    pub(super) instance: String,
}

#[derive(Debug, Clone)]
pub(super) struct CloudWatchSight {
    /// Ten minutes of the lag of one replica; nothing where there is none.
    pub(super) lag: Option<LagSight>,
    pub(super) one_id_twice: Reply<()>,
    pub(super) id_in_capitals: Reply<()>,
    pub(super) period_of_90: Reply<()>,
    pub(super) token_not_given_out: Reply<()>,
}

#[derive(Debug, Clone)]
pub(super) struct LagSight {
    /// In seconds since 1970; it is half a minute past a whole one.
    pub(super) from: i64,
    /// In seconds since 1970; a whole minute.
    pub(super) until: i64,
    /// The times of the data points, in the order of the answer.
    pub(super) times: Reply<Vec<i64>>,
    /// The same, asked for with the oldest first.
    pub(super) ascending: Reply<Vec<i64>>,
    /// Asked for one data point: how many came, whether they are called partial, and whether there is a token.
    pub(super) cut: Reply<(usize, bool, bool)>,
}

#[derive(Debug, Clone)]
pub(super) struct Route53Sight {
    /// The names of the zones, in the order of the answer.
    pub(super) zones: Reply<Vec<String>>,
    /// The first few zones.
    pub(super) looked_into: Vec<ZoneSight>,
    pub(super) unknown_zone: Reply<()>,
    pub(super) unknown_change: Reply<()>,
    pub(super) unknown_check: Reply<()>,
    /// A list asked for with a type and no name; nothing where there is no zone.
    pub(super) type_without_name: Option<Reply<()>>,
    pub(super) checks: Vec<CheckSight>,
}

#[derive(Debug, Clone)]
pub(super) struct ZoneSight {
    pub(super) name: String,
    pub(super) private: bool,
    pub(super) name_servers: Reply<usize>,
    pub(super) records: Reply<Vec<Record>>,
    /// The largest page that came.
    pub(super) largest_page: usize,
}

/// How a record set routes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Policy {
    Simple,
    Weighted(i64),
    Failover(String),
    /// Another one, by its name; the rehearsed world has none of these.
    Other(&'static str),
}

#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) set_identifier: Option<String>,
    pub(super) policy: Policy,
    pub(super) ttl: Option<i64>,
    pub(super) values: usize,
    pub(super) alias: bool,
}

#[derive(Debug, Clone)]
pub(super) struct CheckSight {
    pub(super) id: String,
    pub(super) kind: Reply<String>,
    /// How many checkers report, and whether each says where it is.
    pub(super) status: Reply<(usize, bool)>,
}
