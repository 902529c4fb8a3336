//! Repositories that are new after a run, and those without a working tree.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Stdio};

use openclaw_sandbox::{CancellationToken, Command, SandboxLevel::Strict};

use super::{changes, pipe, rename, repository, run, sandbox, tree, write};
use crate::bench::{Bench, text};

const WHO: &str = "export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a \
                   GIT_COMMITTER_EMAIL=a@b; ";

/// Makes a repository whose settings and hooks run programs.
const EVIL: &str = "git init -q . && git config user.name n && git config core.fsmonitor ./evil \
                    && git config alias.st '!evil' && echo evil >.git/hooks/post-checkout \
                    && echo x >f && git add f && git commit -qm one && ls -A .git/hooks | wc -l";

/// Says what settings a repository has, as git on the host sees them.
fn settings(bench: &Bench, folder: &str) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "the owner's git, outside of any sandbox"
    )]
    let listed = std::process::Command::new("git")
        .args(["config", "--local", "--list"])
        .current_dir(bench.workspace.join(folder))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    text(&listed.stdout).to_owned()
}

#[tokio::test]
async fn a_new_repository_in_an_older_one_keeps_nothing_that_runs_programs() {
    let bench = Bench::new();
    run(&bench, "git init -q .").await;
    let script = format!("{WHO} mkdir lib && cd lib && {EVIL}; cd ..; git add lib; git status -s");
    let output = run(&bench, &script).await;
    assert!(text(&output.stdout).ends_with("A  lib\n"), "{output:?}");
    let lib = settings(&bench, "lib");
    assert!(
        lib.contains("user.name=n") && lib.contains("core.bare=false"),
        "{lib}"
    );
    assert!(
        !lib.contains("fsmonitor") && !lib.contains("alias"),
        "{lib}"
    );
    let hooks = bench.workspace.join("lib/.git/hooks");
    assert!(!hooks.join("post-checkout").exists());
    // It goes on working.
    let again = format!("{WHO} cd lib && echo y >>f && git commit -qam two && git log --format=%s");
    assert_eq!(text(&run(&bench, &again).await.stdout), "two\none\n");
}

#[tokio::test]
async fn the_repository_of_a_new_submodule_is_looked_at_where_it_lies() {
    let bench = Bench::new();
    run(&bench, "git init -q .").await;
    let script = format!(
        "{WHO} mkdir lib && cd lib && {EVIL}; mkdir ../.git/modules; mv .git ../.git/modules/lib; \
         echo 'gitdir: ../.git/modules/lib' >.git; git status"
    );
    run(&bench, &script).await;
    let config = bench.read(".git/modules/lib/config");
    assert!(
        config.contains("name = n") && !config.contains("evil"),
        "{config}"
    );
    let hook = ".git/modules/lib/hooks/post-checkout";
    assert!(!bench.workspace.join(hook).exists());
}

#[tokio::test]
async fn a_new_repository_beside_others_is_the_commands_own() {
    let bench = Bench::new();
    let script = format!("{WHO} mkdir a && cd a && {EVIL}");
    run(&bench, &script).await;
    assert!(settings(&bench, "a").contains("core.fsmonitor=./evil"));
    // From the next command on it is protected like any other.
    run(&bench, "cd a && git config core.pager evil").await;
    assert!(!settings(&bench, "a").contains("pager"));
}

#[tokio::test]
async fn a_repository_that_appears_meanwhile_is_treated_the_same() {
    let bench = Bench::new();
    repository(&bench, ".git");
    pipe(&bench);
    let config = bench.config(Strict);
    let command = Command::shell("echo began; read line < go; echo '[x] y = z' >>new/.git/config");
    let stop = CancellationToken::new();
    let mut running = sandbox().launch(&config, &command, stop).await.unwrap();
    assert_eq!(running.next_output().await.unwrap().bytes, b"began\n");
    repository(&bench, "new/.git");
    fs::write(bench.workspace.join("go"), "go\n").unwrap();
    running.wait().await.unwrap();
    let config = bench.read("new/.git/config");
    assert_eq!(config, "[core]\n\trepositoryformatversion = 0\n");
}

#[tokio::test]
async fn repositories_without_a_working_tree_are_protected() {
    let bench = Bench::new();
    repository(&bench, "srv/repos.git");
    fs::remove_dir(bench.workspace.join("srv/repos.git/hooks")).unwrap();
    let before = tree(&bench.workspace);
    let paths = ["srv/repos.git/config", "srv/repos.git/hooks"];
    let renames = ["srv/repos.git", "srv"].map(rename).concat();
    run(&bench, &(paths.map(changes).concat() + &renames)).await;
    assert_eq!(tree(&bench.workspace), before);
    // It is known without what a command can take away.
    run(&bench, "cd srv/repos.git; rm -r HEAD refs").await;
    run(&bench, &changes("srv/repos.git/config")).await;
    let config = bench.read("srv/repos.git/config");
    assert_eq!(config, "[core]\n\trepositoryformatversion = 0\n");
    let mode = fs::metadata(bench.workspace.join("srv/repos.git/config")).unwrap();
    assert_ne!(mode.permissions().mode() & 0o777, 0o777);
}

#[tokio::test]
async fn what_is_older_is_protected_first_when_there_is_too_much() {
    let bench = Bench::new();
    write(&bench, "zz/yy/.vscode/tasks.json", "good");
    run(
        &bench,
        "for n in $(seq 520); do mkdir -p a$n/b/.vscode; done",
    )
    .await;
    run(&bench, "echo evil >zz/yy/.vscode/tasks.json").await;
    assert_eq!(bench.read("zz/yy/.vscode/tasks.json"), "good");
}

#[tokio::test]
async fn settings_of_mercurial_and_jujutsu_are_neither_made_nor_led_elsewhere() {
    let bench = Bench::new();
    write(&bench, ".hg/requires", "share-safe\n");
    write(&bench, ".jj/repo/store/type", "git");
    repository(&bench, ".jj/repo/store/git");
    let paths = [
        ".hg/hgrc",
        ".hg/hgrc-not-shared",
        ".jj/repo/config.toml",
        ".jj/workspace-config.toml",
        ".jj/repo/store/git/config",
    ];
    let script = paths.map(changes).concat() + "echo ../evil >.hg/sharedpath";
    run(&bench, &script).await;
    assert!(!bench.workspace.join(".hg/sharedpath").exists());
    for path in paths {
        assert!(!bench.read(path).contains("evil"), "{path}");
    }
    write(&bench, ".hg/sharedpath", "../other/.hg\n");
    write(&bench, "other/.hg/hgrc", "good");
    let script = [".hg/sharedpath", "other/.hg/hgrc"].map(changes).concat();
    run(&bench, &script).await;
    assert_eq!(bench.read(".hg/sharedpath"), "../other/.hg\n");
    assert_eq!(bench.read("other/.hg/hgrc"), "good");
}
