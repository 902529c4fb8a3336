//! Which folders can be workspaces, and what is said about the others.

use std::{fs, path::PathBuf};

use openclaw_core::Kind;
use openclaw_sandbox::{
    Command, Sandbox, SandboxConfig, SandboxError, SandboxLevel::None as Unconfined,
};

use crate::bench::Bench;

/// Workspaces are judged in the same way at every level, so that of least effort will do.
async fn begin(bench: &Bench, sandbox: &Sandbox, paths: &[PathBuf]) -> Result<(), SandboxError> {
    let config = SandboxConfig {
        allowed_paths: paths.to_vec(),
        ..bench.config(Unconfined)
    };
    sandbox
        .execute(&config, &Command::new("true"))
        .await
        .map(drop)
}

#[tokio::test]
async fn refuses_what_holds_or_lies_in_a_folder_that_is_off_limits() {
    let bench = Bench::new();
    let state = bench.outside.join("state");
    fs::create_dir_all(state.join("inner")).unwrap();
    // One that does not exist yet counts as well.
    let later = bench.workspace.join("later");
    let sandbox = Sandbox::from_environment().with_off_limits([state.clone(), later.clone()]);
    #[cfg(unix)]
    std::os::unix::fs::symlink(&state, bench.workspace.join("link")).unwrap();
    for (path, folder) in [
        (state.clone(), &state),
        (bench.outside.clone(), &state),
        (state.join("inner"), &state),
        (bench.workspace.clone(), &later),
        #[cfg(unix)]
        (bench.workspace.join("link"), &state),
    ] {
        let paths = std::slice::from_ref(&path);
        let err = begin(&bench, &sandbox, paths).await.unwrap_err();
        assert_eq!(err.kind(), Kind::Denied);
        assert_eq!(
            err.to_string(),
            format!(
                "`{}` cannot be a workspace: commands are kept out of `{}`",
                path.display(),
                folder.display()
            )
        );
    }
    let beside = bench.outside.join("state-2");
    fs::create_dir(&beside).unwrap();
    begin(&bench, &sandbox, &[beside]).await.unwrap();
}

#[tokio::test]
async fn takes_a_folder_twice_and_one_within_another() {
    let bench = Bench::new();
    let inner = bench.workspace.join("inner");
    fs::create_dir(&inner).unwrap();
    let sandbox = Sandbox::from_environment();
    let paths = [
        inner.clone(),
        bench.workspace.clone(),
        inner.clone(),
        bench.workspace.join("./inner/.."),
    ];
    begin(&bench, &sandbox, &paths).await.unwrap();
}
