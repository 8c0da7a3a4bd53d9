//! AWS's services get in for the stack's own sources, and nobody gets in through them for another's.

use policies::template::Template;
use recoveryctl::permissions::{TEMPLATE, doors};

use crate::common::{template, variants};

const FOREIGN: &str = "999999999999";

#[test]
fn every_service_gets_in_for_its_source_and_for_no_other_account() {
    let template = template();
    for variant in variants() {
        let own = variant.plan.account.as_str();
        for region in ["us-west-2", "us-east-1"] {
            let found = doors(&variant.stack_in(&template, region)).unwrap();
            assert!(found.len() >= 13, "{}: only {} ways in were found", variant.name, found.len());
            for door in found {
                let (what, action) = (&door.what, door.action);
                assert!(door.opens_for(&door.source, own).unwrap(), "{what}: {action} on {} stays shut", door.resource);
                if door.unpinned.is_none() {
                    let foreign = door.source.replace(own, FOREIGN);
                    assert!(!door.opens_for(&foreign, FOREIGN).unwrap(), "{what}: open to another account");
                }
            }
        }
    }
}

#[test]
fn a_way_in_that_is_not_pinned_is_found() {
    for (pin, what) in [
        ("      SourceArn: !GetAtt ForwardedAlarm.Arn\n", "events of rule ForwardedAlarm"),
        ("      SourceArn: !Ref AlarmTopicArn\n", "messages of subscription AlarmTopicSubscription"),
    ] {
        assert!(TEMPLATE.contains(pin), "{pin}");
        let template = Template::parse(&TEMPLATE.replacen(pin, "", 1)).unwrap();
        let found = doors(&variants()[1].stack(&template)).unwrap();
        let door = found.iter().find(|door| door.what == what).unwrap_or_else(|| panic!("{what} is not among the ways in"));
        let foreign = door.source.replace("123456789012", FOREIGN);
        assert!(door.opens_for(&foreign, FOREIGN).unwrap(), "{what}");
    }
}

#[test]
fn a_way_that_is_shut_is_found() {
    let queue = "            Action: sqs:SendMessage\n            Resource: !GetAtt DeadLetters.Arn\n";
    assert!(TEMPLATE.contains(queue));
    let template = Template::parse(&TEMPLATE.replacen(queue, &queue.replace("SendMessage", "ReceiveMessage"), 1)).unwrap();
    let found = doors(&variants()[0].stack(&template)).unwrap();
    let shut = found.iter().filter(|door| !door.opens_for(&door.source, "123456789012").unwrap());
    assert_eq!(shut.filter(|door| door.what.starts_with("what rule")).count(), 4);
}
