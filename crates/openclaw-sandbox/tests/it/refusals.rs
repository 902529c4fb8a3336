//! What is not run at all, and what the user is told.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    time::{Duration, Instant},
};

use openclaw_core::Kind;
use openclaw_sandbox::{
    CancellationToken, Command, PlaceFault, Sandbox, SandboxConfig, SandboxError,
    SandboxLevel::{None as Unconfined, Relaxed, Strict},
    Status, execute, launch,
};

use crate::bench::{Bench, text};

fn fake_bwrap(folder: &Path, script: &str) -> Sandbox {
    let program = folder.join("bwrap");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    Sandbox::with_search_path(folder)
}

async fn refusal(bench: &Bench, sandbox: &Sandbox) -> SandboxError {
    let config = bench.config(Strict);
    // What bubblewrap complains of is told even where no output is kept.
    let command = Command::shell("touch ran").kept_bytes(0);
    let err = sandbox.execute(&config, &command).await.unwrap_err();
    assert_eq!(err.kind(), Kind::Denied);
    assert!(!bench.workspace.join("ran").exists());
    err
}

#[tokio::test]
async fn runs_nothing_when_bubblewrap_is_missing() {
    let bench = Bench::new();
    let sandbox = Sandbox::with_search_path(&bench.outside);
    let err = refusal(&bench, &sandbox).await;
    let outside = bench.outside.display();
    assert_eq!(
        err.to_string(),
        format!("the sandbox needs bubblewrap, and there is no `bwrap` in {outside}")
    );
    assert!(err.hint().unwrap().contains("apt-get install bubblewrap"));

    // Without a sandbox there is nothing to miss.
    let config = bench.config(Unconfined);
    let output = sandbox
        .execute(&config, &Command::new("true"))
        .await
        .unwrap();
    assert_eq!(output.status, Status::Exited(0));
}

#[tokio::test]
async fn takes_no_bubblewrap_from_a_folder_that_commands_may_write() {
    let bench = Bench::new();
    let sandbox = fake_bwrap(&bench.workspace, "touch ran");
    let err = refusal(&bench, &sandbox).await;
    assert!(
        matches!(err, SandboxError::BubblewrapMissing { .. }),
        "{err:?}"
    );
}

#[tokio::test]
async fn takes_a_failing_set_up_for_no_result_of_the_command() {
    let bench = Bench::new();
    let said = "bwrap: No permissions to create new namespace";
    let sandbox = fake_bwrap(&bench.outside, &format!("echo '{said}' >&2; exit 1"));
    let err = refusal(&bench, &sandbox).await;
    assert!(
        matches!(err, SandboxError::NamespacesUnavailable { .. }),
        "{err:?}"
    );

    let sandbox = fake_bwrap(
        &bench.outside,
        "echo 'bwrap: Unknown option --x' >&2; exit 1",
    );
    let err = refusal(&bench, &sandbox).await;
    assert_eq!(
        err.to_string(),
        "the sandbox could not be set up: Unknown option --x"
    );
    assert_eq!(err.hint(), Some("install bubblewrap 0.8.0 or newer"));

    // Not even success is believed when bubblewrap does not report it.
    let sandbox = fake_bwrap(&bench.outside, "exit 0");
    let err = refusal(&bench, &sandbox).await;
    assert!(matches!(err, SandboxError::SetupFailed { .. }), "{err:?}");
}

#[tokio::test]
async fn a_look_at_a_bubblewrap_that_hangs_comes_to_an_end() {
    let bench = Bench::new();
    let sandbox = fake_bwrap(&bench.outside, "exec /bin/sleep 600");
    let began = Instant::now();
    let err = sandbox.probe().await.unwrap_err();
    assert!(matches!(err, SandboxError::SetupFailed { .. }), "{err:?}");
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn refuses_strict_with_a_network() {
    let bench = Bench::new();
    let config = SandboxConfig {
        network_access: true,
        ..bench.config(Strict)
    };
    let err = execute(&config, &Command::new("true")).await.unwrap_err();
    assert!(matches!(err, SandboxError::NetworkAtStrict), "{err:?}");
    assert_eq!(err.kind(), Kind::Denied);
}

#[tokio::test]
async fn refuses_a_workspace_that_is_none() {
    let bench = Bench::new();
    let file = bench.outside.join("file");
    fs::write(&file, "").unwrap();
    let gone = bench.outside.join("gone");
    for level in [Unconfined, Relaxed, Strict] {
        for (path, fault) in [
            (Path::new("/"), "it belongs to the system"),
            (Path::new("/usr"), "it belongs to the system"),
            (Path::new("/tmp/.."), "it belongs to the system"),
            (Path::new("/proc/self"), "it belongs to the system"),
            (&gone, "it does not exist"),
            (&file, "it is not a directory"),
            (&file.join("beneath"), "it is not a directory"),
        ] {
            let config = SandboxConfig {
                allowed_paths: vec![bench.workspace.clone(), path.to_path_buf()],
                ..bench.config(level)
            };
            let err = execute(&config, &Command::new("true")).await.unwrap_err();
            assert_eq!(err.kind(), Kind::Denied);
            let path = path.display();
            assert_eq!(
                err.to_string(),
                format!("`{path}` cannot be a workspace: {fault}")
            );
        }
    }
}

#[tokio::test]
async fn follows_a_workspace_that_is_a_symlink_before_it_is_judged() {
    let bench = Bench::new();
    let (good, bad) = (bench.outside.join("good"), bench.outside.join("bad"));
    symlink(&bench.workspace, &good).unwrap();
    symlink("/", &bad).unwrap();
    let through = |path| SandboxConfig {
        allowed_paths: vec![path],
        ..SandboxConfig::default()
    };

    let output = execute(&through(good), &Command::new("pwd")).await.unwrap();
    assert_eq!(
        text(&output.stdout),
        format!("{}\n", bench.workspace.display())
    );
    let err = execute(&through(bad), &Command::new("true"))
        .await
        .unwrap_err();
    let fault = PlaceFault::System;
    assert!(err.to_string().ends_with(&fault.to_string()), "{err}");
}

#[tokio::test]
async fn refuses_to_begin_outside_the_allowed_paths() {
    let bench = Bench::new();
    let command = Command::new("true").cwd(&bench.outside);
    let err = execute(&bench.config(Strict), &command).await.unwrap_err();
    let outside = bench.outside.display();
    assert_eq!(
        err.to_string(),
        format!("`{outside}` cannot be the working directory: it lies outside the allowed paths")
    );
    assert!(
        execute(&bench.config(Unconfined), &command)
            .await
            .unwrap()
            .status
            .success()
    );
}

#[tokio::test]
async fn refuses_what_cannot_be_a_command() {
    let bench = Bench::new();
    let err = execute(&bench.config(Strict), &Command::new("-c"))
        .await
        .unwrap_err();
    assert_eq!(
        (err.kind(), err.to_string()),
        (
            Kind::Invalid,
            "this is no command: its program begins with `-`".to_owned(),
        )
    );
    let long = Command::new("true").arg("x".repeat(200_000));
    for level in [Unconfined, Strict] {
        let err = execute(&bench.config(level), &long).await.unwrap_err();
        assert_eq!(err.kind(), Kind::Invalid, "{err:?}");
    }
}

#[tokio::test]
async fn starts_nothing_that_is_cancelled_already() {
    let bench = Bench::new();
    let stop = CancellationToken::new();
    stop.cancel();
    let command = Command::shell("touch ran");
    let err = launch(&bench.config(Strict), &command, stop)
        .await
        .unwrap_err();
    assert_eq!(err.kind(), Kind::Cancelled);
    assert!(!bench.workspace.join("ran").exists());
}
