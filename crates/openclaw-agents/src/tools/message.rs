//! `message`: sends something to somebody on a channel.

use async_trait::async_trait;
use openclaw_core::{ChannelId, PeerId};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{Effect, Tool, ToolCx, ToolError, ToolOutput};

/// The longest text.
const MAX_TEXT: usize = 64 * 1024;

/// Sends messages on channels.
#[derive(Clone, Copy, Debug, Default)]
pub struct MessageTool;

/// The arguments of `message`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageArgs {
    /// What to do.
    action: Action,
    /// The channel, such as `telegram`; the one of this conversation, if not given.
    channel: Option<String>,
    /// Who gets it, by the channel's own name for them.
    to: String,
    /// What to send.
    text: String,
}

/// What is done with a channel.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Action {
    /// Send a message.
    Send,
}

#[async_trait]
impl Tool for MessageTool {
    const NAME: &'static str = "message";
    const DESCRIPTION: &'static str = "Send a message to a person or group on a messenger channel. \
        To answer whoever wrote to you, answer; this is for everybody else.";
    const EFFECT: Effect = Effect::Send;
    type Args = MessageArgs;

    async fn run(&self, args: MessageArgs, cx: &ToolCx) -> Result<ToolOutput, ToolError> {
        let Action::Send = args.action;
        let (to, text) = (args.to.trim(), args.text.trim());
        if to.is_empty() || text.is_empty() || args.text.len() > MAX_TEXT {
            let why = "`to` and `text` have to have something in them, `text` at most 64 KiB";
            return Err(ToolError::ForModel(why.to_owned()));
        }
        let channel = match args.channel {
            Some(channel) => ChannelId::from(channel.trim()),
            None => cx.caller.sender.channel.clone(),
        };
        let peer = PeerId::from(to);
        let doors = &cx.world.doors;
        let id = doors.send(&cx.caller, &channel, &peer, &args.text).await?;
        Ok(ToolOutput {
            result: json!({ "channel": channel, "to": peer, "messageId": id }),
            ..ToolOutput::text("")
        })
    }
}
