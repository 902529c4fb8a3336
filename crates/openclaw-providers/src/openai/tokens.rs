//! What an answer took, in the spellings of the many servers that count tokens.

use openclaw_core::Usage;
use serde_json::Value;

use crate::count;

/// Where the counts stand; the first one that is there counts.
///
/// OpenAI has two spellings, one for each API. `DeepSeek` and Moonshot have fields of their own for
/// cached tokens, `OpenRouter` tells what was written to a cache, and `LiteLLM` passes on what
/// Anthropic calls both.
const PROMPT: &[&str] = &["/prompt_tokens", "/input_tokens"];
const COMPLETION: &[&str] = &["/completion_tokens", "/output_tokens"];
const TOTAL: &[&str] = &["/total_tokens"];
const CACHE_READ: &[&str] = &[
    "/prompt_tokens_details/cached_tokens",
    "/input_tokens_details/cached_tokens",
    "/prompt_cache_hit_tokens",
    "/cached_tokens",
    "/cache_read_input_tokens",
];
const CACHE_WRITE: &[&str] = &[
    "/prompt_tokens_details/cache_write_tokens",
    "/input_tokens_details/cache_write_tokens",
    "/prompt_tokens_details/cache_creation_tokens",
    "/cache_creation_input_tokens",
];
const REASONING: &[&str] = &[
    "/completion_tokens_details/reasoning_tokens",
    "/output_tokens_details/reasoning_tokens",
    "/reasoning_tokens",
];

/// Reads the counts; what is missing is 0. None if it is no object with counts.
pub(crate) fn usage(tokens: &Value) -> Option<Usage> {
    let first = |places: &[&str]| {
        let mut places = places.iter();
        places.find_map(|place| count::of(tokens.pointer(place)?))
    };
    let (prompt, completion) = (first(PROMPT), first(COMPLETION));
    if prompt.is_none() && completion.is_none() {
        return None;
    }
    let (prompt, mut output) = (prompt.unwrap_or(0), completion.unwrap_or(0));
    let cache_read = first(CACHE_READ).unwrap_or(0);
    let cache_write = first(CACHE_WRITE).unwrap_or(0);
    let reasoning = first(REASONING).unwrap_or(0);
    // xAI and Google do not count the thoughts among what was written; only the total tells.
    let with_thoughts = output.saturating_add(reasoning);
    if first(TOTAL) == Some(prompt.saturating_add(with_thoughts)) {
        output = with_thoughts;
    }
    Some(Usage {
        // The prompt's tokens include the cached ones.
        input: prompt
            .saturating_sub(cache_read)
            .saturating_sub(cache_write),
        output,
        cache_read,
        cache_write,
        reasoning,
        ..Usage::default()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_spelling_is_understood() {
        let expected = Usage {
            input: 60,
            output: 30,
            cache_read: 40,
            reasoning: 10,
            ..Usage::default()
        };
        for tokens in [
            json!({"prompt_tokens": 100, "completion_tokens": 30, "total_tokens": 130,
                "prompt_tokens_details": {"cached_tokens": 40, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 10}}),
            json!({"input_tokens": 100, "output_tokens": 30, "total_tokens": 130,
                "input_tokens_details": {"cached_tokens": 40},
                "output_tokens_details": {"reasoning_tokens": 10}}),
            json!({"prompt_tokens": 100, "completion_tokens": 30, "prompt_cache_hit_tokens": 40,
                "prompt_cache_miss_tokens": 60, "prompt_tokens_details": null,
                "completion_tokens_details": {"reasoning_tokens": 10}}),
            json!({"prompt_tokens": 100.0, "completion_tokens": 30, "cached_tokens": 40,
                "reasoning_tokens": 10}),
            json!({"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 130,
                "prompt_tokens_details": {"cached_tokens": 40},
                "completion_tokens_details": {"reasoning_tokens": 10}}),
        ] {
            assert_eq!(usage(&tokens), Some(expected), "{tokens}");
        }
    }

    #[test]
    fn what_was_written_to_a_cache_is_told_apart() {
        let tokens = json!({"prompt_tokens": 100, "completion_tokens": 1,
            "prompt_tokens_details": {"cached_tokens": 10, "cache_write_tokens": 80}});
        let expected = Usage {
            input: 10,
            output: 1,
            cache_read: 10,
            cache_write: 80,
            ..Usage::default()
        };
        assert_eq!(usage(&tokens), Some(expected));
    }

    #[test]
    fn what_is_no_usage_is_none() {
        for nothing in [
            json!(null),
            json!({}),
            json!("12"),
            json!({"prompt_tokens": "?"}),
        ] {
            assert_eq!(usage(&nothing), None);
        }
    }
}
