//! The tools about sessions: which there are, what was said in one, and saying something there.
//!
//! Which sessions a caller may know of is decided in one place ([`SessionReach`]). Guests know their
//! own session only. Nobody sees the log's own sessions.

mod history;
mod list;
mod send;

use openclaw_core::access::Standing;
use openclaw_core::{AgentId, SessionKey};

pub use history::SessionsHistoryTool;
pub use list::SessionsListTool;
pub use send::SessionsSendTool;

use super::ToolError;
use crate::world::Caller;

/// Which sessions an agent may look into and talk to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionReach {
    /// How far it reaches.
    pub visibility: Visibility,
    /// Which agents may reach each other, if any may: `*` stands for any letters. Both the one that
    /// asks and the one that is asked have to be in the list; an empty list has all.
    pub across: Option<Vec<String>>,
}

/// How far an agent reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Visibility {
    /// To the session that it is in.
    Own,
    /// To the session that it is in, and from its main session to all of its own.
    Tree,
    /// To all of its own.
    #[default]
    Agent,
    /// To all, as far as agents may reach each other.
    All,
}

impl SessionReach {
    /// Tells whether a caller may know of a session.
    fn includes(&self, caller: &Caller, session: &SessionKey) -> bool {
        if session.is_system() {
            return false;
        }
        if *session == caller.session {
            return true;
        }
        if caller.sender.standing == Standing::Guest {
            return false;
        }
        let is_own = session.agent() == caller.agent;
        match self.visibility {
            Visibility::Own => false,
            Visibility::Tree => {
                is_own && SessionKey::main(&caller.agent).is_ok_and(|main| main == caller.session)
            }
            Visibility::Agent => is_own,
            Visibility::All => is_own || self.may_cross(&caller.agent, &session.agent()),
        }
    }

    fn may_cross(&self, from: &AgentId, to: &AgentId) -> bool {
        self.across.as_ref().is_some_and(|listed| {
            let has = |agent: &AgentId| listed.iter().any(|pattern| fits(pattern, agent.as_str()));
            listed.is_empty() || (has(from) && has(to))
        })
    }

    /// Reads the key of a session that a caller may know of; `main` and `current` are short for keys.
    ///
    /// One that it may not know of is refused as one that does not exist.
    fn session(&self, caller: &Caller, text: &str) -> Result<SessionKey, ToolError> {
        let text = text.trim();
        let key = match text {
            "current" => Ok(caller.session.clone()),
            "main" => SessionKey::main(&caller.agent),
            _ => SessionKey::parse(text),
        };
        let key = key.map_err(|err| ToolError::ForModel(err.to_string()))?;
        if self.includes(caller, &key) {
            return Ok(key);
        }
        Err(unknown(&key))
    }
}

fn unknown(key: &SessionKey) -> ToolError {
    ToolError::ForModel(format!(
        "there is no session `{key}` that you may look into; sessions_list shows those that you may"
    ))
}

/// Tells whether a text is a pattern's, where `*` stands for any letters.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        if let Some(before) = last.replace(part) {
            let Some((_, after)) = rest.split_once(before) else {
                return false;
            };
            rest = after;
        }
    }
    last.map_or(rest.is_empty(), |end| rest.ends_with(end))
}

#[cfg(test)]
mod tests {
    use openclaw_core::RunId;
    use openclaw_core::access::Sender;

    use super::*;

    fn caller(session: &str, standing: Standing) -> Caller {
        let session = SessionKey::parse(session).unwrap();
        Caller {
            agent: session.agent(),
            session,
            run: RunId::generate(),
            sender: Sender {
                channel: "rpc".into(),
                peer: "somebody".into(),
                standing,
            },
        }
    }

    #[test]
    fn a_caller_reaches_as_far_as_the_settings_say_and_a_guest_nowhere_else() {
        use Visibility::{Agent, All, Own, Tree};
        let (own, side, other) = ("agent:a:x", "agent:a:main", "agent:b:main");
        let open = Some(Vec::new());
        let pair = Some(vec!["a".to_owned(), "b*".to_owned()]);
        let half = Some(vec!["b".to_owned()]);
        for (visibility, across, seen) in [
            (Own, None, [true, false, false]),
            (Tree, None, [true, false, false]),
            (Agent, open.clone(), [true, true, false]),
            (All, None, [true, true, false]),
            (All, open.clone(), [true, true, true]),
            (All, pair, [true, true, true]),
            (All, half, [true, true, false]),
        ] {
            let reach = SessionReach { visibility, across };
            let sees = |caller: &Caller| {
                [own, side, other].map(|key| reach.includes(caller, &key.parse().unwrap()))
            };
            assert_eq!(sees(&caller(own, Standing::Principal)), seen, "{reach:?}");
            assert_eq!(sees(&caller(own, Standing::Guest)), [true, false, false]);
        }
        let all = SessionReach {
            visibility: All,
            across: open,
        };
        let owner = caller(own, Standing::Principal);
        assert!(!all.includes(&owner, &SessionKey::audit()));
        let tree = SessionReach {
            visibility: Tree,
            across: None,
        };
        assert!(tree.includes(&caller(side, Standing::Principal), &own.parse().unwrap()));
    }

    #[test]
    fn a_star_stands_for_any_letters() {
        for (pattern, text, does) in [
            ("*", "anything", true),
            ("work", "work", true),
            ("work", "worker", false),
            ("work*", "worker", true),
            ("*er", "worker", true),
            ("w*k*r", "worker", true),
            ("w*x*r", "worker", false),
            ("*work", "worker", false),
        ] {
            assert_eq!(fits(pattern, text), does, "{pattern} {text}");
        }
    }
}
