//! Whether the config file is what it was the last time that somebody looked.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use openclaw_core::events::{AuditEntry, SessionEvent, StoreError};
use openclaw_core::{EventStore, SessionKey};
use sha2::{Digest as _, Sha256};

/// How many entries are read at a time.
const PAGE: u64 = 512;
/// How far back an earlier entry is looked for; beyond that, it is written once more.
const SEARCHED: u64 = 8 * PAGE;

/// Puts on record which of a config's files are not what the last such entry of each says.
///
/// `by` says who noticed. A file that is missing counts as empty, and is not worth a first entry.
pub async fn record_config_changes(
    store: &EventStore,
    files: &[PathBuf],
    by: &str,
) -> Result<Vec<SessionEvent>, StoreError> {
    let mut changes = Vec::new();
    for file in files {
        changes.extend(record_config_change(store, file, by).await?);
    }
    Ok(changes)
}

async fn record_config_change(
    store: &EventStore,
    file: &Path,
    by: &str,
) -> Result<Option<SessionEvent>, StoreError> {
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let Some(text) = read(file.clone()).await else {
        return Ok(None);
    };
    let sha256 = format!("{:x}", Sha256::digest(text.as_deref().unwrap_or_default()));
    let unchanged = match last(store, &file).await? {
        Some(last) => last == sha256,
        None => text.is_none(),
    };
    if unchanged {
        return Ok(None);
    }
    let entry = AuditEntry::ConfigChanged {
        file,
        sha256,
        by: by.to_owned(),
    };
    store.audit(entry).await.map(Some)
}

/// Reads the file; the inner `None` is a file that is missing.
///
/// A file that cannot be read keeps the gateway from starting, so there is nothing to be said here.
async fn read(file: PathBuf) -> Option<Option<Vec<u8>>> {
    let read = tokio::task::spawn_blocking(move || match fs::read(file) {
        Ok(text) => Some(Some(text)),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Some(None),
        Err(_unreadable) => None,
    });
    read.await.ok().flatten()
}

/// Returns the hash that the last entry about a file has.
async fn last(store: &EventStore, wanted: &Path) -> Result<Option<String>, StoreError> {
    let audit = SessionKey::audit();
    let Some(stream) = store.session(&audit).await? else {
        return Ok(None);
    };
    let oldest = stream.head.saturating_sub(SEARCHED);
    let mut to = stream.head;
    while to > oldest {
        let from = to.saturating_sub(PAGE - 1).max(1);
        let events = store.read(&audit, from..=to).await?;
        let found = events
            .iter()
            .rev()
            .find_map(|event| match AuditEntry::of(event) {
                Some(AuditEntry::ConfigChanged { file, sha256, .. }) if file == wanted => {
                    Some(sha256)
                }
                _ => None,
            });
        if found.is_some() {
            return Ok(found);
        }
        to = from.saturating_sub(1);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn entries(store: &EventStore) -> Vec<AuditEntry> {
        let audit = SessionKey::audit();
        let events = store.read(&audit, 1..=u64::MAX).await.unwrap_or_default();
        events.iter().filter_map(AuditEntry::of).collect()
    }

    #[tokio::test]
    async fn a_change_is_put_on_record_once() {
        let dir = tempfile::tempdir().unwrap();
        let store = EventStore::open(&dir.path().join("events.sqlite")).unwrap();
        let file = dir.path().join("openclaw.json");
        let look = || record_config_change(&store, &file, "test");
        assert_eq!(look().await.unwrap(), None, "no file, and none before");

        fs::write(&file, "{}").unwrap();
        assert!(look().await.unwrap().is_some());
        assert_eq!(look().await.unwrap(), None);
        let expected = AuditEntry::ConfigChanged {
            file: file.clone(),
            // FIPS 180-4, of the two bytes `{}`.
            sha256: "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a".to_owned(),
            by: "test".to_owned(),
        };
        assert_eq!(entries(&store).await, [expected]);

        fs::remove_file(&file).unwrap();
        assert!(look().await.unwrap().is_some(), "it is gone");
        assert_eq!(look().await.unwrap(), None);
    }

    #[tokio::test]
    async fn an_entry_is_found_behind_many_others() {
        let dir = tempfile::tempdir().unwrap();
        let store = EventStore::open(&dir.path().join("events.sqlite")).unwrap();
        let file = dir.path().join("openclaw.json");
        fs::write(&file, "{}").unwrap();
        record_config_change(&store, &file, "test").await.unwrap();
        for n in 0..PAGE {
            let entry = AuditEntry::RateLimited {
                principal: "token".to_owned(),
                what: "calls".to_owned(),
                peer: None,
                count: n,
            };
            store.audit(entry).await.unwrap();
        }
        let again = record_config_change(&store, &file, "test").await.unwrap();
        assert_eq!(again, None);
    }
}
