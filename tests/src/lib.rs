//! Nothing: the tests that cross crates stand in `tests/`, one file for each group of promises.
