"""What the deployment does to a template, and what it makes of its functions."""

import unittest

from deployment.comparison import Comparison
from deployment.intrinsics import Resolver, Unresolved, pseudo_parameters
from deployment.omissions import CannotRehearse, leave_out
from deployment.pseudo_parameters import write_into_conditions


def resolver(resources=None, physical=None, conditions=None):
    template = {
        "Resources": resources or {},
        "Conditions": conditions or {},
        "Parameters": {
            "Platform": {"Type": "String", "Default": "p"},
            "Site": {"Type": "String", "Default": "us-west-2"},
            "Zones": {"Type": "CommaDelimitedList", "Default": "a, b"},
        },
    }
    return Resolver(template, {"Platform": "q"}, "stack", "123456789012", "us-west-2", physical or {})


class Intrinsics(unittest.TestCase):
    def test_substitutions_know_parameters_pseudo_parameters_and_attributes(self):
        resources = {"Table": {"Type": "AWS::DynamoDB::Table"}}
        text = {"Fn::Sub": "${Platform}/${AWS::Region}/${Table.Arn}/${!Kept}"}
        resolved = resolver(resources, {"Table": "t"}).resolve(text)
        self.assertEqual(resolved, "q/us-west-2/arn:aws:dynamodb:us-west-2:123456789012:table/t/${Kept}")

    def test_no_value_removes_the_property_and_the_list_entry(self):
        conditions = {"Never": {"Fn::Equals": ["a", "b"]}}
        none = {"Fn::If": ["Never", "x", {"Ref": "AWS::NoValue"}]}
        self.assertEqual(resolver(conditions=conditions).resolve({"a": none, "b": [none, 1]}), {"b": [1]})

    def test_a_list_parameter_is_a_list(self):
        self.assertEqual(resolver().resolve({"Fn::Select": [1, {"Ref": "Zones"}]}), "b")
        self.assertEqual(resolver().resolve({"Fn::Join": ["-", {"Ref": "Zones"}]}), "a-b")

    def test_a_policy_that_names_a_condition_operator_is_left_alone(self):
        statement = {"Condition": {"StringEquals": {"aws:RequestedRegion": [{"Ref": "Site"}]}}}
        self.assertEqual(
            resolver().resolve(statement), {"Condition": {"StringEquals": {"aws:RequestedRegion": ["us-west-2"]}}}
        )

    def test_an_attribute_that_is_not_known_here_is_no_guess(self):
        resources = {"Table": {"Type": "AWS::DynamoDB::Table"}}
        with self.assertRaises(Unresolved):
            resolver(resources, {"Table": "t"}).resolve({"Fn::GetAtt": ["Table", "StreamArn"]})


class Omissions(unittest.TestCase):
    def test_what_refers_to_something_left_out_is_left_out_too(self):
        template = {
            "Resources": {
                "Both": {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {}},
                "Told": {"Type": "AWS::SNS::Subscription", "Properties": {"Endpoint": {"Fn::Sub": "x-${Both.Arn}"}}},
                "Topic": {"Type": "AWS::SNS::Topic", "DependsOn": ["Both"], "Properties": {}},
            },
            "Outputs": {"Alarm": {"Value": {"Ref": "Both"}}, "Topic": {"Value": {"Ref": "Topic"}}},
        }
        omitted = leave_out(template)
        self.assertEqual([each["resource"] for each in omitted], ["Both", "Told", "Alarm"])
        topic = {"Type": "AWS::SNS::Topic", "DependsOn": [], "Properties": {}}
        self.assertEqual(template["Resources"], {"Topic": topic})
        self.assertEqual(list(template["Outputs"]), ["Topic"])

    def test_a_function_is_never_left_out(self):
        template = {
            "Resources": {
                "Check": {"Type": "AWS::Route53::HealthCheck", "Properties": {}},
                "Function": {"Type": "AWS::Lambda::Function", "Properties": {"Description": {"Ref": "Check"}}},
            }
        }
        with self.assertRaisesRegex(CannotRehearse, "Function .* it refers to Check"):
            leave_out(template)


class PseudoParameters(unittest.TestCase):
    def test_conditions_learn_the_region_and_keep_their_parameters(self):
        template = {"Conditions": {"Armed": {"Fn::Equals": [{"Ref": "ArmedFor"}, {"Ref": "AWS::Region"}]}}}
        write_into_conditions(template, pseudo_parameters("stack", "123456789012", "us-west-2"))
        self.assertEqual(template["Conditions"]["Armed"], {"Fn::Equals": [{"Ref": "ArmedFor"}, "us-west-2"]})


class Comparisons(unittest.TestCase):
    def test_numbers_and_truth_are_compared_by_meaning(self):
        self.assertTrue(Comparison("r", "p", {"a": 1, "b": True}, {"a": "1", "b": "true"}).holds())
        self.assertTrue(Comparison("r", "p", 1, 1.0).holds())
        self.assertFalse(Comparison("r", "p", ["a", "b"], ["b", "a"]).holds())
        self.assertFalse(Comparison("r", "p", "x", None).holds())


if __name__ == "__main__":
    unittest.main()
