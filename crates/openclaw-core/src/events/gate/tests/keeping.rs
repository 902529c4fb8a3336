//! What becomes of requests and standing answers when sessions go, come from elsewhere, or are of
//! an older log, and when somebody changes the tables.

use rusqlite::Connection;

use super::*;
use crate::events::{ImportFile, Tampering, restore_backup, verify_backup};

/// What makes a log one of the version before there were these tables.
const OLDER: &str = "DROP TABLE approvals; DROP TABLE grants; DROP TABLE written;
     DROP TABLE watches;
     PRAGMA user_version = 4;";

fn execute(file: &Path, sql: &str) {
    Connection::open(file).unwrap().execute_batch(sql).unwrap();
}

async fn copy(from: &EventStore, to: &EventStore, session: &SessionKey) {
    let whole = key(SESSION);
    let header = from.export_header(&whole).await.unwrap();
    let mut file = ImportFile::begin(&serde_json::to_string(&header).unwrap()).unwrap();
    let lines = from.export_lines(&whole, 1, header.events);
    for line in lines.await.unwrap() {
        file.push(&line).unwrap();
    }
    to.import(file, session).await.unwrap();
}

#[tokio::test]
async fn requests_go_with_their_session_and_standing_answers_stay() {
    let log = Log::new().await;
    let (granted, _pending) = (log.ask("a", "ls").await, log.ask("b", "rm x").await);
    let decide = log.store.decide(&granted, Answer::AllowAlways, "owner");
    decide.await.unwrap();
    let whole = log.store.session(&key(SESSION)).await.unwrap().unwrap();
    let branch = key("agent:main:branch");
    log.store
        .fork(&key(SESSION), whole.head, &branch)
        .await
        .unwrap();
    log.store
        .delete(&key(SESSION), None, "tests", None)
        .await
        .unwrap();
    assert_eq!(log.pending().await, Vec::<String>::new());
    assert_eq!(log.store.approval(&granted).await.unwrap(), None);
    let pending = ApprovalId("b".to_owned());
    let gone = log.store.decide(&pending, Answer::Deny, "x");
    assert_eq!(gone.await.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(log.granted().await, [shape("ls").digest()]);
    let report = log.store.verify(|_, _| {}).await.unwrap();
    assert!(report.intact, "{report:?}");
}

#[tokio::test]
async fn what_is_imported_asks_nobody_and_grants_nothing() {
    let (here, there) = (Log::new().await, Log::new().await);
    let (granted, _pending) = (there.ask("a", "ls").await, there.ask("b", "ls").await);
    let decide = there.store.decide(&granted, Answer::AllowAlways, "x");
    decide.await.unwrap();
    let foreign = Change::file_written(Path::new("/w"), Path::new("f"), vec![files::web()]);
    there.record(foreign.to_event().unwrap()).await.unwrap();
    copy(&there.store, &here.store, &key("agent:main:copy")).await;
    let now = here.clock.now();
    let nothing = async |store: &EventStore| {
        assert_eq!(store.pending_approvals(now).await.unwrap(), []);
        assert_eq!(store.approval_history(9).await.unwrap(), []);
        assert_eq!(store.grants().await.unwrap(), []);
        assert_eq!(store.written(Path::new("/w")).await.unwrap(), []);
    };
    nothing(&here.store).await;
    let Log { dir, clock, store } = here;
    drop(store);
    execute(&dir.path().join("events.sqlite"), OLDER);
    nothing(&open(dir.path(), &clock)).await;
}

#[tokio::test]
async fn an_older_log_keeps_its_requests_and_files_and_asks_again_for_what_was_granted() {
    let log = Log::new().await;
    let (granted, _pending) = (log.ask("a", "ls").await, log.ask("b", "rm x").await);
    let decide = log.store.decide(&granted, Answer::AllowAlways, "owner");
    decide.await.unwrap();
    let written = Change::file_written(Path::new("/w"), Path::new("f"), vec![files::web()]);
    log.record(written.to_event().unwrap()).await.unwrap();
    let history = log.store.approval_history(9).await.unwrap();
    let Log { dir, clock, store } = log;
    drop(store);
    execute(&dir.path().join("events.sqlite"), OLDER);
    let store = open(dir.path(), &clock);
    let log = Log { dir, clock, store };
    assert_eq!(log.store.approval_history(9).await.unwrap(), history);
    assert_eq!(log.pending().await, ["b"]);
    assert_eq!(log.granted().await, Vec::<String>::new());
    let marked = log.store.written(Path::new("/w")).await.unwrap();
    assert_eq!(marked, [("f".into(), vec![files::web()])]);
}

#[tokio::test]
async fn a_backup_of_an_older_log_is_intact_and_can_be_put_back() {
    let log = Log::new().await;
    let asked = log.ask("a", "ls").await;
    let backup = log.dir.path().join("backup");
    log.store.backup(&backup).await.unwrap();
    execute(&backup, OLDER);
    assert!(verify_backup(&backup, |_, _| {}).unwrap().report.intact);
    let Log { dir, clock, store } = log;
    drop(store);
    let path = dir.path().join("events.sqlite");
    restore_backup(&backup, &path).await.unwrap();
    let store = open(dir.path(), &clock);
    assert!(store.approval(&asked).await.unwrap().is_some());
    assert!(store.verify(|_, _| {}).await.unwrap().intact);
}

#[tokio::test]
async fn a_standing_answer_that_nobody_gave_is_found() {
    let log = Log::new().await;
    for (id, answer) in [
        ("a", Answer::AllowAlways),
        ("b", Answer::AllowAlways),
        ("c", Answer::Deny),
    ] {
        let asked = log.ask(id, id).await;
        log.store.decide(&asked, answer, "owner").await.unwrap();
    }
    let digest = shape("b").digest();
    let withdraw = log.store.withdraw_grant(&digest, "owner");
    withdraw.await.unwrap();
    assert!(log.store.verify(|_, _| {}).await.unwrap().intact);
    for digest in [
        shape("b").digest(),
        shape("c").digest(),
        "anything".to_owned(),
    ] {
        let path = log.dir.path().join("events.sqlite");
        execute(
            &path,
            &format!("INSERT INTO grants VALUES ('{digest}', '{{}}', 'x', 0)"),
        );
        let report = log.store.verify(|_, _| {}).await.unwrap();
        let found: Vec<_> = report.findings.iter().map(|finding| finding.what).collect();
        assert_eq!(found, [Tampering::Grant]);
        execute(
            &path,
            &format!("DELETE FROM grants WHERE digest = '{digest}'"),
        );
    }
}
