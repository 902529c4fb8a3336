//! Files that carry a stranger's words.

use std::path::PathBuf;

use super::*;
use crate::provenance::{Mark, Source, Trust};

const WORKSPACE: &str = "/home/me/w";

pub(super) fn web() -> Mark {
    mark(Source::Web {
        host: "example.org".to_owned(),
    })
}

fn mark(source: Source) -> Mark {
    Mark {
        source,
        trust: Trust::Untrusted,
    }
}

impl Log {
    async fn write(&self, path: &str, marks: Vec<Mark>) {
        let change = Change::file_written(Path::new(WORKSPACE), Path::new(path), marks);
        self.record(change.to_event().unwrap()).await.unwrap();
    }

    async fn clear(&self, path: &str) {
        let change = Change::file_cleared(Path::new(WORKSPACE), Path::new(path));
        self.record(change.to_event().unwrap()).await.unwrap();
    }

    async fn written(&self) -> Vec<(PathBuf, Vec<Mark>)> {
        self.store.written(Path::new(WORKSPACE)).await.unwrap()
    }
}

fn named(path: &str, marks: &[Mark]) -> (PathBuf, Vec<Mark>) {
    (PathBuf::from(path), marks.to_vec())
}

#[tokio::test]
async fn a_file_collects_marks_until_it_is_cleared() {
    let log = Log::new().await;
    let command = || mark(Source::Command);
    log.write("notes/a.md", vec![web()]).await;
    log.write("/home/me/w/x/../notes/./a.md", vec![command(), web()])
        .await;
    let both = named("notes/a.md", &[web(), command()]);
    assert_eq!(log.written().await, [both]);
    let elsewhere = log.store.written(Path::new("/home/me/other"));
    assert_eq!(elsewhere.await.unwrap(), []);
    log.clear("/home/me/w/notes/a.md").await;
    assert_eq!(log.written().await, []);
}

#[tokio::test]
async fn a_folder_is_cleared_with_all_that_is_in_it() {
    let log = Log::new().await;
    for path in ["src", "src/deep/a", "src2", ""] {
        log.write(path, vec![web()]).await;
    }
    log.clear("src").await;
    let left = [named("", &[web()]), named("src2", &[web()])];
    assert_eq!(log.written().await, left);
    log.clear("").await;
    assert_eq!(log.written().await, []);
}

#[tokio::test]
async fn what_somebody_vouches_for_marks_no_file() {
    let log = Log::new().await;
    let vouched = Mark {
        source: Source::Principal,
        trust: Trust::Trusted,
    };
    log.write("a", vec![vouched]).await;
    assert_eq!(log.written().await, []);
}

#[tokio::test]
async fn a_file_with_a_secret_in_its_name_keeps_its_marks_and_not_the_secret() {
    let secret = "cnry-of-a-file-name-0123456789";
    learn_text(secret);
    let log = Log::new().await;
    log.write(secret, vec![web()]).await;
    assert_eq!(log.written().await, [named("[REDACTED]", &[web()])]);
    log.clear(secret).await;
    assert_eq!(log.written().await, []);
}

#[tokio::test]
async fn a_file_keeps_its_marks_when_the_session_goes_that_wrote_it() {
    let log = Log::new().await;
    log.write("a", vec![web()]).await;
    log.store
        .delete(&key(SESSION), None, "tests", None)
        .await
        .unwrap();
    assert_eq!(log.written().await, [named("a", &[web()])]);
}

#[tokio::test]
async fn a_mark_is_seen_in_every_workspace_that_has_the_file() {
    let log = Log::new().await;
    let at = async |workspace: &str| log.store.written(Path::new(workspace)).await.unwrap();
    let (outer, inner) = ("/home/me", "/home/me/w/sub");
    let change = |workspace: &str, path: &str| {
        Change::file_written(Path::new(workspace), Path::new(path), vec![web()])
    };
    for (workspace, path) in [(WORKSPACE, "sub/a.md"), (inner, "b.md"), (outer, "w2/c")] {
        let event = change(workspace, path).to_event().unwrap();
        log.record(event).await.unwrap();
    }
    let marked =
        |paths: &[&str]| -> Vec<_> { paths.iter().map(|path| named(path, &[web()])).collect() };
    assert_eq!(at(inner).await, marked(&["a.md", "b.md"]));
    assert_eq!(at(WORKSPACE).await, marked(&["sub/a.md", "sub/b.md"]));
    let all = marked(&["w/sub/a.md", "w/sub/b.md", "w2/c"]);
    assert_eq!(at(outer).await, all);
    assert_eq!(at("/").await.len(), 3);

    // A folder stands for what lies in it, whichever workspace knows it.
    log.write("sub", vec![web()]).await;
    assert_eq!(at("/home/me/w/sub/deep").await, marked(&[""]));
    assert_eq!(at("/home/me/w/subway").await, []);

    let cleared = Change::file_cleared(Path::new(outer), Path::new("w/sub"));
    log.record(cleared.to_event().unwrap()).await.unwrap();
    assert_eq!(at(outer).await, marked(&["w2/c"]));
}

#[tokio::test]
async fn what_a_process_watched_that_died_is_left_to_the_next_one() {
    let log = Log::new().await;
    let since = Timestamp::from_millisecond(1_000).unwrap();
    let other = EventStore::open(log.store.path()).unwrap();
    let watch = |store: &EventStore| store.watch(Path::new(WORKSPACE), since, vec![web()]);
    for (_, change) in [watch(&log.store).unwrap(), watch(&other).unwrap()] {
        log.record(change.to_event().unwrap()).await.unwrap();
    }
    assert_eq!(log.store.unsettled().await.unwrap(), []);
    drop(other);
    let unsettled = log.store.unsettled().await.unwrap();
    let [(open, Some(session))] = unsettled.as_slice() else {
        panic!("{unsettled:?}");
    };
    assert_eq!((open.since, open.marks.as_slice()), (since, &[web()][..]));
    assert_eq!(
        (open.workspace.as_path(), session),
        (Path::new(WORKSPACE), &key(SESSION))
    );
    log.record(open.settled().to_event().unwrap())
        .await
        .unwrap();
    assert_eq!(log.store.unsettled().await.unwrap(), []);
}
