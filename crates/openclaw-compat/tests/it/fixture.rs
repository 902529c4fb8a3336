//! A log of its own for each test, homes that are written for it, and copies of recorded ones.

use std::fs;
use std::path::{Path, PathBuf};

use openclaw_compat::{Home, Mode, SessionsReport, migrate};
use openclaw_core::{EventStore, SessionEvent, SessionEventKind, SessionKey};
use openclaw_testkit::{shared_dir, skip_note};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

/// A log in a folder that goes with it.
pub(crate) struct Log {
    pub(crate) store: EventStore,
    folder: TempDir,
}

impl Log {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = EventStore::open(&folder.path().join("events.sqlite")).unwrap();
        Self { store, folder }
    }

    /// A place for files beside the log.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) async fn take(&self, home: &Path) -> SessionsReport {
        migrate(&Home::open(home), Some(&self.store), Mode::Take)
            .await
            .unwrap()
    }

    pub(crate) async fn events(&self, key: &str) -> Vec<SessionEvent> {
        let key = SessionKey::parse(key).unwrap();
        self.store.read(&key, 1..=u64::MAX).await.unwrap()
    }

    /// The texts of the entries that a session has, in their order.
    pub(crate) async fn raws(&self, key: &str) -> Vec<String> {
        let events = self.events(key).await;
        events
            .into_iter()
            .filter(|event| !is_state(event, "openclaw.session"))
            .filter_map(|event| event.raw.map(|raw| raw.get().to_owned()))
            .collect()
    }

    pub(crate) async fn keys(&self) -> Vec<String> {
        let sessions = self.store.sessions(0, 1000).await.unwrap();
        let mut keys: Vec<String> = sessions
            .into_iter()
            .map(|session| session.key.to_string())
            .collect();
        keys.sort();
        keys
    }
}

pub(crate) fn is_state(event: &SessionEvent, name: &str) -> bool {
    matches!(&event.kind, SessionEventKind::StateChanged { key, .. } if key == name)
}

/// A home that a test writes.
pub(crate) struct Written(TempDir);

impl Written {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn session(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        self.file(&format!("agents/main/sessions/{name}"), text)
    }
}

/// A recorded home, copied so that nothing that a test does can reach the recording.
pub(crate) fn recorded(name: &str) -> Option<Written> {
    let source = shared_dir().map(|dir| dir.join("compat").join(name));
    let Some(source) = source.filter(|source| source.is_dir()) else {
        skip_note(
            name,
            "no recordings in ../shared/compat, and OPENCLAW_SHARED has none",
        );
        return None;
    };
    let home = Written::new();
    copy(&source, home.path());
    Some(home)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::write(target, fs::read(&path).unwrap()).unwrap();
        }
    }
}

/// Every file below a folder with the hash of its bytes.
pub(crate) fn hashes(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(hashes(&path));
        } else {
            let hash = format!("{:x}", Sha256::digest(fs::read(&path).unwrap()));
            found.push((path, hash));
        }
    }
    found.sort();
    found
}

/// The lines of a file.
pub(crate) fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(str::to_owned).collect()
}
