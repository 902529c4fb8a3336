//! fjall: one keyspace for events and one for heads, in one atomic batch.

use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::{Commit, Engine, head_of, key};

/// An open fjall database.
pub(crate) struct Fjall {
    database: Database,
    events: Keyspace,
    heads: Keyspace,
}

impl Fjall {
    /// Opens the database in a folder.
    pub(crate) fn open(folder: &Path) -> Self {
        let database = Database::builder(folder.join("fjall")).open().unwrap();
        let keyspace = |name| {
            database
                .keyspace(name, KeyspaceCreateOptions::default)
                .unwrap()
        };
        Self {
            events: keyspace("events"),
            heads: keyspace("heads"),
            database,
        }
    }
}

impl Engine for Fjall {
    fn head(&self, session: u64) -> u64 {
        let head = self.heads.get(session.to_be_bytes()).unwrap();
        head.map_or(0, |bytes| head_of(&bytes))
    }

    fn event(&self, session: u64, seq: u64) -> Option<Vec<u8>> {
        let event = self.events.get(key(session, seq)).unwrap();
        event.map(|bytes| bytes.to_vec())
    }

    fn commit(&mut self, commit: &Commit) {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
        for (session, seq, event) in &commit.events {
            batch.insert(&self.events, key(*session, *seq), event.as_slice());
        }
        for (session, head) in &commit.heads {
            batch.insert(&self.heads, session.to_be_bytes(), head.to_be_bytes());
        }
        batch.commit().unwrap();
    }
}
