//! `grep`: searches the text files of the workspace or of a skill.

mod bounded;
mod hits;
mod reading;

use std::path::PathBuf;
use std::time::Instant;

use async_trait::async_trait;
use grep_matcher::LineTerminator;
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder};
use openclaw_core::decode::excerpt;
use openclaw_core::redaction::mask;
use openclaw_sandbox::{EntryKind, Found, Inside, Next, Visitor, WalkBounds, WalkEnd};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::Semaphore;

use self::bounded::{Bounded, MAX_PATTERN, Meant};
use self::hits::{AnyHit, Hits, OfFile};
use self::reading::{Masked, Watch, Watched};
use super::page::count;
use super::place::Place;
use super::search::{Ignored, Names, incomplete, named};
use super::{Tool, ToolCx, ToolError, ToolOutput, Touch};

/// The most matches that one call returns unless it asks for another number.
const USUAL_LIMIT: usize = 100;

/// The most matches that one call returns.
const MAX_LIMIT: usize = 2000;

/// The most lines of context on either side of a match.
const MAX_CONTEXT: usize = 50;

/// The most bytes that a search keeps of a file at once, and so the longest line.
const HEAP: usize = 4 * 1024 * 1024;

/// Lets in as many searches as may go on side by side, so that many calls in one step take neither
/// all memory nor all processors.
static SEARCHES: Semaphore = Semaphore::const_new(4);

/// Searches text files.
#[derive(Clone, Copy, Debug, Default)]
pub struct GrepTool;

/// The arguments of `grep`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct GrepArgs {
    /// A regular expression, as of Rust's `regex`, that has to match within a line.
    #[schemars(length(max = 4096))]
    pattern: String,
    /// The file or folder to search, inside the workspace or a skill's folder; the workspace
    /// itself when left out.
    #[serde(default)]
    #[schemars(length(max = 4096))]
    path: Option<String>,
    /// A glob such as `*.ts` for the names of the files, or `src/**/*.ts` for their paths.
    #[serde(default)]
    glob: Option<String>,
    /// Takes capital and small letters for the same.
    #[serde(default)]
    ignore_case: Option<bool>,
    /// Takes the pattern as it is, and not for a regular expression.
    #[serde(default)]
    literal: Option<bool>,
    /// How many lines to return before and after each match.
    #[serde(default)]
    context: Option<usize>,
    /// The most matches to return.
    #[serde(default)]
    limit: Option<usize>,
    /// How many matches to pass over, as the previous page says.
    #[serde(default)]
    offset: Option<usize>,
}

/// Whoever searches the files that a walk comes by.
struct Grep {
    matcher: Bounded,
    /// Looks whether there is anything in a file.
    first: Searcher,
    /// Looks what there is.
    every: Searcher,
    names: Option<Names>,
    ignored: Ignored,
    asked: String,
    watch: Watch,
    hits: Hits,
    /// The files of which something is shown.
    shown: Vec<PathBuf>,
    searched: usize,
    binary: usize,
    failed: usize,
}

#[async_trait]
impl Tool for GrepTool {
    const NAME: &'static str = "grep";
    const DESCRIPTION: &'static str = "Searches the text files of the workspace or of a skill for a \
        regular expression and returns the lines that match, as `path:line: text`. What .gitignore \
        names and files that are no text are left out.";
    const TOUCH: Touch = Touch::Reads;
    type Args = GrepArgs;

    async fn run(&self, args: GrepArgs, cx: &ToolCx) -> Result<ToolOutput, ToolError> {
        let place = Place::find(cx, args.path.as_deref().unwrap_or_default()).await?;
        let ignored = Ignored::above(&place).await;
        let bounds = WalkBounds::default();
        // The semaphore is never closed.
        let searching = SEARCHES.acquire().await.ok();
        let watch = Watch::new(Instant::now() + bounds.time, cx.stop.clone());
        let grep = Grep::new(args, ignored, watch)?;
        let walked = place
            .folder
            .walk(&place.path, grep, bounds, cx.stop.clone())
            .await;
        drop(searching);
        let walked = walked?;
        let grep = walked.visitor;
        let end = if grep.watch.has_ended() {
            WalkEnd::TooLong
        } else {
            walked.end
        };
        let marks = place.marks_of(cx, &grep.shown).await;
        let mut said = grep.said();
        said.extend(incomplete(end, walked.unreadable));
        Ok(ToolOutput {
            marks,
            ..ToolOutput::text(grep.hits.close(&said.join("; ")))
        })
    }
}

impl Grep {
    fn new(args: GrepArgs, ignored: Ignored, watch: Watch) -> Result<Self, ToolError> {
        let names = args.glob.as_deref().map(Names::parse).transpose();
        let names =
            names.map_err(|err| ToolError::ForModel(format!("`glob` cannot be used: {err}")))?;
        if args.pattern.len() > MAX_PATTERN {
            return Err(ToolError::ForModel(format!(
                "`pattern` cannot be used: it has more than {MAX_PATTERN} bytes"
            )));
        }
        let meant = Meant {
            ignores_case: args.ignore_case == Some(true),
            is_literal: args.literal == Some(true),
        };
        let matcher = Bounded::parse(&args.pattern, meant, watch.clone());
        let matcher = matcher.map_err(|err| no_pattern(&err))?;
        let context = args.context.unwrap_or(0).min(MAX_CONTEXT);
        let searcher = |context: usize| {
            SearcherBuilder::new()
                .binary_detection(BinaryDetection::quit(0))
                .bom_sniffing(false)
                .line_terminator(LineTerminator::crlf())
                .heap_limit(Some(HEAP))
                .line_number(true)
                .before_context(context)
                .after_context(context)
                .build()
        };
        Ok(Self {
            matcher,
            first: searcher(0),
            every: searcher(context),
            names,
            ignored,
            asked: args.path.unwrap_or_default(),
            watch,
            hits: Hits::new(
                args.offset.unwrap_or(0),
                args.limit.unwrap_or(USUAL_LIMIT).clamp(1, MAX_LIMIT),
            ),
            shown: Vec::new(),
            searched: 0,
            binary: 0,
            failed: 0,
        })
    }

    /// Says what was found, and how to go on.
    fn said(&self) -> Vec<String> {
        let of = count(self.searched, "file", "files");
        let mut said = vec![match self.hits.shown() {
            0 => format!("no match in {of}"),
            shown => format!(
                "{} in {} of {of}",
                count(shown, "match", "matches"),
                self.shown.len()
            ),
        }];
        if let Some(next) = self.hits.next() {
            said.push(format!("more: continue with offset {next}"));
        }
        if self.hits.has_cut_lines() {
            said.push("long lines are cut".to_owned());
        }
        if self.binary > 0 {
            said.push(format!("not text: {}", count(self.binary, "file", "files")));
        }
        if self.failed > 0 {
            said.push(format!(
                "cannot be searched: {}",
                count(self.failed, "file", "files")
            ));
        }
        said
    }

    /// Searches a file. A failure is the file's own, and others go on.
    fn search(&mut self, found: &Found<'_>) -> std::io::Result<()> {
        let open = || found.open().map_err(std::io::Error::other);
        let Some(file) = Watched::text(open()?, &self.watch)? else {
            self.binary = self.binary.saturating_add(1);
            return Ok(());
        };
        self.searched = self.searched.saturating_add(1);
        let mut any = AnyHit::default();
        self.first.search_reader(&self.matcher, file, &mut any)?;
        if !any.is_there() {
            return Ok(());
        }
        // What is shown comes from text without secrets, so a search says nothing about them.
        let Some(file) = Watched::text(open()?, &self.watch)? else {
            return Ok(());
        };
        let path = named(&self.asked, found.path);
        let before = self.hits.shown();
        let sink = OfFile::new(&mut self.hits, mask(&path.to_string_lossy()).into_owned());
        let searched = self
            .every
            .search_reader(&self.matcher, Masked::new(file), sink);
        if self.hits.shown() > before {
            self.shown.push(found.path.to_path_buf());
        }
        searched
    }
}

impl Visitor for Grep {
    fn enter(&mut self, folder: &Inside<'_>) {
        self.ignored.enter(folder);
    }

    fn leave(&mut self) {
        self.ignored.leave();
    }

    fn see(&mut self, found: &Found<'_>) -> Next {
        // A file that was asked for by its name is searched whatever it is called.
        let is_asked_for = found.path.as_os_str().is_empty();
        if !is_asked_for && self.ignored.hides(found.path, found.kind) {
            return Next::Past;
        }
        let names = self.names.as_ref().filter(|_| !is_asked_for);
        if found.kind != EntryKind::File || names.is_some_and(|names| !names.mean(found.path)) {
            return Next::Into;
        }
        if self.search(found).is_err() {
            self.failed = self.failed.saturating_add(1);
        }
        if self.hits.next().is_some() || self.watch.has_ended() {
            return Next::Stop;
        }
        Next::Past
    }
}

fn no_pattern(err: &grep_regex::Error) -> ToolError {
    // What the library says shows the pattern with the place, over several lines.
    let said = err.to_string();
    let last = said.lines().last().unwrap_or_default();
    if matches!(err.kind(), grep_regex::ErrorKind::Regex(why) if why.contains("size limit")) {
        return ToolError::ForModel(format!(
            "`pattern` takes too much memory: {}; search for less at once",
            excerpt(last)
        ));
    }
    ToolError::ForModel(format!(
        "`pattern` is no regular expression: {}; set `literal` to search for it as it is",
        excerpt(last.strip_prefix("error: ").unwrap_or(last))
    ))
}
