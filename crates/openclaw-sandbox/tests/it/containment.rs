//! What a command can see, reach and change.

use std::{fs, net::TcpListener, os::unix::fs::MetadataExt as _};

use openclaw_sandbox::{
    Command, SandboxConfig,
    SandboxLevel::{self, None as Unconfined, Relaxed, Strict},
    Status, Stdin, execute, probe,
};

use crate::bench::{Bench, text};

const CONTAINED: [SandboxLevel; 2] = [Relaxed, Strict];

#[tokio::test]
async fn cannot_read_a_file_outside_the_workspace() {
    let bench = Bench::new();
    let secret = bench.outside.join("secret");
    fs::write(&secret, "secret").unwrap();
    std::os::unix::fs::symlink(&secret, bench.workspace.join("link")).unwrap();
    let script = format!("cat {} link", secret.display());

    assert_eq!(
        text(&bench.shell(Unconfined, &script).await.stdout),
        "secretsecret"
    );
    for level in CONTAINED {
        let output = bench.shell(level, &script).await;
        assert_eq!(
            (output.status, text(&output.stdout)),
            (Status::Exited(1), "")
        );
    }
}

#[tokio::test]
async fn cannot_change_anything_but_the_workspace() {
    let bench = Bench::new();
    let outside = bench.outside.display();
    let script = format!(
        "for d in {outside} / /usr /usr/bin /etc /home /var /proc /proc/sys/kernel /dev; do \
         ( : > $d/mark ) 2>/dev/null && echo $d; done; :"
    );
    for level in CONTAINED {
        let output = bench.shell(level, &script).await;
        assert_eq!(
            (output.status, text(&output.stdout)),
            (Status::Exited(0), "")
        );
    }
    assert_eq!(fs::read_dir(&bench.outside).unwrap().count(), 0);
}

#[tokio::test]
async fn a_folder_to_read_can_be_read_and_not_written() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("say.sh");
    fs::write(&script, "echo said\n").unwrap();
    let missing = folder.path().join("missing");
    for level in CONTAINED {
        let line = format!("sh {0}; echo no > {0}; rm {0}", script.display());
        let command = Command::shell(line).read_only([folder.path().to_owned(), missing.clone()]);
        let output = bench.run(level, command).await;
        assert_eq!(output.stdout, b"said\n", "{output:?}");
        assert_eq!(fs::read_to_string(&script).unwrap(), "echo said\n");
    }
}

#[tokio::test]
async fn what_is_written_to_the_workspace_belongs_to_the_caller() {
    let bench = Bench::new();
    let owner = fs::metadata(&bench.workspace).unwrap();
    for level in [Unconfined, Relaxed, Strict] {
        let output = bench
            .shell(level, format!("echo {level} > made && pwd && id -u"))
            .await;
        assert_eq!(bench.read("made"), format!("{level}\n"));
        let made = fs::metadata(bench.workspace.join("made")).unwrap();
        assert_eq!((made.uid(), made.gid()), (owner.uid(), owner.gid()));
        let uid = if level == Unconfined {
            owner.uid()
        } else {
            1000
        };
        let said = format!("{}\n{uid}\n", bench.workspace.display());
        assert_eq!(text(&output.stdout), said);
    }
}

#[tokio::test]
async fn what_is_written_elsewhere_is_gone_with_the_run() {
    let bench = Bench::new();
    let writes = "for d in /tmp /var/tmp /run /dev/shm $HOME; do \
                  [ -e $d/mark ] && echo $d; echo x > $d/mark || exit 1; done";
    for _ in 0..2 {
        let output = bench.shell(Strict, writes).await;
        assert_eq!(
            (output.status, text(&output.stdout)),
            (Status::Exited(0), "")
        );
    }
}

#[tokio::test]
async fn does_not_reach_the_loopback_of_the_host() {
    let bench = Bench::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let connect = Command::new("/bin/bash")
        .arg("-c")
        .arg(format!("exec 3<>/dev/tcp/127.0.0.1/{port}"));

    assert!(
        bench
            .run(Unconfined, connect.clone())
            .await
            .status
            .success()
    );
    for level in CONTAINED {
        let output = bench.run(level, connect.clone()).await;
        assert_eq!(output.status, Status::Exited(1));
        assert!(text(&output.stderr).contains("refused"), "{output:?}");
    }
}

#[tokio::test]
async fn sees_no_process_of_the_host() {
    let bench = Bench::new();
    let script = "cat /proc/[0-9]*/cmdline | tr '\\0' ' '";
    let ours = std::env::current_exe().unwrap();
    let ours = ours.to_str().unwrap();

    assert!(text(&bench.shell(Unconfined, script).await.stdout).contains(ours));
    for level in CONTAINED {
        let output = bench.shell(level, script).await;
        assert!(text(&output.stdout).contains("cmdline"), "{output:?}");
        assert!(!text(&output.stdout).contains(ours), "{output:?}");
    }
}

#[tokio::test]
async fn has_neither_our_environment_nor_our_descriptors() {
    let bench = Bench::new();
    for level in CONTAINED {
        let command = Command::new("env").env("NOTE", "a b").env("TERM", "xterm");
        let output = bench.run(level, command).await;
        let mut lines: Vec<_> = text(&output.stdout).lines().collect();
        lines.sort_unstable();
        let pwd = format!("PWD={}", bench.workspace.display());
        let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        let expected = [
            "HOME=/home/agent",
            "LANG=C.UTF-8",
            "NOTE=a b",
            path,
            &pwd,
            "TERM=xterm",
        ];
        assert_eq!(lines, expected);

        // What this process was itself given without a flag to close it is beyond this crate.
        let output = bench
            .shell(level, "readlink /proc/self/fd/* | grep memfd; :")
            .await;
        assert_eq!(text(&output.stdout), "");
    }
}

#[tokio::test]
async fn has_only_the_login_variables_without_a_sandbox() {
    let bench = Bench::new();
    let output = bench
        .run(Unconfined, Command::new("env").env("NOTE", "x"))
        .await;
    let known = ["HOME", "LANG", "NOTE", "PATH", "PWD", "TERM", "USER"];
    for line in text(&output.stdout).lines() {
        assert!(known.contains(&line.split('=').next().unwrap()), "{line}");
    }
}

#[tokio::test]
async fn has_no_privileges_and_no_way_to_new_ones() {
    let bench = Bench::new();
    for level in CONTAINED {
        let status = bench.shell(level, "cat /proc/self/status").await;
        let lines: Vec<_> = text(&status.stdout)
            .lines()
            .filter(|line| line.starts_with("Cap") || line.starts_with("NoNewPrivs"))
            .map(|line| line.replace('\t', " "))
            .collect();
        let none = "0000000000000000";
        let caps = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"];
        let mut expected: Vec<_> = caps.iter().map(|cap| format!("{cap}: {none}")).collect();
        expected.push("NoNewPrivs: 1".to_owned());
        assert_eq!(lines, expected);
        assert!(!bench.shell(level, "unshare -U true").await.status.success());
    }
}

#[tokio::test]
async fn begins_in_the_directory_that_the_command_names() {
    let bench = Bench::new();
    fs::create_dir(bench.workspace.join("inner")).unwrap();
    let command = Command::new("pwd").cwd(bench.workspace.join("inner"));
    let output = bench.run(Strict, command).await;
    let inner = format!("{}/inner\n", bench.workspace.display());
    assert_eq!(text(&output.stdout), inner);

    let homeless = execute(&SandboxConfig::default(), &Command::new("pwd"))
        .await
        .unwrap();
    assert_eq!(text(&homeless.stdout), "/home/agent\n");
}

#[tokio::test]
async fn passes_arguments_and_input_unchanged() {
    let bench = Bench::new();
    let input: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    for level in [Unconfined, Relaxed, Strict] {
        let command = Command::new("cat").stdin(Stdin::Bytes(input.clone()));
        assert_eq!(bench.run(level, command).await.stdout, input);

        let args = ["a b", "", "$HOME", "--", "'\"\\"];
        let command = Command::new("printf").arg("<%s>").args(args);
        let output = bench.run(level, command).await;
        assert_eq!(text(&output.stdout), "<a b><><$HOME><--><'\"\\>");

        // A command that does not read its input is not in anybody's way.
        let command = Command::new("true").stdin(Stdin::Bytes(input.clone()));
        assert_eq!(bench.run(level, command).await.status, Status::Exited(0));
        assert_eq!(
            bench.run(level, Command::new("cat")).await.status,
            Status::Exited(0)
        );
    }
}

#[tokio::test]
async fn tells_codes_signals_and_missing_programs_apart() {
    let bench = Bench::new();
    for level in [Unconfined, Relaxed, Strict] {
        assert_eq!(
            bench.shell(level, "exit 42").await.status,
            Status::Exited(42)
        );
        assert_eq!(
            bench.shell(level, "kill -9 $$").await.status,
            Status::Signaled(9)
        );
        let missing = bench.run(level, Command::new("no-such-program")).await;
        assert_eq!(missing.status, Status::Exited(127));
        let output = bench.shell(level, "echo out; echo err >&2").await;
        assert_eq!(
            (text(&output.stdout), text(&output.stderr)),
            ("out\n", "err\n")
        );
        assert_eq!((output.level, output.truncated), (level, false));
    }
}

#[tokio::test]
async fn the_probe_names_the_bubblewrap_that_works() {
    let found = probe().await.unwrap();
    assert!(found.program.ends_with("bwrap"), "{found:?}");
    assert!(
        found
            .version
            .starts_with(|first: char| first.is_ascii_digit()),
        "{found:?}"
    );
}
