"""Each rule of asl_lint is shown to fire on the one fault it is for, and on nothing else."""

import copy
import unittest

import asl_lint

FUNCTION_TIMEOUT = 15
SUPPLIED = {"Recovery"}
SOUND = {
    "StartAt": "Advance",
    "TimeoutSeconds": 60,
    "States": {
        "Advance": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {
                "FunctionName": "${Recovery}",
                "Payload": {"task": "advance", "incident_id.$": "$.incident_id"},
            },
            "ResultSelector": {"answer.$": "$.Payload"},
            "ResultPath": "$.advance",
            "TimeoutSeconds": 20,
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": "Pause"}],
            "Next": "Decide",
        },
        "Pause": {"Type": "Wait", "Seconds": 5, "Next": "Advance"},
        "Decide": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.advance.answer.status", "StringEquals": "in_progress", "Next": "WaitAsTold"},
                {
                    "And": [
                        {"Variable": "$.advance.answer.status", "StringEquals": "run"},
                        {"Variable": "$.advance.answer.steps[0]", "IsPresent": True},
                    ],
                    "Next": "RunSteps",
                },
            ],
            "Default": "Done",
        },
        "WaitAsTold": {"Type": "Wait", "SecondsPath": "$.advance.answer.wait_s", "Next": "Advance"},
        "RunSteps": {
            "Type": "Map",
            "ItemsPath": "$.advance.answer.steps",
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "INLINE"},
                "StartAt": "Approve",
                "States": {
                    "Approve": {
                        "Type": "Task",
                        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
                        "Parameters": {
                            "FunctionName": "${Recovery}",
                            "Payload": {
                                "task": "await_approval",
                                "incident_id.$": "$.incident_id",
                                "step.$": "$.step",
                                "token.$": "$$.Task.Token",
                            },
                        },
                        "ResultPath": None,
                        "TimeoutSeconds": 10,
                        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": "Breathe"}],
                        "End": True,
                    },
                    "Breathe": {"Type": "Wait", "Seconds": 5, "Next": "Approve"},
                },
            },
            "ResultPath": None,
            "Next": "Advance",
        },
        "Done": {"Type": "Succeed"},
    },
}


class AslLint(unittest.TestCase):
    def setUp(self):
        self.definition = copy.deepcopy(SOUND)
        self.states = self.definition["States"]
        self.advance = self.states["Advance"]
        self.approve = self.states["RunSteps"]["ItemProcessor"]["States"]["Approve"]

    def faults(self, supplied=SUPPLIED):
        return asl_lint.lint(self.definition, supplied, {"Recovery": FUNCTION_TIMEOUT})

    def assert_only_fault(self, expected, supplied=SUPPLIED):
        faults = self.faults(supplied)
        self.assertEqual(len(faults), 1, faults)
        self.assertIn(expected, faults[0])

    def test_a_sound_definition_has_no_fault(self):
        self.assertEqual(self.faults(), [])

    def test_a_machine_without_a_timeout_is_refused(self):
        del self.definition["TimeoutSeconds"]
        self.assert_only_fault("no TimeoutSeconds")

    def test_an_integration_that_does_not_exist_is_refused(self):
        self.advance["Resource"] = "arn:aws:states:::lambda:invok"
        self.assert_only_fault("unknown or forbidden service integration")

    def test_an_integration_that_the_role_cannot_use_is_refused(self):
        self.advance["Resource"] = "arn:aws:states:::aws-sdk:rds:deleteDBInstance"
        self.assert_only_fault("unknown or forbidden service integration")

    def test_states_all_must_stand_last(self):
        self.advance["Catch"].append({"ErrorEquals": ["States.Timeout"], "ResultPath": None, "Next": "Pause"})
        self.assert_only_fault("States.ALL is not last in Catch")

    def test_states_all_must_stand_alone(self):
        self.advance["Catch"][0]["ErrorEquals"] = ["States.ALL", "States.Timeout"]
        self.assert_only_fault("States.ALL is not alone in Catch")

    def test_the_same_holds_for_retry(self):
        self.advance["Retry"] = [{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["States.Timeout"]}]
        self.assert_only_fault("States.ALL is not last in Retry")

    def test_an_entry_that_names_no_error_is_refused(self):
        self.advance["Retry"] = [{"ErrorEquals": []}]
        self.assert_only_fault("Retry names no error")

    def test_an_error_must_lead_to_a_pause(self):
        self.advance["Catch"][0]["Next"] = "Advance"
        self.states["WaitAsTold"]["Next"] = "Pause"
        self.assert_only_fault("Catch leads to Advance, which is no Wait")

    def test_a_heartbeat_must_be_shorter_than_the_timeout(self):
        self.approve["HeartbeatSeconds"] = 10
        self.assert_only_fault("HeartbeatSeconds is not shorter")

    def test_every_task_has_a_timeout(self):
        del self.approve["TimeoutSeconds"]
        self.assert_only_fault("no TimeoutSeconds or TimeoutSecondsPath")

    def test_a_timeout_may_come_from_the_engines_answer(self):
        del self.advance["TimeoutSeconds"]
        self.states["Pause"]["Next"] = "Done"
        self.definition["StartAt"] = "First"
        self.states["First"] = {**copy.deepcopy(self.advance), "TimeoutSeconds": 20, "Next": "Advance"}
        self.advance["TimeoutSecondsPath"] = "$.advance.answer.wait_s"
        self.assertEqual(self.faults(), [])

    def test_a_task_outlasts_its_function(self):
        self.advance["TimeoutSeconds"] = FUNCTION_TIMEOUT
        self.assert_only_fault("TimeoutSeconds is not longer than the function's own")

    def test_every_task_catches_everything(self):
        self.advance["Catch"][0]["ErrorEquals"] = ["States.Timeout"]
        self.assert_only_fault("no Catch of States.ALL")

    def test_a_substitution_that_nobody_supplies_is_refused(self):
        self.advance["Parameters"]["FunctionName"] = "${Recover}"
        self.assert_only_fault("substitution ${Recover} is used, but the template does not supply it")

    def test_a_substitution_that_nobody_uses_is_refused(self):
        self.assert_only_fault("substitution BackupVerify is supplied", supplied=SUPPLIED | {"BackupVerify"})

    def test_a_function_name_out_of_data_is_refused(self):
        self.advance["Parameters"]["FunctionName.$"] = "$.incident_id"
        self.assert_only_fault("the function's name is taken from data")

    def test_a_function_name_pieced_together_is_refused(self):
        self.advance["Parameters"]["FunctionName"] = "${Recovery}:live"
        self.assert_only_fault("FunctionName is not one substitution")

    def test_a_name_that_the_state_never_has_is_refused(self):
        self.states["WaitAsTold"]["SecondsPath"] = "$.report.answer.wait_s"
        self.assert_only_fault("not every way here has written report")

    def test_a_name_that_one_way_has_not_written_is_refused(self):
        self.states["Pause"] = {"Type": "Wait", "SecondsPath": "$.advance.answer.wait_s", "Next": "Advance"}
        self.assert_only_fault("not every way here has written advance")

    def test_a_name_of_the_machine_is_none_of_a_map_item(self):
        self.approve["Parameters"]["Payload"]["step.$"] = "$.advance.answer.status"
        self.assert_only_fault("not every way here has written advance")

    def test_a_field_that_the_answer_does_not_have_is_refused(self):
        self.states["WaitAsTold"]["SecondsPath"] = "$.advance.answer.wait"
        self.assert_only_fault("which no answer holds")

    def test_an_answer_is_reached_only_through_its_selector(self):
        self.states["WaitAsTold"]["SecondsPath"] = "$.advance.wait_s"
        self.assert_only_fault("which no answer holds")

    def test_a_plain_name_has_no_fields(self):
        self.advance["Parameters"]["Payload"]["incident_id.$"] = "$.incident_id.text"
        self.assert_only_fault("incident_id is a plain name")

    def test_a_path_that_cannot_be_followed_is_refused(self):
        self.states["RunSteps"]["ItemsPath"] = "$.advance..steps"
        self.assert_only_fault("cannot follow")

    def test_only_a_callback_has_a_token(self):
        self.advance["Parameters"]["Payload"]["incident_id.$"] = "$$.Task.Token"
        self.assert_only_fault("context does not have")

    def test_a_result_is_taken_whole(self):
        self.advance["ResultSelector"] = {"answer.$": "$.Payload.status"}
        self.assert_only_fault("only $.Payload is always there")

    def test_a_result_must_not_replace_the_names(self):
        del self.approve["ResultPath"]
        self.assert_only_fault("no ResultPath")

    def test_a_field_that_reshapes_the_state_is_refused(self):
        self.states["Pause"]["InputPath"] = "$.advance"
        self.assert_only_fault("InputPath is not followed")

    def test_a_task_that_no_function_knows_is_refused(self):
        self.approve["Parameters"]["Payload"]["task"] = "approve"
        self.assert_only_fault("the functions know no task approve")

    def test_a_task_is_told_all_that_it_needs(self):
        del self.approve["Parameters"]["Payload"]["step.$"]
        self.assert_only_fault("task await_approval is told")

    def test_a_value_that_never_comes_is_refused(self):
        self.states["Decide"]["Choices"][0]["StringEquals"] = "in-progress"
        self.assert_only_fault("can never be in-progress")

    def distribute(self):
        """Makes a distributed map of RunSteps, whose items are told what they need."""
        steps = self.states["RunSteps"]
        steps["ItemSelector"] = {"incident_id.$": "$.incident_id", "step.$": "$$.Map.Item.Value"}
        steps["MaxConcurrency"] = 16
        steps["Label"] = "RunSteps"
        steps["ItemProcessor"]["ProcessorConfig"] = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
        return steps

    def test_a_distributed_map_may_be_told_what_its_items_are(self):
        self.distribute()
        self.assertEqual(self.faults(), [])

    def test_an_item_has_only_what_it_is_told(self):
        del self.distribute()["ItemSelector"]["step.$"]
        self.assert_only_fault("not every way here has written step")

    def test_what_an_item_is_told_exists(self):
        self.distribute()["ItemSelector"]["incident_id.$"] = "$.advance.answer.incident"
        self.assert_only_fault("which no answer holds")

    def test_a_distributed_map_is_bounded(self):
        for wrong in (None, 0, 10_000):
            self.distribute()["MaxConcurrency"] = wrong
            if wrong is None:
                del self.states["RunSteps"]["MaxConcurrency"]
            self.assert_only_fault("MaxConcurrency of at most")

    def test_a_distributed_map_tolerates_no_failure(self):
        self.distribute()["ToleratedFailurePercentage"] = 5
        self.assert_only_fault("tolerates failures")

    def test_a_distributed_map_has_executions_that_can_be_named_and_last(self):
        del self.distribute()["Label"]
        self.assert_only_fault("without a Label")
        self.distribute()["ItemProcessor"]["ProcessorConfig"]["ExecutionType"] = "EXPRESS"
        self.assert_only_fault("would end after five minutes")


if __name__ == "__main__":
    unittest.main()
