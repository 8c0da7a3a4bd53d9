//! Where an object is, and where requests for it go.

use std::fmt;
use std::str::FromStr;

/// Longer keys do not exist (S3: 1,024 bytes of UTF-8).
const LONGEST_KEY: usize = 1_024;

/// An object's place: `s3://bucket/key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The bucket.
    pub bucket: String,
    /// The key, with slashes as they are.
    pub key: String,
}

/// A text that names no object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} does not name an object; write s3://BUCKET/KEY")]
pub struct NotALocation(String);

impl FromStr for Location {
    type Err = NotALocation;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || NotALocation(text.chars().take(200).collect());
        let (bucket, key) = text.strip_prefix("s3://").and_then(|rest| rest.split_once('/')).ok_or_else(refused)?;
        // The bucket becomes part of a host name, so nothing else may be in it.
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '-';
        let named = (3..=63).contains(&bucket.len()) && bucket.chars().all(plain) && !bucket.contains("..");
        if named && !key.is_empty() && key.len() <= LONGEST_KEY {
            Ok(Self { bucket: bucket.to_owned(), key: key.to_owned() })
        } else {
            Err(refused())
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "s3://{}/{}", self.bucket, self.key)
    }
}

/// The address of a request for the object.
pub(crate) fn uri(location: &Location, region: &str, endpoint: Option<&str>) -> String {
    format!("{}/{}", bucket_uri(&location.bucket, region, endpoint), encoded(&location.key, true))
}

/// The address of a page of a bucket's listing.
pub(crate) fn listing_uri(bucket: &str, query: &[(&str, &str)], region: &str, endpoint: Option<&str>) -> String {
    let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", encoded(value, false))).collect();
    format!("{}/?{}", bucket_uri(bucket, region, endpoint), pairs.join("&"))
}

/// The address of a bucket's replication.
pub(crate) fn replication_uri(bucket: &str, region: &str, endpoint: Option<&str>) -> String {
    format!("{}/?replication", bucket_uri(bucket, region, endpoint))
}

fn bucket_uri(bucket: &str, region: &str, endpoint: Option<&str>) -> String {
    match endpoint {
        Some(endpoint) => format!("{}/{bucket}", endpoint.trim_end_matches('/')),
        // A certificate for *.s3.… is not for names with another dot.
        None if bucket.contains('.') => format!("https://s3.{region}.{}/{bucket}", suffix(region)),
        None => format!("https://{bucket}.s3.{region}.{}", suffix(region)),
    }
}

fn suffix(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

/// A text as it stands in a path, or in a query. S3 signs the path as it is sent, encoded once.
fn encoded(text: &str, is_path: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (is_path && byte == b'/') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_bucket_and_a_key() {
        let location: Location = "s3://clinic-backups/pg/2026 11 20/a+b=c.dump".parse().unwrap();
        assert_eq!((location.bucket.as_str(), location.key.as_str()), ("clinic-backups", "pg/2026 11 20/a+b=c.dump"));
        assert_eq!(location.to_string(), "s3://clinic-backups/pg/2026 11 20/a+b=c.dump");
        for wrong in [
            "",
            "clinic.dump",
            "s3://",
            "s3://bucket",
            "s3://bucket/",
            "s3:///key",
            "s3://a@b.c/key",
            "s3://a:1/k",
            "s3://a..b/k",
        ] {
            assert!(wrong.parse::<Location>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn requests_go_to_the_buckets_own_host_where_its_name_allows_it() {
        let at = |text: &str| text.parse::<Location>().unwrap();
        let simple = at("s3://clinic/pg/ä b?.dump");
        assert_eq!(uri(&simple, "eu-west-1", None), "https://clinic.s3.eu-west-1.amazonaws.com/pg/%C3%A4%20b%3F.dump");
        assert_eq!(uri(&at("s3://a.b/k"), "eu-west-1", None), "https://s3.eu-west-1.amazonaws.com/a.b/k");
        assert_eq!(uri(&at("s3://abc/k"), "cn-north-1", None), "https://abc.s3.cn-north-1.amazonaws.com.cn/k");
        assert_eq!(uri(&at("s3://abc/k"), "eu-west-1", Some("http://127.0.0.1:9/")), "http://127.0.0.1:9/abc/k");
    }

    #[test]
    fn what_is_asked_of_a_listing_stands_in_its_query_whatever_is_in_it() {
        let query = [("list-type", "2"), ("prefix", "pg/ä b+&=")];
        let expected = "https://clinic.s3.eu-west-1.amazonaws.com/?list-type=2&prefix=pg%2F%C3%A4%20b%2B%26%3D";
        assert_eq!(listing_uri("clinic", &query, "eu-west-1", None), expected);
    }
}
