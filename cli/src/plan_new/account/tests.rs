//! Against a stub that answers as the services do: what is found, what is left to be asked, and that nothing but reads is sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use aws_config::BehaviorVersion;
use aws_sdk_rds::config::{Credentials, SharedCredentialsProvider};

use super::*;

const HOST: &str = "shop-prod.abc.us-east-1.rds.amazonaws.com";

/// What the stub's account holds.
#[derive(Clone, Copy)]
struct Account {
    databases: &'static [&'static str],
    parameters: &'static [&'static str],
}

const SHOP: Account = Account { databases: &["shop-prod"], parameters: &["/shop/host"] };

/// Answers on loopback until the test ends, and notes the operations that were asked for.
fn stub(account: Account) -> (SdkConfig, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let noted = Arc::clone(&noted);
            std::thread::spawn(move || serve(&stream.unwrap(), account, &noted));
        }
    });
    let credentials = SharedCredentialsProvider::new(Credentials::new("AKIDEXAMPLE", "example", None, None, "test"));
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .credentials_provider(credentials)
        .build();
    (config, asked)
}

fn serve(mut stream: &TcpStream, account: Account, asked: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut first, mut length, mut target, mut scope) = (String::new(), 0, String::new(), String::new());
        if reader.read_line(&mut first).unwrap_or_default() == 0 {
            return;
        }
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim().split_once(": ") else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().unwrap(),
                "x-amz-target" => target = value.rsplit('.').next().unwrap().to_owned(),
                "authorization" => scope = value.split('/').nth(2).unwrap_or_default().to_owned(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let body = String::from_utf8(body).unwrap();
        let operation = if first.starts_with("GET /2015-03-31/functions") { "ListFunctions".to_owned() } else { target };
        let operation = match body.strip_prefix("Action=") {
            Some(form) => form.split('&').next().unwrap().to_owned(),
            None => operation,
        };
        asked.lock().unwrap().push(operation.clone());
        let answer = answer(&operation, &scope, account);
        let kind = if answer.starts_with('<') { "text/xml" } else { "application/x-amz-json-1.1" };
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", answer.len());
        stream.write_all((head + &answer).as_bytes()).unwrap();
    }
}

fn answer(operation: &str, region: &str, account: Account) -> String {
    let parameters =
        |fields: fn(&str) -> String| account.parameters.iter().map(|name| fields(name)).collect::<Vec<_>>().join(",");
    match operation {
        "DescribeDBInstances" => {
            let instances: String = account.databases.iter().map(|name| instance(name)).collect();
            format!(
                "<DescribeDBInstancesResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><DescribeDBInstancesResult><DBInstances>\
                 {instances}</DBInstances></DescribeDBInstancesResult></DescribeDBInstancesResponse>"
            )
        }
        "DescribeParameters" => {
            let listed = parameters(|name| format!("{{\"Name\":\"{name}\",\"Type\":\"String\"}}"));
            format!("{{\"Parameters\":[{listed},{{\"Name\":\"/shop/password\",\"Type\":\"SecureString\"}}]}}")
        }
        "GetParameters" => {
            format!("{{\"Parameters\":[{}]}}", parameters(|name| format!("{{\"Name\":\"{name}\",\"Value\":\"{HOST}\"}}")))
        }
        "ListFunctions" => format!(
            "{{\"Functions\":[{{\"FunctionName\":\"shop-reports\",\"Environment\":{{\"Variables\":{{\"DB\":\"{HOST}\"}}}}}},\
             {{\"FunctionName\":\"other\"}}]}}"
        ),
        "ListClusters" => format!("{{\"clusterArns\":[\"arn:aws:ecs:{region}:123456789012:cluster/shop\"]}}"),
        "ListServices" => format!(
            "{{\"serviceArns\":[\"arn:aws:ecs:{region}:123456789012:service/shop/api\",\
             \"arn:aws:ecs:{region}:123456789012:service/shop/only-{region}\"]}}"
        ),
        other => panic!("nobody answers {other}"),
    }
}

fn instance(name: &str) -> String {
    format!(
        "<DBInstance><DBInstanceIdentifier>{name}</DBInstanceIdentifier><Engine>postgres</Engine>\
         <DBInstanceArn>arn:aws:rds:us-east-1:123456789012:db:{name}</DBInstanceArn><Endpoint><Address>{HOST}</Address></Endpoint>\
         <ReadReplicaDBInstanceIdentifiers><ReadReplicaDBInstanceIdentifier>near</ReadReplicaDBInstanceIdentifier>\
         <ReadReplicaDBInstanceIdentifier>arn:aws:rds:us-west-2:123456789012:db:{name}-dr</ReadReplicaDBInstanceIdentifier>\
         </ReadReplicaDBInstanceIdentifiers></DBInstance>"
    )
}

#[tokio::test]
async fn an_account_answers_what_it_can_by_reads_alone() {
    let (config, asked) = stub(SHOP);
    let found = look(&config, "us-east-1", None).await.unwrap();
    let expected = [
        ("account", "123456789012"),
        ("cluster", "shop"),
        ("host_function", "shop-reports"),
        ("host_parameter", "/shop/host"),
        ("host_variable", "DB"),
        ("primary_database", "shop-prod"),
        ("primary_region", "us-east-1"),
        ("recovery_database", "shop-prod-dr"),
        ("recovery_region", "us-west-2"),
        ("service", "api"),
    ];
    let answers: Vec<(&str, &str)> = found.answers.iter().map(|(key, text)| (key.as_str(), text.as_str())).collect();
    assert_eq!(answers, expected, "{:?}", found.remarks);
    assert!(
        asked
            .lock()
            .unwrap()
            .iter()
            .all(|operation| ["Describe", "List", "Get"].iter().any(|reads| operation.starts_with(reads)))
    );
}

#[tokio::test]
async fn what_is_found_makes_a_plan_that_lacks_only_what_an_account_does_not_say() {
    let (config, _) = stub(SHOP);
    let found = look(&config, "us-east-1", None).await.unwrap();
    let answers = super::super::Answers::gather(found.answers, |_, _, _| Ok(None)).unwrap();
    let plan = super::super::text::plan(&answers);
    let reading = shared::planfile::read(&plan);
    let left: Vec<&str> = reading.findings.iter().map(|finding| finding.message.split(' ').next().unwrap()).collect();
    assert_eq!(left[..2], ["platform", "components.database.primary.isolation_security_group"], "{:?}", reading.findings);
}

#[tokio::test]
async fn of_several_that_fit_none_is_guessed() {
    let (config, _) = stub(Account { databases: &["shop-prod", "ledger"], parameters: &["/a", "/b"] });
    let several = look(&config, "us-east-1", None).await.unwrap_err();
    assert!(several.to_string().contains("shop-prod, ledger"), "{several}");
    let unknown = look(&config, "us-east-1", Some("shop")).await.unwrap_err();
    assert!(unknown.to_string().contains("it has: shop-prod, ledger"), "{unknown}");
    let found = look(&config, "us-east-1", Some("ledger")).await.unwrap();
    assert_eq!(found.answers["recovery_database"], "ledger-dr");
    assert_eq!(found.answers.get("host_parameter"), None);
    assert!(found.remarks.iter().any(|remark| remark.contains("/a, /b")), "{:?}", found.remarks);
    let (config, _) = stub(Account { databases: &[], parameters: &[] });
    assert!(matches!(look(&config, "us-east-1", None).await, Err(AccountError::NoReplica { .. })));
}

#[tokio::test]
async fn a_call_that_changes_something_is_not_sent() {
    let (config, asked) = stub(SHOP);
    let builder = aws_sdk_rds::config::Builder::from(&config);
    let client = aws_sdk_rds::Client::from_conf(
        builder.region(aws_sdk_rds::config::Region::new("us-east-1")).interceptor(OnlyListed(is_listed)).build(),
    );
    let refused = client.reboot_db_instance().db_instance_identifier("shop-prod").send().await.unwrap_err();
    assert!(format!("{refused:?}").contains("RebootDBInstance is not among the calls that only read"), "{refused:?}");
    assert!(asked.lock().unwrap().is_empty(), "nothing reached the wire");
}
