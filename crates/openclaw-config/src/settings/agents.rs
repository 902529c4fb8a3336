//! `agents`: who answers, with which model, in which folder.

use std::path::PathBuf;

use openclaw_core::{AgentId, ModelRef};
use serde_json::Value;

use super::reader::Reader;
/// The agent that a home has when its config lists none.
pub const DEFAULT_AGENT: &str = "main";

/// One agent, with what it inherits from `agents.defaults` filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentSettings {
    /// Its id, the one in session keys.
    pub id: AgentId,
    /// The name that it goes by (`identity.name`, else `name`, else the id).
    pub name: String,
    /// The model that it thinks with (`model`, or `model.primary`).
    pub model: Option<ModelRef>,
    /// The folder that its tools work in.
    pub workspace: PathBuf,
    /// The folder of its sign-ins (`agentDir`).
    pub agent_dir: PathBuf,
}

impl Reader<'_> {
    /// Returns the agents, the default one first.
    pub(super) fn agents(&mut self) -> Vec<AgentSettings> {
        let entries = match self.raw(&["agents", "entries"]) {
            Some(Value::Object(entries)) if !entries.is_empty() => {
                entries.keys().cloned().collect()
            }
            _ => vec![DEFAULT_AGENT.to_owned()],
        };
        let first = self.default_agent(&entries);
        // Where several agents share a home on purpose, each has a folder of its own.
        let explicit = self.string(&["agents", "ownership"]).as_deref() == Some("explicit");
        let owner = (entries.len() == 1 || !explicit).then_some(first.as_str());
        let mut agents: Vec<AgentSettings> =
            entries.iter().map(|id| self.agent(id, owner)).collect();
        // The order of the file is kept behind the default agent.
        agents.sort_by_key(|agent| agent.id.as_str() != first);
        agents
    }

    /// The old `default` mark counts, then the owner of ambient work, then `main`, then the first.
    fn default_agent(&mut self, entries: &[String]) -> String {
        let marked = entries
            .iter()
            .find(|id| self.raw(&["agents", "entries", id, "default"]) == Some(&Value::Bool(true)));
        let ambient = self.string(&["agents", "defaults", "systemAgent", "agentId"]);
        marked
            .cloned()
            .or_else(|| ambient.filter(|id| entries.contains(id)))
            .or_else(|| entries.iter().find(|id| *id == DEFAULT_AGENT).cloned())
            .or_else(|| entries.first().cloned())
            .unwrap_or_else(|| DEFAULT_AGENT.to_owned())
    }

    fn agent(&mut self, id: &str, owner: Option<&str>) -> AgentSettings {
        let at = ["agents", "entries", id];
        let own = |keys: &[&'static str]| -> Vec<&str> {
            at.iter().copied().chain(keys.iter().copied()).collect()
        };
        let name = self
            .string(&own(&["identity", "name"]))
            .or_else(|| self.string(&own(&["name"])))
            .unwrap_or_else(|| id.to_owned());
        let model = self
            .model(&own(&["model"]))
            .or_else(|| self.model(&["agents", "defaults", "model"]));
        let workspace = self
            .string(&own(&["workspace"]))
            .map(|path| self.path(&path));
        let shared = self
            .string(&["agents", "defaults", "workspace"])
            .map(|path| self.path(&path));
        let state = self.state_dir();
        let workspace = workspace.unwrap_or_else(|| match (owner == Some(id), shared) {
            (true, Some(shared)) => shared,
            (true, None) => state.join("workspace"),
            (false, Some(shared)) => shared.join(id),
            (false, None) => state.join(format!("workspace-{id}")),
        });
        let agent_dir = self.string(&own(&["agentDir"])).map_or_else(
            || state.join("agents").join(id).join("agent"),
            |path| self.path(&path),
        );
        AgentSettings {
            id: AgentId::from(id),
            name,
            model,
            workspace,
            agent_dir,
        }
    }

    /// A model is text, or an object with `primary`; the text is `provider/model` or an alias.
    fn model(&mut self, path: &[&str]) -> Option<ModelRef> {
        let primary = [path, &["primary"]].concat();
        let path = if matches!(self.raw(path), Some(Value::Object(_))) {
            &primary
        } else {
            path
        };
        let text = self.string(path)?;
        let text = text.trim();
        if let Some(named) = self.alias(text) {
            return Some(named);
        }
        match text.parse() {
            Ok(model) => Some(model),
            Err(err) => self.served_by_one(text).or_else(|| {
                self.not_followed(path, format!("{err}"));
                None
            }),
        }
    }

    /// Looks a name up among the aliases of `agents.defaults.models`.
    fn alias(&self, name: &str) -> Option<ModelRef> {
        let Some(Value::Object(models)) = self.raw(&["agents", "defaults", "models"]) else {
            return None;
        };
        models
            .iter()
            .find(|(_, settings)| {
                let alias = settings.get("alias").and_then(Value::as_str);
                alias.is_some_and(|alias| alias.eq_ignore_ascii_case(name))
            })
            .and_then(|(model, _)| model.parse().ok())
    }

    /// Returns the model of the one configured provider that lists this name.
    fn served_by_one(&self, name: &str) -> Option<ModelRef> {
        let Some(Value::Object(providers)) = self.raw(&["models", "providers"]) else {
            return None;
        };
        let lists = |provider: &Value| {
            let models = provider.get("models").and_then(Value::as_array);
            models.is_some_and(|models| {
                models
                    .iter()
                    .any(|model| model.get("id").and_then(Value::as_str) == Some(name))
            })
        };
        let mut serving = providers.iter().filter(|(_, provider)| lists(provider));
        let (provider, _) = serving.next()?;
        serving.next().is_none().then(|| ModelRef {
            provider: provider.as_str().into(),
            model: name.to_owned(),
        })
    }
}
