use jiff::{SignedDuration, Timestamp};
use rehearsal_world::{
    AlarmCheck, AlarmName, CalculatedCheck, EndpointCheck, EndpointProtocol, Fact, HealthCheckConfig, HealthCheckKind,
    InsufficientDataStatus, PairConfig, Timings, World,
};

use super::answer;
use crate::wire::tests::requests::route53;

const ROOT: &str = "xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"";

fn start() -> Timestamp {
    "2026-11-20T14:00:00Z".parse().unwrap()
}

fn world() -> World {
    let timings = Timings { variation_percent: 0, ..Timings::default() };
    let mut world = World::pair(PairConfig { timings, ..PairConfig::default() }, 1, start());
    world.add_hosted_zone("Z0EXAMPLE", "example.com").unwrap();
    let endpoint = EndpointCheck {
        protocol: EndpointProtocol::Https,
        address: Some("192.0.2.1".parse().unwrap()),
        host: Some("api.example.com".to_owned()),
        port: 443,
        path: Some("/health?deep=1&all=1".to_owned()),
        interval: 10,
        failure_threshold: 3,
        region: None,
    };
    world.add_health_check("h1", HealthCheckConfig::new(HealthCheckKind::Endpoint(endpoint)), start());
    let alarm = AlarmName { region: "us-west-2".to_owned(), name: "switch".to_owned() };
    let alarm = AlarmCheck { alarm, insufficient_data: InsufficientDataStatus::LastKnownStatus };
    world.add_health_check("a1", HealthCheckConfig::new(HealthCheckKind::Alarm(alarm)), start());
    let sum = CalculatedCheck { threshold: 1, children: vec!["h1".to_owned(), "a1".to_owned()] };
    world.add_health_check("c1", HealthCheckConfig::new(HealthCheckKind::Calculated(sum)), start());
    world
}

fn ask(world: &mut World, method: &str, path: &str, document: &str) -> (u16, String) {
    let call = route53(method, path, document).call();
    let answer = answer(world, &call, world.now());
    assert_eq!(answer.header("content-type"), Some("text/xml"));
    (answer.status, String::from_utf8(answer.body.to_vec()).unwrap())
}

fn change(world: &mut World, changes: &str) -> (u16, String) {
    let document = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ChangeResourceRecordSetsRequest {ROOT}><ChangeBatch><Comment>why</Comment>\
         <Changes>{changes}</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>"
    );
    ask(world, "POST", "hostedzone/Z0EXAMPLE/rrset/", &document)
}

const TEXT: &str = "<Change><Action>CREATE</Action><ResourceRecordSet><Name>_recovery.example.com</Name><Type>TXT</Type>\
                    <TTL>60</TTL><ResourceRecords><ResourceRecord><Value>&quot;a &amp; b&quot;</Value></ResourceRecord>\
                    </ResourceRecords></ResourceRecordSet></Change>";
const WEIGHTED: &str = "<Change><Action>UPSERT</Action><ResourceRecordSet><Name>api.example.com.</Name><Type>A</Type>\
                        <SetIdentifier>blue</SetIdentifier><Weight>0</Weight><TTL>5</TTL><ResourceRecords><ResourceRecord>\
                        <Value>192.0.2.1</Value></ResourceRecord></ResourceRecords><HealthCheckId>h1</HealthCheckId>\
                        </ResourceRecordSet></Change>";
const ALIAS: &str = "<Change><Action>CREATE</Action><ResourceRecordSet><Name>www.example.com</Name><Type>A</Type>\
                     <SetIdentifier>first</SetIdentifier><Failover>PRIMARY</Failover><AliasTarget><HostedZoneId>Z0EXAMPLE\
                     </HostedZoneId><DNSName>api.example.com</DNSName><EvaluateTargetHealth>true</EvaluateTargetHealth>\
                     </AliasTarget></ResourceRecordSet></Change>";

/// The text between the first pair of tags of that name.
fn text<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    let begins = document.find(&format!("<{name}>"))? + name.len() + 2;
    let length = document[begins..].find(&format!("</{name}>"))?;
    Some(&document[begins..begins + length])
}

#[test]
fn a_change_goes_over_the_wire_and_is_followed_until_it_is_in_sync() {
    let mut world = world();
    let (status, document) = change(&mut world, &format!("{TEXT}{WEIGHTED}{ALIAS}"));
    assert_eq!(status, 200, "{document}");
    assert!(document.starts_with(&format!("<ChangeResourceRecordSetsResponse {ROOT}><ChangeInfo><Id>/change/C")));
    assert_eq!(text(&document, "Status"), Some("PENDING"));
    assert_eq!(text(&document, "SubmittedAt"), Some("2026-11-20T14:00:00.000Z"));
    assert_eq!(text(&document, "Comment"), Some("why"));
    let id = text(&document, "Id").unwrap().trim_start_matches("/change/").to_owned();
    world.advance(start() + SignedDuration::from_secs(60));
    let (status, document) = ask(&mut world, "GET", &format!("change/{id}"), "");
    assert_eq!((status, text(&document, "Status")), (200, Some("INSYNC")));
    assert!(document.starts_with(&format!("<GetChangeResponse {ROOT}><ChangeInfo>")));
}

#[test]
fn record_sets_are_answered_in_the_documented_elements() {
    let mut world = world();
    change(&mut world, &format!("{TEXT}{WEIGHTED}{ALIAS}"));
    let (_, document) = ask(&mut world, "GET", "hostedzone/Z0EXAMPLE/rrset?name=_recovery.example.com&maxitems=10", "");
    let expected = "<ResourceRecordSets><ResourceRecordSet><Name>_recovery.example.com.</Name><Type>TXT</Type><TTL>60</TTL>\
                    <ResourceRecords><ResourceRecord><Value>&quot;a &amp; b&quot;</Value></ResourceRecord></ResourceRecords>\
                    </ResourceRecordSet><ResourceRecordSet><Name>api.example.com.</Name><Type>A</Type><SetIdentifier>blue\
                    </SetIdentifier><Weight>0</Weight><TTL>5</TTL><ResourceRecords><ResourceRecord><Value>192.0.2.1</Value>\
                    </ResourceRecord></ResourceRecords><HealthCheckId>h1</HealthCheckId></ResourceRecordSet>\
                    <ResourceRecordSet><Name>www.example.com.</Name><Type>A</Type><SetIdentifier>first</SetIdentifier>\
                    <Failover>PRIMARY</Failover><AliasTarget><HostedZoneId>Z0EXAMPLE</HostedZoneId><DNSName>api.example.com.\
                    </DNSName><EvaluateTargetHealth>true</EvaluateTargetHealth></AliasTarget></ResourceRecordSet>\
                    </ResourceRecordSets><IsTruncated>false</IsTruncated><MaxItems>10</MaxItems>";
    assert_eq!(document, format!("<ListResourceRecordSetsResponse {ROOT}>{expected}</ListResourceRecordSetsResponse>"));
    let (_, document) = ask(&mut world, "GET", "hostedzone/Z0EXAMPLE/rrset?maxitems=3", "");
    assert_eq!(
        ["IsTruncated", "NextRecordName", "NextRecordType", "NextRecordIdentifier", "MaxItems"]
            .map(|name| text(&document, name)),
        [Some("true"), Some("api.example.com."), Some("A"), Some("blue"), Some("3")]
    );
    let rest = "hostedzone/Z0EXAMPLE/rrset?name=api.example.com.&type=A&identifier=blue";
    assert_eq!(ask(&mut world, "GET", rest, "").1.matches("<ResourceRecordSet>").count(), 2);
}

#[test]
fn zones_are_answered_in_the_documented_elements() {
    let mut world = world();
    world.add_hosted_zone("Z0OTHER", "example.org").unwrap();
    let (_, document) = ask(&mut world, "GET", "hostedzone/Z0EXAMPLE", "");
    assert_eq!(text(&document, "Id"), Some("/hostedzone/Z0EXAMPLE"));
    assert_eq!(text(&document, "ResourceRecordSetCount"), Some("2"));
    assert_eq!(document.matches("<NameServer>").count(), 4);
    let (_, document) = ask(&mut world, "GET", "hostedzonesbyname?dnsname=example.com&maxitems=1", "");
    assert_eq!(
        ["Id", "Name", "DNSName", "IsTruncated", "NextDNSName", "NextHostedZoneId", "MaxItems"]
            .map(|name| text(&document, name)),
        [
            Some("/hostedzone/Z0EXAMPLE"),
            Some("example.com."),
            Some("example.com"),
            Some("true"),
            Some("example.org."),
            Some("Z0OTHER"),
            Some("1")
        ]
    );
}

#[test]
fn health_checks_are_answered_in_the_documented_elements() {
    let mut world = world();
    let (_, document) = ask(&mut world, "GET", "healthcheck/h1", "");
    let expected = "<IPAddress>192.0.2.1</IPAddress><Port>443</Port><Type>HTTPS</Type><ResourcePath>/health?deep=1&amp;all=1\
                    </ResourcePath><FullyQualifiedDomainName>api.example.com</FullyQualifiedDomainName><RequestInterval>10\
                    </RequestInterval><FailureThreshold>3</FailureThreshold><MeasureLatency>false</MeasureLatency>\
                    <Inverted>false</Inverted><Disabled>false</Disabled>";
    assert_eq!(text(&document, "HealthCheckConfig"), Some(expected));
    assert_eq!(text(&document, "HealthCheckVersion"), Some("1"));
    let (_, document) = ask(&mut world, "GET", "healthcheck/a1", "");
    let alarm = "<AlarmIdentifier><Region>us-west-2</Region><Name>switch</Name></AlarmIdentifier>\
                 <InsufficientDataHealthStatus>LastKnownStatus</InsufficientDataHealthStatus>";
    assert!(text(&document, "HealthCheckConfig").unwrap().ends_with(alarm), "{document}");
    let (_, document) = ask(&mut world, "GET", "healthcheck/c1", "");
    let children = "<HealthThreshold>1</HealthThreshold><ChildHealthChecks><ChildHealthCheck>h1</ChildHealthCheck>\
                    <ChildHealthCheck>a1</ChildHealthCheck></ChildHealthChecks>";
    assert!(text(&document, "HealthCheckConfig").unwrap().ends_with(children), "{document}");
    let (_, document) = ask(&mut world, "GET", "healthcheck/h1/status", "");
    assert_eq!(document.matches("<HealthCheckObservation>").count(), 16);
    assert!(text(&document, "Status").unwrap().starts_with("Success: "));
}

#[test]
fn a_health_check_is_inverted_over_the_wire_and_only_in_the_version_that_was_seen() {
    let mut world = world();
    let update = |version: u32| {
        format!(
            "<UpdateHealthCheckRequest {ROOT}><HealthCheckVersion>{version}</HealthCheckVersion><Inverted>true</Inverted>\
             </UpdateHealthCheckRequest>"
        )
    };
    let (status, document) = ask(&mut world, "POST", "healthcheck/h1", &update(1));
    assert_eq!((status, text(&document, "Inverted"), text(&document, "HealthCheckVersion")), (200, Some("true"), Some("2")));
    let (status, document) = ask(&mut world, "POST", "healthcheck/h1", &update(1));
    assert_eq!((status, text(&document, "Code")), (409, Some("HealthCheckVersionMismatch")));
}

#[test]
fn refusals_carry_the_documented_codes_and_statuses_in_an_error_response() {
    let mut world = world();
    let (status, document) = change(&mut world, &format!("{ALIAS}{TEXT}"));
    assert_eq!(
        (status, text(&document, "Code"), text(&document, "Type")),
        (400, Some("InvalidChangeBatch"), Some("Sender"))
    );
    assert!(
        document.starts_with(&format!("<ErrorResponse {ROOT}><Error>")) && document.contains("<RequestId>"),
        "{document}"
    );
    let message =
        "[Tried to create an alias that targets api.example.com., type A in zone Z0EXAMPLE, but that target was not found]";
    assert_eq!(text(&document, "Message"), Some(message));
    for (path, status, code) in [
        ("hostedzone/Z0NOBODY", 404, "NoSuchHostedZone"),
        ("hostedzone/Z0NOBODY/rrset", 404, "NoSuchHostedZone"),
        ("change/C0NOBODY", 404, "NoSuchChange"),
        ("healthcheck/nobody", 404, "NoSuchHealthCheck"),
        ("healthcheck/a1/status", 400, "InvalidInput"),
        ("hostedzone/Z0EXAMPLE/rrset?maxitems=many", 400, "InvalidInput"),
        ("hostedzonesbyname?dnsname=a..b", 400, "InvalidDomainName"),
    ] {
        let (found, document) = ask(&mut world, "GET", path, "");
        assert_eq!((found, text(&document, "Code")), (status, Some(code)), "{path}");
    }
    world.throttle_dns(1);
    let (status, document) = ask(&mut world, "GET", "hostedzone/Z0EXAMPLE", "");
    assert_eq!(
        (status, text(&document, "Code"), text(&document, "Message")),
        (400, Some("Throttling"), Some("Rate exceeded"))
    );
    world.dns_control_plane_dark(true, start());
    let (status, document) = ask(&mut world, "GET", "hostedzone/Z0EXAMPLE", "");
    assert_eq!(
        (status, text(&document, "Code"), text(&document, "Type")),
        (503, Some("ServiceUnavailable"), Some("Receiver"))
    );
}

#[test]
fn documents_that_cannot_be_read_are_invalid_input() {
    let mut world = world();
    let number = WEIGHTED.replace("<Weight>0</Weight>", "<Weight>heavy</Weight>");
    let action = TEXT.replace("CREATE", "MAKE");
    for changes in [number.as_str(), &action, "<Change>", "<Change><Action>CREATE</Action></Change>", "words"] {
        let (status, document) = change(&mut world, changes);
        assert_eq!((status, text(&document, "Code")), (400, Some("InvalidInput")), "{changes}");
        assert!(text(&document, "Message").unwrap().starts_with("Invalid XML"), "{document}");
    }
    let (_, document) = ask(&mut world, "POST", "hostedzone/Z0EXAMPLE/rrset", "");
    assert_eq!(text(&document, "Code"), Some("InvalidInput"));
    assert_eq!(change(&mut world, "").1.matches("InvalidInput").count(), 1, "a batch has at least one change");
}

#[test]
fn what_is_not_modelled_is_refused_and_never_ignored() {
    let mut world = world();
    let latency = WEIGHTED.replace("<Weight>0</Weight>", "<Region>us-east-1</Region>");
    let multivalue = WEIGHTED.replace("<Weight>0</Weight>", "<MultiValueAnswer>true</MultiValueAnswer>");
    let update = format!("<UpdateHealthCheckRequest {ROOT}><Port>80</Port></UpdateHealthCheckRequest>");
    for (answer, named) in [
        (change(&mut world, &latency), "Region"),
        (change(&mut world, &multivalue), "MultiValueAnswer"),
        (ask(&mut world, "POST", "healthcheck/h1", &update), "Port"),
        (ask(&mut world, "GET", "hostedzone/Z0EXAMPLE/rrset?delegation=1", ""), "delegation"),
        (ask(&mut world, "POST", "hostedzone", "<CreateHostedZoneRequest/>"), "CreateHostedZone"),
    ] {
        let message = text(&answer.1, "Message").unwrap();
        assert_eq!((answer.0, text(&answer.1, "Code")), (400, Some("ValidationError")), "{named}");
        assert!(message.contains("does not model") && message.contains(named), "{message}");
    }
    assert!(world.relied_on().contains(&Fact::UnmodelledIsRefused) && world.relied_on().contains(&Fact::RestXmlProtocol));
}
