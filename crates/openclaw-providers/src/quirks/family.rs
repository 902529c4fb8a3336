//! What is known of a model by its name.
//!
//! Sources: the effort tables and `supportsOpenAITemperature` of OpenClaw 2026.9.6
//! (`resolveOpenAIModelReasoningEfforts`), OpenAI's guide to reasoning models, which lists
//! `temperature` among the parameters that they refuse, and its guide to prompt caching for the
//! models with a longer retention.

/// What a family of models takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Family {
    /// The words for effort that it knows; none if nothing is known of it.
    pub(crate) efforts: Option<&'static [&'static str]>,
    /// Whether it takes `temperature`.
    pub(crate) temperature: Temperature,
    /// What becomes of the effort when tools are offered in Chat Completions.
    pub(crate) beside_tools: BesideTools,
    /// How it is told to keep a prompt longer.
    pub(crate) long_cache: LongCache,
}

/// Whether a model takes `temperature`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Temperature {
    Taken,
    Refused,
}

/// What becomes of the effort beside tools, at OpenAI's own Chat Completions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BesideTools {
    Sent,
    LeftOut,
    /// It has to be `none`.
    None,
}

/// How a model is told to keep a prompt longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LongCache {
    /// Not at all.
    Unknown,
    /// `prompt_cache_retention: "24h"`.
    Day,
    /// `prompt_cache_options: {"ttl": "30m"}`.
    HalfAnHour,
}

/// A family of which nothing is known.
const UNKNOWN: Family = Family {
    efforts: None,
    temperature: Temperature::Taken,
    beside_tools: BesideTools::Sent,
    long_cache: LongCache::Unknown,
};

const fn reasoning(efforts: &'static [&'static str]) -> Family {
    Family {
        efforts: Some(efforts),
        temperature: Temperature::Refused,
        long_cache: LongCache::Day,
        ..UNKNOWN
    }
}

const fn plain(long_cache: LongCache) -> Family {
    Family {
        efforts: Some(&[]),
        long_cache,
        ..UNKNOWN
    }
}

const fn late(efforts: &'static [&'static str], beside_tools: BesideTools) -> Family {
    Family {
        long_cache: LongCache::HalfAnHour,
        beside_tools,
        ..reasoning(efforts)
    }
}

const O_SERIES: Family = Family {
    long_cache: LongCache::Unknown,
    ..reasoning(&["low", "medium", "high"])
};

const LOW_TO_MAX: &[&str] = &["low", "medium", "high", "xhigh", "max"];
const NONE_TO_MAX: &[&str] = &["none", "low", "medium", "high", "xhigh", "max"];
const NONE_TO_XHIGH: &[&str] = &["none", "low", "medium", "high", "xhigh"];
const LOW_TO_XHIGH: &[&str] = &["low", "medium", "high", "xhigh"];

/// The families by the beginnings of their names, in which `#` stands for a version such as `.2`
/// or for nothing; the first one that fits counts, up to the end of a word.
const FAMILIES: &[(&str, Family)] = &[
    ("gpt-6-astra", late(LOW_TO_MAX, BesideTools::Sent)),
    ("gpt-6", late(NONE_TO_MAX, BesideTools::Sent)),
    ("gpt-5.6", late(NONE_TO_MAX, BesideTools::None)),
    ("gpt-5#-chat", plain(LongCache::Day)),
    ("gpt-5.1-codex-mini", reasoning(&["medium"])),
    (
        "gpt-5.1-codex-max",
        reasoning(&["none", "medium", "high", "xhigh"]),
    ),
    ("gpt-5#-codex", reasoning(LOW_TO_XHIGH)),
    ("gpt-5-pro", reasoning(&["high"])),
    ("gpt-5#-pro", reasoning(&["medium", "high", "xhigh"])),
    ("gpt-5.1", reasoning(&["none", "low", "medium", "high"])),
    (
        "gpt-5.4-mini",
        Family {
            beside_tools: BesideTools::LeftOut,
            ..reasoning(NONE_TO_XHIGH)
        },
    ),
    (
        "gpt-5.5",
        Family {
            beside_tools: BesideTools::LeftOut,
            ..reasoning(NONE_TO_XHIGH)
        },
    ),
    ("gpt-5", reasoning(&["minimal", "low", "medium", "high"])),
    ("gpt-5#", reasoning(NONE_TO_XHIGH)),
    (
        "gpt-oss",
        Family {
            efforts: Some(&["low", "medium", "high"]),
            ..UNKNOWN
        },
    ),
    ("gpt-4.1", plain(LongCache::Day)),
    ("gpt-4", plain(LongCache::Unknown)),
    ("gpt-4o", plain(LongCache::Unknown)),
    ("chatgpt-4o", plain(LongCache::Unknown)),
    ("gpt-3.5", plain(LongCache::Unknown)),
    ("o1", O_SERIES),
    ("o3", O_SERIES),
    ("o4", O_SERIES),
];

/// Models that write their thoughts between `<think>` and `</think>` when their server does not
/// take them out, by the beginnings of their names.
const THINK_TAGS: &[&str] = &[
    "deepseek-r1",
    "deepseek-reasoner",
    "qwq",
    "qwen3",
    "minimax-m",
    "glm-4.5",
    "glm-4.6",
    "glm-z1",
    "magistral",
    "smollm3",
    "phi-4-reasoning",
    "phi-4-mini-reasoning",
    "nemotron",
    "exaone-deep",
    "marco-o1",
    "openthinker",
    "cogito",
];

/// Models that want their thoughts back as `reasoning_content`, by the beginnings of their names
/// (OpenClaw's `REASONING_CONTENT_REPLAY_MODEL_IDS`).
const REASONING_CONTENT: &[&str] = &[
    "deepseek-v4",
    "kimi-for-coding",
    "kimi-k2.5",
    "kimi-k2.6",
    "kimi-k2.7",
    "kimi-k3",
    "kimi-k2-thinking",
    "mimo-v2",
];

impl Family {
    /// Finds the family of a model, whose name may have that of its maker before it.
    pub(crate) fn of(model: &str) -> Self {
        let name = bare(model);
        let found = FAMILIES.iter().find(|(pattern, _)| fits(&name, pattern));
        found.map_or(UNKNOWN, |(_, family)| *family)
    }

    /// Tells whether it is known to think before it answers.
    pub(crate) fn reasons(&self) -> bool {
        self.efforts.is_some_and(|efforts| !efforts.is_empty())
    }

    pub(crate) fn writes_think_tags(model: &str) -> bool {
        let name = bare(model);
        THINK_TAGS.iter().any(|start| name.starts_with(start))
    }

    pub(crate) fn wants_reasoning_content(model: &str) -> bool {
        let name = bare(model);
        REASONING_CONTENT
            .iter()
            .any(|start| name.starts_with(start))
    }
}

/// Leaves out the maker's name and what servers add behind a colon: `openai/gpt-5.2:nitro`.
fn bare(model: &str) -> String {
    let name = model.rsplit('/').next().unwrap_or(model);
    let name = name.split(':').next().unwrap_or(name);
    name.to_ascii_lowercase()
}

fn fits(name: &str, pattern: &str) -> bool {
    let rest = match pattern.split_once('#') {
        None => name.strip_prefix(pattern),
        Some((before, after)) => name.strip_prefix(before).and_then(|rest| {
            let version = |rest: &'_ str| rest.find(|c: char| c != '.' && !c.is_ascii_digit());
            let end = if rest.starts_with('.') {
                version(rest).unwrap_or(rest.len())
            } else {
                0
            };
            rest.get(end..)?.strip_prefix(after)
        }),
    };
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_takes_what_its_family_takes() {
        let seen = [
            "gpt-5.2",
            "openai/gpt-5.2-2025-12-11:nitro",
            "gpt-5",
            "gpt-5-mini-2025-08-07",
            "gpt-5.3-codex",
            "gpt-5.2-chat-latest",
            "o4-mini",
            "o3",
            "gpt-4o",
            "gpt-4.1-mini",
            "gpt-50",
            "olmo-2",
            "llama-3",
        ]
        .map(|model| {
            let family = Family::of(model);
            let efforts = family.efforts.map(|efforts| efforts.join(" "));
            (
                efforts.unwrap_or_else(|| "?".into()),
                family.temperature == Temperature::Taken,
            )
        });
        let expected = [
            ("none low medium high xhigh", false),
            ("none low medium high xhigh", false),
            ("minimal low medium high", false),
            ("minimal low medium high", false),
            ("low medium high xhigh", false),
            ("", true),
            ("low medium high", false),
            ("low medium high", false),
            ("", true),
            ("", true),
            ("?", true),
            ("?", true),
            ("?", true),
        ];
        assert_eq!(
            seen,
            expected.map(|(efforts, taken)| (efforts.into(), taken))
        );
    }

    #[test]
    fn the_makers_name_does_not_hide_a_model() {
        assert!(Family::writes_think_tags("deepseek/DeepSeek-R1:free"));
        assert!(Family::wants_reasoning_content(
            "moonshotai/kimi-k2-thinking"
        ));
        assert!(!Family::writes_think_tags("gpt-4o"));
    }
}
