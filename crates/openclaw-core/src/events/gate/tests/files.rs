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
