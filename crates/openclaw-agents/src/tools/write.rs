//! `write`: writes a file of the workspace.

use async_trait::async_trait;
use openclaw_sandbox::{Before, Change};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::page::{count, size};
use super::{Effect, Tool, ToolCx, ToolError, ToolOutput, Touch};

/// Writes a whole file of the workspace.
#[derive(Clone, Copy, Debug, Default)]
pub struct WriteTool;

/// The arguments of `write`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteArgs {
    /// The file, inside the workspace; missing folders are made.
    #[schemars(length(max = 4096))]
    path: String,
    /// Its new content.
    content: String,
}

#[async_trait]
impl Tool for WriteTool {
    const NAME: &'static str = "write";
    const DESCRIPTION: &'static str = "Writes a file of the workspace, replacing what is there.";
    const TOUCH: Touch = Touch::Writes;
    const EFFECT: Effect = Effect::Write;
    type Args = WriteArgs;

    fn writes(params: &Value) -> Vec<String> {
        let path = params.get("path").and_then(Value::as_str);
        path.map(str::to_owned).into_iter().collect()
    }

    async fn run(&self, args: WriteArgs, cx: &ToolCx) -> Result<ToolOutput, ToolError> {
        let (bytes, lines) = (args.content.len(), args.content.lines().count());
        let change = Change {
            path: args.path.clone().into(),
            before: Before::Anything,
            after: Some(args.content.into_bytes()),
            like: None,
        };
        let changed = cx.workspace.change(vec![change]).await?;
        let before = match changed.first().and_then(|changed| changed.before) {
            Some(before) => format!("in place of {}", size(before)),
            None => "a new file".to_owned(),
        };
        let text = format!(
            "wrote {}, {}, to {}, {before}",
            count(bytes, "byte", "bytes"),
            count(lines, "line", "lines"),
            args.path
        );
        Ok(ToolOutput {
            wrote: changed.into_iter().map(|changed| changed.path).collect(),
            ..ToolOutput::text(text)
        })
    }
}
