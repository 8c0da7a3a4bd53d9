"""A judge that finds nothing must be one that would have found something: every kind of flaw, planted."""

import json
import unittest

import botocore.session
from answers import judge
from botocore.parsers import create_parser

SESSION = botocore.session.get_session()
RDS = 'xmlns="http://rds.amazonaws.com/doc/2014-10-31/"'
ROUTE53 = 'xmlns="https://route53.amazonaws.com/doc/2013-04-01/"'


def found(service, operation, body, status=200, headers=None):
    model = SESSION.get_service_model(service).operation_model(operation)
    protocol = model.service_model.resolved_protocol
    raw = {"status_code": status, "headers": headers or {"content-type": "text/xml"}, "body": body.encode()}
    try:
        parsed = create_parser(protocol).parse(raw, model.output_shape)
    except ValueError:
        # botocore itself stumbles over some of what is planted here; what it would have said is then missing, and no more.
        parsed = {}
    return judge.flaws(model, raw, parsed)


def instances(members):
    return (
        f"<DescribeDBInstancesResponse {RDS}><DescribeDBInstancesResult><DBInstances><DBInstance>{members}</DBInstance>"
        "</DBInstances></DescribeDBInstancesResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>"
        "</DescribeDBInstancesResponse>"
    )


def change(members):
    return f"<GetChangeResponse {ROUTE53}><ChangeInfo>{members}</ChangeInfo></GetChangeResponse>"


def refusal(code, kind="Sender", namespace=RDS):
    return (
        f"<ErrorResponse {namespace}><Error><Type>{kind}</Type><Code>{code}</Code><Message>m</Message></Error>"
        "<RequestId>r</RequestId></ErrorResponse>"
    )


WHOLE = "<Id>/change/C1</Id><Status>PENDING</Status><SubmittedAt>2026-11-20T14:00:00.000Z</SubmittedAt>"


class Successes(unittest.TestCase):
    def assert_flaw(self, words, flaws):
        self.assertTrue(any(words in flaw for flaw in flaws), flaws)

    def test_an_answer_as_it_should_be_has_no_flaw(self):
        self.assertEqual(found("rds", "DescribeDBInstances", instances("<MultiAZ>true</MultiAZ>")), [])
        self.assertEqual(found("route53", "GetChange", change(WHOLE)), [])

    def test_an_element_that_the_model_does_not_know_is_found_where_botocore_drops_it(self):
        body = instances("<Standby>b</Standby>")
        model = SESSION.get_service_model("rds").operation_model("DescribeDBInstances")
        raw = {"status_code": 200, "headers": {}, "body": body.encode()}
        parsed = create_parser("query").parse(raw, model.output_shape)
        self.assertEqual(parsed["DBInstances"], [{}])
        self.assert_flaw("Standby: the model knows no such element", found("rds", "DescribeDBInstances", body))

    def test_a_required_member_that_is_missing_is_found(self):
        flaws = found("route53", "GetChange", change(WHOLE.replace("<Status>PENDING</Status>", "")))
        self.assert_flaw("Status: is required and not there", flaws)
        self.assert_flaw("as botocore read it", flaws)

    def test_values_are_of_their_type_and_within_their_bounds(self):
        for members, words in [
            ("<MultiAZ>yes</MultiAZ>", "no truth value"),
            ("<AllocatedStorage>many</AllocatedStorage>", "no whole number"),
            ("<MultiAZ>true</MultiAZ><MultiAZ>true</MultiAZ>", "is there 2 times"),
            ("<Endpoint>text<Port>5432</Port></Endpoint>", "has text beside its elements"),
            ("<VpcSecurityGroups><member/></VpcSecurityGroups>", "the model's members are VpcSecurityGroupMembership"),
        ]:
            with self.subTest(members):
                self.assert_flaw(words, found("rds", "DescribeDBInstances", instances(members)))
        for members, words in [
            (WHOLE.replace("PENDING", "SOON"), "none of the values"),
            (WHOLE.replace("2026-11-20T", "2026-11-20 "), "no time"),
            (WHOLE.replace("C1", "C" * 40), "bounds"),
        ]:
            with self.subTest(members):
                self.assert_flaw(words, found("route53", "GetChange", change(members)))

    def test_a_document_of_another_name_or_namespace_is_found(self):
        body = change(WHOLE)
        self.assert_flaw("is called", found("route53", "GetChange", body.replace("GetChangeResponse", "Change")))
        self.assert_flaw("namespace", found("route53", "GetChange", body.replace(ROUTE53, "")))
        self.assert_flaw("content type", found("route53", "GetChange", body, headers={"content-type": "text/html"}))

    def test_json_is_read_as_strictly(self):
        whole = {"Id": "lag", "Label": "l", "Timestamps": [1.0], "Values": [0.5], "StatusCode": "Complete"}
        headers = {"content-type": "application/x-amz-json-1.0"}

        def judged(**changed):
            body = json.dumps({"MetricDataResults": [{**whole, **changed}], "Messages": []})
            return found("cloudwatch", "GetMetricData", body, headers=headers)

        self.assertEqual(judged(), [])
        self.assert_flaw("no such member", judged(Surprise=1))
        self.assert_flaw("none of the values", judged(StatusCode="Done"))
        self.assert_flaw("no floating-point number", judged(Values=["0.5"]))


class Refusals(unittest.TestCase):
    def judged(self, code, status, **more):
        return found("rds", "DescribeDBInstances", refusal(code, **more), status)

    def test_a_modelled_error_and_a_common_one_have_no_flaw(self):
        self.assertEqual(self.judged("DBInstanceNotFound", 404), [])
        self.assertEqual(self.judged("InvalidParameterValue", 400), [])
        self.assertEqual(self.judged("ServiceUnavailable", 503, kind="Receiver"), [])

    def test_codes_statuses_and_faults_that_are_not_so_are_found(self):
        self.assertIn("none that is common", self.judged("Nonsense", 400)[0])
        # Another operation's error is not this operation's.
        self.assertIn("no error of the operation", self.judged("DBSnapshotNotFound", 404)[0])
        self.assertIn("status 400", self.judged("DBInstanceNotFound", 400)[0])
        self.assertIn("the fault of the Receiver", self.judged("DBInstanceNotFound", 404, kind="Receiver")[0])
        self.assertIn("namespace", self.judged("DBInstanceNotFound", 404, namespace="")[0])

    def test_the_header_of_the_query_protocol_belongs_to_cloudwatchs_errors(self):
        body = json.dumps({"__type": "InvalidNextToken", "message": "m"})
        headers = {"content-type": "application/x-amz-json-1.0"}
        self.assertIn("x-amzn-query-error", found("cloudwatch", "GetMetricData", body, 400, headers)[0])
        headers["x-amzn-query-error"] = "InvalidNextToken;Sender"
        self.assertEqual(found("cloudwatch", "GetMetricData", body, 400, headers), [])


if __name__ == "__main__":
    unittest.main()
