//! Params and output of the method about the skills of an agent.
//!
//! The members have the names that TypeScript OpenClaw gives them, whose scripts read them.

use std::fmt;

use openclaw_core::AgentId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Params of `skills.list`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SkillsListParams {
    /// The agent; the default agent unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
}

/// Output of `skills.list`: the skills of an agent, whether it has them or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkillsListOutput {
    /// The agent.
    pub agent_id: AgentId,
    /// Its workspace, which may have skills of its own.
    pub workspace_dir: String,
    /// The folder of skills for all agents.
    pub managed_skills_dir: String,
    /// The skills that the agent may have, where the config lists them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_skill_filter: Option<Vec<String>>,
    /// The skills.
    pub skills: Vec<SkillRow>,
    /// The files that should be skills and cannot be used.
    pub broken: Vec<BrokenSkillFile>,
}

/// One skill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the document has one field for each question that clients ask"
)]
pub struct SkillRow {
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The kind of folder that it comes from.
    pub source: String,
    /// Whether it comes with the program.
    pub bundled: bool,
    /// Its file.
    pub file_path: String,
    /// The folder of that file.
    pub base_dir: String,
    /// Its key in `skills.entries`.
    pub skill_key: String,
    /// The environment variable that has its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_env: Option<String>,
    /// The sign that is shown with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
    /// Where more is said about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    /// Whether it is there whatever it needs.
    pub always: bool,
    /// Whether its entry in the config switches it off.
    pub disabled: bool,
    /// Whether it is missing from the list of bundled skills.
    pub blocked_by_allowlist: bool,
    /// Whether it is missing from the agent's list.
    pub blocked_by_agent_filter: bool,
    /// Whether it has what it needs, and nothing switches it off.
    pub eligible: bool,
    /// Whether it is for other systems than this one.
    pub platform_incompatible: bool,
    /// Whether the model is told of it.
    pub model_visible: bool,
    /// Whether people may call it by its name.
    pub user_invocable: bool,
    /// Whether people are offered it as a command.
    pub command_visible: bool,
    /// What it needs.
    pub requirements: SkillNeeds,
    /// What of that is not there.
    pub missing: SkillNeeds,
    /// The settings that it needs, and whether each is set.
    pub config_checks: Vec<SkillConfigCheck>,
    /// How to get what is missing.
    pub install: Vec<SkillInstallOption>,
}

/// What a skill needs, or lacks, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkillNeeds {
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

/// Whether a path of the config is set to something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SkillConfigCheck {
    /// The path.
    pub path: String,
    /// Whether it is.
    pub satisfied: bool,
}

/// A way to get what a skill lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SkillInstallOption {
    /// Its id.
    pub id: String,
    /// The installer.
    pub kind: String,
    /// What to call it.
    pub label: String,
    /// The programs that come with it.
    pub bins: Vec<String>,
}

/// A file that should be a skill and cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BrokenSkillFile {
    /// The file.
    pub path: String,
    /// The line, from 1, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The column, from 1, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// What is wrong with it.
    pub message: String,
}

impl SkillRow {
    /// Returns in a word whether the agent has it.
    pub const fn status(&self) -> &'static str {
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
    pub const fn lacks_something(&self) -> bool {
        !self.eligible && !self.disabled && !self.blocked_by_allowlist
    }
}

impl SkillNeeds {
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
}

/// In one line.
impl fmt::Display for SkillNeeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (kind, names)) in self.kinds().enumerate() {
            let between = if n == 0 { "" } else { "; " };
            write!(f, "{between}{kind}: {}", names.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Display for BrokenSkillFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)
    }
}
