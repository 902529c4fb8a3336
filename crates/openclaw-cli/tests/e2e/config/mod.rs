//! `openclaw config` and what `doctor` says about the config, with the real binary.

mod changing;
mod doctor;
mod odd;
mod reading;
mod refusing;
mod together;
mod validating;

use std::fs;
use std::path::PathBuf;

use openclaw_testkit::{HomeCommand, Ran, TestHome};
use serde_json::Value;

use crate::OPENCLAW;

/// A config as people write them: comments, trailing commas, all kinds of quotes.
pub(super) const COMMENTED: &str = include_str!("commented.json5");

/// What no command may print of it.
const CANARY: &str = "the-canary";

/// A config that OpenClaw of February 2026 accepts, and OpenClaw 2026.9 does not.
pub(super) const FEBRUARY: &str = "\
{
  // from the spring
  routing: { groupChat: { mentionPatterns: ['@claw'] } },
  gateway: { port: 18789 },
}
";

/// The forms of the seed document.
pub(super) const SEED: &str = r#"{
  channels: {
    telegram: {
      "bot_token": "1:the-canary",
      "allowlist": [ { "kind": "PeerId", "value": "123456789" }, { "kind": "GroupId", "value": "-1001234567890" } ],
      // who answers
      "routing": [
        { "priority": 100, "match": { "kind": "Keyword", "value": "/code" }, "target": "main" },
        { "priority": 0, "match": { "kind": "Always" }, "target": "default" },
      ],
    },
  },
}
"#;

/// A home with a config.
pub(super) fn home_with(config: &str) -> TestHome {
    let home = TestHome::new();
    home.write_config(config);
    home
}

pub(super) fn config(home: &TestHome, args: &[&str]) -> HomeCommand {
    home.command(OPENCLAW).arg("config").args(args)
}

/// Runs a command, which may print no secret.
pub(super) async fn ran(home: &TestHome, args: &[&str]) -> Ran {
    let ran = config(home, args).run().await;
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(!said.contains(CANARY), "{ran}");
    ran
}

/// Runs a command that has to work.
pub(super) async fn fine(home: &TestHome, args: &[&str]) {
    drop(ran(home, args).await.assert_code(0));
}

/// Runs a command that has to fail as commands about the config do.
pub(super) async fn fails(home: &TestHome, args: &[&str]) {
    drop(ran(home, args).await.assert_code(1));
}

pub(super) fn file(home: &TestHome) -> PathBuf {
    home.state_dir().config_file().to_owned()
}

pub(super) fn text(home: &TestHome) -> String {
    fs::read_to_string(file(home)).unwrap()
}

/// Returns the names of the files beside the config, and the config.
pub(super) fn beside(home: &TestHome) -> Vec<String> {
    let entries = fs::read_dir(home.state_dir().root()).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Returns the lines that differ, as `-old` and `+new`.
pub(super) fn difference(before: &str, after: &str) -> Vec<String> {
    let (old, new): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - head;
    let pairs = old.iter().rev().zip(new.iter().rev()).take(rest);
    let tail = pairs.take_while(|(a, b)| a == b).count();
    let gone = old[head..old.len() - tail]
        .iter()
        .map(|line| format!("-{line}"));
    let come = new[head..new.len() - tail]
        .iter()
        .map(|line| format!("+{line}"));
    gone.chain(come).collect()
}

/// Returns the paths of the issues of a document.
pub(super) fn paths(document: &Value, member: &str) -> Vec<String> {
    let issues = document[member].as_array();
    let issues = issues.unwrap_or_else(|| panic!("no {member} in {document:#}"));
    let path = |issue: &Value| issue["path"].as_str().unwrap().to_owned();
    issues.iter().map(path).collect()
}
