//! The event log: the append-only truth of every session.
//!
//! An event is a fact in one of eight [kinds](SessionEventKind), in an envelope that says when,
//! why and in which run it happened. [`EventStore::append`] is the only way to change a session,
//! it returns after the fact is on disk, and only then does anybody hear of it. Everything that
//! people see is a fold over these events.
//!
//! Reading order: `kind`, `payload` and `change` are the facts, `schema` and `rows` their place on disk,
//! `store` opens and reads the log, `writer` and `transaction` append to it, `lease` keeps one run per session,
//! `subscribe` follows it, `projection` folds it. `hash` and `anchors` make it tamper-evident, `audit` is what
//! it says about itself, `spending` is what model calls took and may take, `gate` is what a tool
//! call has to know that is about to run, `verify` checks it, `export` and `backup` take it elsewhere.

mod anchoring;
mod anchors;
mod append;
mod audit;
mod backup;
mod cache;
mod change;
mod error;
mod export;
mod gate;
mod hash;
mod history;
mod inspect;
mod kind;
mod lease;
mod masking;
mod payload;
mod projection;
mod read;
mod report;
mod rows;
mod runs;
mod schema;
mod shared_page;
mod shortening;
mod spending;
mod store;
mod subscribe;
mod transaction;
mod verify;
mod witness;
mod writer;

use jiff::Timestamp;
use serde::de::IgnoredAny;

pub use audit::{AuditEntry, SecretChange};
pub use backup::{BackupError, BackupSummary, restore_backup, verify_backup};
pub use cache::{SearchHit, SearchKind, SearchQuery, SnippetPart};
pub use change::Change;
pub use error::StoreError;
pub use export::{ExportHeader, ImportError, ImportFailure, ImportFile};
pub use gate::OpenWatch;
pub use hash::{EventHash, NoHash};
pub use inspect::{Inspection, anchors_path, inspect, inspect_deep};
pub use kind::{EndReason, SessionEventKind};
pub use lease::Lease;
pub use payload::{Block, CallOutcome, CallPayload, Payload, StepPayload, Thinking, ToolPayload};
pub use projection::{ChatMessage, SessionProjection, Speaker, Versioned};
pub use read::SessionSummary;
pub use report::{Finding, Report, Tampering};
pub use rows::MAX_EVENT_SIZE;
pub use runs::by_run;
pub use shortening::{CompactionTrigger, Shortening};
pub use spending::{
    Call, Limit, Raise, Reservation, Scope, Shortage, Spender, Spent, Standing, UsageCell,
    UsageQuery, Verdict,
};
pub use store::EventStore;
pub use subscribe::Subscription;
pub use witness::Witness;

use crate::ids::{CallId, RunId};
use crate::session_key::SessionKey;

/// A place in the whole log, over all sessions; later events have higher positions.
pub type Position = u64;

/// One recorded fact.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionEvent {
    /// The session that it belongs to.
    pub session: SessionKey,
    /// Its place in the session: 1, 2, 3 … without gaps.
    pub seq: u64,
    /// Its place in the whole log.
    pub position: Position,
    /// When it was recorded.
    pub time: Timestamp,
    /// The event of the same session that brought it about.
    pub cause: Option<u64>,
    /// The run of the agent loop that it is part of.
    pub run_id: Option<RunId>,
    /// The step of that run, from 1: one model call and the tool calls that it asked for.
    pub step: Option<u32>,
    /// The tool call that it is about.
    pub call_id: Option<CallId>,
    /// What happened.
    pub kind: SessionEventKind,
    /// What else is known about it.
    pub payload: Option<Payload>,
    /// The record of another system that it was imported from, byte for byte.
    pub raw: Option<RawJson>,
    /// The hash over all this and over the event before it.
    pub hash: EventHash,
}

/// A fact that is about to be recorded; the log adds its place and its time.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// The event of the same session that brought it about.
    pub cause: Option<u64>,
    /// The run of the agent loop that it is part of.
    pub run_id: Option<RunId>,
    /// The step of that run.
    pub step: Option<u32>,
    /// The tool call that it is about.
    pub call_id: Option<CallId>,
    /// What happened.
    pub kind: SessionEventKind,
    /// What else is known about it.
    pub payload: Option<Payload>,
    /// The record of another system that it is imported from.
    pub raw: Option<RawJson>,
}

impl From<SessionEventKind> for NewEvent {
    fn from(kind: SessionEventKind) -> Self {
        Self {
            cause: None,
            run_id: None,
            step: None,
            call_id: None,
            kind,
            payload: None,
            raw: None,
        }
    }
}

impl NewEvent {
    /// Places the event in a run.
    #[must_use]
    pub fn in_run(mut self, run: &RunId, cause: Option<u64>) -> Self {
        self.run_id = Some(run.clone());
        self.cause = cause;
        self
    }

    /// Places the event in a step of its run.
    #[must_use]
    pub const fn at_step(mut self, step: u32) -> Self {
        self.step = Some(step);
        self
    }

    /// Says which tool call the event is about.
    #[must_use]
    pub fn about_call(mut self, call: &CallId) -> Self {
        self.call_id = Some(call.clone());
        self
    }

    /// Adds what else is known.
    #[must_use]
    pub fn with_payload(mut self, payload: Payload) -> Self {
        self.payload = Some(payload);
        self
    }
}

/// JSON text that is kept byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawJson(String);

impl RawJson {
    /// Takes text that has to be one JSON value.
    pub fn new(text: String) -> Result<Self, serde_json::Error> {
        serde_json::from_str::<IgnoredAny>(&text)?;
        Ok(Self(text))
    }

    /// Returns the text as it was given.
    pub fn get(&self) -> &str {
        &self.0
    }
}
