//! What a command leaves is taken away, however hard it has made that.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
};

use openclaw_sandbox::{Command, SandboxLevel::Strict};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

use super::{repository, run, sandbox, write};
use crate::bench::{Bench, text};

/// Takes from this thread, and those that it starts, what root may do to files whatever their
/// permissions say.
fn become_plain() {
    let mut sets = capabilities(None).unwrap();
    let beyond = CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
    sets.effective.remove(beyond);
    sets.permitted.remove(beyond);
    sets.inheritable.remove(beyond);
    set_capabilities(None, sets).unwrap();
}

#[tokio::test]
async fn whatever_may_be_executed_is_a_part_of_a_repository_to_git() {
    let bench = Bench::new();
    repository(&bench, ".git");
    let script = "rm .git/HEAD; echo 'ref: refs/heads/main' >HEAD; touch objects refs; \
                  chmod +x objects refs";
    run(&bench, script).await;
    assert!(!bench.workspace.join("HEAD").exists());
}

#[tokio::test]
async fn permissions_do_not_keep_it_there() {
    become_plain();
    let bench = Bench::new();
    repository(&bench, ".git");
    for lock in ["chmod 555 .git", "chmod 0 .git", "chmod 0 .git; chmod 0 ."] {
        run(&bench, &format!("echo ../evil >.git/commondir; {lock}")).await;
        let mode = fs::metadata(&bench.workspace).unwrap().permissions().mode();
        assert_eq!(mode & 0o700, 0o700, "{lock}");
        assert!(!bench.workspace.join(".git/commondir").exists(), "{lock}");
    }
    let bare = "mkdir objects refs; echo 'ref: refs/heads/main' >HEAD; chmod 555 .";
    run(&bench, bare).await;
    assert!(!bench.workspace.join("HEAD").exists());
}

#[tokio::test]
async fn a_folder_that_may_not_be_looked_into_does_not_hide_a_repository() {
    become_plain();
    let bench = Bench::new();
    repository(&bench, "a/proj/.git");
    for mode in ["0311", "0", "0444"] {
        run(&bench, &format!("chmod {mode} a/proj/.git a/proj a")).await;
        let script = "chmod 755 a a/proj; echo evil >>a/proj/.git/config; \
                      echo evil >a/proj/.git/hooks/post-checkout";
        run(&bench, script).await;
        let config = bench.read("a/proj/.git/config");
        assert!(!config.contains("evil"), "{mode}");
        let hook = bench.workspace.join("a/proj/.git/hooks/post-checkout");
        assert!(!hook.exists(), "{mode}");
    }
}

#[tokio::test]
async fn a_folder_or_a_symlink_does_not_have_later_commands_refused() {
    let bench = Bench::new();
    repository(&bench, ".git");
    let script = "mkdir -p .git/commondir/a/b sub/deep/.git; ln -s /etc sub/.git; \
                  ln -s /etc sub/.hg; ln -s /etc sub/deep/.git/hooks";
    run(&bench, script).await;
    let output = run(&bench, "ls -A .git sub sub/deep/.git").await;
    let said = text(&output.stdout);
    assert!(said.contains("\nsub:\ndeep\n"), "{output:?}");
    assert!(
        !said.contains("commondir") && said.ends_with("sub/deep/.git:\n"),
        "{said}"
    );
}

#[tokio::test]
async fn what_stays_all_the_same_is_an_error_of_the_run_and_of_the_next() {
    let bench = Bench::new();
    repository(&bench, ".git");
    // So many are put aside already that there is no name left.
    for number in 0..1000 {
        let name = format!(".git/openclaw-removed-{number}");
        fs::create_dir(bench.workspace.join(name)).unwrap();
    }
    let command = Command::shell("mkdir -p .git/commondir/a");
    let config = bench.config(Strict);
    let err = sandbox().execute(&config, &command).await.unwrap_err();
    assert!(err.to_string().contains("leads git elsewhere"), "{err}");
    let err = super::refusal(&bench, &sandbox()).await;
    assert!(err.to_string().contains("leads git elsewhere"), "{err}");
    fs::remove_dir(bench.workspace.join(".git/openclaw-removed-7")).unwrap();
    run(&bench, "true").await;
    assert!(!bench.workspace.join(".git/commondir").exists());
}

#[tokio::test]
async fn a_symlink_on_the_way_from_a_hook_is_put_back() {
    let bench = Bench::new();
    repository(&bench, ".git");
    write(&bench, "lib/tools-1/pc", "good");
    write(&bench, "lib/tools-2/pc", "evil");
    symlink("tools-1", bench.workspace.join("lib/tools")).unwrap();
    let hook = bench.workspace.join(".git/hooks/pre-commit");
    symlink("../../lib/tools/pc", &hook).unwrap();
    let script = "ln -sfn tools-2 lib/tools; echo evil >lib/tools-1/pc; mv lib/tools-1 t; mv lib l";
    run(&bench, script).await;
    assert_eq!(fs::read_to_string(&hook).unwrap(), "good");
    run(
        &bench,
        "rm lib/tools; mkdir -p lib/tools; echo evil >lib/tools/pc",
    )
    .await;
    assert_eq!(fs::read_to_string(&hook).unwrap(), "good");
}
