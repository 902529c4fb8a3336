//! Counts of tokens as servers tell them.
//!
//! A count that makes no sense is none: what is not told is estimated, and an answer is not thrown
//! away because its server cannot count.

use openclaw_core::Usage;
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

/// Joins what was told earlier in an answer and later: of each count the larger one counts, so that
/// nothing is taken back. What of the prompt came out of a cache may be told later than the prompt.
pub(crate) fn most(earlier: Usage, later: Usage) -> Usage {
    let cache_read = earlier.cache_read.max(later.cache_read);
    let cache_write = earlier.cache_write.max(later.cache_write);
    Usage {
        input: earlier
            .prompt()
            .max(later.prompt())
            .saturating_sub(cache_read)
            .saturating_sub(cache_write),
        output: earlier.output.max(later.output),
        cache_read,
        cache_write,
        cache_write_1h: earlier.cache_write_1h.max(later.cache_write_1h),
        reasoning: earlier.reasoning.max(later.reasoning),
    }
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

    #[test]
    fn of_two_counts_the_larger_one_counts_and_a_cache_told_late_is_part_of_the_prompt() {
        let usage = |input, output, cache_read| Usage {
            input,
            output,
            cache_read,
            ..Usage::default()
        };
        for (earlier, later, joined) in [
            (usage(10, 2000, 0), usage(0, 0, 0), usage(10, 2000, 0)),
            (usage(100, 1, 0), usage(20, 5, 80), usage(20, 5, 80)),
            (usage(20, 5, 80), usage(100, 4, 0), usage(20, 5, 80)),
            (usage(0, 1, 0), usage(70, 9, 30), usage(70, 9, 30)),
        ] {
            assert_eq!(most(earlier, later), joined);
        }
    }
}
