//! File access beneath one folder.

use std::{fs, path::Path};

use openclaw_core::Kind;
use openclaw_sandbox::{Entry, EntryKind, FileError, Listing, Workspace};

use crate::bench::Bench;

async fn open(bench: &Bench) -> Workspace {
    Workspace::open(&bench.workspace).await.unwrap()
}

fn said(result: Result<impl Sized, FileError>) -> (Kind, String) {
    let err = result.err().unwrap();
    (err.kind(), err.to_string())
}

#[tokio::test]
async fn reads_what_it_wrote_by_relative_and_absolute_path() {
    let bench = Bench::new();
    let workspace = open(&bench).await;
    workspace.write("deep/er/file", "one").await.unwrap();
    let absolute = workspace.root().join("deep/er/file");
    assert_eq!(workspace.read(&absolute, 3).await.unwrap(), b"one");
    workspace.write(&absolute, "two!").await.unwrap();
    assert_eq!(
        workspace.read("./deep/../deep/er/file", 10).await.unwrap(),
        b"two!"
    );
    // Nothing but the file is left of the writing.
    assert_eq!(workspace.list("deep/er", 9).await.unwrap().entries.len(), 1);
}

#[tokio::test]
async fn refuses_every_way_out() {
    let bench = Bench::new();
    fs::write(bench.outside.join("secret"), "secret").unwrap();
    fs::create_dir(bench.workspace.join("d")).unwrap();
    #[cfg(unix)]
    for (target, link) in [("secret", "file"), ("", "dir"), ("new", "dangling")] {
        let target = bench.outside.join(target);
        std::os::unix::fs::symlink(target, bench.workspace.join(link)).unwrap();
    }
    let workspace = open(&bench).await;
    let root = workspace.root().display();
    for path in [
        "../outside/secret",
        "d/../../outside/secret",
        "/etc/passwd",
        "/",
        "..",
        &format!("{root}/../outside/secret"),
        &format!("{root}-other"),
        #[cfg(unix)]
        "file",
        #[cfg(unix)]
        "dir/secret",
        #[cfg(unix)]
        "dir/new",
    ] {
        let refusal = (
            Kind::Denied,
            format!("`{path}` leads out of the workspace `{root}`"),
        );
        assert_eq!(said(workspace.read(path, 99).await), refusal);
        assert_eq!(said(workspace.write(path, "x").await), refusal);
        assert_eq!(said(workspace.list(path, 9).await), refusal);
    }
    for path in ["../new", "/new", "dir/new", "dangling/new"] {
        assert!(workspace.create_directories(path).await.is_err(), "{path}");
        assert!(workspace.write(path, "x").await.is_err(), "{path}");
    }
    assert!(workspace.write("dangling", "x").await.is_err());
    assert_eq!(
        fs::read_to_string(bench.outside.join("secret")).unwrap(),
        "secret"
    );
    assert_eq!(fs::read_dir(&bench.outside).unwrap().count(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn follows_symlinks_that_stay_inside_and_keeps_permissions() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let bench = Bench::new();
    let script = bench.workspace.join("script");
    fs::write(&script, "old").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o4750)).unwrap();
    symlink("script", bench.workspace.join("link")).unwrap();
    let workspace = open(&bench).await;

    workspace.write("link", "new").await.unwrap();
    assert_eq!(workspace.read("link", 3).await.unwrap(), b"new");
    assert_eq!(fs::read_to_string(&script).unwrap(), "new");
    assert_eq!(
        fs::metadata(&script).unwrap().permissions().mode() & 0o7777,
        0o750
    );
    assert!(
        fs::symlink_metadata(bench.workspace.join("link"))
            .unwrap()
            .is_symlink()
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn does_not_wait_for_pipes_or_touch_what_is_no_file() {
    use rustix::fs::{CWD, Mode, mkfifoat};

    let bench = Bench::new();
    let pipe = bench.workspace.join("pipe");
    mkfifoat(CWD, &pipe, Mode::from_raw_mode(0o600)).unwrap();
    fs::create_dir(bench.workspace.join("d")).unwrap();
    let workspace = open(&bench).await;
    for (path, found) in [
        ("pipe", "a device, a socket or a pipe"),
        ("d", "a directory"),
        (".", "a directory"),
    ] {
        let refusal = (
            Kind::Invalid,
            format!("`{path}` is not a regular file but {found}"),
        );
        assert_eq!(said(workspace.read(path, 9).await), refusal);
        assert_eq!(said(workspace.write(path, "x").await), refusal);
    }
}

#[tokio::test]
async fn says_what_is_missing_too_large_or_in_the_way() {
    let bench = Bench::new();
    let workspace = open(&bench).await;
    workspace.write("file", "12345").await.unwrap();
    assert_eq!(
        said(workspace.read("file", 4).await),
        (Kind::Limited, "`file` is longer than 4 bytes".into())
    );
    assert_eq!(
        said(workspace.read("no/such", 4).await),
        (Kind::NotFound, "`no/such` does not exist".into())
    );
    for result in [
        workspace.write("file/x", "").await,
        workspace.read("file/x", 9).await.map(drop),
        workspace.list("file", 9).await.map(drop),
    ] {
        assert_eq!(said(result).0, Kind::Invalid);
    }
    assert_eq!(said(workspace.read("a\0b", 4).await).0, Kind::Invalid);
    let gone = Workspace::open(bench.workspace.join("gone")).await;
    assert_eq!(said(gone).0, Kind::NotFound);
    let no_folder = Workspace::open(bench.workspace.join("file")).await;
    assert_eq!(said(no_folder).0, Kind::Invalid);
}

#[tokio::test]
async fn lists_by_name_up_to_a_limit() {
    let bench = Bench::new();
    let workspace = open(&bench).await;
    for name in ["b", "a", "c/x"] {
        workspace.write(name, name).await.unwrap();
    }
    workspace.create_directories("c/d/e").await.unwrap();
    workspace.create_directories("").await.unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("nowhere", bench.workspace.join("z")).unwrap();
    let entry = |name: &str, kind, size| Entry {
        name: name.into(),
        kind,
        size,
    };
    let all = [
        entry("a", EntryKind::File, 1),
        entry("b", EntryKind::File, 1),
        entry("c", EntryKind::Directory, 0),
        #[cfg(unix)]
        entry("z", EntryKind::Symlink, 0),
    ];
    let listing = |n: usize, truncated| Listing {
        entries: all.iter().take(n).cloned().collect(),
        truncated,
    };
    assert_eq!(workspace.list("", 9).await.unwrap(), listing(9, false));
    assert_eq!(
        workspace.list(&bench.workspace, 2).await.unwrap(),
        listing(2, true)
    );
    assert!(Path::new(workspace.root()).is_absolute());
}

#[tokio::test]
async fn writes_nothing_that_other_programs_act_upon() {
    let bench = Bench::new();
    for (path, content) in [
        (".git/config", "[core]\n hooksPath = hooks.d\n"),
        ("hooks.d/pre-commit", "good"),
        (".vscode/tasks.json", "good"),
        ("Makefile", "good"),
    ] {
        let path = bench.workspace.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    #[cfg(unix)]
    for (target, link) in [(".git", "repo"), (".vscode/tasks.json", "tasks")] {
        std::os::unix::fs::symlink(target, bench.workspace.join(link)).unwrap();
    }
    let workspace = open(&bench)
        .await
        .with_protected(["Makefile".into(), "deploy/keys".into()]);
    for path in [
        ".git/config",
        ".git/hooks/post-checkout",
        "sub/.git/config",
        "new/../.GIT/config",
        ".git",
        ".vscode/tasks.json",
        "packages/a/.vscode/new.json",
        ".envrc",
        ".bashrc",
        "hooks.d/pre-commit",
        "hooks.d/new",
        "Makefile",
        "deploy/keys/a",
        #[cfg(unix)]
        "repo/config",
        #[cfg(unix)]
        "repo/hooks/new",
        #[cfg(unix)]
        "tasks",
    ] {
        let (kind, said) = said(workspace.write(path, "evil").await);
        let refusal =
            format!("`{path}` is protected: a program outside the sandbox may run what it says");
        assert_eq!((kind, said), (Kind::Denied, refusal));
    }
    for path in [".claude/skills", "deploy/keys", "sub/.git/hooks"] {
        let refused = workspace.create_directories(path).await.unwrap_err();
        assert!(matches!(refused, FileError::Protected { .. }), "{refused}");
        assert!(refused.hint().is_some());
    }
    assert_eq!(
        workspace.read(".vscode/tasks.json", 9).await.unwrap(),
        b"good"
    );
    workspace.write("deploy/plan", "fine").await.unwrap();
    workspace.write(".gitignore", "fine").await.unwrap();
    for missing in [".claude", "sub", "new", "packages", ".envrc"] {
        assert!(!bench.workspace.join(missing).exists(), "{missing}");
    }
}

#[tokio::test]
async fn completes_no_repository_that_a_command_began() {
    let bench = Bench::new();
    for (path, content) in [
        ("HEAD", "ref: refs/heads/main\n"),
        ("nest/.git/config", "[include]\n path = ../more\n"),
        ("nest/more", "[core]\n hooksPath = hk\n"),
        ("nest/hk/pre-commit", "good"),
        ("other/.git/config", ""),
    ] {
        let path = bench.workspace.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let workspace = open(&bench).await;
    for path in [
        "HEAD",
        "head",
        "commondir",
        "objects/a",
        "./refs/heads/a",
        "nest/HEAD",
        "nest/commondir",
        "nest/more",
        "nest/hk/post-checkout",
    ] {
        let refused = workspace.write(path, "evil").await.unwrap_err();
        assert!(matches!(refused, FileError::Protected { .. }), "{path}");
    }
    for path in ["config", "src/HEAD", "src/refs/a", "other/objects/a"] {
        workspace.write(path, "fine").await.unwrap();
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn reads_files_and_no_tricks() {
    use std::os::unix::fs::symlink;

    let bench = Bench::new();
    for (target, link) in [
        ("/proc/self/environ", "environ"),
        ("/dev/zero", "zero"),
        ("/proc/self/fd/0", "input"),
    ] {
        symlink(target, bench.workspace.join(link)).unwrap();
    }
    let sparse = fs::File::create(bench.workspace.join("sparse")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    fs::write(bench.workspace.join("one"), "linked").unwrap();
    fs::hard_link(bench.workspace.join("one"), bench.workspace.join("two")).unwrap();
    let workspace = open(&bench).await;
    for link in ["environ", "zero", "input"] {
        assert_eq!(
            said(workspace.read(link, 99).await).0,
            Kind::Denied,
            "{link}"
        );
        assert_eq!(said(workspace.write(link, "x").await).0, Kind::Denied);
    }
    assert_eq!(said(workspace.read("sparse", 99).await).0, Kind::Limited);
    assert_eq!(workspace.read("two", 6).await.unwrap(), b"linked");
    // What is written gets a new file: the other name keeps what it has.
    workspace.write("two", "new").await.unwrap();
    assert_eq!(bench.read("one"), "linked");
}

#[tokio::test]
#[cfg(unix)]
async fn opens_exactly_the_folder_that_is_named_or_none() {
    let bench = Bench::new();
    let outside = bench.outside.canonicalize().unwrap();
    fs::write(outside.join("a"), "a").unwrap();
    let workspace = Workspace::open_exactly(&outside).await.unwrap();
    assert_eq!(workspace.read(outside.join("a"), 9).await.unwrap(), b"a");
    let link = bench.workspace.canonicalize().unwrap().join("link");
    std::os::unix::fs::symlink(&outside, &link).unwrap();
    fs::create_dir(outside.join("inner")).unwrap();
    for path in [link.clone(), link.join("inner")] {
        let err = Workspace::open_exactly(path).await.unwrap_err();
        assert!(matches!(err, FileError::Outside { .. }), "{err:?}");
    }
}
