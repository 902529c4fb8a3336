//! What programs of the owner act upon cannot be changed from inside, and the host sees nothing of
//! the means.

mod bypasses;
mod fresh;
mod git;
mod relics;
mod shared;
mod shown;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::{
        fs::{PermissionsExt as _, symlink},
        net::UnixListener,
    },
    path::{Path, PathBuf},
};

use openclaw_core::Kind;
use openclaw_sandbox::{
    Command, Output, Sandbox, SandboxConfig, SandboxError,
    SandboxLevel::{None as Unconfined, Relaxed, Strict},
    Status,
};

use crate::bench::{Bench, text};

/// The names that stand in no workspace of these tests, and that no command may make.
const CLOSED: [&str; 7] = [
    ".openclaw",
    ".vscode",
    ".idea",
    ".cursor",
    ".claude",
    ".mcp.json",
    ".envrc",
];

fn sandbox() -> Sandbox {
    Sandbox::from_environment().with_init(env!("CARGO_BIN_EXE_openclaw-sandbox-init"))
}

/// Runs a script that goes on after what fails.
async fn run(bench: &Bench, script: &str) -> Output {
    let config = bench.config(Strict);
    let output = sandbox().execute(&config, &Command::shell(script)).await;
    output.unwrap()
}

async fn refusal(bench: &Bench, sandbox: &Sandbox) -> SandboxError {
    let config = bench.config(Strict);
    let command = Command::shell("touch ran");
    let err = sandbox.execute(&config, &command).await.unwrap_err();
    assert_eq!(err.kind(), Kind::Denied);
    assert!(err.hint().is_some());
    assert!(!bench.workspace.join("ran").exists());
    err
}

fn write(bench: &Bench, path: &str, content: &str) {
    let path = bench.workspace.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// A repository as `git init` makes it, as far as it matters here.
fn repository(bench: &Bench, git: &str) {
    write(bench, &format!("{git}/HEAD"), "ref: refs/heads/main\n");
    write(
        bench,
        &format!("{git}/config"),
        "[core]\n\trepositoryformatversion = 0\n",
    );
    for folder in ["hooks", "objects", "refs/heads"] {
        fs::create_dir_all(bench.workspace.join(git).join(folder)).unwrap();
    }
}

/// Makes the pipe `go`, by which a command waits for the test.
fn pipe(bench: &Bench) {
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, bench.workspace.join("go"), mode).unwrap();
}

/// Everything beneath a folder: files with their content, folders with their mode.
fn tree(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(here) = waiting.pop() {
        for entry in fs::read_dir(here).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let what = if metadata.is_dir() {
                waiting.push(path.clone());
                format!("{:o}", metadata.permissions().mode())
            } else if metadata.is_symlink() {
                format!("-> {}", fs::read_link(&path).unwrap().display())
            } else if metadata.is_file() {
                fs::read_to_string(&path).unwrap_or_default()
            } else {
                String::new()
            };
            found.insert(path.strip_prefix(folder).unwrap().to_path_buf(), what);
        }
    }
    found
}

/// Every way to change what lies at a path, or to put something else there.
fn changes(path: &str) -> String {
    format!(
        "echo evil > {path}; echo evil >> {path}; mkdir -p {path}; echo evil > {path}/evil; \
         rm -rf {path}; mv {path} gone; echo evil > other; mv other {path}; mkdir folder; \
         mv -T folder {path}; ln -s /tmp {path}; ln {path} linked && echo evil > linked; \
         chmod 777 {path}; python3 -c 'import os; os.truncate(\"{path}\", 0)'; \
         rm -rf other folder gone linked\n"
    )
}

/// To rename a folder. `mv` would copy it and remove what may be removed.
fn rename(path: &str) -> String {
    format!("python3 -c 'import os; os.rename(\"{path}\", \"moved\")'\n")
}

#[tokio::test]
async fn what_exists_stays_as_it_is() {
    let bench = Bench::new();
    repository(&bench, ".git");
    let files = [
        ".git/config",
        ".git/hooks/pre-commit",
        ".vscode/tasks.json",
        ".envrc",
        ".bashrc",
        ".devcontainer/devcontainer.json",
        "deep/er/.claude/settings.json",
        ".hg/hgrc",
        ".hg/hgrc-not-shared",
    ];
    for file in files {
        write(&bench, file, "good\n");
    }
    for level in [Relaxed, Strict] {
        let before = tree(&bench.workspace);
        let mut script = String::new();
        for path in files {
            script += &changes(path);
        }
        for path in [
            ".git",
            ".git/hooks",
            ".vscode",
            "deep",
            "deep/er/.claude",
            ".hg",
        ] {
            script += &rename(path);
        }
        script += "cat .git/hooks/pre-commit .envrc; touch .git/index";
        let config = bench.config(level);
        let output = sandbox().execute(&config, &Command::shell(&script)).await;
        assert_eq!(text(&output.unwrap().stdout), "good\ngood\n");
        fs::remove_file(bench.workspace.join(".git/index")).unwrap();
        assert_eq!(tree(&bench.workspace), before);
    }
}

#[tokio::test]
async fn what_does_not_exist_is_not_made_and_nothing_is_left_of_the_means() {
    let bench = Bench::new();
    repository(&bench, ".git");
    fs::remove_dir(bench.workspace.join(".git/hooks")).unwrap();
    let before = tree(&bench.workspace);
    let mut script = String::new();
    for path in CLOSED.iter().chain(&[".git/hooks"]) {
        script += &changes(path);
    }
    script += "ls -A .vscode | wc -l; echo done > made";
    let output = run(&bench, &script).await;
    assert_eq!(text(&output.stdout), "0\n", "{output:?}");
    assert_eq!(bench.read("made"), "done\n");
    fs::remove_file(bench.workspace.join("made")).unwrap();
    assert_eq!(tree(&bench.workspace), before);
}

#[tokio::test]
async fn without_a_sandbox_nothing_is_protected() {
    let bench = Bench::new();
    let config = bench.config(Unconfined);
    let command = Command::shell("mkdir .vscode && echo made > .vscode/tasks.json");
    let output = sandbox().execute(&config, &command).await.unwrap();
    assert_eq!(output.status, Status::Exited(0));
    assert_eq!(bench.read(".vscode/tasks.json"), "made\n");
}

#[tokio::test]
async fn refuses_a_protected_path_that_is_a_symlink() {
    for (link, target) in [
        (".openclaw", "decoy"),
        (".git", "elsewhere"),
        (".envrc", "decoy/envrc"),
        ("sub/.git", "../decoy"),
        (".git/hooks", "../decoy"),
        (".git/modules", "../decoy"),
        ("keys", "decoy"),
        ("ops/keys", "../decoy"),
    ] {
        let bench = Bench::new();
        let place = bench.workspace.join(link);
        fs::create_dir(bench.workspace.join("decoy")).unwrap();
        if link.starts_with(".git/") {
            repository(&bench, ".git");
            drop(fs::remove_dir(&place));
        }
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        symlink(target, &place).unwrap();
        let sandbox = sandbox().with_protected(["keys/a", "ops/keys/a"].map(PathBuf::from));
        let err = refusal(&bench, &sandbox).await;
        let place = place.display();
        assert_eq!(
            err.to_string(),
            format!("`{place}` cannot be protected: it is a symlink")
        );
    }
}

#[tokio::test]
async fn the_owner_names_further_paths() {
    let bench = Bench::new();
    write(&bench, "Makefile", "good");
    fs::create_dir(bench.workspace.join("deploy")).unwrap();
    let before = tree(&bench.workspace);
    let paths = ["./Makefile", "deploy/keys", "missing/deep/down"];
    let own = sandbox().with_protected(paths.map(PathBuf::from));
    let script = paths.map(changes).concat() + &changes("missing") + "mv deploy d";
    let config = bench.config(Strict);
    own.execute(&config, &Command::shell(script)).await.unwrap();
    assert_eq!(tree(&bench.workspace), before);

    for path in ["../outside", "/etc", "", ".", "a/../../b"] {
        let err = refusal(&bench, &sandbox().with_protected([path.into()])).await;
        assert_eq!(
            err.to_string(),
            format!("`{path}` cannot be protected: it is no path within a workspace")
        );
    }
}

#[tokio::test]
async fn a_socket_of_the_host_cannot_be_reached_and_a_dead_one_can_be_removed() {
    let bench = Bench::new();
    fs::create_dir(bench.workspace.join("run")).unwrap();
    let path = bench.workspace.join("run/host.sock");
    let _listener = UnixListener::bind(&path).unwrap();
    drop(UnixListener::bind(bench.workspace.join("dead.sock")).unwrap());
    let script = "mv run r2; rm -f run/host.sock r2/host.sock; rm dead.sock; python3 -c '\n\
        import socket, os\n\
        for path in (\"run/host.sock\", \"r2/host.sock\"):\n\
        \x20   try: socket.socket(socket.AF_UNIX).connect(path); print(\"reached\")\n\
        \x20   except OSError as err: print(\"no\")\n'; mv r2 run";
    let output = run(&bench, script).await;
    assert_eq!(text(&output.stdout), "no\nno\n", "{output:?}");
    assert!(path.exists());
    assert!(!bench.workspace.join("dead.sock").exists());
}

#[tokio::test]
async fn a_workspace_that_is_exchanged_on_the_way_is_refused() {
    for exchange in [
        "rm -r $W && ln -s $O $W",
        "mv $W $W.old && mkdir $W",
        "rm -rf $W",
        "mv $W/.git $W/g2 && ln -s $O $W/.git",
        "mv $W/.git $W/g2 && cp -r $W/g2 $W/.git",
    ] {
        let bench = Bench::new();
        repository(&bench, ".git");
        fs::write(bench.outside.join("config"), "outside").unwrap();
        let tools = tempfile::tempdir().unwrap();
        let program = tools.path().join("bwrap");
        let script = format!(
            "#!/bin/sh\nPATH=/usr/local/bin:/usr/bin:/bin\nW='{}' O='{}'\n\
             case \"$*\" in *--args*) {exchange};; esac\nexec bwrap \"$@\"\n",
            bench.workspace.display(),
            bench.outside.display()
        );
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let sandbox = Sandbox::with_search_path(tools.path())
            .with_init(env!("CARGO_BIN_EXE_openclaw-sandbox-init"));
        let outside = tree(&bench.outside);
        let command = Command::shell("touch ran .git/ran");
        let config = bench.config(Strict);
        let err = sandbox.execute(&config, &command).await.unwrap_err();
        assert_eq!(err.kind(), Kind::Denied, "{exchange}: {err}");
        assert_eq!(tree(&bench.outside), outside, "{exchange}");
        assert!(!bench.workspace.join("ran").exists(), "{exchange}");
    }
}

#[tokio::test]
async fn nested_workspaces_are_each_protected() {
    let bench = Bench::new();
    repository(&bench, "inner/.git");
    repository(&bench, ".git");
    let before = tree(&bench.workspace);
    let config = SandboxConfig {
        allowed_paths: vec![bench.workspace.join("inner"), bench.workspace.clone()],
        ..bench.config(Strict)
    };
    let script = [
        "inner/.git/config",
        "inner/.vscode",
        ".git/config",
        ".vscode",
    ]
    .map(changes)
    .concat();
    let script = format!("cd ..; {script} mv inner i2");
    let output = sandbox().execute(&config, &Command::shell(script)).await;
    assert!(output.is_ok(), "{output:?}");
    assert_eq!(tree(&bench.workspace), before);
}
