//! `sessions_history`: what was said in a session.

use async_trait::async_trait;
use openclaw_core::provenance::{Mark, Source, Trust};
use openclaw_core::redaction::masked;
use openclaw_core::{SessionEvent, SessionEventKind, SessionKey};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{SessionReach, unknown};
use crate::tools::{Effect, Tool, ToolCx, ToolError, ToolOutput, model_text};

/// The most messages of one answer, and how many there are unless something else is asked for.
const MAX_MESSAGES: usize = 200;
const MESSAGES: usize = 50;
/// The most bytes of one message, and of all messages of one answer.
const MAX_TEXT: usize = 4_000;
const MAX_BYTES: usize = 80 * 1024;
/// How far back events are looked at.
const MAX_EVENTS: u64 = 20_000;

/// Reads what was said in a session.
#[derive(Clone, Debug, Default)]
pub struct SessionsHistoryTool {
    reach: SessionReach,
}

/// The arguments of `sessions_history`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionsHistoryArgs {
    /// The session's key, `main`, or `current`.
    session_key: String,
    /// The most messages to return, at most 200; the latest ones.
    limit: Option<usize>,
    /// How many of the latest messages to skip, to read further back.
    #[serde(default)]
    offset: usize,
    /// Whether to include tool calls and what they answered.
    #[serde(default)]
    include_tools: bool,
}

impl SessionsHistoryTool {
    /// Reads the sessions that `reach` includes.
    pub const fn new(reach: SessionReach) -> Self {
        Self { reach }
    }
}

#[async_trait]
impl Tool for SessionsHistoryTool {
    const NAME: &'static str = "sessions_history";
    const DESCRIPTION: &'static str = "Read what was said in another conversation (session). \
        Returns the latest messages; `offset` reads further back.";
    const EFFECT: Effect = Effect::Read;
    type Args = SessionsHistoryArgs;

    async fn run(&self, args: SessionsHistoryArgs, cx: &ToolCx) -> Result<ToolOutput, ToolError> {
        let key = self.reach.session(&cx.caller, &args.session_key)?;
        let failed = |err: openclaw_core::events::StoreError| ToolError::ForModel(err.to_string());
        let store = &cx.world.store;
        let summary = store.session(&key).await.map_err(failed)?;
        let head = summary.ok_or_else(|| unknown(&key))?.head;
        let first = head.saturating_sub(MAX_EVENTS).max(1);
        let events = store.read(&key, first..=head).await.map_err(failed)?;
        let messages: Vec<Value> = events
            .iter()
            .filter(|event| args.include_tools || !is_of_tools(event))
            .filter_map(message)
            .collect();
        let shown = Shown::of(messages, &args);
        let mut result = Map::new();
        let mut say = |name: &str, value: Value| result.insert(name.to_owned(), value);
        say("sessionKey", json!(key));
        say("count", json!(shown.messages.len()));
        say("hasMore", json!(shown.next.is_some()));
        if let Some(next) = shown.next {
            say("nextOffset", json!(next));
        }
        say("messages", Value::Array(shown.messages));
        let mark = mark(&key, &events, first);
        Ok(ToolOutput {
            result: Value::Object(result),
            marks: if key == cx.caller.session {
                Vec::new()
            } else {
                vec![mark]
            },
            ..ToolOutput::text("")
        })
    }
}

/// The part of the messages that is returned, in their order.
struct Shown {
    messages: Vec<Value>,
    next: Option<usize>,
}

impl Shown {
    fn of(mut messages: Vec<Value>, args: &SessionsHistoryArgs) -> Self {
        let limit = args.limit.unwrap_or(MESSAGES).clamp(1, MAX_MESSAGES);
        let end = messages.len().saturating_sub(args.offset);
        messages.truncate(end);
        let mut bytes = 0_usize;
        let mut kept = 0_usize;
        for message in messages.iter().rev().take(limit) {
            bytes = bytes.saturating_add(message.to_string().len());
            if bytes > MAX_BYTES && kept > 0 {
                break;
            }
            kept = kept.saturating_add(1);
        }
        let earlier = messages.len().saturating_sub(kept);
        Self {
            next: (earlier > 0).then(|| args.offset.saturating_add(kept)),
            messages: messages.split_off(earlier),
        }
    }
}

fn is_of_tools(event: &SessionEvent) -> bool {
    matches!(
        event.kind,
        SessionEventKind::ToolCalled { .. } | SessionEventKind::ToolResult { .. }
    )
}

fn message(event: &SessionEvent) -> Option<Value> {
    let (role, name, text) = match &event.kind {
        SessionEventKind::MessageReceived { content, .. } => ("user", None, content.clone()),
        SessionEventKind::AgentResponse { content, .. } => ("assistant", None, content.clone()),
        SessionEventKind::ToolCalled { tool, params } => {
            ("toolCall", Some(tool), params.to_string())
        }
        SessionEventKind::ToolResult { tool, result, .. } => {
            ("toolResult", Some(tool), model_text(result))
        }
        _ => return None,
    };
    let mut message = Map::new();
    message.insert("seq".to_owned(), json!(event.seq));
    message.insert("at".to_owned(), json!(event.time.to_string()));
    message.insert("role".to_owned(), json!(role));
    if let Some(name) = name {
        message.insert("tool".to_owned(), json!(name));
    }
    let mut text = masked(text);
    if text.len() > MAX_TEXT {
        text.truncate(text.floor_char_boundary(MAX_TEXT));
        text.push_str("\n[cut]");
    }
    message.insert("text".to_owned(), json!(text));
    Some(Value::Object(message))
}

/// Says whose words the messages are: strangers', if any stranger's words ever were among them.
pub(super) fn mark(key: &SessionKey, events: &[SessionEvent], first: u64) -> Mark {
    let marks = events
        .iter()
        .filter_map(|event| event.payload.as_ref())
        .flat_map(|payload| &payload.marks);
    let mut marks = marks.filter(|mark| mark.trust == Trust::Untrusted);
    // What lies further back than was looked at may be anything.
    let is_clean = first <= 1 && marks.next().is_none();
    Mark {
        source: Source::Session { key: key.clone() },
        trust: if is_clean {
            Trust::Trusted
        } else {
            Trust::Untrusted
        },
    }
}

/// Looks at a whole session and says whose words are in it.
pub(super) async fn mark_of(key: &SessionKey, cx: &ToolCx) -> Mark {
    let store = &cx.world.store;
    let whole = async {
        let head = store.session(key).await.ok()??.head;
        let first = head.saturating_sub(MAX_EVENTS).max(1);
        let events = store.read(key, first..=head).await.ok()?;
        Some(mark(key, &events, first))
    };
    whole.await.unwrap_or_else(|| mark(key, &[], u64::MAX))
}
