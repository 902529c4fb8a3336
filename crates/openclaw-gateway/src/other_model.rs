//! A model that answers in place of an agent's own, where a request asks for one.

use std::sync::Arc;

use openclaw_agents::{Agent, AgentModel};
use openclaw_config::Thinking;
use openclaw_core::ModelRef;
use openclaw_core::model_ref::ModelRefError;
use tokio::task;

use crate::error::GatewayError;
use crate::models::Models;
use crate::rpc::Rpc;

/// What a request asks for in place of what its agent thinks with.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Other<'a> {
    /// The model: `provider/model`, an alias, or a model of the agent's own provider.
    pub(crate) model: Option<&'a str>,
    /// How much it is to think.
    pub(crate) thinking: Option<Thinking>,
}

/// Why there is no such model.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoOther {
    /// Nothing says which models there are.
    #[error("this gateway has no config that names models")]
    NoConfig,
    /// The name is none.
    #[error(transparent)]
    Name(ModelRefError),
    /// The agent is not in the config any more, or the gateway stops.
    #[error("the agent has no model now")]
    Gone,
    /// The model cannot be asked.
    #[error("the model cannot be asked: {0}")]
    Unusable(#[source] Box<GatewayError>),
}

impl Other<'_> {
    /// Returns the model that is to answer in place of the agent's own.
    pub(crate) async fn of(self, rpc: &Rpc, agent: &Agent) -> Result<AgentModel, NoOther> {
        let home = rpc.home.get().ok_or(NoOther::NoConfig)?;
        let own = agent.model.as_ref().ok().and_then(AgentModel::model_ref);
        let model = match self.model {
            Some(name) => Some(match (home.config.aliases.get(name), own) {
                (Some(model), _) => model.clone(),
                (None, own) => named(name, own)?,
            }),
            None => None,
        };
        let (health, id, thinking) = (Arc::clone(&rpc.health), agent.id.clone(), self.thinking);
        // The credential store may have to be opened for it.
        let found = task::spawn_blocking(move || {
            let mut settings = home.config.agent(&id)?.clone();
            if let Some(thinking) = thinking {
                settings.params = settings.params.with_thinking(thinking);
            }
            let models = Models::of(&home);
            if let Some(model) = model {
                return Some(models.route_to(&settings, &model, &health));
            }
            let routed = models.route(&settings, &health);
            let unusable = routed.unusable.into_iter().next();
            match (routed.route, unusable) {
                (Some(route), _) => Some(Ok((route, routed.read))),
                (None, Some(unusable)) => Some(Err(unusable.error)),
                (None, None) => None,
            }
        });
        let found = found.await.ok().flatten().ok_or(NoOther::Gone)?;
        let (route, read) = found.map_err(|err| NoOther::Unusable(Box::new(err)))?;
        rpc.audit.enter(read);
        let images = agent.model.as_ref().ok().and_then(|own| own.images.clone());
        Ok(AgentModel {
            route: Arc::new(route),
            images,
        })
    }
}

/// Returns the model of a name that is no alias.
fn named(name: &str, own: Option<&ModelRef>) -> Result<ModelRef, NoOther> {
    match (name.parse(), own) {
        (Ok(model), _) => Ok(model),
        (Err(_bare), Some(own)) => Ok(ModelRef {
            provider: own.provider.clone(),
            model: name.to_owned(),
        }),
        (Err(err), None) => Err(NoOther::Name(err)),
    }
}
