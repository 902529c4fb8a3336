//! Putting exported sessions into files.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use openclaw_core::events::StoreError;
use openclaw_core::state_dir::{private_dir, private_file, sync_folder};
use openclaw_core::{EventStore, Kind, SessionKey};
use serde_json::{Map, Value};

use super::{Exported, Lines, session};

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// How many sessions.
    pub sessions: u64,
    /// How many entries.
    pub entries: u64,
    /// The files, stores of sessions included.
    pub files: Vec<PathBuf>,
}

/// Why sessions could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The log cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file of that name is there.
    #[error("`{0}` is there already: nothing is written over it")]
    Exists(PathBuf),
    /// A file cannot be written.
    #[error("cannot write `{path}`")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

impl ExportError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Store(err) => err.kind(),
            Self::Exists(_) => Kind::Conflict,
            Self::Io { .. } => Kind::Unavailable,
        }
    }
}

/// Writes sessions below a folder, as they lie in a state directory; nothing is written over.
///
/// The stores of sessions are written last: a folder without one is no export.
pub async fn write(
    log: &EventStore,
    keys: &[SessionKey],
    folder: &Path,
) -> Result<Written, ExportError> {
    let mut written = Written::default();
    let mut stores: BTreeMap<PathBuf, Map<String, Value>> = BTreeMap::new();
    let mut names: HashSet<PathBuf> = HashSet::new();
    for key in keys {
        let mut exported = session(log, key).await?;
        let sessions = folder
            .join("agents")
            .join(exported.agent.as_str())
            .join("sessions");
        let store = stores.entry(sessions.clone()).or_default();
        if store.is_empty() {
            let file = sessions.join("sessions.json");
            if file.symlink_metadata().is_ok() {
                return Err(ExportError::Exists(file));
            }
            private_dir(&sessions).map_err(|source| io_error(&sessions, source))?;
        }
        put(&mut exported, &sessions, &mut names, &mut written)?;
        if let Some((key, entry)) = exported.store {
            store.insert(key, entry);
        }
        written.sessions = written.sessions.saturating_add(1);
    }
    for (sessions, store) in stores {
        let file = sessions.join("sessions.json");
        let text = format!("{:#}\n", Value::Object(store));
        put_text(&file, &text)?;
        sync_folder(&file).map_err(|source| io_error(&file, source))?;
        written.files.push(file);
    }
    Ok(written)
}

/// Writes a session's transcripts.
fn put(
    exported: &mut Exported,
    sessions: &Path,
    names: &mut HashSet<PathBuf>,
    written: &mut Written,
) -> Result<(), ExportError> {
    let last = exported.transcripts.len();
    for (n, lines) in (1..).zip(exported.transcripts.iter_mut()) {
        // Two sessions may have come from one transcript, at different times.
        let mut at = 2_u32;
        let original = file_name(&lines.session_id);
        let mut name = original.clone();
        while !names.insert(sessions.join(&name)) {
            name = format!("{original}-{at}");
            at = at.saturating_add(1);
        }
        if name != lines.session_id {
            rename(lines, &name);
            let entry = exported.store.as_mut().filter(|_| n == last);
            if let Some(fields) = entry.and_then(|(_, entry)| entry.as_object_mut()) {
                fields.insert("sessionId".into(), name.clone().into());
            }
        }
        let file = sessions.join(format!("{name}.jsonl"));
        let mut text = lines.lines.join("\n");
        text.push('\n');
        put_text(&file, &text)?;
        let count = u64::try_from(lines.lines.len()).unwrap_or(u64::MAX);
        written.entries = written.entries.saturating_add(count);
        written.files.push(file);
    }
    Ok(())
}

/// Writes an id so that it is a file's name and leads nowhere else.
fn file_name(id: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let name: String = id
        .chars()
        .map(|c| if plain(c) { c } else { '-' })
        .take(120)
        .collect();
    if name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        name
    } else {
        format!("s{name}")
    }
}

/// Gives a transcript another id, of which its header has to know.
fn rename(lines: &mut Lines, name: &str) {
    name.clone_into(&mut lines.session_id);
    let Some(first) = lines.lines.first_mut() else {
        return;
    };
    if let Ok(Value::Object(mut header)) = crate::json::parse(first)
        && header.get("type").and_then(Value::as_str) == Some("session")
    {
        header.insert("id".into(), name.into());
        *first = Value::Object(header).to_string();
    }
}

fn put_text(path: &Path, text: &str) -> Result<(), ExportError> {
    let written = private_file(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    match written {
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {
            Err(ExportError::Exists(path.to_owned()))
        }
        other => other.map_err(|source| io_error(path, source)),
    }
}

fn io_error(path: &Path, source: io::Error) -> ExportError {
    let path = path.to_owned();
    ExportError::Io { path, source }
}
