//! What a skill says about itself for programs: the `metadata` of its front matter.
//!
//! The text is JSON or JSON5. What counts stands under `openclaw`, or under the older `clawdbot`.

use serde_json::Value;

use super::front_matter::{FrontMatter, MAX_DEPTH};
use super::install::InstallSpec;

/// The keys that a manifest may stand under, the preferred one first.
const KEYS: [&str; 2] = ["openclaw", "clawdbot"];

/// What a skill needs, and how it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// Offered whatever it needs, where the system fits.
    pub always: bool,
    /// A picture for lists.
    pub emoji: Option<String>,
    /// A page about it.
    pub homepage: Option<String>,
    /// Its key in `skills.entries`, if that is not its name.
    pub skill_key: Option<String>,
    /// The variable that `skills.entries.<key>.apiKey` stands for.
    pub primary_env: Option<String>,
    /// The systems that it works on; any, if empty.
    pub os: Vec<String>,
    /// What else has to be there.
    pub requires: Requires,
    /// How to get what is missing.
    pub install: Vec<InstallSpec>,
}

/// What has to be there for a skill.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requires {
    /// Programs, all of them.
    pub bins: Vec<String>,
    /// Programs, any of them.
    pub any_bins: Vec<String>,
    /// Environment variables.
    pub env: Vec<String>,
    /// Paths of the config that have to be set to something.
    pub config: Vec<String>,
}

impl Manifest {
    /// Reads the manifest of a front matter; without one, or with one that is no JSON5, nothing is
    /// needed.
    pub fn of(front: &FrontMatter) -> Self {
        front
            .get("metadata")
            .and_then(json)
            .and_then(|metadata| {
                let object = KEYS
                    .iter()
                    .find_map(|key| metadata.get(key)?.as_object().cloned());
                object.map(Value::Object)
            })
            .map(|manifest| Self::read(&manifest))
            .unwrap_or_default()
    }

    fn read(manifest: &Value) -> Self {
        let text = |key: &str| manifest.get(key)?.as_str().map(str::to_owned);
        let requires = manifest.get("requires");
        let required = |key: &str| list(requires.and_then(|requires| requires.get(key)));
        let install = manifest.get("install").and_then(Value::as_array);
        Self {
            always: manifest.get("always") == Some(&Value::Bool(true)),
            emoji: text("emoji"),
            homepage: text("homepage"),
            skill_key: text("skillKey").filter(|key| !key.trim().is_empty()),
            primary_env: text("primaryEnv"),
            os: list(manifest.get("os")),
            requires: Requires {
                bins: required("bins"),
                any_bins: required("anyBins"),
                env: required("env"),
                config: required("config"),
            },
            install: install
                .into_iter()
                .flatten()
                .filter_map(InstallSpec::read)
                .collect(),
        }
    }
}

/// Returns the texts of a list, or of a text with commas.
pub(super) fn list(value: Option<&Value>) -> Vec<String> {
    let kept = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    match value {
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(|item| match item {
                Value::String(text) => kept(text),
                Value::Number(_) | Value::Bool(_) => Some(item.to_string()),
                Value::Null | Value::Array(_) | Value::Object(_) => None,
            })
            .collect(),
        Some(Value::String(text)) => text.split(',').filter_map(kept).collect(),
        _ => Vec::new(),
    }
}

fn json(text: &str) -> Option<Value> {
    if depth(text) > MAX_DEPTH {
        return None;
    }
    serde_json::from_str(text)
        .ok()
        .or_else(|| json5::from_str(text).ok())
}

/// Returns how deep brackets are nested at most; those in texts count too.
fn depth(text: &str) -> usize {
    let mut open = 0_usize;
    let mut deepest = 0;
    for byte in text.bytes() {
        match byte {
            b'{' | b'[' => {
                open = open.saturating_add(1);
                deepest = deepest.max(open);
            }
            b'}' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(front: &str) -> Manifest {
        Manifest::of(&FrontMatter::parse(&format!("---\n{front}\n---\n")).unwrap())
    }

    #[test]
    fn reads_json5_text_yaml_and_the_older_key_alike() {
        let expected = Manifest {
            always: true,
            os: vec!["linux".into()],
            primary_env: Some("KEY".into()),
            requires: Requires {
                any_bins: vec!["a".into(), "b".into()],
                ..Requires::default()
            },
            ..Manifest::default()
        };
        for front in [
            "metadata:\n  openclaw:\n    always: true\n    os: linux\n    primaryEnv: KEY\n    requires: { anyBins: [a, b] }",
            "metadata: |\n  // for programs\n  { openclaw: { always: true, os: ['linux',], primaryEnv: 'KEY', requires: { anyBins: 'a, b' } } }",
            "metadata: {\"clawdbot\":{\"always\":true,\"os\":[\"linux\"],\"primaryEnv\":\"KEY\",\"requires\":{\"anyBins\":[\"a\",\"b\"]}}}",
        ] {
            assert_eq!(manifest(front), expected, "{front}");
        }
    }

    #[test]
    fn a_manifest_that_cannot_be_read_asks_for_nothing() {
        for front in ["metadata: 5", "metadata: '{ openclaw: '", "name: x"] {
            assert_eq!(manifest(front), Manifest::default(), "{front}");
        }
        let deep = format!("metadata: '{}'", "[".repeat(100_000));
        assert_eq!(manifest(&deep), Manifest::default());
    }
}
