//! What is known of each skill, as clients and commands are told of it.

use std::path::{self, Path};

use openclaw_agents::skills::{
    Barrier, BrokenSkill, ConfigCheck, InstallOption, JudgedSkill, Needs,
};
use openclaw_ipc::methods::{
    BrokenSkillFile, SkillConfigCheck, SkillInstallOption, SkillNeeds, SkillRow, SkillsListOutput,
};

use super::Inventory;

impl Inventory {
    /// Returns what is known of each skill.
    pub fn report(&self) -> SkillsListOutput {
        SkillsListOutput {
            agent_id: self.agent.clone(),
            workspace_dir: absolute(&self.workspace),
            managed_skills_dir: absolute(&self.managed),
            agent_skill_filter: self.allowlist.clone(),
            skills: self.set.skills.iter().map(row).collect(),
            broken: self.set.broken.iter().map(broken).collect(),
        }
    }
}

fn row(judged: &JudgedSkill) -> SkillRow {
    let (skill, verdict) = (&*judged.skill, &judged.verdict);
    SkillRow {
        name: plain(&skill.name),
        description: plain(&skill.description),
        source: skill.origin.as_str().to_owned(),
        bundled: skill.origin.is_bundled(),
        file_path: text(&skill.file),
        base_dir: text(&skill.folder),
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
        requirements: needs(&verdict.requirements),
        missing: needs(&verdict.missing),
        config_checks: verdict.config_checks.iter().map(check).collect(),
        install: verdict.install.iter().map(option).collect(),
    }
}

fn needs(needs: &Needs) -> SkillNeeds {
    let Needs {
        bins,
        any_bins,
        env,
        config,
        os,
    } = needs.clone();
    SkillNeeds {
        bins,
        any_bins,
        env,
        config,
        os,
    }
}

fn check(check: &ConfigCheck) -> SkillConfigCheck {
    SkillConfigCheck {
        path: check.path.clone(),
        satisfied: check.satisfied,
    }
}

fn option(option: &InstallOption) -> SkillInstallOption {
    SkillInstallOption {
        id: option.id.clone(),
        kind: option.kind.to_owned(),
        label: option.label.clone(),
        bins: option.bins.clone(),
    }
}

fn broken(broken: &BrokenSkill) -> BrokenSkillFile {
    let (line, column) = broken.place.unzip();
    BrokenSkillFile {
        path: text(&broken.path),
        line,
        column,
        message: broken.problem.to_string(),
    }
}

fn absolute(folder: &Path) -> String {
    path::absolute(folder).map_or_else(|_| text(folder), |folder| text(&folder))
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Returns a text without control characters, but for tabs and line ends.
fn plain(text: &str) -> String {
    let kept = |c: &char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
    text.chars().filter(kept).collect()
}
