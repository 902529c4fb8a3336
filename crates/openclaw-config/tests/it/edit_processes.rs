//! Processes that edit the same config, or are killed while they do.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use openclaw_config::KeyPath;
use openclaw_config::document::Document;
use openclaw_config::edit::ConfigFile;
use openclaw_core::env::Env;
use serde_json::{Value, json};

/// The variable that holds what an editing process does: `<config> <key> <edits>`.
const JOB: &str = "OPENCLAW_EDIT_JOB";
/// The test below that does it.
const TEST: &str = "edit_processes::an_editor_does_its_job";
/// How many edits a process makes.
const EDITS: u32 = 60;
/// How often a process is killed.
const KILLS: usize = 12;

const CONFIG: &str = "// A config.\n{\n  // Counted here.\n  counts: {},\n  log: [],\n}\n";

#[expect(
    clippy::disallowed_methods,
    reason = "this test binary starts itself, to have processes to compete"
)]
fn editor(config: &Path, key: &str, edits: u32) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture", "--test-threads=1"])
        .env(JOB, format!("{} {key} {edits}", config.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn edit_once(config: &ConfigFile, key: &str) {
    let at: KeyPath = ["counts", key].into_iter().collect();
    config
        .edit(
            |draft| {
                let count = draft.value()["counts"][key].as_u64().unwrap_or(0);
                let length = draft.value()["log"].as_array().unwrap().len();
                let next: KeyPath = ["log".to_owned(), length.to_string()].iter().collect();
                draft.set(&at, &json!(count + 1))?;
                draft.set(&next, &json!(key))
            },
            |_| Ok(()),
        )
        .unwrap();
}

#[test]
fn an_editor_does_its_job() {
    let env = Env::from_process();
    let Some(job) = env.get(JOB) else { return };
    let [config, key, edits] = job.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{job}")
    };
    let config = ConfigFile::new(PathBuf::from(config), Env::default());
    for _ in 0..edits.parse::<u32>().unwrap() {
        edit_once(&config, key);
        println!("edited");
    }
}

fn value(config: &Path) -> Value {
    Document::parse(&fs::read_to_string(config).unwrap())
        .unwrap()
        .value()
}

fn counted(value: &Value, key: &str) -> usize {
    let log = value["log"].as_array().unwrap();
    log.iter().filter(|entry| **entry == key).count()
}

#[test]
fn two_processes_at_once_lose_no_edit() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("openclaw.json");
    fs::write(&config, CONFIG).unwrap();
    let keys = ["a", "b", "c"];
    let editors = keys.map(|key| editor(&config, key, EDITS));
    for editor in editors {
        let output = editor.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stdout)
        );
    }
    let value = value(&config);
    assert_eq!(value["counts"], json!({"a": EDITS, "b": EDITS, "c": EDITS}));
    assert_eq!(
        keys.map(|key| counted(&value, key)),
        [usize::try_from(EDITS).unwrap(); 3]
    );
    let text = fs::read_to_string(&config).unwrap();
    assert!(text.starts_with("// A config.\n{\n  // Counted here.\n  counts: {\n"));
    assert!(!dir.path().join("openclaw.json.lock").exists());
}

#[test]
fn a_process_killed_while_editing_leaves_a_whole_config_and_no_lock() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("openclaw.json");
    fs::write(&config, CONFIG).unwrap();
    for round in 0..KILLS {
        let mut editor = editor(&config, "a", u32::MAX);
        let lines = BufReader::new(editor.stdout.take().unwrap()).lines();
        let edits = lines
            .map(|line| line.unwrap())
            .filter(|line| line.contains("edited"));
        assert_eq!(edits.take(round % 5 + 1).count(), round % 5 + 1);
        editor.kill().unwrap();
        editor.wait().unwrap();
        let value = value(&config);
        assert_eq!(value["counts"]["a"], counted(&value, "a"));
    }
    edit_once(&ConfigFile::new(&config, Env::default()), "b");
    assert_eq!(value(&config)["counts"]["b"], 1);
}
