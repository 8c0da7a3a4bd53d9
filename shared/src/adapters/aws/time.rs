//! Between the SDK's times and ours.

use aws_smithy_types::DateTime;
use jiff::Timestamp;

pub(super) fn timestamp(time: &DateTime) -> Option<Timestamp> {
    Timestamp::from_nanosecond(time.as_nanos()).ok()
}

pub(super) fn date_time(time: Timestamp) -> DateTime {
    DateTime::from_millis(time.as_millisecond())
}
