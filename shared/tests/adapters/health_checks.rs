//! Route 53's health checks.

use jiff::Timestamp;
use shared::adapters::aws::Route53HealthChecks;
use shared::domain::health::{CheckerView, HealthCheckView};
use shared::domain::identifier::HealthCheckId;
use shared::ports::{FailureKind, HealthChecks};

use crate::stub::{Answer, Stub, west, xml, xml_error};

fn id(number: usize) -> HealthCheckId {
    HealthCheckId::new(format!("0a1b2c3d-4e5f-6071-8293-{number:012}")).unwrap()
}

fn shown(kind: &str, more: &str) -> Answer {
    xml(
        200,
        &format!(
            "<GetHealthCheckResponse xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><HealthCheck><Id>x</Id>\
             <CallerReference>r</CallerReference><HealthCheckConfig><Type>{kind}</Type>{more}</HealthCheckConfig>\
             <HealthCheckVersion>1</HealthCheckVersion></HealthCheck></GetHealthCheckResponse>"
        ),
    )
}

fn status(reports: &[(&str, &str)]) -> Answer {
    let report = |(region, status): &(&str, &str)| {
        format!(
            "<HealthCheckObservation><Region>{region}</Region><IPAddress>15.177.0.1</IPAddress><StatusReport><Status>{status}</Status>\
             <CheckedTime>2026-11-20T10:09:30.000Z</CheckedTime></StatusReport></HealthCheckObservation>"
        )
    };
    let reports: String = reports.iter().map(report).collect();
    xml(
        200,
        &format!(
            "<GetHealthCheckStatusResponse xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><HealthCheckObservations>{reports}\
             </HealthCheckObservations></GetHealthCheckStatusResponse>"
        ),
    )
}

#[tokio::test]
async fn a_health_check_is_what_it_is_set_to_and_what_each_checker_saw() {
    let stub = Stub::answering(|_, asked| {
        if asked.target.ends_with("/status") {
            status(&[("us-east-1", "Success: HTTP Status Code 200, OK"), ("eu-west-1", "Failure: Connection timed out")])
        } else {
            shown("HTTPS", "<Inverted>true</Inverted><Disabled>false</Disabled>")
        }
    })
    .await;
    let views = Route53HealthChecks::new(stub.clients()).look_at_each(&west(), &[id(1)]).await;
    let checked_at: Timestamp = "2026-11-20T10:09:30Z".parse().unwrap();
    let checker = |region: &str, healthy| CheckerView { region: region.to_owned(), healthy, checked_at };
    let expected = HealthCheckView {
        kind: "HTTPS".to_owned(),
        inverted: true,
        disabled: false,
        checkers: vec![checker("us-east-1", true), checker("eu-west-1", false)],
    };
    assert_eq!(views[0].as_ref().unwrap(), &expected);
    let asked: Vec<String> = stub.asked().iter().map(|asked| asked.target.clone()).collect();
    assert_eq!(asked, [format!("/2013-04-01/healthcheck/{}", id(1)), format!("/2013-04-01/healthcheck/{}/status", id(1))]);
}

#[tokio::test]
async fn what_has_no_checkers_is_not_asked_for_them_and_an_absent_one_is_absent() {
    let stub = Stub::answering(|number, _| match number {
        0 => shown("CALCULATED", ""),
        1 => shown("TCP", "<Disabled>true</Disabled>"),
        _ => xml_error(404, "NoSuchHealthCheck", "no"),
    })
    .await;
    let views = Route53HealthChecks::new(stub.clients()).look_at_each(&west(), &[id(1), id(2), id(3)]).await;
    assert_eq!(views[0].as_ref().unwrap().kind, "CALCULATED");
    assert!(views[1].as_ref().unwrap().disabled && views[1].as_ref().unwrap().checkers.is_empty());
    assert_eq!(views[2].as_ref().unwrap_err().kind, FailureKind::NotFound);
    assert_eq!(stub.asked().len(), 3);
}

#[tokio::test]
async fn calls_are_spaced_and_those_whose_turn_comes_too_late_are_not_made() {
    let stub = Stub::answering(|_, _| shown("CALCULATED", "")).await;
    let checks: Vec<HealthCheckId> = (0..40).map(id).collect();
    let views = Route53HealthChecks::new(stub.clients()).look_at_each(&west(), &checks).await;
    let late = views.iter().skip_while(|view| view.is_ok()).collect::<Vec<_>>();
    assert_eq!(views.len(), 40);
    assert!(late.iter().all(|view| view.as_ref().is_err_and(|error| error.code == "no_turn")), "{late:?}");
    // Eight seconds, four calls in each.
    assert!(stub.asked().len() <= 32 && !late.is_empty(), "{} calls", stub.asked().len());
}
