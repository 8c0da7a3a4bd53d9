//! What a plan does.

use super::{FAILED, NO_FAILOVER, Row, UNPROVEN, error, warning};

const OTHERWISE: &str = "      - when: otherwise\n";

pub(super) const ROWS: &[Row] = &[
    error("step_not_applicable", &[("- fence: database", "- fence: database\n          - fence: api")], "fence: api", &[]),
    error(
        "step_selects_nothing",
        &[(
            "    endpoints:\n      - { ssm_parameter: /shop/host, region: us-west-2, consumers: [api] }\n      - { secret: shop/database, field: host, region: us-west-2 }\n      - { lambda_environment: shop-reports, variable: HOST, region: us-west-2 }\n",
            "",
        )],
        "repoint",
        &[],
    ),
    error("promote_without_gate", &[("          - gate: { loss_bound: database }\n", "")], "promote", &[]),
    error(
        "promote_without_gate",
        &[(
            "          - gate: { loss_bound: database }\n          - promote: database\n",
            "          - together: [ { gate: { loss_bound: database } }, { promote: database } ]\n",
        )],
        "promote",
        &[],
    ),
    error("promote_without_fence", &[("          - fence: database\n", "")], "promote", &[]),
    warning(
        "promote_without_hold",
        &[("          - hold_writes: database\n", ""), ("          - resume_writes: database\n", "")],
        "promote",
        &[(
            "          - hold_writes: database\n          - fence: database\n",
            "          - together: [ { hold_writes: database }, { fence: database } ]\n",
        )],
    ),
    warning(
        "gate_before_fence",
        &[(
            "          - fence: database\n          - gate: { loss_bound: database }\n",
            "          - gate: { loss_bound: database }\n          - fence: database\n",
        )],
        "gate: { loss_bound: database }\n          - fence",
        &[],
    ),
    error("fence_without_isolation_group", &[(", isolation_security_group: sg-0f00d", "")], "fence", &[]),
    error(
        "repoint_before_promote",
        &[(
            "          - promote: database\n          - repoint: database\n",
            "          - repoint: database\n          - promote: database\n",
        )],
        "repoint",
        &[],
    ),
    error(
        "repoint_before_promote",
        &[(
            "          - promote: database\n          - repoint: database\n",
            "          - together: [ { promote: database }, { repoint: database } ]\n",
        )],
        "repoint",
        &[],
    ),
    warning("not_validated", &[("{ validate: database }, { validate: api } ]", "{ validate: api } ]")], "promote", &[]),
    warning("not_validated", &[(", { validate: database } ]\n      - when", " ]\n      - when")], "force_failover", &[]),
    error(
        "resume_without_hold",
        &[(
            "[ { force_failover: database }, { validate: database } ]",
            "[ { force_failover: database }, { validate: database }, { resume_writes: database } ]",
        )],
        "resume_writes: database } ]",
        &[],
    ),
    warning("hold_never_resumed", &[("          - resume_writes: database\n", "")], "hold_writes", &[]),
    error(
        "unreachable_branch",
        &[
            (
                "      - when: multi_az_available\n        steps: [ { force_failover: database }, { validate: database } ]\n",
                "",
            ),
            (
                "      - resume_writes: database\n",
                "      - resume_writes: database\n      - when: multi_az_available\n        steps: [ { validate: database } ]\n",
            ),
        ],
        "multi_az_available",
        &[],
    ),
    error(
        "unreachable_branch",
        &[(
            OTHERWISE,
            "      - when: multi_az_available\n        steps: [ { validate: database } ]\n      - when: otherwise\n",
        )],
        "multi_az_available\n        steps: [ { validate: database } ]",
        &[],
    ),
    warning(
        "unreachable_branch",
        &[FAILED, UNPROVEN, ("[ { force_failover: database }, { validate: database } ]", "[ { validate: database } ]")],
        "multi_az_available",
        &[FAILED, UNPROVEN, NO_FAILOVER],
    ),
    error(
        "no_otherwise_branch",
        &[
            ("- when: otherwise", "- when: multi_az_available"),
            (
                "- when: multi_az_available\n        steps: [ { force_failover: database }, { validate: database } ]\n      ",
                "",
            ),
        ],
        "multi_az_available",
        &[],
    ),
    error(
        "one_database",
        &[
            ("[ { force_failover: database }, { validate: database } ]", "[ { validate: api } ]"),
            (
                "          - hold_writes: database\n          - fence: database\n          - gate: { loss_bound: database }\n          - promote: database\n          - repoint: database\n          - together: [ { validate: database }, { validate: api } ]\n          - resume_writes: database\n",
                "          - validate: api\n",
            ),
        ],
        "database_failure:\n",
        &[(
            "      - when: multi_az_available\n        steps: [ { force_failover: database }, { validate: database } ]\n",
            "",
        )],
    ),
    error(
        "needs_failed_region",
        &[
            FAILED,
            UNPROVEN,
            (
                "      - when: multi_az_available\n        steps: [ { force_failover: database }, { validate: database } ]\n",
                "",
            ),
            ("- hold_writes: database", "- force_failover: database\n          - hold_writes: database"),
        ],
        "force_failover",
        &[FAILED, UNPROVEN, NO_FAILOVER],
    ),
    error(
        "trigger_in_failed_region",
        &[FAILED, UNPROVEN, NO_FAILOVER, ("scenario: database_failure }", "scenario: database_failure, site: primary }")],
        "primary }\nscenarios",
        &[("scenario: database_failure }", "scenario: database_failure, site: primary }")],
    ),
    warning(
        "data_loss_above_rpo",
        &[("data_loss_up_to: 10m", "data_loss_up_to: 16m")],
        "16m",
        &[("data_loss_up_to: 10m", "data_loss_up_to: 15m")],
    ),
    warning("over_rto", &[("rto: 40m", "rto: 29m")], "otherwise", &[("rto: 40m", "rto: 30m")]),
    warning(
        "over_rto",
        &[("severity: sev1", "severity: sev1\n    budgets: { force_failover: 37m }")],
        "multi_az_available",
        &[("severity: sev1", "severity: sev1\n    budgets: { force_failover: 36m }")],
    ),
    error(
        "history_too_long",
        &[("severity: sev1", "severity: sev1\n    budgets: { promote: 45m }"), ("rto: 40m", "rto: 1d")],
        "otherwise",
        &[("severity: sev1", "severity: sev1\n    budgets: { promote: 30m }"), ("rto: 40m", "rto: 1d")],
    ),
    error(
        "incident_too_long",
        &[("severity: sev1", "severity: sev1\n    approval_timeout: 171m")],
        "database_failure:\n",
        &[("severity: sev1", "severity: sev1\n    approval_timeout: 170m")],
    ),
];
