//! Counts of tokens as servers tell them.
//!
//! A count that makes no sense is none: what is not told is estimated, and an answer is not thrown
//! away because its server cannot count.

use serde_json::Value;

/// The most tokens that a single call can have; no model takes or writes as many.
const MOST: u64 = 10_000_000;

/// Reads a count, also one in floating point or in quotes; none if it is negative or absurd.
pub(crate) fn of(value: &Value) -> Option<u64> {
    let float = || value.as_f64()?.round().to_string().parse().ok();
    let quoted = || value.as_str()?.trim().parse().ok();
    let count: u64 = value.as_u64().or_else(float).or_else(quoted)?;
    (count <= MOST).then_some(count)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_count_is_read_however_it_is_written_and_nonsense_is_none() {
        for (told, count) in [
            (json!(5), Some(5)),
            (json!(5.0), Some(5)),
            (json!("5"), Some(5)),
            (json!(10_000_000), Some(10_000_000)),
            (json!(-5), None),
            (json!(1_000_000_000_000_000_000_u64), None),
            (json!(1e30), None),
            (json!("many"), None),
            (json!(null), None),
            (json!([5]), None),
        ] {
            assert_eq!(of(&told), count, "{told}");
        }
    }
}
