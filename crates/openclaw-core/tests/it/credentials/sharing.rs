//! Several handles and processes with one store.

use openclaw_core::credentials::{CredentialError, CredentialStore, RecordState};

use super::process::Job;
use super::{PASSWORD, folder_in, key, secret};

const PUTS: u32 = 100;

#[test]
fn two_processes_that_put_at_the_same_time_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = folder_in(&dir);
    let seen = CredentialStore::open(&path, PASSWORD).unwrap();
    let processes = ["one", "two"].map(|name| {
        let job = Job {
            path: path.clone(),
            name: name.to_owned(),
            puts: PUTS,
            mask: None,
        };
        job.start()
    });
    for mut process in processes {
        // In the middle of the others' changes a record is what it was or what it will be.
        while process.try_wait().unwrap().is_none() {
            match seen.get("shared") {
                Ok(value) => assert!(value.len() > 4),
                Err(err) => assert!(matches!(err, CredentialError::NoSuchRecord(_)), "{err}"),
            }
            let list = seen.list().unwrap();
            assert!(list.iter().all(|record| record.state == RecordState::Ok));
        }
        assert!(process.wait().unwrap().success());
    }
    // The handle that was open all the time, and one that is new.
    for store in [seen, CredentialStore::open(&path, PASSWORD).unwrap()] {
        for name in ["one", "two"] {
            for n in 0..PUTS {
                let name = format!("{name}-{n}");
                assert_eq!(secret(&store, &name), name);
            }
        }
        let last = secret(&store, "shared");
        assert!(last.ends_with("-99"), "{last}");
        let list = store.list().unwrap();
        assert_eq!(list.len(), 2 * usize::try_from(PUTS).unwrap() + 1);
        assert!(list.iter().all(|record| record.state == RecordState::Ok));
    }
}

#[test]
fn threads_with_one_handle_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = CredentialStore::open(folder_in(&dir), PASSWORD).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for n in 0..10 {
                    let name = format!("t{thread}-{n}");
                    store.put(&name, &key(&name)).unwrap();
                    assert_eq!(secret(store, &name), name);
                }
            });
        }
    });
    assert_eq!(store.list().unwrap().len(), 40);
}

#[test]
fn whoever_has_the_store_open_is_told_that_the_password_was_changed() {
    let dir = tempfile::tempdir().unwrap();
    let path = folder_in(&dir);
    let mut store = CredentialStore::open(&path, PASSWORD).unwrap();
    store.put("anthropic", &key("sk-ant")).unwrap();
    let mut other = CredentialStore::open(&path, PASSWORD).unwrap();
    let updated = |store: &CredentialStore| store.list().unwrap()[0].updated;
    let put_at = updated(&store);
    store.rotate("new password").unwrap();
    for refused in [
        other.get("anthropic").err(),
        other.put("anthropic", &key("lost")).err(),
        other.remove("anthropic").err(),
        other.list().err(),
        other.rotate("third").err(),
    ] {
        assert!(matches!(
            refused,
            Some(CredentialError::PasswordChanged { .. })
        ));
    }
    assert_eq!(secret(&store, "anthropic"), "sk-ant");
    store.put("openai", &key("sk-oai")).unwrap();
    let refused = CredentialStore::open(&path, PASSWORD);
    assert!(matches!(
        refused,
        Err(CredentialError::WrongPassword { .. })
    ));
    let store = CredentialStore::open(&path, "new password").unwrap();
    assert_eq!(secret(&store, "anthropic"), "sk-ant");
    assert_eq!(secret(&store, "openai"), "sk-oai");
    assert_eq!(updated(&store), put_at);
}
