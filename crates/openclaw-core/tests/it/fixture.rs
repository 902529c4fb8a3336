//! A store in a temporary folder, and events to put into it.

use std::path::{Path, PathBuf};

use openclaw_core::events::NewEvent;
use openclaw_core::{Clock, EventStore, SessionEvent, SessionEventKind, SessionKey};
use tempfile::TempDir;

/// A store in a folder of its own.
pub(crate) struct Fixture {
    dir: TempDir,
    pub(crate) store: EventStore,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::fixed("2026-01-02T03:04:05.678Z".parse().unwrap());
        let store = EventStore::open_with_clock(&dir.path().join("events.sqlite"), clock).unwrap();
        Self { dir, store }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// Opens the file as somebody with an SQLite tool would.
    pub(crate) fn sql(&self) -> rusqlite::Connection {
        let connection = rusqlite::Connection::open(self.path()).unwrap();
        connection
            .pragma_update(None, "foreign_keys", false)
            .unwrap();
        connection
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("events.sqlite")
    }

    /// Closes the store and leaves its folder.
    pub(crate) fn closed(self) -> TempDir {
        self.dir
    }

    /// Closes the store, lets something happen to its files, and opens it again.
    pub(crate) fn closed_and(self, happen: impl FnOnce(&Path)) -> Self {
        let path = self.path();
        let dir = self.closed();
        happen(&path);
        let store = EventStore::open(&path).unwrap();
        Self { dir, store }
    }

    pub(crate) fn reopened(self) -> Self {
        let Self { dir, store } = self;
        drop(store);
        let store = EventStore::open(&dir.path().join("events.sqlite")).unwrap();
        Self { dir, store }
    }
}

pub(crate) fn key(name: &str) -> SessionKey {
    SessionKey::parse(&format!("agent:main:{name}")).unwrap()
}

pub(crate) fn started() -> NewEvent {
    SessionEventKind::SessionStarted {
        channel: "rpc".into(),
        peer_id: "p".into(),
    }
    .into()
}

pub(crate) fn message(text: &str) -> NewEvent {
    SessionEventKind::MessageReceived {
        content: text.into(),
        attachments: vec![],
    }
    .into()
}

pub(crate) fn seqs(events: &[SessionEvent]) -> Vec<u64> {
    events.iter().map(|event| event.seq).collect()
}

pub(crate) fn answer(text: &str) -> NewEvent {
    SessionEventKind::AgentResponse {
        content: text.into(),
        model: "m".into(),
        tokens: 7,
    }
    .into()
}
