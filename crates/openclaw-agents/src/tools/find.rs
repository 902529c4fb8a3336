//! `find`: finds files of the workspace or of a skill by name.

use std::path::PathBuf;

use async_trait::async_trait;
use openclaw_core::redaction::mask;
use openclaw_sandbox::{EntryKind, Found, Inside, Next, Visitor, WalkBounds};
use schemars::JsonSchema;
use serde::Deserialize;

use super::page::Page;
use super::place::Place;
use super::search::{Ignored, Names, incomplete, named};
use super::{Tool, ToolCx, ToolError, ToolOutput, Touch};

/// The most paths that one call returns unless it asks for another number.
const USUAL_LIMIT: usize = 1000;

/// The most paths that one call returns.
const MAX_LIMIT: usize = 5000;

/// Finds files by name.
#[derive(Clone, Copy, Debug, Default)]
pub struct FindTool;

/// The arguments of `find`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindArgs {
    /// A glob such as `*.ts` for names, or `src/**/*.ts` for paths.
    pattern: String,
    /// The folder to search, inside the workspace or a skill's folder; the workspace itself when
    /// left out.
    #[serde(default)]
    #[schemars(length(max = 4096))]
    path: Option<String>,
    /// What to find; anything, when left out.
    #[serde(default)]
    kind: Option<Kind>,
    /// The most paths to return.
    #[serde(default)]
    limit: Option<usize>,
    /// How many paths to pass over, as the previous page says.
    #[serde(default)]
    offset: Option<usize>,
}

/// What is found.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    File,
    Folder,
    Link,
}

/// Whoever collects what is found.
struct Finder {
    names: Names,
    ignored: Ignored,
    kind: Option<Kind>,
    asked: String,
    limit: usize,
    offset: usize,
    seen: usize,
    page: Page,
    shown: Vec<PathBuf>,
    is_cut: bool,
}

#[async_trait]
impl Tool for FindTool {
    const NAME: &'static str = "find";
    const DESCRIPTION: &'static str = "Finds files and folders of the workspace or of a skill by a \
        glob, and returns their paths, sorted; folders end with a slash. What .gitignore names is \
        left out.";
    const TOUCH: Touch = Touch::Reads;
    type Args = FindArgs;

    async fn run(&self, args: FindArgs, cx: &ToolCx) -> Result<ToolOutput, ToolError> {
        let names = Names::parse(&args.pattern)
            .map_err(|err| ToolError::ForModel(format!("`pattern` cannot be used: {err}")))?;
        let asked = args.path.unwrap_or_default();
        let place = Place::find(cx, &asked).await?;
        let finder = Finder {
            names,
            ignored: Ignored::above(&place).await,
            kind: args.kind,
            asked,
            limit: args.limit.unwrap_or(USUAL_LIMIT).clamp(1, MAX_LIMIT),
            offset: args.offset.unwrap_or(0),
            seen: 0,
            page: Page::new(),
            shown: Vec::new(),
            is_cut: false,
        };
        let walked = place
            .folder
            .walk(&place.path, finder, WalkBounds::default(), cx.stop.clone())
            .await?;
        let found = walked.visitor;
        let mut said = vec![format!("{} found", found.shown.len())];
        if found.is_cut {
            let next = found.offset.saturating_add(found.shown.len());
            said.push(format!("more: continue with offset {next}"));
        }
        said.extend(incomplete(walked.end, walked.unreadable));
        Ok(ToolOutput {
            marks: place.marks_of(cx, &found.shown).await,
            ..ToolOutput::text(found.page.close(Some(&said.join("; "))))
        })
    }
}

impl Finder {
    fn wants(&self, found: &Found<'_>) -> bool {
        let kind = match found.kind {
            EntryKind::File | EntryKind::Special => Kind::File,
            EntryKind::Directory => Kind::Folder,
            EntryKind::Symlink => Kind::Link,
        };
        self.kind.is_none_or(|wanted| wanted == kind) && self.names.mean(found.path)
    }

    /// Adds a path to the page, and says whether there was room for it.
    fn show(&mut self, found: &Found<'_>) -> bool {
        let path = named(&self.asked, found.path);
        let slash = if found.kind == EntryKind::Directory {
            "/"
        } else {
            ""
        };
        let line = format!("{}{slash}\n", mask(&path.to_string_lossy()));
        let fits = self.shown.len() < self.limit && self.page.push(&line);
        if fits {
            self.shown.push(found.path.to_path_buf());
        }
        fits
    }
}

impl Visitor for Finder {
    fn enter(&mut self, folder: &Inside<'_>) {
        self.ignored.enter(folder);
    }

    fn leave(&mut self) {
        self.ignored.leave();
    }

    fn see(&mut self, found: &Found<'_>) -> Next {
        if self.ignored.hides(found.path, found.kind) {
            return Next::Past;
        }
        if self.wants(found) {
            self.seen = self.seen.saturating_add(1);
            if self.seen > self.offset && !self.show(found) {
                self.is_cut = true;
                return Next::Stop;
            }
        }
        Next::Into
    }
}
