//! The methods about the log of all sessions: reading it, and saying what a socket follows.

use std::collections::BTreeSet;
use std::sync::Arc;

use openclaw_core::events::Position;
use openclaw_core::{Kind, SessionKey};
use openclaw_ipc::methods::{
    EventsList, EventsListOutput, EventsListParams, EventsSubscribe, EventsSubscribeOutput,
    EventsSubscribeParams,
};
use openclaw_ipc::{Cursor, Event, Handle, RpcError};
use parking_lot::Mutex;

use super::{CallCx, Rpc, store_error};

/// How many bytes of text are enough for a page of events.
const ENOUGH: usize = 4 << 20;

/// How many sessions a socket may name.
const MOST_SESSIONS: usize = 1000;

/// What a listener wants to hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Following {
    /// The position of the last event that it knows.
    pub(crate) after: Position,
    /// The sessions that it wants to hear of; all of them where it names none.
    pub(crate) sessions: Option<BTreeSet<SessionKey>>,
}

/// Hears what a socket is to follow from the answer to a call on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ear(Arc<Mutex<Option<Following>>>);

impl Ear {
    /// Says what to follow; of several wishes of one message, the last one counts.
    pub(super) fn tell(&self, following: Following) {
        *self.0.lock() = Some(following);
    }

    /// Returns what is to be followed from now on, if that was said.
    pub(crate) fn take(&self) -> Option<Following> {
        self.0.lock().take()
    }
}

impl Handle<EventsSubscribe> for Rpc {
    async fn handle(
        &self,
        cx: &CallCx,
        params: EventsSubscribeParams,
    ) -> Result<EventsSubscribeOutput, RpcError> {
        let Some(ear) = &cx.ear else {
            let message = "only a WebSocket can follow the log";
            return Err(RpcError::new(Kind::Invalid, message)
                .with_hint("open `/ws` and call it there, or read with `events.list`"));
        };
        let sessions = params.sessions.map(BTreeSet::from_iter);
        if sessions.as_ref().map_or(0, BTreeSet::len) > MOST_SESSIONS {
            let message = format!("a socket names at most {MOST_SESSIONS} sessions");
            return Err(RpcError::new(Kind::Limited, message)
                .with_field("sessions")
                .with_hint("leave `sessions` out, and pass over what is of no interest"));
        }
        let cursor = match params.cursor {
            Some(cursor) => {
                self.check(&cursor).await?;
                self.nothing_deleted_after(&cursor).await?;
                cursor
            }
            None => self.behind(self.store.position()).await?,
        };
        let after = cursor.position();
        ear.tell(Following { after, sessions });
        Ok(EventsSubscribeOutput {
            behind: self.store.position().saturating_sub(after),
            cursor,
        })
    }
}

impl Handle<EventsList> for Rpc {
    async fn handle(
        &self,
        _cx: &CallCx,
        params: EventsListParams,
    ) -> Result<EventsListOutput, RpcError> {
        let mut next = params.cursor.unwrap_or(Cursor::START);
        self.check(&next).await?;
        let limit = params.limit.unwrap_or_default().get();
        let mut events = Vec::new();
        let mut more = true;
        // The log's own entries are no answer; a page has one event at least, if there is one.
        while more && events.is_empty() {
            let read = self
                .store
                .read_some_after(next.position(), limit, ENOUGH)
                .await
                .map_err(|err| store_error(&err))?;
            if let Some(last) = read.last() {
                next = Cursor::behind(last.position, &last.hash);
            }
            more = !read.is_empty() && self.store.position() > next.position();
            let told = read.into_iter().filter(|event| !event.session.is_system());
            events.extend(told.map(Event::from));
        }
        Ok(EventsListOutput {
            events,
            next_cursor: next,
            more,
        })
    }
}

impl Rpc {
    /// Returns the place behind the event of a position.
    async fn behind(&self, position: Position) -> Result<Cursor, RpcError> {
        let hash = self.store.hash_at(position).await;
        let hash = hash.map_err(|err| store_error(&err))?;
        Ok(hash.map_or(Cursor::START, |hash| Cursor::behind(position, &hash)))
    }

    /// Refuses a cursor of a place that the log does not have.
    async fn check(&self, cursor: &Cursor) -> Result<(), RpcError> {
        let position = cursor.position();
        if position == 0 {
            return Ok(());
        }
        let hash = self.store.hash_at(position).await;
        match hash.map_err(|err| store_error(&err))? {
            Some(hash) if cursor.fits(&hash) => Ok(()),
            Some(_) => Err(refused(
                Kind::Conflict,
                "cursor.foreign",
                format!("the cursor is of another log: this one has another event at {position}"),
            )
            .with_hint(ANEW)),
            None => {
                let last = self.store.position();
                Err(refused(
                    Kind::NotFound,
                    "cursor.future",
                    format!("the log has no position {position}; its last one is {last}"),
                )
                .with_hint(ANEW))
            }
        }
    }

    /// Refuses a cursor after which something is missing. From the start, whatever is there is
    /// all that there is.
    async fn nothing_deleted_after(&self, cursor: &Cursor) -> Result<(), RpcError> {
        if cursor.position() == 0 {
            return Ok(());
        }
        let deleted = self.store.deleted_after(cursor.position()).await;
        match deleted.map_err(|err| store_error(&err))? {
            None => Ok(()),
            Some(last) => Err(refused(
                Kind::Conflict,
                "cursor.deleted",
                format!("some of what came after the cursor, up to {last}, was deleted"),
            )
            .with_hint(
                "read what is left with `events.list` from this cursor on, and follow from its `nextCursor`",
            )),
        }
    }
}

/// How to go on where a cursor leads nowhere.
const ANEW: &str = "follow without a cursor, then read what you show with `session.history`";

fn refused(kind: Kind, reason: &'static str, message: String) -> RpcError {
    RpcError::new(kind, message)
        .with_reason(reason)
        .with_field("cursor")
}
