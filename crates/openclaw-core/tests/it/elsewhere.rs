//! The log in other files: exported sessions, backups, and files of an earlier version.

use openclaw_core::events::{
    BackupError, ImportError, ImportFailure, ImportFile, RawJson, StoreError, restore_backup,
    verify_backup,
};
use openclaw_core::{EventStore, SessionKey};

use crate::fixture::{Fixture, answer, key, message, started};

async fn exported(store: &EventStore, session: &SessionKey) -> Vec<String> {
    let header = store.export_header(session).await.unwrap();
    let mut lines = vec![serde_json::to_string(&header).unwrap()];
    lines.extend(store.export_lines(session, 1, header.events).await.unwrap());
    lines
}

fn read(lines: &[String]) -> Result<ImportFile, ImportError> {
    let mut file = ImportFile::begin(&lines[0])?;
    for line in &lines[1..] {
        file.push(line)?;
    }
    Ok(file)
}

/// A session with an odd foreign record, and a branch of it.
async fn log() -> (Fixture, SessionKey) {
    let fixture = Fixture::new();
    let mut odd = message("two");
    odd.raw = Some(RawJson::new("{\n  \"kept\" : 1.50\n}".into()).unwrap());
    fixture
        .store
        .append(&key("main"), vec![started(), odd, answer("three")])
        .await
        .unwrap();
    let branch = key("branch");
    fixture.store.fork(&key("main"), 2, &branch).await.unwrap();
    (fixture, branch)
}

#[tokio::test]
async fn an_exported_session_comes_back_with_the_hashes_that_it_had() {
    let (fixture, branch) = log().await;
    for session in [key("main"), branch] {
        let lines = exported(&fixture.store, &session).await;
        let other = Fixture::new();
        let made = other
            .store
            .import(read(&lines).unwrap(), &session)
            .await
            .unwrap();
        assert_eq!(u64::try_from(lines.len()).unwrap(), made.head + 1);
        assert_eq!(exported(&other.store, &session).await, lines);
        assert!(other.store.verify(|_, _| {}).await.unwrap().intact);
        let again = other.store.import(read(&lines).unwrap(), &session).await;
        assert!(
            matches!(
                again,
                Err(ImportFailure::Store(StoreError::SessionExists(_)))
            ),
            "{again:?}"
        );
    }
}

#[tokio::test]
async fn a_file_that_was_changed_or_cut_is_refused_at_its_line() {
    let (fixture, _) = log().await;
    let lines = exported(&fixture.store, &key("main")).await;
    let mut edited = lines.clone();
    edited[2] = edited[2].replace("two", "2");
    assert!(matches!(
        read(&edited),
        Err(ImportError::Changed { line: 3, seq: 2 })
    ));
    let mut missing = lines.clone();
    missing.remove(1);
    assert!(matches!(
        read(&missing),
        Err(ImportError::Changed { line: 2, .. })
    ));
    assert!(matches!(
        ImportFile::begin(&lines[1]),
        Err(ImportError::Header(_))
    ));
    let cut = read(&lines[..3]).unwrap();
    let refused = Fixture::new().store.import(cut, &key("x")).await;
    assert!(
        matches!(
            refused,
            Err(ImportFailure::File(ImportError::Short {
                found: 2,
                expected: 3
            }))
        ),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_backup_brings_the_log_back_and_what_was_there_is_kept() {
    let (fixture, branch) = log().await;
    let file = fixture.folder().join("backup.sqlite");
    let made = fixture.store.backup(&file).await.unwrap();
    assert!(made.report.intact, "{made:?}");
    let before = exported(&fixture.store, &branch).await;
    fixture
        .store
        .append(&branch, vec![answer("lost")])
        .await
        .unwrap();
    let path = fixture.path();
    let in_use = restore_backup(&file, &path).await;
    assert!(matches!(in_use, Err(BackupError::InUse(_))), "{in_use:?}");
    let again = fixture.store.backup(&file).await;
    assert!(matches!(again, Err(BackupError::Exists(_))), "{again:?}");
    let dir = fixture.closed();
    std::fs::write(&path, b"destroyed").unwrap();
    let (summary, kept) = restore_backup(&file, &path).await.unwrap();
    assert_eq!(summary.position, made.position);
    assert!(std::fs::read(kept.unwrap()).unwrap() == b"destroyed");
    let store = EventStore::open(&path).unwrap();
    assert_eq!(exported(&store, &branch).await, before);
    let report = store.verify(|_, _| {}).await.unwrap();
    assert!(report.intact, "{report:?}");
    drop(dir);
}

#[tokio::test]
async fn a_backup_that_was_changed_is_not_put_back() {
    let (fixture, _) = log().await;
    let file = fixture.folder().join("backup.sqlite");
    fixture.store.backup(&file).await.unwrap();
    rusqlite::Connection::open(&file)
        .unwrap()
        .execute("UPDATE events SET time_ms = 1 WHERE position = 2", [])
        .unwrap();
    assert!(!verify_backup(&file, |_, _| {}).unwrap().report.intact);
    let to = fixture.folder().join("other.sqlite");
    let refused = restore_backup(&file, &to).await;
    assert!(
        matches!(refused, Err(BackupError::Changed { .. })),
        "{refused:?}"
    );
    assert!(!to.exists());
    let no_backup = restore_backup(&fixture.path(), &to).await;
    assert!(
        matches!(no_backup, Err(BackupError::NoBackup(_))),
        "{no_backup:?}"
    );
}

#[tokio::test]
async fn a_log_of_the_first_version_is_taken_over_with_hashes_and_anchors() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.sqlite");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("first_version.sql"))
        .unwrap();
    drop(old);
    let store = EventStore::open(&path).unwrap();
    let events = store.read(&key("main"), 1..=u64::MAX).await.unwrap();
    assert_eq!(events.len(), 2);
    assert_ne!(events[0].hash, events[1].hash);
    store
        .append(&key("main"), vec![answer("on")])
        .await
        .unwrap();
    let report = store.verify(|_, _| {}).await.unwrap();
    assert_eq!((report.intact, report.events), (true, 3), "{report:?}");
}
