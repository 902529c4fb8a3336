//! `openclaw skills info NAME`.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use openclaw_ipc::methods::{SkillRow, SkillsListOutput};

use super::refuse;
use crate::commands::Cx;
use crate::error::CliError;
use crate::text;

/// The arguments of `skills info`.
#[derive(Debug, Args)]
pub(super) struct InfoArgs {
    /// The skill's name or key
    name: String,
}

pub(super) fn info(
    cx: Cx<'_>,
    report: &SkillsListOutput,
    args: &InfoArgs,
) -> Result<ExitCode, CliError> {
    let name = args.name.trim();
    let Some(row) = find(&report.skills, name) else {
        let shown = text::one_line(name);
        let message = match report
            .broken
            .iter()
            .find(|broken| Path::new(&broken.path).iter().any(|part| part == name))
        {
            Some(broken) => format!("the skill `{shown}` cannot be used: {broken}"),
            None => format!("there is no skill `{shown}`; `openclaw skills list` shows all"),
        };
        return refuse(cx, message, Some(name));
    };
    if cx.out.is_json() {
        cx.out.document(row)?;
    } else {
        show(cx, row)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the one skill that a name means: exactly, by its key, or however it is written.
fn find<'a>(rows: &'a [SkillRow], name: &str) -> Option<&'a SkillRow> {
    let (lower, slug) = (name.to_lowercase(), slug(name));
    let ways: [&dyn Fn(&SkillRow) -> bool; 4] = [
        &|row| row.name == name,
        &|row| row.skill_key == name,
        &|row| row.name.to_lowercase() == lower || row.skill_key.to_lowercase() == lower,
        &|row| {
            !slug.is_empty()
                && [&row.name, &row.skill_key]
                    .iter()
                    .any(|other| self::slug(other) == slug)
        },
    ];
    for means in ways {
        let mut found = rows.iter().filter(|row| means(row));
        if let Some(row) = found.next() {
            // Which of several is meant is not for us to say.
            return found.next().is_none().then_some(row);
        }
    }
    None
}

/// Returns a name's letters and digits, with one dash for what is between its words.
fn slug(name: &str) -> String {
    let dashed = name
        .trim()
        .to_lowercase()
        .replace(|c: char| c.is_whitespace() || c == '_' || c == '/', "-");
    let legal = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-';
    let kept: String = dashed.chars().filter(legal).collect();
    let words: Vec<&str> = kept.split('-').filter(|word| !word.is_empty()).collect();
    words.join("-")
}

fn show(cx: Cx<'_>, row: &SkillRow) -> Result<(), CliError> {
    let line = |label: &str, value: &str| {
        cx.out
            .line(format_args!("  {label:<12} {}", text::one_line(value)))
    };
    let yes = |flag: bool| if flag { "yes" } else { "no" };
    cx.out.line(format_args!(
        "{}  {}",
        text::one_line(&row.name),
        row.status()
    ))?;
    cx.out.line(text::one_line(&row.description))?;
    line("source", &row.source)?;
    line("path", &row.file_path)?;
    if let Some(homepage) = &row.homepage {
        line("homepage", homepage)?;
    }
    line("for models", yes(row.model_visible))?;
    line("as command", yes(row.command_visible))?;
    for (kind, names) in row.requirements.kinds() {
        line(&format!("needs {kind}"), &names.join(", "))?;
    }
    let missing = row.missing.to_string();
    if !missing.is_empty() {
        line("missing", &missing)?;
        for way in &row.install {
            line("to get it", &way.label)?;
        }
    }
    if let Some(variable) = row
        .primary_env
        .as_ref()
        .filter(|name| row.missing.env.contains(name))
    {
        let key = &row.skill_key;
        line(
            "to set it",
            &format!("set {variable}, or skills.entries.{key}.apiKey in the config"),
        )?;
    }
    Ok(())
}
