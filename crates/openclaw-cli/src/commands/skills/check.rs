//! `openclaw skills check`.

use openclaw_core::AgentId;
use openclaw_ipc::methods::{
    BrokenSkillFile, SkillInstallOption, SkillNeeds, SkillRow, SkillsListOutput,
};
use serde::Serialize;

use crate::commands::Cx;
use crate::error::CliError;
use crate::text;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Check<'a> {
    agent_id: &'a AgentId,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_skill_filter: Option<&'a [String]>,
    workspace_dir: &'a str,
    managed_skills_dir: &'a str,
    summary: Summary,
    eligible: Vec<&'a str>,
    model_visible: Vec<&'a str>,
    command_visible: Vec<&'a str>,
    disabled: Vec<&'a str>,
    blocked: Vec<&'a str>,
    agent_filtered: Vec<&'a str>,
    not_injected: Vec<NotInjected<'a>>,
    missing_requirements: Vec<Lacking<'a>>,
    /// Ours alone, so it is there only when there is something to say.
    #[serde(skip_serializing_if = "<[BrokenSkillFile]>::is_empty")]
    broken: &'a [BrokenSkillFile],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    total: usize,
    eligible: usize,
    model_visible: usize,
    command_visible: usize,
    disabled: usize,
    blocked: usize,
    agent_filtered: usize,
    not_injected: usize,
    missing_requirements: usize,
}

#[derive(Debug, Serialize)]
struct NotInjected<'a> {
    name: &'a str,
    reason: &'static str,
}

#[derive(Debug, Serialize)]
struct Lacking<'a> {
    name: &'a str,
    missing: &'a SkillNeeds,
    install: &'a [SkillInstallOption],
}

pub(super) fn check(cx: Cx<'_>, report: &SkillsListOutput) -> Result<(), CliError> {
    let check = Check::of(report);
    if cx.out.is_json() {
        return cx.out.document(&check);
    }
    let Summary {
        total,
        model_visible,
        ..
    } = check.summary;
    cx.out.line(format_args!(
        "The agent {} is told of {model_visible} of {total} skills.",
        report.agent_id
    ))?;
    let reasons = report.skills.iter().filter_map(|row| {
        let why = reason(row)?;
        Some(vec![
            text::one_line(&row.name).into_owned(),
            text::one_line(&why).into_owned(),
        ])
    });
    let reasons: Vec<Vec<String>> = reasons.collect();
    if !reasons.is_empty() {
        cx.out.table(&["NOT TOLD OF", "WHY"], reasons)?;
    }
    for broken in &report.broken {
        cx.out.warning(text::one_line(&broken.to_string()));
    }
    Ok(())
}

/// Returns why the agent is not told of a skill; nothing if it is.
fn reason(row: &SkillRow) -> Option<String> {
    if row.model_visible {
        return None;
    }
    Some(if row.disabled {
        format!("disabled by skills.entries.{}.enabled", row.skill_key)
    } else if row.blocked_by_allowlist {
        "not on skills.allowBundled".to_owned()
    } else if row.lacks_something() {
        format!("missing {}", row.missing)
    } else if row.blocked_by_agent_filter {
        "not on the agent's list of skills".to_owned()
    } else if row.command_visible {
        "for people only (disable-model-invocation)".to_owned()
    } else {
        "for nobody (disable-model-invocation, not user-invocable)".to_owned()
    })
}

impl<'a> Check<'a> {
    fn of(report: &'a SkillsListOutput) -> Self {
        let rows = || report.skills.iter();
        let names = |holds: fn(&SkillRow) -> bool| -> Vec<&'a str> {
            rows()
                .filter(|row| holds(row))
                .map(|row| row.name.as_str())
                .collect()
        };
        let eligible = names(|row| row.eligible);
        let model_visible = names(|row| row.model_visible);
        let command_visible = names(|row| row.command_visible);
        let disabled = names(|row| row.disabled);
        let blocked = names(|row| row.blocked_by_allowlist && !row.disabled);
        let agent_filtered = names(|row| row.blocked_by_agent_filter);
        let hidden =
            names(|row| row.eligible && !row.blocked_by_agent_filter && !row.model_visible);
        let missing: Vec<&SkillRow> = rows().filter(|row| row.lacks_something()).collect();
        Self {
            agent_id: &report.agent_id,
            agent_skill_filter: report.agent_skill_filter.as_deref(),
            workspace_dir: &report.workspace_dir,
            managed_skills_dir: &report.managed_skills_dir,
            summary: Summary {
                total: report.skills.len(),
                eligible: eligible.len(),
                model_visible: model_visible.len(),
                command_visible: command_visible.len(),
                disabled: disabled.len(),
                blocked: blocked.len(),
                agent_filtered: agent_filtered.len(),
                not_injected: hidden.len(),
                missing_requirements: missing.len(),
            },
            eligible,
            model_visible,
            command_visible,
            disabled,
            blocked,
            agent_filtered,
            not_injected: hidden
                .into_iter()
                .map(|name| NotInjected {
                    name,
                    reason: "disable-model-invocation",
                })
                .collect(),
            missing_requirements: missing
                .into_iter()
                .map(|row| Lacking {
                    name: &row.name,
                    missing: &row.missing,
                    install: &row.install,
                })
                .collect(),
            broken: &report.broken,
        }
    }
}
