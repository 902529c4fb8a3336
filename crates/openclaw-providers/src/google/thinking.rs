//! How hard a Gemini model is told to think, which each generation of them wants said differently.

use serde::Serialize;

use crate::request::Effort;

/// `generationConfig.thinkingConfig`; no request may have both a budget and a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    include_thoughts: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_budget: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_level: Option<&'static str>,
}

/// A generation of models that think alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// Gemini 2.5 Pro, which cannot be kept from thinking.
    BudgetPro,
    /// The other models of Gemini 2.5.
    Budget,
    /// Gemini 3 Pro, the only one without a level in the middle.
    LevelTwo,
    /// Gemini 3 and later.
    Level,
    /// Those of them that can think as good as not at all.
    LevelMinimal,
    /// Everything else, which refuses to be told anything.
    Other,
}

/// The beginnings of models' names and what thinks like that; the first that fits counts.
///
/// After <https://ai.google.dev/gemini-api/docs/thinking> and the table in
/// <https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/thinking>.
const FAMILIES: &[(&str, Family)] = &[
    ("gemini-2.5-pro", Family::BudgetPro),
    ("gemini-2.5-", Family::Budget),
    ("gemini-3-pro", Family::LevelTwo),
    ("gemini-3-flash", Family::LevelMinimal),
    ("gemini-3.1-flash", Family::LevelMinimal),
    ("gemini-3.5-flash", Family::LevelMinimal),
    ("gemini-3.6-flash", Family::LevelMinimal),
    ("gemini-1", Family::Other),
    ("gemini-2", Family::Other),
    ("gemini-", Family::Level),
];

impl Family {
    pub(super) fn of(model: &str) -> Self {
        let name = model.rsplit('/').next().unwrap_or(model);
        let known = FAMILIES.iter().find(|(start, _)| name.starts_with(start));
        known.map_or(Self::Other, |(_, family)| *family)
    }

    /// Tells whether a call in the history has to be signed.
    ///
    /// See <https://ai.google.dev/gemini-api/docs/thought-signatures>.
    pub(super) const fn wants_signed_calls(self) -> bool {
        matches!(self, Self::LevelTwo | Self::Level | Self::LevelMinimal)
    }

    /// Returns what to send; thoughts cost the same whether they are shown or not.
    pub(super) fn thinking(self, effort: Option<Effort>) -> Option<Config> {
        let shown = Config {
            include_thoughts: effort != Some(Effort::Off),
            thinking_budget: None,
            thinking_level: None,
        };
        match (self, effort) {
            (Self::Other, _) => None,
            (_, None) => Some(shown),
            (Self::BudgetPro | Self::Budget, Some(effort)) => Some(Config {
                thinking_budget: Some(self.budget(effort)),
                ..shown
            }),
            (Self::LevelTwo | Self::Level | Self::LevelMinimal, Some(effort)) => Some(Config {
                thinking_level: Some(self.level(effort)),
                ..shown
            }),
        }
    }

    /// In tokens: Pro takes 128 to 32768, Flash 0 to 24576 and Flash-Lite 0 or 512 to 24576.
    const fn budget(self, effort: Effort) -> u32 {
        let is_pro = matches!(self, Self::BudgetPro);
        match effort {
            Effort::Off if is_pro => 128,
            Effort::Off => 0,
            Effort::Minimal => 512,
            Effort::Low => 2_048,
            Effort::Medium => 8_192,
            Effort::High => 16_384,
            Effort::XHigh | Effort::Max if is_pro => 32_768,
            Effort::XHigh | Effort::Max => 24_576,
        }
    }

    /// No model of these generations can be kept from thinking.
    const fn level(self, effort: Effort) -> &'static str {
        match (effort, self) {
            (Effort::Off | Effort::Minimal, Self::LevelMinimal) => "minimal",
            (Effort::Off | Effort::Minimal | Effort::Low, _) => "low",
            (Effort::Medium, Self::Level | Self::LevelMinimal) => "medium",
            (Effort::Medium | Effort::High | Effort::XHigh | Effort::Max, _) => "high",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn sent(model: &str, effort: Option<Effort>) -> Value {
        serde_json::to_value(Family::of(model).thinking(effort)).unwrap()
    }

    #[test]
    fn each_generation_is_told_in_its_own_words() {
        for (model, effort, expected) in [
            (
                "gemini-2.5-pro",
                Some(Effort::Off),
                json!({"includeThoughts": false, "thinkingBudget": 128}),
            ),
            (
                "gemini-2.5-flash-lite",
                Some(Effort::Off),
                json!({"includeThoughts": false, "thinkingBudget": 0}),
            ),
            (
                "models/gemini-2.5-flash",
                Some(Effort::Max),
                json!({"includeThoughts": true, "thinkingBudget": 24_576}),
            ),
            ("gemini-2.5-flash", None, json!({"includeThoughts": true})),
            (
                "gemini-3-pro-preview",
                Some(Effort::Medium),
                json!({"includeThoughts": true, "thinkingLevel": "high"}),
            ),
            (
                "gemini-3-flash-preview",
                Some(Effort::Off),
                json!({"includeThoughts": false, "thinkingLevel": "minimal"}),
            ),
            (
                "gemini-3.8-flash",
                Some(Effort::Minimal),
                json!({"includeThoughts": true, "thinkingLevel": "low"}),
            ),
            (
                "gemini-4-argon",
                Some(Effort::Medium),
                json!({"includeThoughts": true, "thinkingLevel": "medium"}),
            ),
            ("gemini-2.0-flash", Some(Effort::High), Value::Null),
            ("gemma-3-27b-it", Some(Effort::High), Value::Null),
        ] {
            assert_eq!(sent(model, effort), expected, "{model} {effort:?}");
        }
    }
}
