//! What needs the inside of the store: headers made for the purpose, and ends at every step.

pub(super) mod fault;
mod header;
mod kill;
mod record;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::kdf::Kdf;
use super::{CredentialError, CredentialStore, RecordDamage, RecordState};
use crate::secrets::ApiKey;

/// The least that is accepted: these tests unlock very often.
pub(super) const CHEAP: Kdf = Kdf {
    memory_kib: 8 * 1024,
    passes: 1,
    lanes: 1,
};
pub(super) const PASSWORD: &str = "correct horse";

pub(super) fn open(path: &Path, password: &str) -> Result<CredentialStore, CredentialError> {
    CredentialStore::open_with(path, password.into(), CHEAP)
}

pub(super) fn put(store: &CredentialStore, name: &str, secret: &str) {
    store.put(name, &ApiKey::new(secret.to_owned())).unwrap();
}

pub(super) fn get(store: &CredentialStore, name: &str) -> String {
    store.get(name).unwrap().expose_secret().to_owned()
}

/// Returns what is wrong with a record, and checks that the list says the same.
pub(super) fn damage(store: &CredentialStore, name: &str) -> RecordDamage {
    let Err(CredentialError::Record {
        name: named,
        damage,
    }) = store.get(name)
    else {
        panic!("`{name}` should be damaged");
    };
    assert_eq!(named, name);
    let list = store.list().unwrap();
    let record = list.iter().find(|record| record.name == name).unwrap();
    assert_eq!(record.state, RecordState::Damaged(damage.clone()));
    damage
}

/// A store with two records in a folder of its own.
pub(super) struct Home {
    dir: TempDir,
    pub(super) store: CredentialStore,
}

impl Home {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = open(&dir.path().join("credentials"), PASSWORD).unwrap();
        put(&store, "anthropic", "sk-ant-one");
        put(&store, "openai", "sk-oai-one");
        Self { dir, store }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.dir.path().join("credentials")
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(super) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.file(name)).unwrap()
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.file(name), bytes).unwrap();
    }
}

/// Returns the names in a folder, in order.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
