//! Payloads, as Lambda hands them over, through the readers of all five functions.
#![no_main]

use libfuzzer_sys::fuzz_target;
use fuzz::error::RecoveryError;
use fuzz::events::{read, request};
use fuzz::printable::misleads;

fn calm<T>(answer: Result<T, RecoveryError>) {
    if let Err(error) = answer {
        assert!(!error.message.chars().any(misleads), "{error:?}");
    }
}

fuzz_target!(|text: &str| match read(text) {
    Err(error) => calm::<()>(Err(error)),
    Ok(payload) => {
        calm(request::recovery(&payload));
        calm(request::update_database_endpoints(&payload));
        calm(request::read_only_toggle(&payload));
        calm(request::replication_check(&payload));
        calm(request::backup_verify(&payload));
    }
});
