//! What clients were told: the numbered rows whose commit a server acknowledged to them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

use crate::stage::lock;

/// One acknowledged commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    /// The row's number.
    pub number: i64,
    /// The instance that acknowledged it.
    pub instance: String,
    /// When the client asked for it, in simulated time.
    pub asked: Timestamp,
    /// When the client was told, in simulated time.
    pub told: Timestamp,
}

/// Every acknowledged commit of a rehearsal, kept by the clients and never shown to a server.
#[derive(Debug, Default)]
pub struct Ledger {
    last: AtomicI64,
    acknowledged: Mutex<Vec<Acknowledged>>,
}

impl Ledger {
    /// A number that no row has had.
    pub fn next(&self) -> i64 {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Notes that a client was told.
    pub fn note(&self, acknowledged: Acknowledged) {
        lock(&self.acknowledged).push(acknowledged);
    }

    /// Everything noted so far.
    #[must_use]
    pub fn acknowledged(&self) -> Vec<Acknowledged> {
        lock(&self.acknowledged).clone()
    }
}
