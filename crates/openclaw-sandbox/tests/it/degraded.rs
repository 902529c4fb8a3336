//! What contains a command where there is no bubblewrap, and that is allowed.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
};

use openclaw_sandbox::{
    Availability, Command, Guard, Output, Sandbox, SandboxLevel::Strict, Status,
};
use rustix::{
    fs::{CWD, Mode, mkfifoat},
    process::{getuid, umask},
};

use crate::bench::{Bench, text};

async fn degraded(bench: &Bench, script: &str) -> Output {
    let sandbox = Sandbox::with_search_path("/no/such/folder").allow_degraded();
    let output = sandbox
        .execute(&bench.config(Strict), &Command::shell(script))
        .await
        .unwrap();
    assert_eq!(output.degraded, [Guard::Bubblewrap]);
    output
}

#[tokio::test]
async fn no_capability_is_left_not_even_to_root() {
    let bench = Bench::new();
    // By another program, since one that root starts is given what the first may not use.
    let output = degraded(&bench, "exec grep ^Cap /proc/self/status").await;
    let sets = text(&output.stdout);
    assert_eq!(sets.lines().count(), 5, "{output:?}");
    for line in sets.lines() {
        // Only root may take something out of the bounding set.
        if getuid().is_root() || !line.starts_with("CapBnd") {
            assert!(line.ends_with("\t0000000000000000"), "{sets}");
        }
    }
}

#[tokio::test]
async fn limits_of_its_own_can_be_lowered_and_those_of_others_cannot() {
    let bench = Bench::new();
    let script = format!(
        "ulimit -n 100; ulimit -n; ulimit -t 9; ulimit -t; now=$(nice); \
         test $(nice -n 5 nice) = $((now > 14 ? 19 : now + 5)) && echo nicer; \
         prlimit --pid {ours} --cpu=600 || echo refused; renice -n 19 -p {ours} || echo refused",
        ours = std::process::id()
    );
    let output = degraded(&bench, &script).await;
    let said = text(&output.stdout);
    assert_eq!(said, "100\n9\nnicer\nrefused\nrefused\n", "{output:?}");
}

#[tokio::test]
async fn a_process_that_has_detached_itself_ends_with_the_run() {
    if let Availability::None(obstacle) = Sandbox::control_groups() {
        writeln!(io::stderr(), "SKIPPED: no control groups here: {obstacle}").unwrap();
        return;
    }
    let bench = Bench::new();
    for name in ["life", "ready"] {
        mkfifoat(CWD, bench.workspace.join(name), Mode::from_raw_mode(0o600)).unwrap();
    }
    let life = bench.workspace.join("life");
    // It has this open as long as it lives.
    let life = tokio::task::spawn_blocking(move || fs::read_to_string(life).unwrap());
    let script = "setsid sh -c 'exec >life; echo alive; echo >ready; exec sleep 1000' \
                  </dev/null >/dev/null 2>&1 & read -r _ <ready";
    let output = degraded(&bench, script).await;
    assert_eq!(output.status, Status::Exited(0), "{output:?}");
    assert_eq!(life.await.unwrap(), "alive\n");
}

#[tokio::test]
async fn others_may_not_write_new_files_whatever_the_caller_lets_its_own_be() {
    let bench = Bench::new();
    for (mask, file, folder) in [(0, 0o644, 0o755), (0o077, 0o600, 0o700)] {
        let usual = umask(Mode::from_raw_mode(mask));
        let script = "echo x >file && mkdir folder";
        let output = bench.shell(Strict, script).await;
        assert_eq!(output.status, Status::Exited(0), "{output:?}");
        let mode = |name| {
            let metadata = fs::metadata(bench.workspace.join(name)).unwrap();
            metadata.permissions().mode() & 0o777
        };
        assert_eq!((mode("file"), mode("folder")), (file, folder));
        umask(usual);
        fs::remove_file(bench.workspace.join("file")).unwrap();
        fs::remove_dir(bench.workspace.join("folder")).unwrap();
    }
}

#[tokio::test]
async fn the_command_ends_with_a_gateway_that_is_killed() {
    let bench = Bench::new();
    let script = "exec python3 -c 'import ctypes; signal = ctypes.c_int(); \
                  ctypes.CDLL(None).prctl(2, ctypes.byref(signal), 0, 0, 0); print(signal.value)'";
    let output = degraded(&bench, script).await;
    assert_eq!(text(&output.stdout), "9\n", "{output:?}");
}

#[tokio::test]
async fn homes_that_killed_processes_left_are_removed() {
    let bench = Bench::new();
    let base = std::env::temp_dir();
    // No process has such a number, and the other one is this.
    let left = base.join(format!("openclaw-run-{}-0", i32::MAX));
    let used = base.join(format!("openclaw-run-{}-1000", std::process::id()));
    for folder in [&left, &used] {
        fs::create_dir_all(folder.join("cache")).unwrap();
    }
    degraded(&bench, "true").await;
    assert!(!left.exists());
    assert!(used.exists());
    fs::remove_dir_all(used).unwrap();
}

#[tokio::test]
async fn git_works_and_what_reaches_others_by_a_path_does_not() {
    let bench = Bench::new();
    let script = "export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a \
                  GIT_COMMITTER_EMAIL=a@b; git init -q . && git config user.name n && echo x >f \
                  && git add f && git commit -qm one && chmod +x f && tar -cf t f && tar -xf t \
                  && cp -p f g && touch -d @0 g && git log --format=%s; \
                  python3 -c 'import os; os.setxattr(\"f\", \"user.a\", b\"1\")' 2>/dev/null \
                  || echo refused";
    let output = degraded(&bench, script).await;
    assert_eq!(text(&output.stdout), "one\nrefused\n", "{output:?}");
}
