//! What is wrong with something in a home: which file, where in it, and why.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The newest version of the agent's database that this crate was made for.
pub(crate) const KNOWN_SCHEMA: i64 = 23;
/// The newest version of a transcript that this crate was made for.
pub(crate) const KNOWN_TRANSCRIPT: u64 = 4;

/// One thing that is not as it should be.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// The file.
    pub file: PathBuf,
    /// Where in it.
    pub spot: Spot,
    /// What is wrong.
    pub fault: Fault,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spot {
    /// The file as a whole.
    Whole,
    /// A line, from 1.
    Line(u64),
    /// A session, as the file names it.
    Session(String),
    /// A row of a session's transcript.
    Row {
        /// The session's id.
        session: String,
        /// The row's number.
        seq: i64,
    },
}

/// What became of the thing that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It is kept, in the way that the fault says.
    Kept,
    /// It stays where it is and is not taken.
    Left,
}

/// What can be wrong.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Fault {
    /// The last line has no end.
    #[error("the last line was not written to its end: {reason}")]
    CutShort {
        /// What the JSON lacks.
        reason: String,
    },
    /// A line is no JSON.
    #[error("no JSON: {reason}")]
    NotJson {
        /// Where it stops being JSON.
        reason: String,
    },
    /// A line is no text.
    #[error("not UTF-8 from byte {at} on; what cannot be read was replaced by U+FFFD")]
    NotText {
        /// The first byte that is wrong, from 0.
        at: usize,
    },
    /// An entry is too large to be kept.
    #[error("{size} bytes, at most {limit} can be kept")]
    TooLarge {
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// An entry is kept without being understood.
    #[error("kept as it is but not read: {reason}")]
    Unread {
        /// Why.
        reason: String,
    },
    /// An entry has a type that this version does not know.
    #[error("the entry type `{kind}` is not known: kept as it is{}", and_more(*.more))]
    UnknownType {
        /// The type.
        kind: String,
        /// How many more there are in the file.
        more: u64,
    },
    /// A transcript has a version that this version does not know.
    #[error("transcript version {0} is newer than {KNOWN_TRANSCRIPT}: read as if it were that one")]
    TranscriptVersion(u64),
    /// A transcript does not say what it is.
    #[error("the transcript has no header: its session and its start are taken from elsewhere")]
    NoHeader,
    /// The entries point at each other in a circle.
    #[error(
        "the entries of the active branch point at each other in a circle: all are taken in their order"
    )]
    Circle,
    /// A database is newer, but has what is needed.
    #[error("schema version {0} is newer than {KNOWN_SCHEMA}, but has the columns that are needed")]
    NewerSchema(i64),
    /// A database does not have what is needed.
    #[error("schema version {version} does not have what is needed: {missing}")]
    ForeignSchema {
        /// The version that it says it has.
        version: i64,
        /// The table or column that is missing.
        missing: String,
    },
    /// Compressed data cannot be read.
    #[error("the compressed data cannot be read: {reason}")]
    Zstd {
        /// Why.
        reason: String,
    },
    /// A row is neither plain nor compressed.
    #[error("the row has no content")]
    NoContent,
    /// An archive is not the one that its database knows.
    #[error("the archive's SHA-256 is {found} and not {expected}")]
    WrongHash {
        /// What it is.
        found: String,
        /// What the database says.
        expected: String,
    },
    /// A file is not there.
    #[error("not there")]
    Missing,
    /// The file is something else.
    #[error("not a regular file but {0}")]
    NotAFile(&'static str),
    /// A session has nothing in it.
    #[error("it has no transcript: nothing was ever said in it")]
    Empty,
    /// A session was deleted there.
    #[error("it was deleted in OpenClaw; what is left of it stays where it is")]
    Deleted,
    /// Another file has all of it.
    #[error("all of it is in `{0}` too")]
    Copy(String),
    /// The file is not in the home's own folder of that sort, whatever the home says.
    #[error("it lies outside of the sessions folder: it is not opened")]
    Outside,
    /// The folder of an agent has a session of another one's.
    #[error("its key is another agent's, and it was found with `{0}`")]
    Foreign(String),
    /// Another session has its key.
    #[error("another session has the key `{own}`: taken under `{key}`")]
    OtherKey {
        /// The key that it would have.
        own: String,
        /// The key that it has.
        key: String,
    },
    /// The file says nothing that can be used.
    #[error("it is not what it should be: {reason}")]
    Form {
        /// Why.
        reason: String,
    },
    /// A key had to be written in another way.
    #[error("the key `{original}` is no session key here: taken under `{key}`")]
    Rekeyed {
        /// The key as the source has it.
        original: String,
        /// The key that was made of it.
        key: String,
    },
    /// A writer never leaves the file alone.
    #[error("it is being written to all the time: stop the OpenClaw gateway, or try again")]
    Restless,
    /// The system does not let the file be read.
    #[error("{0}")]
    Io(Arc<io::Error>),
    /// SQLite cannot read the file.
    #[error("{0}")]
    Sqlite(Arc<rusqlite::Error>),
}

impl Fault {
    /// Returns what became of the thing.
    pub const fn effect(&self) -> Effect {
        match self {
            Self::NotText { .. }
            | Self::Unread { .. }
            | Self::UnknownType { .. }
            | Self::TranscriptVersion(_)
            | Self::NoHeader
            | Self::Circle
            | Self::NewerSchema(_)
            | Self::OtherKey { .. }
            | Self::Rekeyed { .. } => Effect::Kept,
            Self::CutShort { .. }
            | Self::NotJson { .. }
            | Self::TooLarge { .. }
            | Self::ForeignSchema { .. }
            | Self::Zstd { .. }
            | Self::NoContent
            | Self::WrongHash { .. }
            | Self::Missing
            | Self::NotAFile(_)
            | Self::Empty
            | Self::Deleted
            | Self::Copy(_)
            | Self::Outside
            | Self::Foreign(_)
            | Self::Form { .. }
            | Self::Restless
            | Self::Io(_)
            | Self::Sqlite(_) => Effect::Left,
        }
    }
}

impl From<io::Error> for Fault {
    fn from(err: io::Error) -> Self {
        if err.kind() == io::ErrorKind::NotFound {
            Self::Missing
        } else {
            Self::Io(Arc::new(err))
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(err: rusqlite::Error) -> Self {
        Self::Sqlite(Arc::new(err))
    }
}

impl Trouble {
    pub(crate) fn new(file: &Path, spot: Spot, fault: impl Into<Fault>) -> Self {
        Self {
            file: file.to_owned(),
            spot,
            fault: fault.into(),
        }
    }

    /// Returns what the trouble is about: the file, and where in it.
    pub fn what(&self) -> String {
        format!("{}{}", self.file.display(), self.spot)
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Line(line) => write!(f, " line {line}"),
            Self::Session(session) => write!(f, " session {session}"),
            Self::Row { session, seq } => write!(f, " session {session} row {seq}"),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what(), self.fault)
    }
}

fn and_more(more: u64) -> String {
    match more {
        0 => String::new(),
        n => format!(", and so are {n} more"),
    }
}
