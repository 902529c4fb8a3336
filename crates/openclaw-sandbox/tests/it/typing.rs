//! Commands that are written to while they run, through a pipe and at a terminal.

use openclaw_sandbox::{
    CancellationToken, Command, Running,
    SandboxLevel::{None as Unconfined, Relaxed, Strict},
    Status, Stdin, TerminalSize, Typing, launch,
};

use crate::bench::{Bench, text};

async fn start(
    bench: &Bench,
    level: openclaw_sandbox::SandboxLevel,
    script: &str,
    stdin: Stdin,
) -> (Running, Typing) {
    let command = Command::shell(script).stdin(stdin);
    let config = bench.config(level);
    let mut running = launch(&config, &command, CancellationToken::new())
        .await
        .unwrap();
    let typing = running.take_input().unwrap();
    assert!(running.take_input().is_none(), "it is taken once");
    (running, typing)
}

/// Reads what a command says until this is part of it.
async fn heard(running: &mut Running, wanted: &str) -> String {
    let mut said = String::new();
    while !said.contains(wanted) {
        let Some(chunk) = running.next_output().await else {
            panic!("it ended before it said {wanted:?}: {said:?}");
        };
        said.push_str(&String::from_utf8(chunk.bytes).unwrap());
    }
    said
}

#[tokio::test]
async fn a_command_reads_what_is_written_while_it_runs() {
    for level in [Unconfined, Relaxed, Strict] {
        let bench = Bench::new();
        let script = "while read line; do echo \"got $line\"; done; echo end";
        let (mut running, mut typing) = start(&bench, level, script, Stdin::Open).await;
        typing.write(b"one\n").await.unwrap();
        assert_eq!(heard(&mut running, "\n").await, "got one\n");
        typing.write(b"two\n").await.unwrap();
        assert_eq!(heard(&mut running, "\n").await, "got two\n");
        typing.close().await.unwrap();
        let output = running.wait().await.unwrap();
        assert_eq!(output.status, Status::Exited(0));
        assert_eq!(text(&output.stdout), "got one\ngot two\nend\n");
    }
}

#[tokio::test]
async fn what_nobody_reads_any_more_is_an_error_to_the_writer() {
    let bench = Bench::new();
    let (running, mut typing) = start(&bench, Strict, "true", Stdin::Open).await;
    assert_eq!(running.wait().await.unwrap().status, Status::Exited(0));
    assert!(typing.write(b"anybody?\n").await.is_err());
}

#[tokio::test]
async fn a_command_at_a_terminal_sees_its_size_and_controls_its_jobs() {
    let size = TerminalSize {
        rows: 30,
        columns: 100,
    };
    for level in [Relaxed, Strict] {
        let bench = Bench::new();
        let script = "test -t 0 && test -t 1 && test -t 2 && stty size && : > /dev/tty && \
                      echo to-stderr >&2";
        let (running, _typing) = start(&bench, level, script, Stdin::Terminal(size)).await;
        let output = running.wait().await.unwrap();
        assert_eq!(output.status, Status::Exited(0), "{output:?}");
        assert_eq!(text(&output.stdout), "30 100\r\nto-stderr\r\n");
        assert_eq!(text(&output.stderr), "");
    }
}

#[tokio::test]
async fn typing_at_a_terminal_is_echoed_interrupted_and_ended() {
    let bench = Bench::new();
    let terminal = || Stdin::Terminal(TerminalSize::default());
    let script = "read line; echo \"got $line\"; cat > /dev/null; echo end";
    let (mut running, mut typing) = start(&bench, Strict, script, terminal()).await;
    typing.write(b"hello\n").await.unwrap();
    let said = heard(&mut running, "got hello\r\n").await;
    assert_eq!(said, "hello\r\ngot hello\r\n");
    typing.close().await.unwrap();
    assert!(heard(&mut running, "end").await.contains("end"));
    assert_eq!(running.wait().await.unwrap().status, Status::Exited(0));

    // Ctrl-C reaches the program in the foreground, which says so, and not the shell alone.
    let script = "trap 'echo interrupted; exit 7' INT; echo ready; while :; do sleep 0.1; done";
    let (mut running, mut typing) = start(&bench, Strict, script, terminal()).await;
    drop(heard(&mut running, "ready").await);
    typing.write(&[3]).await.unwrap();
    assert!(
        heard(&mut running, "interrupted")
            .await
            .contains("interrupted")
    );
    assert_eq!(running.wait().await.unwrap().status, Status::Exited(7));
}

#[tokio::test]
async fn without_a_sandbox_a_terminal_is_a_terminal_all_the_same() {
    let bench = Bench::new();
    let terminal = Stdin::Terminal(TerminalSize::default());
    let (running, _typing) = start(&bench, Unconfined, "test -t 0 && stty size", terminal).await;
    let output = running.wait().await.unwrap();
    assert_eq!(output.status, Status::Exited(0), "{output:?}");
    assert_eq!(text(&output.stdout), "24 80\r\n");
}
