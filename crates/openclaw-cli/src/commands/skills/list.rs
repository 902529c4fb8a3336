//! `openclaw skills list`.

use std::path::Path;

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::report::{Report, Row};
use crate::commands::Cx;
use crate::error::CliError;
use crate::text;

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
    workspace_dir: &'a Path,
    managed_skills_dir: &'a Path,
    skills: Vec<Value>,
}

pub(super) fn list(cx: Cx<'_>, report: &Report, args: &ListArgs) -> Result<(), CliError> {
    for broken in &report.broken {
        cx.out.warning(text::one_line(&broken.to_string()));
    }
    let is_ready = |row: &Row| row.eligible && !row.blocked_by_agent_filter;
    let rows = report.those(|row| !args.eligible || is_ready(row));
    if cx.out.is_json() {
        return cx.out.document(&List {
            workspace_dir: &report.workspace,
            managed_skills_dir: &report.managed,
            skills: rows
                .iter()
                .map(|row| row.listed())
                .collect::<Result<_, _>>()?,
        });
    }
    if rows.is_empty() {
        cx.out.note(if args.eligible && !report.rows.is_empty() {
            "the agent has no skills; `openclaw skills check` says why"
        } else {
            "there are no skills; a folder with a SKILL.md in the workspace's skills/ is one"
        });
        return Ok(());
    }
    let mut header = vec!["STATUS", "SKILL", "DESCRIPTION", "SOURCE"];
    header.extend(args.verbose.then_some("MISSING"));
    let cells = |row: &&Row| {
        let description = text::one_line(&row.description).into_owned();
        let mut cells = vec![
            row.status().to_owned(),
            text::one_line(&row.name).into_owned(),
            text::shorten(&description, DESCRIPTION).into_owned(),
            row.source.to_owned(),
        ];
        cells.extend(
            args.verbose
                .then(|| text::one_line(&row.lacking()).into_owned()),
        );
        cells
    };
    cx.out.table(&header, rows.iter().map(cells).collect())?;
    let ready = report.those(is_ready).len();
    cx.out.note(format_args!(
        "{ready} of {} skills are ready",
        report.rows.len()
    ));
    Ok(())
}
