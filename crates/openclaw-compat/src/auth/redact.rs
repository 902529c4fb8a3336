//! Taking secrets out of where OpenClaw keeps its sign-ins, and leaving a reference there.
//!
//! It is done only when the owner asks for it, for secrets that are kept elsewhere by then. OpenClaw
//! accepts the references (`keyRef`, `tokenRef`), and does not find there what it has not stored
//! itself.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use openclaw_core::secrets::ApiKey;
use openclaw_core::state_dir::{private_file, sync_folder};
use openclaw_core::{AgentId, Kind};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior};
use serde_json::{Map, Value};

use super::{Cell, OWN, SHARED, SignIns, folder, text};
use crate::trouble::Fault;

/// How long another process may hold a database.
const PATIENCE: Duration = Duration::from_secs(2);

/// One place that has sign-ins.
#[derive(Debug)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The agent that they are for; all agents where none is named.
    pub agent: Option<AgentId>,
    /// What is there.
    pub sign_ins: SignIns,
    /// Where in the file they are; a file without cells has nothing else in it.
    cell: Option<&'static Cell>,
}

/// A secret that is kept elsewhere now.
#[derive(Debug)]
pub struct Moved {
    /// The sign-in.
    pub id: String,
    /// The secret that was moved; another one is left alone.
    pub secret: Arc<ApiKey>,
    /// What is to stand in its place: `{source, provider, id}`.
    pub reference: Value,
}

/// What became of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redacted {
    /// How many sign-ins have a reference now.
    pub profiles: usize,
    /// Whether the database's log may still have the secrets, because somebody else has it open.
    pub in_log: bool,
}

/// Why a place was left as it was.
#[derive(Debug, thiserror::Error)]
pub enum RedactError {
    /// The file cannot be read.
    #[error("`{}`: {fault}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The reason.
        fault: Fault,
    },
    /// The file has another form than it had.
    #[error("`{}` is no list of sign-ins any more", .0.display())]
    Changed(PathBuf),
    /// The file cannot be written.
    #[error("cannot write `{}`: {source}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The database cannot be written.
    #[error("cannot write the database `{}`: {source}", file.display())]
    Database {
        /// The file.
        file: PathBuf,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
}

impl RedactError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        Kind::Unavailable
    }
}

/// Finds every place of a home that may have sign-ins: what all agents share, then the agents'.
pub fn places(state_dir: &Path) -> Vec<Place> {
    let mut places = vec![Place::database(
        state_dir.join("state").join("openclaw.sqlite"),
        None,
        &SHARED,
    )];
    for agent in agents(state_dir) {
        let folder = folder(state_dir, &agent);
        let database = folder.join("openclaw-agent.sqlite");
        places.push(Place::database(database, Some(agent.clone()), &OWN));
        places.push(Place::file(folder.join("auth-profiles.json"), agent));
    }
    places
        .retain(|place| !place.sign_ins.profiles.is_empty() || !place.sign_ins.troubles.is_empty());
    places
}

fn agents(state_dir: &Path) -> Vec<AgentId> {
    let entries = fs::read_dir(state_dir.join("agents")).into_iter().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort_by_key(|name| (name != super::MAIN, name.clone()));
    names.into_iter().map(AgentId::from).collect()
}

impl Place {
    fn database(file: PathBuf, agent: Option<AgentId>, cell: &'static Cell) -> Self {
        let mut sign_ins = SignIns::default();
        sign_ins.take_cell(&file, cell);
        Self {
            file,
            agent,
            sign_ins,
            cell: Some(cell),
        }
    }

    fn file(file: PathBuf, agent: AgentId) -> Self {
        let mut sign_ins = SignIns::default();
        sign_ins.take_file(&file);
        Self {
            file,
            agent: Some(agent),
            sign_ins,
            cell: None,
        }
    }

    /// Puts references in the place of secrets; all of them or none.
    pub fn redact(&self, moved: &[Moved]) -> Result<Redacted, RedactError> {
        match self.cell {
            Some(cell) => self.redact_cell(cell, moved),
            None => self.redact_file(moved),
        }
    }

    fn redact_file(&self, moved: &[Moved]) -> Result<Redacted, RedactError> {
        let before = text(&self.file).map_err(|fault| RedactError::Read {
            file: self.file.clone(),
            fault,
        })?;
        let (after, profiles) = self.without(&before, moved)?;
        if profiles > 0 {
            replace(&self.file, &after).map_err(|source| RedactError::Write {
                file: self.file.clone(),
                source,
            })?;
        }
        Ok(Redacted {
            profiles,
            in_log: false,
        })
    }

    fn redact_cell(&self, cell: &Cell, moved: &[Moved]) -> Result<Redacted, RedactError> {
        let failed = |source| RedactError::Database {
            file: self.file.clone(),
            source,
        };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&self.file, flags).map_err(failed)?;
        connection.busy_timeout(PATIENCE).map_err(failed)?;
        // What is overwritten must not stay in a free page of the file.
        connection
            .execute_batch("PRAGMA secure_delete = ON")
            .map_err(failed)?;
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        let before: Option<String> = transaction
            .query_row(cell.select, [], |row| row.get(0))
            .optional()
            .map_err(failed)?;
        let before = before.ok_or_else(|| RedactError::Changed(self.file.clone()))?;
        let (after, profiles) = self.without(&before, moved)?;
        transaction.execute(cell.update, [&after]).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        // The write-ahead log has the page as it was; it is emptied, unless somebody reads from it.
        let busy: i64 = connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
            .map_err(failed)?;
        Ok(Redacted {
            profiles,
            in_log: busy != 0,
        })
    }

    /// Returns the list of sign-ins with references in it, and how many those are.
    fn without(&self, text: &str, moved: &[Moved]) -> Result<(String, usize), RedactError> {
        let changed = || RedactError::Changed(self.file.clone());
        let mut store: Value = serde_json::from_str(text).map_err(|_quotes_it| changed())?;
        let profiles = store
            .get_mut("profiles")
            .and_then(Value::as_object_mut)
            .ok_or_else(changed)?;
        let mut many = 0_usize;
        for moved in moved {
            if let Some(Value::Object(profile)) = profiles.get_mut(&moved.id)
                && let Some(pointing) = pointing(profile, moved)
            {
                *profile = pointing;
                many = many.saturating_add(1);
            }
        }
        let text = serde_json::to_string_pretty(&store).map_err(|_unlikely| changed())?;
        Ok((text + "\n", many))
    }
}

/// Returns a sign-in with a reference where its secret was; nothing where it has another secret.
fn pointing(profile: &Map<String, Value>, moved: &Moved) -> Option<Map<String, Value>> {
    let said = profile.get("type").or_else(|| profile.get("mode"))?;
    let (fields, name): (&[&str], &str) = match said.as_str()? {
        "api_key" | "apiKey" => (&["key", "apiKey"], "keyRef"),
        "token" => (&["token"], "tokenRef"),
        _ => return None,
    };
    let holds = |value: &Value| {
        value
            .as_str()
            .is_some_and(|text| moved.secret.verify(text.trim()))
    };
    let mut found = false;
    let mut pointing = Map::new();
    for (key, value) in profile {
        if !fields.contains(&key.as_str()) {
            pointing.insert(key.clone(), value.clone());
        } else if !holds(value) {
            return None;
        } else if !found {
            found = true;
            pointing.insert(name.to_owned(), moved.reference.clone());
        }
    }
    found.then_some(pointing)
}

/// Puts a text in the place of a file: whole or not at all, for the owner only.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let draft = file.with_extension(format!("json.{}", std::process::id()));
    let written = private_file(&draft)
        .and_then(|mut new| {
            new.write_all(text.as_bytes())?;
            new.sync_all()
        })
        .and_then(|()| fs::rename(&draft, file))
        .and_then(|()| sync_folder(file));
    written.inspect_err(|_| drop(fs::remove_file(&draft)))
}
