//! What `backup-verify` says of archives whose data keys KMS wraps: the key has to be where they would be restored.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;
use shared::domain::described::{ArchiveEncryption, ArchiveEnvelope};
use shared::domain::identifier::KmsKeyArn;
use simulation::{Simulation, WrappingKey};

use crate::encryption::{first_finding, looked, nightly, read, stand_up_with, store};

#[path = "../../../shared/decryption/tests/common/messages.rs"]
pub(crate) mod messages;

use messages::{DATA_KEY, KEY as EAST, WRAPPED, Writer};

/// The replica of the key under which the messages are encrypted.
pub(crate) const WEST: &str = "arn:aws:kms:us-west-2:123456789012:key/mrk-1234";
const ANOTHER: &str = "arn:aws:kms:us-west-2:123456789012:key/5678";

type Context<'a> = &'a [(&'a str, &'a str)];

fn pairs(context: Context<'_>) -> BTreeMap<String, String> {
    context.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A platform whose plan has archives that this key opens.
fn with(key: &str, context: Context<'_>) -> Simulation {
    let envelope = ArchiveEnvelope { kms_key: KmsKeyArn::new(key).unwrap(), context: pairs(context) };
    let encryption = ArchiveEncryption { kms_envelope: Some(envelope), ..ArchiveEncryption::default() };
    stand_up_with(Some(encryption))
}

fn encrypted() -> Vec<u8> {
    Writer::message(4096, &nightly())
}

/// A key that unwraps the data key of the messages, bound to these pairs.
pub(crate) fn key(context: Context<'_>) -> WrappingKey {
    WrappingKey::of(BTreeMap::from([(WRAPPED.to_vec(), (DATA_KEY.to_vec(), pairs(context)))]))
}

pub(crate) fn keep(simulation: &Simulation, arn: &str, key: WrappingKey) {
    simulation.cloud.with(|state| state.wrapping_keys.insert(arn.to_owned(), key));
}

fn calls_of_kms(simulation: &Simulation) -> Vec<(&'static str, String)> {
    simulation.cloud.with(|state| {
        let calls = state.calls.iter().filter(|call| call.service == "kms");
        calls.map(|call| (call.operation, call.region.to_string())).collect()
    })
}

#[test]
fn an_archive_is_read_with_the_key_of_the_recovery_site_which_is_asked_once() {
    let mut simulation = with(WEST, &[]);
    store(&simulation, &encrypted());
    keep(&simulation, WEST, key(&[]));
    let (verdict, status) = read(&mut simulation);
    assert_eq!((status, &verdict["level"]), (json!("sufficient"), &json!("decodable")), "{verdict:#}");
    let evidence = verdict["evidence"].to_string();
    assert!(evidence.contains("encrypted with the AWS Encryption SDK") && evidence.contains(WEST), "{verdict:#}");
    let west = "us-west-2".to_owned();
    assert_eq!(calls_of_kms(&simulation), [("DescribeKey", west.clone()), ("Decrypt", west)]);
    assert_eq!(looked(&mut simulation).1, "sufficient");
    assert_eq!(calls_of_kms(&simulation).len(), 3, "a look uses no key");
}

#[test]
fn a_key_that_only_the_lost_region_has_opens_nothing() {
    let mut simulation = with(WEST, &[]);
    store(&simulation, &encrypted());
    keep(&simulation, EAST, key(&[]));
    for (verdict, status) in [read(&mut simulation), looked(&mut simulation)] {
        assert_eq!(status, "insufficient");
        assert!(first_finding(&verdict).starts_with("envelope_key_missing: "), "{verdict:#}");
    }
}

#[test]
fn a_key_that_is_disabled_or_going_is_a_finding_before_it_is_needed() {
    for (state, deleted_at, code) in [
        ("Disabled", None, "envelope_key_unusable: "),
        ("PendingDeletion", Some(Timestamp::UNIX_EPOCH), "envelope_key_deleted: "),
    ] {
        let mut simulation = with(WEST, &[]);
        store(&simulation, &encrypted());
        let mut key = key(&[]);
        (key.stored.state, key.stored.deleted_at) = (state.to_owned(), deleted_at);
        keep(&simulation, WEST, key);
        for (verdict, status) in [read(&mut simulation), looked(&mut simulation)] {
            assert_eq!(status, "insufficient");
            assert!(first_finding(&verdict).starts_with(code), "{verdict:#}");
            assert!(!verdict["findings"].to_string().contains("not_authentic"), "{verdict:#}");
        }
    }
}

#[test]
fn an_archive_that_was_encrypted_under_another_key_is_not_called_damaged() {
    let mut simulation = with(ANOTHER, &[]);
    store(&simulation, &encrypted());
    keep(&simulation, ANOTHER, key(&[]));
    let (verdict, status) = read(&mut simulation);
    assert_eq!((status, &verdict["level"]), (json!("insufficient"), &json!("present")));
    let finding = first_finding(&verdict);
    assert!(finding.starts_with("wrong_key: ") && finding.contains(EAST) && finding.contains(ANOTHER), "{finding}");
    assert!(!calls_of_kms(&simulation).iter().any(|(operation, _)| *operation == "Decrypt"), "nothing to ask for");
}

#[test]
fn a_role_that_may_not_use_the_key_says_nothing_of_the_archive() {
    let mut simulation = with(WEST, &[]);
    store(&simulation, &encrypted());
    keep(&simulation, WEST, WrappingKey { allowed: false, ..key(&[]) });
    let (verdict, status) = read(&mut simulation);
    assert_eq!((status, &verdict["level"]), (json!("insufficient"), &json!("present")));
    let finding = first_finding(&verdict);
    assert!(finding.starts_with("key_unusable: ") && finding.contains("kms:Decrypt"), "{finding}");
}

#[test]
fn changed_bytes_are_damage_in_the_header_and_behind_it() {
    let sound = encrypted();
    let at = sound.windows(WRAPPED.len()).position(|window| window == WRAPPED).unwrap();
    for at in [at, sound.len() / 2, sound.len() - 1] {
        let mut simulation = with(WEST, &[]);
        let mut changed = sound.clone();
        changed[at] ^= 1;
        store(&simulation, &changed);
        keep(&simulation, WEST, key(&[]));
        let (verdict, status) = read(&mut simulation);
        assert_eq!(status, "insufficient", "byte {at}");
        assert!(first_finding(&verdict).starts_with("not_authentic: "), "byte {at}: {verdict:#}");
    }
}

#[test]
fn what_is_encrypted_under_the_key_for_another_purpose_is_not_the_archive() {
    let context: Context<'_> = &[("component", "orders"), ("environment", "production")];
    for (asked, status, code) in [
        (&[("environment", "production")][..], "sufficient", None),
        (&[("component", "database_archives")], "insufficient", Some("encryption_context_differs: ")),
    ] {
        let mut simulation = with(WEST, asked);
        store(&simulation, &Writer::message_with(context, 4096, &nightly()));
        keep(&simulation, WEST, key(context));
        let (verdict, found) = read(&mut simulation);
        assert_eq!(found, status, "{verdict:#}");
        if let Some(code) = code {
            assert!(first_finding(&verdict).starts_with(code), "{verdict:#}");
        }
    }
}

#[test]
fn what_is_encrypted_otherwise_than_the_plan_says_is_a_finding() {
    for (content, code) in
        [(nightly().to_vec(), "not_encrypted: "), (b"age-encryption.org/v1\n".to_vec(), "encryption_unsupported: ")]
    {
        let mut simulation = with(WEST, &[]);
        store(&simulation, &content);
        keep(&simulation, WEST, key(&[]));
        for (verdict, status) in [read(&mut simulation), looked(&mut simulation)] {
            assert_eq!(status, "insufficient");
            assert!(first_finding(&verdict).starts_with(code), "{verdict:#}");
        }
    }
}
