//! `openclaw audit export`: the whole stream as lines of JSON that can be checked elsewhere.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::PathBuf;

use clap::Args;
use openclaw_core::events::StoreError;
use openclaw_core::state_dir::{StateDir, private_file};
use openclaw_core::{EventStore, SessionKey};
use serde_json::json;

use super::{AuditError, log};
use crate::commands::Cx;
use crate::error::CliError;
use crate::progress::Progress;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw audit export > audit.jsonl
  openclaw audit export --output audit.jsonl

The first line says how many entries follow and has the hash of the last one; each entry has the
hash over itself and the one before it, in the format of `openclaw sessions export`.";

/// How many entries are read at a time.
const PAGE: u64 = 512;

/// The arguments of `audit export`.
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// Write to this file, which must not exist, instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) async fn export(cx: Cx<'_>, state: &StateDir, args: ExportArgs) -> Result<(), CliError> {
    let store = log(state)?;
    let Some(path) = args.output else {
        if cx.out.is_json() {
            let format =
                "the entries are lines of JSON: name a file with --output, or leave --json out";
            return Err(AuditError::Format(format).into());
        }
        // A mask would break the hashes.
        lines(cx, &store, |line| {
            cx.out.stdout_bytes(format!("{line}\n").as_bytes())
        })
        .await?;
        return Ok(());
    };
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => AuditError::Exists(path.clone()),
        _ => AuditError::Write {
            path: path.clone(),
            source,
        },
    };
    let mut file = BufWriter::new(private_file(&path).map_err(failed)?);
    let entries = lines(cx, &store, |line| {
        Ok(writeln!(file, "{line}").map_err(failed)?)
    })
    .await?;
    finish(file).map_err(failed)?;
    if cx.out.is_json() {
        return cx
            .out
            .answer(&json!({ "file": path, "entries": entries }), &[]);
    }
    cx.out
        .line(format_args!("{entries} entries in {}", path.display()))
}

fn finish(file: BufWriter<File>) -> io::Result<()> {
    file.into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .sync_all()
}

/// Hands out every line and returns how many entries there are.
async fn lines(
    cx: Cx<'_>,
    store: &EventStore,
    mut hear: impl FnMut(String) -> Result<(), CliError>,
) -> Result<u64, CliError> {
    let audit = SessionKey::audit();
    let header = match store.export_header(&audit).await {
        Err(StoreError::NoSession(_)) => return Ok(0),
        header => header?,
    };
    hear(serde_json::to_string(&header).map_err(CliError::Json)?)?;
    let mut progress = Progress::begin(cx.out, "writing");
    let mut next = 1;
    while next <= header.events {
        let last = next.saturating_add(PAGE - 1).min(header.events);
        for line in store.export_lines(&audit, next, last).await? {
            hear(line)?;
        }
        progress.at(last, header.events);
        next = last.saturating_add(1);
    }
    Ok(header.events)
}
