//! `openclaw sessions fork`: a branch that shares the first events of a session.

use clap::Args;
use openclaw_core::events::StoreError;
use openclaw_core::session_key::SessionKeyError;
use openclaw_core::state_dir::StateDir;
use openclaw_core::{RunId, SessionKey};
use openclaw_gateway::retention::RetentionError;
use serde_json::json;

use super::SessionsError;
use super::lookup::{Parent, find};
use crate::commands::Cx;
use crate::error::CliError;
use crate::text;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw sessions fork agent:main:main --at 4
  openclaw sessions fork agent:main:main --at 4 --as agent:main:what-if
  openclaw agent --session \"$(openclaw sessions fork agent:main:main --at 4)\" --message \"try again\"";

/// What stands between a session's key and the name of its branch.
const MARK: &str = ":fork-";

/// How many random characters name a branch.
const NAME: usize = 8;

/// The arguments of `sessions fork`.
#[derive(Debug, Args)]
pub(super) struct ForkArgs {
    /// The key of the session to branch off
    key: String,
    /// The number of the last event that both will have
    #[arg(long, value_name = "SEQ")]
    at: u64,
    /// The key of the new session [default: KEY:fork-XXXXXXXX]
    #[arg(long = "as", value_name = "KEY")]
    name: Option<String>,
}

pub(super) async fn fork(cx: Cx<'_>, state: &StateDir, args: ForkArgs) -> Result<(), CliError> {
    let named = args.name.as_deref().map(SessionKey::parse).transpose()?;
    let (store, session) = find(state, &args.key).await?;
    let to = match named {
        Some(key) => key,
        None => branch_of(&session.key)?,
    };
    let event = store
        .fork(&session.key, args.at, &to)
        .await
        .map_err(|err| match err {
            StoreError::SessionExists(_) => SessionsError::from(RetentionError::from(err)).into(),
            err => CliError::from(err),
        })?;
    if cx.out.is_json() {
        let parent = Parent {
            session_key: session.key,
            at: args.at,
        };
        let data = json!({ "sessionKey": to, "parent": parent, "events": event.seq });
        return cx.out.answer(&data, &[]);
    }
    cx.out.line(text::one_line(to.as_str()))
}

/// Returns a key for a branch; a branch of a branch is named like its sister.
fn branch_of(key: &SessionKey) -> Result<SessionKey, SessionKeyError> {
    let stem = match key.as_str().rsplit_once(MARK) {
        Some((stem, name)) if is_name(name) => stem,
        _ => key.as_str(),
    };
    // The end of a run's id is random.
    let id = RunId::generate();
    let id: Vec<char> = id.as_str().chars().rev().take(NAME).collect();
    let name: String = id.into_iter().rev().collect();
    SessionKey::parse(&format!("{stem}{MARK}{name}"))
}

fn is_name(text: &str) -> bool {
    text.len() == NAME && text.chars().all(|c| c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use openclaw_core::session_key::Scope;

    use super::*;

    #[test]
    fn a_branch_is_named_after_its_stem_and_reaches_nobody() {
        let key = |text: &str| SessionKey::parse(text).unwrap();
        let stem = key("agent:main:telegram:direct:4711");
        let branch = branch_of(&stem).unwrap();
        let twig = branch_of(&branch).unwrap();
        for made in [&branch, &twig] {
            let name = made.as_str().strip_prefix(stem.as_str()).unwrap();
            assert!(is_name(name.strip_prefix(MARK).unwrap()), "{made}");
            // What is sent to the peer of the stem must not come from a branch by mistake.
            assert!(matches!(made.scope(), Scope::Other(_)), "{made}");
        }
        assert_ne!(branch, twig);
    }
}
