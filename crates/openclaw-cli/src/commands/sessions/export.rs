//! `openclaw sessions export`: a session as a file that `import` reads back.

use std::path::{self, PathBuf};

use clap::Args;
use openclaw_core::state_dir::StateDir;
use openclaw_gateway::retention::{Export, write_file};
use serde_json::json;

use super::SessionsError;
use super::lookup::find;
use crate::commands::Cx;
use crate::error::CliError;
use crate::progress::Progress;
use crate::text;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw sessions export agent:main:main --output main.jsonl
  openclaw sessions export agent:main:main | openclaw --profile other sessions import -";

/// The arguments of `sessions export`.
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// The session's key
    key: String,
    /// Write this file, which must not exist, in place of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) async fn export(cx: Cx<'_>, state: &StateDir, args: ExportArgs) -> Result<(), CliError> {
    if cx.out.is_json() && args.output.is_none() {
        let why = "--json needs --output: without it, the session's file is what is printed";
        return Err(SessionsError::Format(why).into());
    }
    let (store, session) = find(state, &args.key).await?;
    let mut export = Export::begin(&store, &session.key)
        .await
        .map_err(SessionsError::from)?;
    let total = export.header().events;
    let mut progress = Progress::begin(cx.out, "exporting");
    let Some(file) = args.output else {
        while let Some(text) = export.next().await.map_err(SessionsError::from)? {
            cx.out.stdout_bytes(text.as_bytes())?;
            progress.at(export.written(), total);
        }
        return Ok(());
    };
    let file = path::absolute(&file).unwrap_or(file);
    let written = write_file(export, &file, |done| progress.at(done, total))
        .await
        .map_err(SessionsError::from)?;
    drop(progress);
    if cx.out.is_json() {
        let data = json!({
            "sessionKey": session.key,
            "file": written.file,
            "bytes": written.bytes,
            "events": written.events,
            "headHash": written.head_hash,
        });
        return cx.out.answer(&data, &[]);
    }
    let line = format!(
        "{} events of {} in {}",
        written.events,
        session.key,
        written.file.display()
    );
    cx.out.line(text::one_line(&line))
}
