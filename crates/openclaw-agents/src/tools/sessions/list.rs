//! `sessions_list`: which sessions there are.

use async_trait::async_trait;
use openclaw_core::events::SessionSummary;
use openclaw_core::provenance::{Mark, Source, Trust};
use openclaw_core::session_key::Scope;
use openclaw_core::{AgentId, Clock, SessionKey};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Caller, SessionReach};
use crate::tools::{Effect, Tool, ToolCx, ToolError, ToolOutput};

/// The most rows of one answer, and how many there are unless something else is asked for.
const MAX_ROWS: usize = 200;
const ROWS: usize = 100;
/// How many sessions are looked at a time, and how often in one call.
const PAGE: u32 = 500;
const PAGES: u64 = 10;

/// Lists sessions.
#[derive(Clone, Debug, Default)]
pub struct SessionsListTool {
    reach: SessionReach,
}

/// The arguments of `sessions_list`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionsListArgs {
    /// The most sessions to return, at most 200.
    limit: Option<usize>,
    /// How many sessions to skip, to read on where an earlier result ended.
    #[serde(default)]
    offset: usize,
    /// Only sessions in which something happened in so many minutes.
    active_minutes: Option<u32>,
    /// Only sessions of these kinds.
    #[serde(default)]
    kinds: Vec<Kind>,
    /// Only sessions of this agent.
    agent_id: Option<String>,
    /// Only sessions whose key has this text in it.
    search: Option<String>,
}

/// What a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// An agent's main session.
    Main,
    /// A conversation with one peer.
    Direct,
    /// A conversation in a group.
    Group,
    /// Any other.
    Other,
}

impl SessionsListTool {
    /// Lists what `reach` includes.
    pub const fn new(reach: SessionReach) -> Self {
        Self { reach }
    }
}

#[async_trait]
impl Tool for SessionsListTool {
    const NAME: &'static str = "sessions_list";
    const DESCRIPTION: &'static str = "List the conversations (sessions) that you may look into, \
        the latest first: key, agent, kind, channel and times. Read one with sessions_history.";
    const EFFECT: Effect = Effect::Read;
    type Args = SessionsListArgs;

    async fn run(&self, args: SessionsListArgs, cx: &ToolCx) -> Result<ToolOutput, ToolError> {
        let limit = args.limit.unwrap_or(ROWS).clamp(1, MAX_ROWS);
        let end = args.offset.saturating_add(limit);
        let (mut rows, mut marks) = (Vec::new(), Vec::new());
        let mut found = 0_usize;
        let mut is_whole = false;
        for page in 0..PAGES {
            let skip = page.saturating_mul(u64::from(PAGE));
            let sessions = cx.world.store.sessions(skip, PAGE).await;
            let sessions = sessions.map_err(|err| ToolError::ForModel(err.to_string()))?;
            let count = sessions.len();
            for session in sessions {
                if !self.shows(&args, &cx.caller, &session) {
                    continue;
                }
                if (args.offset..end).contains(&found) {
                    rows.push(row(&session, &cx.caller));
                    if marks.is_empty() {
                        marks.extend(named_by_others(&session.key));
                    }
                }
                found = found.saturating_add(1);
            }
            is_whole = u32::try_from(count).is_ok_and(|count| count < PAGE);
            if is_whole || found > end {
                break;
            }
        }
        let mut result = Map::new();
        result.insert("count".to_owned(), json!(rows.len()));
        result.insert("hasMore".to_owned(), json!(found > end));
        if found > end {
            result.insert("nextOffset".to_owned(), json!(end));
        } else if !is_whole {
            result.insert("truncationReason".to_owned(), json!("scan-limit"));
        }
        result.insert("sessions".to_owned(), Value::Array(rows));
        Ok(ToolOutput {
            result: Value::Object(result),
            marks,
            ..ToolOutput::text("")
        })
    }
}

/// Returns the mark of a row whose key has a name in it that somebody else may have chosen.
fn named_by_others(key: &SessionKey) -> Option<Mark> {
    let name = match key.scope() {
        Scope::Main | Scope::Other(_) => return None,
        Scope::Direct { peer, .. } => peer.to_string(),
        Scope::Group { group, .. } => group.to_string(),
    };
    // A number, as most channels give to people, says nothing.
    let says_nothing = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-');
    (!name.chars().all(says_nothing)).then(|| Mark {
        source: Source::Session { key: key.clone() },
        trust: Trust::Untrusted,
    })
}

impl SessionsListTool {
    fn shows(&self, args: &SessionsListArgs, caller: &Caller, session: &SessionSummary) -> bool {
        let key = &session.key;
        let is_recent = args.active_minutes.is_none_or(|minutes| {
            let age = Clock::system().now().duration_since(session.updated);
            age.as_secs() <= i64::from(minutes).saturating_mul(60)
        });
        let of_agent = |agent: &String| AgentId::from(agent.as_str()) == key.agent();
        self.reach.includes(caller, key)
            && is_recent
            && (args.kinds.is_empty() || args.kinds.contains(&kind(&key.scope())))
            && args.agent_id.as_ref().is_none_or(of_agent)
            && args
                .search
                .as_ref()
                .is_none_or(|text| key.as_str().contains(text.as_str()))
    }
}

const fn kind(scope: &Scope) -> Kind {
    match scope {
        Scope::Main => Kind::Main,
        Scope::Direct { .. } => Kind::Direct,
        Scope::Group { .. } => Kind::Group,
        Scope::Other(_) => Kind::Other,
    }
}

fn row(session: &SessionSummary, caller: &Caller) -> Value {
    let scope = session.key.scope();
    let (kind, channel) = match &scope {
        Scope::Main => ("main", None),
        Scope::Direct { channel, .. } => ("direct", Some(channel)),
        Scope::Group { channel, .. } => ("group", Some(channel)),
        Scope::Other(_) => ("other", None),
    };
    let mut row = Map::new();
    row.insert("key".to_owned(), json!(session.key));
    row.insert("agentId".to_owned(), json!(session.key.agent()));
    row.insert("kind".to_owned(), json!(kind));
    if let Some(channel) = channel {
        row.insert("channel".to_owned(), json!(channel));
    }
    row.insert("startedAt".to_owned(), json!(session.started.to_string()));
    row.insert("updatedAt".to_owned(), json!(session.updated.to_string()));
    if session.ended {
        row.insert("ended".to_owned(), json!(true));
    }
    if let Some((parent, _)) = &session.parent {
        row.insert("branchOf".to_owned(), json!(parent));
    }
    if session.key == caller.session {
        row.insert("current".to_owned(), json!(true));
    }
    Value::Object(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_with_a_name_that_a_stranger_chose_is_marked() {
        for (key, is_marked) in [
            ("agent:main:main", false),
            ("agent:main:telegram:direct:4711", false),
            ("agent:main:telegram:group:-100123", false),
            ("agent:main:telegram:direct:SYSTEM_run_exec", true),
            ("agent:main:chat:group:do_as_i_say", true),
        ] {
            let key: SessionKey = key.parse().unwrap();
            assert_eq!(named_by_others(&key).is_some(), is_marked, "{key}");
        }
    }
}
