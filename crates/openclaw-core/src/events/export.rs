//! A session as a file: one line of JSON that says what it is, then one line per event.
//!
//! The texts of an event are kept byte for byte, so that a session which is read back has the
//! hashes that it had.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::error::StoreError;
use super::hash::{EventHash, Record};
use super::read::SessionSummary;
use super::rows::{each_stored, session_id, unsigned};
use super::store::EventStore;
use super::transaction::{Import, Work};
use crate::kind::Kind;
use crate::session_key::SessionKey;

/// What the first line of a file says that it is.
const FORMAT: &str = "openclaw-session";
/// The version of the format.
const VERSION: u32 = 1;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportHeader {
    format: String,
    version: u32,
    /// The session that was exported.
    pub session_key: SessionKey,
    /// How many events follow.
    pub events: u64,
    /// The hash of the last one.
    pub head_hash: EventHash,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    seq: i64,
    time_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cause: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    call_id: Option<String>,
    kind: String,
    data: Box<RawValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payload: Option<Box<RawValue>>,
    /// As a text, because the record of another system may have line breaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    raw: Option<String>,
    hash: EventHash,
}

/// Why a file is not a session that can be taken in.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ImportError {
    /// The first line is not that of an exported session.
    #[error("line 1 does not begin an exported session: {0}")]
    Header(String),
    /// The file was written by a later version of this program.
    #[error("the file has version {0} of the format, this program knows {VERSION}")]
    Newer(u32),
    /// A line is no event.
    #[error("line {line} is no event: {reason}")]
    Line {
        /// Its number, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// An event is not the one that was exported.
    #[error(
        "line {line}: event {seq} was changed after it was exported, or a line before it is missing"
    )]
    Changed {
        /// Its number, from 1.
        line: u64,
        /// The event's number.
        seq: u64,
    },
    /// The file ends too early.
    #[error("the file has {found} of {expected} events: it was cut off")]
    Short {
        /// How many it has.
        found: u64,
        /// How many it should have.
        expected: u64,
    },
}

impl ImportError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        Kind::Invalid
    }
}

/// A file that is being read, line by line; every event is checked against its hash.
#[derive(Debug)]
pub struct ImportFile {
    header: ExportHeader,
    records: Vec<Record>,
    hash: EventHash,
}

impl ImportFile {
    /// Begins with the first line.
    pub fn begin(line: &str) -> Result<Self, ImportError> {
        let header: ExportHeader =
            serde_json::from_str(line).map_err(|err| ImportError::Header(err.to_string()))?;
        if header.format != FORMAT {
            return Err(ImportError::Header(format!(
                "the format is `{}`",
                header.format
            )));
        }
        if header.version > VERSION {
            return Err(ImportError::Newer(header.version));
        }
        Ok(Self {
            header,
            records: Vec::new(),
            hash: EventHash::START,
        })
    }

    /// Takes the next line.
    pub fn push(&mut self, line: &str) -> Result<(), ImportError> {
        let number = u64::try_from(self.records.len())
            .unwrap_or(u64::MAX)
            .saturating_add(2);
        let wrong = |reason: String| ImportError::Line {
            line: number,
            reason,
        };
        let line: Line = serde_json::from_str(line).map_err(|err| wrong(err.to_string()))?;
        let record = Record {
            seq: line.seq,
            time_ms: line.time_ms,
            cause: line.cause,
            run_id: line.run_id,
            step: line.step,
            call_id: line.call_id,
            kind: line.kind,
            data: line.data.get().to_owned(),
            payload: line.payload.map(|payload| payload.get().to_owned()),
            raw: line.raw,
        };
        if Timestamp::from_millisecond(record.time_ms).is_err() {
            return Err(wrong(format!("{} is no time", record.time_ms)));
        }
        let hash = record.hash(&self.hash);
        let next = unsigned(record.seq).saturating_add(1) == number;
        if hash != line.hash || !next {
            return Err(ImportError::Changed {
                line: number,
                seq: unsigned(record.seq),
            });
        }
        record
            .clone()
            .decode(&self.header.session_key, 0, hash)
            .map_err(|err| wrong(err.to_string()))?;
        self.hash = hash;
        self.records.push(record);
        Ok(())
    }

    /// Returns what the first line said.
    pub const fn header(&self) -> &ExportHeader {
        &self.header
    }

    /// Ends the file.
    fn finish(self, session: &SessionKey) -> Result<Import, ImportError> {
        let found = u64::try_from(self.records.len()).unwrap_or(u64::MAX);
        let expected = self.header.events;
        if found != expected {
            return Err(ImportError::Short { found, expected });
        }
        if self.hash != self.header.head_hash {
            let reason = "its hash is not that of the last event".to_owned();
            return Err(ImportError::Header(reason));
        }
        Ok(Import {
            session: session.clone(),
            records: self.records,
            head_hash: self.header.head_hash,
        })
    }
}

impl EventStore {
    /// Returns the first line of a session's file.
    pub async fn export_header(&self, session: &SessionKey) -> Result<ExportHeader, StoreError> {
        let key = session.clone();
        let (events, head_hash) = self
            .query(move |connection| {
                let id = session_id(connection, &key)?;
                connection
                    .query_row(
                        "SELECT head, head_hash FROM sessions WHERE id = ?1",
                        [id],
                        |row| Ok((unsigned(row.get(0)?), super::rows::hash(row, 1)?)),
                    )
                    .map_err(StoreError::read)
            })
            .await?;
        Ok(ExportHeader {
            format: FORMAT.to_owned(),
            version: VERSION,
            session_key: session.clone(),
            events,
            head_hash,
        })
    }

    /// Returns the lines of the events from number `from` to `to`, without line ends.
    pub async fn export_lines(
        &self,
        session: &SessionKey,
        from: u64,
        to: u64,
    ) -> Result<Vec<String>, StoreError> {
        let key = session.clone();
        self.query(move |connection| {
            let id = session_id(connection, &key)?;
            let mut lines = Vec::new();
            each_stored(connection, id, from, to, |stored| {
                let seq = unsigned(stored.record.seq);
                let damaged = |source: serde_json::Error| StoreError::Damaged {
                    session: key.clone(),
                    seq,
                    source: source.into(),
                };
                let line = line(stored.record, stored.hash).map_err(damaged)?;
                lines.push(serde_json::to_string(&line).map_err(damaged)?);
                Ok(())
            })?;
            Ok(lines)
        })
        .await
    }

    /// Records a whole session from a file, with the times and the hashes that it had.
    ///
    /// The session `to` must not exist.
    pub async fn import(
        &self,
        file: ImportFile,
        to: &SessionKey,
    ) -> Result<SessionSummary, ImportFailure> {
        let import = file.finish(to)?;
        self.submit(Work::Import(import)).await?;
        let made = self.session(to).await?;
        Ok(made.ok_or_else(|| StoreError::NoSession(to.clone()))?)
    }
}

/// Why a session was not taken in.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ImportFailure {
    /// The file is not right.
    #[error(transparent)]
    File(#[from] ImportError),
    /// The log cannot take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ImportFailure {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::File(err) => err.kind(),
            Self::Store(err) => err.kind(),
        }
    }
}

fn line(record: Record, hash: EventHash) -> Result<Line, serde_json::Error> {
    Ok(Line {
        seq: record.seq,
        time_ms: record.time_ms,
        cause: record.cause,
        run_id: record.run_id,
        step: record.step,
        call_id: record.call_id,
        kind: record.kind,
        data: RawValue::from_string(record.data)?,
        payload: record.payload.map(RawValue::from_string).transpose()?,
        raw: record.raw,
        hash,
    })
}
