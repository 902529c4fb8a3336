//! What others may see of the process: its memory, and the environment of what it starts.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use openclaw_testkit::{GatewayProcess, TestHome};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};

use crate::OPENCLAW;

#[tokio::test]
async fn the_gateway_can_neither_be_dumped_nor_looked_into() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let proc = format!("/proc/{}", gateway.pid());
    let limits = fs::read_to_string(format!("{proc}/limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let core: Vec<&str> = core.unwrap().split_whitespace().collect();
    assert_eq!(core[4..6], ["0", "0"]);
    // What the kernel does not let be dumped is root's to look at, whoever runs it.
    for name in ["environ", "mem", "maps"] {
        let owner = fs::metadata(format!("{proc}/{name}")).unwrap();
        assert_eq!(owner.uid(), 0, "{name}");
    }
}

#[test]
fn a_crash_leaves_no_core() {
    let mut home = TestHome::new();
    home.set_env("OPENCLAW_GATEWAY_TOKEN", "cnry-gateway-token-89abcdef");
    // As far as the test is concerned, there may be one.
    let limit = getrlimit(Resource::Core);
    let all = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Core, all).unwrap();
    for signal in [Signal::ABORT, Signal::BUS, Signal::SEGV] {
        let mut gateway = Command::new(OPENCLAW)
            .args(["gateway", "run", "--port", "0"])
            .current_dir(home.path())
            .env_clear()
            .env("HOME", home.path())
            .env("OPENCLAW_GATEWAY_TOKEN", "cnry-gateway-token-89abcdef")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        let mut stdout = BufReader::new(gateway.stdout.take().unwrap());
        stdout.read_line(&mut ready).unwrap();
        assert!(ready.starts_with("ready "), "{ready}");
        let pid = Pid::from_raw(gateway.id().try_into().unwrap()).unwrap();
        // The second one ends it where the first was taken by the guard of the stack.
        kill_process(pid, signal).unwrap();
        let status = loop {
            if let Some(status) = gateway.try_wait().unwrap() {
                break status;
            }
            kill_process(pid, signal).unwrap_or_default();
        };
        assert_eq!(status.signal(), Some(signal.as_raw()));
        assert!(!status.core_dumped(), "{status}");
        let files = fs::read_dir(home.path()).unwrap();
        let names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
        let core = |name: &std::ffi::OsString| name.to_string_lossy().starts_with("core");
        assert!(!names.iter().any(core), "{names:?}");
    }
}

#[tokio::test]
async fn no_secret_variable_reaches_a_command_at_any_level() {
    let mut home = TestHome::new();
    let canary = "cnry-environment-0123456789";
    for name in [
        "OPENCLAW_GATEWAY_TOKEN",
        "OPENCLAW_GATEWAY_PASSWORD",
        "OPENCLAW_CREDENTIALS_PASSWORD",
        "ANTHROPIC_API_KEY",
        "OPENAI_API_KEY",
        "SOME_OTHER_SECRET",
    ] {
        home.set_env(name, canary);
    }
    for level in ["strict", "relaxed", "none"] {
        let ran = home
            .command(OPENCLAW)
            .args(["sandbox", "exec", "--level", level, "--workspace"])
            .arg(home.workspace())
            .args(["--", "/bin/sh", "-c", "env; cat /proc/self/environ"])
            .run()
            .await
            .assert_code(0);
        assert!(ran.stdout.contains("HOME="), "{}", ran.stdout);
        assert!(!ran.stdout.contains(canary), "{level}: {}", ran.stdout);
    }
}
