//! From a config to the parts of a gateway.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use openclaw_agents::policy::Policy;
use openclaw_agents::{Agent, AgentModel, NoModel, Rules, ToolRegistry};
use openclaw_config::{AgentSettings, Misnamed};
use openclaw_core::events::AuditEntry;
use openclaw_core::state_dir::private_dir;
use openclaw_core::{AgentId, Clock, Kind, ModelRef};
use openclaw_providers::Health;

use crate::compaction;
use crate::consent;
use crate::containment::{Containment, Exits};
use crate::error::GatewayError;
use crate::home::Home;
use crate::models::{Models, Routed};
use crate::skills;
use crate::turns;
use crate::web;

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
/// An agent whose model cannot be asked is there all the same: what stands in for the model answers,
/// or else the agent says why when it is asked. What is known of the health of models and keys goes
/// on, whatever the config says about them now; and so does the way out of their sandboxes.
pub(crate) fn cast(
    home: &Home,
    health: &Arc<Health>,
    exits: &Arc<Exits>,
) -> Result<Cast, GatewayError> {
    let models = Models::of(home);
    let mut cast = Cast {
        agents: Vec::new(),
        keys_read: Vec::new(),
    };
    for settings in &home.config.agents {
        let workspace = workspace(home, settings)?;
        let routed = models.route(settings, health);
        let model = thinking_with(settings, &routed);
        cast.keys_read.extend(routed.read);
        let images = models.route_of_images(settings, health);
        cast.keys_read.extend(images.read);
        let model = model.and_then(|()| {
            let route = routed.route.ok_or(NoModel::NotConfigured)?;
            Ok(AgentModel {
                route: Arc::new(route),
                images: images.route.map(Arc::new),
            })
        });
        let mut agent = described(home, settings, workspace, model, exits)?;
        let (compaction, read) = compaction::rules(home, &models, settings, health);
        agent.rules.compaction = compaction;
        cast.keys_read.extend(read);
        cast.agents.push(agent);
    }
    Ok(cast)
}

/// Tells whether an agent has a model to think with, and logs which of its models it has not.
fn thinking_with(settings: &AgentSettings, routed: &Routed) -> Result<(), NoModel> {
    let answers = routed.route.as_ref().and_then(|route| route.primary());
    for unusable in &routed.unusable {
        let (agent, model, err) = (&settings.id, &unusable.model, &unusable.error);
        if let Some(instead) = answers {
            tracing::warn!(%agent, %model, %err, %instead, "a model cannot be asked; the agent answers without it");
        } else {
            tracing::warn!(%agent, %model, %err, "an agent cannot answer");
        }
    }
    for Misnamed { name, problem } in &settings.misnamed {
        let agent = &settings.id;
        tracing::warn!(%agent, model = name, why = problem, "the config names a model that is none; the agent does without it");
    }
    match (answers, routed.unusable.first()) {
        (None, Some(unusable)) => Err(NoModel::Unusable {
            kind: unusable.error.kind(),
            message: unusable.error.to_string(),
            hint: unusable.error.hint(),
        }),
        (None, None) => settings.misnamed.first().map_or(Ok(()), |none| {
            Err(NoModel::Unusable {
                kind: Kind::Config,
                message: none.problem.clone(),
                hint: Some("list the models with `openclaw models list --all`".to_owned()),
            })
        }),
        _ => Ok(()),
    }
}

/// Returns the agent of that id as the config describes it, if there is one, but thinking with
/// this model and nothing in its place, and the secrets that were read for it. Nothing is made on
/// disk, so its tools may have no folder to work in.
pub(crate) fn agent_with_model(
    home: &Home,
    id: &AgentId,
    reference: &ModelRef,
) -> Result<Option<(Agent, Vec<AuditEntry>)>, GatewayError> {
    let Some(settings) = home.config.agent(id) else {
        return Ok(None);
    };
    let path = settings.workspace.clone();
    let workspace = path.canonicalize().unwrap_or(path);
    let health = Arc::new(Health::new(Clock::system()));
    let (route, read) = Models::of(home).route_to(settings, reference, &health)?;
    let model = AgentModel {
        route: Arc::new(route),
        images: None,
    };
    Ok(Some((
        described(home, settings, workspace, Ok(model), &Arc::default())?,
        read,
    )))
}

/// Returns the tools that agents and clients may call, as the config describes them.
pub(crate) fn tools(home: &Home) -> Result<ToolRegistry, GatewayError> {
    web::tools(home, ToolRegistry::standard())
}

fn described(
    home: &Home,
    settings: &AgentSettings,
    workspace: PathBuf,
    model: Result<AgentModel, NoModel>,
    exits: &Arc<Exits>,
) -> Result<Agent, GatewayError> {
    let containment = Containment::of(home, Some(&settings.id))?;
    Ok(Agent {
        id: settings.id.clone(),
        name: settings.name.clone(),
        model,
        sandbox: containment.config(vec![workspace.clone()]),
        means: turns::command_times(&home.config.turns, &settings.id, containment.means(exits)),
        workspace,
        limits: turns::limits(&home.config.turns),
        rules: Rules {
            policy: Arc::new(Policy::new(home.config.tool_rules(&settings.id))),
            approvals: consent::approvals(&home.config.own),
            taint: consent::taint(&home.config.own),
            queue: turns::queue(&home.config.turns),
            loops: turns::loops(&home.config.turns, &settings.id),
            ..Rules::default()
        },
        skills: skills::skills(home, settings),
        context: skills::context(home, &settings.id),
        time_zone: home.config.skills.agent(&settings.id).time_zone.clone(),
    })
}

fn workspace(home: &Home, settings: &AgentSettings) -> Result<PathBuf, GatewayError> {
    let path: &Path = &settings.workspace;
    let failed = |source| GatewayError::Workspace {
        path: path.to_owned(),
        source,
    };
    // Nothing is written into a folder before it is known that commands may work there, which is
    // asked again of what there is then.
    let containment = Containment::of(home, Some(&settings.id))?;
    containment.workspace(path)?;
    private_dir(path).map_err(failed)?;
    let workspace = containment.workspace(path)?;
    skills::seed(home, settings)?;
    Ok(workspace)
}
