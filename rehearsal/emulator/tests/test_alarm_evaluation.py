"""The documented rules of alarm evaluation, and the event that a change of state sends."""

import unittest

from adaptations.alarm_evaluation import datapoints, decide
from adaptations.alarm_events import StateHistory


class FixedClock:
    def now(self):
        return 1_700_000_000.5


def alarm(**changes):
    return {
        "AlarmArn": "arn:aws:cloudwatch:us-west-2:123456789012:alarm:a",
        "ComparisonOperator": "LessThanThreshold",
        "Threshold": 1.0,
        "EvaluationPeriods": 1,
        "Period": 60,
        "Statistic": "Maximum",
        "TreatMissingData": "breaching",
        **changes,
    }


class Decisions(unittest.TestCase):
    def test_the_newest_datapoint_decides_an_alarm_of_one_period(self):
        self.assertEqual(decide(alarm(), [0.0, 1.0, 1.0]), "ALARM")
        self.assertEqual(decide(alarm(), [1.0, 0.0, 0.0]), "OK")

    def test_one_missing_period_is_bridged_by_the_datapoint_before_it(self):
        self.assertEqual(decide(alarm(), [None, 1.0, 1.0]), "OK")

    def test_silence_over_the_whole_range_is_treated_as_the_alarm_says(self):
        silence = [None, None, None]
        self.assertEqual(decide(alarm(), silence), "ALARM")
        self.assertEqual(decide(alarm(TreatMissingData="notBreaching"), silence), "OK")
        self.assertEqual(decide(alarm(TreatMissingData="missing"), silence), "INSUFFICIENT_DATA")
        self.assertIsNone(decide(alarm(TreatMissingData="ignore"), silence))

    def test_m_out_of_n_datapoints_are_enough(self):
        three = alarm(EvaluationPeriods=3, DatapointsToAlarm=2)
        self.assertEqual(decide(three, [0.0, 1.0, 0.0, None, None]), "ALARM")
        self.assertEqual(decide(three, [0.0, 1.0, 1.0, None, None]), "OK")

    def test_missing_datapoints_fill_up_only_what_real_ones_leave_open(self):
        three = alarm(EvaluationPeriods=3)
        self.assertEqual(decide(three, [0.0, None, None, None, 0.0]), "ALARM")
        self.assertEqual(decide(three, [0.0, None, 1.0, None, 0.0]), "OK")
        not_breaching = alarm(EvaluationPeriods=3, TreatMissingData="notBreaching")
        self.assertEqual(decide(not_breaching, [0.0, None, None, None, 0.0]), "OK")

    def test_a_datapoint_belongs_to_the_period_it_was_measured_in(self):
        points = [{"Timestamp": 59.9, "Value": 0.0}, {"Timestamp": 60.0, "Value": 1.0}]
        self.assertEqual(datapoints(alarm(), points, 120), [1.0, 0.0, None])


class Events(unittest.TestCase):
    def test_an_event_carries_the_state_before(self):
        history = StateHistory(FixedClock())
        history.change(alarm(StateReasonData="{}"), "INSUFFICIENT_DATA", "OK", "reachable")
        previous, state = history.change(alarm(StateReasonData="{}"), "OK", "ALARM", "by hand")
        self.assertEqual(previous["value"], "OK")
        self.assertEqual(previous["reason"], "reachable")
        self.assertEqual(previous["reasonData"], "{}")
        self.assertEqual(state["timestamp"], "2023-11-14T22:13:20.500+0000")

    def test_the_data_of_an_earlier_state_is_not_shown_again(self):
        history = StateHistory(FixedClock())
        history.change(alarm(StateReasonData="{}"), "OK", "ALARM", "measured")
        for before, after in (("ALARM", "OK"), ("OK", "ALARM")):
            _, state = history.change(alarm(StateReasonData="{}"), before, after, "by hand")
            self.assertNotIn("reasonData", state)


if __name__ == "__main__":
    unittest.main()
