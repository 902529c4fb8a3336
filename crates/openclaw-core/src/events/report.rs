//! What a check of the log finds.

use std::fmt;

use serde::Serialize;

use super::Position;

/// What a check of the log came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Whether nothing is wrong.
    pub intact: bool,
    /// How many events were checked.
    pub events: u64,
    /// How many sessions they are in, deleted ones and the audit stream included.
    pub sessions: u64,
    /// How many of the newest events lost their anchors in a power loss.
    pub unanchored: u64,
    /// How many anchors were written again after restarts of the machine, because they were
    /// missing: of these events nothing outside the database tells that they are the first ones.
    pub renewed: u64,
    /// What is wrong, the lowest position first; at most 100.
    pub findings: Vec<Finding>,
}

impl Report {
    /// How many findings a report holds; the first one says where it began.
    pub const MOST: usize = 100;
}

impl Default for Report {
    fn default() -> Self {
        Self {
            intact: true,
            events: 0,
            sessions: 0,
            unanchored: 0,
            renewed: 0,
            findings: Vec::new(),
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The place in the whole log.
    pub position: Position,
    /// The session, where it is known.
    pub session: Option<String>,
    /// The event's number in the session, where it is known.
    pub seq: Option<u64>,
    /// What is wrong there.
    pub what: Tampering,
}

/// What can be wrong with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tampering {
    /// Its fields do not have its hash, or it does not follow the event before it.
    Edited,
    /// It does not have the number that comes next in its session.
    OutOfOrder,
    /// It is gone from the middle of the log.
    Missing,
    /// It, and all that came after it, is gone from the end of the log.
    CutOff,
    /// It has the right hash, but is not the event that was recorded there.
    Rewritten,
    /// It was not recorded by this program.
    Inserted,
    /// It was emptied, and no tombstone says so.
    Emptied,
    /// Its session has no row.
    NoSession,
    /// Its session's row does not name it as the last one.
    Head,
    /// Its session's row says something else than its events do: that it is deleted, ended, or
    /// the log's own, when it began, or when it changed last.
    Row,
    /// Something may run without being asked for, and nobody granted that.
    Grant,
    /// The tables of the database are not those that this program makes.
    Schema,
    /// The file of the anchors is missing.
    NoAnchors,
}

impl fmt::Display for Tampering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Edited => "the event was edited",
            Self::OutOfOrder => "the event is not the next one of its session",
            Self::Missing => "the event is gone",
            Self::CutOff => "the end of the log is gone from here on",
            Self::Rewritten => "another event was recorded here",
            Self::Inserted => "the event was not recorded by this program",
            Self::Emptied => "the event was emptied without a tombstone",
            Self::NoSession => "the session of the event is gone",
            Self::Head => "the session does not end with its last event",
            Self::Row => "the session is marked as something that its events do not say it is",
            Self::Grant => "a standing approval is there that nobody gave",
            Self::Schema => "the database has other tables, indexes or triggers than it should",
            Self::NoAnchors => {
                "the anchors are missing, so that a rewritten session could not be told"
            }
        })
    }
}
