//! `read`: reads a text file of the workspace or of a skill.

mod lines;

use std::io::{self, Read as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use openclaw_core::redaction::StreamMask;
use openclaw_sandbox::{FileError, OpenFile, Workspace};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use self::lines::{End, Lines, Start};
use super::page::size;
use super::place::Place;
use super::{Tool, ToolCx, ToolError, ToolOutput, Touch};

/// The largest file that is taken as a whole, in bytes: to change it, or to count its lines.
pub(super) const MAX_FILE_BYTES: u64 = 10_000_000;

/// How much of a file decides what it is.
const SNIFFED: usize = 8192;

/// How much is read at once.
const CHUNK: usize = 64 * 1024;

/// The longest that the way to a page far behind in a file may take.
const LONGEST: Duration = Duration::from_secs(20);

/// Reads a text file of the workspace, or of a folder that may only be read.
#[derive(Clone, Debug, Default)]
pub struct ReadTool {
    workspace: Option<PathBuf>,
}

/// The arguments of `read`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadArgs {
    /// The file, inside the workspace or a skill's folder.
    #[schemars(length(max = 4096))]
    path: String,
    /// The first line to return, from 1.
    #[serde(default)]
    offset: Option<usize>,
    /// The most lines to return.
    #[serde(default)]
    limit: Option<usize>,
    /// The first character to return of the first line, from 0, when that line is very long.
    #[serde(default)]
    cursor: Option<usize>,
    /// Says that there may be no such file; that is then no failure.
    #[serde(default)]
    optional: Option<bool>,
}

/// What was read.
enum Seen {
    Text(Box<Lines>),
    /// It is no text, but this.
    Other(String),
    /// The page lies too far behind.
    TooFar,
}

impl ReadTool {
    /// Makes a tool that reads from this folder in place of the agent's workspace.
    pub const fn new(workspace: PathBuf) -> Self {
        Self {
            workspace: Some(workspace),
        }
    }
}

#[async_trait]
impl Tool for ReadTool {
    const NAME: &'static str = "read";
    const DESCRIPTION: &'static str = "Reads a text file of the workspace or of a skill. Long files \
        come in parts: continue with `offset`, and within a very long line with `cursor`.";
    const TOUCH: Touch = Touch::Reads;
    type Args = ReadArgs;

    async fn run(&self, args: ReadArgs, cx: &ToolCx) -> Result<ToolOutput, ToolError> {
        let place = match &self.workspace {
            // A tool with a folder of its own reads nothing else.
            Some(root) => Place::own(Workspace::open(root).await?, &args.path),
            None => Place::find(cx, &args.path).await?,
        };
        let start = Start {
            line: args.offset.unwrap_or(1).max(1),
            character: args.cursor.unwrap_or(0),
            lines: args.limit.unwrap_or(usize::MAX).max(1),
        };
        let stop = cx.stop.clone();
        let read = place
            .folder
            .read_with(&place.path, move |file| look(file, start, &stop))
            .await;
        let (seen, bytes) = match read {
            Err(FileError::Missing { .. }) if args.optional == Some(true) => {
                let missing = json!({ "status": "not_found", "path": args.path });
                return Ok(ToolOutput::of(missing));
            }
            read => read?,
        };
        let text = match seen {
            Seen::Other(kind) => return Err(no_text(&args.path, &kind, bytes)),
            Seen::TooFar => return Err(too_far(&args.path, bytes)),
            Seen::Text(lines) => lines.finish(bytes),
        };
        let text = text.map_err(|end| beyond(&args.path, start, end))?;
        Ok(ToolOutput {
            marks: place.marks(cx).await,
            ..ToolOutput::text(text)
        })
    }
}

/// Reads as much of a file as belongs to a page, and a short one to its end.
fn look(mut file: OpenFile, start: Start, stop: &CancellationToken) -> io::Result<(Seen, u64)> {
    let (bytes, until) = (file.size(), Instant::now() + LONGEST);
    let mut chunk = vec![0; CHUNK];
    let mut lines = Lines::new(start);
    let mut mask = StreamMask::new();
    let mut is_first = true;
    loop {
        let filled = fill(&mut file, &mut chunk)?;
        let read = chunk.get(..filled).unwrap_or_default();
        if is_first && let Some(kind) = other_kind(read) {
            return Ok((Seen::Other(kind), bytes));
        }
        is_first = false;
        if read.is_empty() {
            break;
        }
        lines.take(&mask.push_bytes(read));
        let is_enough = lines.is_full() && bytes > MAX_FILE_BYTES;
        if is_enough {
            return Ok((Seen::Text(Box::new(lines)), bytes));
        }
        // After a stop nobody waits for what this returns.
        if stop.is_cancelled() || Instant::now() > until {
            return Ok((Seen::TooFar, bytes));
        }
    }
    lines.take(&mask.finish());
    lines.end();
    Ok((Seen::Text(Box::new(lines)), bytes))
}

/// Reads until the buffer is full or the file at its end.
fn fill(file: &mut OpenFile, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(n) => filled = filled.saturating_add(n),
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
    }
    Ok(filled)
}

/// Returns what a file is that begins so, unless it is text.
fn other_kind(begin: &[u8]) -> Option<String> {
    let sniffed = begin.get(..SNIFFED).unwrap_or(begin);
    let known = infer::get(sniffed).filter(|kind| !kind.mime_type().starts_with("text/"));
    if let Some(kind) = known {
        return Some(kind.mime_type().to_owned());
    }
    match sniffed {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => Some("text in UTF-16".to_owned()),
        bytes if bytes.contains(&0) => Some("binary data".to_owned()),
        _ => None,
    }
}

fn no_text(path: &str, kind: &str, bytes: u64) -> ToolError {
    let hint = if kind.starts_with("image/") {
        "look at it with `image`, where there is that tool"
    } else {
        "use a command to look into it"
    };
    ToolError::ForModel(format!(
        "`{path}` is not text in UTF-8 but {kind} of {}; {hint}",
        size(bytes)
    ))
}

fn too_far(path: &str, bytes: u64) -> ToolError {
    ToolError::ForModel(format!(
        "it takes too long to get to that line of `{path}`, which has {}; search it with `grep`, \
         or use a command",
        size(bytes)
    ))
}

fn beyond(path: &str, start: Start, end: End) -> ToolError {
    ToolError::ForModel(match end {
        End::Lines(count) => format!(
            "`{path}` has {count} lines, so there is no line {}",
            start.line
        ),
        End::Characters(count) => format!(
            "line {} of `{path}` has {count} characters, so there is none at {}",
            start.line, start.character
        ),
    })
}

/// Returns a whole file as text.
pub(super) async fn text_of(workspace: &Workspace, path: &str) -> Result<String, ToolError> {
    let bytes = workspace.read(path, MAX_FILE_BYTES).await?;
    String::from_utf8(bytes).map_err(|err| {
        let bytes = err.as_bytes();
        if let Some(kind) = other_kind(bytes) {
            return no_text(path, &kind, u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        }
        let at = err.utf8_error().valid_up_to();
        ToolError::ForModel(format!("`{path}` is not text in UTF-8 from byte {at} on"))
    })
}
