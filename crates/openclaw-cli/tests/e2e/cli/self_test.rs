//! `openclaw sandbox test`: attempts to escape on this machine, and what they come to.

use std::fs;

use openclaw_testkit::{HomeCommand, TestHome};
use serde_json::Value;

use super::openclaw;

/// Attempts that are made in the sandbox only, because they would do harm outside or mean nothing.
const WITHOUT_CONTROL: [&str; 5] = [
    "limits.core-dump",
    "limits.temporary-files",
    "network.metadata",
    "secrets.descriptors",
    "secrets.variables",
];

/// Prepares the test, with everything temporary in one folder of the home's.
fn test(home: &mut TestHome, level: &str, flags: &[&str]) -> HomeCommand {
    let temporary = home.path().join("temporary");
    fs::create_dir_all(&temporary).unwrap();
    home.set_env("TMPDIR", temporary);
    // What the gateway knows by such a variable must not be known inside.
    home.set_env("OPENCLAW_GATEWAY_TOKEN", "a-token-of-the-gateway");
    openclaw(home, &["sandbox", "test", "--level", level]).args(flags)
}

/// Returns the ids of the attempts for which `name` is `value`.
fn ids<'a>(document: &'a Value, name: &str, value: &str) -> Vec<&'a str> {
    let attempts = document["data"]["attempts"].as_array().unwrap();
    attempts
        .iter()
        .filter(|attempt| attempt[name] == value)
        .map(|attempt| attempt["id"].as_str().unwrap())
        .collect()
}

/// Says what is left of the stages of the attempts.
fn leftovers(home: &TestHome) -> Vec<String> {
    let names = |folder| fs::read_dir(folder).unwrap().flatten();
    names(home.path().join("temporary"))
        .chain(names(home.path()))
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| name.contains("openclaw-sandbox-test"))
        .collect()
}

#[tokio::test]
async fn nothing_escapes_from_either_level_and_it_is_the_sandbox_that_holds_it() {
    for level in ["strict", "relaxed"] {
        let mut home = TestHome::new();
        let mut without_control = WITHOUT_CONTROL.to_vec();
        if level == "relaxed" {
            let state = home.state_dir();
            fs::create_dir_all(state.root()).unwrap();
            let own = state.config_file().with_file_name("openclaw-rs.json5");
            fs::write(own, "{ sandbox: { level: 'relaxed', network: 'proxy' } }").unwrap();
            without_control.extend(["network.proxy-loopback", "network.proxy-metadata"]);
        }
        let ran = test(&mut home, level, &["--json"]).run().await;
        let document = ran.json();
        let of = |name, value| ids(&document, name, value);
        assert_eq!(of("outcome", "escaped"), [""; 0], "{ran}");
        let ran = ran.assert_code(0);
        assert_eq!(document["data"]["level"], level);
        assert!(of("outcome", "refused").len() > 80, "{ran}");

        // A refusal means something where the same attempt succeeds without the sandbox.
        let mut untried = of("control", "untried");
        untried.sort_unstable();
        without_control.sort_unstable();
        assert_eq!(untried, without_control, "{ran}");
        assert_eq!(of("outcome", "skipped"), [""; 0], "{ran}");
        let (open, closed) = (of("control", "open"), of("control", "closed"));
        assert!(open.len() > closed.len(), "{ran}");
        assert_eq!(leftovers(&home), [""; 0]);
    }
}

#[tokio::test]
async fn without_a_sandbox_it_shows_what_is_open_and_does_not_succeed() {
    let mut home = TestHome::new();
    let ran = test(&mut home, "none", &[]).run().await.assert_code(1);
    for id in [
        "files.beside",
        "workspace.git-hook",
        "network.tcp",
        "processes.kill",
        "kernel.set-uid",
        "secrets.environment",
    ] {
        let line = ran.stdout.lines().find(|line| line.contains(id)).unwrap();
        assert!(line.starts_with("ESCAPED"), "{ran}");
    }
    // The limits hold at every level.
    for id in ["limits.memory", "limits.file-size", "limits.open-files"] {
        let line = ran.stdout.lines().find(|line| line.contains(id)).unwrap();
        assert!(line.starts_with("refused"), "{ran}");
    }
    assert!(ran.stdout.contains("SOMETHING ESCAPED"), "{ran}");
    assert_eq!(leftovers(&home), [""; 0]);
}

#[tokio::test]
async fn a_machine_without_bubblewrap_is_no_machine_on_which_nothing_escapes() {
    let mut home = TestHome::new();
    home.set_env("PATH", "/no/such/folder");
    let ran = test(&mut home, "strict", &[]).run().await.assert_code(6);
    assert_eq!(ran.stdout, "", "{ran}");
    assert!(ran.stderr.contains("bubblewrap"), "{ran}");
}
