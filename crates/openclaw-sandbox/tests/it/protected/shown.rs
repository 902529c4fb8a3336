//! What is shown to be read is what was judged.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
};

use openclaw_core::Kind;
use openclaw_sandbox::{Command, PlaceFault, Sandbox, SandboxError, SandboxLevel::Strict};

use super::{sandbox, write};
use crate::bench::{Bench, text};

#[tokio::test]
async fn a_folder_to_read_that_is_exchanged_on_the_way_is_refused() {
    for (name, exchange) in [
        ("skill", "mv $S $S.old && ln -s $O $S"),
        ("skill", "mv $S $S.old && ln -s ../outside/sub $S"),
        ("skill", "mv $S $S.old && mkdir $S"),
        ("tools", "mv $S $S.old && ln -s ../outside $S"),
        ("tools", "mv $S $S.old && cp -r $S.old $S"),
    ] {
        let bench = Bench::new();
        let skill = bench.outside.with_file_name("skill");
        let tools = bench.workspace.join("tools");
        fs::create_dir(&skill).unwrap();
        write(&bench, "tools/bin/tool", "good");
        write(&bench, "../outside/sub/secret", "secret");
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("bwrap");
        let place = if name == "tools" { &tools } else { &skill };
        let script = format!(
            "#!/bin/sh\nPATH=/usr/local/bin:/usr/bin:/bin\nS='{}' O='{}'\n\
             case \"$*\" in *--args*) {exchange};; esac\nexec bwrap \"$@\"\n",
            place.display(),
            bench.outside.display()
        );
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let sandbox = Sandbox::with_search_path(folder.path())
            .with_init(env!("CARGO_BIN_EXE_openclaw-sandbox-init"))
            .with_toolchains([tools.clone()]);
        let command = Command::shell("touch ran").read_only([skill.clone()]);
        let config = bench.config(Strict);
        let err = sandbox.execute(&config, &command).await.unwrap_err();
        assert_eq!(err.kind(), Kind::Denied, "{exchange}: {err}");
        assert!(!bench.workspace.join("ran").exists(), "{exchange}");
    }
}

#[tokio::test]
async fn a_folder_that_became_a_symlink_since_it_was_judged_is_refused() {
    let bench = Bench::new();
    let skill = bench.outside.join("skill");
    fs::create_dir(&skill).unwrap();
    let judged = sandbox().judge_readable(&skill).unwrap();
    let command = Command::shell("ls -A $S; echo ran").read_only([judged]);
    let command = command.env("S", skill.to_str().unwrap());
    let config = bench.config(Strict);
    let output = sandbox().execute(&config, &command).await.unwrap();
    assert_eq!(text(&output.stdout), "ran\n");
    let secrets = bench.outside.join("secrets");
    fs::create_dir(&secrets).unwrap();
    fs::remove_dir(&skill).unwrap();
    symlink(&secrets, &skill).unwrap();
    let err = sandbox().execute(&config, &command).await.unwrap_err();
    let exchanged = |err: &SandboxError| {
        let SandboxError::BadReadable { fault, .. } = err else {
            return false;
        };
        matches!(fault, PlaceFault::Exchanged { found } if *found == secrets)
    };
    assert!(exchanged(&err), "{err:?}");
}

#[tokio::test]
async fn a_toolchain_of_the_workspace_is_not_written_and_not_moved() {
    let bench = Bench::new();
    write(&bench, "opt/tools/bin/tool", "good");
    let own = sandbox().with_toolchains([bench.workspace.join("opt/tools")]);
    let script = super::changes("opt/tools/bin/tool") + &super::rename("opt") + "echo $PATH";
    let config = bench.config(Strict);
    let output = own.execute(&config, &Command::shell(script)).await.unwrap();
    assert_eq!(bench.read("opt/tools/bin/tool"), "good");
    let bin = bench.workspace.join("opt/tools/bin");
    assert!(text(&output.stdout).starts_with(bin.to_str().unwrap()));
}
