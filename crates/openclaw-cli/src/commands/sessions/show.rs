//! `openclaw sessions show`: a conversation, now or as it was.

use std::collections::BTreeMap;

use clap::Args;
use openclaw_core::clock::rfc3339;
use openclaw_core::events::{ChatMessage, SessionSummary, Speaker};
use openclaw_core::state_dir::StateDir;
use openclaw_core::{EventStore, SessionKey};
use serde_json::{Value, json};

use super::events::Pages;
use super::lookup::{Parent, find};
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

pub(super) async fn show(cx: Cx<'_>, state: &StateDir, args: ShowArgs) -> Result<(), CliError> {
    let (store, session) = find(state, &args.key).await?;
    let projection = store.projection(&session.key, args.at).await?;
    let messages: Vec<&ChatMessage> = projection.chat().collect();
    let skipped = args
        .limit
        .map_or(0, |limit| messages.len().saturating_sub(limit));
    let messages = messages.get(skipped..).unwrap_or_default();
    let times = times(&store, &session.key, messages).await?;
    let time = |message: &ChatMessage| times.get(&message.seq).cloned().unwrap_or_default();
    let lineage = store.lineage(&session.key).await?;
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
            if !lineage.is_empty() {
                let lineage: Vec<Parent> = lineage.into_iter().map(Parent::from).collect();
                set("parent", json!(lineage.first()));
                set("lineage", json!(lineage));
            }
            set("messages", json!(messages));
            set("state", json!(projection.state()));
        }
        return cx.out.answer(&data, &[]);
    }
    introduce(cx, &session, &lineage, args.at)?;
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
fn introduce(
    cx: Cx<'_>,
    session: &SessionSummary,
    lineage: &[(SessionKey, u64)],
    at: Option<u64>,
) -> Result<(), CliError> {
    let mut lines = Vec::new();
    if let Some(at) = at {
        lines.push(format!("(after event {at} of {})", session.head));
    }
    for (parent, shared) in lineage {
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
