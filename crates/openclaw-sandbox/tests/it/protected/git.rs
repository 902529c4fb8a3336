//! What git acts upon.

use std::{fs, os::unix::fs::symlink, path::Path};

use super::{changes, rename, repository, run, tree, write};
use crate::bench::{Bench, text};

#[tokio::test]
async fn git_works_in_a_repository_that_was_there_and_in_one_that_it_makes() {
    let bench = Bench::new();
    let work = "export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a \
                GIT_COMMITTER_EMAIL=a@b; echo x >> f && git add f && git commit -qm one && \
                git checkout -qb br$1 && git branch -d br$1 2>/dev/null; git log --oneline | wc -l";
    let fresh = format!("git init -q . && git config user.name n && {work}");
    assert_eq!(text(&run(&bench, &fresh).await.stdout), "1\n");
    let config = bench.read(".git/config");
    let again = format!("git config user.name evil; {work}");
    let output = run(&bench, &again).await;
    assert_eq!(text(&output.stdout), "2\n", "{output:?}");
    assert_eq!(bench.read(".git/config"), config);
}

#[tokio::test]
async fn protects_repositories_of_submodules_and_worktrees() {
    let bench = Bench::new();
    repository(&bench, ".git");
    repository(&bench, ".git/modules/lib/sub");
    write(&bench, "lib/.git", "gitdir: ../.git/modules/lib/sub\n");
    write(&bench, ".git/worktrees/w/HEAD", "ref: refs/heads/w\n");
    write(&bench, ".git/worktrees/w/commondir", "../..\n");
    write(&bench, "w/.git", "gitdir: ../.git/worktrees/w\n");
    repository(&bench, "bare");
    write(&bench, "bare/worktrees/v/HEAD", "ref: refs/heads/v\n");
    write(&bench, "bare/worktrees/v/commondir", "../..\n");
    write(&bench, "v/.git", "gitdir: ../bare/worktrees/v\n");
    let before = tree(&bench.workspace);
    let mut script = String::new();
    for path in [
        "lib/.git",
        "w/.git",
        ".git/modules/lib/sub/config",
        ".git/modules/lib/sub/hooks",
        ".git/worktrees/w/commondir",
        "bare/config",
        "bare/hooks",
        "bare/worktrees/v/commondir",
    ] {
        script += &changes(path);
    }
    for path in [
        ".git/modules",
        ".git/modules/lib",
        ".git/worktrees/w",
        "bare",
        "lib",
    ] {
        script += &rename(path);
    }
    run(&bench, &script).await;
    assert_eq!(tree(&bench.workspace), before);
}

#[tokio::test]
async fn protects_what_the_settings_of_git_name() {
    let bench = Bench::new();
    repository(&bench, ".git");
    write(
        &bench,
        ".git/config",
        "[core]\n\thooksPath = .husky/_\n[include]\n\tpath = ../.shared\n\
         [extensions]\n\tworktreeConfig = true\n",
    );
    write(&bench, ".husky/pre-commit", "good");
    write(&bench, ".shared", "good");
    write(&bench, "scripts/hook", "good");
    let hook = bench.workspace.join(".git/hooks/post-merge");
    symlink("../../scripts/hook", hook).unwrap();
    // An empty file says the same as none, and can be mounted over.
    write(&bench, ".git/config.worktree", "");
    let before = tree(&bench.workspace);
    fs::remove_file(bench.workspace.join(".git/config.worktree")).unwrap();
    let script = [
        ".husky/pre-commit",
        ".husky",
        ".shared",
        "scripts/hook",
        ".git/config.worktree",
    ]
    .map(changes)
    .concat()
        + &rename("scripts");
    run(&bench, &script).await;
    assert_eq!(tree(&bench.workspace), before);
}

#[tokio::test]
async fn a_file_that_leads_git_elsewhere_is_removed_in_the_end_and_before_the_next_run() {
    let bench = Bench::new();
    repository(&bench, ".git");
    repository(&bench, "sub/.git");
    let before = tree(&bench.workspace);
    let evil = "echo ../evil > .git/commondir; echo ../evil > sub/.git/commondir; \
                echo broken > .git/HEAD; echo 'ref: refs/heads/x' > HEAD; mkdir objects refs";
    run(&bench, evil).await;
    let mut after = tree(&bench.workspace);
    assert!(!after.contains_key(Path::new("HEAD")));
    for made in ["objects", "refs"] {
        drop(after.remove(Path::new(made)));
    }
    after.insert(".git/HEAD".into(), "ref: refs/heads/main\n".into());
    assert_eq!(after, before);

    write(&bench, "HEAD", "ref: refs/heads/x\n");
    write(&bench, ".git/commondir", "../evil\n");
    let output = run(&bench, "ls -A .git; ls HEAD").await;
    assert_eq!(
        text(&output.stdout),
        "HEAD\nconfig\nhooks\nobjects\nrefs\n",
        "{output:?}"
    );
    // A file of that name which says nothing to git is the owner's.
    write(&bench, "HEAD", "of the department\n");
    run(&bench, "true").await;
    assert!(bench.workspace.join("HEAD").exists());
    run(&bench, "echo 'ref: refs/heads/x' > HEAD").await;
    assert!(!bench.workspace.join("HEAD").exists());
}

#[tokio::test]
async fn looks_at_repositories_of_many_folders_down() {
    let bench = Bench::new();
    let protected = [
        "a/b/c/d/e/f/g/h/.git",
        "node_modules/@s/d/.git",
        "target/d/.git",
    ];
    let deeper = ["1/2/3/4/5/6/7/8/9/.git", "node_modules/d/e/.git"];
    for git in protected.iter().chain(&deeper) {
        repository(&bench, git);
    }
    let before = tree(&bench.workspace);
    let configs = protected.map(|git| changes(&format!("{git}/config")));
    let renames = ["a", "a/b", "a/b/c", "a/b/c/d/e/f/g/h/.git", "node_modules"].map(rename);
    run(&bench, &(configs.concat() + &renames.concat())).await;
    assert_eq!(tree(&bench.workspace), before);
    for git in deeper {
        run(&bench, &format!("echo > {git}/config")).await;
        assert_eq!(bench.read(format!("{git}/config")), "\n");
    }
    let workspaces = [bench.workspace.clone()];
    let left_out = openclaw_sandbox::protection_left_out(&workspaces).unwrap();
    assert_eq!(left_out, [bench.workspace.join("1/2/3/4/5/6/7/8/9")]);
}
