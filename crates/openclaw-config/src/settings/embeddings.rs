//! `memory.search`: with which model an agent has vectors made of texts.

use super::reader::Reader;

/// Where the settings stand, for all agents and below each.
const AT: [&str; 2] = ["memory", "search"];

/// With which model vectors are made, as far as that is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmbeddingSettings {
    /// The provider (`provider`); none where the usual one is meant.
    pub provider: Option<String>,
    /// The model, as the provider names it (`model`).
    pub model: Option<String>,
    /// How many numbers a vector has (`outputDimensionality`).
    pub dimensions: Option<u32>,
}

impl Reader<'_> {
    /// Returns the settings of the agent at this place, with what all agents have in common.
    pub(super) fn embeddings(&self, agent: &[&str]) -> EmbeddingSettings {
        let text = |key: &str| {
            let own = self.string(&[agent, &AT, &[key]].concat());
            let text = own.or_else(|| self.string(&[&AT[..], &[key]].concat()))?;
            let text = text.trim();
            (text != "auto").then(|| text.to_owned())
        };
        let number = |key: &str| {
            let own = self.number(&[agent, &AT, &[key]].concat());
            let number = own.or_else(|| self.number(&[&AT[..], &[key]].concat()))?;
            u32::try_from(number).ok()
        };
        EmbeddingSettings {
            provider: text("provider"),
            model: text("model"),
            dimensions: number("outputDimensionality"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use openclaw_core::env::Env;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_agent_says_comes_before_what_all_have_in_common() {
        let config = json!({
            "memory": { "search": { "provider": "auto", "model": "m", "outputDimensionality": 8 } },
            "agents": { "entries": { "a": { "memory": { "search": { "provider": "p" } } } } },
        });
        let env = Env::default();
        let reader = Reader::new(&config, &env, Path::new("/state"));
        let of = |agent: &str| reader.embeddings(&["agents", "entries", agent]);
        let shared = EmbeddingSettings {
            provider: None,
            model: Some("m".to_owned()),
            dimensions: Some(8),
        };
        assert_eq!(of("b"), shared);
        let own = EmbeddingSettings {
            provider: Some("p".to_owned()),
            ..shared
        };
        assert_eq!(of("a"), own);
    }
}
