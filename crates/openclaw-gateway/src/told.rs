//! What many listeners are told, written once for all of them.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use openclaw_agents::bus;
use openclaw_core::SessionEvent;
use openclaw_core::redaction::learned;
use openclaw_ipc::Notification;
use parking_lot::Mutex;

use crate::live::{Due, of_fact, of_piece};

/// How many texts are kept of facts, and of pieces.
const MOST: usize = 64;
/// How many bytes they have together, the latest one aside.
const MOST_BYTES: usize = 1 << 20;

/// The latest texts.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// How much was to be masked when they were written.
    learned: u64,
    facts: Texts<SessionEvent>,
    pieces: Texts<bus::Live>,
}

/// Texts, each beside what it was made of.
#[derive(Debug)]
struct Texts<T> {
    texts: VecDeque<(Arc<T>, Utf8Bytes)>,
    bytes: usize,
}

impl<T> Default for Texts<T> {
    fn default() -> Self {
        Self {
            texts: VecDeque::new(),
            bytes: 0,
        }
    }
}

impl<T> Texts<T> {
    fn of(&self, what: &Arc<T>) -> Option<Utf8Bytes> {
        let mut texts = self.texts.iter().rev();
        let found = texts.find(|(of, _)| Arc::ptr_eq(of, what));
        found.map(|(_, text)| text.clone())
    }

    fn keep(&mut self, what: Arc<T>, text: Utf8Bytes) {
        self.bytes = self.bytes.saturating_add(text.len());
        self.texts.push_back((what, text));
        while self.texts.len() > MOST || (self.bytes > MOST_BYTES && self.texts.len() > 1) {
            let Some((_, text)) = self.texts.pop_front() else {
                break;
            };
            self.bytes = self.bytes.saturating_sub(text.len());
        }
    }
}

impl Told {
    /// Returns the text of what is due, with known secrets masked; none, which is logged, if it has
    /// none.
    pub(crate) fn text(&self, due: Due) -> Option<Utf8Bytes> {
        match due {
            Due::Fact(fact) => self.kept(fact, of_fact, |state| &mut state.facts),
            Due::Piece(piece) => self.kept(piece, of_piece, |state| &mut state.pieces),
            Due::Own(notification) => written(&notification),
        }
    }

    fn kept<T>(
        &self,
        what: Arc<T>,
        notification: impl FnOnce(&T) -> Notification,
        texts: impl Fn(&mut State) -> &mut Texts<T>,
    ) -> Option<Utf8Bytes> {
        // Asked for before it is written: what is learned meanwhile makes it out of date.
        let now = learned();
        if let Some(known) = texts(&mut self.up_to_date(now)).of(&what) {
            return Some(known);
        }
        // Only what others may be told, too, is worth keeping.
        let text = written(&notification(&what))?;
        if Arc::strong_count(&what) > 1 {
            texts(&mut self.up_to_date(now)).keep(what, text.clone());
        }
        Some(text)
    }

    fn up_to_date(&self, learned: u64) -> parking_lot::MutexGuard<'_, State> {
        let mut state = self.0.lock();
        if state.learned != learned {
            *state = State {
                learned,
                ..State::default()
            };
        }
        state
    }
}

fn written(notification: &Notification) -> Option<Utf8Bytes> {
    notification
        .to_json()
        .inspect_err(|err| tracing::error!(%err, "a notification cannot be written as JSON"))
        .ok()
        .map(Utf8Bytes::from)
}

#[cfg(test)]
mod tests {
    use openclaw_agents::bus::Part;
    use openclaw_core::RunId;
    use openclaw_core::redaction::learn_text;

    use super::*;

    fn piece(text: &str) -> Arc<bus::Live> {
        Arc::new(bus::Live::Delta {
            session: "agent:main:main".parse().unwrap(),
            run: RunId::generate(),
            step: 1,
            part: Part::Text,
            text: text.to_owned(),
        })
    }

    #[test]
    fn a_secret_that_is_learned_later_is_masked_in_what_was_written_before() {
        let secret = "cnry-of-what-was-told-0123456789";
        let (told, piece) = (Told::default(), piece(secret));
        let text = || told.text(Due::Piece(Arc::clone(&piece))).unwrap();
        assert!(text().contains(secret));
        learn_text(secret);
        assert!(text().contains("[REDACTED]") && !text().contains(secret));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let told = Told::default();
        let long = "x".repeat(MOST_BYTES / 2);
        let pieces: Vec<_> = (0..MOST).map(|_| piece(&long)).collect();
        for piece in &pieces {
            told.text(Due::Piece(Arc::clone(piece))).unwrap();
        }
        let state = told.0.lock();
        assert_eq!(state.pieces.texts.len(), 1);
        drop(state);
        let pieces: Vec<_> = (0..2 * MOST).map(|_| piece("x")).collect();
        for piece in &pieces {
            told.text(Due::Piece(Arc::clone(piece))).unwrap();
        }
        assert_eq!(told.0.lock().pieces.texts.len(), MOST);
    }
}
