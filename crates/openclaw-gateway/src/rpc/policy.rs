//! The method that explains the rules for tools.

use std::sync::Arc;

use openclaw_agents::Agent;
use openclaw_agents::policy::{Asking, Decision, Look, Verdict};
use openclaw_agents::tools::Effect;
use openclaw_core::access::{Sender, Standing};
use openclaw_core::{AgentId, Kind, ModelRef, PeerId, SessionKey};
use openclaw_ipc::methods::{
    PolicyDecision, PolicyExplain, PolicyExplainOutput, PolicyExplainParams, PolicyLayer,
    PolicySender, PolicyStanding,
};
use openclaw_ipc::{Handle, RpcError};
use serde_json::{Map, Value};

use super::{CallCx, Rpc, session_key_error};
use crate::pipeline::{RPC_CHANNEL, WEBHOOK_CHANNEL, caller, webhook};

/// Stands for anybody on a channel.
const ANYBODY: &str = "*";

/// The gate behind the rules, which asks while a stranger's words are in view.
const PROVENANCE: &str = "provenance";

impl Handle<PolicyExplain> for Rpc {
    async fn handle(
        &self,
        cx: &CallCx,
        params: PolicyExplainParams,
    ) -> Result<PolicyExplainOutput, RpcError> {
        let of_session = params.session_key.as_ref().map(SessionKey::agent);
        let agent = self.agent_or_names(params.agent_id.as_ref().or(of_session.as_ref()))?;
        let tool = self.tools.own_name(&params.tool);
        if !self.tools.names().contains(&tool) {
            let message = format!("there is no tool `{}`", params.tool);
            let of_use = agent.of_use(&self.tools);
            let hint = format!("there are: {}", of_use.names().join(", "));
            return Err(RpcError::new(Kind::NotFound, message)
                .with_hint(hint)
                .with_field("tool"));
        }
        let model = model(&agent, params.model.as_deref())?;
        let sender = sender(cx, &agent, &params)?;
        let session = session(&agent, &sender, params.session_key)?;
        let arguments = params.args.map(Value::Object);
        if let Some(arguments) = &arguments {
            let fits = self.tools.check(tool, arguments);
            fits.map_err(|err| RpcError::new(err.kind(), err.to_string()).with_field("args"))?;
        }
        let verdict = agent.rules.policy.judge(&Asking {
            agent: &agent.id,
            sender: &sender,
            session: session.as_ref(),
            tool,
            arguments: arguments.as_ref(),
            model: model.as_ref(),
            sandbox: agent.sandbox.level,
        });
        let foreseen = self.foreseen(&agent, tool, &sender, arguments.as_ref());
        let decided = strictest(&verdict, &foreseen);
        Ok(PolicyExplainOutput {
            agent_id: agent.id.clone(),
            tool: tool.to_owned(),
            sender: PolicySender {
                channel: sender.channel,
                peer: sender.peer,
                standing: match sender.standing {
                    Standing::Principal => PolicyStanding::Owner,
                    Standing::Guest => PolicyStanding::Guest,
                    Standing::Webhook => PolicyStanding::Webhook,
                },
            },
            session_key: session,
            model: model.map(|model| model.to_string()),
            sandbox: agent.sandbox.level.to_string(),
            decision: decided.says.unwrap_or(PolicyDecision::Allow),
            rule: decided.rule,
            file: decided.file,
            reason: decided.reason,
            layers: verdict
                .looked_at
                .into_iter()
                .map(layer)
                .chain([foreseen])
                .collect(),
        })
    }
}

impl Rpc {
    /// Says what the gate makes of where a conversation came from, as far as that is known before
    /// there is one.
    fn foreseen(
        &self,
        agent: &Agent,
        tool: &str,
        sender: &Sender,
        arguments: Option<&Value>,
    ) -> PolicyLayer {
        let rules = &agent.rules.taint;
        let nothing = Value::Object(Map::new());
        let arguments = arguments.unwrap_or(&nothing);
        let effect = self.tools.effect(tool, arguments);
        let asks = effect.is_some_and(|effect| rules.ask.contains(&effect));
        let stranger = rules.distrusts(sender);
        let names_addresses = !self.tools.addresses(tool, arguments).is_empty();
        let reason = if rules.is_off() {
            "is turned off"
        } else if asks && stranger && sender.standing == Standing::Webhook {
            "what a webhook brings is untrusted, and this asks first while it is in view, unless \
             exactly this call was allowed for good"
        } else if asks && stranger {
            "what a guest writes is untrusted, and this asks first while it is in view, unless \
             exactly this call was allowed for good"
        } else if asks {
            "asks first while something untrusted is in view"
        } else if names_addresses && rules.ask.contains(&Effect::Send) {
            "asks first while something untrusted is in view, unless somebody else has named the \
             address"
        } else {
            "asks first about what runs, sends something out or uses a secret"
        };
        PolicyLayer {
            rule: PROVENANCE.to_owned(),
            file: None,
            says: (asks && stranger).then_some(PolicyDecision::Ask),
            reason: reason.to_owned(),
        }
    }

    /// Returns the agent of that id, or the default one; when there is none, its hint names those
    /// that there are.
    pub(super) fn agent_or_names(&self, id: Option<&AgentId>) -> Result<Arc<Agent>, RpcError> {
        self.agent(id).map_err(|err| {
            let agents = self.agents.all();
            let ids: Vec<&str> = agents.iter().map(|agent| agent.id.as_str()).collect();
            err.with_hint(format!("there are: {}", ids.join(", ")))
        })
    }
}

/// Takes what is asked for whatever policy allows.
fn strictest(verdict: &Verdict, foreseen: &PolicyLayer) -> PolicyLayer {
    match (verdict.decision, foreseen.says) {
        (Decision::Allow, Some(_)) => foreseen.clone(),
        (decided, _) => PolicyLayer {
            rule: verdict.rule.clone(),
            file: verdict.file.clone(),
            says: Some(decision(decided)),
            reason: verdict.reason.clone(),
        },
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
            Ok(match channel.as_str() {
                WEBHOOK_CHANNEL => webhook(peer),
                _ => agent.rules.policy.sender(channel.clone(), peer),
            })
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
