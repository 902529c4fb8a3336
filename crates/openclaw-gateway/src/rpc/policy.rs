//! The method that explains the rules for tools.

use std::sync::Arc;

use openclaw_agents::Agent;
use openclaw_agents::policy::{Asking, Decision, Look};
use openclaw_core::access::{Sender, Standing};
use openclaw_core::{Kind, ModelRef, PeerId, SessionKey};
use openclaw_ipc::methods::{
    PolicyDecision, PolicyExplain, PolicyExplainOutput, PolicyExplainParams, PolicyLayer,
    PolicySender, PolicyStanding,
};
use openclaw_ipc::{Handle, RpcError};
use serde_json::Value;

use super::{CallCx, Rpc, session_key_error};
use crate::pipeline::{RPC_CHANNEL, caller};

/// Stands for anybody on a channel.
const ANYBODY: &str = "*";

impl Handle<PolicyExplain> for Rpc {
    async fn handle(
        &self,
        cx: &CallCx,
        params: PolicyExplainParams,
    ) -> Result<PolicyExplainOutput, RpcError> {
        let agent = self.agent_to_explain(&params)?;
        let tool = self.tools.own_name(&params.tool);
        if !self.tools.names().contains(&tool) {
            let message = format!("there is no tool `{}`", params.tool);
            let hint = format!("there are: {}", self.tools.names().join(", "));
            return Err(RpcError::new(Kind::NotFound, message)
                .with_hint(hint)
                .with_field("tool"));
        }
        let model = model(&agent, params.model.as_deref())?;
        let sender = sender(cx, &agent, &params)?;
        let session = session(&agent, &sender, params.session_key)?;
        let arguments = params.args.map(Value::Object);
        let verdict = agent.rules.policy.judge(&Asking {
            agent: &agent.id,
            sender: &sender,
            session: session.as_ref(),
            tool,
            arguments: arguments.as_ref(),
            model: model.as_ref(),
            sandbox: agent.sandbox.level,
        });
        Ok(PolicyExplainOutput {
            agent_id: agent.id.clone(),
            tool: tool.to_owned(),
            sender: PolicySender {
                channel: sender.channel,
                peer: sender.peer,
                standing: match sender.standing {
                    Standing::Principal => PolicyStanding::Owner,
                    Standing::Guest => PolicyStanding::Guest,
                },
            },
            session_key: session,
            model: model.map(|model| model.to_string()),
            sandbox: agent.sandbox.level.to_string(),
            decision: decision(verdict.decision),
            rule: verdict.rule,
            file: verdict.file,
            reason: verdict.reason,
            layers: verdict.looked_at.into_iter().map(layer).collect(),
        })
    }
}

impl Rpc {
    fn agent_to_explain(&self, params: &PolicyExplainParams) -> Result<Arc<Agent>, RpcError> {
        let of_session = params.session_key.as_ref().map(SessionKey::agent);
        let id = params.agent_id.as_ref().or(of_session.as_ref());
        self.agent(id).map_err(|err| {
            let agents = self.agents.all();
            let ids: Vec<&str> = agents.iter().map(|agent| agent.id.as_str()).collect();
            err.with_hint(format!("there are: {}", ids.join(", ")))
        })
    }
}

fn model(agent: &Agent, named: Option<&str>) -> Result<Option<ModelRef>, RpcError> {
    let Some(named) = named else {
        let model = agent.model.as_ref().ok();
        return Ok(model.and_then(|model| model.model_ref()).cloned());
    };
    let model: ModelRef = named
        .parse()
        .map_err(|err| RpcError::new(Kind::Invalid, format!("{err}")).with_field("model"))?;
    Ok(Some(model))
}

fn sender(cx: &CallCx, agent: &Agent, params: &PolicyExplainParams) -> Result<Sender, RpcError> {
    match (&params.channel, &params.sender) {
        (None, None) => Ok(caller(cx)),
        (Some(channel), peer) => {
            let peer = peer.clone().unwrap_or_else(|| PeerId::from(ANYBODY));
            Ok(agent.rules.policy.sender(channel.clone(), peer))
        }
        (None, Some(_)) => {
            let message = "a sender is somebody on a channel: name the channel, too";
            Err(RpcError::new(Kind::Invalid, message).with_field("channel"))
        }
    }
}

/// Returns the session that is named, or the one in which the sender would write to the agent.
fn session(
    agent: &Agent,
    sender: &Sender,
    named: Option<SessionKey>,
) -> Result<Option<SessionKey>, RpcError> {
    if named.is_some() || sender.channel.as_str() == RPC_CHANNEL {
        return Ok(named);
    }
    SessionKey::direct(&agent.id, &sender.channel, &sender.peer)
        .map(Some)
        .map_err(|err| session_key_error(&err))
}

fn layer(look: Look) -> PolicyLayer {
    PolicyLayer {
        rule: look.rule,
        file: look.file,
        says: look.says.map(decision),
        reason: look.reason,
    }
}

const fn decision(decision: Decision) -> PolicyDecision {
    match decision {
        Decision::Allow => PolicyDecision::Allow,
        Decision::Ask => PolicyDecision::Ask,
        Decision::Deny => PolicyDecision::Deny,
    }
}
