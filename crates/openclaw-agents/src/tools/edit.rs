//! `edit`: replaces one passage of a file.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::read::text_of;
use super::{Tool, ToolCx, ToolError, ToolOutput, Touch};

/// Replaces one passage of a text file of the workspace.
#[derive(Clone, Copy, Debug, Default)]
pub struct EditTool;

/// The arguments of `edit`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EditArgs {
    /// The file, inside the workspace.
    path: String,
    /// The passage to replace; it has to occur exactly once.
    old_text: String,
    /// What to put in its place.
    new_text: String,
}

#[async_trait]
impl Tool for EditTool {
    const NAME: &'static str = "edit";
    const DESCRIPTION: &'static str =
        "Replaces a passage that occurs exactly once in a text file of the workspace.";
    const TOUCH: Touch = Touch::Writes;
    type Args = EditArgs;

    async fn run(&self, args: EditArgs, cx: &ToolCx) -> Result<ToolOutput, ToolError> {
        let text = text_of(&cx.workspace, &args.path).await?;
        let found = match args.old_text.as_str() {
            "" => 0,
            passage => text.matches(passage).count(),
        };
        if found != 1 {
            return Err(ToolError::ForModel(format!(
                "`oldText` occurs {found} times in {}, it has to occur exactly once",
                args.path
            )));
        }
        let edited = text.replacen(&args.old_text, &args.new_text, 1);
        cx.workspace.write(&args.path, edited.into_bytes()).await?;
        Ok(ToolOutput::text(format!(
            "replaced one passage of {}",
            args.path
        )))
    }
}
