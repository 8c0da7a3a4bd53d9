//! The levels of plans and answers are those of the archive verifier, which knows neither.

use pgdump::Level;
use shared::domain::backup::ProofLevel;

/// As the verifier knows it.
#[must_use]
pub fn verifier_level(level: ProofLevel) -> Level {
    match level {
        ProofLevel::Present => Level::Present,
        ProofLevel::Listed => Level::Listed,
        ProofLevel::Intact => Level::Intact,
        ProofLevel::Decodable => Level::Decodable,
        ProofLevel::Consistent => Level::Consistent,
        ProofLevel::Restorable => Level::Restorable,
    }
}

/// As plans and answers have it.
#[must_use]
pub fn proof_level(level: Level) -> ProofLevel {
    match level {
        Level::Present => ProofLevel::Present,
        Level::Listed => ProofLevel::Listed,
        Level::Intact => ProofLevel::Intact,
        Level::Decodable => ProofLevel::Decodable,
        Level::Consistent => ProofLevel::Consistent,
        Level::Restorable => ProofLevel::Restorable,
    }
}
