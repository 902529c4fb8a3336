//! Changing several files at once, and going through a folder.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use openclaw_core::Kind;
use openclaw_sandbox::{
    Before, CancellationToken, Change, EntryKind, Found, Inside, Next, Visitor, WalkBounds,
    WalkEnd, Walked, Workspace,
};

use crate::bench::Bench;

async fn open(bench: &Bench) -> Workspace {
    Workspace::open(&bench.workspace).await.unwrap()
}

fn change(path: &str, before: Before, after: Option<&str>) -> Change {
    Change {
        path: path.into(),
        before,
        after: after.map(|text| text.as_bytes().to_vec()),
        like: None,
    }
}

fn names(bench: &Bench) -> Vec<String> {
    let entries = fs::read_dir(&bench.workspace).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn several_files_change_together() {
    let bench = Bench::new();
    let workspace = open(&bench).await;
    fs::write(bench.workspace.join("a"), "one").unwrap();
    fs::write(bench.workspace.join("b"), "two").unwrap();
    let changed = workspace
        .change(vec![
            change("a", Before::Exactly(b"one".to_vec()), Some("1")),
            change("./b", Before::Anything, None),
            change("new/c", Before::Nothing, Some("3")),
        ])
        .await
        .unwrap();
    let changed: Vec<_> = changed
        .into_iter()
        .map(|changed| (changed.path, changed.before))
        .collect();
    let path = PathBuf::from;
    assert_eq!(
        changed,
        [
            (path("a"), Some(3)),
            (path("b"), Some(3)),
            (path("new/c"), None)
        ]
    );
    assert_eq!(names(&bench), ["a", "new"]);
    assert_eq!(fs::read_to_string(bench.workspace.join("a")).unwrap(), "1");
    assert_eq!(
        fs::read_to_string(bench.workspace.join("new/c")).unwrap(),
        "3"
    );
}

#[tokio::test]
async fn what_is_not_as_expected_stops_all_of_it() {
    let bench = Bench::new();
    let workspace = open(&bench).await;
    fs::write(bench.workspace.join("a"), "one").unwrap();
    fs::create_dir(bench.workspace.join("dir")).unwrap();
    for (other, kind) in [
        (
            change("a", Before::Exactly(b"other".to_vec()), Some("1")),
            Kind::Conflict,
        ),
        (
            change("a", Before::Exactly(b"on".to_vec()), Some("1")),
            Kind::Conflict,
        ),
        (change("a", Before::Nothing, Some("1")), Kind::Conflict),
        (
            change("none", Before::Exactly(Vec::new()), Some("1")),
            Kind::Conflict,
        ),
        (change("none", Before::Anything, None), Kind::NotFound),
        (change("dir", Before::Anything, None), Kind::Invalid),
        (
            change("deep/er/new", Before::Nothing, Some("twice")),
            Kind::Conflict,
        ),
        (
            change(".git/config", Before::Anything, Some("x")),
            Kind::Denied,
        ),
        (change("../out", Before::Anything, Some("x")), Kind::Denied),
    ] {
        let path = other.path.clone();
        let first = change("deep/er/new", Before::Nothing, Some("x"));
        let err = workspace.change(vec![first, other]).await.unwrap_err();
        assert_eq!(err.kind(), kind, "{}: {err}", path.display());
        assert_eq!(names(&bench), ["a", "dir"], "{}", path.display());
    }
    assert_eq!(
        fs::read_to_string(bench.workspace.join("a")).unwrap(),
        "one"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn what_was_changed_is_put_back_when_the_last_one_fails() {
    use std::os::unix::fs::PermissionsExt as _;
    // Whoever may do everything is not stopped by permissions.
    if rustix::process::geteuid().is_root() {
        return;
    }
    let bench = Bench::new();
    let workspace = open(&bench).await;
    fs::write(bench.workspace.join("a"), "one").unwrap();
    let closed = bench.workspace.join("closed");
    fs::create_dir(&closed).unwrap();
    fs::write(closed.join("b"), "two").unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
    let changes = vec![
        change("a", Before::Anything, Some("1")),
        change("closed/b", Before::Anything, None),
    ];
    assert!(workspace.change(changes).await.is_err());
    assert_eq!(
        fs::read_to_string(bench.workspace.join("a")).unwrap(),
        "one"
    );
    assert_eq!(names(&bench), ["a", "closed"]);
}

#[tokio::test]
async fn of_two_changes_of_one_state_only_one_is_made() {
    let bench = Bench::new();
    let workspace = open(&bench).await;
    fs::write(bench.workspace.join("n"), "0").unwrap();
    let add = || async {
        loop {
            let old = workspace.read("n", 9).await.unwrap();
            let number: u32 = String::from_utf8(old.clone()).unwrap().parse().unwrap();
            let next = (number + 1).to_string();
            let change = change("n", Before::Exactly(old), Some(&next));
            if workspace.change(vec![change]).await.is_ok() {
                return;
            }
        }
    };
    tokio::join!(add(), add(), add(), add());
    assert_eq!(fs::read_to_string(bench.workspace.join("n")).unwrap(), "4");
}

/// Notes what it is shown.
#[derive(Debug, Default)]
struct Notes {
    seen: Vec<(String, EntryKind)>,
    open: usize,
    past: Option<&'static str>,
}

impl Visitor for Notes {
    fn enter(&mut self, folder: &Inside<'_>) {
        self.open += 1;
        assert_eq!(folder.open("a").is_ok(), folder.path.as_os_str().is_empty());
    }

    fn leave(&mut self) {
        self.open -= 1;
    }

    fn see(&mut self, found: &Found<'_>) -> Next {
        let path = found.path.display().to_string();
        assert_eq!(found.size().is_some(), found.kind == EntryKind::File);
        let next = if self.past == Some(path.as_str()) {
            Next::Past
        } else {
            Next::Into
        };
        self.seen.push((path, found.kind));
        next
    }
}

async fn walked(
    workspace: &Workspace,
    path: &str,
    past: Option<&'static str>,
    bounds: WalkBounds,
) -> Walked<Notes> {
    let notes = Notes {
        past,
        ..Notes::default()
    };
    workspace
        .walk(path, notes, bounds, CancellationToken::new())
        .await
        .unwrap()
}

#[cfg(unix)]
#[tokio::test]
async fn a_walk_shows_everything_once_and_follows_no_link() {
    let bench = Bench::new();
    let workspace = open(&bench).await;
    fs::write(bench.outside.join("secret"), "secret").unwrap();
    fs::create_dir_all(bench.workspace.join("b/deep")).unwrap();
    for name in ["a", "b/x", "b/deep/y"] {
        fs::write(bench.workspace.join(name), "text").unwrap();
    }
    std::os::unix::fs::symlink(&bench.outside, bench.workspace.join("out")).unwrap();
    std::os::unix::fs::symlink("..", bench.workspace.join("b/round")).unwrap();
    let whole = walked(&workspace, "", None, WalkBounds::default()).await;
    let seen: Vec<&str> = whole
        .visitor
        .seen
        .iter()
        .map(|(path, _)| path.as_str())
        .collect();
    assert_eq!(
        seen,
        ["a", "b", "b/deep", "b/deep/y", "b/round", "b/x", "out"]
    );
    assert_eq!((whole.end, whole.visitor.open), (WalkEnd::Whole, 0));
    let part = walked(&workspace, "", Some("b"), WalkBounds::default()).await;
    assert_eq!(part.visitor.seen.len(), 3);
    // A walk that begins at a file is over with it.
    let file = workspace
        .walk(
            "b/x",
            OneFile::default(),
            WalkBounds::default(),
            CancellationToken::new(),
        )
        .await
        .unwrap();
    assert_eq!(file.visitor.0, "text");
    let out = workspace.walk(
        "out",
        Notes::default(),
        WalkBounds::default(),
        CancellationToken::new(),
    );
    assert_eq!(out.await.unwrap_err().kind(), Kind::Denied);
}

/// Reads the file that it is shown.
#[derive(Default)]
struct OneFile(String);

impl Visitor for OneFile {
    fn see(&mut self, found: &Found<'_>) -> Next {
        self.0 = std::io::read_to_string(found.open().unwrap()).unwrap();
        Next::Into
    }
}

#[tokio::test]
async fn a_walk_ends_at_its_bounds_and_says_so() {
    let bench = Bench::new();
    let workspace = open(&bench).await;
    fs::create_dir_all(bench.workspace.join("1/2/3/4")).unwrap();
    fs::write(bench.workspace.join("a"), "").unwrap();
    let usual = WalkBounds::default();
    for (bounds, end) in [
        (WalkBounds { depth: 2, ..usual }, WalkEnd::TooDeep),
        (
            WalkBounds {
                entries: 1,
                ..usual
            },
            WalkEnd::TooMany,
        ),
        (
            WalkBounds {
                time: Duration::ZERO,
                ..usual
            },
            WalkEnd::TooLong,
        ),
    ] {
        assert_eq!(walked(&workspace, "", None, bounds).await.end, end);
    }
    let stop = CancellationToken::new();
    stop.cancel();
    let cancelled = workspace
        .walk("", Notes::default(), usual, stop)
        .await
        .unwrap();
    assert_eq!(cancelled.end, WalkEnd::Cancelled);
}
