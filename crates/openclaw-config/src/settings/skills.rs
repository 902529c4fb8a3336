//! `skills`: which skills there are and who may have them, and what each agent is told of its
//! workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use openclaw_core::AgentId;
use serde_json::Value;

use super::reader::Reader;

/// What OpenClaw takes as set although the config does not say so.
const SET_BY_DEFAULT: [&str; 2] = ["browser.enabled", "browser.evaluateEnabled"];
/// Names that are no settings in JavaScript.
const NO_SETTINGS: [&str; 3] = ["__proto__", "prototype", "constructor"];
/// The package managers that `skills.install.nodeManager` may name; the first is the default.
const NODE_MANAGERS: [&str; 4] = ["npm", "pnpm", "yarn", "bun"];

/// The settings of skills.
#[derive(Clone, Default)]
pub struct SkillSettings {
    /// What is said of single skills (`entries`), by their keys.
    pub entries: BTreeMap<String, SkillEntry>,
    /// The bundled skills that may be used (`allowBundled`); all, if empty.
    pub allow_bundled: BTreeSet<String>,
    /// Further folders with skills (`load.extraDirs`).
    pub extra_folders: Vec<PathBuf>,
    /// The folders that links in a workspace may lead to (`load.allowSymlinkTargets`).
    pub link_targets: Vec<PathBuf>,
    /// How much is looked at (`limits`).
    pub limits: SkillLimits,
    /// Whether Homebrew comes first among the ways to get a program (`install.preferBrew`).
    pub prefer_brew: bool,
    /// The package manager for packages of the npm registry (`install.nodeManager`).
    pub node_manager: String,
    /// What holds for agents that say nothing of their own.
    defaults: AgentSkillSettings,
    agents: BTreeMap<AgentId, AgentSkillSettings>,
    document: Arc<Value>,
}

/// What is said of one skill. Its secrets stay in the document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SkillEntry {
    /// Whether it is switched off (`enabled: false`).
    pub disabled: bool,
    /// The variables that have a value here (`env`).
    pub env: BTreeSet<String>,
    /// Whether there is an API key (`apiKey`).
    pub has_api_key: bool,
}

/// How much of skills is looked at; what is not said is for the reader to decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SkillLimits {
    /// `maxCandidatesPerRoot`.
    pub max_candidates_per_root: Option<usize>,
    /// `maxSkillsLoadedPerSource`.
    pub max_skills_per_source: Option<usize>,
    /// `maxSkillsInPrompt`.
    pub max_skills_in_prompt: Option<usize>,
    /// `maxSkillsPromptChars`.
    pub max_prompt_chars: Option<usize>,
    /// `maxSkillFileBytes`.
    pub max_file_bytes: Option<u64>,
}

/// What one agent is told of skills and of its workspace, with `agents.defaults` filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentSkillSettings {
    /// The skills that it may have (`skills`); all, if there is no list.
    pub allowlist: Option<Vec<String>>,
    /// `skillsLimits.maxSkillsPromptChars`.
    pub max_prompt_chars: Option<usize>,
    /// The most characters of one file of its workspace (`bootstrapMaxChars`).
    pub max_file_chars: Option<usize>,
    /// The most characters of all files of its workspace (`bootstrapTotalMaxChars`).
    pub max_total_chars: Option<usize>,
    /// Whether it is given no file of its workspace (`contextInjection: "never"`).
    pub no_context: bool,
    /// Whether a new workspace stays empty (`skipBootstrap`).
    pub skip_seed: bool,
    /// The files that a new workspace does not get (`skipOptionalBootstrapFiles`).
    pub skip_seed_files: Vec<String>,
    /// The time zone of the people it works for (`userTimezone`).
    pub time_zone: Option<String>,
}

// The document may hold secrets.
impl fmt::Debug for SkillSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SkillSettings")
            .field("entries", &self.entries)
            .field("allow_bundled", &self.allow_bundled)
            .field("extra_folders", &self.extra_folders)
            .field("limits", &self.limits)
            .field("agents", &self.agents)
            .finish_non_exhaustive()
    }
}

impl SkillSettings {
    /// Returns what holds for an agent.
    pub fn agent(&self, id: &AgentId) -> &AgentSkillSettings {
        self.agents.get(id).unwrap_or(&self.defaults)
    }

    /// Tells whether a path of the config, with dots between its keys, is set to something: not to
    /// `false`, zero or blank text.
    pub fn is_set(&self, path: &str) -> bool {
        let mut keys = path.split('.').filter(|key| !key.is_empty());
        if keys.clone().any(|key| NO_SETTINGS.contains(&key)) {
            return false;
        }
        let found = keys.try_fold(&*self.document, |value, key| match value {
            Value::Array(items) => key.parse().ok().and_then(|index: usize| items.get(index)),
            value => value.get(key),
        });
        match found {
            None => SET_BY_DEFAULT.contains(&path),
            Some(Value::Null) => false,
            Some(Value::Bool(flag)) => *flag,
            Some(Value::Number(number)) => number.as_f64() != Some(0.0),
            Some(Value::String(text)) => !text.trim().is_empty(),
            Some(Value::Array(_) | Value::Object(_)) => true,
        }
    }
}

impl Reader<'_> {
    pub(super) fn skills(&mut self) -> SkillSettings {
        let at = |key| ["skills", "limits", key];
        let limits = SkillLimits {
            max_candidates_per_root: self.size(&at("maxCandidatesPerRoot")),
            max_skills_per_source: self.size(&at("maxSkillsLoadedPerSource")),
            max_skills_in_prompt: self.size(&at("maxSkillsInPrompt")),
            max_prompt_chars: self.size(&at("maxSkillsPromptChars")),
            max_file_bytes: self.number(&at("maxSkillFileBytes")),
        };
        let manager = self.string(&["skills", "install", "nodeManager"]);
        let manager = manager.map(|name| name.trim().to_lowercase());
        let [npm, ..] = NODE_MANAGERS;
        let defaults = self.agent_skills(None);
        let ids: Vec<&str> = self
            .members(&["agents", "entries"])
            .map(|(id, _)| id)
            .collect();
        SkillSettings {
            entries: self
                .members(&["skills", "entries"])
                .map(|(key, entry)| (key.to_owned(), skill_entry(entry)))
                .collect(),
            allow_bundled: self
                .texts(&["skills", "allowBundled"])
                .unwrap_or_default()
                .into_iter()
                .collect(),
            extra_folders: self.folders("extraDirs"),
            link_targets: self.folders("allowSymlinkTargets"),
            limits,
            prefer_brew: self.raw(&["skills", "install", "preferBrew"])
                != Some(&Value::Bool(false)),
            node_manager: manager
                .filter(|name| NODE_MANAGERS.contains(&name.as_str()))
                .unwrap_or_else(|| npm.to_owned()),
            agents: ids
                .into_iter()
                .map(|id| (AgentId::from(id), self.agent_skills(Some(id))))
                .collect(),
            defaults,
            document: Arc::new(self.raw(&[]).cloned().unwrap_or_default()),
        }
    }

    /// Returns what holds for an agent, or for those that say nothing of their own.
    fn agent_skills(&self, id: Option<&str>) -> AgentSkillSettings {
        let own = |key| id.map(|id| ["agents", "entries", id, key]);
        let shared = |key| ["agents", "defaults", key];
        let chars = |key| {
            let own = own(key).and_then(|path| self.size(&path));
            own.or_else(|| self.size(&shared(key)))
                .filter(|size| *size > 0)
        };
        let injection = own("contextInjection").and_then(|path| self.string(&path));
        let injection = injection.or_else(|| self.string(&shared("contextInjection")));
        AgentSkillSettings {
            allowlist: own("skills")
                .and_then(|path| self.texts(&path))
                .or_else(|| self.texts(&shared("skills"))),
            max_prompt_chars: id.and_then(|id| {
                self.size(&[
                    "agents",
                    "entries",
                    id,
                    "skillsLimits",
                    "maxSkillsPromptChars",
                ])
            }),
            max_file_chars: chars("bootstrapMaxChars"),
            max_total_chars: chars("bootstrapTotalMaxChars"),
            no_context: injection.as_deref() == Some("never"),
            skip_seed: self.raw(&shared("skipBootstrap")) == Some(&Value::Bool(true)),
            skip_seed_files: self
                .texts(&shared("skipOptionalBootstrapFiles"))
                .unwrap_or_default(),
            time_zone: self.string(&shared("userTimezone")),
        }
    }

    /// Returns the texts of a list, without blank ones; nothing where there is no list.
    fn texts(&self, path: &[&str]) -> Option<Vec<String>> {
        let items = self.raw(path)?.as_array()?;
        let texts = items.iter().filter_map(Value::as_str).map(str::trim);
        Some(
            texts
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
                .collect(),
        )
    }

    fn folders(&self, key: &str) -> Vec<PathBuf> {
        let texts = self.texts(&["skills", "load", key]).unwrap_or_default();
        texts.iter().map(|text| self.path(text)).collect()
    }

    fn size(&self, path: &[&str]) -> Option<usize> {
        self.number(path)
            .map(|n| usize::try_from(n).unwrap_or(usize::MAX))
    }
}

fn skill_entry(entry: &Value) -> SkillEntry {
    let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.trim().is_empty());
    let env = entry.get("env").and_then(Value::as_object);
    SkillEntry {
        disabled: entry.get("enabled") == Some(&Value::Bool(false)),
        env: env
            .into_iter()
            .flatten()
            .filter(|(_, value)| is_text(value))
            .map(|(name, _)| name.trim().to_owned())
            .collect(),
        has_api_key: entry
            .get("apiKey")
            .is_some_and(|key| is_text(key) || key.is_object()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use openclaw_core::env::Env;
    use serde_json::json;

    use super::*;

    fn settings(document: &Value) -> SkillSettings {
        let env: Env = [("HOME", "/h")].into_iter().collect();
        Reader::new(document, &env, Path::new("/h/.openclaw")).skills()
    }

    #[test]
    fn an_agents_own_list_stands_in_place_of_the_shared_one() {
        let settings = settings(&json!({ "agents": {
            "defaults": { "skills": ["github", " "], "bootstrapMaxChars": 9, "userTimezone": "Europe/Rome" },
            "entries": {
                "writer": {},
                "docs": { "skills": ["docs"], "bootstrapMaxChars": 7, "skillsLimits": { "maxSkillsPromptChars": 5 } },
                "closed": { "skills": [], "contextInjection": "never" },
            },
        } }));
        let agent = |id: &str| {
            let agent = settings.agent(&AgentId::from(id));
            (
                agent.allowlist.clone(),
                agent.max_file_chars,
                agent.max_prompt_chars,
                agent.no_context,
            )
        };
        let list = |names: &[&str]| Some(names.iter().map(|&name| name.to_owned()).collect());
        assert_eq!(agent("writer"), (list(&["github"]), Some(9), None, false));
        assert_eq!(agent("docs"), (list(&["docs"]), Some(7), Some(5), false));
        assert_eq!(agent("closed"), (list(&[]), Some(9), None, true));
        assert_eq!(agent("somebody"), (list(&["github"]), Some(9), None, false));
        let zone = settings.agent(&AgentId::from("docs")).time_zone.clone();
        assert_eq!(zone.as_deref(), Some("Europe/Rome"));
    }

    #[test]
    fn an_entry_says_what_it_gives_and_not_its_values() {
        let settings = settings(&json!({ "skills": {
            "entries": {
                "a": { "enabled": false, "env": { "A": "canary", "B": " " }, "apiKey": "canary" },
                "b": { "apiKey": { "source": "env", "provider": "default", "id": "K" } },
            },
            "load": { "extraDirs": ["~/x", ""] },
            "install": { "preferBrew": false, "nodeManager": "Bun" },
        } }));
        let entry = |disabled, env: &[&str]| SkillEntry {
            disabled,
            env: env.iter().map(|&name| name.to_owned()).collect(),
            has_api_key: true,
        };
        assert_eq!(settings.entries["a"], entry(true, &["A"]));
        assert_eq!(settings.entries["b"], entry(false, &[]));
        assert_eq!(settings.extra_folders, [PathBuf::from("/h/x")]);
        assert!(!settings.prefer_brew && settings.node_manager == "bun");
        assert!(!format!("{settings:?}").contains("canary"));
    }

    #[test]
    fn a_path_is_set_as_javascript_takes_it() {
        let settings = settings(&json!({
            "a": { "yes": true, "no": false, "zero": 0, "blank": " ", "text": "x", "list": [], "items": [1, 0] },
            "browser": { "evaluateEnabled": false },
        }));
        for path in [
            "a.yes",
            "a.text",
            "a.list",
            "a",
            "a..yes",
            "a.items.0",
            "browser.enabled",
        ] {
            assert!(settings.is_set(path), "{path}");
        }
        for path in [
            "a.no",
            "a.zero",
            "a.blank",
            "a.items.1",
            "b",
            "a.text.x",
            "browser.evaluateEnabled",
            "a.constructor",
        ] {
            assert!(!settings.is_set(path), "{path}");
        }
    }
}
