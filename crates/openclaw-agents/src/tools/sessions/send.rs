//! `sessions_send`: says something in another session.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use super::SessionReach;
use super::history::mark_of;
use crate::tools::{Effect, Tool, ToolCx, ToolError, ToolOutput};

/// How long the answer is waited for unless something else is asked for, and at most.
const WAIT: u64 = 30;
const MAX_WAIT: u64 = 300;
/// The longest message.
const MAX_MESSAGE: usize = 64 * 1024;

/// Says something in another session.
#[derive(Clone, Debug, Default)]
pub struct SessionsSendTool {
    reach: SessionReach,
}

/// The arguments of `sessions_send`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionsSendArgs {
    /// The session's key, or `main`.
    session_key: String,
    /// What to say.
    message: String,
    /// How many seconds to wait for the answer; 0 to say it and go on.
    timeout_seconds: Option<u64>,
}

impl SessionsSendTool {
    /// Talks to the sessions that `reach` includes.
    pub const fn new(reach: SessionReach) -> Self {
        Self { reach }
    }
}

#[async_trait]
impl Tool for SessionsSendTool {
    const NAME: &'static str = "sessions_send";
    const DESCRIPTION: &'static str = "Say something to the agent of another conversation \
        (session) and get its answer. The answer goes on being worked on when the wait ends; \
        sessions_history shows it later.";
    const EFFECT: Effect = Effect::Send;
    type Args = SessionsSendArgs;

    async fn run(&self, args: SessionsSendArgs, cx: &ToolCx) -> Result<ToolOutput, ToolError> {
        let key = self.reach.session(&cx.caller, &args.session_key)?;
        let refuse = |why: &str| Err(ToolError::ForModel(why.to_owned()));
        if key == cx.caller.session {
            return refuse("that is this very conversation; say it in your answer");
        }
        if args.message.trim().is_empty() || args.message.len() > MAX_MESSAGE {
            return refuse("`message` has to have something in it, and at most 64 KiB");
        }
        let wait = args.timeout_seconds.unwrap_or(WAIT).min(MAX_WAIT);
        let said = cx.world.doors.say_to(&cx.caller, &key, &args.message);
        let mut result = Map::new();
        let mut say = |name: &str, value: Value| result.insert(name.to_owned(), value);
        say("sessionKey", json!(key));
        let mut marks = Vec::new();
        match timeout(Duration::from_secs(wait), said).await {
            Ok(reply) => {
                let reply = reply?;
                marks.push(mark_of(&key, cx).await);
                if reply.trim().is_empty() {
                    say("status", json!("no_reply"));
                } else {
                    say("status", json!("ok"));
                    say("reply", json!(reply));
                }
            }
            // The other agent goes on: its turn is its own.
            Err(_elapsed) if wait == 0 => {
                say("status", json!("accepted"));
            }
            Err(_elapsed) => {
                say("status", json!("timeout"));
                say("waitedSeconds", json!(wait));
            }
        }
        Ok(ToolOutput {
            result: Value::Object(result),
            marks,
            ..ToolOutput::text("")
        })
    }
}
