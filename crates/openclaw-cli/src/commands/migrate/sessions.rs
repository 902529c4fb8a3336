//! The area `sessions`: transcripts, as events of the log.

use openclaw_compat::{Home, Mode, SessionsReport, migrate};
use openclaw_core::EventStore;
use serde_json::{Value, json};

use super::{Area, Migration};
use crate::commands::sessions::existing_log;
use crate::error::CliError;

/// Takes the sessions of a home.
pub(super) async fn take(migration: &Migration<'_>) -> Result<Area, CliError> {
    let home = Home::open(&migration.from);
    let log = match migration.mode {
        // Looking makes no log.
        Mode::Look => existing_log(migration.state)?,
        Mode::Take if home.found().is_empty() => existing_log(migration.state)?,
        Mode::Take => {
            migration.state.create()?;
            Some(EventStore::open(&migration.state.event_log())?)
        }
    };
    let report = migrate(&home, log.as_ref(), migration.mode).await?;
    Ok(Area {
        name: "sessions",
        summary: summary(&report, migration.mode),
        taken: taken(&report),
        left: report.left,
        notes: report.notes,
    })
}

/// What is there altogether comes first: it can be compared with the source.
fn taken(report: &SessionsReport) -> Value {
    let mut taken = json!({ "sessions": report.sessions.len() });
    if let (Some(taken), Ok(Value::Object(there))) =
        (taken.as_object_mut(), serde_json::to_value(report.there))
    {
        taken.extend(there);
        let mut added = json!({ "sessions": report.changed() });
        if let (Some(added), Ok(Value::Object(counts))) =
            (added.as_object_mut(), serde_json::to_value(report.added))
        {
            added.extend(counts);
        }
        taken.insert("added".to_owned(), added);
        taken.insert("list".to_owned(), json!(report.sessions));
    }
    taken
}

fn summary(report: &SessionsReport, mode: Mode) -> String {
    let there = report.sessions.len();
    match (there, report.changed()) {
        (0, _) => return "none".to_owned(),
        (_, 0) => return format!("nothing new; all {there} are in the event log"),
        _ => {}
    }
    let verb = match mode {
        Mode::Look => "would be taken",
        Mode::Take => "taken",
    };
    format!(
        "{} of {there} {verb}: {} entries with {} messages and {} tool calls",
        report.changed(),
        report.added.entries,
        report.added.messages,
        report.added.tool_calls
    )
}
