//! Another process that uses a store: this test binary again, with a job in its environment.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use openclaw_core::credentials::CredentialStore;
use openclaw_core::env::Env;
use serde::{Deserialize, Serialize};

use super::{PASSWORD, key, secret};

const JOB: &str = "OPENCLAW_CREDENTIALS_JOB";
const TEST: &str = "credentials::process::a_process_does_its_job";

/// What the process does.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) path: PathBuf,
    /// What its records' names begin with.
    pub(super) name: String,
    /// How many it puts; each is read again, and the one that all processes share is put too.
    pub(super) puts: u32,
    /// The mask that the process takes away from the modes of new files.
    pub(super) mask: Option<u32>,
}

impl Job {
    #[expect(
        clippy::disallowed_methods,
        reason = "the process is this test again, which no sandbox may alter"
    )]
    pub(super) fn start(&self) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", TEST, "--quiet"])
            .env(JOB, serde_json::to_string(self).unwrap())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn run(&self) {
        if let Some(mask) = self.mask {
            rustix::process::umask(rustix::fs::Mode::from_raw_mode(mask));
        }
        let store = CredentialStore::open(&self.path, PASSWORD).unwrap();
        for n in 0..self.puts {
            let name = format!("{}-{n}", self.name);
            store.put(&name, &key(&name)).unwrap();
            store.put("shared", &key(&name)).unwrap();
            assert_eq!(secret(&store, &name), name);
        }
    }
}

#[test]
fn a_process_does_its_job() {
    if let Some(job) = Env::from_process().get(JOB) {
        serde_json::from_str::<Job>(job).unwrap().run();
    }
}
