//! `apply_patch`: changes several files of the workspace at once, in the format that Codex and
//! OpenClaw use.

mod files;
mod hunks;
mod parse;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use openclaw_sandbox::FileError;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use self::files::Files;
use self::parse::{Action, FilePatch, parse};
use super::{Effect, MAX_TRIES, Tool, ToolCx, ToolError, ToolOutput, Touch};

/// Changes several files of the workspace at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApplyPatchTool;

/// The arguments of `apply_patch`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyPatchArgs {
    /// The patch, from `*** Begin Patch` to `*** End Patch`.
    input: String,
}

#[async_trait]
impl Tool for ApplyPatchTool {
    const NAME: &'static str = "apply_patch";
    const DESCRIPTION: &'static str = "Changes several files of the workspace at once, all of them \
        or none. A patch begins with `*** Begin Patch` and ends with `*** End Patch`. In between \
        stand `*** Add File: PATH` with lines that begin with `+`, `*** Delete File: PATH`, and \
        `*** Update File: PATH`, perhaps with `*** Move to: PATH` below it, and hunks: `@@`, \
        perhaps with a line that comes somewhere before, then lines that begin with a blank (they \
        stay), `-` (they go) or `+` (they come), and `*** End of File` where the hunk ends with \
        the file.";
    const TOUCH: Touch = Touch::Writes;
    const EFFECT: Effect = Effect::Write;
    type Args = ApplyPatchArgs;

    fn writes(params: &Value) -> Vec<String> {
        let input = params.get("input").and_then(Value::as_str);
        let patch = input
            .and_then(|input| parse(input).ok())
            .unwrap_or_default();
        let named = |file: FilePatch| match file.action {
            Action::Update {
                moved: Some(moved), ..
            } => vec![file.path, moved],
            Action::Add(_) | Action::Delete | Action::Update { moved: None, .. } => {
                vec![file.path]
            }
        };
        patch.into_iter().flat_map(named).collect()
    }

    async fn run(&self, args: ApplyPatchArgs, cx: &ToolCx) -> Result<ToolOutput, ToolError> {
        let patch = parse(&args.input)
            .map_err(|err| ToolError::ForModel(format!("nothing was changed: {err}")))?;
        let mut tries = 0;
        loop {
            let mut files = Files::new(&cx.workspace);
            for file in &patch {
                files.apply(file).await?;
            }
            let said = files.said();
            match cx.workspace.change(files.changes()?).await {
                // Another call of the same step may have changed one of them.
                Err(FileError::Changed { .. }) if tries < MAX_TRIES => tries += 1,
                Err(err) => return Err(err.into()),
                Ok(changed) => {
                    return Ok(ToolOutput {
                        wrote: changed.into_iter().map(|changed| changed.path).collect(),
                        ..ToolOutput::text(said)
                    });
                }
            }
        }
    }
}
