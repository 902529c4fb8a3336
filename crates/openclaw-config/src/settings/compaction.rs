//! `agents.defaults.compaction`: when a session's earlier part is summed up, and by whom.

use std::time::Duration;

use openclaw_core::ModelRef;
use serde_json::Value;

use super::reader::Reader;

/// Where the settings stand.
const AT: [&str; 3] = ["agents", "defaults", "compaction"];

/// The settings under `agents.defaults.compaction`; what is not set is left to the loop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompactionSettings {
    /// Whether a session is summed up before its model's window is full (`enabled`).
    pub enabled: Option<bool>,
    /// How many tokens of the latest conversation stay as they are (`keepRecentTokens`).
    pub keep_recent: Option<u64>,
    /// How many of the latest turns stay as they are (`recentTurnsPreserve`).
    pub keep_turns: Option<u64>,
    /// Who writes the summary (`model`).
    pub model: Option<ModelRef>,
    /// How long that may take (`timeoutSeconds`).
    pub timeout: Option<Duration>,
}

impl Reader<'_> {
    pub(super) fn compaction(&mut self) -> CompactionSettings {
        CompactionSettings {
            enabled: self.raw(&at("enabled")).and_then(Value::as_bool),
            keep_recent: self.number(&at("keepRecentTokens")),
            keep_turns: self.number(&at("recentTurnsPreserve")),
            model: self.model_at(&at("model")),
            timeout: self.number(&at("timeoutSeconds")).map(Duration::from_secs),
        }
    }
}

fn at(key: &str) -> [&str; 4] {
    let [agents, defaults, compaction] = AT;
    [agents, defaults, compaction, key]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::{meaning, not_followed};

    #[test]
    fn what_is_set_is_read_and_what_has_no_effect_is_named() {
        let config = meaning(
            "{ agents: { defaults: { compaction: { enabled: false, keepRecentTokens: 900, \
             recentTurnsPreserve: 2, model: 'ollama/llama3.1:8b', timeoutSeconds: 7, \
             mode: 'safeguard' } } } }",
        );
        assert_eq!(
            config.compaction,
            CompactionSettings {
                enabled: Some(false),
                keep_recent: Some(900),
                keep_turns: Some(2),
                model: Some("ollama/llama3.1:8b".parse().unwrap()),
                timeout: Some(Duration::from_secs(7)),
            }
        );
        let named = not_followed(&config).join("\n");
        assert!(named.contains("agents.defaults.compaction.mode"), "{named}");
        assert!(!named.contains("keepRecentTokens"), "{named}");
    }
}
