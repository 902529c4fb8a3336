//! From a config to the parts of a gateway.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use openclaw_agents::{Agent, AgentModel, Limits, NoModel, ToolRegistry};
use openclaw_config::{AgentSettings, ProviderSettings, record_name};
use openclaw_core::events::AuditEntry;
use openclaw_core::state_dir::private_dir;
use openclaw_core::{AgentId, ApiKey, ModelRef, ProviderId};
use openclaw_providers::{ProviderConfig, WELL_KNOWN};
use openclaw_sandbox::{SandboxConfig, SandboxLevel};

use crate::error::GatewayError;
use crate::home::{Home, secret_name};
use crate::{sign_ins, skills};

/// The most memory that one command of an agent may use.
const COMMAND_MEMORY: u64 = 4 * 1024 * 1024 * 1024;

/// The agents of a home, and the secrets that were read for them.
#[derive(Debug)]
pub(crate) struct Cast {
    /// The agents, the default one first.
    pub(crate) agents: Vec<Agent>,
    /// What the audit stream is to say about their providers' keys.
    pub(crate) keys_read: Vec<AuditEntry>,
}

/// Makes the agents that the config describes, and their workspaces.
///
/// An agent whose model cannot be asked is there all the same, and says why when it is asked.
pub(crate) fn cast(home: &Home) -> Result<Cast, GatewayError> {
    let mut cast = Cast {
        agents: Vec::new(),
        keys_read: Vec::new(),
    };
    for settings in &home.config.agents {
        let workspace = workspace(home, settings)?;
        let model = match &settings.model {
            None => Err(NoModel::NotConfigured),
            Some(reference) => match model(home, &settings.id, reference) {
                Ok((model, key_read)) => {
                    cast.keys_read.extend(key_read);
                    Ok(model)
                }
                Err(err) => {
                    tracing::warn!(agent = %settings.id, %err, "an agent cannot answer");
                    Err(NoModel::Unusable {
                        kind: err.kind(),
                        message: err.to_string(),
                        hint: err.hint(),
                    })
                }
            },
        };
        cast.agents
            .push(described(home, settings, workspace, model));
    }
    Ok(cast)
}

/// Returns the agent of that id as the config describes it, if there is one, but thinking with
/// this model, and the secret that was read for it. Nothing is made on disk, so its tools may have
/// no folder to work in.
pub(crate) fn agent_with_model(
    home: &Home,
    id: &AgentId,
    reference: &ModelRef,
) -> Result<Option<(Agent, Option<AuditEntry>)>, GatewayError> {
    let Some(settings) = home.config.agent(id) else {
        return Ok(None);
    };
    let path = settings.workspace.clone();
    let workspace = path.canonicalize().unwrap_or(path);
    let (model, key) = model(home, id, reference)?;
    Ok(Some((described(home, settings, workspace, Ok(model)), key)))
}

/// Returns the tools that agents and clients may call.
pub(crate) fn tools() -> ToolRegistry {
    ToolRegistry::standard()
}

fn described(
    home: &Home,
    settings: &AgentSettings,
    workspace: PathBuf,
    model: Result<AgentModel, NoModel>,
) -> Agent {
    let level = home.config.own.sandbox_level.as_deref();
    Agent {
        id: settings.id.clone(),
        name: settings.name.clone(),
        model,
        sandbox: SandboxConfig {
            // A level that is not known is the strictest.
            level: level
                .and_then(|level| level.parse().ok())
                .unwrap_or(SandboxLevel::Strict),
            allowed_paths: vec![workspace.clone()],
            network_access: false,
            max_cpu_time: None,
            max_memory: Some(COMMAND_MEMORY),
        },
        workspace,
        limits: Limits::default(),
        skills: skills::skills(home, settings),
        context: skills::context(home, &settings.id),
        time_zone: home.config.skills.agent(&settings.id).time_zone.clone(),
    }
}

fn workspace(home: &Home, settings: &AgentSettings) -> Result<PathBuf, GatewayError> {
    let path: &Path = &settings.workspace;
    let failed = |source| GatewayError::Workspace {
        path: path.to_owned(),
        source,
    };
    private_dir(path).map_err(failed)?;
    let workspace = path.canonicalize().map_err(failed)?;
    let own = home.state.own().canonicalize().map_err(failed)?;
    if own.starts_with(&workspace) || workspace.starts_with(&own) {
        return Err(GatewayError::WideWorkspace { path: workspace });
    }
    skills::seed(home, settings)?;
    Ok(workspace)
}

fn model(
    home: &Home,
    agent: &AgentId,
    reference: &ModelRef,
) -> Result<(AgentModel, Option<AuditEntry>), GatewayError> {
    let id = &reference.provider;
    let known = WELL_KNOWN.iter().find(|known| known.id == id.as_str());
    let settings = home.config.providers.get(id).cloned().unwrap_or_default();
    let api = settings
        .api
        .as_deref()
        .or(known.map(|known| known.api))
        // As OpenClaw has it for a server that is given by its address alone.
        .or(settings.base_url.as_ref().map(|_| "openai-completions"))
        .ok_or_else(|| GatewayError::UnknownProvider {
            model: reference.clone(),
        })?;
    let failed = |source| GatewayError::Provider {
        id: id.clone(),
        source: Box::new(source),
    };
    let (key_name, api_key) = api_key(home, agent, id, &settings)?.unzip();
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

/// The key of a sign-in that OpenClaw made counts first, then the config's, then the record of the
/// credential store that is named like the provider, then the environment's.
fn api_key(
    home: &Home,
    agent: &AgentId,
    provider: &ProviderId,
    settings: &ProviderSettings,
) -> Result<Option<(String, Arc<ApiKey>)>, GatewayError> {
    if let Some(signed_in) = sign_ins::key(home, agent, provider)? {
        return Ok(Some(signed_in));
    }
    if let Some(input) = &settings.api_key {
        let path = format!("models.providers.{provider}.apiKey");
        let key = home.secret(input, &path)?;
        return Ok(Some((secret_name(input, &path), key)));
    }
    let record = record_name(provider.as_str());
    // What references call `GOOGLE_VERTEX` is the record `google_vertex`.
    let referred = record.replace('-', "_");
    for record in [record, referred] {
        // A store that has no such record needs no password for this.
        if home.vault().has_file(&record)
            && let Some(key) = home.vault().get(&record)?
        {
            return Ok(Some((record, Arc::new(key))));
        }
    }
    let known = WELL_KNOWN
        .iter()
        .find(|known| known.id == provider.as_str());
    Ok(known.and_then(|known| known.api_key_env).and_then(|name| {
        let key = ApiKey::new(home.env.get(name)?.to_owned());
        Some((name.to_owned(), Arc::new(key)))
    }))
}
