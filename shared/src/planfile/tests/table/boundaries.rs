//! Found by breaking the rules themselves: each of these guards a boundary that no other row stands on.

use super::{Row, error, warning};

pub(super) const ROWS: &[Row] = &[
    error("wrong_type", &[("platform: shop", "platform: NULL")], "platform", &[]),
    error("out_of_range", &[("backup_retention: 7d", "backup_retention: 0d")], "0d\n    max_lag", &[]),
    error("unknown_component_kind", &[("kind: rds_instance", "kind: mysql")], "mysql", &[]),
    warning(
        "over_rto",
        &[
            ("rto: 40m", "rto: 1619s"),
            ("{ validate: api } ]\n          - resume_writes: database", "{ validate: api }, { resume_writes: database } ]"),
        ],
        "otherwise",
        &[
            ("rto: 40m", "rto: 1620s"),
            ("{ validate: api } ]\n          - resume_writes: database", "{ validate: api }, { resume_writes: database } ]"),
        ],
    ),
];
