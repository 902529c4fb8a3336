//! What all processes of a command may use up together.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use openclaw_sandbox::{
    Availability, Command, Exceeded, Sandbox, SandboxConfig,
    SandboxLevel::{self, None as Unconfined, Relaxed, Strict},
    execute,
};
use tokio::{runtime::Runtime, task::JoinSet};

use crate::bench::{Bench, text};

const LEVELS: [SandboxLevel; 3] = [Unconfined, Relaxed, Strict];

/// Says whether there are control groups here, and on standard error if there are none.
fn available() -> bool {
    if let Availability::None(obstacle) = Sandbox::control_groups() {
        writeln!(io::stderr(), "SKIPPED: no control groups here: {obstacle}").unwrap();
        return false;
    }
    true
}

/// Returns the groups that this process has made and not removed.
fn groups(beneath: &Path) -> Vec<PathBuf> {
    let ours = format!("openclaw-{}-", std::process::id());
    let mut found = Vec::new();
    for entry in fs::read_dir(beneath).into_iter().flatten().flatten() {
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        if entry.file_name().to_string_lossy().starts_with(&ours) {
            found.push(entry.path());
        }
        found.extend(groups(&entry.path()));
    }
    found
}

#[tokio::test]
async fn memory_runs_out_over_several_processes() {
    if !available() {
        return;
    }
    // Each of the eight says when it has filled its buffer, or lost whoever was to fill it, and
    // keeps it until the run is over. One that has said so may be killed for the next.
    let script = "mkfifo told never; exec 3<>told; for i in 1 2 3 4 5 6 7 8; do \
                  dd if=/dev/zero bs=48M count=1 2>/dev/null | { \
                  filled=$(head -c 1 | tr '\\0' x); echo \"${filled:-lost}\" >told; \
                  cat never; } & done; head -n 8 <&3";
    for level in LEVELS {
        let bench = Bench::new();
        let config = SandboxConfig {
            max_memory: Some(256 << 20),
            ..bench.config(level)
        };
        let output = execute(&config, &Command::shell(script)).await.unwrap();
        assert!(output.out_of_memory, "{level}: {output:?}");
        assert_eq!(output.ended_by(), Some(Exceeded::Memory));
    }
}

#[tokio::test]
async fn processes_run_out_for_root_too() {
    if !available() {
        return;
    }
    let script = "for i in $(seq 100); do sleep 600 >/dev/null 2>&1 & echo $i; done";
    for level in LEVELS {
        let bench = Bench::new();
        let mut command = Command::shell(script);
        command.limits.processes = Some(32);
        let output = bench.run(level, command).await;
        let started = text(&output.stdout).lines().count();
        assert!((16..=32).contains(&started), "{level}: {output:?}");
    }
}

#[test]
fn many_runs_at_once_leave_no_group_behind() {
    if !available() {
        return;
    }
    let bench = Bench::new();
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let mut runs = JoinSet::new();
        for _ in 0..50 {
            let config = bench.config(Strict);
            drop(runs.spawn(async move {
                let output = execute(&config, &Command::new("true")).await.unwrap();
                output.status.success()
            }));
        }
        assert_eq!(runs.join_all().await, vec![true; 50]);
    });
    drop(runtime);
    assert_eq!(groups(Path::new("/sys/fs/cgroup")), Vec::<PathBuf>::new());
}
