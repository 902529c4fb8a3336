//! From a config to the parts of a gateway.

use std::path::PathBuf;

use openclaw_agents::{Agent, AgentModel, Limits, ToolRegistry};
use openclaw_config::ProviderSettings;
use openclaw_core::events::AuditEntry;
use openclaw_core::state_dir::private_dir;
use openclaw_core::{AgentId, ApiKey, ModelRef};
use openclaw_providers::{ProviderConfig, WELL_KNOWN};
use openclaw_sandbox::{SandboxConfig, SandboxLevel};

use crate::error::GatewayError;
use crate::home::{Home, secret_name};

/// The agent that every home has.
pub(crate) const DEFAULT_AGENT: &str = "main";

/// The most memory that one command of an agent may use.
const COMMAND_MEMORY: u64 = 4 * 1024 * 1024 * 1024;

/// Makes the default agent that the config describes, and its workspace.
///
/// Returns also what the audit stream is to say about its provider's key, if there is one.
pub(crate) fn agent(home: &Home) -> Result<(Agent, Option<AuditEntry>), GatewayError> {
    let workspace = workspace(home)?;
    let reference = home.config.model.as_ref();
    let model = reference.map(|reference| model(home, reference));
    let (model, key) = model.transpose()?.unzip();
    Ok((described(workspace, model), key.flatten()))
}

/// Returns the agent of that id as the config describes it, if there is one, but thinking with
/// this model, and the secret that was read for it. Nothing is made on disk, so its tools may have
/// no folder to work in.
pub(crate) fn agent_with_model(
    home: &Home,
    id: &AgentId,
    reference: &ModelRef,
) -> Result<Option<(Agent, Option<AuditEntry>)>, GatewayError> {
    if id.as_str() != DEFAULT_AGENT {
        return Ok(None);
    }
    let path = workspace_path(home);
    let workspace = path.canonicalize().unwrap_or(path);
    let (model, key) = model(home, reference)?;
    Ok(Some((described(workspace, Some(model)), key)))
}

/// Returns the tools that agents and clients may call.
pub(crate) fn tools() -> ToolRegistry {
    ToolRegistry::standard()
}

fn described(workspace: PathBuf, model: Option<AgentModel>) -> Agent {
    Agent {
        id: AgentId::from(DEFAULT_AGENT),
        name: DEFAULT_AGENT.to_owned(),
        model,
        sandbox: SandboxConfig {
            level: SandboxLevel::Strict,
            allowed_paths: vec![workspace.clone()],
            network_access: false,
            max_cpu_time: None,
            max_memory: Some(COMMAND_MEMORY),
        },
        workspace,
        limits: Limits::default(),
    }
}

fn workspace_path(home: &Home) -> PathBuf {
    home.config
        .workspace
        .clone()
        .unwrap_or_else(|| home.state.default_workspace())
}

fn workspace(home: &Home) -> Result<PathBuf, GatewayError> {
    let path = workspace_path(home);
    let failed = |source| GatewayError::Workspace {
        path: path.clone(),
        source,
    };
    private_dir(&path).map_err(failed)?;
    let workspace = path.canonicalize().map_err(failed)?;
    let own = home.state.own().canonicalize().map_err(failed)?;
    if own.starts_with(&workspace) || workspace.starts_with(&own) {
        return Err(GatewayError::WideWorkspace { path: workspace });
    }
    Ok(workspace)
}

fn model(
    home: &Home,
    reference: &ModelRef,
) -> Result<(AgentModel, Option<AuditEntry>), GatewayError> {
    let id = &reference.provider;
    let known = WELL_KNOWN.iter().find(|known| known.id == id.as_str());
    let settings = home.config.providers.get(id).cloned().unwrap_or_default();
    let api = settings
        .api
        .as_deref()
        .or(known.map(|known| known.api))
        .ok_or_else(|| GatewayError::UnknownProvider {
            model: reference.clone(),
        })?;
    let failed = |source| GatewayError::Provider {
        id: id.clone(),
        source: Box::new(source),
    };
    let (key_name, api_key) = match &settings.api_key {
        Some(input) => {
            let path = format!("models.providers.{id}.apiKey");
            let key = home.secret(input, &path)?;
            (Some(secret_name(input, &path)), Some(key))
        }
        None => known
            .and_then(|known| known.api_key_env)
            .and_then(|name| Some((name.to_owned(), ApiKey::new(home.env.get(name)?.to_owned()))))
            .unzip(),
    };
    let key_read = key_name.map(|name| AuditEntry::SecretAccessed {
        name,
        purpose: format!("provider {id}"),
    });
    let provider = openclaw_providers::build(
        api,
        ProviderConfig {
            base_url: settings
                .base_url
                .clone()
                .or_else(|| known.and_then(|known| known.base_url).map(str::to_owned)),
            api_key,
            ..ProviderConfig::new(id.clone())
        },
    )
    .map_err(failed)?;
    let max_tokens = max_tokens(&settings, &reference.model);
    let model = AgentModel {
        provider,
        model: reference.model.clone(),
        max_tokens,
    };
    Ok((model, key_read))
}

fn max_tokens(settings: &ProviderSettings, model: &str) -> Option<u32> {
    settings
        .models
        .iter()
        .find(|settings| settings.id == model)?
        .max_tokens
}
