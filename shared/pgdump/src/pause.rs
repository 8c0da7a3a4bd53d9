//! When reading is to stop, to be continued by somebody else.

/// What was not read to its end, and where it goes on.
pub(crate) struct Paused<T> {
    pub(crate) at: u64,
    pub(crate) open: T,
}

/// How much is read at once.
#[derive(Clone, Copy)]
pub struct Allowance<'a> {
    /// Bytes of the archive: where it is encrypted, of what it holds.
    pub bytes: u64,
    /// Whether the time is over.
    pub over: &'a dyn Fn() -> bool,
}

/// Asked at every place where reading could be continued.
#[derive(Clone, Copy)]
pub(crate) struct Pause<'a> {
    allowance: Option<Allowance<'a>>,
    from: u64,
    /// Behind this byte nobody stops in the middle of a stream.
    last: u64,
    /// Whether streams are decoded so that they can be continued in their middle. That may be slower.
    pub(crate) continues: bool,
}

impl<'a> Pause<'a> {
    /// Reads to the end.
    pub(crate) const NEVER: Self = Self { allowance: None, from: 0, last: 0, continues: false };

    /// Reads from this byte on as far as is allowed.
    pub(crate) fn after(allowance: Allowance<'a>, from: u64, last: u64, continues: bool) -> Self {
        Self { allowance: Some(allowance), from, last, continues }
    }

    /// Whether to stop in the middle of a stream, which is at this byte.
    pub(crate) fn inside(&self, position: u64) -> bool {
        position <= self.last && self.at(position)
    }

    /// Whether to stop at this byte: never before anything was read, so that every reading gets further.
    pub(crate) fn at(&self, position: u64) -> bool {
        let read = position.saturating_sub(self.from);
        self.allowance.is_some_and(|allowance| read > 0 && (read >= allowance.bytes || (allowance.over)()))
    }
}
