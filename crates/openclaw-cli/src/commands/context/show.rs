//! `openclaw context show`: the parts of a session's next request.

use clap::Args;
use openclaw_core::SessionKey;
use openclaw_gateway::Home;
use openclaw_ipc::methods::{
    ContextCompaction, ContextPart, ContextShow, ContextShowOutput, ContextShowParams,
};

use crate::commands::Cx;
use crate::error::CliError;
use crate::{remote, text};

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw context show agent:main:main
  openclaw context show agent:main:main --json

Tokens are estimated on the safe side: English has about two thirds of what is shown. Beside the sum
stands what the provider counted last.";

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// The key of the session
    key: String,
}

pub(super) async fn run(cx: Cx<'_>, home: &Home, args: ShowArgs) -> Result<(), CliError> {
    let params = ContextShowParams {
        session_key: SessionKey::parse(&args.key)?,
    };
    let output = remote::call::<ContextShow>(home, params).await?;
    if cx.out.is_json() {
        return cx.out.answer(&output, &[]);
    }
    let rows = output.parts.iter().map(|part| row(part, &output)).collect();
    cx.out
        .table(&["PART", "NAME", "COUNT", "TOKENS", "OF WINDOW"], rows)?;
    cx.out.line(format_args!("\n{}", sum(&output)))?;
    for compaction in &output.compactions {
        cx.out.line(told(compaction))?;
    }
    Ok(())
}

fn row(part: &ContextPart, output: &ContextShowOutput) -> Vec<String> {
    vec![
        part.kind.as_str().to_owned(),
        part.name
            .as_deref()
            .map_or_else(|| "-".to_owned(), |name| text::one_line(name).into_owned()),
        part.count.to_string(),
        part.tokens.to_string(),
        percent(part.tokens, output.window),
    ]
}

fn percent(tokens: u64, window: Option<u64>) -> String {
    match window {
        Some(window) if window > 0 => {
            let tenths = tokens.saturating_mul(1000) / window;
            format!("{}.{}%", tenths / 10, tenths % 10)
        }
        _ => "-".to_owned(),
    }
}

fn sum(output: &ContextShowOutput) -> String {
    let of = output.window.map_or_else(
        || {
            format!(
                "; the window of this model is not known, compacted from {} on",
                output.limit
            )
        },
        |window| {
            format!(
                " of {window} ({}); compacted from {} on",
                percent(output.estimated, output.window),
                output.limit
            )
        },
    );
    let counted = output.reported.map_or_else(String::new, |tokens| {
        format!("; the provider counted {tokens} last, with its answer")
    });
    format!(
        "{}: about {} tokens{of}{counted}",
        text::one_line(&output.model),
        output.estimated
    )
}

fn told(compaction: &ContextCompaction) -> String {
    let undone = if compaction.undone { ", undone" } else { "" };
    let after = compaction
        .tokens_after
        .map_or_else(|| "?".to_owned(), |tokens| tokens.to_string());
    let by = match (&compaction.model, &compaction.failure) {
        (Some(model), _) => format!("summary by {}", text::one_line(model)),
        (None, Some(why)) => format!("without a summary: {}", text::one_line(why)),
        (None, None) => "without a model".to_owned(),
    };
    format!(
        "compacted at event {} ({}, {}{undone}): {} to {after} tokens, seen from event {} on, {by}",
        compaction.seq,
        compaction.time,
        compaction.trigger.as_deref().unwrap_or("unknown"),
        compaction.tokens_before,
        compaction.first_kept,
    )
}
