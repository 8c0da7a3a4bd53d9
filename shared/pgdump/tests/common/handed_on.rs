//! What one reader hands on to the next, and what may happen to it on its way.

use std::io::Read;

use data_encoding::BASE64;
use flate2::read::ZlibDecoder;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

/// Every value in JSON that has no others in it.
fn leaves(value: &mut Value) -> Vec<&mut Value> {
    match value {
        Value::Array(values) => values.iter_mut().flat_map(leaves).collect(),
        Value::Object(values) => values.values_mut().flat_map(leaves).collect(),
        leaf => vec![leaf],
    }
}

/// What may stand in the place of a value.
pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u64>().prop_map(Value::from),
        (0..1_000_000_u64).prop_map(Value::from),
        "[A-Za-z0-9+/]{0,40}={0,2}".prop_map(Value::from),
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
    ]
}

pub(crate) fn replace(course: &mut Value, place: Index, value: Value) {
    let mut leaves = leaves(course);
    let place = place.index(leaves.len());
    *leaves[place] = value;
}

pub(crate) fn flip(sealed: &mut Value, place: Index, bit: u8) {
    let mut bytes = BASE64.decode(sealed.as_str().unwrap().as_bytes()).unwrap();
    bytes[place.index(sealed.as_str().unwrap().len() / 4 * 3 - 2)] ^= 1 << bit;
    *sealed = BASE64.encode(&bytes).into();
}

/// Nothing in it, unpacked or not, is part of a row; and it fits into a state.
pub(crate) fn assert_tells_nothing_of_rows(mut course: Value, part_of_a_row: &[u8]) {
    assert!(course.to_string().len() < 120_000);
    let told: Vec<String> = leaves(&mut course).iter().filter_map(|leaf| leaf.as_str().map(str::to_owned)).collect();
    assert!(!told.is_empty());
    for text in told {
        let bytes = BASE64.decode(text.as_bytes()).unwrap_or_else(|_| text.into_bytes());
        let mut inflated = Vec::new();
        let _damaged = ZlibDecoder::new(bytes.as_slice()).read_to_end(&mut inflated);
        for bytes in [bytes, inflated] {
            assert!(!bytes.windows(part_of_a_row.len()).any(|part| part == part_of_a_row), "a row is there to read");
        }
    }
}
