//! Why a command about sessions failed, beyond what the event log says.

use std::io;
use std::path::PathBuf;

use openclaw_compat::export::ExportError;
use openclaw_core::events::{ImportFailure, StoreError};
use openclaw_core::{Kind, SessionKey};
use openclaw_gateway::retention::RetentionError;

/// Why a command about sessions failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionsError {
    /// A session was not copied or not deleted.
    #[error(transparent)]
    Retention(#[from] RetentionError),
    /// There is no event log.
    #[error("the event log `{}` does not exist yet", .0.display())]
    NoLog(PathBuf),
    /// The file of an import cannot be read.
    #[error("cannot read {file}: {source}")]
    Read {
        /// What is read.
        file: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The file of an import is not right, or the log cannot take it.
    #[error("cannot import {file}: {source}")]
    Import {
        /// What was read.
        file: String,
        /// What is wrong.
        source: Box<ImportFailure>,
    },
    /// The file of an import has nothing in it.
    #[error("cannot import {file}: it is empty")]
    Empty {
        /// What was read.
        file: String,
    },
    /// A line is longer than any that was exported.
    #[error("cannot import {file}: line {line} has more than the {limit} bytes that it can have")]
    LongLine {
        /// What was read.
        file: String,
        /// The line's number, from 1.
        line: u64,
        /// The most bytes that a line may have.
        limit: usize,
    },
    /// A line is no text.
    #[error("cannot import {file}: line {line} is not UTF-8")]
    NotText {
        /// What was read.
        file: String,
        /// The line's number, from 1.
        line: u64,
    },
    /// The file has more events than it says it has.
    #[error(
        "cannot import {file}: line {line} is one more than the {events} events that line 1 speaks of"
    )]
    Surplus {
        /// What was read.
        file: String,
        /// The first line too many.
        line: u64,
        /// How many events there should be.
        events: u64,
    },
    /// The events are whole, but line 1 tells of others.
    #[error("cannot import {file}: line 1 was changed, its hash is not that of the last event")]
    OtherHead {
        /// What was read.
        file: String,
    },
    /// The session is not in the log yet.
    #[error("the session `{key}` is not in the event log yet: it lies in an {form} file")]
    Waiting {
        /// The session.
        key: SessionKey,
        /// The form of the file that it lies in.
        form: &'static str,
    },
    /// Sessions could not be written as OpenClaw's.
    #[error(transparent)]
    OpenClaw(#[from] ExportError),
    /// One document cannot hold what was asked for.
    #[error("{0}")]
    Format(&'static str),
    /// Nothing says which sessions are to go.
    #[error(
        "nothing says which sessions are to go: neither --older-than nor --max-size is given, and session.maintenance of `{}` sets no limit",
        .0.display()
    )]
    NoLimits(PathBuf),
}

impl SessionsError {
    /// Tells what is wrong with a file that the log did not take in.
    pub(super) fn import(file: String, failure: ImportFailure) -> Self {
        match failure {
            // The file is right, so it is not named.
            ImportFailure::Store(err) => Self::Retention(err.into()),
            failure @ ImportFailure::File(_) => Self::Import {
                file,
                source: Box::new(failure),
            },
        }
    }

    /// Returns the kind of this failure.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Retention(err) => err.kind(),
            Self::NoLog(_) | Self::Waiting { .. } => Kind::NotFound,
            Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => Kind::NotFound,
            Self::Read { .. } => Kind::Unavailable,
            Self::Import { source, .. } => source.kind(),
            Self::Empty { .. }
            | Self::LongLine { .. }
            | Self::NotText { .. }
            | Self::Surplus { .. }
            | Self::OtherHead { .. }
            | Self::Format(_)
            | Self::NoLimits(_) => Kind::Invalid,
            Self::OpenClaw(err) => err.kind(),
        }
    }

    /// Returns what the user can do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Retention(RetentionError::Store(StoreError::SessionExists(_))) => {
                "choose another key with --as"
            }
            Self::Retention(RetentionError::Store(StoreError::HeadMoved { .. })) => {
                "look at what was added, and run the command again"
            }
            Self::Retention(RetentionError::Store(StoreError::Leased(_))) => {
                "wait until the run has ended, and try again"
            }
            Self::Waiting { .. } => "take it over with `openclaw migrate`",
            Self::OpenClaw(ExportError::Exists(_)) => "name an empty folder with --out",
            Self::NoLog(_) => "say something first: `openclaw agent --message \"hello\"`",
            Self::Import { .. }
            | Self::Empty { .. }
            | Self::LongLine { .. }
            | Self::NotText { .. }
            | Self::Surplus { .. }
            | Self::OtherHead { .. } => {
                "take the file that `openclaw sessions export` wrote, byte for byte"
            }
            Self::NoLimits(_) => "name a limit, for example --older-than 90d",
            Self::Retention(_)
            | Self::Read { .. }
            | Self::OpenClaw(ExportError::Store(_) | ExportError::Io { .. })
            | Self::Format(_) => return None,
        };
        Some(hint.to_owned())
    }
}
