//! What a command may use up.

use std::{
    fs::{self, File},
    io::{BufReader, BufWriter, Read as _, Seek as _, Write as _},
    time::Duration,
};

use openclaw_sandbox::{
    CancellationToken, Chunk, Command, SandboxConfig,
    SandboxLevel::{None as Unconfined, Relaxed, Strict},
    Status, Stream, execute, launch,
};

use crate::bench::{Bench, text};

/// The signal for used-up processor time.
const SIGXCPU: i32 = 24;

/// Returns the most memory that this process ever had, in KiB.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn a_flood_of_output_is_cut_while_memory_stays_flat() {
    let bench = Bench::new();
    let limit = 100_000;
    for level in [Unconfined, Strict] {
        let script =
            "echo first; head -c 300000000 /dev/zero; echo last; head -c 200000 /dev/zero >&2";
        let before = peak_memory();
        let output = bench
            .run(level, Command::shell(script).output_bytes(limit))
            .await;
        let grown = peak_memory() - before;
        assert_eq!((output.status, output.truncated), (Status::Exited(0), true));
        assert!(output.stdout.starts_with(b"first\n"));
        assert!(output.stdout.ends_with(b"last\n"));
        for stream in [output.stdout, output.stderr] {
            assert!(
                (limit..limit + 100).contains(&stream.len()),
                "{}",
                stream.len()
            );
        }
        assert!(grown < 16 * 1024, "grew by {grown} KiB");
    }
}

#[tokio::test]
async fn no_more_than_the_limit_is_streamed() {
    let bench = Bench::new();
    let command = Command::shell("head -c 1000000 /dev/zero; echo end >&2").output_bytes(100_000);
    let mut run = launch(&bench.config(Strict), &command, CancellationToken::new())
        .await
        .unwrap();
    let mut streamed = 0;
    while let Some(chunk) = run.next_output().await {
        streamed += chunk.bytes.len();
    }
    assert_eq!(streamed, 100_000 + "end\n".len());
    assert!(run.wait().await.unwrap().truncated);
}

/// Writes `size` bytes without a period into the workspace, and opens them to compare with.
fn noise(bench: &Bench, size: usize) -> BufReader<File> {
    let path = bench.workspace.join("noise");
    let mut word = 0x9E37_79B9_7F4A_7C15_u64;
    let mut file = BufWriter::new(File::create(&path).unwrap());
    for _ in 0..size / 8 {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        file.write_all(&word.to_le_bytes()).unwrap();
    }
    file.flush().unwrap();
    BufReader::new(File::open(path).unwrap())
}

#[tokio::test]
async fn what_is_only_forwarded_passes_whole_while_memory_stays_flat() {
    const SIZE: usize = 96 << 20;
    let bench = Bench::new();
    let mut noise = noise(&bench, SIZE);
    let mut expected = Vec::new();
    for level in [Unconfined, Strict] {
        noise.rewind().unwrap();
        let before = peak_memory();
        let command = Command::shell("cat noise; echo end >&2")
            .kept_bytes(0)
            .forwarded_bytes(usize::MAX);
        let mut run = launch(&bench.config(level), &command, CancellationToken::new())
            .await
            .unwrap();
        let (mut passed, mut stderr) = (0, Vec::new());
        while let Some(Chunk { stream, bytes }) = run.next_output().await {
            if stream == Stream::Stderr {
                stderr.extend(bytes);
                continue;
            }
            expected.resize(bytes.len(), 0);
            noise.read_exact(&mut expected).unwrap();
            assert!(bytes == expected, "another byte after {passed}");
            passed += bytes.len();
        }
        assert_eq!((passed, text(&stderr)), (SIZE, "end\n"));
        let output = run.wait().await.unwrap();
        assert_eq!((output.status, output.truncated), (Status::Exited(0), true));
        let note = format!("\n[... {SIZE} bytes left out ...]\n");
        assert_eq!(text(&output.stdout), note);
        let grown = peak_memory() - before;
        assert!(grown < 16 * 1024, "grew by {grown} KiB");
    }
}

#[tokio::test]
async fn processor_time_runs_out() {
    let bench = Bench::new();
    for level in [Unconfined, Relaxed, Strict] {
        let config = SandboxConfig {
            max_cpu_time: Some(Duration::from_millis(300)),
            ..bench.config(level)
        };
        let output = execute(&config, &Command::shell("while :; do :; done"))
            .await
            .unwrap();
        assert_eq!(output.status, Status::Signaled(SIGXCPU));
    }
    let config = SandboxConfig {
        max_cpu_time: Some(Duration::from_millis(300)),
        ..bench.config(Strict)
    };
    let stubborn = Command::shell("trap '' XCPU; while :; do :; done");
    let output = execute(&config, &stubborn).await.unwrap();
    assert_eq!(output.status, Status::Signaled(9));
}

#[tokio::test]
async fn memory_runs_out() {
    let bench = Bench::new();
    let buffer = Command::new("dd").args(["if=/dev/zero", "of=/dev/null", "bs=256M", "count=1"]);
    for level in [Unconfined, Relaxed, Strict] {
        let config = SandboxConfig {
            max_memory: Some(64 << 20),
            ..bench.config(level)
        };
        let output = execute(&config, &buffer).await.unwrap();
        assert_eq!(output.status, Status::Exited(1), "{output:?}");
        assert!(text(&output.stderr).contains("memory"), "{output:?}");

        assert!(bench.run(level, buffer.clone()).await.status.success());
    }
}

#[tokio::test]
async fn limits_cannot_be_raised_again() {
    let bench = Bench::new();
    let script = "for l in '-t 100' '-d 1000000' '-c 100' '-n 100000'; do \
                  ulimit $l 2>/dev/null && echo $l; done; :";
    let config = SandboxConfig {
        max_cpu_time: Some(Duration::from_secs(10)),
        max_memory: Some(64 << 20),
        ..bench.config(Strict)
    };
    let output = execute(&config, &Command::shell(script)).await.unwrap();
    assert_eq!(
        (output.status, text(&output.stdout)),
        (Status::Exited(0), "")
    );
}
