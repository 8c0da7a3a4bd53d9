//! Names of what a platform has besides its database and its services: balancers, zones, distributions, buckets, people.

use std::fmt;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::InvalidIdentifier;

identifier!(
    /// A load balancer or target group (CreateLoadBalancer, CreateTargetGroup: at most 32 letters, digits and hyphens, no hyphen
    /// at either end).
    BalancerName,
    "load balancer or target group name",
    "1 to 32 letters, digits and hyphens, no hyphen at either end",
    r"^[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$",
    |text| {
        !text.is_empty()
            && text.len() <= 32
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !text.starts_with('-')
            && !text.ends_with('-')
    }
);
identifier!(
    /// A Route 53 hosted zone, `Z…` (API_HostedZone: at most 32 characters).
    HostedZoneId,
    "hosted zone id",
    "Z and 1 to 31 capital letters and digits, without /hostedzone/ before it",
    r"^Z[A-Z0-9]{1,31}$",
    |text| is_capital_id(text, 'Z', 32)
);
identifier!(
    /// A CloudFront distribution, `E…`.
    DistributionId,
    "distribution id",
    "E and 1 to 31 capital letters and digits",
    r"^E[A-Z0-9]{1,31}$",
    |text| is_capital_id(text, 'E', 32)
);
identifier!(
    /// A restore job of AWS Backup: its documentation shows UUIDs in capital letters, and promises no form.
    RestoreJobId,
    "restore job id",
    "1 to 64 letters, digits and hyphens",
    r"^[A-Za-z0-9-]{1,64}$",
    |text| !text.is_empty() && text.len() <= 64 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
);
identifier!(
    /// One statement of SQL that answers.
    SqlText,
    "SQL query",
    "1 to 2,000 characters that begin with a letter or a bracket, without control characters other than line breaks and tabs",
    r"^[A-Za-z(][^\u0000-\u0008\u000b-\u001f\u007f-\u009f]{0,1999}$",
    |text| {
        text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '(')
            && text.chars().count() <= 2_000
            && text.chars().all(|c| !c.is_control() || c == '\n' || c == '\t')
    }
);
identifier!(
    /// A name as those of the IANA database of time zones, such as `Europe/Bucharest`. Whether there is such a zone is another
    /// question: [`TimeZoneName::zone`].
    TimeZoneName,
    "time zone",
    "a name of the IANA database, such as Europe/Bucharest or UTC",
    r"^(?=.{1,64}$)[A-Za-z][A-Za-z0-9_+/-]*$",
    |text| {
        text.len() <= 64
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "_+/-".contains(c))
    }
);

impl TimeZoneName {
    /// The zone, where the database that the program holds has one of exactly this name.
    #[must_use]
    pub fn zone(&self) -> Option<TimeZone> {
        TimeZone::get(self.as_str()).ok().filter(|zone| zone.iana_name() == Some(self.as_str()))
    }
}

identifier!(
    /// A name that DNS answers for, without a dot at the end.
    DomainName,
    "domain name",
    "labels of a-z, 0-9 and hyphens with dots between them, at least two, at most 253 characters",
    r"^(?=.{1,253}$)(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
    is_domain
);
identifier!(
    /// An S3 bucket (bucket naming rules: 3 to 63 of a-z, 0-9, dots and hyphens, a letter or digit at both ends).
    BucketName,
    "bucket name",
    "3 to 63 of a-z, 0-9, dots and hyphens, a letter or digit at both ends, no two dots together",
    r"^(?=.{3,63}$)(?!.*\.\.)[a-z0-9][a-z0-9.-]*[a-z0-9]$",
    |text| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        (3..=63).contains(&text.len())
            && text.chars().all(|c| inner(c) || c == '.' || c == '-')
            && text.starts_with(inner)
            && text.ends_with(inner)
            && !text.contains("..")
    }
);
identifier!(
    /// A DynamoDB table (CreateTable: 3 to 255 letters, digits, underscores, hyphens and dots).
    TableName,
    "table name",
    "3 to 255 letters, digits, underscores, hyphens and dots",
    r"^[A-Za-z0-9_.-]{3,255}$",
    |text| {
        (3..=255).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
    }
);
identifier!(
    /// An Aurora cluster or global cluster (CreateDBCluster, CreateGlobalCluster: 1 to 63 letters, digits or hyphens, first a
    /// letter, no two hyphens together, none at the end). RDS stores it in lower case.
    ClusterId,
    "cluster identifier",
    "1 to 63 of a-z, 0-9 and -, beginning with a letter, no double or last hyphen",
    r"^(?=.{1,63}$)[a-z](-?[a-z0-9])*$",
    |text| super::is_slug(text, 63) && !text.contains('_') && !text.contains("--") && !text.ends_with('-')
);
identifier!(
    /// A Route 53 health check: the id that CreateHealthCheck answered.
    HealthCheckId,
    "health check id",
    "8-4-4-4-12 of 0-9 and a-f with hyphens between",
    r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
    |text| {
        let hexadecimal = |part: &str| part.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
        let parts: Vec<&str> = text.split('-').collect();
        parts.iter().all(|part| hexadecimal(part)) && parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
    }
);
identifier!(
    /// An ARN, such as that of a routing control, whose own form only the service knows.
    Arn,
    "ARN",
    "arn: and at least five parts with colons between, at most 512 printable characters",
    r"^(?=.{1,512}$)arn:[a-z-]+:[a-z0-9-]+:[a-z0-9-]*:[0-9]*:[!-~]+$",
    is_arn
);
identifier!(
    /// The ARN of a KMS key, as S3 names it with each object that is encrypted under it: never that of an alias.
    KmsKeyArn,
    "KMS key ARN",
    "arn:aws:kms:, the Region, twelve digits, :key/ and the key's id",
    r"^(?=.{1,256}$)arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$",
    is_key
);
identifier!(
    /// A name in an encryption context. Those that begin with `aws-crypto-` the AWS Encryption SDK keeps for itself.
    ContextName,
    "name in an encryption context",
    "1 to 256 printable characters without a space, not beginning with aws-crypto-",
    r"^(?!aws-crypto-)[!-~]{1,256}$",
    |text| {
        (1..=256).contains(&text.len())
            && text.chars().all(|c| c.is_ascii_graphic())
            && !text.starts_with("aws-crypto-")
    }
);
identifier!(
    /// The address of a page that says whether something serves.
    HttpsUrl,
    "https address",
    "https:// and a host, at most 512 printable characters",
    r"^(?=.{1,512}$)https://[A-Za-z0-9][!-~]*$",
    |text| {
        text.len() <= 512
            && text.strip_prefix("https://").is_some_and(|rest| {
                rest.starts_with(|c: char| c.is_ascii_alphanumeric()) && rest.chars().all(|c| c.is_ascii_graphic())
            })
    }
);
identifier!(
    /// A person's or a team's mail address. Which addresses exist only a mail server knows: this keeps out what is none.
    EmailAddress,
    "mail address",
    "something@domain, at most 254 printable characters",
    r"^(?=.{1,254}$)[!-?A-~]+@[!-?A-~]+\.[!-?A-~]+$",
    |text| {
        text.len() <= 254
            && text.chars().all(|c| c.is_ascii_graphic())
            && text.split_once('@').is_some_and(|(person, domain)| {
                let (left, right) = domain.rsplit_once('.').unwrap_or_default();
                !person.is_empty() && !domain.contains('@') && !left.is_empty() && !right.is_empty()
            })
    }
);
identifier!(
    /// A name that the plan's author chooses for a way to reach people, or for an order of them.
    AlertName,
    "name",
    "1 to 40 of a-z, 0-9, - and _, beginning with a letter",
    r"^[a-z][a-z0-9_-]{0,39}$",
    |text| super::is_slug(text, 40)
);

fn is_capital_id(text: &str, first: char, longest: usize) -> bool {
    (2..=longest).contains(&text.len())
        && text.starts_with(first)
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

fn is_domain(text: &str) -> bool {
    let name = text.strip_prefix("*.").unwrap_or(text);
    let outer = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let label = |label: &str, first: fn(char) -> bool| {
        (1..=63).contains(&label.len())
            && label.starts_with(first)
            && label.ends_with(outer)
            && label.chars().all(|c| outer(c) || c == '-' || c == '_')
    };
    text.len() <= 253
        && name.rsplit_once('.').is_some_and(|(before, last)| {
            !last.contains('_')
                && label(last, |c| c.is_ascii_lowercase() || c.is_ascii_digit())
                && before.split('.').all(|part| label(part, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'))
        })
}

fn is_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [arn, partition, service, region, account, resource] = parts.as_slice() else { return false };
    let small = |part: &str, digits: bool| {
        part.chars().all(|c| c.is_ascii_lowercase() || c == '-' || (digits && c.is_ascii_digit()))
    };
    text.len() <= 512
        && *arn == "arn"
        && !partition.is_empty()
        && small(partition, false)
        && !service.is_empty()
        && small(service, true)
        && small(region, true)
        && account.chars().all(|c| c.is_ascii_digit())
        && !resource.is_empty()
        && resource.chars().all(|c| c.is_ascii_graphic())
}

/// An ARN of a key.
fn is_key(text: &str) -> bool {
    let id = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let region =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    let account = |text: &str| text.len() == 12 && text.chars().all(|c| c.is_ascii_digit());
    let parts: Vec<&str> = text.split(':').collect();
    let ["arn", partition, "kms", at, of, key] = parts.as_slice() else { return false };
    text.len() <= 256
        && partition.strip_prefix("aws").is_some_and(|rest| rest.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
        && region(at)
        && account(of)
        && key.strip_prefix("key/").is_some_and(id)
}

impl KmsKeyArn {
    /// The Region of the key. Of a multi-Region key each Region has its own.
    #[must_use]
    pub fn region(&self) -> &str {
        self.as_str().split(':').nth(3).unwrap_or_default()
    }

    /// Whether this is what S3 says of an object's key: its ARN, or no more than its id.
    #[must_use]
    pub fn is_named(&self, by: &str) -> bool {
        self.as_str() == by || self.as_str().rsplit('/').next() == Some(by)
    }
}
