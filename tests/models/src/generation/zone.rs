//! The records of one platform, and what Route 53 does to them.

/// Where a record set points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Site {
    Primary,
    Recovery,
}

impl Site {
    /// Recoveries go to and fro.
    pub(super) fn of(generation: u8) -> Self {
        if generation % 2 == 1 { Self::Primary } else { Self::Recovery }
    }

    pub(super) fn other(self) -> Self {
        match self {
            Self::Primary => Self::Recovery,
            Self::Recovery => Self::Primary,
        }
    }
}

/// A record set. Route 53 knows its value, the site; the generation that wrote it is ours to remember.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct RecordSet {
    pub(super) site: Site,
    pub(super) generation: u8,
}

/// The value of the TXT record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Mark {
    pub(super) generation: u8,
    /// How many batches of that generation are applied; the clean-up counts as the last.
    pub(super) applied: usize,
}

/// The records.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Zone {
    /// The record sets that are served, one for each batch.
    pub(super) served: Vec<Option<RecordSet>>,
    /// Whether the record that a site's record sets point to exists.
    primary_target: bool,
    recovery_target: bool,
    pub(super) mark: Mark,
}

impl Zone {
    /// Generation 1 serves, whole and cleaned up; both sites' targets were made in advance.
    pub(super) fn before(batches: usize) -> Self {
        let first = RecordSet { site: Site::Primary, generation: 1 };
        Self {
            served: vec![Some(first); batches],
            primary_target: true,
            recovery_target: true,
            mark: Mark { generation: 1, applied: batches + 1 },
        }
    }

    pub(super) fn has_target(&self, site: Site) -> bool {
        match site {
            Site::Primary => self.primary_target,
            Site::Recovery => self.recovery_target,
        }
    }

    pub(super) fn set_target(&mut self, site: Site, exists: bool) {
        match site {
            Site::Primary => self.primary_target = exists,
            Site::Recovery => self.recovery_target = exists,
        }
    }

    /// Whether what this record set points to exists.
    pub(super) fn answers(&self, batch: usize) -> bool {
        self.served[batch].is_some_and(|record| self.has_target(record.site))
    }
}
