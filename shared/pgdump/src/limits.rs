//! Bounds on what an archive may make the verifier do. Reaching one is "could not be checked", never "damaged".

/// Bounds on memory and work. The defaults keep memory below 128 MB whatever the archive is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Entries in the table of contents. A database with a million objects is rare; before PostgreSQL 17 each large object is one.
    pub entries: u32,
    /// Bytes of the table of contents. They are read through, not kept.
    pub contents_bytes: u64,
    /// Bytes of one string that is kept: a name, a COPY statement.
    pub string_bytes: u32,
    /// Bytes of names kept in all, and so of the verdict.
    pub kept_bytes: u64,
    /// The largest window a zstd frame may ask for, as a power of two. `pg_dump -Z zstd:long` asks for 27.
    pub zstd_window_log: u32,
    /// Uncompressed bytes for each byte of the archive, once an entry has more than [`Limits::EXPANSION_FLOOR`].
    pub expansion: u64,
    /// Large objects whose ids are remembered, to find one that is there twice.
    pub large_objects: usize,
    /// Findings that are kept. More are only counted.
    pub findings: usize,
}

impl Limits {
    /// Uncompressed bytes of one data stream below which the expansion is not looked at.
    pub const EXPANSION_FLOOR: u64 = 1 << 30;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 1_000_000,
            contents_bytes: 1 << 30,
            string_bytes: 1 << 20,
            kept_bytes: 24 << 20,
            zstd_window_log: 26,
            expansion: 4096,
            large_objects: 4_000_000,
            findings: 100,
        }
    }
}
