use std::convert::Infallible;

use jiff::{SignedDuration, Timestamp};
use minicbor::Encoder;
use minicbor::data::IanaTag;
use minicbor::encode::Error;
use rehearsal_world::{PairConfig, World};
use serde_json::{Value, json};

use super::{answer, concerns_the_world};
use crate::wire::answer::WireAnswer;
use crate::wire::call::WireCall;
use crate::wire::cbor;
use crate::wire::tests::requests;

const WEST: &str = "us-west-2";

fn start() -> Timestamp {
    "2026-11-20T14:00:00Z".parse().unwrap()
}

/// A world that has been idle for ten minutes and a half.
fn world() -> World {
    let config = PairConfig { recovery_id: "orders-dr".to_owned(), ..PairConfig::default() };
    let mut world = World::pair(config, 1, start());
    world.advance(start() + SignedDuration::from_secs(630));
    world
}

/// A request as the SDK writes it, with maps of unknown length; what a test wants otherwise, it changes.
struct Wanted {
    ids: Vec<&'static str>,
    namespace: &'static str,
    period: i32,
    stat: &'static str,
    minutes: i64,
    more: Vec<(&'static str, Member)>,
}

enum Member {
    Text(String),
    Integer(i32),
}

impl Default for Wanted {
    fn default() -> Self {
        Self { ids: vec!["lag"], namespace: "AWS/RDS", period: 60, stat: "Maximum", minutes: 10, more: Vec::new() }
    }
}

impl Wanted {
    fn body(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new());
        self.write(&mut encoder).unwrap();
        encoder.into_writer()
    }

    fn write(&self, encoder: &mut Encoder<Vec<u8>>) -> Result<(), Error<Infallible>> {
        let until = start() + SignedDuration::from_secs(630);
        let from = until - SignedDuration::from_mins(self.minutes);
        encoder.begin_map()?;
        encoder.str("MetricDataQueries")?.array(self.ids.len() as u64)?;
        for id in &self.ids {
            encoder.begin_map()?.str("Id")?.str(id)?.str("MetricStat")?.begin_map()?;
            encoder.str("Metric")?.begin_map()?;
            encoder.str("Namespace")?.str(self.namespace)?.str("MetricName")?.str("ReplicaLag")?;
            encoder.str("Dimensions")?.array(1)?.begin_map()?;
            encoder.str("Name")?.str("DBInstanceIdentifier")?.str("Value")?.str("orders-dr")?;
            encoder.end()?.end()?;
            encoder.str("Period")?.i32(self.period)?.str("Stat")?.str(self.stat)?;
            encoder.end()?.str("ReturnData")?.bool(true)?.end()?;
        }
        encoder.str("StartTime")?.tag(IanaTag::Timestamp)?.f64(from.as_second() as f64)?;
        encoder.str("EndTime")?.tag(IanaTag::Timestamp)?.f64(until.as_second() as f64)?;
        for (name, member) in &self.more {
            encoder.str(name)?;
            match member {
                Member::Text(text) => encoder.str(text)?,
                Member::Integer(number) => encoder.i32(*number)?,
            };
        }
        encoder.end()?;
        Ok(())
    }

    fn call(&self) -> WireCall {
        in_cbor(&self.body(), "GetMetricData")
    }

    fn ask(&self, world: &mut World) -> (u16, Value) {
        let now = world.now();
        read(&answer(world, &self.call(), now))
    }
}

fn in_cbor(body: &[u8], operation: &str) -> WireCall {
    let path = format!("/service/GraniteServiceVersion20100801/operation/{operation}");
    requests::cbor("monitoring", &path, body).in_region(WEST).call()
}

fn read(answer: &WireAnswer) -> (u16, Value) {
    assert_eq!(answer.header("content-type"), Some("application/cbor"));
    assert_eq!(answer.header("smithy-protocol"), Some("rpc-v2-cbor"));
    (answer.status, cbor::decode(&answer.body).unwrap())
}

fn seconds(result: &Value) -> Vec<i64> {
    let since = |time: &Value| time.as_f64().unwrap() as i64 - start().as_second();
    result["Timestamps"].as_array().unwrap().iter().map(since).collect()
}

#[test]
fn what_the_sdk_puts_on_the_wire_is_understood() {
    let (status, document) = Wanted::default().ask(&mut world());
    assert_eq!(status, 200, "{document}");
    let result = &document["MetricDataResults"][0];
    assert_eq!(result["Id"], "lag");
    assert_eq!(result["Label"], "ReplicaLag");
    assert_eq!(result["StatusCode"], "Complete");
    let points = result["Timestamps"].as_array().unwrap().len();
    assert_eq!(points, 11, "the start is cut down to its minute");
    assert_eq!(result["Values"].as_array().unwrap().len(), points);
    assert!(document.get("NextToken").is_none());
    assert!(concerns_the_world(&Wanted::default().call()));
    assert!(!concerns_the_world(&Wanted { namespace: "Recovery/Probe", ..Wanted::default() }.call()));
}

#[test]
fn the_newest_data_point_comes_first_unless_asked_otherwise() {
    let mut world = world();
    let newest_first = seconds(&Wanted::default().ask(&mut world).1["MetricDataResults"][0]);
    let mut oldest_first = newest_first.clone();
    oldest_first.reverse();
    assert!(oldest_first.is_sorted());
    let ascending = vec![("ScanBy", Member::Text("TimestampAscending".to_owned()))];
    let asked = Wanted { more: ascending, ..Wanted::default() }.ask(&mut world).1;
    assert_eq!(seconds(&asked["MetricDataResults"][0]), oldest_first);
}

#[test]
fn results_are_cut_at_the_most_data_points_and_go_on_with_the_token() {
    let mut world = world();
    let two = || Wanted { ids: vec!["one", "two"], ..Wanted::default() };
    let whole = two().ask(&mut world).1;
    let (mut points, mut token, mut pages) = (Vec::new(), None::<String>, 0);
    loop {
        let mut more = vec![("MaxDatapoints", Member::Integer(7))];
        if let Some(token) = &token {
            more.push(("NextToken", Member::Text(token.clone())));
        }
        let (status, page) = Wanted { more, ..two() }.ask(&mut world);
        assert_eq!(status, 200, "{page}");
        let results = page["MetricDataResults"].as_array().unwrap();
        assert!(results.iter().map(|result| seconds(result).len()).sum::<usize>() <= 7);
        for result in results {
            points.extend(seconds(result).into_iter().map(|second| (result["Id"].as_str().unwrap().to_owned(), second)));
        }
        pages += 1;
        match page.get("NextToken").and_then(Value::as_str) {
            Some(next) => {
                assert_eq!(results.last().unwrap()["StatusCode"], "PartialData");
                token = Some(next.to_owned());
            }
            None => break,
        }
    }
    assert_eq!(pages, 4);
    let expected: Vec<(String, i64)> = ["one", "two"]
        .iter()
        .enumerate()
        .flat_map(|(at, id)| seconds(&whole["MetricDataResults"][at]).into_iter().map(|second| ((*id).to_owned(), second)))
        .collect();
    assert_eq!(points, expected);
    for token in ["", "after-0", "after-22", "after-x", "something"] {
        let more = vec![("NextToken", Member::Text(token.to_owned()))];
        let (status, error) = Wanted { more, ..two() }.ask(&mut world);
        assert_eq!(
            (status, error["__type"].as_str().unwrap()),
            (400, "com.amazonaws.cloudwatch#InvalidNextToken"),
            "{token}"
        );
    }
}

#[test]
fn values_are_taken_over_whole_periods() {
    let mut world = world();
    let five_minutes = |stat| Wanted { period: 300, stat, ..Wanted::default() };
    let count = five_minutes("SampleCount").ask(&mut world).1;
    assert_eq!(seconds(&count["MetricDataResults"][0]), [600, 300, 0]);
    assert_eq!(count["MetricDataResults"][0]["Values"], serde_json::json!([1.0, 5.0, 5.0]));
    let value =
        |world: &mut World, stat| five_minutes(stat).ask(world).1["MetricDataResults"][0]["Values"][1].as_f64().unwrap();
    let (least, mean, most) = (value(&mut world, "Minimum"), value(&mut world, "Average"), value(&mut world, "Maximum"));
    assert!(least < mean && mean < most, "{least} {mean} {most}");
    assert!((value(&mut world, "Sum") - 5.0 * mean).abs() < 1e-6);
}

#[test]
fn queries_that_break_the_rules_are_refused() {
    let mut world = world();
    let text = |text: &str| Member::Text(text.to_owned());
    let broken = [
        Wanted { ids: vec![], ..Wanted::default() },
        Wanted { ids: vec!["lag"; 2], ..Wanted::default() },
        Wanted { ids: vec!["Lag"], ..Wanted::default() },
        Wanted { ids: vec!["la-g"], ..Wanted::default() },
        Wanted { ids: vec![""], ..Wanted::default() },
        Wanted { period: 30, ..Wanted::default() },
        Wanted { period: 0, ..Wanted::default() },
        Wanted { period: -60, ..Wanted::default() },
        Wanted { stat: "p99", ..Wanted::default() },
        Wanted { minutes: 0, ..Wanted::default() },
        Wanted { minutes: -5, ..Wanted::default() },
        Wanted { namespace: "AWS/EC2", ..Wanted::default() },
        Wanted { more: vec![("MaxDatapoints", Member::Integer(0))], ..Wanted::default() },
        Wanted { more: vec![("ScanBy", text("Sideways"))], ..Wanted::default() },
        Wanted { more: vec![("Surprise", text("!"))], ..Wanted::default() },
    ];
    for (number, wanted) in broken.iter().enumerate() {
        // Asked in vain, but asked here: nobody else answers for what is only half understood.
        assert_eq!(concerns_the_world(&wanted.call()), !wanted.ids.is_empty() && wanted.namespace == "AWS/RDS", "{number}");
        let (status, error) = wanted.ask(&mut world);
        assert_eq!(status, 400, "{number}: {error}");
        assert!(error["__type"].as_str().unwrap().starts_with("com.amazonaws.cloudwatch#"));
    }
    let many = Wanted { ids: vec!["lag"; 501], ..Wanted::default() };
    assert_eq!(many.ask(&mut world).0, 400);
}

#[test]
fn what_is_no_request_is_refused() {
    let mut world = world();
    let now = world.now();
    let whole = Wanted::default().body();
    for body in [&b""[..], b"\x80", b"{}", &whole[..whole.len() - 1], &vec![0x9f; 100_000], &vec![b'a'; 2_000_000]] {
        let call = in_cbor(body, "GetMetricData");
        assert_eq!(answer(&mut world, &call, now).status, 400);
        assert!(!concerns_the_world(&call));
    }
    assert_eq!(answer(&mut world, &in_cbor(&whole, "PutMetricData"), now).status, 400);
}

#[test]
fn throttling_and_darkness_are_answered_as_errors() {
    let mut world = world();
    world.throttle(WEST, 1);
    let (status, error) = Wanted::default().ask(&mut world);
    assert_eq!((status, error["__type"].as_str().unwrap()), (400, "com.amazonaws.cloudwatch#Throttling"));
    let now = world.now();
    world.region_dark(WEST, true, now);
    assert_eq!(Wanted::default().ask(&mut world).0, 503);
}

#[test]
fn a_metric_that_nobody_publishes_has_no_data_points() {
    let mut world = world();
    let now = world.now();
    let of_the_primary = WireCall { region: "us-east-1".to_owned(), ..Wanted::default().call() };
    let (status, document) = read(&answer(&mut world, &of_the_primary, now));
    assert_eq!(status, 200);
    assert!(seconds(&document["MetricDataResults"][0]).is_empty());
    assert_eq!(document["MetricDataResults"][0]["StatusCode"], "Complete");
}

#[test]
fn the_same_question_has_the_same_answer_in_every_protocol() {
    let mut world = world();
    let now = world.now();
    let in_cbor = Wanted::default().ask(&mut world).1;
    let (from, until) = (start() + SignedDuration::from_secs(30), start() + SignedDuration::from_secs(630));
    let document = json!({
        "MetricDataQueries": [{"Id": "lag", "ReturnData": true, "MetricStat": {"Period": 60, "Stat": "Maximum", "Metric": {
            "Namespace": "AWS/RDS", "MetricName": "ReplicaLag",
            "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": "orders-dr"}],
        }}}],
        "StartTime": from.as_second(), "EndTime": until.as_second(),
    });
    let wire = requests::target("monitoring", "GraniteServiceVersion20100801.GetMetricData", document).in_region(WEST);
    assert!(concerns_the_world(&wire.call()));
    let in_json: Value = serde_json::from_slice(&answer(&mut world, &wire.call(), now).body).unwrap();
    assert_eq!(in_json, in_cbor);

    let query = "MetricDataQueries.member.1";
    let metric = format!("{query}.MetricStat.Metric");
    let form = format!(
        "Action=GetMetricData&Version=2010-08-01&{query}.Id=lag&{query}.MetricStat.Period=60&{query}.MetricStat.Stat=Maximum\
         &{metric}.Namespace=AWS%2FRDS&{metric}.MetricName=ReplicaLag&{metric}.Dimensions.member.1.Name=DBInstanceIdentifier\
         &{metric}.Dimensions.member.1.Value=orders-dr&StartTime={from}&EndTime={until}"
    );
    let wire = requests::form("monitoring", &form).in_region(WEST);
    assert!(concerns_the_world(&wire.call()));
    let in_xml = answer(&mut world, &wire.call(), now);
    let document = roxmltree::Document::parse(std::str::from_utf8(&in_xml.body).unwrap()).unwrap();
    let members = |name: &str| -> Vec<String> {
        let list = document.descendants().find(|node| node.has_tag_name((super::XML_NAMESPACE, name))).unwrap();
        list.children().filter_map(|member| member.text().map(str::to_owned)).collect()
    };
    let result = &in_cbor["MetricDataResults"][0];
    let values: Vec<f64> = members("Values").iter().map(|text| text.parse().unwrap()).collect();
    assert_eq!(json!(values), result["Values"]);
    let times: Vec<i64> = members("Timestamps").iter().map(|text| text.parse::<Timestamp>().unwrap().as_second()).collect();
    assert_eq!(times.iter().map(|second| second - start().as_second()).collect::<Vec<_>>(), seconds(result));

    let refused = answer(&mut world, &requests::form("monitoring", "Action=GetMetricData").in_region(WEST).call(), now);
    assert_eq!((refused.status, refused.error_code().as_deref()), (400, Some("ValidationError")));
}
