//! What of a protected value may leave its adapter.

use crate::redact::Secret;

/// What stands for a protected value that is not a database host.
const HIDDEN: &str = "${secret}";

/// A value out of an encrypted place, as far as it may be shown: when it is a database host, which is what the plan says it is.
/// Anything else is what a plan with a wrong name would drag into answers and journals.
pub(super) fn shown(value: &Secret<String>) -> String {
    if is_database_host(value.expose()) { value.expose().clone() } else { HIDDEN.to_owned() }
}

/// Whether a text is the host of an RDS endpoint and nothing else.
fn is_database_host(value: &str) -> bool {
    let suffixed = value.ends_with(".rds.amazonaws.com") || value.ends_with(".rds.amazonaws.com.cn");
    suffixed
        && value.len() <= 255
        && value.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_database_host_leaves_an_encrypted_parameter() {
        assert!(is_database_host("healthcare-platform-dr.c7x2example.us-west-2.rds.amazonaws.com"));
        for other in ["hunter2", "postgres://u:p@db.rds.amazonaws.com", "db.example.com", "pass word.rds.amazonaws.com", ""]
        {
            assert!(!is_database_host(other), "{other}");
        }
    }
}
