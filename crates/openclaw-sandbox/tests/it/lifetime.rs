//! How runs end, and that nothing outlives them.

use std::{fs::File, io::Read as _, path::Path, time::Duration};

use openclaw_sandbox::{
    CancellationToken, Chunk, Command,
    SandboxLevel::{None as Unconfined, Relaxed, Strict},
    Status, Stream, launch,
};
use rustix::fs::{CWD, Mode, mkfifoat};
use tokio::task::{JoinHandle, JoinSet, spawn_blocking};

use crate::bench::{Bench, text};

/// Leaves a process behind that holds the writing end of `life`, in its own session, then waits.
const DAEMON: &str = "(exec 9> life; setsid sleep 1000 > /dev/null 2>&1 &); echo ready; sleep 1000";

/// Reads a pipe in the workspace to its end, which comes when no process holds the other end.
fn lifeline(bench: &Bench) -> JoinHandle<()> {
    let path = bench.workspace.join("life");
    mkfifoat(CWD, &path, Mode::from_raw_mode(0o600)).unwrap();
    spawn_blocking(move || read_to_end(&path))
}

fn read_to_end(path: &Path) {
    let mut rest = Vec::new();
    File::open(path).unwrap().read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"");
}

fn ready() -> Chunk {
    Chunk {
        stream: Stream::Stdout,
        bytes: b"ready\n".to_vec(),
    }
}

#[tokio::test]
async fn a_timeout_kills_processes_that_have_detached_themselves() {
    for level in [Relaxed, Strict] {
        let bench = Bench::new();
        let life = lifeline(&bench);
        let command = Command::shell(DAEMON).wall_time(Duration::from_millis(1500));
        let output = bench.run(level, command).await;
        assert_eq!(
            (output.status, text(&output.stdout)),
            (Status::TimedOut, "ready\n")
        );
        assert!(output.duration >= Duration::from_millis(1500), "{output:?}");
        life.await.unwrap();
    }
}

#[tokio::test]
async fn the_end_of_the_command_is_the_end_of_its_background_processes() {
    let script = "(exec 9> life; sleep 1000 &); echo ready";
    for level in [Unconfined, Relaxed, Strict] {
        let bench = Bench::new();
        let life = lifeline(&bench);
        let output = bench.shell(level, script).await;
        assert_eq!(
            (output.status, text(&output.stdout)),
            (Status::Exited(0), "ready\n")
        );
        life.await.unwrap();
    }
}

#[tokio::test]
async fn cancelling_kills_and_keeps_what_was_said() {
    for level in [Unconfined, Relaxed, Strict] {
        let bench = Bench::new();
        let life = lifeline(&bench);
        let stop = CancellationToken::new();
        // The group is all that can be reached without a sandbox.
        let script = if level == Unconfined {
            DAEMON.replace("setsid ", "")
        } else {
            DAEMON.into()
        };
        let config = bench.config(level);
        let mut run = launch(&config, &Command::shell(script), stop.clone())
            .await
            .unwrap();
        assert_eq!(run.next_output().await, Some(ready()));
        stop.cancel();
        let output = run.wait().await.unwrap();
        assert_eq!(
            (output.status, text(&output.stdout)),
            (Status::Cancelled, "ready\n")
        );
        life.await.unwrap();
    }
}

#[tokio::test]
async fn dropping_a_run_kills_it() {
    let bench = Bench::new();
    let life = lifeline(&bench);
    let command = Command::shell(DAEMON);
    let mut run = launch(&bench.config(Strict), &command, CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(run.next_output().await, Some(ready()));
    drop(run);
    life.await.unwrap();
}

#[tokio::test]
async fn a_command_that_ignores_requests_to_end_is_killed_all_the_same() {
    let bench = Bench::new();
    let script = "trap '' TERM INT HUP; while :; do sleep 1; done";
    for level in [Unconfined, Strict] {
        let command = Command::shell(script).wall_time(Duration::from_millis(200));
        assert_eq!(bench.run(level, command).await.status, Status::TimedOut);
    }
}

#[tokio::test]
async fn streams_both_outputs_in_the_order_of_each() {
    let bench = Bench::new();
    let script = "for i in 1 2 3; do echo out $i; echo err $i >&2; done";
    let config = bench.config(Strict);
    let mut run = launch(&config, &Command::shell(script), CancellationToken::new())
        .await
        .unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    while let Some(Chunk { stream, bytes }) = run.next_output().await {
        match stream {
            Stream::Stdout => out.extend(bytes),
            Stream::Stderr => err.extend(bytes),
        }
    }
    assert_eq!(text(&out), "out 1\nout 2\nout 3\n");
    assert_eq!(text(&err), "err 1\nerr 2\nerr 3\n");
    let output = run.wait().await.unwrap();
    assert_eq!((output.stdout, output.stderr), (out, err));
}

#[tokio::test]
async fn a_caller_that_does_not_listen_does_not_stop_the_clock() {
    let bench = Bench::new();
    let life = lifeline(&bench);
    let command = Command::shell("exec 9> life; exec yes").wall_time(Duration::from_millis(500));
    let run = launch(&bench.config(Strict), &command, CancellationToken::new())
        .await
        .unwrap();
    // The process is gone although nothing was read from it.
    life.await.unwrap();
    assert_eq!(run.wait().await.unwrap().status, Status::TimedOut);
}

#[tokio::test]
async fn a_command_waits_while_what_it_said_is_not_taken() {
    let bench = Bench::new();
    let life = lifeline(&bench);
    let script = "exec 9> life; head -c 8000000 /dev/zero; echo > through";
    let command = Command::shell(script)
        .kept_bytes(0)
        .forwarded_bytes(usize::MAX)
        .wall_time(Duration::from_secs(1));
    let run = launch(&bench.config(Strict), &command, CancellationToken::new())
        .await
        .unwrap();
    life.await.unwrap();
    assert_eq!(run.wait().await.unwrap().status, Status::TimedOut);
    assert!(!bench.workspace.join("through").exists());
}

#[tokio::test]
async fn twenty_runs_at_once_do_not_meet() {
    let bench = Bench::new();
    let mut runs = JoinSet::new();
    for n in 0..20 {
        let config = bench.config(Strict);
        let script = format!("echo {n} > /tmp/mark; echo {n} > {n}; cat /tmp/mark; exit {n}");
        runs.spawn(async move {
            (
                n,
                openclaw_sandbox::execute(&config, &Command::shell(script))
                    .await
                    .unwrap(),
            )
        });
    }
    while let Some(done) = runs.join_next().await {
        let (n, output) = done.unwrap();
        assert_eq!(
            (output.status, text(&output.stdout)),
            (Status::Exited(n), &*format!("{n}\n"))
        );
        assert_eq!(bench.read(n.to_string()), format!("{n}\n"));
    }
}

#[test]
fn outlives_the_runtime_that_it_was_first_used_in() {
    let bench = Bench::new();
    for _ in 0..2 {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let output = runtime.block_on(bench.run(Strict, Command::new("true")));
        assert_eq!(output.status, Status::Exited(0));
    }
}
