//! What is known from one request to the next.
//!
//! All of it is in memory, and bounded; what has to outlive a restart follows from the event log.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use openclaw_core::SessionKey;
use parking_lot::Mutex;
use tokio::sync::Mutex as Line;
use tokio::time::Instant;
use uuid::Uuid;

/// For how long the elements of a list are known that were sent without a key of their own.
const RECENT: Duration = Duration::from_mins(5);
/// How many of them are known.
const MOST: usize = 1000;

/// What is known of earlier requests.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Words to sessions that are not read yet.
    waiting: Arc<Mutex<HashSet<Word>>>,
    /// The lines of those that have one key together, though each has a session of its own.
    lines: Mutex<HashMap<SessionKey, Arc<Line<()>>>>,
    /// The ids that elements of lists were given, and when.
    recent: Mutex<HashMap<String, (Instant, String)>>,
}

/// Something that a session is told.
type Word = (SessionKey, String);

/// A word that waits to be read, until this is dropped.
#[derive(Debug)]
pub(super) struct Waits {
    waiting: Arc<Mutex<HashSet<Word>>>,
    word: Word,
}

impl Memory {
    /// Notes that a session is told something; nothing if it waits there already.
    pub(super) fn waits(&self, session: &SessionKey, text: &str) -> Option<Waits> {
        let word = (session.clone(), text.to_owned());
        let is_new = self.waiting.lock().insert(word.clone());
        is_new.then(|| Waits {
            waiting: Arc::clone(&self.waiting),
            word,
        })
    }

    /// Returns the line of a key.
    pub(super) fn line(&self, key: &SessionKey) -> Arc<Line<()>> {
        let mut lines = self.lines.lock();
        // What nobody stands in is nobody's any more.
        lines.retain(|_, line| Arc::strong_count(line) > 1);
        Arc::clone(lines.entry(key.clone()).or_default())
    }

    /// Returns an id for what has this digest: the same one for a while.
    pub(super) fn id_of(&self, digest: &str) -> String {
        let now = Instant::now();
        let mut recent = self.recent.lock();
        recent.retain(|_, (since, _)| now.duration_since(*since) < RECENT);
        if let Some((_, id)) = recent.get(digest) {
            return id.clone();
        }
        let id = Uuid::new_v4().to_string();
        if recent.len() < MOST {
            recent.insert(digest.to_owned(), (now, id.clone()));
        }
        id
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.waiting.lock().remove(&self.word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SessionKey {
        SessionKey::parse("agent:main:main").unwrap()
    }

    #[test]
    fn the_same_word_waits_once() {
        let memory = Memory::default();
        let first = memory.waits(&key(), "done");
        assert!(first.is_some());
        assert!(memory.waits(&key(), "done").is_none());
        assert!(memory.waits(&key(), "done again").is_some());
        drop(first);
        assert!(memory.waits(&key(), "done").is_some());
    }

    #[test]
    fn lines_in_which_nobody_stands_are_forgotten() {
        let memory = Memory::default();
        let line = memory.line(&key());
        assert!(Arc::ptr_eq(&line, &memory.line(&key())));
        drop(line);
        let other = SessionKey::parse("agent:main:other").unwrap();
        let _other = memory.line(&other);
        assert_eq!(memory.lines.lock().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_element_has_its_id_for_a_while() {
        let memory = Memory::default();
        let id = memory.id_of("a");
        assert_eq!(memory.id_of("a"), id);
        assert_ne!(memory.id_of("b"), id);
        tokio::time::advance(RECENT).await;
        assert_ne!(memory.id_of("a"), id);
    }
}
