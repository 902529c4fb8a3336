//! `openclaw credentials list`: names, kinds, ages and states.

use std::process::ExitCode;

use openclaw_core::clock::rfc3339;
use openclaw_core::credentials::{Record, RecordKind, RecordState};
use serde_json::{Value, json};

use super::store::Keyring;
use crate::commands::Cx;
use crate::error::CliError;
use crate::text;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw credentials list
  openclaw credentials list --json

The list itself is encrypted, so that the master password is needed.";

pub(super) fn list(cx: Cx<'_>) -> Result<ExitCode, CliError> {
    let keyring = Keyring::locate(cx)?;
    let path = keyring.vault.path();
    if !keyring.vault.exists() {
        if cx.out.is_json() {
            let data = json!({ "path": path, "exists": false, "records": [] });
            cx.out.answer(&data, &[])?;
        } else {
            cx.out.note(format_args!(
                "there is no credential store in {}; make one with `openclaw{} configure --section auth`",
                path.display(),
                cx.state_flags()
            ));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let records = keyring
        .open(cx)?
        .list()
        .map_err(|err| keyring.failed(err))?;
    if cx.out.is_json() {
        let records: Vec<Value> = records.iter().map(document).collect();
        let data = json!({ "path": path, "exists": true, "records": records });
        cx.out.answer(&data, &[])?;
    } else if records.is_empty() {
        cx.out.note("nothing is stored yet");
    } else {
        let rows = records.iter().map(row).collect();
        cx.out.table(&["NAME", "KIND", "STORED", "STATE"], rows)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns a record as scripts get it.
pub(super) fn document(record: &Record) -> Value {
    let mut document = json!({
        "name": record.name,
        "kind": record.kind.map(kind),
        "updated": record.updated.map(rfc3339),
        "state": match record.state {
            RecordState::Ok => "ok",
            RecordState::Damaged(_) => "damaged",
        },
    });
    if let (RecordState::Damaged(damage), Some(members)) = (&record.state, document.as_object_mut())
    {
        members.insert("damage".to_owned(), damage.to_string().into());
    }
    document
}

fn row(record: &Record) -> Vec<String> {
    let state = match &record.state {
        RecordState::Ok => "ok".to_owned(),
        RecordState::Damaged(damage) => damage.to_string(),
    };
    vec![
        text::one_line(&record.name).into_owned(),
        record.kind.map_or("-", kind).to_owned(),
        record.updated.map_or_else(|| "-".to_owned(), rfc3339),
        text::one_line(&state).into_owned(),
    ]
}

const fn kind(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::Key => "key",
        RecordKind::OAuth => "oauth",
    }
}
