use rehearsal_world::{Fact, fact_rows};

use super::super::sight::*;
use super::*;

fn answered_with<T>(answer: T) -> Reply<T> {
    Reply::Answered(answer)
}

fn refusal(code: &str, status: u16) -> Reply<()> {
    Reply::Refused(Refusal { code: code.to_owned(), status })
}

fn record(name: &str, kind: &str) -> Record {
    Record {
        name: name.to_owned(),
        kind: kind.to_owned(),
        set_identifier: None,
        policy: Policy::Simple,
        ttl: Some(60),
        values: 1,
        alias: false,
    }
}

fn routed(name: &str, identifier: &str, policy: Policy) -> Record {
    Record { set_identifier: Some(identifier.to_owned()), policy, ..record(name, "A") }
}

fn instance(identifier: &str) -> Instance {
    Instance {
        identifier: identifier.to_owned(),
        arn: format!("arn:aws:rds:us-west-2:123456789012:db:{identifier}"),
        status: "available".to_owned(),
        engine: "postgres".to_owned(),
        host: Some(format!("{identifier}.abcdefgh1234.us-west-2.rds.amazonaws.com")),
        groups: vec!["active".to_owned()],
        ..Instance::default()
    }
}

fn rds() -> RdsSight {
    let primary = Instance {
        replicas: vec!["arn:aws:rds:us-east-1:123456789012:db:orders-dr".to_owned(), "orders-near".to_owned()],
        restorable: true,
        backup_retention: 7,
        ..instance("orders")
    };
    let replica = Instance {
        source: Some("arn:aws:rds:us-east-1:123456789012:db:patients".to_owned()),
        replication: vec!["replicating".to_owned()],
        ..instance("patients-dr")
    };
    RdsSight {
        instances: answered_with(vec![primary, replica]),
        unknown_instance: refusal("DBInstanceNotFound", 404),
        by_other_names: Some(NamedOtherwise {
            identifier: "orders".to_owned(),
            in_capitals: answered_with(vec!["orders".to_owned()]),
            by_arn: answered_with(vec!["orders".to_owned()]),
        }),
        page_of_20: answered_with(Page { records: 2 }),
        page_of_19: refusal("InvalidParameterValue", 400),
        page_of_101: refusal("InvalidParameterValue", 400),
        automated: answered_with(vec![Snapshot {
            identifier: "rds:orders-2026-11-20-03-10".to_owned(),
            instance: "orders".to_owned(),
        }]),
        unknown_snapshot: refusal("DBSnapshotNotFound", 404),
        automated_by_name: Some((
            Reply::Refused(Refusal { code: "DBSnapshotNotFound".to_owned(), status: 404 }),
            answered_with(1),
        )),
    }
}

/// Everything as the facts have it.
fn sight() -> Sight {
    let checked =
        |id: &str, kind: &str, status| CheckSight { id: id.to_owned(), kind: answered_with(kind.to_owned()), status };
    Sight {
        region: "us-west-2".to_owned(),
        rds: rds(),
        cloudwatch: CloudWatchSight {
            lag: Some(LagSight {
                from: 630,
                until: 840,
                times: answered_with(vec![780, 720, 660, 600]),
                ascending: answered_with(vec![600, 660, 720, 780]),
                cut: answered_with((1, true, true)),
            }),
            one_id_twice: refusal("ValidationError", 400),
            id_in_capitals: refusal("ValidationError", 400),
            period_of_90: refusal("ValidationError", 400),
            token_not_given_out: refusal("InvalidNextToken", 400),
        },
        route53: Route53Sight {
            zones: answered_with(vec!["example.com.".to_owned(), "a.example.com.".to_owned(), "example.net.".to_owned()]),
            looked_into: vec![ZoneSight {
                name: "example.com.".to_owned(),
                private: false,
                name_servers: answered_with(4),
                records: answered_with(vec![
                    record("example.com.", "NS"),
                    record("example.com.", "SOA"),
                    Record { alias: true, values: 0, ttl: None, ..record("a.example.com.", "A") },
                    routed("f.example.com.", "p", Policy::Failover("PRIMARY".to_owned())),
                    routed("f.example.com.", "s", Policy::Failover("SECONDARY".to_owned())),
                    routed("w.example.com.", "east", Policy::Weighted(100)),
                    routed("w.example.com.", "west", Policy::Weighted(0)),
                    record("www.example.com.", "CNAME"),
                ]),
                largest_page: 8,
            }],
            unknown_zone: refusal("NoSuchHostedZone", 404),
            unknown_change: refusal("NoSuchChange", 404),
            unknown_check: refusal("NoSuchHealthCheck", 404),
            type_without_name: Some(refusal("InvalidInput", 400)),
            checks: vec![
                checked("one", "HTTPS", answered_with((16, true))),
                checked("two", "CALCULATED", Reply::Refused(Refusal { code: "InvalidInput".to_owned(), status: 400 })),
            ],
        },
    }
}

fn drifting(sight: &Sight) -> Vec<Fact> {
    let drifts = |fact: &&Fact| of(**fact).is_some_and(|check| matches!(check(sight), Finding::Drifts(_)));
    Fact::ALL.iter().filter(drifts).copied().collect()
}

#[test]
fn a_row_says_how_it_is_looked_at_exactly_when_its_fact_has_a_check() {
    for fact in Fact::ALL {
        let row = fact.row().unwrap();
        assert_eq!(row.conform.is_some(), of(*fact).is_some(), "{}", row.id);
        assert!(row.conform.as_ref().is_none_or(|text| text.ends_with('.')), "{}", row.id);
    }
    assert!(fact_rows().iter().filter(|row| row.conform.is_some()).count() > 30);
}

#[test]
fn what_is_as_the_facts_have_it_agrees() {
    let sight = sight();
    for fact in Fact::ALL {
        if let Some(check) = of(*fact) {
            let finding = check(&sight);
            assert!(matches!(finding, Finding::Agrees(_)), "{fact:?}: {finding:?}");
        }
    }
}

/// One thing is otherwise, and exactly the facts that speak of it say so.
type Planted = (&'static [Fact], fn(&mut Sight));

fn instances(sight: &mut Sight) -> &mut Vec<Instance> {
    match &mut sight.rds.instances {
        Reply::Answered(instances) => instances,
        _ => panic!("they were answered"),
    }
}

fn records(sight: &mut Sight) -> &mut Vec<Record> {
    match &mut sight.route53.looked_into[0].records {
        Reply::Answered(records) => records,
        _ => panic!("they were answered"),
    }
}

fn lag(sight: &mut Sight) -> &mut LagSight {
    sight.cloudwatch.lag.as_mut().unwrap()
}

const PLANTED: &[Planted] = &[
    (&[Fact::StatusesAreDocumented], |sight| instances(sight)[0].status = "resting".to_owned()),
    (&[Fact::EndpointNames], |sight| instances(sight)[0].host = Some("orders.us-west-2.rds.amazonaws.com".to_owned())),
    (&[Fact::EndpointNames], |sight| {
        instances(sight)[0].host = Some("orders.zzzzzzzz1234.us-west-2.rds.amazonaws.com".to_owned());
    }),
    (&[Fact::SourceInAnotherRegionIsAnArn], |sight| {
        instances(sight)[1].source = Some("arn:aws:rds:us-west-2:123456789012:db:patients".to_owned());
    }),
    (&[Fact::ReplicaInAnotherRegionIsAnArn], |sight| instances(sight)[0].replicas[0] = "us-east-1:orders-dr".to_owned()),
    (&[Fact::RestorableEveryFiveMinutes], |sight| instances(sight)[1].restorable = true),
    (&[Fact::MembershipStates], |sight| instances(sight)[0].groups[0] = "coming".to_owned()),
    (&[Fact::ReplicationStatuses], |sight| instances(sight)[1].replication.clear()),
    (&[Fact::ReplicationStatuses], |sight| instances(sight)[1].replication[0] = "lagging".to_owned()),
    (&[Fact::UnknownInstance], |sight| sight.rds.unknown_instance = refusal("DBInstanceNotFoundFault", 404)),
    (&[Fact::UnknownInstance], |sight| sight.rds.unknown_instance = refusal("DBInstanceNotFound", 400)),
    (&[Fact::UnknownSnapshot], |sight| sight.rds.unknown_snapshot = Reply::Answered(())),
    (&[Fact::DescribeTakesIdentifierOrArn], |sight| {
        sight.rds.by_other_names.as_mut().unwrap().in_capitals = Reply::Answered(Vec::new());
    }),
    (&[Fact::PagesOfRecords], |sight| sight.rds.page_of_19 = Reply::Answered(())),
    (&[Fact::PagesOfRecords], |sight| sight.rds.page_of_20 = Reply::Answered(Page { records: 21 })),
    (&[Fact::SnapshotsByType], |sight| sight.rds.automated_by_name.as_mut().unwrap().0 = Reply::Answered(1)),
    (&[Fact::AutomatedSnapshotNames], |sight| {
        let identifier = "rds:orders-2026-11-20".to_owned();
        sight.rds.automated = Reply::Answered(vec![Snapshot { identifier, instance: "orders".to_owned() }]);
    }),
    (&[Fact::LagEveryMinute], |sight| lag(sight).times = Reply::Answered(vec![720, 661, 600])),
    (&[Fact::MetricRange], |sight| lag(sight).times = Reply::Answered(vec![840, 780, 720, 660, 600])),
    (&[Fact::MetricRange], |sight| lag(sight).times = Reply::Answered(vec![660, 600, 540])),
    (&[Fact::MetricOrder], |sight| lag(sight).times = Reply::Answered(vec![600, 660, 720])),
    (&[Fact::MetricOrder], |sight| lag(sight).ascending = Reply::Answered(vec![720, 660])),
    (&[Fact::MetricPages], |sight| lag(sight).cut = Reply::Answered((4, false, false))),
    (&[Fact::MetricPages], |sight| sight.cloudwatch.token_not_given_out = Reply::Answered(())),
    (&[Fact::MetricStatistics], |sight| sight.cloudwatch.period_of_90 = Reply::Answered(())),
    (&[Fact::ZoneApexRecords], |sight| sight.route53.looked_into[0].name_servers = Reply::Answered(3)),
    (&[Fact::ZoneApexRecords], |sight| {
        records(sight).remove(1);
    }),
    (&[Fact::UnknownHostedZone], |sight| sight.route53.unknown_zone = refusal("AccessToNothing", 404)),
    (&[Fact::UnknownChange], |sight| sight.route53.unknown_change = Reply::Answered(())),
    (&[Fact::UnknownHealthCheck], |sight| sight.route53.unknown_check = refusal("NoSuchHealthCheck", 400)),
    (&[Fact::RecordSetOrder], |sight| records(sight).swap(0, 7)),
    (&[Fact::RecordSetPages], |sight| sight.route53.looked_into[0].largest_page = 301),
    (&[Fact::RecordSetPages], |sight| sight.route53.type_without_name = Some(Reply::Answered(()))),
    (&[Fact::ZonesByName], |sight| {
        sight.route53.zones = Reply::Answered(vec!["example.net.".to_owned(), "example.com.".to_owned()]);
    }),
    (&[Fact::ObservationsOfCheckers], |sight| sight.route53.checks[0].status = Reply::Answered((0, true))),
    (&[Fact::StatusOfEndpointsOnly], |sight| sight.route53.checks[1].status = Reply::Answered((1, true))),
    (&[Fact::NamesHaveOneSpelling], |sight| records(sight)[7].name = "wWw.example.com.".to_owned()),
    (&[Fact::CnameStandsAlone], |sight| records(sight).push(record("www.example.com.", "TXT"))),
    (&[Fact::NoCnameAtApex, Fact::CnameStandsAlone], |sight| {
        records(sight).pop();
        records(sight).insert(0, record("example.com.", "CNAME"));
    }),
    (&[Fact::RoutingPoliciesDoNotMix, Fact::FailoverPair], |sight| {
        records(sight).insert(3, record("f.example.com.", "A"));
    }),
    (&[Fact::SetIdentifierRules], |sight| records(sight)[7].set_identifier = Some("x".to_owned())),
    (&[Fact::WeightedSetsShareTtl], |sight| records(sight)[6].ttl = Some(61)),
    (&[Fact::WeightedSetRules], |sight| records(sight)[6].policy = Policy::Weighted(256)),
    (&[Fact::WeightedSetRules], |sight| records(sight)[6].values = 2),
    (&[Fact::FailoverPair], |sight| records(sight)[4].policy = Policy::Failover("PRIMARY".to_owned())),
    (&[Fact::ValuesOrAlias], |sight| records(sight)[7].ttl = None),
    (&[Fact::ValuesOrAlias], |sight| records(sight)[2].ttl = Some(60)),
];

#[test]
fn what_is_otherwise_drifts_and_nothing_else_does() {
    for (number, (facts, plant)) in PLANTED.iter().enumerate() {
        let mut planted = sight();
        plant(&mut planted);
        let (mut found, mut expected) = (drifting(&planted), facts.to_vec());
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "plant {number}");
    }
    let covered: Vec<Fact> = PLANTED.iter().flat_map(|(facts, _)| facts.iter().copied()).collect();
    let missed: Vec<&Fact> = Fact::ALL.iter().filter(|fact| of(**fact).is_some() && !covered.contains(fact)).collect();
    assert_eq!(missed, Vec::<&Fact>::new(), "nothing is planted for these");
}

#[test]
fn what_nobody_may_ask_is_neither_agreed_nor_drift() {
    fn unasked<T>() -> Reply<T> {
        Reply::Unasked("rds:DescribeDBInstances was not answered: AccessDenied: no".to_owned())
    }
    let mut blind = sight();
    blind.rds.instances = unasked();
    blind.rds.by_other_names = None;
    blind.cloudwatch.lag = None;
    blind.route53.zones = unasked();
    blind.route53.looked_into.clear();
    for fact in [Fact::StatusesAreDocumented, Fact::EndpointNames, Fact::DescribeTakesIdentifierOrArn, Fact::LagEveryMinute]
    {
        assert!(matches!(of(fact).unwrap()(&blind), Finding::Unasked(_)), "{fact:?}");
    }
    for fact in [Fact::RecordSetOrder, Fact::ZonesByName, Fact::ObservationsOfCheckers, Fact::CnameStandsAlone] {
        assert!(matches!(of(fact).unwrap()(&blind), Finding::Unasked(_)), "{fact:?}");
    }
    assert_eq!(drifting(&blind), Vec::<Fact>::new());
}

#[test]
fn an_empty_account_shows_nothing_and_drifts_in_nothing() {
    let mut empty = sight();
    empty.rds.instances = Reply::Answered(Vec::new());
    empty.rds.automated = Reply::Answered(Vec::new());
    (empty.rds.by_other_names, empty.rds.automated_by_name, empty.cloudwatch.lag) = (None, None, None);
    empty.route53.zones = Reply::Answered(Vec::new());
    empty.route53.looked_into.clear();
    empty.route53.checks.clear();
    empty.route53.type_without_name = None;
    assert_eq!(drifting(&empty), Vec::<Fact>::new());
    let silent =
        Fact::ALL.iter().filter(|fact| of(**fact).is_some_and(|check| matches!(check(&empty), Finding::NothingToSee(_))));
    assert!(silent.count() > 20);
}
