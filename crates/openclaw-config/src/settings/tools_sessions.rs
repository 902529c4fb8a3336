//! `tools.sessions` and `tools.agentToAgent`: which sessions an agent may look into.

use serde_json::Value;

use super::reader::Reader;

/// Which sessions an agent may look into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionToolSettings {
    /// How far it reaches (`tools.sessions.visibility`).
    pub visibility: SessionVisibility,
    /// Which agents may reach each other, by patterns of their ids; all, if the list is empty; none if
    /// they may not (`tools.agentToAgent`).
    pub across: Option<Vec<String>>,
}

/// How far an agent reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SessionVisibility {
    /// To the session that it is in (`self`).
    Own,
    /// To the session that it is in, and from its main session to all of its own (`tree`).
    Tree,
    /// To all of its own (`agent`).
    #[default]
    Agent,
    /// To all (`all`).
    All,
}

impl Reader<'_> {
    /// Returns which sessions agents may look into.
    ///
    /// OpenClaw lets every agent look into the sessions of all others unless something else is said.
    /// Here an agent has its own, until the config says `all` or opens agents to each other.
    pub(super) fn session_tools(&self) -> SessionToolSettings {
        let between = ["tools", "agentToAgent"];
        let is_open = self
            .raw(&[&between[..], &["enabled"]].concat())
            .and_then(Value::as_bool);
        let visibility = match self.string(&["tools", "sessions", "visibility"]).as_deref() {
            Some("self") => SessionVisibility::Own,
            Some("tree") => SessionVisibility::Tree,
            Some("all") => SessionVisibility::All,
            None if is_open == Some(true) => SessionVisibility::All,
            _ => SessionVisibility::Agent,
        };
        let listed = || self.texts_as_written(&[&between[..], &["allow"]].concat());
        SessionToolSettings {
            visibility,
            across: is_open.unwrap_or(true).then(listed),
        }
    }
}

#[cfg(test)]
mod tests {
    use openclaw_core::env::Env;
    use serde_json::json;

    use super::*;

    #[test]
    fn agents_keep_to_their_own_sessions_until_the_config_says_more() {
        use SessionVisibility::{Agent, All, Own};
        let env = Env::default();
        for (tools, visibility, across) in [
            (json!({}), Agent, Some(Vec::new())),
            (
                json!({ "sessions": { "visibility": "self" } }),
                Own,
                Some(Vec::new()),
            ),
            (
                json!({ "sessions": { "visibility": "all" } }),
                All,
                Some(Vec::new()),
            ),
            (
                json!({ "sessions": { "visibility": "all" }, "agentToAgent": { "enabled": false } }),
                All,
                None,
            ),
            (
                json!({ "agentToAgent": { "enabled": true, "allow": ["a", "b*"] } }),
                All,
                Some(vec!["a".to_owned(), "b*".to_owned()]),
            ),
        ] {
            let value = json!({ "tools": tools });
            let reader = Reader::new(&value, &env, std::path::Path::new("/state"));
            let expected = SessionToolSettings { visibility, across };
            assert_eq!(reader.session_tools(), expected, "{value}");
        }
    }
}
