//! `edit`: replaces passages of a file.

mod passages;

use async_trait::async_trait;
use openclaw_core::redaction::mask;
use openclaw_sandbox::{Before, Change, FileError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use self::passages::{Passage, PassageFault, replace};
use super::near::nearest;
use super::read::text_of;
use super::{Effect, MAX_TRIES, Tool, ToolCx, ToolError, ToolOutput, Touch};

/// Replaces passages of a text file of the workspace.
#[derive(Clone, Copy, Debug, Default)]
pub struct EditTool;

/// The arguments of `edit`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EditArgs {
    /// The file, inside the workspace.
    #[schemars(length(max = 4096))]
    path: String,
    /// The passages to replace, all of them or none; they must not overlap.
    #[serde(default)]
    edits: Vec<Passage>,
    /// The passage to replace when there is only one; it has to occur exactly once.
    #[serde(default)]
    old_text: Option<String>,
    /// What to put in its place.
    #[serde(default)]
    new_text: Option<String>,
}

#[async_trait]
impl Tool for EditTool {
    const NAME: &'static str = "edit";
    const DESCRIPTION: &'static str = "Replaces passages of a text file of the workspace. Each has \
        to occur exactly once as it is given, and either all of them are replaced or none.";
    const TOUCH: Touch = Touch::Writes;
    const EFFECT: Effect = Effect::Write;
    type Args = EditArgs;

    fn writes(params: &Value) -> Vec<String> {
        let path = params.get("path").and_then(Value::as_str);
        path.map(str::to_owned).into_iter().collect()
    }

    async fn run(&self, args: EditArgs, cx: &ToolCx) -> Result<ToolOutput, ToolError> {
        let path = args.path.clone();
        let edits = args.passages()?;
        let mut tries = 0;
        loop {
            let text = text_of(&cx.workspace, &path).await?;
            let edited = replace(&text, &edits).map_err(|fault| refused(&path, &text, &fault))?;
            let change = Change {
                path: path.clone().into(),
                before: Before::Exactly(text.into_bytes()),
                after: Some(edited.text.into_bytes()),
                like: None,
            };
            match cx.workspace.change(vec![change]).await {
                // Another call of the same step may have edited another part of it.
                Err(FileError::Changed { .. }) if tries < MAX_TRIES => tries += 1,
                Err(err) => return Err(err.into()),
                Ok(changed) => {
                    let text = format!("replaced {} of {path}", said(&edited.lines));
                    return Ok(ToolOutput {
                        wrote: changed.into_iter().map(|changed| changed.path).collect(),
                        ..ToolOutput::text(text)
                    });
                }
            }
        }
    }
}

impl EditArgs {
    fn passages(self) -> Result<Vec<Passage>, ToolError> {
        let mut edits = self.edits;
        match (self.old_text, self.new_text) {
            (Some(old_text), Some(new_text)) => edits.push(Passage { old_text, new_text }),
            (None, None) => {}
            (Some(_), None) => return Err(ToolError::ForModel("`newText` is missing".to_owned())),
            (None, Some(_)) => return Err(ToolError::ForModel("`oldText` is missing".to_owned())),
        }
        if edits.is_empty() {
            return Err(ToolError::ForModel(
                "there is nothing to replace: `edits` is empty".to_owned(),
            ));
        }
        Ok(edits)
    }
}

fn refused(path: &str, text: &str, fault: &PassageFault) -> ToolError {
    let near = match fault {
        PassageFault::Missing { wanted, .. } => {
            let wanted: Vec<&str> = wanted.lines().collect();
            nearest(&mask(text), &wanted)
        }
        PassageFault::Empty { .. }
        | PassageFault::Several { .. }
        | PassageFault::Overlap { .. }
        | PassageFault::Same => None,
    };
    ToolError::ForModel(match near {
        Some(near) => format!("nothing of `{path}` was changed: {fault}; {near}"),
        None => format!("nothing of `{path}` was changed: {fault}"),
    })
}

fn said(lines: &[usize]) -> String {
    match lines {
        [line] => format!("one passage, at line {line},"),
        lines => {
            let listed: Vec<String> = lines.iter().map(ToString::to_string).collect();
            format!("{} passages, at lines {},", lines.len(), listed.join(", "))
        }
    }
}
