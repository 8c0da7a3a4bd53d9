//! Whether the large objects with data are those of the table of contents.

use crate::finding::{Code, Finding};
use crate::report::Report;

/// Compares the ids that have data with those that are listed (sorted).
pub(crate) fn compare(with_data: &mut [u32], listed: &[u32], report: &mut Report<'_>) {
    with_data.sort_unstable();
    for pair in with_data.windows(2).filter(|pair| pair[0] == pair[1]) {
        report.found(Finding::new(Code::LargeObjectDuplicate, format!("large object {} is in the data twice", pair[0])));
    }
    let missing = listed.iter().filter(|id| with_data.binary_search(id).is_err());
    for id in missing {
        report.found(Finding::new(Code::LargeObjectMissing, format!("large object {id} is listed and has no data")));
    }
    let unexpected = with_data.iter().filter(|id| listed.binary_search(id).is_err());
    for id in unexpected {
        report.found(Finding::new(Code::LargeObjectUnexpected, format!("large object {id} has data and is not listed")));
    }
}
