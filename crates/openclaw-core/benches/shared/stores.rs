//! The stores that are measured: fresh ones, and one with a million events that is made once.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use openclaw_core::EventStore;
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::workload::{Workload, session};

/// How many sessions the large store has.
pub(crate) const SESSIONS: u64 = 10_000;
/// How many events each of them has.
pub(crate) const EVENTS_PER_SESSION: u64 = 100;
/// How many events it has in all.
pub(crate) const EVENTS: u64 = SESSIONS * EVENTS_PER_SESSION;

/// Where the log lies below a state directory.
const LOG: &str = "openclaw-rs/events.sqlite";
/// How many events of a session lie side by side in the large store.
const PER_APPEND: u64 = 25;
/// How many appends are under way at the same time while it is made.
const WRITERS: u64 = 64;

/// The place for everything that is measured: below the target directory, on a real disk.
const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");

/// Returns a folder that ends with its value.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir_in(FOLDER).unwrap()
}

/// Returns the path of the event log in a state directory.
pub(crate) fn log(state: &Path) -> PathBuf {
    state.join(LOG)
}

/// Opens the event log of a state directory.
pub(crate) fn open(state: &Path) -> EventStore {
    EventStore::open(&log(state)).unwrap()
}

/// Returns the state directory with [`EVENTS`] events, made at the first call.
///
/// It is for reading. Its name tells the schema, so that another schema makes another one.
pub(crate) async fn million() -> PathBuf {
    let name = format!("million-{}", schema());
    let made = Path::new(FOLDER).join(&name);
    if made.is_dir() {
        return made;
    }
    // What an earlier schema or a run that was stopped has left is of no use to anybody.
    for entry in fs::read_dir(FOLDER).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name().to_string_lossy().starts_with("million-") {
            fs::remove_dir_all(entry.path()).unwrap();
        }
    }
    progress(&format!(
        "making a store of {EVENTS} events, once: {}",
        made.display()
    ));
    let draft = Path::new(FOLDER).join(format!("{name}.draft"));
    let store = open(&draft);
    for first in (1..=EVENTS_PER_SESSION).step_by(usize::try_from(PER_APPEND).unwrap()) {
        append_to_all(&store, first).await;
        progress(&format!("  {} events", store.position()));
    }
    assert!(store.position() >= EVENTS, "every event has a position");
    drop(store);
    fs::rename(&draft, &made).unwrap();
    made
}

/// Appends the next [`PER_APPEND`] events to every session.
async fn append_to_all(store: &EventStore, first: u64) {
    let next = Arc::new(AtomicU64::new(0));
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (store, next) = (store.clone(), Arc::clone(&next));
        drop(writers.spawn(async move {
            let mut workload = Workload::new(first * WRITERS + writer);
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= SESSIONS {
                    return;
                }
                let events = workload.events(number, first, PER_APPEND);
                store.append(&session(number), events).await.unwrap();
            }
        }));
    }
    writers.join_all().await;
}

/// Tells one schema from another: by its version, and by its text while a version is being made.
fn schema() -> String {
    let folder = folder();
    drop(open(folder.path()));
    let connection = Connection::open(log(folder.path())).unwrap();
    let version: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    let mut statement = connection
        .prepare("SELECT sql FROM sqlite_schema ORDER BY name")
        .unwrap();
    let texts = statement.query_map([], |row| row.get::<_, Option<String>>(0));
    let mut hasher = DefaultHasher::new();
    for text in texts.unwrap() {
        text.unwrap().hash(&mut hasher);
    }
    format!("v{version}-{:016x}", hasher.finish())
}

#[expect(clippy::print_stderr, reason = "it takes a while and somebody waits")]
fn progress(text: &str) {
    eprintln!("{text}");
}
