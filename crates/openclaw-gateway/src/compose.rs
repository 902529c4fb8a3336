//! From a config to the parts of a gateway.

use std::path::PathBuf;

use openclaw_agents::{Agent, AgentModel, Limits};
use openclaw_core::AgentId;
use openclaw_core::config::{ModelRef, ProviderSettings};
use openclaw_core::state_dir::private_dir;
use openclaw_providers::{ProviderConfig, WELL_KNOWN};
use openclaw_sandbox::{SandboxConfig, SandboxLevel};

use crate::error::GatewayError;
use crate::home::Home;

/// The agent that every home has.
pub(crate) const DEFAULT_AGENT: &str = "main";

/// The most memory that one command of an agent may use.
const COMMAND_MEMORY: u64 = 4 * 1024 * 1024 * 1024;

/// Makes the default agent that the config describes, and its workspace.
pub(crate) fn agent(home: &Home) -> Result<Agent, GatewayError> {
    let workspace = workspace(home)?;
    Ok(Agent {
        id: AgentId::from(DEFAULT_AGENT),
        name: DEFAULT_AGENT.to_owned(),
        model: home
            .config
            .model
            .as_ref()
            .map(|reference| model(home, reference))
            .transpose()?,
        sandbox: SandboxConfig {
            level: SandboxLevel::Strict,
            allowed_paths: vec![workspace.clone()],
            network_access: false,
            max_cpu_time: None,
            max_memory: Some(COMMAND_MEMORY),
        },
        workspace,
        limits: Limits::default(),
    })
}

fn workspace(home: &Home) -> Result<PathBuf, GatewayError> {
    let path = home
        .config
        .workspace
        .clone()
        .unwrap_or_else(|| home.state.default_workspace());
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

fn model(home: &Home, reference: &ModelRef) -> Result<AgentModel, GatewayError> {
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
    let known_key = known
        .and_then(|known| known.api_key_env)
        .and_then(|name| home.env.get(name));
    let api_key = match &settings.api_key {
        Some(input) => Some(home.secret(input, &format!("models.providers.{id}.apiKey"))?),
        None => known_key.map(|value| openclaw_core::ApiKey::new(value.to_owned())),
    };
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
    Ok(AgentModel {
        provider,
        model: reference.model.clone(),
        max_tokens,
    })
}

fn max_tokens(settings: &ProviderSettings, model: &str) -> Option<u32> {
    settings
        .models
        .iter()
        .find(|settings| settings.id == model)?
        .max_tokens
}
