//! The values that are known, for the whole process.
#![expect(
    clippy::disallowed_methods,
    reason = "what is to be found has to be compared"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use secrecy::{ExposeSecret as _, SecretBox};

use super::MIN_LENGTH;
use super::finder::Finder;
use crate::ApiKey;

/// The most values that are known at a time.
pub(super) const CAPACITY: usize = 2048;

static TABLE: RwLock<Table> = RwLock::new(Table::new());

/// How often a value was learned that was not known.
static LEARNED: AtomicU64 = AtomicU64::new(0);

/// Values, the one that was learned last at the end, and what finds them.
pub(super) struct Table {
    values: Vec<Arc<SecretBox<str>>>,
    finder: Option<Arc<Finder>>,
}

impl Table {
    pub(super) const fn new() -> Self {
        Self {
            values: Vec::new(),
            finder: None,
        }
    }

    /// Takes a value in. In a full table it takes the place of the oldest one that nobody but the
    /// table holds, so that many short-lived values cannot push out those that are in use.
    pub(super) fn learn(&mut self, value: &Arc<SecretBox<str>>) {
        let text = value.expose_secret();
        if text.len() < MIN_LENGTH {
            return;
        }
        let same = |known: &Arc<SecretBox<str>>| known.expose_secret() == text;
        if let Some(at) = self.values.iter().position(same) {
            // The newer owner is the one to outlive.
            self.values.remove(at);
            self.values.push(Arc::clone(value));
            return;
        }
        if self.values.len() >= CAPACITY {
            let left = |known: &Arc<SecretBox<str>>| Arc::strong_count(known) == 1;
            self.values
                .remove(self.values.iter().position(left).unwrap_or_default());
        }
        self.values.push(Arc::clone(value));
        self.finder = None;
        LEARNED.fetch_add(1, Ordering::Relaxed);
    }

    #[cfg(test)]
    pub(super) fn knows(&self, text: &str) -> bool {
        let mut values = self.values.iter();
        values.any(|known| known.expose_secret() == text)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }
}

/// Makes a secret known, for as long as this process lives.
///
/// One of fewer than [`MIN_LENGTH`] bytes is left out.
pub fn learn(secret: &ApiKey) {
    TABLE.write().learn(secret.shared());
}

/// As [`learn`], for somebody who has no more than the text.
pub fn learn_text(secret: &str) {
    learn(&ApiKey::new(secret.to_owned()));
}

/// Returns how often something was learned so far: a text that was masked before that is to be
/// masked again.
pub fn learned() -> u64 {
    // Whoever asks under the lock sees what was learned under it before.
    let _table = TABLE.read();
    LEARNED.load(Ordering::Relaxed)
}

/// Returns what finds the known values; nothing while there are none.
pub(super) fn finder() -> Option<Arc<Finder>> {
    {
        let table = TABLE.read();
        if table.values.is_empty() {
            return None;
        }
        if let Some(finder) = &table.finder {
            return Some(Arc::clone(finder));
        }
    }
    // It is made under the lock: another thread that wants to mask has to wait for it anyway.
    let mut table = TABLE.write();
    if table.finder.is_none() {
        let values = table.values.iter().map(|value| value.expose_secret());
        table.finder = Some(Arc::new(Finder::new(values)));
    }
    table.finder.clone()
}
