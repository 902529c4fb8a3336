//! `ls`: lists a folder of the workspace or of a skill.

use std::path::PathBuf;

use async_trait::async_trait;
use openclaw_core::redaction::mask;
use openclaw_sandbox::{Entry, EntryKind};
use schemars::JsonSchema;
use serde::Deserialize;

use super::page::{Page, count, size};
use super::place::Place;
use super::{Tool, ToolCx, ToolError, ToolOutput, Touch};

/// The most entries that one call returns unless it asks for another number.
const USUAL_ENTRIES: usize = 500;

/// The most entries that one call returns.
const MAX_ENTRIES: usize = 5000;

/// Lists a folder of the workspace, or of one that may only be read.
#[derive(Clone, Copy, Debug, Default)]
pub struct LsTool;

/// The arguments of `ls`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LsArgs {
    /// The folder, inside the workspace or a skill's folder; the workspace itself when left out.
    #[serde(default)]
    #[schemars(length(max = 4096))]
    path: Option<String>,
    /// The most entries to return.
    #[serde(default)]
    limit: Option<usize>,
    /// The name after which to go on, as the previous page says.
    #[serde(default)]
    after: Option<String>,
}

#[async_trait]
impl Tool for LsTool {
    const NAME: &'static str = "ls";
    const DESCRIPTION: &'static str = "Lists a folder of the workspace or of a skill, one entry a \
        line, by name: folders end with a slash, files have their size. Long listings come in \
        parts: continue with `after`.";
    const TOUCH: Touch = Touch::Reads;
    type Args = LsArgs;

    async fn run(&self, args: LsArgs, cx: &ToolCx) -> Result<ToolOutput, ToolError> {
        let path = args.path.unwrap_or_default();
        let place = Place::find(cx, &path).await?;
        let limit = args.limit.unwrap_or(USUAL_ENTRIES).clamp(1, MAX_ENTRIES);
        let listing = place
            .folder
            .list_after(&place.path, args.after.unwrap_or_default(), limit)
            .await?;
        let mut page = Page::new();
        let mut shown: Vec<PathBuf> = Vec::new();
        let mut is_cut = listing.truncated;
        for entry in &listing.entries {
            if !page.push(&line(entry)) {
                is_cut = true;
                break;
            }
            shown.push(PathBuf::from(&entry.name));
        }
        let note = match shown.last() {
            Some(last) if is_cut => {
                let last = mask(&last.to_string_lossy()).into_owned();
                Some(format!(
                    "{}; more: continue with after {last:?}",
                    count(shown.len(), "entry", "entries")
                ))
            }
            Some(_) => None,
            None => Some("nothing is there".to_owned()),
        };
        Ok(ToolOutput {
            marks: place.marks_of(cx, &shown).await,
            ..ToolOutput::text(page.close(note.as_deref()))
        })
    }
}

fn line(entry: &Entry) -> String {
    let name = entry.name.to_string_lossy();
    // A name with a line break in it must not look like two.
    let name = if name.chars().any(char::is_control) {
        format!("{name:?}")
    } else {
        name.into_owned()
    };
    let name = mask(&name);
    match entry.kind {
        EntryKind::Directory => format!("{name}/\n"),
        EntryKind::File => format!("{name}  {}\n", size(entry.size)),
        EntryKind::Symlink => format!("{name}  a link\n"),
        EntryKind::Special => format!("{name}  a device, a socket or a pipe\n"),
    }
}
