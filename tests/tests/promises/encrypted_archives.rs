//! What `backup-verify` says of archives that are encrypted: a backup that nobody can open after the disaster is none.

use std::io::Write;

use age::secrecy::ExposeSecret;
use age::x25519::Identity;
use serde_json::json;
use shared::domain::described::{ArchiveEncryption, ArchiveKeys};
use shared::domain::identifier::{KmsKeyArn, ResourceName};
use simulation::{Secret, Simulation};

use crate::encryption::{COPY, NEWEST, PRIMARY, asked, first_finding, looked, nightly, read, stand_up_with, store};

pub(crate) const SECRET: &str = "healthcare-platform/archives";
const KEYS: [&str; 2] =
    ["arn:aws:kms:us-east-1:123456789012:key/mrk-1234", "arn:aws:kms:us-west-2:123456789012:key/mrk-1234"];

fn with_identity() -> Simulation {
    let age_identity = Some(ResourceName::new(SECRET).unwrap());
    stand_up_with(Some(ArchiveEncryption { age_identity, ..ArchiveEncryption::default() }))
}

fn encrypted(to: &Identity) -> Vec<u8> {
    encrypted_to(to, &nightly())
}

pub(crate) fn encrypted_to(to: &Identity, archive: &[u8]) -> Vec<u8> {
    let recipient = to.to_public();
    let encryptor = age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient)).unwrap();
    let mut bytes = Vec::new();
    let mut writer = encryptor.wrap_output(&mut bytes).unwrap();
    writer.write_all(archive).unwrap();
    writer.finish().unwrap();
    bytes
}

pub(crate) fn text_of(identity: &Identity) -> String {
    format!("# created: today\n{}\n", identity.to_string().expose_secret())
}

pub(crate) fn keep(simulation: &Simulation, region: &str, text: &str) {
    let secret = Secret::new("7f0e8a52-1b52-4a0e-9d0b-6a1e7a1d5c10", json!(text));
    simulation.cloud.with(|state| state.secrets.insert((region.to_owned(), SECRET.to_owned()), secret));
}

#[test]
fn an_encrypted_archive_is_read_with_the_identity_of_the_recovery_site() {
    let (mut simulation, identity) = (with_identity(), Identity::generate());
    store(&simulation, &encrypted(&identity));
    keep(&simulation, "us-west-2", &text_of(&identity));
    let (verdict, status) = read(&mut simulation);
    assert_eq!((status, &verdict["level"]), (json!("sufficient"), &json!("decodable")), "{verdict:#}");
    assert!(verdict["evidence"].to_string().contains("encrypted with age"), "{verdict:#}");
    assert_eq!(looked(&mut simulation).1, "sufficient");
}

#[test]
fn an_identity_that_only_the_lost_region_has_opens_nothing() {
    let (mut simulation, identity) = (with_identity(), Identity::generate());
    store(&simulation, &encrypted(&identity));
    keep(&simulation, "us-east-1", &text_of(&identity));
    for (verdict, status) in [read(&mut simulation), looked(&mut simulation)] {
        assert_eq!(status, "insufficient");
        assert!(first_finding(&verdict).starts_with("identity_missing: "), "{verdict:#}");
    }
}

#[test]
fn a_wrong_key_and_changed_bytes_are_told_apart() {
    let (mut simulation, identity) = (with_identity(), Identity::generate());
    let sound = encrypted(&identity);
    store(&simulation, &sound);
    keep(&simulation, "us-west-2", &text_of(&Identity::generate()));
    let (verdict, status) = read(&mut simulation);
    assert_eq!((status, &verdict["level"]), (json!("insufficient"), &json!("present")));
    assert!(first_finding(&verdict).starts_with("wrong_key: "), "{verdict:#}");
    keep(&simulation, "us-west-2", &text_of(&identity));
    let mut flipped = sound.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for changed in [flipped, sound[..sound.len() - 1].to_vec()] {
        store(&simulation, &changed);
        let (verdict, status) = read(&mut simulation);
        assert_eq!(status, "insufficient");
        assert!(first_finding(&verdict).starts_with("not_authentic: "), "{verdict:#}");
    }
}

#[test]
fn what_is_encrypted_otherwise_than_the_plan_says_is_a_finding() {
    let mut unexpected = stand_up_with(None);
    store(&unexpected, &encrypted(&Identity::generate()));
    let (verdict, status) = read(&mut unexpected);
    assert_eq!((status, &verdict["level"]), (json!("insufficient"), &json!("present")));
    assert!(first_finding(&verdict).starts_with("no_identity: "), "{verdict:#}");
    assert_eq!(looked(&mut unexpected).1, "sufficient", "it is there, which is all that was asked");
    let mut plain = with_identity();
    keep(&plain, "us-west-2", &text_of(&Identity::generate()));
    for (verdict, status) in [read(&mut plain), looked(&mut plain)] {
        assert_eq!(status, "insufficient");
        assert!(first_finding(&verdict).starts_with("not_encrypted: "), "{verdict:#}");
    }
}

#[test]
fn nothing_of_a_secret_is_repeated_whatever_it_holds() {
    let identity = Identity::generate();
    let sound = text_of(&identity);
    let key = sound.lines().nth(1).unwrap();
    for text in [sound.as_str(), &key[..73], "{\"password\":\"tulips-in-may\"}", "tulips-in-may"] {
        let mut simulation = with_identity();
        store(&simulation, &encrypted(&identity));
        keep(&simulation, "us-west-2", text);
        let (verdict, status) = read(&mut simulation);
        let said = verdict.to_string();
        assert!(!said.contains("tulips") && !said.contains(&key[20..40]), "{said}");
        if text != sound {
            assert_eq!(status, "insufficient");
            assert!(first_finding(&verdict).starts_with("identity_unreadable: "), "{verdict:#}");
        }
    }
}

#[test]
fn the_copy_has_to_lie_under_the_key_of_its_own_region_that_the_plan_names() {
    let named = |key: &str| KmsKeyArn::new(key).unwrap();
    let kms_keys = Some(ArchiveKeys { primary: named(KEYS[0]), recovery: Some(named(KEYS[1])) });
    let mut simulation = stand_up_with(Some(ArchiveEncryption { kms_keys, ..ArchiveEncryption::default() }));
    let kept = |simulation: &Simulation, keys: [Option<&str>; 2]| {
        simulation.cloud.with(|state| {
            for (bucket, key) in [PRIMARY, COPY].into_iter().zip(keys) {
                state.buckets.get_mut(bucket).unwrap().get_mut(NEWEST).unwrap().kms_key = key.map(str::to_owned);
            }
        });
    };
    for (keys, expected) in [
        ([Some(KEYS[0]), Some(KEYS[1])], None),
        ([Some(KEYS[0]), None], Some("kms_key_missing: ")),
        ([None, Some(KEYS[1])], Some("kms_key_missing: ")),
        ([Some(KEYS[0]), Some(KEYS[0])], Some("kms_key_other: ")),
        ([Some(KEYS[0]), Some("arn:aws:kms:us-west-2:123456789012:key/5678")], Some("kms_key_other: ")),
    ] {
        kept(&simulation, keys);
        for (verdict, status) in [read(&mut simulation), looked(&mut simulation)] {
            assert_eq!(status == "sufficient", expected.is_none(), "{keys:?}: {verdict:#}");
            if let Some(code) = expected {
                assert!(first_finding(&verdict).starts_with(code), "{verdict:#}");
            }
        }
    }
    kept(&simulation, [Some(KEYS[0]), None]);
    let (verdict, _) = asked(&mut simulation, json!({"backup": format!("s3://{COPY}/{NEWEST}")}));
    assert!(first_finding(&verdict).starts_with("kms_key_missing: "), "{verdict:#}");
}
