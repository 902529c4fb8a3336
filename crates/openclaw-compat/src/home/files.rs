//! The transcripts of an agent that are files, and reading any transcript.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use openclaw_core::AgentId;
use serde::Deserialize;
use serde_json::Value;

use super::names::{self, Name, Why};
use super::{Found, Glance, Home, Place, Role, Source, store};
use crate::json;
use crate::key;
use crate::read::{Transcript, each_line, read_jsonl};
use crate::sqlite::zstd::Unpacked;
use crate::sqlite::{StoredSession, regular};
use crate::trouble::{Fault, Spot, Trouble};

/// The most that a compressed transcript may have when it is unpacked.
const MAX_UNPACKED: u64 = 2 * 1024 * 1024 * 1024;

impl Home {
    /// Takes in the transcripts in a folder.
    pub(super) fn files(&mut self, agent: &AgentId, folder: &Path) {
        let rows = self.stored(folder);
        let mut named: HashSet<PathBuf> = HashSet::new();
        for row in rows {
            let mut there = row
                .files
                .iter()
                .filter(|file| file.symlink_metadata().is_ok());
            let inside = |file: &&PathBuf| self.within(folder, file).is_ok();
            let Some(file) = there.clone().find(inside).or_else(|| there.next()) else {
                // What the database has was moved there.
                if !self.has_session(&row.session_id) {
                    let file = row
                        .files
                        .last()
                        .cloned()
                        .unwrap_or_else(|| folder.to_owned());
                    self.trouble(&file, Spot::Session(row.key), Fault::Missing);
                }
                continue;
            };
            if let Err(fault) = self.within(folder, file) {
                named.insert(file.clone());
                self.trouble(file, Spot::Session(row.key), fault);
                continue;
            }
            // Two keys may stand for one session; its transcript is taken under the first.
            if !named.insert(file.clone()) {
                let other = self.relative(file);
                self.trouble(file, Spot::Session(row.key), Fault::Copy(other));
                continue;
            }
            if let Some(mut found) = self.file(agent, file, row.session_id, Role::Current) {
                found.store_entry = Some(row.entry);
                found.updated = row.updated.unwrap_or(found.updated);
                self.place(agent, Some(row.key), found);
            }
        }
        let mut rest = self.listed(folder);
        rest.retain(|path| !named.contains(path));
        // What was put aside may be a copy of a transcript, and never the other way round.
        rest.sort_by_key(|path| is_copy(path));
        for path in rest {
            self.unnamed(agent, &path);
        }
    }

    /// Returns what the store in a folder says.
    fn stored(&mut self, folder: &Path) -> Vec<store::Row> {
        let file = folder.join("sessions.json");
        if let Err(fault) = self.within_if_there(folder, &file) {
            self.unread(&file, fault);
            self.unsorted(folder);
            return Vec::new();
        }
        match store::read(&file) {
            Ok((rows, troubles)) => {
                self.troubles.extend(troubles);
                rows
            }
            Err(fault) => {
                self.unread(&file, fault);
                self.unsorted(folder);
                Vec::new()
            }
        }
    }

    /// Takes in a file that no key names, if it is a transcript.
    fn unnamed(&mut self, agent: &AgentId, path: &Path) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match names::read(&name) {
            Name::Transcript { id } => {
                if let Some(found) = self.file(agent, path, id.to_owned(), Role::Unnamed) {
                    self.place(agent, None, found);
                }
            }
            Name::Aside {
                why: Why::Deleted, ..
            } => self.trouble(path, Spot::Whole, Fault::Deleted),
            Name::Aside { id, why, mark } => {
                if let Some(mut found) = self.file(agent, path, id.to_owned(), Role::Archive) {
                    found.key = key::unnamed(agent, id, Some((why.name(), mark)));
                    self.place(agent, None, found);
                }
            }
            Name::Store | Name::Other => {}
        }
    }

    /// Describes a file that has a transcript.
    fn file(&mut self, agent: &AgentId, path: &Path, id: String, role: Role) -> Option<Found> {
        let folder = path.parent().unwrap_or(path);
        if let Err(fault) = self.within(folder, path).and_then(|()| regular(path)) {
            self.trouble(path, Spot::Whole, fault);
            return None;
        }
        let (size, updated) = written(path);
        if size == 0 {
            self.trouble(path, Spot::Whole, Fault::Empty);
            return None;
        }
        Some(Found {
            key: key::unnamed(agent, &id, None),
            original_key: None,
            role,
            session_id: id,
            source: Source::Jsonl(path.to_owned()),
            updated,
            rows: None,
            store_entry: None,
            place: Place::File(path.to_owned()),
        })
    }

    /// Adds a file's transcript, unless all of it was found already.
    fn place(&mut self, agent: &AgentId, key: Option<String>, mut found: Found) {
        let same = |other: &&Found| other.session_id == found.session_id;
        let others: Vec<Found> = self.found.iter().filter(same).cloned().collect();
        for other in others {
            if covers(&self.read(&other), &self.read(&found)) {
                let file = self.relative(other.source.file());
                let path = found.source.file().to_owned();
                self.trouble(&path, Spot::Whole, Fault::Copy(file));
                return;
            }
            if found.role == Role::Current && other.role == Role::Current {
                // The database went on from the file; what it does not have is history.
                found.role = Role::Window;
            }
        }
        self.add(agent, key, found);
    }

    fn has_session(&self, id: &str) -> bool {
        self.found.iter().any(|found| found.session_id == id)
    }
}

fn is_copy(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    matches!(names::read(&name), Name::Aside { .. })
}

/// Tells whether every entry of one transcript is in another: by its id, or by its text.
fn covers(known: &Transcript, other: &Transcript) -> bool {
    let ids: HashSet<&str> = known
        .entries
        .iter()
        .filter_map(|entry| entry.id())
        .collect();
    let texts: HashSet<&str> = known
        .entries
        .iter()
        .map(|entry| entry.raw.as_str())
        .collect();
    other.entries.iter().all(|entry| {
        entry.id().is_some_and(|id| ids.contains(id)) || texts.contains(entry.raw.as_str())
    })
}

/// Returns how long a file is, and when it was last written.
fn written(path: &Path) -> (u64, Timestamp) {
    let Ok(found) = fs::metadata(path) else {
        return (0, Timestamp::UNIX_EPOCH);
    };
    let updated = found.modified().ok();
    let updated = updated.and_then(|time| Timestamp::try_from(time).ok());
    (found.len(), updated.unwrap_or_default())
}

/// Looks at a transcript's beginning, and counts.
pub(super) fn glance(home: &Home, found: &Found) -> Result<Glance, Fault> {
    let (mut started, mut entries) = (None, 0_u64);
    match &found.place {
        Place::File(path) => {
            regular(path)?;
            each_line(lines_of(path)?, |_, line| {
                let Ok((text, _)) = line else { return };
                if entries == 0 {
                    let first: Value = json::parse(&text).unwrap_or_default();
                    started = json::time(&first, "timestamp");
                }
                entries = entries.saturating_add(1);
            });
        }
        Place::Rows(at) => {
            started = home.database(*at)?.read(|connection| {
                let sql = "SELECT min(created_at) FROM transcript_events WHERE session_id = ?1";
                let ms = connection
                    .query_row(sql, [&found.session_id], |row| row.get::<_, Option<i64>>(0))?;
                Ok(ms.and_then(|ms| Timestamp::from_millisecond(ms).ok()))
            })?;
        }
        Place::Archived(..) | Place::Cold(..) => {}
    }
    Ok(Glance {
        started,
        entries: found.rows.unwrap_or(entries),
    })
}

/// Opens a file of lines, compressed or not.
fn lines_of(path: &Path) -> Result<Box<dyn BufRead>, Fault> {
    let file = BufReader::new(File::open(path)?);
    if path.extension().is_some_and(|end| end == "zst") {
        return unpacked(file);
    }
    Ok(Box::new(file))
}

fn unpacked(input: impl Read + 'static) -> Result<Box<dyn BufRead>, Fault> {
    let unpacked = Unpacked::new(input, MAX_UNPACKED).map_err(|err| Fault::Zstd {
        reason: err.to_string(),
    })?;
    Ok(Box::new(BufReader::new(unpacked)))
}

/// Reads a transcript from wherever it lies.
pub(super) fn read(home: &Home, found: &Found) -> Result<Transcript, Fault> {
    match &found.place {
        Place::File(path) => {
            regular(path)?;
            Ok(read_jsonl(lines_of(path)?, path))
        }
        Place::Rows(at) => {
            let database = home.database(*at)?;
            let session_id = &found.session_id;
            StoredSession {
                database,
                session_id,
            }
            .read()
        }
        Place::Archived(at, archive) => {
            let database = home.database(*at)?;
            let (bytes, packed) = crate::sqlite::archive_bytes(database, archive)?;
            let input = Cursor::new(bytes);
            let file = database.file().join(&archive.name);
            if packed {
                Ok(read_jsonl(unpacked(input)?, &file))
            } else {
                Ok(read_jsonl(input, &file))
            }
        }
        Place::Cold(at, packed, folder) => {
            let database = home.database(*at)?;
            let bytes = crate::sqlite::cold_bytes(database, &found.session_id, packed, folder)?;
            let file = folder.join("cold").join(&packed.name);
            Ok(cold(unpacked(Cursor::new(bytes))?, &file))
        }
    }
}

/// One record of a transcript that was moved out.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum ColdRecord {
    Event {
        row: ColdEvent,
    },
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
struct ColdEvent {
    seq: i64,
    event_json: String,
    created_at: i64,
}

fn cold(input: impl BufRead, file: &Path) -> Transcript {
    let mut transcript = Transcript::default();
    each_line(input, |number, line| {
        let spot = Spot::Line(number);
        let record = line.and_then(|(text, _)| {
            serde_json::from_str(&json::whole_characters(&text)).map_err(|err| Fault::Form {
                reason: err.to_string(),
            })
        });
        match record {
            Ok(ColdRecord::Event { row }) => {
                let place = u64::try_from(row.seq).unwrap_or_default();
                let before = transcript.entries.len();
                transcript.push(file, spot, place, row.event_json);
                if let Some(entry) = transcript.entries.get_mut(before) {
                    entry.time = entry
                        .time
                        .or_else(|| Timestamp::from_millisecond(row.created_at).ok());
                }
            }
            Ok(ColdRecord::Other) => {}
            Err(fault) => transcript.troubles.push(Trouble::new(file, spot, fault)),
        }
    });
    transcript.finish(file, &Spot::Whole);
    transcript
}
