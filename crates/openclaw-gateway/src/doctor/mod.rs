//! What is wrong with a home, why, and the command that repairs it.
//!
//! It looks at the config, the credential store, the sandbox, the event log and what OpenClaw left,
//! and changes nothing but for [`Patient::mend`]. The ids of the findings stay as they are.

mod config;
mod credentials;
mod finding;
mod sandbox;
mod sessions;
mod store;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use openclaw_core::EventStore;
use openclaw_core::env::Env;
use openclaw_core::events::StoreError;
use openclaw_core::state_dir::{Overrides, StateDir};
use openclaw_ipc::methods::{DoctorFinding, DoctorRunOutput, DoctorSeverity};
use serde::Serialize;

pub use self::finding::Finding;
use crate::home::Home;
use crate::vault::Vault;

/// The version of the document, which TypeScript OpenClaw's `doctor --lint` has too.
const SCHEMA_VERSION: u32 = 1;

/// What long work calls with how much of how much is done.
pub type Hear = Box<dyn FnMut(u64, u64) + Send>;

/// How much is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// What can be seen at a glance.
    Glance,
    /// Every event.
    Everything,
}

/// Whether repairs are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mending {
    /// They are.
    Really,
    /// It is only said what would be done.
    Rehearsal,
}

/// A home that is examined.
#[derive(Debug)]
pub struct Patient {
    state: StateDir,
    /// The environment of the process.
    env: Env,
    /// The flags by which another command finds the same home.
    flags: String,
    vault: Arc<Vault>,
    /// The event log, where somebody has it open already.
    log: Option<EventStore>,
}

/// One thing that was repaired, or would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Repair {
    /// The finding that it is for.
    pub check_id: &'static str,
    /// The file.
    pub path: PathBuf,
    /// What was done, or would be.
    pub message: String,
}

/// What came of repairing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mended {
    /// What was done, or would be.
    pub repairs: Vec<Repair>,
    /// Why not everything could be.
    pub failure: Option<Finding>,
    /// What the owner should know beyond that.
    pub warnings: Vec<String>,
}

impl Patient {
    /// Finds a home without touching the disk.
    pub fn of(state: StateDir, env: Env, overrides: &Overrides) -> Self {
        let vault = Arc::new(Vault::new(&state, env.clone()));
        Self {
            state,
            env,
            flags: overrides.flags(),
            vault,
            log: None,
        }
    }

    /// Takes the home of a gateway that runs, with the log that it has open.
    pub(crate) fn of_gateway(home: &Home, log: EventStore) -> Self {
        Self {
            state: home.state.clone(),
            env: home.process_env().clone(),
            flags: home.flags().to_owned(),
            vault: home.shared_vault(),
            log: Some(log),
        }
    }

    /// Writes the config in the current form and keeps it from other people's eyes, or says that it
    /// would.
    pub async fn mend(&self, mending: Mending) -> Mended {
        config::mend(self, mending).await
    }

    /// Looks at everything; nothing is changed. `found` is what is known already, and `hear` is told
    /// how far the check of the whole log is.
    pub async fn examine(
        &self,
        depth: Depth,
        found: Option<Finding>,
        hear: Hear,
    ) -> DoctorRunOutput {
        let (checks, of_store) = store::check(self, depth, hear).await;
        let run = [
            config::CHECKS,
            credentials::CHECKS,
            sandbox::CHECKS,
            sessions::CHECKS,
        ];
        // What is wrong with the config is told by its check.
        let vault = Arc::clone(&self.vault);
        let home = Home::read(self.state.clone(), self.env.clone(), vault).ok();
        let mut findings: Vec<Finding> = found.into_iter().collect();
        findings.extend(config::check(self).await);
        findings.extend(credentials::check(&self.vault).await);
        findings.extend(sandbox::check(self, home.as_ref()).await);
        findings.extend(of_store);
        findings.extend(sessions::check(self).await);
        let ok = findings
            .iter()
            .all(|finding| finding.severity == DoctorSeverity::Info);
        DoctorRunOutput {
            schema_version: SCHEMA_VERSION,
            ok,
            checks_run: run.into_iter().fold(checks.run, u32::saturating_add),
            checks_skipped: checks.skipped,
            findings: findings.into_iter().map(DoctorFinding::from).collect(),
            caps: home.map(|home| home.caps_that_hold()).unwrap_or_default(),
        }
    }

    /// Returns the event log if there is one; who only looks does not make it.
    fn log(&self) -> Result<Option<EventStore>, StoreError> {
        if let Some(log) = &self.log {
            return Ok(Some(log.clone()));
        }
        let log = self.state.event_log();
        log.exists().then(|| EventStore::open(&log)).transpose()
    }
}

/// Returns a path as a shell takes it.
pub fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%".contains(c);
    if text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_quoted_where_a_shell_would_split_it() {
        assert_eq!(quoted(Path::new("/a/b.c")), "/a/b.c");
        assert_eq!(quoted(Path::new("/a b/it's")), r"'/a b/it'\''s'");
    }
}
