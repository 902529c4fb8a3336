//! A process that is killed at every step of every change leaves the old or the new, and nothing else.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use super::super::kdf::Kdf;
use super::{Home, PASSWORD, fault, get, names, open, put};
use crate::credentials::CredentialError;
use crate::env::Env;
use crate::sealing::SealingKey;

const JOB: &str = "OPENCLAW_CREDENTIALS_JOB";
const CHILD: &str = "credentials::tests::kill::a_process_takes_the_steps_that_it_may";
const OTHER: &str = "another horse";

/// What a process does before it is killed.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Act {
    Create,
    Put,
    Add,
    Remove,
    Rotate,
    Upgrade,
}

#[derive(Debug, Serialize, Deserialize)]
struct Job {
    path: PathBuf,
    act: Act,
    steps: u32,
}

impl Job {
    fn run(&self) {
        let before = || open(&self.path, PASSWORD).unwrap();
        match self.act {
            Act::Create | Act::Upgrade => {
                fault::allow(self.steps);
                drop(before());
            }
            Act::Put | Act::Add => {
                let name = if matches!(self.act, Act::Put) {
                    "anthropic"
                } else {
                    "added"
                };
                let store = before();
                fault::allow(self.steps);
                put(&store, name, "two");
            }
            Act::Remove => {
                let store = before();
                fault::allow(self.steps);
                assert!(store.remove("anthropic").unwrap());
            }
            Act::Rotate => {
                let mut store = before();
                fault::allow(self.steps);
                store.rotate(OTHER).unwrap();
            }
        }
        fault::allow(u32::MAX);
    }

    /// Runs it in another process; returns whether that lived to the end.
    #[expect(
        clippy::disallowed_methods,
        reason = "the process is this test again, and is to die as it would outside of a sandbox"
    )]
    fn survives(&self) -> bool {
        let status = Command::new(std::env::current_exe().unwrap())
            .args([CHILD, "--exact", "--quiet"])
            .env(JOB, serde_json::to_string(self).unwrap())
            .stdout(Stdio::null())
            .status()
            .unwrap();
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        assert!(
            status.success() || signal == Some(9),
            "it ended with {status}"
        );
        status.success()
    }
}

#[test]
fn a_process_takes_the_steps_that_it_may() {
    if let Some(job) = Env::from_process().get(JOB) {
        serde_json::from_str::<Job>(job).unwrap().run();
    }
}

/// Kills a process after each number of steps; `prepare` makes the folder, `check` looks at what is
/// left and tells whether it is the new.
fn at_every_step(act: Act, prepare: impl Fn(&Path), check: impl Fn(&Path) -> bool) {
    let (mut old, mut new) = (0, 0);
    for steps in 0.. {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("credentials");
        prepare(&path);
        let job = Job { path, act, steps };
        let survived = job.survives();
        let is_new = check(&job.path);
        assert!(is_new || !survived, "{act:?} is done and cannot be seen");
        assert!(is_new || new == 0, "{act:?} went back at step {steps}");
        let tidy = |name: &String| !name.ends_with("+next");
        assert!(names(&job.path).iter().all(tidy), "{act:?}, step {steps}");
        *(if is_new { &mut new } else { &mut old }) += 1;
        if survived {
            break;
        }
    }
    assert!(old > 3 && new > 1, "{act:?}: {old} before and {new} after");
}

fn two_records(path: &Path) {
    let home = Home::new();
    std::fs::create_dir(path).unwrap();
    for name in names(&home.path()) {
        std::fs::copy(home.file(&name), path.join(name)).unwrap();
    }
}

#[test]
fn a_new_store_is_there_or_can_be_made() {
    at_every_step(
        Act::Create,
        |_| {},
        |path| {
            let there = path.join("master.salt").exists();
            let store = open(path, PASSWORD).unwrap();
            put(&store, "a", "b");
            assert_eq!(get(&open(path, PASSWORD).unwrap(), "a"), "b");
            there
        },
    );
}

#[test]
fn a_put_leaves_the_old_value_or_the_new_one() {
    at_every_step(Act::Put, two_records, |path| {
        let store = open(path, PASSWORD).unwrap();
        assert_eq!(get(&store, "openai"), "sk-oai-one");
        let value = get(&store, "anthropic");
        put(&store, "anthropic", "three");
        assert_eq!(get(&store, "anthropic"), "three");
        assert!(["sk-ant-one", "two"].contains(&&*value), "{value}");
        value == "two"
    });
}

#[test]
fn a_handle_that_was_open_before_sees_the_old_value_or_the_new_one() {
    for steps in 0..12 {
        let home = Home::new();
        let job = Job {
            path: home.path(),
            act: Act::Put,
            steps,
        };
        job.survives();
        let value = get(&home.store, "anthropic");
        assert!(["sk-ant-one", "two"].contains(&&*value), "{value}");
        assert_eq!(home.store.list().unwrap().len(), 2);
    }
}

#[test]
fn a_first_put_leaves_the_value_or_none() {
    at_every_step(Act::Add, two_records, |path| {
        let store = open(path, PASSWORD).unwrap();
        assert_eq!(get(&store, "anthropic"), "sk-ant-one");
        let is_new = match store.get("added") {
            Ok(secret) => secret.expose_secret() == "two",
            Err(CredentialError::NoSuchRecord(_)) => false,
            Err(err) => panic!("{err}"),
        };
        put(&store, "added", "three");
        assert_eq!(store.list().unwrap().len(), 3);
        is_new
    });
}

#[test]
fn a_removal_leaves_the_value_or_no_file() {
    at_every_step(Act::Remove, two_records, |path| {
        let store = open(path, PASSWORD).unwrap();
        assert_eq!(get(&store, "openai"), "sk-oai-one");
        let is_new = match store.get("anthropic") {
            Ok(secret) => secret.expose_secret() != "sk-ant-one",
            Err(CredentialError::NoSuchRecord(_)) => true,
            Err(err) => panic!("{err}"),
        };
        assert_eq!(path.join("anthropic.enc").exists(), !is_new);
        put(&store, "anthropic", "three");
        assert_eq!(get(&store, "anthropic"), "three");
        is_new
    });
}

#[test]
fn a_rotation_leaves_the_old_password_or_the_new_one() {
    at_every_step(Act::Rotate, two_records, |path| {
        let old = open(path, PASSWORD);
        let new = open(path, OTHER);
        let is_new = new.is_ok();
        let (store, refused) = if is_new { (new, old) } else { (old, new) };
        let wrong = matches!(refused, Err(CredentialError::WrongPassword { .. }));
        assert!(wrong, "{refused:?}");
        let store = store.unwrap();
        assert_eq!(get(&store, "anthropic"), "sk-ant-one");
        assert_eq!(get(&store, "openai"), "sk-oai-one");
        is_new
    });
}

#[test]
fn an_upgrade_loses_nothing() {
    let key = Kdf::DEFAULT.derive(PASSWORD.into(), &[7; 16]).unwrap();
    let first_form = |path: &Path, key: &SealingKey| {
        std::fs::create_dir(path).unwrap();
        std::fs::write(path.join("master.salt"), "BwcHBwcHBwcHBwcHBwcHBw").unwrap();
        for (name, secret) in [("anthropic", "sk-ant-one"), ("openai", "sk-oai-one")] {
            let sealed = key.seal(b"", secret.as_bytes()).unwrap();
            std::fs::write(path.join(name).with_extension("enc"), sealed).unwrap();
        }
    };
    at_every_step(
        Act::Upgrade,
        |path| first_form(path, &key),
        |path| {
            let is_new = std::fs::metadata(path.join("master.salt")).unwrap().len() > 100;
            let store = open(path, PASSWORD).unwrap();
            assert_eq!(get(&store, "anthropic"), "sk-ant-one");
            assert_eq!(get(&store, "openai"), "sk-oai-one");
            is_new
        },
    );
}
