//! How a model is told to think, by its name.
//!
//! The facts are those of <https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking>,
//! `…/extended-thinking` and `…/effort`, and of OpenClaw 2026.9.6, which keeps the same list.

use serde::Serialize;

use super::DEFAULT_MAX_TOKENS;
use crate::request::Effort;

/// The least that may be thought, if there is to be any thinking.
const LEAST_BUDGET: u32 = 1024;

/// What is left for the answer where thoughts and answer share a limit.
const LEAST_ANSWER: u32 = 1024;

/// The most tokens of an answer when the request does not say, for models that decide themselves how much they think; each can write more.
const ADAPTIVE_MAX_TOKENS: u32 = 32_000;

/// What a request says about thinking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Thinking {
    /// As many tokens as this.
    Enabled { budget_tokens: u32 },
    /// As much as the model wants; some models tell nothing of it unless they are asked to.
    Adaptive { display: &'static str },
    /// Not at all.
    Disabled,
}

/// How hard a model tries that decides itself how much it thinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Output {
    effort: &'static str,
}

/// What a request asks of one model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Manner {
    pub(super) max_tokens: u32,
    pub(super) thinking: Option<Thinking>,
    pub(super) output: Option<Output>,
    pub(super) temperature: Option<f64>,
}

/// What a request wants, before the model is considered.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted {
    pub(super) effort: Option<Effort>,
    pub(super) max_tokens: Option<u32>,
    pub(super) temperature: Option<f64>,
    /// Whether the conversation is one that a model with a budget may think in.
    pub(super) history: History,
}

/// What a conversation allows to models that think with a budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum History {
    #[default]
    Open,
    /// The model waits for results of calls that none of its own thoughts stand before; the API
    /// refuses thinking there.
    Thoughtless,
}

/// Which way a family of models has.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// It cannot think.
    Never,
    /// It thinks up to a number of tokens; `most` is what it may write in all.
    Budget { most: u32 },
    /// It decides itself, up to a level.
    Adaptive {
        off: Off,
        highest: Highest,
        sampling: Sampling,
    },
}

/// Whether a model can be told not to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Off {
    Possible,
    Refused,
}

/// The levels above `high` that a family knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Highest {
    High,
    Max,
    XHighAndMax,
}

/// Whether a model lets its temperature be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sampling {
    Free,
    Fixed,
}

const ALWAYS: Way = Way::Adaptive {
    off: Off::Refused,
    highest: Highest::XHighAndMax,
    sampling: Sampling::Fixed,
};

const AT_WILL: Way = Way::Adaptive {
    off: Off::Possible,
    highest: Highest::XHighAndMax,
    sampling: Sampling::Fixed,
};

const FIRST: Way = Way::Adaptive {
    off: Off::Possible,
    highest: Highest::Max,
    sampling: Sampling::Free,
};

/// By the beginning of the name; the first that fits counts.
const FAMILIES: &[(&str, Way)] = &[
    ("claude-opus-5-5", ALWAYS),
    ("claude-fable-5", ALWAYS),
    ("claude-mythos-5", ALWAYS),
    (
        "claude-mythos-preview",
        Way::Adaptive {
            off: Off::Refused,
            highest: Highest::High,
            sampling: Sampling::Fixed,
        },
    ),
    ("claude-opus-5", AT_WILL),
    ("claude-sonnet-5", AT_WILL),
    ("claude-opus-4-8", AT_WILL),
    ("claude-opus-4-7", AT_WILL),
    ("claude-opus-4-6", FIRST),
    ("claude-sonnet-4-6", FIRST),
    ("claude-opus-4-5", Way::Budget { most: 64_000 }),
    ("claude-sonnet-4", Way::Budget { most: 64_000 }),
    ("claude-haiku-4-5", Way::Budget { most: 64_000 }),
    ("claude-opus-4", Way::Budget { most: 32_000 }),
    ("claude-3-7-sonnet", Way::Budget { most: 64_000 }),
    ("claude-3", Way::Never),
    ("claude-2", Way::Never),
    ("claude-instant", Way::Never),
    // What comes after these is likely to be like the last of them.
    ("claude-", AT_WILL),
    // Others that speak this API have taken over the budget.
    ("", Way::Budget { most: 64_000 }),
];

/// Puts what is wanted so that this model takes it.
pub(super) fn manner(model: &str, wanted: Wanted) -> Manner {
    let plain = Manner {
        max_tokens: wanted.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS),
        thinking: None,
        output: None,
        temperature: wanted.temperature.map(|heat| heat.clamp(0.0, 1.0)),
    };
    match (way(model), wanted.effort) {
        (
            Way::Adaptive {
                off,
                highest,
                sampling,
            },
            effort,
        ) => adaptive(
            Manner {
                temperature: plain.temperature.filter(|_| sampling == Sampling::Free),
                ..plain
            },
            effort.map(|effort| (effort, off, highest)),
            wanted.max_tokens,
        ),
        (Way::Never, _) | (Way::Budget { .. }, None) => plain,
        (Way::Budget { .. }, Some(Effort::Off)) => Manner {
            thinking: Some(Thinking::Disabled),
            ..plain
        },
        (Way::Budget { most }, Some(effort)) => match wanted.history {
            History::Open => with_budget(plain, effort, wanted.max_tokens, most),
            History::Thoughtless => plain,
        },
    }
}

fn adaptive(
    plain: Manner,
    asked: Option<(Effort, Off, Highest)>,
    max_tokens: Option<u32>,
) -> Manner {
    match asked {
        None => plain,
        Some((Effort::Off, Off::Possible, _)) => Manner {
            thinking: Some(Thinking::Disabled),
            ..plain
        },
        Some((effort, _, highest)) => Manner {
            max_tokens: max_tokens.unwrap_or(ADAPTIVE_MAX_TOKENS),
            thinking: Some(Thinking::Adaptive {
                display: "summarized",
            }),
            output: Some(Output {
                effort: level(effort, highest),
            }),
            temperature: None,
        },
    }
}

const fn level(effort: Effort, highest: Highest) -> &'static str {
    match (effort, highest) {
        // A model that always thinks thinks least then.
        (Effort::Off | Effort::Minimal | Effort::Low, _) => "low",
        (Effort::Medium, _) => "medium",
        (Effort::XHigh, Highest::XHighAndMax) => "xhigh",
        (Effort::Max, Highest::Max | Highest::XHighAndMax) => "max",
        (Effort::High | Effort::XHigh | Effort::Max, _) => "high",
    }
}

/// The limit of an answer includes the thoughts, so they get a part of it or it grows by them.
fn with_budget(plain: Manner, effort: Effort, max_tokens: Option<u32>, most: u32) -> Manner {
    let budget = match effort {
        Effort::Off | Effort::Minimal => LEAST_BUDGET,
        Effort::Low => 2048,
        Effort::Medium => 8192,
        Effort::High => 16_384,
        Effort::XHigh => 24_576,
        Effort::Max => 32_768,
    };
    let max_tokens =
        max_tokens.unwrap_or_else(|| most.min(DEFAULT_MAX_TOKENS.saturating_add(budget)));
    let budget_tokens = budget.min(max_tokens.saturating_sub(LEAST_ANSWER));
    if budget_tokens < LEAST_BUDGET {
        return plain;
    }
    Manner {
        max_tokens,
        thinking: Some(Thinking::Enabled { budget_tokens }),
        output: None,
        temperature: None,
    }
}

/// Finds the family of a model, whatever a cloud or a gateway puts before its name.
fn way(model: &str) -> Way {
    let name = model.to_lowercase().replace('.', "-");
    let name = name.rfind("claude-").and_then(|at| name.get(at..));
    let fits = |prefix: &str| match name.unwrap_or_default().strip_prefix(prefix) {
        // `claude-opus-4` is not `claude-opus-45`, and a name that ends with a dash goes on.
        Some(rest) => {
            prefix.is_empty()
                || prefix.ends_with('-')
                || !rest.starts_with(|c: char| c.is_ascii_alphanumeric())
        }
        None => false,
    };
    FAMILIES
        .iter()
        .find(|(prefix, _)| fits(prefix))
        .map_or(Way::Never, |(_, way)| *way)
}

#[cfg(test)]
mod tests;
