//! `ls`: lists a folder of the workspace.

use async_trait::async_trait;
use openclaw_sandbox::EntryKind;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Tool, ToolCx, ToolError, ToolOutput, Touch};

/// The most entries that one call returns.
const MAX_ENTRIES: usize = 500;

/// Lists a folder of the workspace.
#[derive(Clone, Copy, Debug, Default)]
pub struct LsTool;

/// The arguments of `ls`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LsArgs {
    /// The folder, inside the workspace; the workspace itself when left out.
    #[serde(default)]
    path: Option<String>,
}

#[async_trait]
impl Tool for LsTool {
    const NAME: &'static str = "ls";
    const DESCRIPTION: &'static str =
        "Lists a folder of the workspace, one entry a line; folders end with a slash.";
    const TOUCH: Touch = Touch::Reads;
    type Args = LsArgs;

    async fn run(&self, args: LsArgs, cx: &ToolCx) -> Result<ToolOutput, ToolError> {
        let listing = cx
            .workspace
            .list(args.path.unwrap_or_default(), MAX_ENTRIES)
            .await?;
        let mut lines: Vec<String> = listing
            .entries
            .iter()
            .map(|entry| {
                let name = entry.name.to_string_lossy();
                match entry.kind {
                    EntryKind::Directory => format!("{name}/"),
                    EntryKind::File | EntryKind::Symlink | EntryKind::Special => name.into_owned(),
                }
            })
            .collect();
        if listing.truncated {
            lines.push("[and more]".to_owned());
        }
        if lines.is_empty() {
            lines.push("[empty]".to_owned());
        }
        Ok(ToolOutput::text(lines.join("\n")))
    }
}
