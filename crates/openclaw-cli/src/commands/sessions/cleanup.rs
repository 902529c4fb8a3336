//! `openclaw sessions cleanup`: what is too old or too much is archived and deleted.

use std::ops::ControlFlow;
use std::path;
use std::time::Duration;

use clap::Args;
use openclaw_config::{Config, parse_duration, parse_size};
use openclaw_core::clock::rfc3339;
use openclaw_core::state_dir::StateDir;
use openclaw_core::{Clock, EventStore};
use openclaw_gateway::retention::{self, Due, Limits, Step, archive_folder};
use serde_json::{Value, json};

use super::SessionsError;
use super::consent::Consent;
use super::lookup::{age, existing_log};
use crate::commands::Cx;
use crate::confirm::confirm;
use crate::error::CliError;
use crate::text;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw sessions cleanup --older-than 90d --dry-run
  openclaw sessions cleanup --max-size 1GB
  openclaw sessions cleanup --yes

The sessions with the oldest last event go first. Each is copied to openclaw-rs/archive in the state
directory and then deleted; `openclaw sessions import` takes a copy in again. On a terminal it asks
first. Without a limit on the command line, session.maintenance of the config says what goes; with
the mode \"enforce\" there, a running gateway does the same at its start and every day.";

/// The arguments of `sessions cleanup`.
#[derive(Debug, Args)]
pub(super) struct CleanupArgs {
    /// Let sessions go whose last event is older, such as 90d or 12h
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    older_than: Option<Duration>,
    /// Let the oldest sessions go until the event log uses at most this, such as 500mb or 1GB
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    max_size: Option<u64>,
    #[command(flatten)]
    consent: Consent,
}

pub(super) async fn cleanup(
    cx: Cx<'_>,
    state: &StateDir,
    args: CleanupArgs,
) -> Result<(), CliError> {
    let limits = limits(cx, state, &args)?;
    let mut report = Report::new(cx, limits, &args);
    if let Some(store) = existing_log(state)? {
        if args.consent.dry_run {
            report.plan(&store).await?;
        } else {
            if !args.consent.yes && cx.out.stderr().terminal && !cx.out.is_json() {
                ask(cx, &store, limits).await?;
            }
            report.clean(&store, state).await?;
        }
        report.after = store.size().await?;
    }
    report.end()
}

/// Returns the limits of the command line, or else those of the config.
fn limits(cx: Cx<'_>, state: &StateDir, args: &CleanupArgs) -> Result<Limits, CliError> {
    let typed = Limits {
        older_than: args.older_than,
        max_size: args.max_size,
        preserve_recent: None,
    };
    if !typed.keep_everything() {
        return Ok(typed);
    }
    let config = state.config_file();
    let limits = Limits::of(&Config::load(state, cx.env)?.maintenance);
    if limits.keep_everything() {
        return Err(SessionsError::NoLimits(config.to_owned()).into());
    }
    Ok(limits)
}

/// Asks whether what is due may go.
async fn ask(cx: Cx<'_>, store: &EventStore, limits: Limits) -> Result<(), CliError> {
    let (mut sessions, mut bytes) = (0_u64, 0_u64);
    retention::plan(store, limits, &Clock::system(), |_, copy| {
        sessions = sessions.saturating_add(1);
        bytes = bytes.saturating_add(copy);
    })
    .await
    .map_err(SessionsError::from)?;
    if sessions == 0 {
        return Ok(());
    }
    let question = format!(
        "Archive and delete {sessions} sessions (about {})?",
        size(bytes)
    );
    confirm(cx.out, "a cleanup", &question)
}

/// What was done, or would be.
struct Report<'a> {
    cx: Cx<'a>,
    limits: Limits,
    dry_run: bool,
    clock: Clock,
    before: u64,
    after: u64,
    sessions: Vec<Value>,
    kept: Vec<Value>,
}

impl<'a> Report<'a> {
    fn new(cx: Cx<'a>, limits: Limits, args: &CleanupArgs) -> Self {
        Self {
            cx,
            limits,
            dry_run: args.consent.dry_run,
            clock: Clock::system(),
            before: 0,
            after: 0,
            sessions: Vec::new(),
            kept: Vec::new(),
        }
    }

    async fn plan(&mut self, store: &EventStore) -> Result<(), CliError> {
        self.before = store.size().await?;
        let (limits, clock) = (self.limits, self.clock.clone());
        let mut told = Ok(());
        let tell = |due: Due, bytes: u64| {
            let line = format!("would delete  {}, about {}", self.facts(&due), size(bytes));
            let mut row = row(&due);
            set(&mut row, "bytes", json!(bytes));
            if told.is_ok() {
                told = self.tell(&line);
            }
            self.sessions.push(row);
        };
        retention::plan(store, limits, &clock, tell)
            .await
            .map_err(SessionsError::from)?;
        told
    }

    async fn clean(&mut self, store: &EventStore, state: &StateDir) -> Result<(), CliError> {
        self.before = store.size().await?;
        let folder = archive_folder(state);
        let folder = path::absolute(&folder).unwrap_or(folder);
        let (limits, clock) = (self.limits, self.clock.clone());
        let mut told = Ok(());
        let tell = |step: Step| match self.step(step) {
            Ok(()) => ControlFlow::Continue(()),
            Err(err) => {
                told = Err(err);
                ControlFlow::Break(())
            }
        };
        retention::clean(store, limits, &folder, &clock, tell)
            .await
            .map_err(SessionsError::from)?;
        told
    }

    fn step(&mut self, step: Step) -> Result<(), CliError> {
        match step {
            Step::Deleted(due, deleted) => {
                let mut row = row(&due);
                let mut line = format!("deleted  {}", self.facts(&due));
                if let Some(copy) = &deleted.copy {
                    line = format!("{line}, archived in {}", copy.file.display());
                    set(&mut row, "bytes", json!(copy.bytes));
                    set(&mut row, "archive", json!(copy.file));
                }
                self.sessions.push(row);
                self.tell(&line)
            }
            Step::Kept(due, err) => {
                let key = due.session.key;
                let line = format!("kept  {key}: {err}");
                self.kept
                    .push(json!({ "sessionKey": key, "reason": err.to_string() }));
                self.tell(&line)
            }
        }
    }

    fn facts(&self, due: &Due) -> String {
        let session = &due.session;
        let age = text::ago(age(&self.clock, session.updated.as_millisecond()));
        format!(
            "{}, {} events, last {age}, for its {}",
            session.key, session.head, due.why
        )
    }

    fn tell(&self, line: &str) -> Result<(), CliError> {
        if self.cx.out.is_json() {
            return Ok(());
        }
        self.cx.out.line(text::one_line(line))
    }

    fn end(self) -> Result<(), CliError> {
        let Self {
            cx,
            limits,
            dry_run,
            before,
            after,
            sessions,
            kept,
            ..
        } = self;
        let warnings: Vec<String> = limits
            .max_size
            .filter(|most| !dry_run && after > *most)
            .map(|most| {
                format!(
                    "the event log still uses {} and not {}: what is left may not go, or is the hashes of deleted events",
                    size(after),
                    size(most)
                )
            })
            .into_iter()
            .collect();
        if cx.out.is_json() {
            let milliseconds = |duration: Duration| u64::try_from(duration.as_millis()).ok();
            let data = json!({
                "dryRun": dry_run,
                "limits": {
                    "olderThanMs": limits.older_than.and_then(milliseconds),
                    "maxSizeBytes": limits.max_size,
                    "preserveRecentMs": limits.preserve_recent.and_then(milliseconds),
                },
                "sizeBefore": before,
                "sizeAfter": after,
                "sessions": sessions,
                "kept": kept,
            });
            return cx.out.answer(&data, &warnings);
        }
        let count = sessions.len();
        let end = match (count, dry_run) {
            (0, _) => format!("nothing is due; the event log uses {}", size(after)),
            (_, true) => format!(
                "{count} sessions would go; the event log uses {}",
                size(after)
            ),
            (_, false) => format!(
                "{count} sessions are archived and deleted; the event log used {} and uses {}",
                size(before),
                size(after)
            ),
        };
        cx.out.note(end);
        for warning in warnings {
            cx.out.warning(warning);
        }
        Ok(())
    }
}

fn row(due: &Due) -> Value {
    json!({
        "sessionKey": due.session.key,
        "why": due.why.to_string(),
        "events": due.session.head,
        "updatedAt": rfc3339(due.session.updated),
    })
}

fn set(row: &mut Value, name: &str, value: Value) {
    if let Some(row) = row.as_object_mut() {
        row.insert(name.to_owned(), value);
    }
}

/// Returns a size in the largest unit that fits, with one digit after the point.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    // In tenths of a unit, so that no floating point is needed.
    let mut tenths = bytes.saturating_mul(10) / 1024;
    let mut units = UNITS.iter().peekable();
    let mut unit = units.next().copied().unwrap_or_default();
    while tenths >= 10_240
        && let Some(larger) = units.next()
    {
        tenths /= 1024;
        unit = larger;
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_the_largest_unit_that_fits() {
        let sizes = [0, 1023, 1024, 1536, 5 << 20, 1 << 30, u64::MAX].map(size);
        assert_eq!(
            sizes,
            [
                "0 bytes",
                "1023 bytes",
                "1.0 KB",
                "1.5 KB",
                "5.0 MB",
                "1.0 GB",
                "1677721.5 TB"
            ]
        );
    }
}
