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

#[tokio::test]
async fn shows_no_folder_that_is_off_limits_or_belongs_to_the_system() {
    let bench = Bench::new();
    let state = bench.outside.join("state");
    let workshop = state.join("workshop");
    fs::create_dir_all(workshop.join("skill")).unwrap();
    let sandbox = Sandbox::from_environment()
        .with_off_limits([state.clone()])
        .with_exempt([workshop.clone()]);
    let mut refused = vec![
        state.clone(),
        state.join("workshop/.."),
        bench.outside.clone(),
        PathBuf::from("/"),
    ];
    #[cfg(target_os = "linux")]
    refused.extend(
        [
            "/etc",
            "/etc/ssl",
            "/proc/self",
            "/dev",
            "/var",
            "/tmp",
            "/run",
        ]
        .map(PathBuf::from),
    );
    #[cfg(unix)]
    {
        let link = state.join("workshop/link");
        std::os::unix::fs::symlink(&state, &link).unwrap();
        refused.push(link);
    }
    for path in refused.into_iter().filter(|path| path.exists()) {
        let err = sandbox.judge_readable(&path).unwrap_err();
        assert!(matches!(err, SandboxError::BadReadable { .. }), "{err:?}");
        let command = Command::new("true").read_only([path.clone()]);
        let config = bench.config(Unconfined);
        let err = sandbox.execute(&config, &command).await.unwrap_err();
        assert!(matches!(err, SandboxError::BadReadable { .. }), "{err:?}");

        let with_tools = sandbox.clone().with_toolchains([path.clone()]);
        let err = begin(&bench, &with_tools, &[]).await.unwrap_err();
        assert_eq!(err.kind(), Kind::Denied);
        assert!(err.hint().unwrap().contains("sandbox.toolchains"));
        let start = format!("the toolchain `{}` cannot be used: ", path.display());
        assert!(err.to_string().starts_with(&start), "{err}");
    }
    assert_eq!(
        sandbox.judge_readable(&workshop.join("skill")).unwrap(),
        workshop.join("skill").canonicalize().unwrap()
    );
}

#[tokio::test]
async fn refuses_a_toolchain_that_is_missing_or_that_a_link_of_the_workspace_leads_to() {
    let bench = Bench::new();
    let missing = bench.outside.join("missing");
    let sandbox = Sandbox::from_environment().with_toolchains([missing.clone()]);
    let err = begin(&bench, &sandbox, &[]).await.unwrap_err();
    assert_eq!(
        err.to_string(),
        format!(
            "the toolchain `{}` cannot be used: it does not exist",
            missing.display()
        )
    );
    #[cfg(unix)]
    {
        let tools = bench.workspace.join("tools");
        std::os::unix::fs::symlink(&bench.outside, &tools).unwrap();
        let sandbox = Sandbox::from_environment().with_toolchains([tools]);
        let paths = std::slice::from_ref(&bench.workspace);
        let err = begin(&bench, &sandbox, paths).await.unwrap_err();
        assert!(matches!(err, SandboxError::BadToolchain { .. }), "{err:?}");
    }
}

#[test]
fn judges_a_workspace_before_it_is_made() {
    let bench = Bench::new();
    let state = bench.outside.join("state");
    let sandbox = Sandbox::from_environment().with_off_limits([state.clone()]);
    for path in [state.join("new/er"), bench.outside.clone(), "/".into()] {
        let err = sandbox.judge_workspace(&path).unwrap_err();
        assert!(matches!(err, SandboxError::BadWorkspace { .. }), "{err:?}");
    }
    let real = bench.workspace.canonicalize().unwrap();
    let new = bench.workspace.join("new/er");
    assert_eq!(sandbox.judge_workspace(&new).unwrap(), real.join("new/er"));
}
