//! `sessions.json`: which session a key stands for.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::json;
use crate::sqlite::regular;
use crate::trouble::{Fault, Spot, Trouble};

/// The largest store that is read; real ones have some ten kilobytes for each session.
const MAX_STORE: u64 = 512 * 1024 * 1024;

/// One key.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) key: String,
    pub(super) session_id: String,
    /// The entry as it is written.
    pub(super) entry: Arc<str>,
    pub(super) updated: Option<Timestamp>,
    /// Where the transcript may lie, the likeliest first.
    pub(super) files: Vec<PathBuf>,
}

/// Reads a store; one that is not there has nothing.
///
/// Entries that are wrong become troubles.
pub(super) fn read(file: &Path) -> Result<(Vec<Row>, Vec<Trouble>), Fault> {
    let trouble = |spot, fault| Trouble::new(file, spot, fault);
    let text = match text(file) {
        Ok(text) => text,
        Err(Fault::Missing) => return Ok((Vec::new(), Vec::new())),
        Err(fault) => return Err(fault),
    };
    // Kept as written, entry by entry, so that one that is wrong does not hide the others.
    let entries = entries(&text).map_err(|err| Fault::Form {
        reason: err.to_string(),
    })?;
    let (mut rows, mut troubles) = (Vec::new(), Vec::new());
    for (key, entry) in entries {
        match row(file, &key, &entry) {
            Ok(row) => rows.push(row),
            Err(reason) => troubles.push(trouble(Spot::Session(key), Fault::Form { reason })),
        }
    }
    Ok((rows, troubles))
}

fn text(file: &Path) -> Result<String, Fault> {
    regular(file)?;
    let size = fs::metadata(file)?.len();
    if size > MAX_STORE {
        let limit = MAX_STORE;
        return Err(Fault::TooLarge { size, limit });
    }
    let bytes = fs::read(file)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

fn entries(text: &str) -> Result<Vec<(String, Box<RawValue>)>, serde_json::Error> {
    let mended = json::whole_characters(text);
    let map: Map<String, Value> = serde_json::from_str(&mended)?;
    let raw = serde_json::from_str(text).or_else(|_| serde_json::from_str(&mended));
    let raw: HashMap<String, Box<RawValue>> = raw?;
    // The map of values knows the order, the other one the texts.
    Ok(map
        .into_iter()
        .filter_map(|(key, _)| raw.get(&key).map(|entry| (key, entry.clone())))
        .collect())
}

fn row(store: &Path, key: &str, entry: &RawValue) -> Result<Row, String> {
    let value: Value = json::parse(entry.get()).map_err(|err| err.to_string())?;
    let session_id = json::text(&value, "sessionId").ok_or("it has no `sessionId`")?;
    let folder = store.parent().unwrap_or_else(|| Path::new("."));
    let mut files = Vec::new();
    if let Some(file) = json::text(&value, "sessionFile") {
        // The home may have been moved since; then the file lies beside the store.
        let name = Path::new(file).file_name().map(|name| folder.join(name));
        files.extend(name);
        files.push(folder.join(file));
    }
    if !session_id.contains(['/', '\\']) {
        files.push(folder.join(format!("{session_id}.jsonl")));
    }
    Ok(Row {
        key: key.to_owned(),
        session_id: session_id.to_owned(),
        entry: Arc::from(entry.get()),
        updated: json::time(&value, "updatedAt"),
        files,
    })
}
