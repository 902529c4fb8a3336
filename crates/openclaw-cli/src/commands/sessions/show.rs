//! `openclaw sessions show`: a conversation, now or as it was.

use std::collections::BTreeMap;

use clap::Args;
use openclaw_core::clock::rfc3339;
use openclaw_core::events::{ChatMessage, SessionProjection, SessionSummary, Speaker};
use openclaw_core::state_dir::StateDir;
use openclaw_core::{EventStore, SessionEvent, SessionKey};
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
    times: BTreeMap<u64, String>,
}

impl Shown {
    async fn of(state: &StateDir, args: &ShowArgs) -> Result<Self, CliError> {
        match look(state, &args.key).await? {
            Known::Recorded(store, session) => {
                let projection = store.projection(&session.key, args.at).await?;
                let messages: Vec<&ChatMessage> = projection.chat().collect();
                let messages = last(&messages, args.limit);
                Ok(Self {
                    times: times(&store, &session.key, messages).await?,
                    lineage: store.lineage(&session.key).await?,
                    source: None,
                    session,
                    projection,
                })
            }
            Known::Waiting(waiting, events) => Ok(Self::unrecorded(&waiting, &events, args.at)),
        }
    }

    /// Folds the events that a session would have in the log.
    fn unrecorded(waiting: &Waiting, events: &[SessionEvent], at: Option<u64>) -> Self {
        let end = at.unwrap_or(u64::MAX);
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
            times: until
                .iter()
                .map(|event| (event.seq, rfc3339(event.time)))
                .collect(),
            projection: SessionProjection::project(until),
            lineage: Vec::new(),
            source: Some(waiting.source),
        }
    }
}

fn last<'a, 'b>(messages: &'b [&'a ChatMessage], limit: Option<usize>) -> &'b [&'a ChatMessage] {
    let skipped = limit.map_or(0, |limit| messages.len().saturating_sub(limit));
    messages.get(skipped..).unwrap_or_default()
}

pub(super) async fn show(cx: Cx<'_>, state: &StateDir, args: ShowArgs) -> Result<(), CliError> {
    let shown = Shown::of(state, &args).await?;
    let Shown {
        session,
        projection,
        lineage,
        source,
        times,
    } = &shown;
    let messages: Vec<&ChatMessage> = projection.chat().collect();
    let messages = last(&messages, args.limit);
    let time = |message: &ChatMessage| times.get(&message.seq).cloned().unwrap_or_default();
    if cx.out.is_json() {
        let messages: Vec<Value> = messages
            .iter()
            .map(|message| {
                let role = match message.speaker {
                    Speaker::Peer => "user",
                    Speaker::Agent => "assistant",
                };
                json!({
                    "seq": message.seq,
                    "time": time(message),
                    "role": role,
                    "content": message.content,
                })
            })
            .collect();
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
        let time = time(message);
        let time = cx.out.look(Look::Dim, &time);
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

/// Returns when each message was recorded; the events between the first and the last are read for it.
async fn times(
    store: &EventStore,
    session: &SessionKey,
    messages: &[&ChatMessage],
) -> Result<BTreeMap<u64, String>, CliError> {
    let (Some(first), Some(last)) = (messages.first(), messages.last()) else {
        return Ok(BTreeMap::new());
    };
    let mut times = BTreeMap::new();
    let mut pages = Pages::of(store, session, first.seq, last.seq);
    while let Some(page) = pages.next().await? {
        times.extend(
            page.into_iter()
                .map(|event| (event.seq, rfc3339(event.time))),
        );
    }
    Ok(times)
}
