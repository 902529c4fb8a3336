//! One face for all that is compared.

use std::path::Path;

use openclaw_core::EventStore;
use openclaw_core::events::NewEvent;

use crate::engine::{Engine, Fjall, Queue, Redb, Sled};
use crate::workload::session;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ours,
    Redb,
    Fjall,
    Sled,
}

/// A store that events are appended to.
#[derive(Debug)]
pub(crate) enum Store {
    Ours(EventStore),
    Engine(Queue),
}

impl Kind {
    /// All of them, in the order of the table.
    pub(crate) const ALL: [Self; 4] = [Self::Ours, Self::Redb, Self::Fjall, Self::Sled];

    /// Returns the name, for an engine with the version that the lock file holds.
    pub(crate) fn name(self) -> String {
        let package = match self {
            Self::Ours => return "openclaw".to_owned(),
            Self::Redb => "redb",
            Self::Fjall => "fjall",
            Self::Sled => "sled",
        };
        let entry = format!("name = \"{package}\"\nversion = \"");
        let version = include_str!("../Cargo.lock")
            .split_once(&entry)
            .and_then(|(_, rest)| rest.split('"').next());
        format!("{package} {}", version.expect("a locked version"))
    }

    /// Opens the store in a folder for appending.
    pub(crate) fn open(self, folder: &Path) -> Store {
        match self {
            Self::Ours => Store::Ours(open_ours(folder)),
            Self::Redb => Store::Engine(Queue::start(Redb::open(folder))),
            Self::Fjall => Store::Engine(Queue::start(Fjall::open(folder))),
            Self::Sled => Store::Engine(Queue::start(Sled::open(folder))),
        }
    }

    /// Opens the store in a folder, reads the head of a session from it and the event there, calls
    /// `then`, and closes the store. Returns the head.
    pub(crate) async fn look(self, folder: &Path, number: u64, then: impl FnOnce()) -> u64 {
        match self {
            Self::Ours => {
                let (store, key) = (open_ours(folder), session(number));
                let summary = store.session(&key).await.unwrap();
                let head = summary.expect("a session").head;
                let events = store.read(&key, head..=head).await.unwrap();
                assert_eq!(events.len(), 1, "the last event can be read");
                then();
                head
            }
            Self::Redb => look(&Redb::open(folder), number, then),
            Self::Fjall => look(&Fjall::open(folder), number, then),
            Self::Sled => look(&Sled::open(folder), number, then),
        }
    }
}

impl Store {
    /// Appends events to a session; returns when they are durable.
    pub(crate) async fn append(&self, number: u64, events: Vec<NewEvent>) {
        match self {
            Self::Ours(store) => drop(store.append(&session(number), events).await.unwrap()),
            Self::Engine(queue) => queue.append(number, events).await,
        }
    }

    /// Closes the store in order.
    pub(crate) fn close(self) {
        match self {
            Self::Ours(store) => drop(store),
            Self::Engine(queue) => queue.close(),
        }
    }
}

fn open_ours(folder: &Path) -> EventStore {
    EventStore::open(&folder.join("events.sqlite")).unwrap()
}

fn look(engine: &impl Engine, number: u64, then: impl FnOnce()) -> u64 {
    let head = engine.head(number);
    assert!(
        engine.event(number, head).is_some(),
        "the last event can be read"
    );
    then();
    head
}
