//! `read`: reads a text file of the workspace or of a skill.

use std::fs;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use openclaw_core::redaction::mask;
use openclaw_sandbox::{FileError, Workspace};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::task;

use super::{MAX_RESULT_BYTES, Tool, ToolCx, ToolError, ToolOutput, Touch};

/// The largest file that is read at all, in bytes.
pub(super) const MAX_FILE_BYTES: u64 = 10_000_000;

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
    path: String,
    /// The first line to return, from 1.
    #[serde(default)]
    offset: Option<usize>,
    /// The most lines to return.
    #[serde(default)]
    limit: Option<usize>,
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
        come in parts: continue with `offset`.";
    const TOUCH: Touch = Touch::Reads;
    type Args = ReadArgs;

    async fn run(&self, args: ReadArgs, cx: &ToolCx) -> Result<ToolOutput, ToolError> {
        let own = match &self.workspace {
            Some(root) => Some(Workspace::open(root).await?),
            None => None,
        };
        let workspace = own.as_ref().unwrap_or(&cx.workspace);
        let text = match text_of(workspace, &args.path).await {
            // A tool with a folder of its own reads nothing else.
            Err(ToolError::File(FileError::Outside { .. })) if own.is_none() => {
                text_beside(cx, &args.path).await?
            }
            text => text?,
        };
        // A secret that the end of a page cuts in two would not be known by either part.
        Ok(ToolOutput::text(page(
            &mask(&text),
            args.offset.unwrap_or(1).max(1),
            args.limit,
        )))
    }
}

/// Returns a whole file as text.
pub(super) async fn text_of(
    workspace: &Workspace,
    path: impl AsRef<Path>,
) -> Result<String, ToolError> {
    let path = path.as_ref();
    let bytes = workspace.read(path, MAX_FILE_BYTES).await?;
    String::from_utf8(bytes).map_err(|err| {
        let at = err.utf8_error().valid_up_to();
        ToolError::ForModel(format!(
            "`{}` is no text: byte {at} is not UTF-8",
            path.display()
        ))
    })
}

/// Returns a whole file of a folder that may be read, as text.
async fn text_beside(cx: &ToolCx, path: &str) -> Result<String, ToolError> {
    match beside(&cx.readable, path).await {
        // The folder was judged a moment ago, and a link in its place leads nowhere now.
        Some((folder, path)) => text_of(&Workspace::open_exactly(folder).await?, path).await,
        None => text_of(&cx.workspace, path).await,
    }
}

/// Returns the folder that holds a path, and the path as it is known there.
async fn beside(folders: &[PathBuf], path: &str) -> Option<(PathBuf, PathBuf)> {
    let holding = |path: PathBuf| {
        let folder = folders.iter().find(|folder| path.starts_with(folder))?;
        Some((folder.clone(), path))
    };
    let named = PathBuf::from(path);
    if folders.is_empty() || !named.is_absolute() {
        return None;
    }
    if let Some(held) = holding(named.clone()) {
        return Some(held);
    }
    // A skill may be known by a name that leads to its folder.
    let real = task::spawn_blocking(move || fs::canonicalize(named)).await;
    holding(real.ok()?.ok()?)
}

/// Returns the lines from `first` on, as many as fit, and says where to go on.
fn page(text: &str, first: usize, limit: Option<usize>) -> String {
    let mut shown = String::new();
    let mut lines = text
        .split_inclusive('\n')
        .enumerate()
        .skip(first.saturating_sub(1));
    for (index, line) in lines.by_ref().take(limit.unwrap_or(usize::MAX)) {
        if shown.len().saturating_add(line.len()) > MAX_RESULT_BYTES && !shown.is_empty() {
            return format!(
                "{shown}[more: continue with offset {}]",
                index.saturating_add(1)
            );
        }
        shown.push_str(
            line.get(..line.floor_char_boundary(MAX_RESULT_BYTES))
                .unwrap_or(line),
        );
    }
    match lines.next() {
        Some((index, _)) => {
            format!(
                "{shown}[more: continue with offset {}]",
                index.saturating_add(1)
            )
        }
        None => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_where_to_go_on() {
        assert_eq!(page("a\nb\nc\n", 1, None), "a\nb\nc\n");
        assert_eq!(
            page("a\nb\nc\n", 2, Some(1)),
            "b\n[more: continue with offset 3]"
        );
        let long = format!("{}\n", "x".repeat(MAX_RESULT_BYTES - 10)).repeat(2);
        assert!(page(&long, 1, None).ends_with("\n[more: continue with offset 2]"));
        assert_eq!(
            page(&"é".repeat(MAX_RESULT_BYTES), 1, None).len(),
            MAX_RESULT_BYTES
        );
    }
}
