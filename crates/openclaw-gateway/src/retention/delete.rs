//! Deleting a session, with a copy of it in a file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use openclaw_core::events::{SessionSummary, StoreError};
use openclaw_core::state_dir::private_dir;
use openclaw_core::{Clock, EventStore, Kind, SessionEvent, SessionKey};

use super::export::{Export, ExportedFile, write_file};
use super::{RetentionError, blocking};

/// How much of a session's key is in the name of its copy.
const NAMED: usize = 100;

/// How many copies of sessions with alike keys may be made within a millisecond.
const SAME_NAME: u32 = 1000;

/// Where the copy of a deleted session goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyTo {
    /// Into this folder, under a name made of the session's key and the time.
    Folder(PathBuf),
    /// Into this file, which must not exist.
    File(PathBuf),
    /// There is none.
    Nowhere,
}

/// A session that is gone.
#[derive(Clone, Debug, PartialEq)]
pub struct Deleted {
    /// The copy of it.
    pub copy: Option<ExportedFile>,
    /// The entry of the audit stream that says so.
    pub tombstone: SessionEvent,
}

/// Copies a session and deletes it, unless it has grown since the caller looked at it.
///
/// When it is not deleted, no copy is left behind.
pub async fn delete(
    store: &EventStore,
    session: &SessionSummary,
    copy_to: &CopyTo,
    reason: &str,
    clock: &Clock,
) -> Result<Deleted, RetentionError> {
    let key = &session.key;
    if key.is_system() {
        return Err(StoreError::Reserved(key.clone()).into());
    }
    let copy = match copy_to {
        CopyTo::Nowhere => None,
        CopyTo::File(path) => {
            let export = begin(store, session).await?;
            Some(write_file(export, path, |_| {}).await?)
        }
        CopyTo::Folder(folder) => Some(archive(store, session, folder, clock).await?),
    };
    let file = copy.as_ref().map(|copy| copy.file.clone());
    match store.delete(key, Some(session.head), reason, file).await {
        Ok(tombstone) => Ok(Deleted { copy, tombstone }),
        Err(err) => {
            if let Some(copy) = copy.filter(|_| is_refusal(&err)) {
                let gone = blocking(move || fs::remove_file(&copy.file)).await;
                if let Err(err) = gone {
                    tracing::warn!(%err, "the copy of a session that was not deleted is left over");
                }
            }
            Err(err.into())
        }
    }
}

/// Tells whether the log said no, so that nothing is gone for certain.
const fn is_refusal(err: &StoreError) -> bool {
    matches!(
        err.kind(),
        Kind::Busy | Kind::Conflict | Kind::NotFound | Kind::Denied
    )
}

/// Begins a copy of what the caller has seen, and of nothing else.
async fn begin(store: &EventStore, session: &SessionSummary) -> Result<Export, RetentionError> {
    let export = Export::begin(store, &session.key).await?;
    let found = export.header().events;
    if found != session.head {
        return Err(RetentionError::Store(StoreError::HeadMoved {
            session: session.key.clone(),
            expected: session.head,
            found,
        }));
    }
    Ok(export)
}

async fn archive(
    store: &EventStore,
    session: &SessionSummary,
    folder: &Path,
    clock: &Clock,
) -> Result<ExportedFile, RetentionError> {
    let made = {
        let folder = folder.to_owned();
        blocking(move || private_dir(&folder)).await
    };
    made.map_err(|source| RetentionError::File {
        path: folder.to_owned(),
        source,
    })?;
    let time = clock.now().strftime("%Y%m%dT%H%M%S%.3fZ");
    let name = format!("{}-{time}", safe_name(&session.key));
    for n in 1..=SAME_NAME {
        let twin = if n == 1 {
            String::new()
        } else {
            format!("-{n}")
        };
        let path = folder.join(format!("{name}{twin}.jsonl"));
        match write_file(begin(store, session).await?, &path, |_| {}).await {
            Err(RetentionError::Exists(_)) => {}
            outcome => return outcome,
        }
    }
    Err(RetentionError::File {
        path: folder.join(name),
        source: io::ErrorKind::AlreadyExists.into(),
    })
}

/// Returns a file name that says whose copy it is; it cannot lead to another folder.
fn safe_name(key: &SessionKey) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    key.as_str()
        .chars()
        .map(|c| if safe(c) { c } else { '_' })
        .take(NAMED)
        .collect()
}

#[cfg(test)]
mod tests {
    use openclaw_core::SessionEventKind;

    use super::*;

    async fn begun(store: &EventStore) -> SessionSummary {
        let key = SessionKey::parse("agent:main:main").unwrap();
        let start = SessionEventKind::SessionStarted {
            channel: "rpc".into(),
            peer_id: "p".into(),
        };
        store.append(&key, vec![start.into()]).await.unwrap();
        store.session(&key).await.unwrap().unwrap()
    }

    fn copies(folder: &Path) -> Vec<String> {
        let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
        let mut names: Vec<String> = fs::read_dir(folder)
            .map(|entries| entries.map(|entry| name(entry.unwrap())).collect())
            .unwrap_or_default();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_session_that_has_grown_meanwhile_is_neither_copied_nor_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let store = EventStore::open(&dir.path().join("events.sqlite")).unwrap();
        let seen = begun(&store).await;
        let said = SessionEventKind::MessageReceived {
            content: "wait".into(),
            attachments: vec![],
        };
        store.append(&seen.key, vec![said.into()]).await.unwrap();
        let folder = dir.path().join("archive");
        let clock = Clock::system();
        for copy_to in [CopyTo::Folder(folder.clone()), CopyTo::Nowhere] {
            let err = delete(&store, &seen, &copy_to, "test", &clock).await;
            assert!(
                matches!(
                    err,
                    Err(RetentionError::Store(StoreError::HeadMoved {
                        found: 2,
                        ..
                    }))
                ),
                "{err:?}"
            );
        }
        assert_eq!(copies(&folder), [""; 0]);
        assert!(store.session(&seen.key).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn copies_of_the_same_moment_do_not_replace_one_another() {
        let dir = tempfile::tempdir().unwrap();
        let store = EventStore::open(&dir.path().join("events.sqlite")).unwrap();
        let folder = dir.path().join("archive");
        let copy_to = CopyTo::Folder(folder.clone());
        let clock = Clock::fixed("2026-11-23T02:42:10.123Z".parse().unwrap());
        for _ in 0..2 {
            let session = begun(&store).await;
            delete(&store, &session, &copy_to, "test", &clock)
                .await
                .unwrap();
        }
        assert_eq!(
            copies(&folder),
            [
                "agent_main_main-20261123T024210.123Z-2.jsonl",
                "agent_main_main-20261123T024210.123Z.jsonl"
            ]
        );
    }

    #[test]
    fn the_name_of_a_copy_stays_in_its_folder() {
        let name = |key: &str| safe_name(&SessionKey::parse(key).unwrap());
        assert_eq!(name("agent:main:main"), "agent_main_main");
        assert_eq!(
            name("agent:main:x:direct:../../é\\"),
            "agent_main_x_direct_.._..___"
        );
        assert_eq!(
            name(&format!("agent:main:{}", "x".repeat(900))).len(),
            NAMED
        );
    }
}
