//! `openclaw sessions events`: what a session is made of, a page at a time.

use clap::Args;
use clap::builder::PossibleValuesParser;
use openclaw_core::events::{SessionSummary, StoreError};
use openclaw_core::state_dir::StateDir;
use openclaw_core::{EventStore, SessionEvent, SessionKey};
use openclaw_ipc::Event;
use serde_json::json;

use super::lookup::find;
use crate::commands::Cx;
use crate::error::CliError;
use crate::event_line;

/// How many events are read at a time.
const PAGE: u64 = 256;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw sessions events agent:main:main
  openclaw sessions events agent:main:main --after 10 --limit 50 --json
  openclaw sessions events agent:main:main --kind ToolCalled --jsonl";

/// The arguments of `sessions events`.
#[derive(Debug, Args)]
pub(super) struct EventsArgs {
    /// The session's key
    key: String,
    /// Show at most N events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Show what comes after the event with this number
    #[arg(long, value_name = "SEQ", default_value_t)]
    after: u64,
    /// Show only events of this kind
    #[arg(
        long,
        value_name = "KIND",
        ignore_case = true,
        value_parser = PossibleValuesParser::new(event_line::KINDS)
    )]
    kind: Option<String>,
    /// Print one JSON document for each event, one a line
    #[arg(long, conflicts_with = "json")]
    jsonl: bool,
}

pub(super) async fn events(cx: Cx<'_>, state: &StateDir, args: EventsArgs) -> Result<(), CliError> {
    let (store, session) = find(state, &args.key).await?;
    let mut wanted = Wanted::of(&store, &session, &args)?;
    if args.jsonl {
        while let Some(events) = wanted.next().await? {
            for event in &events {
                cx.out.document_line(event)?;
            }
        }
        return Ok(());
    }
    let mut events = Vec::new();
    while let Some(page) = wanted.next().await? {
        events.extend(page);
    }
    let next = wanted.cursor(session.head);
    if cx.out.is_json() {
        let data = json!({ "sessionKey": session.key, "events": events, "nextCursor": next });
        return cx.out.answer(&data, &[]);
    }
    let rows = events
        .iter()
        .map(|event| event_line::row(event, cx.out))
        .collect();
    cx.out.table(&event_line::HEADER, rows)?;
    if let Some(next) = next {
        cx.out.note(format_args!(
            "{} events in all; see --after {next}",
            session.head
        ));
    }
    Ok(())
}

/// The events that were asked for, as far as they are not handed out yet.
struct Wanted<'a> {
    pages: Pages<'a>,
    kind: Option<&'a str>,
    left: u64,
    last: Option<u64>,
}

impl<'a> Wanted<'a> {
    fn of(
        store: &'a EventStore,
        session: &'a SessionSummary,
        args: &'a EventsArgs,
    ) -> Result<Self, CliError> {
        if args.after > session.head {
            return Err(CliError::Store(StoreError::NoEvent {
                session: session.key.clone(),
                seq: args.after,
                head: session.head,
            }));
        }
        let first = args.after.saturating_add(1);
        Ok(Self {
            pages: Pages::of(store, &session.key, first, session.head),
            kind: args.kind.as_deref(),
            left: args.limit.unwrap_or(u64::MAX),
            last: None,
        })
    }

    /// Returns the next events; a page may have none that are wanted.
    async fn next(&mut self) -> Result<Option<Vec<Event>>, CliError> {
        if self.left == 0 {
            return Ok(None);
        }
        // Of all kinds, no more is read than is wanted.
        let most = match self.kind {
            Some(_) => u64::MAX,
            None => self.left,
        };
        let Some(page) = self.pages.next_up_to(most).await? else {
            return Ok(None);
        };
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let events: Vec<Event> = page
            .into_iter()
            .filter(|event| {
                self.kind
                    .is_none_or(|kind| kind.eq_ignore_ascii_case(event.kind.name()))
            })
            .take(left)
            .map(Event::from)
            .collect();
        let taken = u64::try_from(events.len()).unwrap_or(u64::MAX);
        self.left = self.left.saturating_sub(taken);
        self.last = events.last().map(|event| event.seq).or(self.last);
        Ok(Some(events))
    }

    /// Returns where to go on, unless everything has been handed out.
    fn cursor(&self, head: u64) -> Option<u64> {
        self.last.filter(|seq| self.left == 0 && *seq < head)
    }
}

/// Events of a session, read a page at a time.
#[derive(Debug)]
pub(super) struct Pages<'a> {
    store: &'a EventStore,
    session: &'a SessionKey,
    next: u64,
    last: u64,
}

impl<'a> Pages<'a> {
    /// Prepares to read the events with these numbers.
    pub(super) const fn of(
        store: &'a EventStore,
        session: &'a SessionKey,
        first: u64,
        last: u64,
    ) -> Self {
        Self {
            store,
            session,
            next: first,
            last,
        }
    }

    /// Returns the next page, until there is none.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<SessionEvent>>, CliError> {
        self.next_up_to(u64::MAX).await
    }

    async fn next_up_to(&mut self, most: u64) -> Result<Option<Vec<SessionEvent>>, CliError> {
        if self.next > self.last {
            return Ok(None);
        }
        let end = self
            .next
            .saturating_add(most.min(PAGE))
            .saturating_sub(1)
            .min(self.last);
        let page = self.store.read(self.session, self.next..=end).await?;
        self.next = end.saturating_add(1);
        Ok(Some(page))
    }
}
