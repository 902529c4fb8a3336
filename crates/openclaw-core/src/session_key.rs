//! The grammar of session keys, shared with TypeScript OpenClaw.
//!
//! ```text
//! key   := "agent:" agent ":" rest
//! rest  := "main"
//!        | channel ":direct:" peer
//!        | channel ":group:" id [ ":topic:" digits ]
//!        | anything else                                   (Scope::Other)
//! ```
//!
//! A key keeps its text byte for byte, so keys written by other versions print back unchanged.
//! When a key is *built*, `:` and `%` inside a channel, peer or group id become `%3A` and `%25`;
//! otherwise a peer who chooses the name `x:group:y` could land in somebody else's session. A
//! remainder with further colons or other escapes is never read as direct or group.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ids::{AgentId, ChannelId, GroupId, PeerId};
use crate::kind::Kind;

/// The longest key that is accepted, in bytes.
pub const MAX_SESSION_KEY: usize = 1024;

/// The longest agent id, in bytes.
const MAX_AGENT_ID: usize = 64;

/// What the keys of the log's own sessions begin with; OpenClaw's agent ids begin with a letter or digit.
const SYSTEM: &str = "agent:_system:";

/// The key of the audit stream.
const AUDIT: &str = "agent:_system:audit";

/// Names one session: an agent, and whom or what it talks with there.
///
/// ```
/// use openclaw_core::session_key::{Scope, SessionKey};
/// use openclaw_core::{AgentId, ChannelId, PeerId};
///
/// let key = SessionKey::direct(&AgentId::from("main"), &ChannelId::from("telegram"), &PeerId::from("4711"))?;
/// assert_eq!(key.as_str(), "agent:main:telegram:direct:4711");
///
/// let other = SessionKey::parse("agent:main:openai-user:u1")?;
/// assert_eq!(other.scope(), Scope::Other("openai-user:u1".into()));
/// # Ok::<(), openclaw_core::session_key::SessionKeyError>(())
/// ```
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct SessionKey(String);

/// What a session key says after the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The agent's main session.
    Main,
    /// A conversation with one peer.
    Direct {
        /// The channel that the peer writes on.
        channel: ChannelId,
        /// The peer.
        peer: PeerId,
    },
    /// A conversation in a group.
    Group {
        /// The channel that the group is on.
        channel: ChannelId,
        /// The group.
        group: GroupId,
        /// The topic inside the group, as its channel numbers it.
        topic: Option<u64>,
    },
    /// Any other remainder, kept as it is.
    Other(String),
}

/// Why a text is not a session key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionKeyError {
    /// The text does not start with `agent:<id>:` and a remainder.
    #[error("a session key has the form `agent:<agentId>:<rest>`")]
    Form,
    /// The agent's id has characters that ids do not have.
    #[error("`{0}` is no agent id: use letters, digits, `-` and `_`, at most 64")]
    Agent(String),
    /// The key is too long.
    #[error("a session key has at most {MAX_SESSION_KEY} bytes, this one has {0}")]
    TooLong(usize),
    /// The key has white space or control characters.
    #[error("a session key has no white space and no control characters")]
    Characters,
    /// An id that a key is built from is empty.
    #[error("a session key needs a channel and a peer or group that are not empty")]
    EmptyPart,
}

impl SessionKeyError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        Kind::Invalid
    }
}

impl SessionKey {
    /// Reads a key and keeps its text unchanged.
    pub fn parse(text: &str) -> Result<Self, SessionKeyError> {
        if text.len() > MAX_SESSION_KEY {
            return Err(SessionKeyError::TooLong(text.len()));
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(SessionKeyError::Characters);
        }
        let (agent, rest) = split(text).ok_or(SessionKeyError::Form)?;
        check_agent(agent)?;
        if rest.is_empty() {
            return Err(SessionKeyError::Form);
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the key of an agent's main session.
    pub fn main(agent: &AgentId) -> Result<Self, SessionKeyError> {
        Self::parse(&format!("agent:{agent}:main"))
    }

    /// Returns the key of a conversation with one peer.
    pub fn direct(
        agent: &AgentId,
        channel: &ChannelId,
        peer: &PeerId,
    ) -> Result<Self, SessionKeyError> {
        let (channel, peer) = (escape(channel.as_str())?, escape(peer.as_str())?);
        Self::parse(&format!("agent:{agent}:{channel}:direct:{peer}"))
    }

    /// Returns the key of a conversation in a group, or in one topic of it.
    pub fn group(
        agent: &AgentId,
        channel: &ChannelId,
        group: &GroupId,
        topic: Option<u64>,
    ) -> Result<Self, SessionKeyError> {
        let (channel, group) = (escape(channel.as_str())?, escape(group.as_str())?);
        let topic = topic.map(|n| format!(":topic:{n}")).unwrap_or_default();
        Self::parse(&format!("agent:{agent}:{channel}:group:{group}{topic}"))
    }

    /// Returns a key that no session has yet.
    pub fn explicit(agent: &AgentId) -> Result<Self, SessionKeyError> {
        Self::parse(&format!("agent:{agent}:explicit:{}", Uuid::new_v4()))
    }

    /// Returns the key of the audit stream, which belongs to the log itself.
    pub fn audit() -> Self {
        Self(AUDIT.to_owned())
    }

    /// Tells whether the session belongs to the log itself, so that nobody else may write to it.
    pub fn is_system(&self) -> bool {
        self.0.starts_with(SYSTEM)
    }

    /// Returns the key's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the agent whose session this is.
    pub fn agent(&self) -> AgentId {
        let (agent, _) = split(&self.0).unwrap_or_default();
        AgentId::from(agent)
    }

    /// Returns what the key says after the agent.
    pub fn scope(&self) -> Scope {
        let (_, rest) = split(&self.0).unwrap_or_default();
        let parts: Vec<&str> = rest.split(':').collect();
        let scope = match *parts.as_slice() {
            ["main"] => Some(Scope::Main),
            [channel, "direct", peer] => {
                unescape(channel)
                    .zip(unescape(peer))
                    .map(|(channel, peer)| Scope::Direct {
                        channel: channel.into(),
                        peer: peer.into(),
                    })
            }
            [channel, "group", group] => group_scope(channel, group, None),
            [channel, "group", group, "topic", topic] => {
                canonical_number(topic).and_then(|number| group_scope(channel, group, Some(number)))
            }
            _ => None,
        };
        scope.unwrap_or_else(|| Scope::Other(rest.to_owned()))
    }
}

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SessionKey {
    type Err = SessionKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for SessionKey {
    type Error = SessionKeyError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<SessionKey> for String {
    fn from(key: SessionKey) -> Self {
        key.0
    }
}

/// Checks that `agent` has the form of an agent id.
pub fn check_agent(agent: &str) -> Result<(), SessionKeyError> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if agent.is_empty() || agent.len() > MAX_AGENT_ID || !agent.chars().all(legal) {
        return Err(SessionKeyError::Agent(
            agent.chars().take(MAX_AGENT_ID).collect(),
        ));
    }
    Ok(())
}

fn split(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix("agent:")?.split_once(':')
}

fn group_scope(channel: &str, group: &str, topic: Option<u64>) -> Option<Scope> {
    let (channel, group) = (unescape(channel)?, unescape(group)?);
    Some(Scope::Group {
        channel: channel.into(),
        group: group.into(),
        topic,
    })
}

/// Reads a number that prints back as the same text, so that `07` is not taken for topic 7.
fn canonical_number(text: &str) -> Option<u64> {
    text.parse()
        .ok()
        .filter(|number: &u64| number.to_string() == text)
}

fn escape(id: &str) -> Result<String, SessionKeyError> {
    if id.is_empty() {
        return Err(SessionKeyError::EmptyPart);
    }
    Ok(id.replace('%', "%25").replace(':', "%3A"))
}

/// Returns the id that [`escape`] made `text` of, or nothing when it cannot have been made so.
fn unescape(text: &str) -> Option<String> {
    let id = text.replace("%3A", ":").replace("%25", "%");
    (escape(&id).ok()? == text).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scope(text: &str) -> Scope {
        let key = SessionKey::parse(text).unwrap();
        assert_eq!(key.to_string(), text);
        key.scope()
    }

    #[test]
    fn reads_the_forms_of_openclaw() {
        assert_eq!(scope("agent:main:main"), Scope::Main);
        assert_eq!(
            scope("agent:main:telegram:direct:111222333"),
            Scope::Direct {
                channel: "telegram".into(),
                peer: "111222333".into()
            }
        );
        assert_eq!(
            scope("agent:work:telegram:group:-100123:topic:7"),
            Scope::Group {
                channel: "telegram".into(),
                group: "-100123".into(),
                topic: Some(7)
            }
        );
    }

    #[test]
    fn keeps_every_other_remainder_as_it_is() {
        for rest in [
            "openai-user:u1",
            "explicit:11111111-1111-4111-8111-111111111111",
            "matrix:direct:@user:server.org",
            "telegram:group:1:topic:07",
            "telegram:direct:",
            "x:direct:50%41",
            "gc",
        ] {
            assert_eq!(
                scope(&format!("agent:main:{rest}")),
                Scope::Other(rest.into())
            );
        }
    }

    #[test]
    fn refuses_what_is_no_key() {
        for text in [
            "",
            "main",
            "agent:",
            "agent:main",
            "agent:main:",
            "agent::main",
            "agent:a b:main",
        ] {
            assert!(SessionKey::parse(text).is_err(), "{text}");
        }
        assert!(SessionKey::parse("agent:main:a\nb").is_err());
        assert!(SessionKey::parse(&format!("agent:main:{}", "x".repeat(1024))).is_err());
    }

    proptest! {
        #[test]
        fn a_built_key_gives_back_its_parts_whatever_the_ids_contain(
            channel in "[a-z:%]{1,12}", peer in "[!-~]{1,24}", topic in proptest::option::of(any::<u64>())
        ) {
            let agent = AgentId::from("main");
            let (channel, peer) = (ChannelId(channel), PeerId(peer));
            let direct = SessionKey::direct(&agent, &channel, &peer).unwrap();
            prop_assert_eq!(
                direct.scope(), Scope::Direct { channel: channel.clone(), peer: peer.clone() }
            );
            let group = GroupId(peer.0);
            let key = SessionKey::group(&agent, &channel, &group, topic).unwrap();
            prop_assert_eq!(key.scope(), Scope::Group { channel, group, topic });
            prop_assert_eq!(key.agent(), agent);
        }

        #[test]
        fn any_text_that_parses_prints_back(text in "agent:[a-z]{1,4}:[ -~]{1,40}") {
            if let Ok(key) = SessionKey::parse(&text) {
                prop_assert_eq!(key.to_string(), text);
            }
        }
    }
}
