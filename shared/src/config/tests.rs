use super::*;

const REHEARSING: &str =
    r#"{"clock":{"real_ms":1000,"simulated_ms":5000,"speed":10.0},"hosts":{"db.example:5432":"127.0.0.1:40001"}}"#;

fn read(overrides: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let normal = [
        (REGION, "us-west-2"),
        (JOURNAL_TABLE, "healthcare-platform-recovery-journal"),
        (STATE_MACHINE_ARN, "arn:aws:states:us-west-2:123456789012:stateMachine:healthcare-platform-recovery"),
        (NOTICES_TOPIC_ARN, "arn:aws:sns:us-west-2:123456789012:healthcare-platform-recovery-notices"),
        (REHEARSAL, ""),
    ];
    Config::from_environment(|name| {
        overrides.iter().chain(&normal).find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn an_empty_rehearsal_is_none_and_defaults_are_the_templates() {
    let config = read(&[]).unwrap();
    assert_eq!(config.rehearsal, None);
    assert_eq!(config.plan, PathBuf::from("/opt/plan.json"));
    assert_eq!(config.predictors_alias, "live");
    assert!(!config.every_endpoint_is_loopback());
    assert_eq!(config.state_machine().unwrap().region().as_str(), "us-west-2");
}

#[test]
fn an_execution_is_named_by_its_incident() {
    let incident = IncidentId::derive(&crate::domain::identifier::PlatformName::new("p").unwrap(), &["k"]);
    let machine = StateMachineArn::parse("arn:aws-cn:states:cn-north-1:123456789012:stateMachine:m").unwrap();
    assert_eq!(machine.execution(&incident, 1), format!("arn:aws-cn:states:cn-north-1:123456789012:execution:m:{incident}"));
    assert_eq!(machine.execution(&incident, 2), format!("{}-2", machine.execution(&incident, 1)));
}

#[test]
fn a_missing_or_wrong_variable_is_named_together_with_what_to_write() {
    for (variable, value, hint) in [
        (REGION, "", "Region"),
        (REGION, "Oregon", "us-west-2"),
        (JOURNAL_TABLE, " ", "DynamoDB table"),
        (STATE_MACHINE_ARN, "recovery", "arn:aws:states:"),
        (NOTICES_TOPIC_ARN, "arn:aws:sqs:us-west-2:1:q", "arn:aws:sns:"),
        (REHEARSAL, "yes", "\"clock\""),
    ] {
        let error = read(&[(variable, value)]).unwrap_err();
        assert_eq!(error.variable, variable, "{error}");
        assert!(error.to_string().contains(hint), "{error}");
    }
    let error = read(&[(STATE_MACHINE_ARN, "")]).unwrap().state_machine().unwrap_err();
    assert!(error.to_string().starts_with("RECOVERY_STATE_MACHINE_ARN is not set"), "{error}");
}

#[test]
fn a_rehearsal_is_accepted_only_where_nothing_can_leave_this_machine() {
    let config = read(&[(REHEARSAL, REHEARSING), (ENDPOINT_URL, "http://127.0.0.1:4566")]).unwrap();
    assert!(config.every_endpoint_is_loopback());
    let rehearsal = config.rehearsal.unwrap();
    assert_eq!(rehearsal.address("db.example", 5432), Some("127.0.0.1:40001".parse().unwrap()));
    assert_eq!(rehearsal.address("db.example", 5433), None);

    let loopback = (ENDPOINT_URL, "http://127.0.0.1:4566");
    for (name, environment) in [
        ("no endpoint", vec![(REHEARSAL, REHEARSING)]),
        ("a real endpoint", vec![(REHEARSAL, REHEARSING), (ENDPOINT_URL, "https://rds.us-west-2.amazonaws.com")]),
        (
            "one real service",
            vec![(REHEARSAL, REHEARSING), loopback, ("AWS_ENDPOINT_URL_RDS", "https://rds.us-west-2.amazonaws.com")],
        ),
        ("a proxy", vec![(REHEARSAL, REHEARSING), loopback, ("https_proxy", "http://127.0.0.1:3128")]),
        (
            "a real database",
            vec![
                (REHEARSAL, r#"{"clock":{"real_ms":0,"simulated_ms":0,"speed":1.0},"hosts":{"db:5432":"10.0.0.5:5432"}}"#),
                loopback,
            ],
        ),
        (
            "time that stands still",
            vec![(REHEARSAL, r#"{"clock":{"real_ms":0,"simulated_ms":0,"speed":0.0},"hosts":{}}"#), loopback],
        ),
        (
            "an unknown field",
            vec![(REHEARSAL, r#"{"clock":{"real_ms":0,"simulated_ms":0,"speed":1.0},"hosts":{},"x":1}"#), loopback],
        ),
    ] {
        assert!(read(&environment).is_err(), "{name}");
    }
}
