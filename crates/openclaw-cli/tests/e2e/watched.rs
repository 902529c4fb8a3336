//! The binary while it runs: what it prints so far, and a signal to it.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};

use openclaw_testkit::{Ran, TestHome};
use rustix::fs::{CWD, Mode, mkfifoat};
use rustix::process::{Pid, Signal, kill_process};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::OPENCLAW;

/// A command of the binary that has been started and not been waited for.
#[derive(Debug)]
pub(crate) struct Watched {
    pid: Pid,
    out: BufReader<File>,
    ran: JoinHandle<Ran>,
}

impl Watched {
    /// Starts the binary with a pipe for its standard output.
    pub(crate) async fn start(home: &TestHome, args: &[&str]) -> Self {
        let pipe = home.path().join("pipe");
        mkfifoat(CWD, &pipe, Mode::from_raw_mode(0o600)).unwrap();
        // The shell becomes the binary, so its process id is the binary's.
        let script = "exec > \"$HOME/pipe\" && echo $$ && exec \"$0\" \"$@\"";
        let ran = home
            .command("/bin/sh")
            .args(["-c", script, OPENCLAW])
            .args(args);
        let ran = tokio::spawn(ran.run());
        let opened = spawn_blocking(move || {
            let mut out = BufReader::new(File::open(&pipe).unwrap());
            fs::remove_file(pipe).unwrap();
            let mut line = String::new();
            out.read_line(&mut line).unwrap();
            (line.trim().parse().unwrap(), out)
        });
        let (pid, out) = opened.await.unwrap();
        let pid = Pid::from_raw(pid).unwrap();
        Self { pid, out, ran }
    }

    /// Returns what it prints until that ends with `end`.
    pub(crate) async fn read_until(mut self, end: &'static str) -> (String, Self) {
        let reading = spawn_blocking(move || {
            let mut said = String::new();
            while !said.ends_with(end) {
                assert!(self.out.read_line(&mut said).unwrap() > 0, "{said}");
            }
            (said, self)
        });
        reading.await.unwrap()
    }

    /// Sends a signal and waits for the end; standard output is what had not been read.
    pub(crate) async fn end_by(mut self, signal: Signal) -> Ran {
        kill_process(self.pid, signal).unwrap();
        let rest = spawn_blocking(move || std::io::read_to_string(&mut self.out).unwrap());
        let mut ran = self.ran.await.unwrap();
        ran.stdout = rest.await.unwrap();
        ran
    }
}
