//! `openclaw sessions`: what the event log knows, with or without a running gateway.

mod list;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use openclaw_core::events::{SessionSummary, Speaker};
use openclaw_core::session_key::Scope;
use openclaw_core::state_dir::StateDir;
use openclaw_core::{Clock, EventStore, SessionKey, SessionProjection};
use openclaw_ipc::Event;
use serde_json::{Value, json};

use super::Cx;
use crate::error::CliError;
use crate::event_line;
use crate::output::Look;
use crate::runtime::{self, Threads};
use crate::text;

/// How alike two keys are that may be meant for each other, from 0 to 1.
const ALIKE: f64 = 0.8;

/// How many sessions are searched for a key that is like the one asked for.
const SEARCHED: u32 = 1000;

const EXAMPLES: &str = "\
Examples:
  openclaw sessions list
  openclaw sessions show agent:main:main
  openclaw sessions events agent:main:main --after 10 --json";

/// The arguments of `sessions`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SessionsArgs {
    #[command(subcommand)]
    command: Option<SessionsCommand>,
}

#[derive(Debug, Subcommand)]
enum SessionsCommand {
    /// List the sessions, the latest first (also without `list`)
    #[command(after_help = EXAMPLES)]
    List(list::ListArgs),
    /// Show a conversation
    #[command(after_help = EXAMPLES)]
    Show(ShowArgs),
    /// Show the events that a session is made of
    #[command(after_help = EXAMPLES)]
    Events(EventsArgs),
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// The session's key
    key: String,
    /// Show only the last N messages
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

#[derive(Debug, Args)]
struct EventsArgs {
    /// The session's key
    key: String,
    /// Show at most N events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Show what comes after the event with this number
    #[arg(long, value_name = "SEQ", default_value_t)]
    after: u64,
}

pub(crate) fn run(cx: Cx<'_>, args: SessionsArgs) -> Result<ExitCode, CliError> {
    let state = StateDir::locate(cx.env, cx.overrides)?;
    let command = args
        .command
        .unwrap_or(SessionsCommand::List(list::ListArgs::default()));
    runtime::block_on(Threads::One, async {
        match command {
            SessionsCommand::List(args) => list::list(cx, &state, &args).await,
            SessionsCommand::Show(args) => show(cx, &state, args).await,
            SessionsCommand::Events(args) => events(cx, &state, args).await,
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Opens the event log if there is one; a command that only looks does not make it.
pub(super) fn existing_log(state: &StateDir) -> Result<Option<EventStore>, CliError> {
    let log = state.event_log();
    Ok(if log.exists() {
        Some(EventStore::open(&log)?)
    } else {
        None
    })
}

/// Returns the id that a session's key contains, if it was made with one.
pub(super) fn session_id(key: &SessionKey) -> Option<String> {
    match key.scope() {
        Scope::Other(rest) => rest.strip_prefix("explicit:").map(str::to_owned),
        Scope::Main | Scope::Direct { .. } | Scope::Group { .. } => None,
    }
}

async fn show(cx: Cx<'_>, state: &StateDir, args: ShowArgs) -> Result<(), CliError> {
    let (store, session) = find(state, &args.key).await?;
    let events = store.read(&session.key, 1..=session.head).await?;
    let projection = SessionProjection::project(&events);
    let messages: Vec<_> = projection.chat().collect();
    let skipped = args
        .limit
        .map_or(0, |limit| messages.len().saturating_sub(limit));
    let messages = messages.into_iter().skip(skipped);
    let time = |seq: u64| {
        events
            .iter()
            .find(|event| event.seq == seq)
            .map(|event| event.time.to_string())
    };
    if cx.out.is_json() {
        let messages: Vec<Value> = messages
            .map(|message| {
                let role = match message.speaker {
                    Speaker::Peer => "user",
                    Speaker::Agent => "assistant",
                };
                json!({
                    "seq": message.seq,
                    "time": time(message.seq),
                    "role": role,
                    "content": message.content,
                })
            })
            .collect();
        let data = json!({
            "sessionKey": session.key,
            "agentId": session.key.agent(),
            "startedAt": session.started.to_string(),
            "updatedAt": session.updated.to_string(),
            "ended": session.ended,
            "events": session.head,
            "messages": messages,
            "state": projection.state(),
        });
        return cx.out.answer(&data, &[]);
    }
    for message in messages {
        let name = match message.speaker {
            Speaker::Peer => "you".to_owned(),
            Speaker::Agent => session.key.agent().to_string(),
        };
        let time = time(message.seq).unwrap_or_default();
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

async fn events(cx: Cx<'_>, state: &StateDir, args: EventsArgs) -> Result<(), CliError> {
    let (store, session) = find(state, &args.key).await?;
    let first = args.after.saturating_add(1);
    let last = args
        .after
        .saturating_add(args.limit.unwrap_or(session.head))
        .min(session.head);
    let found = if first > last {
        Vec::new()
    } else {
        store.read(&session.key, first..=last).await?
    };
    let events: Vec<Event> = found.into_iter().map(Event::from).collect();
    if cx.out.is_json() {
        let next = events
            .last()
            .map(|event| event.seq)
            .filter(|seq| *seq < session.head);
        let data = json!({ "sessionKey": session.key, "events": events, "nextCursor": next });
        return cx.out.answer(&data, &[]);
    }
    let rows = events
        .iter()
        .map(|event| event_line::row(event, cx.out))
        .collect();
    cx.out.table(&event_line::HEADER, rows)
}

/// Returns the session of that key, or names the one that is most like it.
async fn find(state: &StateDir, key: &str) -> Result<(EventStore, SessionSummary), CliError> {
    let key = SessionKey::parse(key)?;
    let Some(store) = existing_log(state)? else {
        return Err(CliError::NoLog {
            key,
            log: state.event_log(),
        });
    };
    if let Some(session) = store.session(&key).await? {
        return Ok((store, session));
    }
    let known = store
        .sessions(0, SEARCHED)
        .await?
        .into_iter()
        .map(|session| session.key);
    let nearest = nearest(&key, known);
    Err(CliError::NoSession { key, nearest })
}

fn nearest(key: &SessionKey, known: impl IntoIterator<Item = SessionKey>) -> Option<SessionKey> {
    known
        .into_iter()
        .map(|known| {
            (
                strsim::normalized_damerau_levenshtein(key.as_str(), known.as_str()),
                known,
            )
        })
        .filter(|(alike, _)| *alike > ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, key)| key)
}

/// Returns how long before now a moment was, in milliseconds.
fn age(clock: &Clock, millisecond: i64) -> i64 {
    clock
        .now()
        .as_millisecond()
        .saturating_sub(millisecond)
        .max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> SessionKey {
        SessionKey::parse(text).unwrap()
    }

    #[test]
    fn suggests_the_key_that_was_probably_meant() {
        let known = || ["agent:main:main", "agent:main:telegram:direct:1"].map(key);
        assert_eq!(
            nearest(&key("agent:main:mian"), known()),
            Some(key("agent:main:main"))
        );
        assert_eq!(nearest(&key("agent:x:y"), known()), None);
    }

    #[test]
    fn an_explicit_session_has_its_id_in_the_key() {
        assert_eq!(
            session_id(&key("agent:main:explicit:1-2")),
            Some("1-2".to_owned())
        );
        assert_eq!(session_id(&key("agent:main:main")), None);
    }
}
