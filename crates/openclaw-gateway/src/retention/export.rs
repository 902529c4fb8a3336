//! A session as a file, written whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use openclaw_core::events::{EventHash, ExportHeader};
use openclaw_core::state_dir::{private_file, publish};
use openclaw_core::{EventStore, SessionKey};
use serde::Deserialize;
use uuid::Uuid;

use super::{RetentionError, blocking};

/// How many events are held at a time; one of them may be as large as an attachment.
const PAGE: u64 = 32;

/// The lines of a session's file, one page after the other.
///
/// It has the events that were there when it began; what is appended meanwhile is left out.
#[derive(Debug)]
pub struct Export {
    store: EventStore,
    header: ExportHeader,
    written: u64,
    begun: bool,
    last: Option<EventHash>,
}

/// A session's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedFile {
    /// The file.
    pub file: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// How many events it has.
    pub events: u64,
    /// The hash of the last one.
    pub head_hash: EventHash,
}

/// What has to be known of an event's line to see that it is the last one.
#[derive(Deserialize)]
struct LastLine {
    hash: EventHash,
}

impl Export {
    /// Begins with what the session has now.
    pub async fn begin(store: &EventStore, session: &SessionKey) -> Result<Self, RetentionError> {
        Ok(Self {
            store: store.clone(),
            header: store.export_header(session).await?,
            written: 0,
            begun: false,
            last: None,
        })
    }

    /// Returns what the first line says.
    pub const fn header(&self) -> &ExportHeader {
        &self.header
    }

    /// Returns how many events have been handed out.
    pub const fn written(&self) -> u64 {
        self.written
    }

    /// Returns the next lines, each with its end, until all have been handed out.
    pub async fn next(&mut self) -> Result<Option<String>, RetentionError> {
        if !self.begun {
            self.begun = true;
            let mut line =
                serde_json::to_string(&self.header).map_err(|_unwritable| self.gone())?;
            line.push('\n');
            return Ok(Some(line));
        }
        let events = self.header.events;
        if self.written >= events {
            return match self.last {
                Some(hash) if hash != self.header.head_hash => Err(self.gone()),
                _ => Ok(None),
            };
        }
        let (first, last) = (
            self.written.saturating_add(1),
            self.written.saturating_add(PAGE).min(events),
        );
        let key = &self.header.session_key;
        let lines = self.store.export_lines(key, first, last).await?;
        let expected = last.saturating_sub(self.written);
        if u64::try_from(lines.len()) != Ok(expected) {
            return Err(self.gone());
        }
        self.written = last;
        self.last = lines
            .last()
            .and_then(|line| serde_json::from_str(line).ok())
            .map(|LastLine { hash }| hash);
        let mut text = lines.join("\n");
        text.push('\n');
        Ok(Some(text))
    }

    fn gone(&self) -> RetentionError {
        RetentionError::Changed(self.header.session_key.clone())
    }
}

/// Writes what is left of an export to a file that must not exist, readable by the owner only.
///
/// The file appears under its name only when it is whole and on disk. `progress` is called with
/// the number of events that have been written.
pub async fn write_file(
    mut export: Export,
    path: &Path,
    mut progress: impl FnMut(u64),
) -> Result<ExportedFile, RetentionError> {
    let failed = |source| RetentionError::File {
        path: path.to_owned(),
        source,
    };
    // A link that leads nowhere counts as a file of the user's, too.
    if path.symlink_metadata().is_ok() {
        return Err(RetentionError::Exists(path.to_owned()));
    }
    let draft = Draft::beside(path);
    let mut file = {
        let draft = draft.0.clone();
        blocking(move || private_file(&draft))
            .await
            .map_err(failed)?
    };
    let mut bytes = 0_u64;
    while let Some(text) = export.next().await? {
        bytes = bytes.saturating_add(u64::try_from(text.len()).unwrap_or(u64::MAX));
        file = blocking(move || file.write_all(text.as_bytes()).map(|()| file))
            .await
            .map_err(failed)?;
        progress(export.written());
    }
    let (from, to) = (draft.0.clone(), path.to_owned());
    match blocking(move || finish(&file, &from, &to)).await {
        Ok(()) => {}
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {
            return Err(RetentionError::Exists(path.to_owned()));
        }
        Err(err) => return Err(failed(err)),
    }
    drop(draft);
    let header = export.header();
    Ok(ExportedFile {
        file: path.to_owned(),
        bytes,
        events: header.events,
        head_hash: header.head_hash,
    })
}

/// A file under a name that nobody looks for; it goes when this is dropped.
struct Draft(PathBuf);

impl Draft {
    fn beside(path: &Path) -> Self {
        Self(path.with_file_name(format!(".{}.partial", Uuid::new_v4())))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // One that was never made need not go.
        drop(fs::remove_file(&self.0));
    }
}

/// Gives a finished file its name, never over a file that somebody made meanwhile.
fn finish(file: &File, draft: &Path, path: &Path) -> io::Result<()> {
    file.sync_all()?;
    publish(draft, path)
}
