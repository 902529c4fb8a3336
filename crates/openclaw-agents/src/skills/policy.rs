//! What the config and the machine say about skills, and what that means for each.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use openclaw_core::env::{Env, PATH};
use serde::Serialize;

use super::install::{self, InstallOption, InstallPreferences};
use super::manifest::Requires;
use super::skill::Skill;

/// Says whether a path of the config is set to something.
pub type IsSet = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// What decides which skills an agent is offered.
#[derive(Clone)]
pub struct Policy {
    /// `skills.entries`.
    pub entries: BTreeMap<String, EntryPolicy>,
    /// `skills.allowBundled`; all, if empty.
    pub allow_bundled: BTreeSet<String>,
    /// The skills that the agent may have (`skills` of the agent or of `agents.defaults`); all,
    /// if there is no list.
    pub allowlist: Option<Vec<String>>,
    /// `skills.install`.
    pub install: InstallPreferences,
    /// The environment.
    pub env: Env,
    /// Answers `requires.config`.
    pub is_set: IsSet,
    /// The system, as OpenClaw names it.
    pub platform: &'static str,
}

/// One entry of `skills.entries`. Its secrets are not here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryPolicy {
    /// Whether the skill is switched off.
    pub disabled: bool,
    /// The variables that the entry gives a value.
    pub env: BTreeSet<String>,
    /// Whether the entry has an API key.
    pub has_api_key: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            allow_bundled: BTreeSet::new(),
            allowlist: None,
            install: InstallPreferences::default(),
            env: Env::default(),
            is_set: Arc::new(|_path| false),
            platform: this_platform(),
        }
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("entries", &self.entries)
            .field("allow_bundled", &self.allow_bundled)
            .field("allowlist", &self.allowlist)
            .field("platform", &self.platform)
            .finish_non_exhaustive()
    }
}

/// What a skill needs, or lacks, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Needs {
    /// Programs, all of them.
    pub bins: Vec<String>,
    /// Programs, any of them.
    pub any_bins: Vec<String>,
    /// Environment variables.
    pub env: Vec<String>,
    /// Paths of the config.
    pub config: Vec<String>,
    /// Systems, any of them.
    pub os: Vec<String>,
}

impl Needs {
    /// Returns the kinds that are not empty, each with its name and its entries.
    pub fn kinds(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        [
            ("bins", &self.bins),
            ("anyBins", &self.any_bins),
            ("env", &self.env),
            ("config", &self.config),
            ("os", &self.os),
        ]
        .into_iter()
        .filter(|(_, entries)| !entries.is_empty())
        .map(|(kind, entries)| (kind, entries.as_slice()))
    }

    /// Tells whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.kinds().next().is_none()
    }
}

/// Whether a path of the config is set to something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigCheck {
    /// The path.
    pub path: String,
    /// Whether it is.
    pub satisfied: bool,
}

/// What of the config keeps a skill away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Barrier {
    /// Its entry switches it off.
    Disabled,
    /// It is not on the list of bundled skills.
    BundledList,
    /// It is not on the agent's list.
    AgentList,
}

/// What the policy says about one skill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What of the config keeps it away.
    pub barriers: BTreeSet<Barrier>,
    /// What it needs.
    pub requirements: Needs,
    /// What of that is not there.
    pub missing: Needs,
    /// Each path of the config that it needs.
    pub config_checks: Vec<ConfigCheck>,
    /// How to get what is missing.
    pub install: Vec<InstallOption>,
}

impl Verdict {
    /// Tells whether the skill can be used here, whichever agent asks.
    pub fn is_eligible(&self) -> bool {
        let kept_from_all = [Barrier::Disabled, Barrier::BundledList];
        self.missing.is_empty() && !kept_from_all.iter().any(|barrier| self.has(*barrier))
    }

    /// Tells whether this keeps the skill away.
    pub fn has(&self, barrier: Barrier) -> bool {
        self.barriers.contains(&barrier)
    }

    /// Tells whether the agent may use it.
    pub fn is_offered(&self) -> bool {
        self.is_eligible() && !self.has(Barrier::AgentList)
    }
}

impl Policy {
    /// Judges one skill.
    pub fn judge(&self, skill: &Skill) -> Verdict {
        let entry = self.entries.get(skill.key());
        let listed = |list: &BTreeSet<String>| {
            list.is_empty() || list.contains(skill.key()) || list.contains(&skill.name)
        };
        let allowed = |list: &Vec<String>| list.contains(&skill.name);
        let Requires {
            bins,
            any_bins,
            env,
            config,
        } = skill.manifest.requires.clone();
        let requirements = Needs {
            bins,
            any_bins,
            env,
            config,
            os: skill.manifest.os.clone(),
        };
        let config_checks: Vec<ConfigCheck> = requirements
            .config
            .iter()
            .map(|path| ConfigCheck {
                path: path.clone(),
                satisfied: (self.is_set)(path),
            })
            .collect();
        let barriers = [
            (Barrier::Disabled, entry.is_some_and(|entry| entry.disabled)),
            (
                Barrier::BundledList,
                skill.origin.is_bundled() && !listed(&self.allow_bundled),
            ),
            (
                Barrier::AgentList,
                !self.allowlist.as_ref().is_none_or(allowed),
            ),
        ];
        Verdict {
            barriers: barriers
                .into_iter()
                .filter_map(|(barrier, stands)| stands.then_some(barrier))
                .collect(),
            missing: self.missing(skill, &requirements, &config_checks),
            requirements,
            config_checks,
            install: self.install_options(skill),
        }
    }

    fn missing(&self, skill: &Skill, needs: &Needs, checks: &[ConfigCheck]) -> Needs {
        let here = system(self.platform);
        let os_fits = needs.os.is_empty() || needs.os.iter().any(|os| system(os) == here);
        let os = if os_fits {
            Vec::new()
        } else {
            needs.os.clone()
        };
        if skill.manifest.always {
            return Needs {
                os,
                ..Needs::default()
            };
        }
        let lacking = |names: &[String], there: &dyn Fn(&str) -> bool| -> Vec<String> {
            names.iter().filter(|name| !there(name)).cloned().collect()
        };
        let any = needs.any_bins.is_empty() || needs.any_bins.iter().any(|bin| self.has_bin(bin));
        Needs {
            bins: lacking(&needs.bins, &|bin| self.has_bin(bin)),
            any_bins: if any {
                Vec::new()
            } else {
                needs.any_bins.clone()
            },
            env: lacking(&needs.env, &|name| self.has_env(skill, name)),
            config: checks
                .iter()
                .filter(|check| !check.satisfied)
                .map(|check| check.path.clone())
                .collect(),
            os,
        }
    }

    /// A variable is there, or the skill's entry gives it a value.
    fn has_env(&self, skill: &Skill, name: &str) -> bool {
        let is_set = self
            .env
            .get(name)
            .is_some_and(|value| !value.trim().is_empty());
        let entry = self.entries.get(skill.key());
        is_set
            || entry.is_some_and(|entry| {
                let primary = skill.manifest.primary_env.as_deref() == Some(name);
                entry.env.contains(name) || (primary && entry.has_api_key)
            })
    }

    /// Tells whether a program is on the search path.
    fn has_bin(&self, name: &str) -> bool {
        let Some(path) = self.env.get_os(PATH.name) else {
            return false;
        };
        std::env::split_paths(path)
            .filter(|folder| !folder.as_os_str().is_empty())
            .any(|folder| is_program(&folder.join(name)))
    }

    fn install_options(&self, skill: &Skill) -> Vec<InstallOption> {
        let os = &skill.manifest.os;
        if !os.is_empty() && !os.iter().any(|os| os == self.platform) {
            return Vec::new();
        }
        install::options(
            &skill.manifest.install,
            self.platform,
            &self.install,
            || self.has_bin("brew"),
        )
    }
}

/// Returns the system that this program runs on, as OpenClaw names it.
pub fn this_platform() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    }
}

fn system(name: &str) -> String {
    match name.trim().to_lowercase().as_str() {
        "macos" => "darwin".to_owned(),
        other => other.to_owned(),
    }
}

fn is_program(path: &Path) -> bool {
    let Ok(about) = path.metadata() else {
        return false;
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        about.is_file() && about.permissions().mode() & 0o111 != 0
    }
    #[cfg(not(unix))]
    about.is_file()
}
