//! `openclaw sessions export`: a session as a file that `import` reads back.

use std::path::{self, Path, PathBuf};

use clap::{Args, ValueEnum};
use openclaw_core::SessionKey;
use openclaw_core::state_dir::StateDir;
use openclaw_gateway::retention::{Export, write_file};
use serde_json::json;

use super::SessionsError;
use super::lookup::{existing_log, find, find_in};
use crate::commands::Cx;
use crate::error::CliError;
use crate::progress::Progress;
use crate::text;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw sessions export agent:main:main --output main.jsonl
  openclaw sessions export agent:main:main | openclaw --profile other sessions import -
  openclaw sessions export --format openclaw-jsonl --out back --all

With --format openclaw-jsonl the sessions are written as TypeScript OpenClaw's, below DIR as in a
state directory: put `DIR/agents` into its own and run its `doctor --fix`, which takes them in.";

/// The arguments of `sessions export`.
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// The sessions' keys
    #[arg(value_name = "KEY")]
    keys: Vec<String>,
    /// Write this file, which must not exist, in place of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The form of what is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Write below this folder, for openclaw-jsonl
    #[arg(long, value_name = "DIR", conflicts_with = "output")]
    out: Option<PathBuf>,
    /// Write every session, for openclaw-jsonl
    #[arg(long, conflicts_with = "keys")]
    all: bool,
}

/// The form of an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One session, for `sessions import`
    #[default]
    Session,
    /// Transcripts and a store of sessions, for TypeScript OpenClaw
    OpenclawJsonl,
}

pub(super) async fn export(cx: Cx<'_>, state: &StateDir, args: ExportArgs) -> Result<(), CliError> {
    match (args.format, args.keys.as_slice()) {
        (Format::OpenclawJsonl, keys) => match args.out {
            Some(_) if keys.is_empty() && !args.all => {
                Err(SessionsError::Format("name the sessions to export, or give --all").into())
            }
            Some(folder) => to_openclaw(cx, state, keys, &folder).await,
            None => {
                let why = "--format openclaw-jsonl needs --out: it writes several files";
                Err(SessionsError::Format(why).into())
            }
        },
        (Format::Session, [key]) if args.out.is_none() && !args.all => {
            to_file(cx, state, key, args.output).await
        }
        (Format::Session, _) => {
            let why = "without --format openclaw-jsonl, export takes one session and no --out";
            Err(SessionsError::Format(why).into())
        }
    }
}

/// How many sessions are looked up at a time.
const PAGE: u32 = 1000;

/// Writes sessions as OpenClaw's.
async fn to_openclaw(
    cx: Cx<'_>,
    state: &StateDir,
    keys: &[String],
    folder: &Path,
) -> Result<(), CliError> {
    let store = existing_log(state)?.ok_or_else(|| SessionsError::NoLog(state.event_log()))?;
    let mut wanted = Vec::new();
    for key in keys {
        wanted.push(find_in(&store, SessionKey::parse(key)?).await?.key);
    }
    if keys.is_empty() {
        loop {
            let skip = u64::try_from(wanted.len()).unwrap_or(u64::MAX);
            let page = store.sessions(skip, PAGE).await?;
            if page.is_empty() {
                break;
            }
            wanted.extend(page.into_iter().map(|session| session.key));
        }
    }
    let folder = path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let written = openclaw_compat::export::write(&store, &wanted, &folder)
        .await
        .map_err(SessionsError::from)?;
    if cx.out.is_json() {
        let data = json!({
            "folder": folder,
            "sessions": written.sessions,
            "events": written.entries,
            "files": written.files,
        });
        return cx.out.answer(&data, &[]);
    }
    let line = format!(
        "{} entries of {} sessions below {}",
        written.entries,
        written.sessions,
        folder.display()
    );
    cx.out.line(text::one_line(&line))
}

/// Writes one session so that `sessions import` reads it.
async fn to_file(
    cx: Cx<'_>,
    state: &StateDir,
    key: &str,
    output: Option<PathBuf>,
) -> Result<(), CliError> {
    if cx.out.is_json() && output.is_none() {
        let why = "--json needs --output: without it, the session's file is what is printed";
        return Err(SessionsError::Format(why).into());
    }
    let (store, session) = find(state, key).await?;
    let mut export = Export::begin(&store, &session.key)
        .await
        .map_err(SessionsError::from)?;
    let total = export.header().events;
    let mut progress = Progress::begin(cx.out, "exporting");
    let Some(file) = output else {
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
