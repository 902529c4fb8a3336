//! The credential store at its boundary: real folders, full cost, other processes.

mod folder;
mod legacy;
mod process;
mod sharing;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use openclaw_core::credentials::{CredentialError, CredentialStore};
use openclaw_core::{ApiKey, Clock};

const PASSWORD: &str = "correct horse battery staple";

fn key(text: &str) -> ApiKey {
    ApiKey::new(text.to_owned())
}

fn secret(store: &CredentialStore, name: &str) -> String {
    store.get(name).unwrap().expose_secret().to_owned()
}

fn folder_in(dir: &tempfile::TempDir) -> PathBuf {
    dir.path().join("credentials")
}

/// Returns the bytes of every file in a folder and below it.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), std::fs::read(path).unwrap());
        }
    }
    found
}

#[test]
fn what_was_put_is_there_for_the_next_process_with_the_password_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = folder_in(&dir);
    assert!(!CredentialStore::exists(&path));
    let before = Clock::system().now();
    let store = CredentialStore::open(&path, &key(PASSWORD)).unwrap();
    store.put("anthropic", &key("sk-ant-one")).unwrap();
    store.put("anthropic", &key("sk-ant-two")).unwrap();
    store.put("openai", &key("sk-oai")).unwrap();
    assert!(store.remove("openai").unwrap());
    assert!(!format!("{store:?} {:?}", store.get("anthropic")).contains("sk-"));
    drop(store);

    assert!(CredentialStore::exists(&path));
    let refused = CredentialStore::open(&path, "wrong");
    assert!(matches!(
        refused,
        Err(CredentialError::WrongPassword { .. })
    ));
    let store = CredentialStore::open(&path, &PASSWORD.to_owned()).unwrap();
    assert_eq!(secret(&store, "anthropic"), "sk-ant-two");
    assert!(matches!(
        store.get("openai"),
        Err(CredentialError::NoSuchRecord(name)) if name == "openai"
    ));
    let list = store.list().unwrap();
    assert_eq!(list.len(), 1);
    assert!(list[0].updated.unwrap() >= before);
}

#[test]
fn a_store_can_be_shared_by_threads() {
    const fn shared<T: Send + Sync>() {}
    shared::<CredentialStore>();
}

#[test]
fn no_error_shows_a_secret() {
    let dir = tempfile::tempdir().unwrap();
    let path = folder_in(&dir);
    let store = CredentialStore::open(&path, "password-canary").unwrap();
    store.put("a", &key("secret-canary")).unwrap();
    std::fs::write(path.join("a.enc"), "x").unwrap();
    // A secret in the place of a name is a slip that happens.
    let errors = [
        store.get("a").unwrap_err(),
        store.put("a", &key("secret-canary")).unwrap_err(),
        store.get("sk-ant-Secret-canary").unwrap_err(),
        CredentialStore::open(&path, "wrong-canary").unwrap_err(),
    ];
    for err in errors {
        let shown = format!("{err} {err:?}");
        assert!(!shown.contains("canary"), "{shown}");
    }
}
