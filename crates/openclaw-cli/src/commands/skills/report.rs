//! What is known of each skill, in the shape of TypeScript OpenClaw.

use std::path::{self, Path, PathBuf};

use openclaw_gateway::skills::{
    Barrier, BrokenSkill, ConfigCheck, InstallOption, Inventory, JudgedSkill, Needs,
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::CliError;

/// The fields of a row in a list.
const LISTED: [&str; 15] = [
    "name",
    "description",
    "emoji",
    "eligible",
    "disabled",
    "blockedByAllowlist",
    "blockedByAgentFilter",
    "modelVisible",
    "userInvocable",
    "commandVisible",
    "source",
    "bundled",
    "primaryEnv",
    "homepage",
    "missing",
];

/// All skills of an agent.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) agent: String,
    pub(super) workspace: PathBuf,
    pub(super) managed: PathBuf,
    pub(super) allowlist: Option<Vec<String>>,
    pub(super) rows: Vec<Row>,
    pub(super) broken: Vec<Broken>,
}

/// One skill.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the document has one field for each question that scripts ask"
)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) source: &'static str,
    pub(super) bundled: bool,
    pub(super) file_path: PathBuf,
    pub(super) base_dir: PathBuf,
    pub(super) skill_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) primary_env: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) emoji: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) homepage: Option<String>,
    pub(super) always: bool,
    pub(super) disabled: bool,
    pub(super) blocked_by_allowlist: bool,
    pub(super) blocked_by_agent_filter: bool,
    pub(super) eligible: bool,
    pub(super) platform_incompatible: bool,
    pub(super) model_visible: bool,
    pub(super) user_invocable: bool,
    pub(super) command_visible: bool,
    pub(super) requirements: Needs,
    pub(super) missing: Needs,
    pub(super) config_checks: Vec<ConfigCheck>,
    pub(super) install: Vec<InstallOption>,
}

/// A file that should be a skill and cannot be used.
#[derive(Debug, Serialize)]
pub(super) struct Broken {
    pub(super) path: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) column: Option<usize>,
    pub(super) message: String,
}

impl Report {
    pub(super) fn of(inventory: &Inventory) -> Self {
        Self {
            agent: inventory.agent.to_string(),
            workspace: absolute(&inventory.workspace),
            managed: absolute(&inventory.managed),
            allowlist: inventory.allowlist.clone(),
            rows: inventory.set.skills.iter().map(Row::of).collect(),
            broken: inventory.set.broken.iter().map(Broken::of).collect(),
        }
    }

    /// Returns the skills for which something holds.
    pub(super) fn those(&self, holds: impl Fn(&Row) -> bool) -> Vec<&Row> {
        self.rows.iter().filter(|row| holds(row)).collect()
    }
}

impl Row {
    fn of(judged: &JudgedSkill) -> Self {
        let (skill, verdict) = (&*judged.skill, &judged.verdict);
        Self {
            name: plain(&skill.name),
            description: plain(&skill.description),
            source: skill.origin.as_str(),
            bundled: skill.origin.is_bundled(),
            file_path: skill.file.clone(),
            base_dir: skill.folder.clone(),
            skill_key: plain(skill.key()),
            primary_env: skill.manifest.primary_env.as_deref().map(plain),
            emoji: skill.emoji.as_deref().map(plain),
            homepage: skill.homepage.as_deref().map(plain),
            always: skill.manifest.always,
            disabled: verdict.has(Barrier::Disabled),
            blocked_by_allowlist: verdict.has(Barrier::BundledList),
            blocked_by_agent_filter: verdict.has(Barrier::AgentList),
            eligible: verdict.is_eligible(),
            platform_incompatible: !verdict.missing.os.is_empty(),
            model_visible: judged.is_model_visible(),
            user_invocable: skill.user_invocable,
            command_visible: judged.is_command_visible(),
            requirements: verdict.requirements.clone(),
            missing: verdict.missing.clone(),
            config_checks: verdict.config_checks.clone(),
            install: verdict.install.clone(),
        }
    }

    /// Returns the fields that a list shows.
    pub(super) fn listed(&self) -> Result<Value, CliError> {
        let mut all = serde_json::to_value(self).map_err(CliError::Json)?;
        let fields = LISTED.iter().filter_map(|field| {
            let value = all.get_mut(*field).map(Value::take)?;
            Some(((*field).to_owned(), value))
        });
        Ok(Value::Object(fields.collect::<Map<_, _>>()))
    }

    /// Returns in a word whether the agent has it.
    pub(super) const fn status(&self) -> &'static str {
        if self.disabled {
            "disabled"
        } else if self.blocked_by_allowlist {
            "blocked"
        } else if self.blocked_by_agent_filter {
            "excluded"
        } else if self.eligible {
            "ready"
        } else {
            "needs setup"
        }
    }

    /// Tells whether only something that is missing keeps it away.
    pub(super) const fn lacks_something(&self) -> bool {
        !self.eligible && !self.disabled && !self.blocked_by_allowlist
    }

    /// Returns in one line what is missing.
    pub(super) fn lacking(&self) -> String {
        let kinds = self.missing.kinds();
        let kinds: Vec<String> = kinds
            .map(|(kind, names)| format!("{kind}: {}", names.join(", ")))
            .collect();
        kinds.join("; ")
    }
}

impl Broken {
    fn of(broken: &BrokenSkill) -> Self {
        let (line, column) = broken.place.unzip();
        Self {
            path: broken.path.clone(),
            line,
            column,
            message: broken.problem.to_string(),
        }
    }
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

fn absolute(folder: &Path) -> PathBuf {
    path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
}

/// Returns a text without control characters, but for tabs and line ends.
fn plain(text: &str) -> String {
    let kept = |c: &char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
    text.chars().filter(kept).collect()
}
