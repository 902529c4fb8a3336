//! `openclaw sessions compact`: has the earlier part of a session summed up, shows what that would
//! do, or undoes it.

use clap::{Args, ValueEnum};
use openclaw_core::SessionKey;
use openclaw_gateway::Home;
use openclaw_ipc::methods::{
    CompactPreview, LeavingPiece, SessionCompact, SessionCompactOutput, SessionCompactParams,
    SessionRestore, SessionRestoreParams,
};

use crate::commands::Cx;
use crate::error::CliError;
use crate::{remote, text};

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw sessions compact agent:main:main --preview
  openclaw sessions compact agent:main:main --preview=summary
  openclaw sessions compact agent:main:main
  openclaw sessions compact agent:main:main --undo

The event log keeps everything; only what the model sees gets shorter. A summary is written by a
model, also for --preview=summary, and costs what such a call costs.";

/// The arguments of `sessions compact`.
#[derive(Debug, Args)]
pub(super) struct CompactArgs {
    /// The key of the session
    key: String,
    /// Show what would leave the model's view, and with `=summary` what would stand in its place
    #[arg(long, value_enum, value_name = "boundaries|summary", num_args = 0..=1, require_equals = true, default_missing_value = "boundaries", hide_possible_values = true)]
    preview: Option<Preview>,
    /// Undo the latest compaction, or the one of event SEQ and all after it
    #[arg(long, value_name = "SEQ", num_args = 0..=1, conflicts_with = "preview")]
    #[expect(
        clippy::option_option,
        reason = "clap tells an option without a value by it from no option"
    )]
    undo: Option<Option<u64>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Preview {
    /// What would leave the view
    Boundaries,
    /// Also the summary that would stand in its place
    Summary,
}

pub(super) async fn compact(cx: Cx<'_>, args: CompactArgs) -> Result<(), CliError> {
    let home = cx.home_to_call()?;
    let session_key = SessionKey::parse(&args.key)?;
    if let Some(compaction) = args.undo {
        return undo(cx, &home, session_key, compaction).await;
    }
    let params = SessionCompactParams {
        session_key,
        preview: args.preview.map(|preview| match preview {
            Preview::Boundaries => CompactPreview::Boundaries,
            Preview::Summary => CompactPreview::Summary,
        }),
    };
    let output = remote::call::<SessionCompact>(&home, params).await?;
    if cx.out.is_json() {
        return cx.out.answer(&output, &[]);
    }
    show(cx, &output)
}

async fn undo(
    cx: Cx<'_>,
    home: &Home,
    session_key: SessionKey,
    compaction: Option<u64>,
) -> Result<(), CliError> {
    let params = SessionRestoreParams {
        session_key,
        compaction,
    };
    let output = remote::call::<SessionRestore>(home, params).await?;
    if cx.out.is_json() {
        return cx.out.answer(&output, &[]);
    }
    for seq in &output.undone {
        cx.out
            .line(format_args!("undone: the compaction of event {seq}"))?;
    }
    if output.undone.is_empty() {
        cx.out.note("there is no compaction that could be undone");
    }
    Ok(())
}

fn show(cx: Cx<'_>, output: &SessionCompactOutput) -> Result<(), CliError> {
    let Some(first_kept) = output.first_kept else {
        cx.out
            .note("there is nothing to sum up: the latest part stays as it is, and that is all");
        return Ok(());
    };
    for line in removed(output) {
        cx.out.line(format_args!("- {line}"))?;
    }
    for line in output.summary.iter().flat_map(|text| text.lines()) {
        cx.out.line(format_args!("+ {}", text::one_line(line)))?;
    }
    cx.out.line(format_args!(
        "  from event {first_kept} on, everything stays as it is"
    ))?;
    let by = output.model.as_deref().map_or_else(String::new, |model| {
        let cost = output.cost_usd.map_or_else(
            || "at a price that is not known".to_owned(),
            |usd| format!("for ${usd:.4}"),
        );
        format!("; {} wrote the summary {cost}", text::one_line(model))
    });
    cx.out.note(format_args!(
        "{} of about {} tokens are left in view{by}",
        output.tokens_after, output.tokens_before
    ));
    match output.seq {
        Some(seq) => cx
            .out
            .note(format_args!("done by event {seq}; --undo undoes it")),
        None => cx.out.note("nothing was changed"),
    }
    Ok(())
}

/// Returns the lines that leave the view: the summary that has stood there, and what it is joined by.
fn removed(output: &SessionCompactOutput) -> Vec<String> {
    let before = output.summary_before.iter().flat_map(|text| text.lines());
    let pieces = output.leaving.iter().flat_map(lines);
    before
        .map(|line| text::one_line(line).into_owned())
        .chain(pieces)
        .collect()
}

fn lines(piece: &LeavingPiece) -> Vec<String> {
    piece
        .text
        .lines()
        .map(|line| format!("{} {}", piece.seq, text::one_line(line)))
        .collect()
}
