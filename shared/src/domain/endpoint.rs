//! Whether a host that a payload names is the one that plan and describe confirm. The payload only names; it never decides.

use super::observation::{InstanceView, Sight};

/// Why an endpoint is not confirmed, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotConfirmed(pub String);

/// Confirms that `claimed` is exactly the described endpoint of the plan's recovery instance, and that this instance stands
/// alone and is available.
///
/// The comparison is of the whole text after lower-casing ASCII and dropping one final dot: nothing is parsed out of the claim,
/// so user-info, a port, trailing text, a look-alike letter or an address can only make it differ.
///
/// # Errors
/// [`NotConfirmed`] with the reason.
pub fn confirm(claimed: &str, instance_name: &str, described: &Sight<InstanceView>) -> Result<String, NotConfirmed> {
    let shown: String = claimed.chars().take(120).flat_map(char::escape_default).collect();
    if claimed.contains(".cluster-") {
        return Err(NotConfirmed(format!(
            "{shown} is an Aurora cluster endpoint, but {instance_name} is a database instance and has an instance endpoint \
             (aws rds describe-db-instances shows it)"
        )));
    }
    let view = match described {
        Sight::Found { found } => found,
        Sight::Absent => {
            return Err(NotConfirmed(format!(
                "the plan's instance {instance_name} does not exist, so {shown} cannot be its endpoint"
            )));
        }
        Sight::Unreached { reason } => {
            return Err(NotConfirmed(format!(
                "{shown} could not be confirmed, because {instance_name} could not be described: {reason}"
            )));
        }
    };
    let Some(host) = &view.host else {
        return Err(NotConfirmed(format!("{instance_name} has no endpoint yet (status {})", view.status)));
    };
    let normal = claimed.strip_suffix('.').unwrap_or(claimed).to_ascii_lowercase();
    if normal != host.to_ascii_lowercase() {
        return Err(NotConfirmed(format!("{shown} is not the endpoint of {instance_name}, which is {host}")));
    }
    if !view.is_standalone() {
        return Err(NotConfirmed(format!(
            "{host} belongs to {instance_name}, which is still a read replica: promote it first"
        )));
    }
    if !view.is_available() {
        return Err(NotConfirmed(format!("{host} belongs to {instance_name}, which is {} and not available", view.status)));
    }
    Ok(host.clone())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const HOST: &str = "healthcare-platform-dr.c7x2example.us-west-2.rds.amazonaws.com";

    fn instance(status: &str, source: Option<&str>) -> Sight<InstanceView> {
        Sight::Found {
            found: InstanceView {
                status: status.to_owned(),
                multi_az: false,
                availability_zone: None,
                source: source.map(str::to_owned),
                replicating: None,
                host: Some(HOST.to_owned()),
                port: Some(5432),
                security_groups: BTreeMap::new(),
                backup_retention_days: 7,
                latest_restorable: None,
            },
        }
    }

    #[test]
    fn the_described_host_of_a_standalone_available_instance_is_confirmed() {
        for claim in [HOST, &HOST.to_uppercase(), &format!("{HOST}.")] {
            assert_eq!(confirm(claim, "healthcare-platform-dr", &instance("available", None)).unwrap(), HOST);
        }
    }

    #[test]
    fn nothing_but_that_host_is_confirmed() {
        for claim in [
            "healthcare-platform-dr.cluster-xxxx.us-west-2.rds.amazonaws.com",
            "evil.example.com",
            &format!("{HOST}:5432"),
            &format!("user@{HOST}"),
            &format!("{HOST}#evil.example.com"),
            &format!("{HOST}.."),
            &format!("{HOST}\u{3002}"),
            &HOST.replace('c', "\u{441}"),
            &format!(" {HOST}"),
            "10.0.0.5",
            "",
        ] {
            assert!(confirm(claim, "healthcare-platform-dr", &instance("available", None)).is_err(), "{claim}");
        }
    }

    #[test]
    fn a_replica_or_an_unavailable_or_unseen_instance_confirms_nothing() {
        assert!(confirm(HOST, "x", &instance("available", Some("arn"))).is_err());
        assert!(confirm(HOST, "x", &instance("modifying", None)).is_err());
        assert!(confirm(HOST, "x", &Sight::Absent).is_err());
        assert!(confirm(HOST, "x", &Sight::Unreached { reason: "throttled".to_owned() }).is_err());
    }
}
