//! A list that cannot be empty: an empty selection read as "everything" has erased whole fleets, so here it does not compile.

use serde::{Deserialize, Serialize};

/// At least one `T`, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    try_from = "Vec<T>",
    into = "Vec<T>",
    bound(serialize = "T: Serialize + Clone", deserialize = "T: Deserialize<'de>")
)]
pub struct NonEmpty<T>(Vec<T>);

/// The list had no element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the list selects nothing")]
pub struct Empty;

impl<T> NonEmpty<T> {
    /// Accepts a list with at least one element.
    ///
    /// # Errors
    /// [`Empty`] for an empty list.
    pub fn new(items: Vec<T>) -> Result<Self, Empty> {
        if items.is_empty() { Err(Empty) } else { Ok(Self(items)) }
    }

    /// The elements in order.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }

    /// The elements as a slice.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }
}

impl<'a, T> IntoIterator for &'a NonEmpty<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T> TryFrom<Vec<T>> for NonEmpty<T> {
    type Error = Empty;
    fn try_from(items: Vec<T>) -> Result<Self, Self::Error> {
        Self::new(items)
    }
}

impl<T> From<NonEmpty<T>> for Vec<T> {
    fn from(list: NonEmpty<T>) -> Self {
        list.0
    }
}
