//! `write`: writes a file of the workspace.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Tool, ToolCx, ToolError, ToolOutput, Touch};

/// Writes a whole file of the workspace.
#[derive(Clone, Copy, Debug, Default)]
pub struct WriteTool;

/// The arguments of `write`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteArgs {
    /// The file, inside the workspace; missing folders are made.
    path: String,
    /// Its new content.
    content: String,
}

#[async_trait]
impl Tool for WriteTool {
    const NAME: &'static str = "write";
    const DESCRIPTION: &'static str = "Writes a file of the workspace, replacing what is there.";
    const TOUCH: Touch = Touch::Writes;
    type Args = WriteArgs;

    async fn run(&self, args: WriteArgs, cx: &ToolCx) -> Result<ToolOutput, ToolError> {
        let size = args.content.len();
        cx.workspace
            .write(&args.path, args.content.into_bytes())
            .await?;
        Ok(ToolOutput::text(format!(
            "wrote {size} bytes to {}",
            args.path
        )))
    }
}
