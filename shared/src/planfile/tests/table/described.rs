//! Components that a plan only describes, and people.

use super::{Row, error, warning};

const LAKE_OBJECTIVE: &str = "lake: { rto: 60m, rpo: 30m }\ncomponents";
const SWITCH: (&str, &str) = (
    "    switch: { s3_object: { bucket: shop-switch, key: in-us-west-2, health_check: 0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9 } }\n",
    "",
);

pub(super) const ROWS: &[Row] = &[
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
];
