//! Sessions of TypeScript OpenClaw in the same state directory that are not in the event log yet.
//!
//! They are listed and can be read where they lie. Whoever says something in one gets it taken into
//! the log first: the agent then knows what was said before, and the session goes on under its key.
//! Asking for `openclaw migrate` first would leave a gateway's peers, who cannot run commands,
//! without an answer; beginning anew under the key would split the conversation in two. Taking one
//! session is one transaction that changes nothing in the source, so it is safe at that moment. What
//! OpenClaw's own gateway adds to the session after that is taken by the next `openclaw migrate`,
//! under a key of its own.
//!
//! Only the conversations that keys stand for now are listed, as OpenClaw does; earlier ones come
//! with `openclaw migrate`. Where no store can be read that says which those are, all are listed.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use openclaw_compat::{Found, Glance, Home, Ledger, Role, Stamp, Trouble, preview, take_one};
use openclaw_core::events::StoreError;
use openclaw_core::state_dir::StateDir;
use openclaw_core::{EventStore, SessionEvent, SessionKey};
use parking_lot::Mutex;
use tokio::task;

/// The sessions in a state directory that wait to be taken in.
#[derive(Clone, Debug)]
pub struct Takeover {
    shared: Option<Arc<Shared>>,
}

/// A session that is not in the log yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its key.
    pub key: SessionKey,
    /// The form of the file that it lies in.
    pub source: &'static str,
    /// Its id there.
    pub session_id: String,
    /// How many entries it has.
    pub entries: u64,
    /// When it began.
    pub started: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
}

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    seen: Mutex<Option<Seen>>,
    /// Keys that the log has, or had: nothing of them waits any more.
    settled: Mutex<HashSet<SessionKey>>,
}

/// What was there at the last look.
#[derive(Debug)]
struct Seen {
    stamp: Stamp,
    home: Arc<Home>,
    glances: HashMap<SessionKey, Glance>,
    /// The session that was read last.
    read: Option<(SessionKey, Arc<Vec<SessionEvent>>)>,
}

impl Takeover {
    /// Looks nowhere: for a gateway without a home.
    pub const fn nowhere() -> Self {
        Self { shared: None }
    }

    /// Looks in a state directory, when it is asked.
    pub fn of(state: &StateDir) -> Self {
        let shared = Shared {
            root: state.root().to_owned(),
            seen: Mutex::new(None),
            settled: Mutex::default(),
        };
        Self {
            shared: Some(Arc::new(shared)),
        }
    }

    /// Returns the sessions that are not in the log, the latest first.
    pub async fn waiting(&self, log: Option<&EventStore>) -> Result<Vec<Waiting>, StoreError> {
        let Some(shared) = &self.shared else {
            return Ok(Vec::new());
        };
        let mut unknown = HashSet::new();
        let mut ledger = None;
        for (key, unnamed) in blocking(shared, Shared::keys).await {
            if shared.is_settled(&key, log).await? {
                continue;
            }
            // Without its store, nothing but its id says under which key it was taken in.
            if let (Some(session_id), Some(log)) = (unnamed, log) {
                let known = match ledger.take() {
                    Some(known) => known,
                    None => Ledger::read(log).await?,
                };
                let known = ledger.insert(known);
                if known.has(&session_id) {
                    shared.settled.lock().insert(key);
                    continue;
                }
            }
            unknown.insert(key);
        }
        if unknown.is_empty() {
            return Ok(Vec::new());
        }
        let mut waiting = blocking(shared, move |shared| shared.describe(&unknown)).await;
        waiting.sort_by(|a, b| b.updated.cmp(&a.updated).then_with(|| a.key.cmp(&b.key)));
        Ok(waiting)
    }

    /// Returns what could not be looked into, so that sessions may be missing.
    pub async fn unreadable(&self) -> Vec<Trouble> {
        match &self.shared {
            Some(shared) => blocking(shared, Shared::unreadable).await,
            None => Vec::new(),
        }
    }

    /// Returns a session that is not in the log, and the events that it would have there.
    pub async fn read(
        &self,
        log: Option<&EventStore>,
        key: &SessionKey,
    ) -> Result<Option<(Waiting, Arc<Vec<SessionEvent>>)>, StoreError> {
        let Some(shared) = &self.shared else {
            return Ok(None);
        };
        if shared.is_settled(key, log).await? {
            return Ok(None);
        }
        let key = key.clone();
        Ok(blocking(shared, move |shared| shared.events(&key)).await)
    }

    /// Takes a session into the log if it is not there and waits here.
    pub async fn adopt(&self, log: &EventStore, key: &SessionKey) -> Result<(), StoreError> {
        let Some(shared) = &self.shared else {
            return Ok(());
        };
        if shared.is_settled(key, Some(log)).await? {
            return Ok(());
        }
        let wanted = key.clone();
        let read = blocking(shared, move |shared| shared.transcript(&wanted)).await;
        if read.is_none() {
            for trouble in self.unreadable().await {
                tracing::warn!(
                    session = %key, %trouble,
                    "the session may begin anew: what OpenClaw has cannot be read"
                );
            }
        }
        if let Some((home, found, transcript)) = read {
            match take_one(log, &home, &found, &transcript).await {
                Ok(taken) => {
                    let entries = taken.map_or(0, |taken| taken.counts.entries);
                    tracing::info!(session = %key, entries, "a session of OpenClaw's was taken in");
                }
                // Somebody else took it in, or began it, at the same moment.
                Err(StoreError::HeadMoved { .. } | StoreError::Leased(_)) => {}
                Err(err) => return Err(err),
            }
        }
        shared.settled.lock().insert(key.clone());
        Ok(())
    }
}

/// Runs what reads files off the async threads.
async fn blocking<T: Default + Send + 'static>(
    shared: &Arc<Shared>,
    work: impl FnOnce(&Shared) -> T + Send + 'static,
) -> T {
    let shared = Arc::clone(shared);
    task::spawn_blocking(move || work(&shared))
        .await
        .unwrap_or_else(|err| {
            tracing::error!(%err, "looking for sessions of OpenClaw's failed");
            T::default()
        })
}

impl Shared {
    /// Tells whether nothing waits under a key, because the log has it.
    async fn is_settled(
        &self,
        key: &SessionKey,
        log: Option<&EventStore>,
    ) -> Result<bool, StoreError> {
        if self.settled.lock().contains(key) {
            return Ok(true);
        }
        let Some(log) = log else { return Ok(false) };
        let known = log.session(key).await?.is_some();
        if known {
            self.settled.lock().insert(key.clone());
        }
        Ok(known)
    }

    /// Works with what is there now; files are only read again when one of them has changed.
    fn look<T>(&self, work: impl FnOnce(&mut Seen) -> T) -> T {
        let stamp = Home::stamp(&self.root);
        let mut slot = self.seen.lock();
        let current = slot.take().filter(|seen| seen.stamp == stamp);
        let mut seen = current.unwrap_or_else(|| Seen {
            stamp,
            home: Arc::new(Home::open(&self.root)),
            glances: HashMap::new(),
            read: None,
        });
        let answer = work(&mut seen);
        *slot = Some(seen);
        answer
    }

    /// Returns the keys, each with the session's id where the key was made of it.
    fn keys(&self) -> Vec<(SessionKey, Option<String>)> {
        self.look(|seen| {
            let of = |found: &Found| {
                let unnamed = found.role == Role::Unnamed;
                let session_id = unnamed.then(|| found.session_id.clone());
                (found.key.clone(), session_id)
            };
            seen.home.conversations().map(of).collect()
        })
    }

    fn unreadable(&self) -> Vec<Trouble> {
        self.look(|seen| seen.home.unreadable().to_vec())
    }

    fn describe(&self, keys: &HashSet<SessionKey>) -> Vec<Waiting> {
        self.look(|seen| {
            let home = Arc::clone(&seen.home);
            home.conversations()
                .filter(|found| keys.contains(&found.key))
                .map(|found| seen.waiting(found))
                .filter(|waiting| waiting.entries > 0)
                .collect()
        })
    }

    fn events(&self, key: &SessionKey) -> Option<(Waiting, Arc<Vec<SessionEvent>>)> {
        self.look(|seen| {
            let home = Arc::clone(&seen.home);
            let found = home.conversations().find(|found| found.key == *key)?;
            let events = match &seen.read {
                Some((read, events)) if read == key => Arc::clone(events),
                _ => Arc::new(preview(found, &home.read(found))),
            };
            seen.read = Some((key.clone(), Arc::clone(&events)));
            (!events.is_empty()).then(|| (seen.waiting(found), events))
        })
    }

    fn transcript(
        &self,
        key: &SessionKey,
    ) -> Option<(Arc<Home>, Found, openclaw_compat::Transcript)> {
        let home = self.look(|seen| Arc::clone(&seen.home));
        let found = home
            .conversations()
            .find(|found| found.key == *key)?
            .clone();
        let transcript = home.read(&found);
        for trouble in &transcript.troubles {
            tracing::warn!(%trouble, "a session of OpenClaw's is not as it should be");
        }
        Some((home, found, transcript))
    }
}

impl Seen {
    fn waiting(&mut self, found: &Found) -> Waiting {
        let home = &self.home;
        let glance = *self
            .glances
            .entry(found.key.clone())
            .or_insert_with(|| home.glance(found));
        Waiting {
            key: found.key.clone(),
            source: found.source.form(),
            session_id: found.session_id.clone(),
            entries: glance.entries,
            started: glance.started.unwrap_or(found.updated),
            updated: found.updated,
        }
    }
}

#[cfg(test)]
mod tests;
