//! `openclaw sessions show`: a conversation, now or as it was.

use clap::Args;
use openclaw_core::clock::rfc3339;
use openclaw_core::events::{Block, SessionProjection, SessionSummary, Speaker};
use openclaw_core::state_dir::StateDir;
use openclaw_core::{EventStore, SessionEvent, SessionEventKind, SessionKey};
use openclaw_gateway::takeover::Waiting;
use serde_json::{Value, json};

use super::events::Pages;
use super::lookup::{Known, Parent, look};
use crate::commands::Cx;
use crate::error::CliError;
use crate::output::Look;
use crate::text;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw sessions show agent:main:main
  openclaw sessions show agent:main:main --limit 2
  openclaw sessions show agent:main:main --at 12";

/// The arguments of `sessions show`.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// The session's key
    key: String,
    /// Show only the last N messages
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Show the conversation as it was after the event with this number
    #[arg(long, value_name = "SEQ", value_parser = clap::value_parser!(u64).range(1..))]
    at: Option<u64>,
}

/// A conversation, wherever it lies.
struct Shown {
    session: SessionSummary,
    projection: SessionProjection,
    lineage: Vec<(SessionKey, u64)>,
    /// The form of OpenClaw's file that it lies in, when it is not in the log.
    source: Option<&'static str>,
    messages: Vec<Said>,
}

/// Something that was said, whether it ended a turn or went with a tool call.
struct Said {
    seq: u64,
    time: String,
    speaker: Speaker,
    content: String,
}

impl Said {
    /// Returns what was said in an event, if anything was.
    fn of(event: &SessionEvent) -> Option<Self> {
        let (speaker, content) = match &event.kind {
            SessionEventKind::MessageReceived { content, .. } => (Speaker::Peer, content.clone()),
            SessionEventKind::AgentResponse { content, .. } => (Speaker::Agent, content.clone()),
            SessionEventKind::ToolCalled { .. } => (Speaker::Agent, beside_calls(event)?),
            SessionEventKind::SessionStarted { .. }
            | SessionEventKind::ToolResult { .. }
            | SessionEventKind::MessageSent { .. }
            | SessionEventKind::StateChanged { .. }
            | SessionEventKind::SessionEnded { .. } => return None,
        };
        Some(Self {
            seq: event.seq,
            time: rfc3339(event.time),
            speaker,
            content,
        })
    }

    fn document(&self) -> Value {
        let role = match self.speaker {
            Speaker::Peer => "user",
            Speaker::Agent => "assistant",
        };
        json!({
            "seq": self.seq,
            "time": self.time,
            "role": role,
            "content": self.content,
        })
    }
}

/// Returns what the model told the reader in a step that calls tools; most steps tell nothing.
fn beside_calls(event: &SessionEvent) -> Option<String> {
    let step = event.payload.as_ref()?.step.as_ref()?;
    let text: String = step
        .blocks
        .iter()
        .filter_map(|block| match block {
            Block::Text(text) => Some(text.as_str()),
            Block::Thinking(_) | Block::Call(_) => None,
        })
        .collect();
    (!text.trim().is_empty()).then_some(text)
}

impl Shown {
    async fn of(state: &StateDir, args: &ShowArgs) -> Result<Self, CliError> {
        match look(state, &args.key).await? {
            Known::Recorded(store, session) => {
                let projection = store.projection(&session.key, args.at).await?;
                let range = (
                    first(&projection, args.limit),
                    args.at.unwrap_or(session.head),
                );
                Ok(Self {
                    messages: said(&store, &session.key, range, args.limit).await?,
                    lineage: store.lineage(&session.key).await?,
                    source: None,
                    session,
                    projection,
                })
            }
            Known::Waiting(waiting, events) => Ok(Self::unrecorded(&waiting, &events, args)),
        }
    }

    /// Folds the events that a session would have in the log.
    fn unrecorded(waiting: &Waiting, events: &[SessionEvent], args: &ShowArgs) -> Self {
        let end = args.at.unwrap_or(u64::MAX);
        let until: Vec<&SessionEvent> = events.iter().filter(|event| event.seq <= end).collect();
        Self {
            session: SessionSummary {
                key: waiting.key.clone(),
                head: events.last().map_or(0, |event| event.seq),
                started: waiting.started,
                updated: waiting.updated,
                ended: false,
                parent: None,
            },
            messages: last(
                until.iter().filter_map(|event| Said::of(event)).collect(),
                args.limit,
            ),
            projection: SessionProjection::project(until),
            lineage: Vec::new(),
            source: Some(waiting.source),
        }
    }
}

fn last(mut messages: Vec<Said>, limit: Option<usize>) -> Vec<Said> {
    let skipped = limit.map_or(0, |limit| messages.len().saturating_sub(limit));
    messages.split_off(skipped)
}

/// Returns an event that the last messages do not lie before.
///
/// The projection has only the messages that a turn begins and ends with. There are others
/// between them, so that from as many of these on there are no fewer.
fn first(projection: &SessionProjection, limit: Option<usize>) -> u64 {
    let Some(limit) = limit else { return 1 };
    let known: Vec<u64> = projection.chat().map(|message| message.seq).collect();
    let place = known.len().checked_sub(limit);
    place.map_or(1, |place| known.get(place).copied().unwrap_or(u64::MAX))
}

/// Returns the last messages among the events from the first number to the last.
async fn said(
    store: &EventStore,
    session: &SessionKey,
    (first, end): (u64, u64),
    limit: Option<usize>,
) -> Result<Vec<Said>, CliError> {
    let mut messages = Vec::new();
    let mut pages = Pages::of(store, session, first, end);
    while let Some(page) = pages.next().await? {
        messages.extend(page.iter().filter_map(Said::of));
    }
    Ok(last(messages, limit))
}

pub(super) async fn show(cx: Cx<'_>, state: &StateDir, args: ShowArgs) -> Result<(), CliError> {
    let shown = Shown::of(state, &args).await?;
    let Shown {
        session,
        projection,
        lineage,
        source,
        messages,
    } = &shown;
    if cx.out.is_json() {
        let messages: Vec<Value> = messages.iter().map(Said::document).collect();
        let mut data = json!({
            "sessionKey": session.key,
            "agentId": session.key.agent(),
            "startedAt": rfc3339(session.started),
            "updatedAt": rfc3339(session.updated),
            "ended": session.ended,
            "events": session.head,
        });
        if let Some(data) = data.as_object_mut() {
            let mut set = |name: &str, value| drop(data.insert(name.to_owned(), value));
            if let Some(at) = args.at {
                set("at", json!(at));
            }
            if let Some(source) = source {
                set("source", json!(source));
                set("readOnly", json!(true));
            }
            if !lineage.is_empty() {
                let lineage: Vec<Parent> = lineage.iter().cloned().map(Parent::from).collect();
                set("parent", json!(lineage.first()));
                set("lineage", json!(lineage));
            }
            set("messages", json!(messages));
            set("state", json!(projection.state()));
        }
        return cx.out.answer(&data, &[]);
    }
    introduce(cx, &shown, args.at)?;
    for message in messages {
        let name = match message.speaker {
            Speaker::Peer => "you".to_owned(),
            Speaker::Agent => session.key.agent().to_string(),
        };
        let time = cx.out.look(Look::Dim, &message.time);
        cx.out
            .line(format_args!("{}  {time}", cx.out.look(Look::Strong, &name)))?;
        cx.out.line(format_args!(
            "{}\n",
            text::escape(message.content.trim_end())
        ))?;
    }
    Ok(())
}

/// Says what cannot be seen from the messages: that they are a part, or come from elsewhere.
fn introduce(cx: Cx<'_>, shown: &Shown, at: Option<u64>) -> Result<(), CliError> {
    let mut lines = Vec::new();
    if let Some(source) = shown.source {
        lines.push(format!(
            "(read-only: it lies in an {source} file; `openclaw migrate` takes it over)"
        ));
    }
    if let Some(at) = at {
        lines.push(format!("(after event {at} of {})", shown.session.head));
    }
    for (parent, shared) in &shown.lineage {
        lines.push(format!("(events 1 to {shared} come from {parent})"));
    }
    for line in &lines {
        let line = text::one_line(line);
        cx.out.line(cx.out.look(Look::Dim, &line))?;
    }
    if lines.is_empty() {
        Ok(())
    } else {
        cx.out.line("")
    }
}
