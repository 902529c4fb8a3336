//! What this machine has of the means that contain a command.

use std::path::PathBuf;

use openclaw_sandbox::{Availability, Command, Guard, Probe, Sandbox, SandboxConfig, SandboxError};
use serde::Serialize;

/// Every means, in the order in which a run meets them.
const GUARDS: [Guard; 4] = [
    Guard::Bubblewrap,
    Guard::Namespaces,
    Guard::Landlock,
    Guard::Seccomp,
];

/// What this machine has of the means that contain a command.
#[derive(Debug)]
pub struct Machine {
    /// The sandbox as it works, or why it does not.
    pub probe: Result<Probe, SandboxError>,
    /// What is missing; nothing is known of the rest where not even that can be told.
    pub missing: Option<Vec<Guard>>,
    /// Whether commands get a control group.
    pub groups: Availability,
    /// Whether this process runs as root, which the kernel's limits on processes do not hold for.
    pub is_root: bool,
}

/// One of the means, as people and scripts are told of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Means {
    /// What it is called.
    pub name: &'static str,
    /// Whether it is there; nothing where that cannot be told.
    pub present: Option<bool>,
    /// Which one it is, or why there is none.
    pub detail: String,
    /// How to get it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<&'static str>,
    /// Where its program is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
}

impl Means {
    /// Tells whether commands are refused without it; the others only limit what they use up.
    pub fn is_guard(&self) -> bool {
        GUARDS.iter().any(|guard| guard.as_str() == self.name)
    }
}

impl Machine {
    /// Runs a command that does nothing at level Strict, and once more without what is missing.
    pub async fn look() -> Self {
        let probe = openclaw_sandbox::probe().await;
        let missing = if probe.is_ok() {
            Some(Vec::new())
        } else {
            let sandbox = Sandbox::from_environment().allow_degraded();
            let config = SandboxConfig::default();
            let ran = sandbox.execute(&config, &Command::new("true")).await;
            ran.ok().map(|output| output.degraded)
        };
        let groups = tokio::task::spawn_blocking(Sandbox::control_groups).await;
        Self {
            probe,
            missing,
            groups: groups.unwrap_or(Availability::None(openclaw_sandbox::Obstacle::NotMounted)),
            is_root: is_root(),
        }
    }

    /// Returns what is known of each of the means.
    pub fn means(&self) -> Vec<Means> {
        let mut means: Vec<Means> = GUARDS.iter().map(|guard| self.guard(*guard)).collect();
        means.push(self.control_groups());
        means
    }

    fn guard(&self, guard: Guard) -> Means {
        let present = self
            .missing
            .as_ref()
            .map(|missing| !missing.contains(&guard));
        let program = match (guard, &self.probe) {
            (Guard::Bubblewrap, Ok(probe)) => Some(probe),
            _ => None,
        };
        let detail = match (present, program) {
            (_, Some(probe)) => format!("{} at {}", probe.version, probe.program.display()),
            (Some(true), None) => "there".to_owned(),
            (Some(false), None) => "missing".to_owned(),
            (None, None) => "not known".to_owned(),
        };
        Means {
            name: guard.as_str(),
            present,
            detail,
            remedy: (present == Some(false)).then(|| guard.remedy()),
            path: program.map(|probe| probe.program.clone()),
        }
    }

    fn control_groups(&self) -> Means {
        let (present, detail, remedy) = match &self.groups {
            Availability::V1 => (true, "version 1".to_owned(), None),
            Availability::V2 => (true, "version 2".to_owned(), None),
            Availability::None(obstacle) => (false, obstacle.to_string(), Some(obstacle.hint())),
        };
        Means {
            name: "control groups",
            present: Some(present),
            detail,
            remedy,
            path: None,
        }
    }

    /// Tells whether the limits on processes and memory of a whole command hold for nobody.
    pub fn is_root_without_groups(&self) -> bool {
        self.is_root && matches!(self.groups, Availability::None(_))
    }
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}
