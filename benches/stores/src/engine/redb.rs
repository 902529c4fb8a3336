//! redb: one table for events and one for heads, in one write transaction.

use std::path::Path;

use redb::{Database, Durability, ReadableDatabase as _, TableDefinition, TableError};

use super::{Commit, Engine};

const EVENTS: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("events");
const HEADS: TableDefinition<'_, u64, u64> = TableDefinition::new("heads");

/// An open redb database.
pub(crate) struct Redb(Database);

impl Redb {
    /// Opens the database in a folder.
    pub(crate) fn open(folder: &Path) -> Self {
        Self(Database::create(folder.join("events.redb")).unwrap())
    }
}

impl Engine for Redb {
    fn head(&self, session: u64) -> u64 {
        match self.0.begin_read().unwrap().open_table(HEADS) {
            Ok(heads) => heads.get(session).unwrap().map_or(0, |head| head.value()),
            Err(TableError::TableDoesNotExist(_)) => 0,
            Err(err) => panic!("{err}"),
        }
    }

    fn event(&self, session: u64, seq: u64) -> Option<Vec<u8>> {
        let events = self.0.begin_read().unwrap().open_table(EVENTS).unwrap();
        let event = events.get((session, seq)).unwrap();
        event.map(|bytes| bytes.value().to_vec())
    }

    fn commit(&mut self, commit: &Commit) {
        let mut transaction = self.0.begin_write().unwrap();
        transaction.set_durability(Durability::Immediate).unwrap();
        {
            let mut events = transaction.open_table(EVENTS).unwrap();
            for (session, seq, event) in &commit.events {
                events.insert((*session, *seq), event.as_slice()).unwrap();
            }
            let mut heads = transaction.open_table(HEADS).unwrap();
            for (session, head) in &commit.heads {
                heads.insert(session, head).unwrap();
            }
        }
        transaction.commit().unwrap();
    }
}
