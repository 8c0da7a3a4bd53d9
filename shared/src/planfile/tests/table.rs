//! One way to break every rule, where the finding must point, and a neighbour that keeps the rule.

use std::collections::BTreeSet;

use super::*;

pub(crate) struct Row {
    code: &'static str,
    severity: Severity,
    /// What to replace in the sound plan to break the rule, and nothing but the rule.
    pub(crate) spoil: &'static [(&'static str, &'static str)],
    /// The text of the spoilt plan at whose beginning the finding points.
    at: &'static str,
    /// What to replace instead to come close and still keep it.
    pub(crate) near: &'static [(&'static str, &'static str)],
}

const fn error(
    code: &'static str,
    spoil: &'static [(&'static str, &'static str)],
    at: &'static str,
    near: &'static [(&'static str, &'static str)],
) -> Row {
    Row { code, severity: Severity::Error, spoil, at, near }
}

const fn warning(
    code: &'static str,
    spoil: &'static [(&'static str, &'static str)],
    at: &'static str,
    near: &'static [(&'static str, &'static str)],
) -> Row {
    Row { code, severity: Severity::Warning, spoil, at, near }
}

const OTHERWISE: &str = "      - when: otherwise\n";
const FAILED: (&str, &str) = ("failed_region: false", "failed_region: true");
const NO_FAILOVER: (&str, &str) =
    ("      - when: multi_az_available\n        steps: [ { force_failover: database }, { validate: database } ]\n", "");
const UNPROVEN: (&str, &str) = ("data_loss_up_to: 10m,", "data_loss_up_to: 10m, unproven_fence: true,");

const LAKE_OBJECTIVE: &str = "lake: { rto: 60m, rpo: 30m }\ncomponents";
const SWITCH: (&str, &str) = (
    "    switch: { s3_object: { bucket: shop-switch, key: in-us-west-2, health_check: 0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9 } }\n",
    "",
);

pub(crate) const ROWS: &[Row] = &[
    // How it is written.
    error("unsupported_yaml", &[("[api] }", "*clients }")], "*clients", &[("[api] }", "[\"api\"] }")]),
    error(
        "unsupported_yaml",
        &[("platform: shop", "platform: &name shop")],
        "&name",
        &[("platform: shop", "platform: 'shop'")],
    ),
    error("unsupported_yaml", &[("platform: shop", "platform: !!str shop")], "shop", &[]),
    error("unsupported_yaml", &[("sites:\n", "sites:\n  <<: {}\n")], "<<", &[]),
    error("unsupported_yaml", &[("sites:\n", "sites:\n  ? [a]\n  : b\n")], "[a]", &[]),
    error(
        "unsupported_yaml",
        &[("      - resume_writes: database\n", "      - resume_writes: database\n---\nversion: 1\n")],
        "---",
        &[("version: 1", "---\nversion: 1")],
    ),
    error("wrong_type", &[("version: 1", "version: \"1\"")], "\"1\"", &[]),
    error("wrong_type", &[("\"123456789012\"", "123456789012")], "123456789012", &[("\"123456789012\"", "'012345678901'")]),
    error(
        "wrong_type",
        &[("failed_region: false", "failed_region: no")],
        "no\n",
        &[("failed_region: false", "failed_region: false # no")],
    ),
    error("wrong_type", &[("rto: 40m", "rto: 40")], "40, rpo", &[("rto: 40m", "rto: \"40m\"")]),
    error("wrong_type", &[("rto: 40m", "rto: 40 minutes")], "40 minutes", &[("rto: 40m", "rto: 2400s")]),
    error(
        "wrong_type",
        &[("until: 2027-06-30", "until: 2027-06-31")],
        "2027-06-31",
        &[("until: 2027-06-30", "until: \"2027-06-30\"")],
    ),
    error("wrong_type", &[("consumers: [api]", "consumers: api")], "api }", &[("consumers: [api]", "consumers: [ api ]")]),
    error("wrong_type", &[("{ region: us-west-2 }\nobj", "us-west-2\nobj")], "us-west-2", &[]),
    error("wrong_type", &[("max_lag: 30s", "max_lag:")], "max_lag", &[("max_lag: 30s", "max_lag: 1s")]),
    error("wrong_type", &[("- repoint: database", "- repoint")], "repoint", &[]),
    error(
        "wrong_type",
        &[("- fence: database\n", "- fence: database\n            gate: { loss_bound: database }\n")],
        "gate: { loss_bound: database }\n          - gate",
        &[],
    ),
    error(
        "wrong_type",
        &[("{ secret: shop/database,", "{ ssm_parameter: /a, secret: shop/database,")],
        "{ ssm_parameter: /a",
        &[],
    ),
    error(
        "out_of_range",
        &[("backup_retention: 7d", "backup_retention: 36d")],
        "36d",
        &[("backup_retention: 7d", "backup_retention: 35d")],
    ),
    error(
        "out_of_range",
        &[("backup_retention: 7d", "backup_retention: 36h")],
        "36h",
        &[("backup_retention: 7d", "backup_retention: 24h")],
    ),
    error("out_of_range", &[("max_lag: 30s", "max_lag: 0s")], "0s", &[("data_loss_up_to: 10m", "data_loss_up_to: 0s")]),
    error("out_of_range", &[("max_lag: 30s", "max_lag: 999999999d")], "999999999d", &[]),
    error(
        "out_of_range",
        &[("by: head-of-shop", "by: \"\"")],
        "\"\"",
        &[("by: head-of-shop", "by: \"Head of Shop, Ümit\"")],
    ),
    error("out_of_range", &[("version: 1", "version: 0")], "0", &[]),
    error("out_of_range", &[("port: 5433", "port: 65536")], "65536", &[("port: 5433", "port: 65535")]),
    error("out_of_range", &[("port: 5433", "port: 0")], "0 }\n    secret", &[("port: 5433", "port: 1")]),
    error(
        "duplicate",
        &[("host: pg-1.shop.internal, port: 5433", "host: pg-0.shop.internal")],
        "pg-0.shop.internal }\n    secret",
        &[("host: pg-1.shop.internal, port: 5433", "host: pg-0.shop.internal, port: 5433")],
    ),
    warning(
        "database_without_tls",
        &[("secret: shop/check\n", "secret: shop/check\n    tls: none\n")],
        "none\n",
        &[("secret: shop/check\n", "secret: shop/check\n    tls: verified\n    database: orders\n")],
    ),
    error(
        "bad_identifier",
        &[("platform: shop", "platform: my_shop")],
        "my_shop",
        &[("platform: shop", "platform: my-shop")],
    ),
    error("bad_identifier", &[("id: shop-prod", "id: shop--prod")], "shop--prod", &[("id: shop-prod", "id: shop-prod-1")]),
    error("bad_identifier", &[("ssm_parameter: /shop/host", "ssm_parameter: shop/host")], "shop/host", &[]),
    error(
        "bad_identifier",
        &[("[POST /orders]", "[post /orders]")],
        "post /orders",
        &[("[POST /orders]", "[POST /orders, PUT /orders]")],
    ),
    error("bad_identifier", &[("  archives:\n", "  A b:\n")], "A b", &[]),
    error("duplicate", &[("platform: shop", "platform: shop\nplatform: shop")], "platform: shop\naccount", &[]),
    error("duplicate", &[("consumers: [api]", "consumers: [api, api]")], "api] }", &[]),
    error("duplicate", &[("[POST /orders]", "[POST /orders, POST /orders]")], "POST /orders]", &[]),
    error(
        "duplicate",
        &[("variable: READ_ONLY, region: us-east-1", "variable: HOST, region: us-west-2")],
        "{ lambda_environment: shop-reports, variable: HOST, region: us-west-2 }\n  api",
        &[],
    ),
    error(
        "duplicate",
        &[(
            "  api:\n    kind",
            "  web:\n    kind: ecs_service\n    primary: { cluster: shop, service: web }\n    recovery: { cluster: shop, service: api }\n  api:\n    kind",
        )],
        "api }\n  api",
        &[(
            "  api:\n    kind",
            "  web:\n    kind: ecs_service\n    primary: { cluster: shop, service: web }\n    recovery: { cluster: shop, service: web }\n  api:\n    kind",
        )],
    ),
    error(
        "duplicate",
        &[("scenarios:\n", "  - { alarm: shop-unreachable, scenario: database_failure }\nscenarios:\n")],
        "{ alarm: shop-unreachable, scenario: database_failure }\nscenarios",
        &[("scenarios:\n", "  - { alarm: shop-unreachable, scenario: database_failure, site: primary }\nscenarios:\n")],
    ),
    error(
        "duplicate",
        &[("{ validate: api } ]", "{ validate: database } ]")],
        "validate: database } ]\n          - resume",
        &[("- resume_writes: database", "- resume_writes: database\n          - validate: database")],
    ),
    error(
        "duplicate",
        &[("- repoint: database", "- fence: database\n          - repoint: database")],
        "fence: database\n          - repoint",
        &[],
    ),
    error(
        "empty_list",
        &[("consumers: [api]", "consumers: []")],
        "consumers",
        &[(", consumers: [api]", ""), (", { validate: api }", "")],
    ),
    error("empty_list", &[("[POST /orders]", "[]")], "methods", &[]),
    error("empty_list", &[("together: [ { validate: database }, { validate: api } ]", "together: []")], "together", &[]),
    error(
        "empty_list",
        &[("triggers:\n  - { alarm: shop-unreachable, scenario: database_failure }\n", "triggers: []\n")],
        "triggers",
        &[("triggers:\n  - { alarm: shop-unreachable, scenario: database_failure }\n", "")],
    ),
    error("missing_field", &[("platform: shop\n", "")], "version", &[]),
    error("missing_field", &[("account: \"123456789012\"\n", "")], "version", &[]),
    error("missing_field", &[("    kind: ecs_service\n", "")], "api:\n    primary", &[]),
    error("missing_field", &[("recovery: { id: shop-dr }", "recovery: {}")], "recovery: {}", &[]),
    error("missing_field", &[("by: head-of-shop, ", "")], "preauthorised", &[]),
    error("missing_field", &[("ssm_parameter: /shop/host, ", "")], "{ region: us-west-2, consumers", &[]),
    error("missing_field", &[("    failed_region: false\n", "")], "database_failure:", &[]),
    error(
        "left_to_fill_in",
        &[("isolation_security_group: sg-0f00d", "isolation_security_group: TO_FILL_IN")],
        "TO_FILL_IN",
        &[("by: head-of-shop", "by: \"TO_FILL_IN\"")],
    ),
    error("left_to_fill_in", &[("until: 2027-06-30", "until: TO_FILL_IN")], "TO_FILL_IN", &[]),
    error("left_to_fill_in", &[("max_lag: 30s", "max_lag: TO_FILL_IN")], "TO_FILL_IN", &[]),
    error("left_to_fill_in", &[("failed_region: false", "failed_region: TO_FILL_IN")], "TO_FILL_IN", &[]),
    error("left_to_fill_in", &[("[POST /orders]", "TO_FILL_IN")], "TO_FILL_IN", &[]),
    error("unknown_field", &[("max_lag: 30s", "max_lag: 30s\n    max_lagg: 30s")], "max_lagg", &[]),
    error(
        "unknown_field",
        &[("ssm_parameter: /shop/host,", "ssm_parameter: /shop/host, field: host,")],
        "field: host, region: us-west-2, consumers",
        &[],
    ),
    error("unknown_field", &[("{ loss_bound: database }", "{ loss_bound: database, most: 5m }")], "most", &[]),
    error("unknown_value", &[("severity: sev1", "severity: sev4")], "sev4", &[("severity: sev1", "severity: \"sev3\"")]),
    error("unknown_value", &[("reads: served", "reads: serve")], "serve }", &[]),
    error(
        "unknown_value",
        &[("reads: served", "reads: served, protocol: soap")],
        "soap",
        &[("reads: served", "reads: served, protocol: http")],
    ),
    error(
        "unknown_value",
        &[("severity: sev1", "severity: sev1\n    approval: never")],
        "never",
        &[("severity: sev1", "severity: sev1\n    approval: when_needed")],
    ),
    error(
        "unknown_value",
        &[("scenario: database_failure }", "scenario: database_failure, site: third }")],
        "third",
        &[("scenario: database_failure }", "scenario: database_failure, site: recovery }")],
    ),
    error("unknown_component_kind", &[("kind: ecs_service", "kind: ecs_servce")], "ecs_servce", &[]),
    error("unknown_step_kind", &[("- promote: database", "- promot: database")], "promot:", &[]),
    error("unknown_step_kind", &[("- promote: database", "- drop_table: database")], "drop_table", &[]),
    error(
        "unknown_step_kind",
        &[("severity: sev1", "severity: sev1\n    budgets: { promotion: 5m }")],
        "promotion",
        &[("severity: sev1", "severity: sev1\n    budgets: { promote: 5m }")],
    ),
    error(
        "unknown_step_kind",
        &[("{ validate: api } ]", "{ together: [ { validate: api } ] } ]")],
        "together: [ { validate: api",
        &[],
    ),
    error("unknown_condition", &[("when: otherwise", "when: otherwize")], "otherwize", &[]),
    error("unknown_component", &[("- repoint: database", "- repoint: databas")], "databas\n", &[]),
    error("unknown_component", &[("  api: { rto: 15m }", "  api: { rto: 15m }\n  web: { rto: 15m }")], "web", &[]),
    error("unknown_component", &[("consumers: [api]", "consumers: [web]")], "web", &[]),
    error("unknown_scenario", &[("scenario: database_failure", "scenario: failure")], "failure }", &[]),
    // What it says.
    error(
        "sites_equal",
        &[
            ("recovery: { region: us-west-2 }", "recovery: { region: us-east-1 }"),
            (" region: us-west-2, consumers", " region: us-east-1, consumers"),
            ("field: host, region: us-west-2", "field: host, region: us-east-1"),
            ("variable: HOST, region: us-west-2", "variable: HOST, region: us-east-1"),
        ],
        "us-east-1 }\nobjectives",
        &[],
    ),
    error(
        "region_not_a_site",
        &[("variable: HOST, region: us-west-2", "variable: HOST, region: us-west-1")],
        "us-west-1",
        &[],
    ),
    error(
        "region_not_a_site",
        &[("reads: served }, region: us-east-1", "reads: served }, region: eu-west-1")],
        "eu-west-1",
        &[("reads: served }, region: us-east-1", "reads: served }, region: us-west-2")],
    ),
    warning(
        "endpoint_outside_recovery_site",
        &[("variable: HOST, region: us-west-2", "variable: HOST, region: us-east-1")],
        "us-east-1 }\n    holds",
        &[],
    ),
    error("consumer_not_a_service", &[("consumers: [api]", "consumers: [database]")], "database] }", &[]),
    error(
        "hold_stops_reads",
        &[("[POST /orders]", "[POST /orders, GET /orders]")],
        "GET /orders",
        &[("[POST /orders], reads: served", "[POST /orders, GET /orders], reads: stopped")],
    ),
    error(
        "missing_objective",
        &[("  api: { rto: 15m }\n", "")],
        "api } ]",
        &[("  api: { rto: 15m }\n", ""), (", { validate: api }", "")],
    ),
    error(
        "missing_rpo",
        &[("rto: 40m, rpo: 15m", "rto: 40m")],
        "database: { rto",
        &[("rto: 40m, rpo: 15m", "rto: 40m, rpo: 10m")],
    ),
    // What it does.
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
    // Components that a plan only describes, and people.
    error(
        "component_without_steps",
        &[
            ("- fence: database", "- fence: database\n          - validate: balancer"),
            (LAKE_OBJECTIVE, "lake: { rto: 60m, rpo: 30m }\n  balancer: { rto: 1h }\ncomponents"),
        ],
        "balancer\n          - gate",
        &[],
    ),
    error("wrong_component_kind", &[("serves: [api]", "serves: [site]")], "site]\n  names", &[]),
    error(
        "wrong_component_kind",
        &[("to: balancer", "to: api")],
        "api }\n      - { name: shop",
        &[("to: balancer", "to: site")],
    ),
    error("wrong_component_kind", &[("of: database", "of: lake")], "lake\n    primary", &[]),
    error("unknown_component", &[("serves: [api]", "serves: [apy]")], "apy", &[]),
    warning(
        "missing_consumer",
        &[(", consumers: [api]", "")],
        "validate: api }",
        &[
            (", consumers: [api]", ""),
            ("field: host, region: us-west-2", "field: host, region: us-west-2, consumers: [api]"),
        ],
    ),
    warning(
        "reads_not_stopped",
        &[("reads: served }", "reads: stopped, protocol: http }")],
        "stopped",
        &[("reads: served }", "reads: stopped, protocol: rest }")],
    ),
    error(
        "record_routing_conflict",
        &[(
            "{ name: shop.example.com, type: A, routing: simple, to: site }",
            "{ name: api.shop.example.com, type: A, routing: weighted, to: balancer }",
        )],
        "{ name: api.shop.example.com, type: A, routing: weighted",
        &[(
            "{ name: shop.example.com, type: A, routing: simple, to: site }",
            "{ name: api.shop.example.com, type: AAAA, routing: weighted, to: balancer }",
        )],
    ),
    error(
        "duplicate",
        &[(
            "{ name: shop.example.com, type: A, routing: simple, to: site }",
            "{ name: api.shop.example.com, type: A, routing: failover, to: site }",
        )],
        "{ name: api.shop.example.com, type: A, routing: failover, to: site }",
        &[],
    ),
    warning(
        "control_plane_in_primary_site",
        &[SWITCH],
        "names:\n",
        &[
            SWITCH,
            ("primary: { region: us-east-1 }", "primary: { region: eu-west-1 }"),
            ("served }, region: us-east-1", "served }, region: eu-west-1"),
            ("READ_ONLY, region: us-east-1", "READ_ONLY, region: eu-west-1"),
        ],
    ),
    warning(
        "control_plane_in_primary_site",
        &[("    origin_group: site\n", "")],
        "site:\n    kind",
        &[("    health: https://shop.example.com/\n", "")],
    ),
    warning(
        "copy_rarer_than_rpo",
        &[("every: 30m }", "every: 31m }")],
        "31m",
        &[("backup_vault: shop-dr, every: 30m", "replication_rule: all")],
    ),
    warning(
        "copy_only_in_primary_site",
        &[("    recovery: { bucket: shop-archives-dr }\n", "")],
        "archives:\n    kind",
        &[("shop-archives-dr }", "shop-archives-dr, prefix: pg/ }")],
    ),
    warning(
        "copy_only_in_primary_site",
        &[("table: shop-carts", "table: shop-carts\n    backups: { vaults: { primary: shop, every: 1d } }")],
        "vaults: { primary",
        &[(
            "table: shop-carts",
            "table: shop-carts\n    backups: { copy_within: 1h, vaults: { primary: shop, every: 1d } }",
        )],
    ),
    warning(
        "restore_test_without_vault",
        &[(
            "max_lag: 30s",
            "max_lag: 30s\n    backups: { restore_test: { database: shop, secret: shop/test, queries: [ { name: up, sql: SELECT true } ] } }",
        )],
        "restore_test: { database",
        &[(
            "max_lag: 30s",
            "max_lag: 30s\n    backups: { vaults: { primary: shop, recovery: shop-dr, every: 1d }, restore_test: { database: shop, secret: shop/test, queries: [ { name: up, sql: SELECT true } ] } }",
        )],
    ),
    error(
        "unknown_field",
        &[(
            "table: shop-carts",
            "table: shop-carts\n    backups: { restore_test: { database: shop, secret: shop/test, queries: [ { name: up, sql: SELECT true } ] } }",
        )],
        "restore_test: { database",
        &[],
    ),
    error(
        "duplicate",
        &[(
            "max_lag: 30s",
            "max_lag: 30s\n    backups: { copy_within: 1h, vaults: { primary: shop, recovery: shop-dr, every: 1d }, restore_test: { database: shop, secret: shop/test, queries: [ { name: up, sql: SELECT true }, { name: up, sql: SELECT false } ] } }",
        )],
        "{ name: up, sql: SELECT false",
        &[(
            "max_lag: 30s",
            "max_lag: 30s\n    backups: { copy_within: 1h, vaults: { primary: shop, recovery: shop-dr, every: 1d }, restore_test: { database: shop, secret: shop/test, queries: [ { name: up, sql: SELECT true }, { name: on, sql: SELECT true } ] } }",
        )],
    ),
    error(
        "duplicate",
        &[(
            "max_lag: 30s",
            "max_lag: 30s\n    backups: { vaults: { primary: shop, recovery: shop-dr, every: 1d }, restore_test: { database: shop, secret: shop/test, queries: [ { name: rows, sql: SELECT 1, at_least: 1, equals: 1 } ] } }",
        )],
        "{ name: rows",
        &[(
            "max_lag: 30s",
            "max_lag: 30s\n    backups: { vaults: { primary: shop, recovery: shop-dr, every: 1d }, restore_test: { database: shop, secret: shop/test, queries: [ { name: rows, sql: SELECT 1, equals: 0 }, { name: some, sql: SELECT 1, at_least: 1 }, { name: few, sql: SELECT 1, at_most: 9 } ] } }",
        )],
    ),
    error(
        "bad_identifier",
        &[(
            "max_lag: 30s",
            "max_lag: 30s\n    backups: { vaults: { primary: shop, recovery: shop-dr, every: 1d }, restore_test: { database: shop, secret: shop/test, queries: [ { name: rows, sql: '-- nothing' } ] } }",
        )],
        "'-- nothing'",
        &[],
    ),
    error(
        "key_of_another_region",
        &[(
            "weekly: 4 }",
            "weekly: 4 }\n    encryption: { kms_keys: { primary: arn:aws:kms:us-west-2:123456789012:key/mrk-1, recovery: arn:aws:kms:us-west-2:123456789012:key/mrk-1 } }",
        )],
        "arn:aws:kms:us-west-2:123456789012:key/mrk-1, recovery",
        &[(
            "weekly: 4 }",
            "weekly: 4 }\n    encryption: { kms_keys: { primary: arn:aws:kms:us-east-1:123456789012:key/mrk-1, recovery: arn:aws:kms:us-west-2:123456789012:key/mrk-1 } }",
        )],
    ),
    error(
        "key_of_another_region",
        &[(
            "weekly: 4 }",
            "weekly: 4 }\n    encryption: { kms_envelope: { kms_key: arn:aws:kms:us-east-1:123456789012:key/mrk-1 } }",
        )],
        "arn:aws:kms:us-east-1:123456789012:key/mrk-1",
        &[(
            "weekly: 4 }",
            "weekly: 4 }\n    encryption: { kms_envelope: { kms_key: arn:aws:kms:us-west-2:123456789012:key/mrk-1 } }",
        )],
    ),
    error(
        "encrypted_twice",
        &[(
            "weekly: 4 }",
            "weekly: 4 }\n    encryption: { age_identity: shop/identity, kms_envelope: { kms_key: arn:aws:kms:us-west-2:123456789012:key/mrk-1 } }",
        )],
        "kms_envelope",
        &[],
    ),
    error(
        "missing_field",
        &[("weekly: 4 }", "weekly: 4 }\n    encryption: { kms_envelope: { context: { component: shop } } }")],
        "kms_envelope",
        &[],
    ),
    error(
        "bad_identifier",
        &[(
            "weekly: 4 }",
            "weekly: 4 }\n    encryption: { kms_envelope: { kms_key: arn:aws:kms:us-west-2:123456789012:key/mrk-1, context: { aws-crypto-public-key: a } } }",
        )],
        "aws-crypto-public-key",
        &[(
            "weekly: 4 }",
            "weekly: 4 }\n    encryption: { kms_envelope: { kms_key: arn:aws:kms:us-west-2:123456789012:key/mrk-1, context: { component: shop } } }",
        )],
    ),
    error(
        "empty_list",
        &[(
            "weekly: 4 }",
            "weekly: 4 }\n    encryption: { kms_envelope: { kms_key: arn:aws:kms:us-west-2:123456789012:key/mrk-1, context: {} } }",
        )],
        "context",
        &[],
    ),
    error(
        "out_of_range",
        &[(
            "weekly: 4 }",
            "weekly: 4 }\n    encryption: { kms_envelope: { kms_key: arn:aws:kms:us-west-2:123456789012:key/mrk-1, context: { component: ' ' } } }",
        )],
        "' '",
        &[],
    ),
    error(
        "empty_list",
        &[("table: shop-carts", "table: shop-carts\n    backups: {}")],
        "backups: {}",
        &[("table: shop-carts", "table: shop-carts\n    backups: { encrypted: false }")],
    ),
    error(
        "missing_field",
        &[("max_lag: 30s", "max_lag: 30s\n    backups: { vaults: { primary: shop, recovery: shop-dr } }")],
        "vaults: { primary",
        &[("max_lag: 30s", "max_lag: 30s\n    backups: { vaults: { primary: shop, recovery: shop-dr, every: 1d } }")],
    ),
    error(
        "out_of_range",
        &[("ledger-west }", "ledger-west }\n    backups: { copy_within: 59s }")],
        "59s",
        &[("ledger-west }", "ledger-west }\n    backups: { copy_within: 60s }")],
    ),
    error(
        "empty_list",
        &[("weekly: 4 }", "weekly: 4 }\n    encryption: {}")],
        "encryption: {}",
        &[("weekly: 4 }", "weekly: 4 }\n    encryption: { age_identity: shop/backup-identity }")],
    ),
    error(
        "keys_and_copies_differ",
        &[(
            "weekly: 4 }",
            "weekly: 4 }\n    encryption: { kms_keys: { primary: arn:aws:kms:us-east-1:123456789012:key/mrk-1 } }",
        )],
        "kms_keys: {",
        &[],
    ),
    error(
        "bad_identifier",
        &[(
            "weekly: 4 }",
            "weekly: 4 }\n    encryption: { kms_keys: { primary: alias/archives, recovery: arn:aws:kms:us-west-2:123456789012:key/mrk-1 } }",
        )],
        "alias/archives",
        &[],
    ),
    error("bad_identifier", &[("weekly: 4 }", "weekly: 4 }\n    time_zone: \"+02\"")], "\"+02", &[]),
    error(
        "unknown_time_zone",
        &[("weekly: 4 }", "weekly: 4 }\n    time_zone: Europe/Bukarest")],
        "Europe/Bukarest",
        &[("weekly: 4 }", "weekly: 4 }\n    time_zone: Europe/Bucharest")],
    ),
    error(
        "unknown_value",
        &[("weekly: 4 }", "weekly: 4 }\n    level: verified")],
        "verified",
        &[("weekly: 4 }", "weekly: 4 }\n    level: intact")],
    ),
    error("missing_rpo", &[("lake: { rto: 60m, rpo: 30m }", "lake: { rto: 60m }")], "lake: { rto", &[]),
    error("missing_field", &[("backup_vault: shop-dr, ", "")], "copied_by", &[]),
    error("missing_rpo", &[("carts: { rto: 60m, rpo: 5m }", "carts: { rto: 60m }")], "carts: { rto", &[]),
    error("missing_rpo", &[("books: { rto: 60m, rpo: 5m }", "books: { rto: 60m }")], "books: { rto", &[]),
    error("bad_identifier", &[("table: shop-carts", "table: s3")], "s3\n", &[("table: shop-carts", "table: Shop.Carts_3")]),
    error("bad_identifier", &[("global_cluster: shop-ledger", "global_cluster: shop--ledger")], "shop--ledger", &[]),
    error(
        "duplicate",
        &[("  books:\n    kind", "  baskets:\n    kind: dynamodb_table\n    table: shop-carts\n  books:\n    kind")],
        "shop-carts\n  baskets",
        &[("  books:\n    kind", "  baskets:\n    kind: dynamodb_table\n    table: shop-baskets\n  books:\n    kind")],
    ),
    error("unknown_field", &[("backup_vault: shop-dr,", "replication_rule: all,")], "every: 30m", &[]),
    error("empty_list", &[("keep: { daily: 7, weekly: 4 }", "keep: {}")], "keep", &[("daily: 7, weekly: 4", "monthly: 1")]),
    error(
        "out_of_range",
        &[("weekly: 4 }", "weekly: 4 }\n    drift: { percent: 1001 }")],
        "1001",
        &[("weekly: 4 }", "weekly: 4 }\n    drift: { percent: 1000 }")],
    ),
    error(
        "duplicate",
        &[(
            "weekly: 4 }",
            "weekly: 4 }\n    drift: { percent: 20, tables: [{ table: public.a, percent: 90 }, { table: public.a, percent: 80 }] }",
        )],
        "public.a, percent: 80",
        &[(
            "weekly: 4 }",
            "weekly: 4 }\n    drift: { percent: 20, tables: [{ table: public.a, percent: 90 }, { table: public.b, percent: 80 }] }",
        )],
    ),
    error("out_of_range", &[("daily: 7", "daily: 0")], "0, weekly", &[("daily: 7", "daily: 1000")]),
    error("out_of_range", &[("every: 24h", "every: 59s")], "59s", &[("every: 24h", "every: 60s")]),
    error("bad_identifier", &[("zone: Z0SHOP", "zone: /hostedzone/Z0SHOP")], "/hostedzone", &[]),
    error("bad_identifier", &[("name: shop.example.com", "name: shop.example.com.")], "shop.example.com.", &[]),
    error("bad_identifier", &[("health: https://api", "health: http://api")], "http://", &[]),
    error("bad_identifier", &[("[on-call@shop", "[on-call.shop")], "on-call.shop", &[]),
    error("bad_identifier", &[("good_revision: /shop", "good_revision: shop")], "shop/api/good", &[]),
    error("unknown_value", &[("routing: simple", "routing: latency")], "latency", &[]),
    error(
        "wrong_type",
        &[("pager: { pagerduty: shop/pagerduty }", "pager: { pagerduty: shop/pagerduty, slack: shop/slack }")],
        "pager: {",
        &[],
    ),
    error("unknown_channel", &[("[pager, chat]", "[pagr, chat]")], "pagr", &[("[pager, chat]", "[chat]")]),
    error("unknown_escalation", &[("sev1: critical", "sev1: critcal")], "critcal", &[]),
    error(
        "unknown_escalation",
        &[("escalation: slow", "escalation: sloww")],
        "sloww",
        &[("escalation: slow", "escalation: critical")],
    ),
    error("escalation_order", &[("after: 15m", "after: 0s")], "0s, channels: [people]", &[("after: 15m", "after: 1s")]),
    error(
        "duplicate",
        &[("alarms: [ {", "alarms: [ { alarm: shop-errors, escalation: critical }, {")],
        "shop-errors, escalation: slow",
        &[("alarms: [ {", "alarms: [ { alarm: shop-more-errors, escalation: critical }, {")],
    ),
    error(
        "failover_after_promote",
        &[("- repoint: database", "- force_failover: database\n          - repoint: database")],
        "force_failover: database\n          - repoint",
        &[
            ("- gate: {", "- force_failover: database\n          - gate: {"),
            ("severity: sev1", "severity: sev1\n    budgets: { force_failover: 1m }"),
        ],
    ),
    // Found by breaking the rules themselves: each of these guards a boundary that no other row stands on.
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

/// What the table cannot show on one small plan is shown by the named tests beside it.
const SHOWN_ELSEWHERE: &[&str] = &[
    "not_yaml",
    "not_utf8",
    "too_large",
    "too_large_to_deploy",
    "too_deep",
    "version_newer",
    "too_many_findings",
    "preauthorisation_expired",
    "preauthorisation_long",
    "too_many_steps",
    "too_many_steps_together",
];

#[test]
fn every_rule_is_found_where_it_is_broken_and_nothing_else_is() {
    let failures: Vec<String> = ROWS.iter().filter_map(|row| broken_promise(row).err()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

fn broken_promise(row: &Row) -> Result<(), String> {
    let text = spoilt(row.spoil);
    let reading = read(&text);
    let [finding] = reading.findings.as_slice() else {
        return Err(format!("{}: one finding expected, found {:#?}", row.code, reading.findings));
    };
    let said = format!("{}: {finding:#?} in\n{text}", row.code);
    let before = &text[..text.find(row.at).ok_or_else(|| format!("{}: {:?} is not there", row.code, row.at))?];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    if (finding.code, finding.severity) != (row.code, row.severity) {
        return Err(format!("another finding for {said}"));
    }
    if (finding.line, finding.column) != (line, column) {
        return Err(format!("it should point at {line}:{column}: {said}"));
    }
    if finding.help.is_empty() {
        return Err(format!("it does not say what to write instead: {said}"));
    }
    if reading.plan.is_some() != (row.severity == Severity::Warning) {
        return Err(format!("only an error refuses the plan: {said}"));
    }
    Ok(())
}

#[test]
fn what_comes_close_to_breaking_a_rule_is_found_sound() {
    for row in ROWS {
        let reading = read(&spoilt(row.near));
        assert_eq!(reading.findings, Vec::new(), "{} near {:?}", row.code, row.near);
    }
}

#[test]
fn every_code_is_shown_by_a_test() {
    let shown: BTreeSet<&str> = ROWS.iter().map(|row| row.code).chain(SHOWN_ELSEWHERE.iter().copied()).collect();
    assert_eq!(shown, code::ALL.iter().copied().collect::<BTreeSet<&str>>());
    assert_eq!(code::ALL.len(), code::ALL.iter().collect::<BTreeSet<_>>().len(), "no code is used twice");
}

#[test]
fn in_a_dark_region_fence_and_hold_are_best_effort_unless_that_was_allowed() {
    let findings = read(&spoilt(&[FAILED, NO_FAILOVER])).findings;
    let found: Vec<_> = findings.iter().map(|finding| (finding.code, finding.severity)).collect();
    assert_eq!(found, [("needs_failed_region", Severity::Warning), ("needs_failed_region", Severity::Warning)]);
    assert!(findings[0].message.contains("holding writes"), "{}", findings[0].message);
    assert!(findings[1].message.contains("fence"), "{}", findings[1].message);
    let elsewhere =
        [FAILED, NO_FAILOVER, UNPROVEN, ("variable: HOST, region: us-west-2", "variable: HOST, region: us-east-1")];
    let findings = read(&spoilt(&elsewhere)).findings;
    let found: Vec<_> = findings.iter().map(|finding| (finding.code, finding.severity)).collect();
    assert_eq!(
        found,
        [("endpoint_outside_recovery_site", Severity::Warning), ("needs_failed_region", Severity::Error)],
        "after the promotion that repoint could not end"
    );
}

#[test]
fn a_branch_has_at_most_ninety_steps_and_a_wave_at_most_forty() {
    let waves = |count: usize| {
        let steps: String = (0..count).map(|_| "          - validate: api\n").collect();
        spoilt(&[("          - resume_writes: database\n", &format!("          - resume_writes: database\n{steps}"))])
    };
    assert!(!codes(&waves(82)).contains(&"too_many_steps"));
    assert!(codes(&waves(83)).contains(&"too_many_steps"));

    let together = |count: usize| {
        let mut components = String::new();
        let mut objectives = String::new();
        let mut steps = Vec::new();
        for number in 1..=count {
            components.push_str(&format!(
                "  c{number}:\n    kind: ecs_service\n    primary: {{ cluster: a, service: c{number} }}\n    recovery: {{ cluster: a, service: c{number} }}\n"
            ));
            objectives.push_str(&format!("  c{number}: {{ rto: 1h }}\n"));
            steps.push(format!("{{ validate: c{number} }}"));
        }
        spoilt(&[
            ("  api: { rto: 15m }\n", &format!("  api: {{ rto: 15m }}\n{objectives}")),
            ("alerts:\n", &format!("{components}alerts:\n")),
            ("{ validate: database }, { validate: api } ]", &format!("{{ validate: database }}, {} ]", steps.join(", "))),
            ("severity: sev1", "severity: sev1\n    budgets: { validate: 30s }"),
        ])
    };
    // As consumers they would all be restarted one by one, and the history would be too long before the wave is too wide.
    let found = |count: usize| -> Vec<&str> {
        codes(&together(count)).into_iter().filter(|code| *code != "missing_consumer").collect()
    };
    assert_eq!(found(39), [] as [&str; 0]);
    assert_eq!(found(40), ["too_many_steps_together"]);
}

#[test]
fn a_scenario_is_about_one_database() {
    let second = "  ledger:\n    kind: rds_instance\n    primary: { id: ledger-prod }\n    recovery: { id: ledger-dr }\n    backup_retention: 7d\n    max_lag: 30s\n";
    let replacements = [
        ("  api: { rto: 15m }\n", "  api: { rto: 15m }\n  ledger: { rto: 15m, rpo: 5m }\n"),
        ("  api:\n    kind", &format!("{second}  api:\n    kind")),
    ];
    assert_eq!(codes(&spoilt(&replacements)), [] as [&str; 0]);
    let named = [replacements[0], replacements[1], ("{ validate: api } ]", "{ validate: ledger } ]")];
    assert_eq!(codes(&spoilt(&named)), ["one_database"]);
}

#[test]
fn a_misspelt_step_does_not_make_the_steps_around_it_wrong() {
    for (from, to) in [
        ("- gate: {", "- gaet: {"),
        ("- fence: database", "- fense: database"),
        ("- hold_writes: database", "- hold_write: database"),
    ] {
        assert_eq!(codes(&spoilt(&[(from, to)])), ["unknown_step_kind"], "{to}");
    }
    assert_eq!(codes(&spoilt(&[("- gate: { loss_bound: database }", "- consent: database")])), ["unknown_step_kind"]);
}
