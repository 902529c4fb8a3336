//! Ways around the protection that were found once.

use std::{fs, os::unix::fs::symlink};

use openclaw_sandbox::{SandboxConfig, SandboxLevel::Strict};

use super::{changes, refusal, rename, repository, run, sandbox, tree, write};
use crate::bench::{Bench, text};

#[tokio::test]
async fn a_head_that_is_no_text_makes_a_repository_too() {
    let bench = Bench::new();
    repository(&bench, ".git");
    let head = "mkdir -p objects refs; printf 'ref: refs/heads/x\\377\\n' > HEAD";
    run(&bench, head).await;
    assert!(!bench.workspace.join("HEAD").exists());
    // Its parts may be elsewhere, as this file says.
    let elsewhere = "rm -r objects refs; echo evil > commondir; echo 'ref: x' > HEAD";
    run(&bench, elsewhere).await;
    assert!(!bench.workspace.join("HEAD").exists());
    // What a killed run left goes before the next one.
    let parts = ["objects", "refs"].map(|part| bench.workspace.join(part));
    for part in parts.iter().filter(|part| !part.exists()) {
        fs::create_dir(part).unwrap();
    }
    fs::write(bench.workspace.join("HEAD"), b"ref: \xff").unwrap();
    let output = run(&bench, "ls HEAD commondir").await;
    assert_eq!(text(&output.stdout), "commondir\n", "{output:?}");
}

#[tokio::test]
async fn a_repository_without_its_head_is_protected() {
    let bench = Bench::new();
    for git in [".git", ".git/modules/s", ".git/modules/libs/deep/foo"] {
        repository(&bench, git);
        fs::remove_dir(bench.workspace.join(git).join("hooks")).unwrap();
    }
    let away = ".git/HEAD .git/modules/s/HEAD .git/modules/libs/deep/foo/HEAD";
    let decoy = "touch .git/modules/libs/HEAD";
    run(&bench, &format!("for h in {away}; do rm $h; done; {decoy}")).await;
    let hooks = "for g in .git .git/modules/s .git/modules/libs/deep/foo; do \
                 mkdir $g/hooks; echo evil > $g/hooks/a; echo evil >> $g/config; done";
    run(&bench, hooks).await;
    for git in [".git", ".git/modules/s", ".git/modules/libs/deep/foo"] {
        assert!(!bench.workspace.join(git).join("hooks").exists(), "{git}");
        let config = bench.read(format!("{git}/config"));
        assert!(!config.contains("evil"), "{git}");
    }
}

#[tokio::test]
async fn a_submodule_with_a_long_name_is_protected_with_the_others() {
    let bench = Bench::new();
    repository(&bench, ".git");
    repository(&bench, ".git/modules/1/2/3/4/5/6/7/8");
    let before = tree(&bench.workspace);
    run(&bench, &changes(".git/modules/1/2/3/4/5/6/7/8/config")).await;
    assert_eq!(tree(&bench.workspace), before);
}

#[tokio::test]
async fn hooks_that_included_settings_name_are_protected() {
    let bench = Bench::new();
    repository(&bench, ".git");
    write(
        &bench,
        ".git/config",
        "[include]\n\tpath = ../.one\n[extensions]\n\tworktreeConfig = true\n\
         [core]\n\thooksPath = .h\\\nk1\n",
    );
    write(&bench, ".one", "[include]\n\tpath = settings/two\n");
    write(&bench, "settings/two", "[core]\n\thooksPath = hk2\n");
    write(
        &bench,
        ".git/config.worktree",
        "[core]\n\thooksPath = hk3\n",
    );
    let files = ["hk2/pre-commit", "hk3/pre-commit", ".hk1/pre-commit"];
    for hook in files {
        write(&bench, hook, "good");
    }
    let before = tree(&bench.workspace);
    let all = files.into_iter().chain(["settings/two", ".one"]);
    let script: String = all.map(changes).collect();
    run(&bench, &(script + &rename("settings"))).await;
    assert_eq!(tree(&bench.workspace), before);
}

#[tokio::test]
async fn settings_that_are_too_long_are_refused_and_long_ones_are_read() {
    let bench = Bench::new();
    repository(&bench, ".git");
    let hooks = "[core]\n\thooksPath = hk\n";
    let long = "# comment\n".repeat(20_000) + hooks;
    write(&bench, ".git/config", &long);
    write(&bench, "hk/pre-commit", "good");
    run(&bench, &changes("hk/pre-commit")).await;
    assert_eq!(bench.read("hk/pre-commit"), "good");
    write(&bench, ".git/config", &long.repeat(6));
    let err = refusal(&bench, &sandbox()).await;
    assert!(err.to_string().ends_with("too long to be looked at"));
}

#[tokio::test]
async fn hooks_of_a_repository_around_the_workspace_are_protected() {
    let bench = Bench::new();
    repository(&bench, ".git");
    write(
        &bench,
        ".git/config",
        "[core]\n\thooksPath = pkg/.husky/_\n",
    );
    write(&bench, "pkg/.husky/pre-commit", "good");
    // A linked worktree has its repository elsewhere, and the hooks here.
    write(&bench, ".git/worktrees/w/commondir", "../..\n");
    write(&bench, "w/.git", "gitdir: ../.git/worktrees/w\n");
    write(&bench, "w/pkg/.husky/pre-commit", "good");
    let before = tree(&bench.workspace);
    for (workspace, hooks) in [("pkg", ".husky"), ("w", "pkg/.husky")] {
        let config = SandboxConfig {
            allowed_paths: vec![bench.workspace.join(workspace)],
            ..bench.config(Strict)
        };
        let script = changes(&format!("{hooks}/pre-commit")) + &rename(hooks) + "echo ran";
        let command = openclaw_sandbox::Command::shell(script);
        let output = sandbox().execute(&config, &command).await.unwrap();
        assert_eq!(text(&output.stdout), "ran\n");
        assert_eq!(tree(&bench.workspace), before, "{workspace}");
    }
}

#[tokio::test]
async fn a_command_cannot_have_later_ones_refused_by_symlinks() {
    let bench = Bench::new();
    repository(&bench, ".git");
    let names = ".zed .bashrc .hg .ssh .git/modules .git/worktrees .git/config.worktree";
    for target in ["nowhere", "$PWD", "/etc"] {
        run(
            &bench,
            &format!("for l in {names}; do ln -s {target} $l; done"),
        )
        .await;
        let output = run(&bench, "echo ran; ls -A .git").await;
        assert_eq!(
            text(&output.stdout),
            "ran\nHEAD\nconfig\nhooks\nobjects\nrefs\n"
        );
    }
    // One from before that leads nowhere stands for nothing.
    symlink("nowhere", bench.workspace.join(".zed")).unwrap();
    assert_eq!(text(&run(&bench, "echo ran").await.stdout), "ran\n");
    fs::create_dir(bench.workspace.join("nowhere")).unwrap();
    let err = refusal(&bench, &sandbox()).await;
    assert!(err.hint().unwrap().contains("remove the symlink"));
}

#[tokio::test]
async fn a_repository_of_the_commands_own_does_not_have_later_ones_refused() {
    let bench = Bench::new();
    let script = "git init -q .; echo evil > .git/commondir; mkdir objects refs; \
                  echo 'ref: refs/heads/x' > HEAD";
    run(&bench, script).await;
    let output = run(&bench, "echo ran; echo evil > .git/hooks/x").await;
    assert_eq!(text(&output.stdout), "ran\n");
    assert!(!bench.workspace.join(".git/hooks/x").exists());
}

#[tokio::test]
async fn a_workspace_that_is_a_bare_repository_is_protected() {
    let bench = Bench::new();
    repository(&bench, ".");
    let before = tree(&bench.workspace);
    run(
        &bench,
        &["config", "hooks", "hooks/a"].map(changes).concat(),
    )
    .await;
    assert_eq!(tree(&bench.workspace), before);
}

#[tokio::test]
async fn thousands_of_settings_in_deeper_folders_do_not_have_a_run_refused() {
    let bench = Bench::new();
    repository(&bench, ".git");
    repository(&bench, "z/z/.git");
    for number in 0..600 {
        write(&bench, &format!("d/{number}/.envrc"), "");
    }
    let script = "echo ran; echo evil >> z/z/.git/config";
    let output = run(&bench, script).await;
    assert_eq!(text(&output.stdout), "ran\n", "{output:?}");
    assert!(!bench.read("z/z/.git/config").contains("evil"));
}

#[tokio::test]
async fn hundreds_of_repositories_are_protected() {
    let bench = Bench::new();
    for number in 0..240 {
        repository(&bench, &format!("r{number}/.git"));
    }
    let script = "for r in r*; do echo evil >> $r/.git/config; echo evil > $r/.git/hooks/a; \
                  mv $r/.git $r/g; done; echo ran";
    let before = tree(&bench.workspace);
    let output = run(&bench, script).await;
    assert_eq!(text(&output.stdout), "ran\n", "{output:?}");
    assert_eq!(tree(&bench.workspace), before);
}
