//! sled: events and heads in one tree, so that one batch is atomic.

use std::path::Path;

use sled::{Batch, Db};

use super::{Commit, Engine, head_of, key};

/// An open sled database.
pub(crate) struct Sled(Db);

impl Sled {
    /// Opens the database in a folder.
    pub(crate) fn open(folder: &Path) -> Self {
        Self(sled::open(folder.join("sled")).unwrap())
    }
}

impl Engine for Sled {
    fn head(&self, session: u64) -> u64 {
        let head = self.0.get(session.to_be_bytes()).unwrap();
        head.map_or(0, |bytes| head_of(&bytes))
    }

    fn event(&self, session: u64, seq: u64) -> Option<Vec<u8>> {
        let event = self.0.get(key(session, seq)).unwrap();
        event.map(|bytes| bytes.to_vec())
    }

    fn commit(&mut self, commit: &Commit) {
        let mut batch = Batch::default();
        for (session, seq, event) in &commit.events {
            batch.insert(&key(*session, *seq), event.as_slice());
        }
        // The key of a head is shorter than that of an event and cannot be taken for one.
        for (session, head) in &commit.heads {
            batch.insert(&session.to_be_bytes(), &head.to_be_bytes());
        }
        self.0.apply_batch(batch).unwrap();
        self.0.flush().unwrap();
    }
}
