//! Archives that are encrypted and too large for one invocation: decoded in pieces like any other where their key is, with the verdict of
//! one reading.

use age::x25519::Identity;
use backup_verify_function::pieces::Sizes;
use decryption::{EncryptionContext, Envelope};
use pgdump::{Keys, Level, Manifest, Options, verify};
use serde_json::{Value, json};
use shared::domain::backup::ProofLevel;
use shared::domain::described::{ArchiveEncryption, ArchiveEnvelope};
use shared::domain::identifier::{KmsKeyArn, ResourceName};
use shared::domain::plan::Component;
use simulation::{Platform, SimulatedObject, Simulation, Verification, WrappingKey, dated};

use crate::courses::builder::{rows, tables};
use crate::courses::{in_turns, one_table};
use crate::encrypted_archives::{self, SECRET, encrypted_to, text_of};
use crate::encryption::{COPY, NEWEST};
use crate::enveloped_archives::messages::{Given32, Writer};
use crate::enveloped_archives::{self, WEST};
use crate::pieces::{SIZES, asked, at_once, in_pieces, insufficient};

/// How an archive is encrypted, and what opens it.
enum Sealed {
    Age(Identity),
    Envelope,
}

impl Sealed {
    fn both() -> [Self; 2] {
        [Self::Age(Identity::generate()), Self::Envelope]
    }

    fn encrypt(&self, archive: &[u8]) -> Vec<u8> {
        match self {
            Self::Age(identity) => encrypted_to(identity, archive),
            Self::Envelope => Writer::message(4096, archive),
        }
    }

    /// As the plan says it.
    fn declared(&self) -> ArchiveEncryption {
        match self {
            Self::Age(_) => {
                ArchiveEncryption { age_identity: Some(ResourceName::new(SECRET).unwrap()), ..ArchiveEncryption::default() }
            }
            Self::Envelope => {
                let (kms_key, context) = (KmsKeyArn::new(WEST).unwrap(), EncryptionContext::new());
                let kms_envelope = Some(ArchiveEnvelope { kms_key, context });
                ArchiveEncryption { kms_envelope, ..ArchiveEncryption::default() }
            }
        }
    }

    /// Puts what opens it where the plan says.
    fn keep(&self, simulation: &Simulation) {
        match self {
            Self::Age(identity) => encrypted_archives::keep(simulation, "us-west-2", &text_of(identity)),
            Self::Envelope => enveloped_archives::keep(simulation, WEST, enveloped_archives::key(&[])),
        }
    }

    fn keys(&self) -> Box<dyn Keys> {
        match self {
            Self::Age(identity) => Box::new(decryption::Identities::read(&text_of(identity)).unwrap()),
            Self::Envelope => Box::new(Envelope::new(Given32, EncryptionContext::new())),
        }
    }

    /// A platform whose newest archive has these bytes, and a manifest and S3's own checksum of those that were written.
    fn with(&self, level: ProofLevel, sizes: Sizes, written: &[u8], found: &[u8]) -> Simulation {
        let platform = Platform::default().with_plan(|plan| {
            for component in plan.components.values_mut() {
                if let Component::BackupArchives(archives) = component {
                    (archives.encryption, archives.level) = (Some(self.declared()), Some(level));
                }
            }
        });
        let keys = self.keys();
        let options = Options { keys: Some(&*keys), fingerprints: true, ..Options::to(Level::Decodable) };
        let verdict = verify(written, &options);
        let stored = verdict.encryption.as_ref().unwrap().file.as_ref().unwrap().crc64nvme.to_string();
        let simulation = platform.stand_up();
        simulation.cloud.with(|state| {
            state.sizes = sizes;
            let manifest = Manifest::of(&verdict, state.now, "a test").unwrap().to_json();
            for bucket in state.buckets.values_mut() {
                let old = bucket[NEWEST].modified_at;
                let object = SimulatedObject { crc64nvme: Some(stored.clone()), ..SimulatedObject::new(found.into(), old) };
                bucket.insert(NEWEST.to_owned(), object);
                let manifest = SimulatedObject::new(manifest.clone().into_bytes().into(), old);
                bucket.insert(format!("{NEWEST}.manifest.json"), manifest);
            }
        });
        self.keep(&simulation);
        simulation
    }
}

/// An archive that says where its tables are, which lie across chunks of age.
fn archive() -> Vec<u8> {
    dated(&tables(&[rows(3000), rows(10), rows(5000), rows(2000)]), "2026-11-20T03:55:00Z".parse().unwrap()).to_vec()
}

/// Too large, and no table of it is.
fn sizes_for(file: &[u8]) -> Sizes {
    Sizes { whole: file.len() as u64 - 1, ..SIZES }
}

/// What opens archives is gone.
fn lose_keys(simulation: &Simulation) {
    simulation.cloud.with(|state| {
        state.secrets.clear();
        state.wrapping_keys.clear();
    });
}

/// The codes of its findings: of bytes that are others, one reading names SHA-256, and pieces CRC-64/NVME.
fn codes(verdict: &Value) -> Vec<String> {
    let code = |text: String| text.split_once(": ").map(|(code, _)| code.to_owned());
    told(verdict, "findings").into_iter().filter_map(code).collect()
}

fn told(verdict: &Value, list: &str) -> Vec<String> {
    verdict[list].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_encrypted_archive_that_is_too_large_is_proven_in_pieces_as_far_as_by_one_reading() {
    for sealed in Sealed::both() {
        let file = sealed.encrypt(&archive());
        let mut simulation = sealed.with(ProofLevel::Consistent, sizes_for(&file), &file, &file);
        let whole = at_once(&mut simulation);
        let (verdict, end, pieces) = in_pieces(&mut simulation);
        assert_eq!(end, Ok(()), "{verdict:#}");
        assert!(pieces > 3, "{pieces} pieces");
        assert_eq!((&verdict["level"], &whole["level"]), (&json!("consistent"), &json!("consistent")));
        // All but how the bytes were compared.
        let but_intact = |verdict: &Value| -> Vec<String> {
            told(verdict, "evidence").into_iter().filter(|text| !text.starts_with("intact: ")).collect()
        };
        assert_eq!(but_intact(&verdict), but_intact(&whole));
        assert!(but_intact(&verdict).iter().any(|text| text.starts_with("S3's own checksum")), "{verdict:#}");
        let mut not_checked = told(&verdict, "not_checked");
        not_checked.retain(|text| !text.starts_with("SHA-256"));
        assert_eq!(not_checked, told(&whole, "not_checked"));
        assert_eq!((&verdict["findings"], &verdict["sufficient"]), (&json!([]), &json!(true)));
    }
}

#[test]
fn an_encrypted_archive_of_one_table_is_read_by_one_invocation_after_the_other() {
    for (sealed, compression) in Sealed::both().into_iter().zip([0, 6]) {
        let file = sealed.encrypt(&one_table(compression));
        let sizes = Sizes { whole: file.len() as u64 / 10, ..SIZES };
        let mut simulation = sealed.with(ProofLevel::Consistent, sizes, &file, &file);
        let (verdict, end, turns) = in_turns(&mut simulation);
        assert_eq!((end, &verdict["level"]), (Ok(()), &json!("consistent")), "{verdict:#}");
        assert!(turns > 3, "{turns}");
        assert!(told(&verdict, "evidence").iter().any(|text| text.starts_with("S3's own checksum")), "{verdict:#}");
    }
}

#[test]
fn a_flipped_byte_is_not_authentic_and_is_not_tried_again() {
    for sealed in Sealed::both() {
        let file = sealed.encrypt(&archive());
        for at in (file.len() / 12..file.len()).step_by(file.len() / 9).chain([file.len() - 1]) {
            let mut damaged = file.clone();
            damaged[at] ^= 0x10;
            let mut simulation = sealed.with(ProofLevel::Decodable, sizes_for(&file), &file, &damaged);
            let whole = at_once(&mut simulation);
            let mut asked_for = Vec::new();
            let verification = Verification::run(|payload| {
                asked_for.extend((payload["task"] == "piece").then(|| payload["piece"].clone()));
                asked(&mut simulation, payload)
            });
            assert_eq!(verification.end, insufficient(), "{at}");
            let verdict = &verification.answer()["backups"][0];
            assert_eq!(codes(verdict), codes(&whole), "{at}");
            assert_eq!(codes(verdict), ["stored_checksum_differs", "not_authentic", "checksum_mismatch"], "{at}");
            assert_eq!(verdict["level"], whole["level"], "{at}");
            let once: std::collections::BTreeSet<String> = asked_for.iter().map(Value::to_string).collect();
            assert_eq!(once.len(), asked_for.len(), "{at}: {asked_for:?}");
        }
    }
}

#[test]
fn an_encrypted_archive_that_was_cut_or_grew_is_never_sufficient_in_pieces() {
    for sealed in Sealed::both() {
        let archive = archive();
        let file = sealed.encrypt(&archive);
        let view = sealed.keys().view(&mut file.as_slice(), file.len() as u64).unwrap();
        // So that every chunk that is left is one that was written.
        let between_chunks = usize::try_from(view.begins_at(archive.len() as u64 / 2)).unwrap();
        for changed in [&file[..between_chunks], &file[..file.len() - 1], &[file.as_slice(), b"\n"].concat()] {
            let mut simulation = sealed.with(ProofLevel::Decodable, sizes_for(&file[..between_chunks]), &file, changed);
            let (verdict, end, _) = in_pieces(&mut simulation);
            assert_eq!(end, insufficient());
            assert!(told(&verdict, "findings").iter().any(|finding| finding.starts_with("not_authentic: ")), "{verdict:#}");
        }
    }
}

#[test]
fn where_its_key_does_not_open_it_it_is_summed_and_the_findings_are_those_of_one_reading() {
    for sealed in Sealed::both() {
        let file = sealed.encrypt(&archive());
        let mut simulation = sealed.with(ProofLevel::Decodable, sizes_for(&file), &file, &file);
        match &sealed {
            Sealed::Age(_) => encrypted_archives::keep(&simulation, "us-west-2", &text_of(&Identity::generate())),
            Sealed::Envelope => {
                let key = WrappingKey { allowed: false, ..enveloped_archives::key(&[]) };
                enveloped_archives::keep(&simulation, WEST, key);
            }
        }
        let whole = at_once(&mut simulation);
        let (verdict, end, pieces) = in_pieces(&mut simulation);
        assert_eq!(end, insufficient());
        assert!(pieces > 3, "{pieces}");
        assert_eq!((&verdict["findings"], &verdict["level"]), (&whole["findings"], &json!("intact")), "{verdict:#}");
        let why =
            "decodable: an encrypted archive that does not open, or one that is none of pg_dump's, is not decoded in pieces";
        assert!(told(&verdict, "not_checked").contains(&why.to_owned()), "{verdict:#}");
    }
}

#[test]
fn a_key_that_is_gone_for_a_moment_costs_a_piece_its_turn_and_not_its_verdict() {
    for (sealed, gone) in Sealed::both().into_iter().zip([1, 3]).chain(Sealed::both().into_iter().zip([3, 1])) {
        let file = sealed.encrypt(&archive());
        let mut simulation = sealed.with(ProofLevel::Decodable, sizes_for(&file), &file, &file);
        let mut tries = 0;
        let verification = Verification::run(|payload| {
            let this = payload["task"] == "piece" && payload["piece"] == 2;
            tries += usize::from(this);
            if this && tries <= gone {
                lose_keys(&simulation);
            }
            let answer = asked(&mut simulation, payload);
            sealed.keep(&simulation);
            answer
        });
        let verdict = &verification.answer()["backups"][0];
        if gone == 1 {
            assert_eq!((&verification.end, tries), (&Ok(()), 2), "{verdict:#}");
        } else {
            assert_eq!((&verification.end, tries), (&insufficient(), 3), "{verdict:#}");
            assert!(told(verdict, "findings")[0].starts_with("piece_missing: "), "{verdict:#}");
        }
    }
}

#[test]
fn pieces_are_not_put_together_with_a_key_that_was_not_there_when_the_archive_was_divided_or_is_not_any_more() {
    for sealed in Sealed::both() {
        let file = sealed.encrypt(&archive());
        for gone_at in ["divide", "combine"] {
            let mut simulation = sealed.with(ProofLevel::Decodable, sizes_for(&file), &file, &file);
            let verification = Verification::run(|payload| {
                if payload["task"] == gone_at {
                    lose_keys(&simulation);
                }
                let answer = asked(&mut simulation, payload);
                sealed.keep(&simulation);
                answer
            });
            assert_eq!(verification.end, insufficient(), "{gone_at}");
            let found = told(&verification.answer()["backups"][0], "findings");
            let told = found.iter().any(|finding| finding.starts_with("archive_opened_differently: "));
            assert!(told && !found.iter().any(|finding| finding.starts_with("piece_missing")), "{gone_at}: {found:?}");
        }
    }
}

#[test]
fn an_encrypted_archive_that_is_replaced_meanwhile_is_not_put_together_from_two() {
    let sealed = Sealed::Envelope;
    let file = sealed.encrypt(&archive());
    let mut simulation = sealed.with(ProofLevel::Decodable, sizes_for(&file), &file, &file);
    let mut pieces = 0;
    let verification = Verification::run(|payload| {
        pieces += usize::from(payload["task"] == "piece");
        if pieces == 2 {
            simulation.cloud.with(|state| {
                let bucket = state.buckets.get_mut(COPY).unwrap();
                bucket.insert(NEWEST.to_owned(), SimulatedObject::new(file.clone().into(), state.now));
            });
        }
        asked(&mut simulation, payload)
    });
    assert_eq!(verification.end, insufficient());
    let found = told(&verification.answer()["backups"][0], "findings");
    assert!(found[0].starts_with("object_changed: "), "{found:?}");
}
