//! Which transcripts lie in a home, without reading them.

mod bounds;
mod files;
mod names;
mod renamed;
mod stamp;
mod store;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use openclaw_core::{AgentId, SessionKey};

use crate::key;
use crate::read::Transcript;
use crate::sqlite::{Archive, Database, Packed};
use crate::trouble::{Fault, Spot, Trouble};

pub use stamp::Stamp;

/// What OpenClaw calls the agent that a home without agents has.
const MAIN: &str = "main";

/// The sessions in a state directory.
#[derive(Debug, Default)]
pub struct Home {
    root: PathBuf,
    databases: Vec<Database>,
    found: Vec<Found>,
    troubles: Vec<Trouble>,
    blind: bounds::Blind,
}

/// One transcript that was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The key that its session has here.
    pub key: SessionKey,
    /// The key that the source has for it, if any.
    pub original_key: Option<String>,
    /// What it is to that key.
    pub role: Role,
    /// Its session, as the source names it.
    pub session_id: String,
    /// Where it lies.
    pub source: Source,
    /// When the source last changed it.
    pub updated: Timestamp,
    /// How many entries it has, where its database says so.
    rows: Option<u64>,
    /// What the source's store of sessions says about the key: one JSON object.
    pub(crate) store_entry: Option<Arc<str>>,
    pub(crate) place: Place,
}

/// What a transcript is to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The conversation that the key stands for.
    Current,
    /// A conversation that the key stood for earlier.
    Window,
    /// No key names it.
    Unnamed,
    /// It was put aside when its session began anew or was summed up.
    Archive,
}

/// Where a transcript lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// In a file of lines.
    Jsonl(PathBuf),
    /// In an agent's database.
    Sqlite(PathBuf),
}

/// What can be said about a transcript at a glance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// When it began, where that can be told.
    pub started: Option<Timestamp>,
    /// How many entries it has.
    pub entries: u64,
}

/// How a transcript is reached.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    File(PathBuf),
    Rows(usize),
    Archived(usize, Archive),
    Cold(usize, Packed, PathBuf),
}

impl Source {
    /// Returns the file.
    pub fn file(&self) -> &Path {
        match self {
            Self::Jsonl(file) | Self::Sqlite(file) => file,
        }
    }

    /// Returns the name of the form.
    pub const fn form(&self) -> &'static str {
        match self {
            Self::Jsonl(_) => "openclaw-jsonl",
            Self::Sqlite(_) => "openclaw-sqlite",
        }
    }
}

impl Home {
    /// Looks through a state directory.
    ///
    /// It reads the stores of sessions and the names of files; what cannot be read becomes a
    /// trouble.
    pub fn open(root: &Path) -> Self {
        let mut home = Self {
            root: root.to_owned(),
            ..Self::default()
        };
        for (agent, folder) in home.agents() {
            home.agent(&agent, &folder);
        }
        // Before there were agents, the sessions lay in the state directory itself.
        let early = home.root.join("sessions");
        if early.is_dir() && home.is_own(&early) {
            home.files(&AgentId::from(MAIN), &early);
        }
        home.tell_apart();
        home
    }

    /// Returns the state directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the transcripts, current ones before older ones.
    pub fn found(&self) -> &[Found] {
        &self.found
    }

    /// Returns the transcript that a key stands for.
    pub fn find(&self, key: &SessionKey) -> Option<&Found> {
        self.found.iter().find(|found| found.key == *key)
    }

    /// Returns what is wrong, apart from the transcripts themselves.
    pub fn troubles(&self) -> &[Trouble] {
        &self.troubles
    }

    /// Returns the stores and folders that could not be looked into, and why.
    pub fn unreadable(&self) -> &[Trouble] {
        self.blind.troubles()
    }

    /// Returns the transcripts that OpenClaw has as conversations now: those that keys stand for,
    /// and all of a folder whose store cannot be read.
    pub fn conversations(&self) -> impl Iterator<Item = &Found> {
        self.found.iter().filter(|found| match found.role {
            Role::Current => true,
            Role::Unnamed => self.blind.has(found.source.file()),
            Role::Window | Role::Archive => false,
        })
    }

    /// Reads a transcript.
    pub fn read(&self, found: &Found) -> Transcript {
        files::read(self, found).unwrap_or_else(|fault| Transcript {
            entries: Vec::new(),
            troubles: vec![Trouble::new(found.source.file(), Spot::Whole, fault)],
        })
    }

    /// Returns when a transcript began and how many entries it has, without understanding them.
    pub fn glance(&self, found: &Found) -> Glance {
        files::glance(self, found).unwrap_or_default()
    }

    /// Returns what tells one state of the transcripts in a state directory from another.
    pub fn stamp(root: &Path) -> Stamp {
        stamp::of(root)
    }

    /// Returns a path as seen from the state directory, which is how it is put on record.
    pub fn relative(&self, file: &Path) -> String {
        let inside = file.strip_prefix(&self.root).unwrap_or(file);
        inside.to_string_lossy().into_owned()
    }

    pub(crate) fn database(&self, at: usize) -> Result<&Database, Fault> {
        self.databases.get(at).ok_or(Fault::Missing)
    }

    /// Returns the agents by their folders, in the order of their names.
    fn agents(&mut self) -> Vec<(AgentId, PathBuf)> {
        let folder = self.root.join("agents");
        let mut agents = Vec::new();
        for path in self.listed(&folder) {
            if !path.is_dir() {
                continue;
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let agent = AgentId(name.into_owned());
            if key::is_agent(&agent) {
                agents.push((agent, path));
            } else {
                let reason = format!("`{agent}` is no agent id");
                self.trouble(&path, Spot::Whole, Fault::Form { reason });
            }
        }
        agents
    }

    /// Returns what is in a folder, in the order of the names; a folder that is not there has nothing.
    fn listed(&mut self, folder: &Path) -> Vec<PathBuf> {
        let listed = fs::read_dir(folder).and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<io::Result<Vec<PathBuf>>>()
        });
        match listed {
            Ok(mut paths) => {
                paths.sort();
                paths
            }
            Err(err) if err.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(err) => {
                self.unread(folder, err);
                Vec::new()
            }
        }
    }

    fn agent(&mut self, agent: &AgentId, folder: &Path) {
        if !self.is_own(folder) {
            return;
        }
        let sessions = folder.join("sessions");
        let database = folder.join("agent").join("openclaw-agent.sqlite");
        if database.symlink_metadata().is_ok() {
            self.rows(agent, &database, &sessions);
        }
        if self.is_own(&sessions) {
            self.files(agent, &sessions);
        }
    }

    /// Takes in the sessions of an agent's database.
    fn rows(&mut self, agent: &AgentId, file: &Path, sessions: &Path) {
        let database = Database::new(file);
        let listing = match self.listing(&database) {
            Ok(listing) => listing,
            Err(fault) => {
                self.unread(file, fault);
                self.unsorted(sessions);
                return;
            }
        };
        let at = self.databases.len();
        self.databases.push(database);
        if let Some(remark) = listing.remark {
            self.trouble(file, Spot::Whole, remark);
        }
        for session in listing.sessions {
            let role = match (&session.key, &session.entry) {
                (Some(_), Some(_)) => Role::Current,
                (Some(_), None) => Role::Window,
                (None, _) => Role::Unnamed,
            };
            if session.rows == 0 && session.cold.is_none() {
                let name = session.key.unwrap_or(session.session_id);
                self.trouble(file, Spot::Session(name), Fault::Empty);
                continue;
            }
            if let Some(packed) = &session.cold
                && let Err(fault) =
                    self.within_if_there(sessions, &sessions.join("cold").join(&packed.name))
            {
                let name = session.key.unwrap_or(session.session_id);
                self.trouble(file, Spot::Session(name), fault);
                continue;
            }
            let place = match session.cold {
                Some(packed) => Place::Cold(at, packed, sessions.to_owned()),
                None => Place::Rows(at),
            };
            self.add(
                agent,
                session.key,
                Found {
                    key: key::unnamed(agent, &session.session_id, None),
                    original_key: None,
                    role,
                    session_id: session.session_id,
                    source: Source::Sqlite(file.to_owned()),
                    updated: session.updated.unwrap_or_default(),
                    rows: Some(session.rows),
                    store_entry: session.entry.map(Arc::from),
                    place,
                },
            );
        }
        for archive in listing.archives {
            if archive.deleted {
                let spot = Spot::Session(archive.key);
                self.trouble(file, spot, Fault::Deleted);
                continue;
            }
            let mark = archive.name.clone();
            self.add(
                agent,
                Some(archive.key.clone()),
                Found {
                    key: key::unnamed(agent, &archive.session_id, Some(("reset", &mark))),
                    original_key: None,
                    role: Role::Window,
                    session_id: archive.session_id.clone(),
                    source: Source::Sqlite(file.to_owned()),
                    updated: archive.at.unwrap_or_default(),
                    rows: None,
                    store_entry: None,
                    place: Place::Archived(at, archive),
                },
            );
        }
    }

    /// Adds a transcript under the key that it has here.
    fn add(&mut self, agent: &AgentId, original: Option<String>, mut found: Found) {
        if let Some(original) = &original {
            if key::is_of_another(agent, original) {
                let spot = Spot::Session(original.clone());
                let file = found.source.file().to_owned();
                self.trouble(&file, spot, Fault::Foreign(agent.to_string()));
                return;
            }
            let own = key::canonical(agent, original);
            found.key = match found.role {
                Role::Current => own,
                Role::Window => key::beside(&own, "window", &found.session_id),
                Role::Unnamed | Role::Archive => found.key,
            };
        }
        found.original_key = original;
        self.found.push(found);
    }

    fn trouble(&mut self, file: &Path, spot: Spot, fault: impl Into<Fault>) {
        self.troubles.push(Trouble::new(file, spot, fault));
    }

    /// Gives every transcript a key of its own, current ones first.
    fn tell_apart(&mut self) {
        self.found.sort_by(|a, b| {
            let late = |found: &Found| (found.role != Role::Current, found.key.clone());
            late(a).cmp(&late(b))
        });
        let mut taken: HashSet<SessionKey> = HashSet::new();
        let mut counts: HashMap<SessionKey, u32> = HashMap::new();
        for found in &mut self.found {
            let own = found.key.clone();
            while !taken.insert(found.key.clone()) {
                let n = counts.entry(found.key.clone()).or_insert(1);
                *n = n.saturating_add(1);
                found.key = key::beside(&found.key, "again", &n.to_string());
            }
            self.troubles.extend(found.renamed(&own));
        }
    }
}
