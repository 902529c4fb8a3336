//! `openclaw sessions import`: a session from a file that `export` wrote.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;
use openclaw_core::events::{EventHash, ImportError, ImportFile, MAX_EVENT_SIZE, StoreError};
use openclaw_core::state_dir::StateDir;
use openclaw_core::{EventStore, SessionKey};
use openclaw_gateway::retention::RetentionError;
use serde::Deserialize;
use serde_json::json;

use super::SessionsError;
use super::lookup::existing_log;
use crate::commands::Cx;
use crate::error::CliError;
use crate::progress::Progress;
use crate::text;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw sessions import main.jsonl
  openclaw sessions import main.jsonl --as agent:main:copy
  openclaw --profile other sessions export agent:main:main | openclaw sessions import -";

/// The most bytes of the first line, which has a key, a hash and two numbers.
const MAX_HEADER: usize = 64 * 1024;

/// The most bytes of an event's line: the record of another system may double when it is written as a text
/// of JSON, and there are names and numbers around.
const MAX_LINE: usize = 2 * MAX_EVENT_SIZE + 1_000_000;

/// The arguments of `sessions import`.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// The file; `-` reads standard input
    file: PathBuf,
    /// The key of the session that is made [default: the key that it had]
    #[arg(long = "as", value_name = "KEY")]
    name: Option<String>,
}

pub(super) async fn import(cx: Cx<'_>, state: &StateDir, args: ImportArgs) -> Result<(), CliError> {
    let named = args.name.as_deref().map(SessionKey::parse).transpose()?;
    let name = name(&args.file);
    let mut lines = Lines::open(&args.file, &name)?;
    let first = lines
        .next()?
        .ok_or_else(|| SessionsError::Empty { file: name.clone() })?;
    let wrong = |err: ImportError| SessionsError::import(name.clone(), err.into());
    let mut file = ImportFile::begin(&first).map_err(wrong)?;
    let to = named.unwrap_or_else(|| file.header().session_key.clone());
    refuse_early(state, &to).await?;
    let events = file.header().events;
    let mut progress = Progress::begin(cx.out, "reading");
    let (mut read, mut last) = (0_u64, String::new());
    while let Some(line) = lines.next()? {
        if read == events {
            return Err(SessionsError::Surplus {
                file: name,
                line: lines.number,
                events,
            }
            .into());
        }
        if line.trim().is_empty() {
            return Err(wrong(ImportError::Line {
                line: lines.number,
                reason: "it is empty".to_owned(),
            })
            .into());
        }
        file.push(&line).map_err(wrong)?;
        read = read.saturating_add(1);
        last = line;
        progress.at(read, events);
    }
    drop(progress);
    if read < events {
        let (found, expected) = (read, events);
        return Err(wrong(ImportError::Short { found, expected }).into());
    }
    let head_hash = file.header().head_hash;
    match serde_json::from_str(&last) {
        Ok(LastLine { hash }) if hash == head_hash => {}
        _ => return Err(SessionsError::OtherHead { file: name }.into()),
    }
    // Only a file that is right to its end makes a log where there was none.
    let store = EventStore::open(&state.event_log())?;
    let made = store
        .import(file, &to)
        .await
        .map_err(|failure| SessionsError::import(name.clone(), failure))?;
    if cx.out.is_json() {
        let data = json!({
            "sessionKey": made.key,
            "file": name,
            "events": made.head,
            "headHash": head_hash,
        });
        return cx.out.answer(&data, &[]);
    }
    let line = format!("imported {}, {} events", made.key, made.head);
    cx.out.line(text::one_line(&line))
}

/// What the last line has to say, for the first one to be right.
#[derive(Deserialize)]
struct LastLine {
    hash: EventHash,
}

/// Refuses a key that is in use before a large file is read for nothing.
async fn refuse_early(state: &StateDir, to: &SessionKey) -> Result<(), CliError> {
    let refused = |err: StoreError| SessionsError::from(RetentionError::from(err));
    if to.is_system() {
        return Err(refused(StoreError::Reserved(to.clone())).into());
    }
    if let Some(store) = existing_log(state)?
        && store.session(to).await?.is_some()
    {
        return Err(refused(StoreError::SessionExists(to.clone())).into());
    }
    Ok(())
}

fn name(file: &Path) -> String {
    if is_stdin(file) {
        "standard input".to_owned()
    } else {
        format!("`{}`", file.display())
    }
}

fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// The lines of a file, none of them longer than it can be.
struct Lines {
    reader: Box<dyn BufRead>,
    name: String,
    number: u64,
}

impl Lines {
    fn open(file: &Path, name: &str) -> Result<Self, SessionsError> {
        let reader: Box<dyn BufRead> = if is_stdin(file) {
            Box::new(io::stdin().lock())
        } else {
            let file = File::open(file).map_err(|source| SessionsError::Read {
                file: name.to_owned(),
                source,
            })?;
            Box::new(BufReader::new(file))
        };
        Ok(Self {
            reader,
            name: name.to_owned(),
            number: 0,
        })
    }

    /// Returns the next line without its end.
    fn next(&mut self) -> Result<Option<String>, SessionsError> {
        let file = || self.name.clone();
        let mut line = Vec::new();
        let limit = if self.number == 0 {
            MAX_HEADER
        } else {
            MAX_LINE
        };
        let room = u64::try_from(limit).unwrap_or(u64::MAX);
        let read = (&mut self.reader)
            .take(room.saturating_add(1))
            .read_until(b'\n', &mut line)
            .map_err(|source| SessionsError::Read {
                file: file(),
                source,
            })?;
        if read == 0 {
            return Ok(None);
        }
        self.number = self.number.saturating_add(1);
        if line.last() == Some(&b'\n') {
            line.truncate(line.len().saturating_sub(1));
        } else if line.len() > limit {
            return Err(SessionsError::LongLine {
                file: file(),
                line: self.number,
                limit,
            });
        }
        let line = String::from_utf8(line).map_err(|_no_text| SessionsError::NotText {
            file: file(),
            line: self.number,
        })?;
        Ok(Some(line))
    }
}
