//! What stands on the host for the missing, while several runs need it.

use std::{fs, os::unix::fs::PermissionsExt as _};

use openclaw_sandbox::{CancellationToken, Command, Output, SandboxLevel::Strict};
use rustix::fs::{FlockOperation, flock};

use super::{CLOSED, changes, pipe, run, sandbox, tree};
use crate::bench::{Bench, text};

#[tokio::test]
async fn runs_share_what_stands_in_for_the_missing_until_the_last_one_ends() {
    let bench = Bench::new();
    pipe(&bench);
    let before = tree(&bench.workspace);
    let long = "echo began; read line < go; mkdir -p .vscode; echo evil > .vscode/tasks.json; \
                rmdir .vscode; mv .vscode x; ls -A .vscode";
    let config = bench.config(Strict);
    let stop = CancellationToken::new();
    let command = Command::shell(long);
    let mut running = sandbox().launch(&config, &command, stop).await.unwrap();
    assert_eq!(running.next_output().await.unwrap().bytes, b"began\n");

    // Others come and go meanwhile.
    let short = changes(".vscode");
    let others = std::iter::repeat_with(|| run(&bench, &short)).take(4);
    for output in futures(others).await {
        assert!(output.status.success(), "{output:?}");
    }
    for name in CLOSED {
        let mode = fs::metadata(bench.workspace.join(name))
            .unwrap()
            .permissions();
        assert_eq!(mode.mode() & 0o7777, 0o1555, "{name}");
    }
    fs::write(bench.workspace.join("go"), "go\n").unwrap();
    let output = running.wait().await.unwrap();
    assert_eq!(text(&output.stdout), "began\n");
    assert_eq!(tree(&bench.workspace), before);
}

/// Runs them at the same time.
async fn futures<F: Future<Output = Output>>(runs: impl Iterator<Item = F>) -> Vec<Output> {
    let mut runs: Vec<_> = runs.map(Box::pin).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|cx| {
        runs.retain_mut(|run| match run.as_mut().poll(cx) {
            std::task::Poll::Ready(output) => {
                done.push(output);
                false
            }
            std::task::Poll::Pending => true,
        });
        if runs.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done
}

#[tokio::test]
async fn what_a_killed_process_left_is_removed_and_what_others_use_is_not() {
    let bench = Bench::new();
    let folder = |name: &str, mode| {
        let path = bench.workspace.join(name);
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    };
    let left = folder(".vscode", 0o1555);
    // Another process holds the lock.
    let used = folder(".idea", 0o1555);
    let lock = fs::File::open(&used).unwrap();
    flock(&lock, FlockOperation::LockShared).unwrap();
    let own = folder(".cursor", 0o755);
    let script = [".vscode", ".idea", ".cursor"].map(changes).concat();
    run(&bench, &script).await;
    assert!(!left.exists());
    assert!(used.exists());
    assert!(own.exists());
    drop(lock);
    run(&bench, "true").await;
    assert!(!used.exists());
    assert!(own.exists());
}

#[tokio::test]
async fn what_somebody_puts_there_meanwhile_stays() {
    let bench = Bench::new();
    pipe(&bench);
    let config = bench.config(Strict);
    let command = Command::shell("echo began; read line < go; cat .vscode/tasks.json");
    let stop = CancellationToken::new();
    let mut running = sandbox()
        .launch(&config, &command, stop.clone())
        .await
        .unwrap();
    assert_eq!(running.next_output().await.unwrap().bytes, b"began\n");
    let folder = bench.workspace.join(".vscode");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.join("tasks.json"), "mine").unwrap();
    fs::write(bench.workspace.join("go"), "go\n").unwrap();
    let output = running.wait().await.unwrap();
    assert_eq!(text(&output.stdout), "began\n");
    assert_eq!(bench.read(".vscode/tasks.json"), "mine");
}
