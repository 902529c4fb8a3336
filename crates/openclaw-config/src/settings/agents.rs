//! `agents`: who answers, with which model, in which folder.

use std::path::PathBuf;

use openclaw_core::{AgentId, ModelRef};
use serde_json::Value;

use super::embeddings::EmbeddingSettings;
use super::model_choice::{Misnamed, ModelParams};
use super::reader::Reader;
use super::sandbox::SetBy;

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
    /// The models that stand in for it, the first one first (`model.fallbacks`).
    pub fallbacks: Vec<ModelRef>,
    /// What its config names in their place that is no model.
    pub misnamed: Vec<Misnamed>,
    /// How they are to be asked (`params`, `thinkingDefault`).
    pub params: ModelParams,
    /// The folder that its tools work in.
    pub workspace: PathBuf,
    /// What decided that.
    pub workspace_set_by: SetBy,
    /// The folder of its sign-ins (`agentDir`).
    pub agent_dir: PathBuf,
    /// With which model it has vectors made (`memory.search`).
    pub embeddings: EmbeddingSettings,
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
        let choice = self.model_choice(&at);
        let workspace = self
            .string(&own(&["workspace"]))
            .map(|path| self.path(&path));
        let shared = self
            .string(&["agents", "defaults", "workspace"])
            .map(|path| self.path(&path));
        let workspace_set_by = match (&workspace, &shared) {
            (Some(_), _) => SetBy::Config(format!("agents.entries.{id}.workspace")),
            (None, Some(_)) => SetBy::Config("agents.defaults.workspace".to_owned()),
            (None, None) => SetBy::Default,
        };
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
            model: choice.primary,
            fallbacks: choice.fallbacks,
            misnamed: choice.misnamed,
            params: self.model_params(&at),
            workspace,
            workspace_set_by,
            agent_dir,
            embeddings: self.embeddings(&at),
        }
    }
}
