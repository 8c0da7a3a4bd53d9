//! The stable names of everything that a plan check can find. Scripts compare them, so a name is never reused for another rule.

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: &str = $text;)*

        /// Every code.
        pub const ALL: &[&str] = &[$($name),*];
    };
}

codes! {
    /// The file is no YAML.
    NOT_YAML = "not_yaml";
    /// The file is no UTF-8 text.
    NOT_UTF8 = "not_utf8";
    /// The file is larger than a plan may be.
    TOO_LARGE = "too_large";
    /// A plan that can be checked and shown, and is too large for the functions.
    TOO_LARGE_TO_DEPLOY = "too_large_to_deploy";
    /// Lists and mappings are nested deeper than any plan.
    TOO_DEEP = "too_deep";
    /// The plan is written for a newer version of this program.
    VERSION_NEWER = "version_newer";
    /// Only the first findings are listed.
    TOO_MANY_FINDINGS = "too_many_findings";

    /// Anchors, aliases, tags, merge keys, several documents: YAML that a plan does without.
    UNSUPPORTED_YAML = "unsupported_yaml";
    /// A value of another type or form than expected.
    WRONG_TYPE = "wrong_type";
    /// A value outside its range.
    OUT_OF_RANGE = "out_of_range";
    /// A name or id that AWS, or we, would refuse.
    BAD_IDENTIFIER = "bad_identifier";
    /// The same thing twice.
    DUPLICATE = "duplicate";
    /// A list or mapping that selects nothing.
    EMPTY_LIST = "empty_list";
    /// A field that must be there.
    MISSING_FIELD = "missing_field";
    /// A value that its author did not know yet.
    LEFT_TO_FILL_IN = "left_to_fill_in";
    /// A field that nothing reads.
    UNKNOWN_FIELD = "unknown_field";
    /// A word that is none of a field's words.
    UNKNOWN_VALUE = "unknown_value";
    /// A kind of component that does not exist.
    UNKNOWN_COMPONENT_KIND = "unknown_component_kind";
    /// A step kind that does not exist.
    UNKNOWN_STEP_KIND = "unknown_step_kind";
    /// A condition that does not exist.
    UNKNOWN_CONDITION = "unknown_condition";
    /// A time zone that does not exist.
    UNKNOWN_TIME_ZONE = "unknown_time_zone";
    /// A component that the plan does not have.
    UNKNOWN_COMPONENT = "unknown_component";
    /// A scenario that the plan does not have.
    UNKNOWN_SCENARIO = "unknown_scenario";

    /// Both sites in one Region.
    SITES_EQUAL = "sites_equal";
    /// A Region that is neither site's.
    REGION_NOT_A_SITE = "region_not_a_site";
    /// An endpoint place that recovered clients do not read.
    ENDPOINT_OUTSIDE_RECOVERY_SITE = "endpoint_outside_recovery_site";
    /// A consumer that cannot be restarted.
    CONSUMER_NOT_A_SERVICE = "consumer_not_a_service";
    /// A hold that says reads stay served and lists a reading method.
    HOLD_STOPS_READS = "hold_stops_reads";
    /// A component that a scenario recovers, without objective.
    MISSING_OBJECTIVE = "missing_objective";
    /// Data without a recovery point objective.
    MISSING_RPO = "missing_rpo";
    /// A component named where one of another kind belongs.
    WRONG_COMPONENT_KIND = "wrong_component_kind";
    /// A hold that says reads are stopped where they cannot be.
    READS_NOT_STOPPED = "reads_not_stopped";
    /// A service that a recovery validates and that rereads no endpoint.
    MISSING_CONSUMER = "missing_consumer";
    /// Record sets of one name and type with different routing policies.
    RECORD_ROUTING_CONFLICT = "record_routing_conflict";
    /// Traffic that only a control plane in the primary site's Region can move.
    CONTROL_PLANE_IN_PRIMARY_SITE = "control_plane_in_primary_site";
    /// A copy made less often than the loss that is acceptable.
    COPY_RARER_THAN_RPO = "copy_rarer_than_rpo";
    /// Backups that go with the Region that they are for.
    COPY_ONLY_IN_PRIMARY_SITE = "copy_only_in_primary_site";
    /// A restore test in a site where nothing is kept that could be restored.
    RESTORE_TEST_WITHOUT_VAULT = "restore_test_without_vault";
    /// A database that is asked over a connection which anybody between can read and answer.
    DATABASE_WITHOUT_TLS = "database_without_tls";
    /// A key that S3 does not take for a bucket.
    KEY_OF_ANOTHER_REGION = "key_of_another_region";
    /// Files that are to be encrypted in two ways of which one excludes the other.
    ENCRYPTED_TWICE = "encrypted_twice";
    /// Keys for copies that there are not, or copies without a key.
    KEYS_AND_COPIES_DIFFER = "keys_and_copies_differ";
    /// A channel that the plan does not have.
    UNKNOWN_CHANNEL = "unknown_channel";
    /// An escalation that the plan does not have.
    UNKNOWN_ESCALATION = "unknown_escalation";
    /// Levels of an escalation that are not in the order of their times.
    ESCALATION_ORDER = "escalation_order";

    /// A step on a component that no step of this version acts on.
    COMPONENT_WITHOUT_STEPS = "component_without_steps";
    /// A step that this kind of component does not have.
    STEP_NOT_APPLICABLE = "step_not_applicable";
    /// A step that selects nothing: no hold points, no endpoint places.
    STEP_SELECTS_NOTHING = "step_selects_nothing";
    /// A promotion whose loss nobody bounded.
    PROMOTE_WITHOUT_GATE = "promote_without_gate";
    /// A promotion beside a primary that may still take writes.
    PROMOTE_WITHOUT_FENCE = "promote_without_fence";
    /// A promotion while clients still write.
    PROMOTE_WITHOUT_HOLD = "promote_without_hold";
    /// A gate that cannot know the fence.
    GATE_BEFORE_FENCE = "gate_before_fence";
    /// A fence for which no isolation group was made.
    FENCE_WITHOUT_ISOLATION_GROUP = "fence_without_isolation_group";
    /// Clients sent to a replica.
    REPOINT_BEFORE_PROMOTE = "repoint_before_promote";
    /// A failover after the promotion that it would have spared.
    FAILOVER_AFTER_PROMOTE = "failover_after_promote";
    /// A recovery that nobody proves.
    NOT_VALIDATED = "not_validated";
    /// Nothing is held that could be resumed.
    RESUME_WITHOUT_HOLD = "resume_without_hold";
    /// Writes stay held after the recovery.
    HOLD_NEVER_RESUMED = "hold_never_resumed";
    /// A branch that is never taken.
    UNREACHABLE_BRANCH = "unreachable_branch";
    /// A scenario that may end without a branch.
    NO_OTHERWISE_BRANCH = "no_otherwise_branch";
    /// A step that cannot work while the Region is gone.
    NEEDS_FAILED_REGION = "needs_failed_region";
    /// An alarm that the failed Region would have to raise.
    TRIGGER_IN_FAILED_REGION = "trigger_in_failed_region";

    /// More loss allowed than the objective.
    DATA_LOSS_ABOVE_RPO = "data_loss_above_rpo";
    /// A pre-authorisation whose last day is over.
    PREAUTHORISATION_EXPIRED = "preauthorisation_expired";
    /// A pre-authorisation that outlives its author's memory.
    PREAUTHORISATION_LONG = "preauthorisation_long";
    /// Budgets that add up beyond the objective.
    OVER_RTO = "over_rto";
    /// A predicted Step Functions history that gets near its limit.
    HISTORY_TOO_LONG = "history_too_long";
    /// An incident may outlast its execution.
    INCIDENT_TOO_LONG = "incident_too_long";
    /// A scenario about no database, or about several.
    ONE_DATABASE = "one_database";
    /// More steps in one branch than one commit of the journal can write.
    TOO_MANY_STEPS = "too_many_steps";
    /// More steps side by side than the state machine runs.
    TOO_MANY_STEPS_TOGETHER = "too_many_steps_together";
}
