//! Which agent, model and session a request means.

use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode};
use openclaw_agents::{Agent, AgentModel};
use openclaw_core::access::Scope;
use openclaw_core::redaction::mask;
use openclaw_core::session_key::check_agent;
use openclaw_core::{AgentId, ChannelId, SessionKey};
use openclaw_ipc::openai::ApiError;
use uuid::Uuid;

use super::door::Failure;
use super::threads::Threads;
use crate::builder::Gateway;
use crate::other_model::{NoOther, Other};
use crate::rpc::{CallCx, Rpc};

/// The name of the default agent.
pub(super) const DEFAULT: &str = "openclaw";
/// Its other name, by which clients mean it whatever its id is.
pub(super) const DEFAULT_ALIAS: &str = "openclaw/default";

/// The headers that say more than the body.
pub(super) const AGENT: &str = "x-openclaw-agent-id";
pub(super) const MODEL: &str = "x-openclaw-model";
const SESSION: &str = "x-openclaw-session-key";
const CHANNEL: &str = "x-openclaw-message-channel";

/// The channel of requests that name none.
const USUAL_CHANNEL: &str = "webchat";
/// The sessions that are nobody's to write to from outside.
const RESERVED: [&str; 3] = ["subagent:", "cron:", "acp:"];

/// Whom a request is for.
#[derive(Debug)]
pub(super) struct Target {
    /// The agent.
    pub(super) agent: Arc<Agent>,
    /// The `model` of the request, as the answer has it.
    pub(super) model: String,
    /// The session.
    pub(super) session: SessionKey,
    /// Where the session comes from.
    pub(super) kept: Kept,
    /// The channel that the session is said to be on.
    pub(super) channel: ChannelId,
    /// The model that answers in place of the agent's own.
    pub(super) instead: Option<AgentModel>,
}

/// Whether a session may have been spoken in before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// It begins with this request.
    New,
    /// It goes by a name that the client knows.
    Named,
}

/// What of a request's body says whom it is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Says<'a> {
    pub(super) model: Option<&'a str>,
    pub(super) user: Option<&'a str>,
    /// The response that it goes on from.
    pub(super) previous: Option<&'a str>,
    /// What the sessions of this dialect begin with.
    pub(super) prefix: &'static str,
}

impl Target {
    /// Finds out whom a request is for.
    pub(super) async fn of(
        gateway: &Gateway,
        cx: &CallCx,
        headers: &HeaderMap,
        says: Says<'_>,
        threads: &Threads,
    ) -> Result<Self, Failure> {
        let model = says.model.map(str::trim).filter(|model| !model.is_empty());
        let by_model = model.map(|model| named(gateway, model)).transpose()?;
        let by_header = match header(headers, AGENT)? {
            Some(id) => Some(agent(gateway, id)?),
            None => None,
        };
        let explicit = header(headers, SESSION)?;
        let chosen = by_header.or_else(|| by_model.flatten());
        let of_key = explicit.and_then(|key| SessionKey::parse(key).ok());
        let agent = match (chosen, of_key) {
            (Some(agent), _) => agent,
            (None, Some(key)) => agent(gateway, key.agent().as_str())?,
            (None, None) => default(gateway)?,
        };
        let channel = header(headers, CHANNEL)?.map(channel).transpose()?;
        let (session, kept) = session(&agent.id, explicit, says)?;
        let (session, kept) = match says.previous {
            Some(previous) => {
                let known = threads.find(previous, cx.admitted.principal());
                let of_agent = known.filter(|known| known.agent() == agent.id);
                let known = of_agent.ok_or_else(|| unknown_response(previous))?;
                if explicit.is_some() && known != session {
                    return Err(Failure::invalid(format!(
                        "`{previous}` belongs to another session than the one in `{SESSION}`"
                    ))
                    .about("previous_response_id"));
                }
                (known, Kept::Named)
            }
            None => (session, kept),
        };
        let instead = match header(headers, MODEL)? {
            Some(name) => Some(other_model(&gateway.shared.rpc, cx, &agent, name).await?),
            None => None,
        };
        Ok(Self {
            agent,
            model: model.unwrap_or(DEFAULT).to_owned(),
            session,
            kept,
            channel: channel.unwrap_or_else(|| ChannelId::from(USUAL_CHANNEL)),
            instead,
        })
    }
}

fn unknown_response(id: &str) -> Failure {
    let message = format!(
        "no response `{id}` is known any more: send the conversation itself in `input`, or keep it \
         together by `user` or the header `{SESSION}`"
    );
    Failure::invalid(message)
        .about("previous_response_id")
        .with_code("previous_response_not_found")
}

/// Returns the agent that a request's `model` names; none for the default one.
pub(super) fn named(gateway: &Gateway, model: &str) -> Result<Option<Arc<Agent>>, Failure> {
    let lower = model.trim().to_ascii_lowercase();
    if lower == DEFAULT || lower == DEFAULT_ALIAS {
        return Ok(None);
    }
    let id = ["openclaw/", "openclaw:", "agent:"]
        .into_iter()
        .find_map(|prefix| lower.strip_prefix(prefix));
    let legal = |id: &&str| check_agent(id).is_ok();
    if let Some(id) = id.filter(legal) {
        return agent(gateway, id).map(Some);
    }
    let message = "Invalid `model`. Use `openclaw` or `openclaw/<agentId>`.";
    Err(Failure::invalid(message)
        .about("model")
        .with_code("model_not_found"))
}

pub(super) fn agent(gateway: &Gateway, id: &str) -> Result<Arc<Agent>, Failure> {
    let agents = gateway.shared.rpc.agents.all();
    let same = |agent: &&Arc<Agent>| agent.id.as_str().eq_ignore_ascii_case(id);
    agents.iter().find(same).map(Arc::clone).ok_or_else(|| {
        let error = ApiError::invalid(format!("Unknown agent '{}'.", mask(id)));
        let error = error.about("model").with_code("model_not_found");
        Failure::new(StatusCode::BAD_REQUEST, error)
    })
}

pub(super) fn default(gateway: &Gateway) -> Result<Arc<Agent>, Failure> {
    let agent = gateway.shared.rpc.agent(None);
    agent.map_err(|err| Failure::of(&err))
}

pub(super) fn header<'a>(
    headers: &'a HeaderMap,
    name: &'static str,
) -> Result<Option<&'a str>, Failure> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let text = value.to_str().ok().map(str::trim);
    match (text, values.next()) {
        (Some(text), None) if mask(text) == text => Ok(Some(text).filter(|text| !text.is_empty())),
        _ => {
            let message = format!("the header `{name}` has to be there once, in plain text");
            Err(Failure::invalid(message).about(name))
        }
    }
}

fn channel(name: &str) -> Result<ChannelId, Failure> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.len() <= 64 && name.chars().all(legal) {
        return Ok(ChannelId::from(name.to_ascii_lowercase().as_str()));
    }
    let message = format!("the header `{CHANNEL}` names no channel");
    Err(Failure::invalid(message).about(CHANNEL))
}

/// Returns the session that a request is in.
fn session(
    agent: &AgentId,
    explicit: Option<&str>,
    says: Says<'_>,
) -> Result<(SessionKey, Kept), Failure> {
    let Some(explicit) = explicit else {
        let prefix = says.prefix;
        let user = says.user.map(str::trim).filter(|user| !user.is_empty());
        let (rest, kept) = match user {
            Some(user) if mask(user) != user => {
                let message = "a name must not have a secret in it";
                return Err(Failure::invalid(message).about("user"));
            }
            Some(user) => (format!("{prefix}-user:{}", plain(user)), Kept::Named),
            None => (format!("{prefix}:{}", Uuid::new_v4()), Kept::New),
        };
        let key = SessionKey::parse(&format!("agent:{agent}:{rest}"));
        let key = key.map_err(|err| Failure::invalid(err.to_string()).about("user"))?;
        return Ok((key, kept));
    };
    let refused = |message: String| Failure::invalid(message).about(SESSION);
    let key = match SessionKey::parse(explicit) {
        Ok(key) => key,
        Err(_short) => SessionKey::parse(&format!("agent:{agent}:{explicit}"))
            .map_err(|err| refused(err.to_string()))?,
    };
    if key.agent() != *agent {
        return Err(refused(format!(
            "`{SESSION}` is a session of the agent `{}`, and the request is for `{agent}`",
            key.agent()
        )));
    }
    let rest = key.as_str().splitn(3, ':').nth(2).unwrap_or_default();
    let rest = rest.to_ascii_lowercase();
    if key.is_system() || RESERVED.iter().any(|reserved| rest.starts_with(reserved)) {
        return Err(refused(format!(
            "`{SESSION}` cannot use reserved internal session namespaces."
        )));
    }
    Ok((key, Kept::Named))
}

/// Returns a user's name as it can stand in a session key, another one for another user.
fn plain(user: &str) -> String {
    let mut plain = String::new();
    for c in user.chars() {
        if c == '%' || c.is_whitespace() || c.is_control() {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                plain.extend(format!("%{byte:02X}").chars());
            }
        } else {
            plain.push(c);
        }
    }
    plain
}

/// Refuses whoever may not have another model asked than the agent's own.
pub(super) fn may_choose(cx: &CallCx) -> Result<(), Failure> {
    if cx.admitted.may(Scope::Admin) {
        return Ok(());
    }
    let message = format!("missing scope: {}", Scope::Admin);
    let error = ApiError::new("forbidden", message).about(MODEL);
    Err(Failure::new(StatusCode::FORBIDDEN, error))
}

/// Returns the model that is to answer in place of the agent's own.
async fn other_model(
    rpc: &Rpc,
    cx: &CallCx,
    agent: &Agent,
    name: &str,
) -> Result<AgentModel, Failure> {
    may_choose(cx)?;
    let other = Other {
        model: Some(name),
        thinking: None,
    };
    let refused = |message: String| Failure::invalid(message).about(MODEL);
    other.of(rpc, agent).await.map_err(|err| match err {
        NoOther::NoConfig | NoOther::Name(_) | NoOther::Gone => {
            refused(format!("Invalid `{MODEL}`: {err}"))
        }
        NoOther::Unusable(err) => refused(format!("the model of `{MODEL}` cannot be asked: {err}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(explicit: Option<&str>, user: Option<&str>) -> Result<(String, Kept), String> {
        let says = Says {
            model: None,
            user,
            previous: None,
            prefix: "openai",
        };
        let found = session(&AgentId::from("main"), explicit, says);
        found
            .map(|(key, kept)| (key.as_str().to_owned(), kept))
            .map_err(|failure| failure.error.message)
    }

    #[test]
    fn a_user_has_a_session_and_nobody_has_a_new_one() {
        let named = |text: &str| Ok((text.to_owned(), Kept::Named));
        assert_eq!(key(None, Some("u1")), named("agent:main:openai-user:u1"));
        assert_eq!(
            key(None, Some(" conv:1 a%b ")),
            named("agent:main:openai-user:conv:1%20a%25b")
        );
        let (one, kept) = key(None, None).unwrap();
        assert!(one.starts_with("agent:main:openai:"), "{one}");
        assert_eq!(kept, Kept::New);
        assert_ne!(key(None, None).unwrap().0, one);
    }

    #[test]
    fn a_session_that_is_named_is_the_agent_s_and_not_a_reserved_one() {
        let named = |text: &str| Ok((text.to_owned(), Kept::Named));
        assert_eq!(
            key(Some("thread-1"), Some("u1")),
            named("agent:main:thread-1")
        );
        assert_eq!(key(Some("agent:main:main"), None), named("agent:main:main"));
        for refused in [
            "subagent:1",
            "CRON:x",
            "agent:main:acp:1",
            "agent:other:main",
            "a b",
        ] {
            assert!(key(Some(refused), None).is_err(), "{refused}");
        }
    }
}
