//! `openclaw sandbox exec`: a command as if it were run by itself, but contained.

use std::fs;
use std::time::Duration;

use openclaw_testkit::{HomeCommand, TestHome};
use rustix::fs::{CWD, Mode, mkfifoat};
use rustix::process::Signal;

use super::openclaw;
use crate::OPENCLAW;
use crate::watched::Watched;

/// Prepares `sandbox exec` in a workspace of the home's.
fn exec(home: &TestHome, flags: &[&str], command: &[&str]) -> HomeCommand {
    openclaw(home, &["sandbox", "exec", "--workspace"])
        .arg(home.workspace())
        .args(flags)
        .arg("--")
        .args(command)
}

#[tokio::test]
async fn the_exit_code_is_the_commands_own() {
    let home = TestHome::new();
    for level in ["none", "relaxed", "strict"] {
        for (script, code) in [
            ("exit 0", 0),
            ("exit 7", 7),
            ("kill -TERM $$", 143),
            ("kill -KILL $$", 137),
        ] {
            let ran = exec(&home, &["--level", level], &["sh", "-c", script]);
            drop(ran.run().await.assert_code(code));
        }
        let ran = exec(&home, &["--level", level], &["no-such-program"]);
        drop(ran.run().await.assert_code(127));
    }
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_killed() {
    let home = TestHome::new();
    for level in ["none", "strict"] {
        let flags = ["--level", level, "--timeout", "1"];
        let ran = exec(&home, &flags, &["sh", "-c", "echo begun; sleep 1000"]);
        let ran = ran.run().await.assert_code(124);
        assert_eq!(ran.stdout, "begun\n");
        assert!(ran.stderr.contains("time was up"), "{ran}");
        assert!(ran.duration < Duration::from_secs(10), "{ran}");
    }
}

#[tokio::test]
async fn an_interrupt_ends_the_command() {
    let home = TestHome::new();
    for level in ["none", "strict"] {
        let script = "trap '' INT; echo begun; sleep 1000";
        let args = [
            "sandbox", "exec", "--level", level, "--", "sh", "-c", script,
        ];
        let exec = Watched::start(&home, &args).await;
        let (_, exec) = exec.read_until("begun\n").await;
        drop(exec.end_by(Signal::INT).await.assert_code(130));
    }
}

#[tokio::test]
async fn a_workspace_that_cannot_be_one_is_refused() {
    let home = TestHome::new();
    for folder in ["/", "/usr", "/no/such/folder"] {
        let ran = openclaw(&home, &["sandbox", "exec", "--workspace", folder, "--"]);
        let ran = ran
            .args(["sh", "-c", "echo ran"])
            .run()
            .await
            .assert_code(6);
        assert_eq!(ran.stdout, "");
        assert!(ran.stderr.contains(folder), "{ran}");
    }
}

#[tokio::test]
async fn input_and_both_outputs_pass_in_their_own_streams() {
    let home = TestHome::new();
    for level in ["none", "strict"] {
        let ran = exec(
            &home,
            &["--level", level],
            &["sh", "-c", "cat; echo aside >&2"],
        );
        let ran = ran.stdin("a\nb").run().await.assert_code(0);
        assert_eq!(
            (ran.stdout.as_str(), ran.stderr.as_str()),
            ("a\nb", "aside\n")
        );
    }
}

#[tokio::test]
async fn any_bytes_pass_unchanged_in_little_memory() {
    let home = TestHome::new();
    // A counter with every byte value, so that neither loss nor order can go unnoticed.
    let bytes: Vec<u8> = (0..20_000_000_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(home.workspace().join("bytes"), &bytes).unwrap();
    // The limit on data holds for the binary, which has to pass on more than that.
    let script = "ulimit -d 49152 && exec \"$0\" \"$@\" > out";
    let ran = home
        .command("/bin/sh")
        .args(["-c", script, OPENCLAW, "sandbox", "exec", "--workspace"])
        .arg(home.workspace())
        .args(["--", "cat", "bytes"]);
    let ran = ran.run().await.assert_code(0);
    assert_eq!(ran.stderr, "");
    let out = fs::read(home.path().join("out")).unwrap();
    assert!(out == bytes, "{} of {} bytes", out.len(), bytes.len());
}

#[tokio::test]
async fn a_reader_that_does_not_read_does_not_stop_the_clock() {
    let home = TestHome::new();
    let fifo = |name: &str| {
        let path = home.workspace().join(name);
        mkfifoat(CWD, &path, Mode::from_raw_mode(0o600)).unwrap();
        path
    };
    let (life, out) = (fifo("life"), fifo("out"));
    let script = "exec \"$0\" \"$@\" > workspace/out";
    let ran = home
        .command("/bin/sh")
        .in_folder(home.state_dir().root())
        .args(["-c", script, OPENCLAW, "sandbox", "exec", "--workspace"])
        .arg(home.workspace())
        .args(["--timeout", "1", "--", "sh", "-c", "exec 9> life; exec yes"]);
    let ran = tokio::spawn(ran.run());
    let held = tokio::task::spawn_blocking(move || {
        let unread = fs::File::open(out).unwrap();
        // The command has this open as long as it lives.
        assert_eq!(fs::read(life).unwrap(), b"");
        unread
    });
    // It is gone although what it said was not read; without a reader the rest is not waited for.
    drop(held.await.unwrap());
    drop(ran.await.unwrap());
}

#[tokio::test]
async fn the_document_tells_how_the_command_ended() {
    let home = TestHome::new();
    let script = "echo out; echo err >&2; exit 3";
    let ran = exec(&home, &["--json"], &["sh", "-c", script]);
    let ran = ran.run().await.assert_code(3);
    insta::assert_snapshot!(home.redact(&ran.stdout), @r#"
    {
      "ok": true,
      "schemaVersion": 1,
      "data": {
        "level": "strict",
        "status": "exited",
        "exitCode": 3,
        "durationMs": "[DURATION]",
        "stdout": "out\n",
        "stderr": "err\n",
        "truncated": false
      },
      "warnings": []
    }
    "#);
    let ran = exec(&home, &["--json"], &["head", "-c", "3000000", "/dev/zero"]);
    let data = ran.run().await.assert_code(0).json();
    assert_eq!(data["data"]["truncated"], true);
}

#[tokio::test]
async fn the_limits_of_the_settings_hold_for_commands_by_hand() {
    let home = TestHome::new();
    let settings = "{ sandbox: { limits: { wallSeconds: 1, outputKb: 1, cpuSeconds: 1, \
                    fileSizeMb: 1 } } }";
    let folder = home.state_dir().root().to_owned();
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("openclaw-rs.json5"), settings).unwrap();
    let sleep = ["sh", "-c", "sleep 1000"];
    for flags in [&["--json"][..], &["--json", "--timeout", "900"]] {
        let data = exec(&home, flags, &sleep).run().await.assert_code(124);
        assert_eq!(data.json()["data"]["endedByLimit"], "wallSeconds", "{data}");
    }
    let ran = exec(&home, &["--json"], &["head", "-c", "100000", "/dev/zero"]);
    let data = ran.run().await.assert_code(0).json();
    assert_eq!(data["data"]["truncated"], true);
    assert!(data["data"]["stdout"].as_str().unwrap().len() < 1200);

    let large = ["sh", "-c", "exec head -c 3000000 /dev/zero >large"];
    let ran = exec(&home, &["--json"], &large);
    let data = ran.run().await.assert_code(153).json();
    assert_eq!(data["data"]["endedByLimit"], "fileSizeMb");
    let ran = exec(&home, &[], &large).run().await.assert_code(153);
    assert_eq!(ran.stderr.lines().count(), 1, "{ran}");
    assert!(ran.stderr.contains("fileSizeMb"), "{ran}");
}
