//! `openclaw logs`: the lines of the log file, with or without a gateway.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use openclaw_config::{Config, LogLevel};
use openclaw_core::Kind;
use openclaw_core::log_files::{Follow, LogFiles, PageSize};
use openclaw_core::state_dir::StateDir;
use openclaw_gateway::logs::{self, LogFilter, members, text_of};
use serde_json::{Map, Value, json};
use tokio::time::{self, MissedTickBehavior};

use super::Cx;
use crate::error::CliError;
use crate::output::Look;
use crate::runtime::{self, Threads};
use crate::signals::Signals;
use crate::text;

/// How often it is looked for new lines.
const LOOK: Duration = Duration::from_millis(200);

const EXAMPLES: &str = "\
Examples:
  openclaw logs
  openclaw logs --follow --level warn
  openclaw logs --session agent:main:main --limit 1000
  openclaw logs --json                     one JSON object a line

Ctrl-C ends --follow.";

/// The arguments of `logs`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct LogsArgs {
    /// Go on with what is written from now on
    #[arg(long, short)]
    follow: bool,
    /// Show at most the last N lines
    #[arg(long, value_name = "N", default_value_t = 200)]
    limit: usize,
    /// Show only lines of this session
    #[arg(long, value_name = "KEY")]
    session: Option<String>,
    /// Show only lines of this run
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// Show only lines of this level and worse
    #[arg(long, value_enum)]
    level: Option<Level>,
}

/// How bad a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Level {
    /// Something went wrong
    Error,
    /// Something may be wrong
    Warn,
    /// Something is worth knowing
    Info,
    /// It helps to find out why
    Debug,
    /// Everything else
    Trace,
}

/// Why the log cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the log in `{}` cannot be read", folder.display())]
pub(crate) struct LogsError {
    folder: PathBuf,
    #[source]
    source: io::Error,
}

pub(crate) fn run(cx: Cx<'_>, args: &LogsArgs) -> Result<ExitCode, CliError> {
    let state = StateDir::locate(cx.env, cx.overrides)?;
    let files = files_of(cx, &state);
    // Looked for first, so that no line comes between the last ones and those that follow.
    let follow = args
        .follow
        .then(|| Follow::from_end(files.clone()))
        .transpose()
        .map_err(|err| unreadable(&files, err))?;
    if cx.out.is_json() {
        let newest = files.existing().map_err(|err| unreadable(&files, err))?;
        let newest = newest.last().map(|path| path.display().to_string());
        print_json(cx, json!({ "type": "meta", "file": newest }))?;
    }
    let filter = args.filter();
    let wanted = |line: &str| filter.takes(&members(line));
    let page = files
        .last_page(PageSize::of_lines(args.limit), wanted)
        .map_err(|err| unreadable(&files, err))?;
    if page.lines.is_empty() && !args.follow {
        cx.out.note(format_args!(
            "there are no such lines in {}",
            files.folder().display()
        ));
    }
    for line in &page.lines {
        print(cx, line)?;
    }
    match follow {
        Some(follow) => runtime::block_on(Threads::One, go_on(cx, &filter, &files, follow)),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// Returns the files that the config names. A broken config has the default ones: whoever looks
/// for the reason must find it.
pub(super) fn files_of(cx: Cx<'_>, state: &StateDir) -> LogFiles {
    match Config::load(state, cx.env) {
        Ok(config) => logs::files(&config.logging, state),
        Err(_broken) => LogFiles::of(state),
    }
}

/// Returns an error about the files.
pub(super) fn unreadable(files: &LogFiles, source: io::Error) -> LogsError {
    LogsError {
        folder: files.folder().to_owned(),
        source,
    }
}

async fn go_on(
    cx: Cx<'_>,
    filter: &LogFilter,
    files: &LogFiles,
    mut follow: Follow,
) -> Result<ExitCode, CliError> {
    let mut signals = Signals::listen().map_err(CliError::Runtime)?;
    let mut looks = time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = signals.stop() => return Ok(ExitCode::from(Kind::Cancelled.exit_code())),
        }
        loop {
            let lines = follow.lines().map_err(|err| unreadable(files, err))?;
            if lines.is_empty() {
                break;
            }
            for line in lines.iter().filter(|line| filter.takes(&members(line))) {
                print(cx, line)?;
            }
        }
    }
}

impl LogsArgs {
    fn filter(&self) -> LogFilter {
        LogFilter {
            level: self.level.map(Level::known),
            session: self.session.clone(),
            run: self.run.clone(),
        }
    }
}

impl Level {
    const fn known(self) -> LogLevel {
        match self {
            Self::Error => LogLevel::Error,
            Self::Warn => LogLevel::Warn,
            Self::Info => LogLevel::Info,
            Self::Debug => LogLevel::Debug,
            Self::Trace => LogLevel::Trace,
        }
    }
}

fn print(cx: Cx<'_>, line: &str) -> Result<(), CliError> {
    let members = members(line);
    if cx.out.is_json() {
        // As OpenClaw's scripts read it: each line tells what it is.
        let shown = if members.is_empty() {
            json!({ "type": "raw", "raw": line })
        } else {
            let mut shown = Map::new();
            shown.insert("type".to_owned(), "log".into());
            shown.extend(members);
            Value::Object(shown)
        };
        return print_json(cx, shown);
    }
    if members.is_empty() {
        return cx.out.line(text::one_line(line));
    }
    let level = text_of(&members, "level");
    let look = match level {
        "error" => Look::Bad,
        "warn" => Look::Doubtful,
        _ => Look::Dim,
    };
    let mut shown = format!(
        "{} {} {}: {}",
        text::one_line(text_of(&members, "time")),
        cx.out.look(
            look,
            &format!("{:>5}", text::one_line(level).to_uppercase())
        ),
        text::one_line(text_of(&members, "module")),
        text::one_line(text_of(&members, "message")),
    );
    let said = ["time", "level", "module", "message"];
    for (name, value) in members
        .iter()
        .filter(|(name, _)| !said.contains(&name.as_str()))
    {
        let value = value.as_str().unwrap_or_default();
        shown.extend([
            " ",
            text::one_line(name).as_ref(),
            "=",
            text::one_line(value).as_ref(),
        ]);
    }
    cx.out.line(shown)
}

fn print_json(cx: Cx<'_>, shown: Value) -> Result<(), CliError> {
    cx.out.line(shown)
}
