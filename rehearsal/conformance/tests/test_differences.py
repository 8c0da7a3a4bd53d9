"""The table of differences: what it has to say, and when it no longer says the truth."""

import unittest
from types import SimpleNamespace

from suite.differences import findings

CALLS = [SimpleNamespace(name="a", action="rds:A"), SimpleNamespace(name="b", action="rds:B")]
SEEN = {"face": {"a": "1", "b": "x"}, "ministack": {"a": "2", "b": "x"}, "moto": {"a": "1", "b": "x"}}
ROW = {
    "call": "a",
    "operation": "rds:A",
    "face": "1",
    "ministack": "2",
    "moto": "1",
    "right": "face",
    "why": "Because.",
    "source": "https://docs.aws.amazon.com/x",
}


class Table(unittest.TestCase):
    def assert_found(self, words, table, seen=SEEN):
        found = findings(CALLS, seen, table)
        self.assertTrue(any(words in finding for finding in found), found)

    def test_a_difference_with_its_row_is_no_finding(self):
        self.assertEqual(findings(CALLS, SEEN, [ROW]), [])

    def test_a_difference_without_a_row_is_a_finding(self):
        self.assert_found("has no row", [])

    def test_a_row_without_its_difference_is_a_finding(self):
        alike = {name: {"a": "1", "b": "x"} for name in SEEN}
        self.assert_found("its row has to go", [ROW], alike)
        self.assert_found("the suite has no such call", [ROW, {**ROW, "call": "c"}])

    def test_a_row_that_says_something_else_than_was_seen_is_a_finding(self):
        self.assert_found("ministack now says 2, and its row says 3", [{**ROW, "ministack": "3"}])

    def test_a_row_has_a_verdict_a_reason_and_a_page_of_aws(self):
        self.assert_found("no verdict", [{**ROW, "right": "us"}])
        self.assert_found("does not say why", [{**ROW, "why": " "}])
        self.assert_found("no page of AWS", [{**ROW, "source": "https://example.com"}])
        self.assert_found("fields", [{name: value for name, value in ROW.items() if name != "why"}])


if __name__ == "__main__":
    unittest.main()
