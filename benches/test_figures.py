"""The harness itself: what it reads and writes by hand."""

import unittest

from figures import archives, aws_stub, encryption, own_time, runtime_api, table


class Table(unittest.TestCase):
    def test_a_figure_that_is_not_reached_says_so(self):
        text = table.markdown([table.Row("a", "1 | 2", "3", "", False), table.Row("b", "4")])
        self.assertIn("| a | 1 \\| 2 | 3 |  | **no** |", text)
        self.assertIn("| b | 4 |  |  |  |", text)

    def test_percentiles_are_values_that_were_measured(self):
        values = [float(value) for value in range(1, 201)]
        self.assertEqual(table.percentile(values, 99), 198.0)
        self.assertEqual(table.percentile([7.0], 99), 7.0)
        self.assertEqual(table.median([3.0, 1.0, 2.0, 4.0]), 2.0)


class Readers(unittest.TestCase):
    def test_the_time_of_every_invocation_is_found_in_a_log(self):
        log = 'START\n{"level":"INFO","message":"handled","own_ms":1.5,"outbound_ms":20.0}\n{"level":"INFO","message":"x"}\n'
        self.assertEqual(own_time.of_log(log), ([1.5], [20.0]))
        with self.assertRaises(RuntimeError):
            own_time.of_log("START\n")

    def test_the_verifiers_table_is_understood(self):
        text = (
            "rows     codec  file MB  MB/s file  MB/s rows  memory MB  decoder MB/s  pg_restore MB/s  memory MB  faster\n"
            "prose    gzip      61.2        131        549        4.1           262               52       9.0   2.52x\n"
            "prose    lz4       90.1       1600       4549        4.1          2000      cannot read it\n"
            "prose    none     256.0       4743       4743        3.2         10000             9764       9.0   0.49x\n"
        )
        gzip, lz4, none = archives.of_output(text)
        self.assertTrue(gzip.reached and lz4.reached)
        self.assertIn("ours is 2.52 × as fast, the decoder alone 5.04 ×", gzip.baseline)
        self.assertIn("the decoder alone, chunk by chunk: 262 MB/s; ours is 0.50 × as fast", gzip.baseline)
        self.assertIn("the decoder alone, chunk by chunk: 2,000 MB/s; ours is 0.80 × as fast. No pg_restore", lz4.baseline)
        self.assertNotIn("checks nothing", gzip.baseline + lz4.baseline)
        self.assertIn("reading alone, chunk by chunk: 10,000 MB/s; ours is 0.47 × as fast", none.baseline)
        self.assertIn("pg_restore copies what it reads and checks nothing", none.baseline)

    def test_the_table_of_encryptions_is_understood(self):
        text = "encryption MB MB/s cipher MB/s\nage                256      200         1000\nAWS-Encryption-SDK 256     2000  2500\n"
        age, message = encryption.of_output(text)
        self.assertEqual((age.reached, message.reached), (False, True))
        self.assertIn("1,000 MB/s; ours is 0.20 × as fast", age.baseline)
        with self.assertRaises(RuntimeError):
            encryption.of_output(text[:90])

    def test_cbor_is_written_as_the_standard_says(self):
        self.assertEqual(aws_stub.cbor({"a": [1.5, "é"]}).hex(), "a1616182fb3ff800000000000062c3a9")
        self.assertEqual(aws_stub.head(4, 500).hex(), "9901f4")

    def test_a_chunked_body_is_put_together(self):
        self.assertEqual(runtime_api.dechunked(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), b"abcde")


if __name__ == "__main__":
    unittest.main()
