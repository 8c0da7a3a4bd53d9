"""Each rule of template_lint is shown to fire on the one fault it is for, and on nothing else."""

import unittest

import template_lint

SOUND = """
Globals:
  Function:
    Timeout: 15
    Tracing: Active
    AutoPublishAlias: live
    AutoPublishAliasAllProperties: true
Resources:
  Check:
    Type: AWS::Serverless::Function
    Properties:
      Role: !GetAtt CheckRole.Arn
      LoggingConfig: { LogGroup: !Ref CheckLogs }
  CheckLogs:
    Type: AWS::Logs::LogGroup
    Properties: { RetentionInDays: 30 }
  CheckRole:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyDocument:
            Statement:
              - Effect: Allow
                Action: [rds:DescribeDBInstances]
                Resource: !Sub "arn:aws:rds:us-west-2:${AWS::AccountId}:db:one"
              - Effect: Allow
                Action: cloudwatch:GetMetricData
                Resource: "*" # Metrics are no resources.
"""


class TemplateLint(unittest.TestCase):
    def assert_only_fault(self, expected, sound_part, broken_part):
        self.assertIn(sound_part, SOUND)
        faults = list(template_lint.lint(SOUND.replace(sound_part, broken_part)))
        self.assertEqual(len(faults), 1, faults)
        self.assertIn(expected, faults[0])

    def test_a_sound_template_has_no_fault(self):
        self.assertEqual(list(template_lint.lint(SOUND)), [])

    def test_any_resource_needs_a_reason_beside_it(self):
        self.assert_only_fault("no comment beside it says why", " # Metrics are no resources.", "")

    def test_any_resource_in_a_list_needs_one_too(self):
        self.assert_only_fault(
            "no comment beside it says why",
            'Resource: "*" # Metrics are no resources.',
            'Resource:\n                  - "*"',
        )

    def test_an_action_that_is_a_pattern_is_refused(self):
        self.assert_only_fault("action rds:Describe* is a pattern", "rds:DescribeDBInstances", '"rds:Describe*"')

    def test_a_statement_by_exception_is_refused(self):
        self.assert_only_fault("allows all that comes later", "Action: cloudwatch:GetMetricData", "NotAction: iam:PassRole")

    def test_yaml_aliases_are_refused(self):
        self.assert_only_fault("CloudFormation reads no YAML aliases", "Action: [rds", "Action: &actions [rds")

    def test_a_function_without_a_role_of_its_own_is_refused(self):
        self.assert_only_fault("has no role of its own", "      Role: !GetAtt CheckRole.Arn\n", "")

    def test_two_functions_must_not_share_a_role(self):
        second = SOUND.split("Resources:\n")[1].split("  CheckLogs:")[0].replace("Check:", "Second:")
        self.assert_only_fault("Second: shares its role with Check", "  CheckLogs:\n", second + "  CheckLogs:\n")

    def test_a_function_that_may_run_longer_is_refused(self):
        self.assert_only_fault("its timeout is not at most 15 s", "Timeout: 15", "Timeout: 16")

    def test_a_function_whose_alias_would_lag_behind_is_refused(self):
        self.assert_only_fault("would not reach the alias live", "    AutoPublishAliasAllProperties: true\n", "")

    def test_a_function_that_is_not_traced_is_refused(self):
        self.assert_only_fault("is not traced", "Tracing: Active", "Tracing: PassThrough")

    def test_logs_that_are_kept_forever_are_refused(self):
        self.assert_only_fault("no group with a retention", "Properties: { RetentionInDays: 30 }", "Properties: {}")


if __name__ == "__main__":
    unittest.main()
