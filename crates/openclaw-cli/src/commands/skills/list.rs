//! `openclaw skills list`.

use clap::Args;
use openclaw_ipc::methods::{SkillRow, SkillsListOutput};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::commands::Cx;
use crate::error::CliError;
use crate::text;

/// The members of a row in a list.
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

/// How much of a description stands in a table.
const DESCRIPTION: usize = 60;

/// The arguments of `skills list`.
#[derive(Debug, Default, Args)]
pub(super) struct ListArgs {
    /// List only the skills that the agent has
    #[arg(long)]
    eligible: bool,
    /// Show what is missing
    #[arg(long, short)]
    verbose: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a> {
    workspace_dir: &'a str,
    managed_skills_dir: &'a str,
    skills: Vec<Value>,
}

pub(super) fn list(cx: Cx<'_>, report: &SkillsListOutput, args: &ListArgs) -> Result<(), CliError> {
    for broken in &report.broken {
        cx.out.warning(text::one_line(&broken.to_string()));
    }
    let is_ready = |row: &SkillRow| row.eligible && !row.blocked_by_agent_filter;
    let wanted = |row: &&SkillRow| !args.eligible || is_ready(row);
    let rows: Vec<&SkillRow> = report.skills.iter().filter(wanted).collect();
    if cx.out.is_json() {
        return cx.out.document(&List {
            workspace_dir: &report.workspace_dir,
            managed_skills_dir: &report.managed_skills_dir,
            skills: rows
                .iter()
                .map(|row| listed(row))
                .collect::<Result<_, _>>()?,
        });
    }
    if rows.is_empty() {
        cx.out.note(if args.eligible && !report.skills.is_empty() {
            "the agent has no skills; `openclaw skills check` says why"
        } else {
            "there are no skills; a folder with a SKILL.md in the workspace's skills/ is one"
        });
        return Ok(());
    }
    let mut header = vec!["STATUS", "SKILL", "DESCRIPTION", "SOURCE"];
    header.extend(args.verbose.then_some("MISSING"));
    let cells = |row: &&SkillRow| {
        let description = text::one_line(&row.description).into_owned();
        let mut cells = vec![
            row.status().to_owned(),
            text::one_line(&row.name).into_owned(),
            text::shorten(&description, DESCRIPTION).into_owned(),
            row.source.clone(),
        ];
        cells.extend(
            args.verbose
                .then(|| text::one_line(&row.missing.to_string()).into_owned()),
        );
        cells
    };
    cx.out.table(&header, rows.iter().map(cells).collect())?;
    let ready = report.skills.iter().filter(|row| is_ready(row)).count();
    cx.out.note(format_args!(
        "{ready} of {} skills are ready",
        report.skills.len()
    ));
    Ok(())
}

/// Returns what a list shows of a skill.
fn listed(row: &SkillRow) -> Result<Value, CliError> {
    let mut all = serde_json::to_value(row).map_err(CliError::Json)?;
    let members = LISTED.iter().filter_map(|name| {
        let value = all.get_mut(*name).map(Value::take)?;
        Some(((*name).to_owned(), value))
    });
    Ok(Value::Object(members.collect::<Map<_, _>>()))
}
