//! What the gate before every tool call remembers: requests for approval, standing answers, and
//! files of workspaces that carry a stranger's words, or may come to.
//!
//! Tables of the log's file, which change in the transaction that records. `approvals` has every
//! request of a session that is not deleted, with the event of its decision, so that of two
//! decisions in two processes one is the first; `grants` has what may run without being asked
//! for; `written` has the files, and `watches` the workspaces in which they may change
//! meanwhile. Texts are where they were recorded, in the events; a grant and a
//! mark on a file outlive the session that they came from, as the file does.
//!
//! What was recorded elsewhere and imported changes nothing here: a file that somebody sends is
//! no answer of the owner's.
//!
//! Reading order: `note` takes in what is recorded, `decide` records answers, `requests`,
//! `written` and `watched` read, `check` tells a grant that nobody gave, `rebuild` fills the tables of an older
//! log.

mod check;
mod decide;
mod note;
mod rebuild;
mod requests;
mod watched;
mod written;

#[cfg(test)]
mod tests;

pub(super) use check::Granted;
pub(super) use decide::{Decide, Withdraw};
pub(super) use note::{Place, entry, note};
pub(super) use rebuild::rebuild;
pub use watched::OpenWatch;
pub(super) use written::{path_text, workspace_text};

/// The tables, as the migration makes them.
pub(super) const TABLES: &str = "
    CREATE TABLE approvals (
        number      INTEGER PRIMARY KEY,        -- in the order in which they were asked for
        id          TEXT    NOT NULL UNIQUE,
        session_id  INTEGER NOT NULL REFERENCES sessions (id),
        requested   INTEGER NOT NULL,           -- seq of the request
        decided     INTEGER,                    -- seq of the decision, once there is one
        expires_ms  INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX approvals_pending ON approvals (expires_ms) WHERE decided IS NULL;
    CREATE INDEX approvals_session ON approvals (session_id);
    CREATE TABLE grants (
        digest      TEXT    PRIMARY KEY,        -- of what may run
        shape       TEXT    NOT NULL,
        by          TEXT    NOT NULL,
        since_ms    INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE written (
        workspace   TEXT    NOT NULL,
        path        TEXT    NOT NULL,           -- in the workspace; empty for all of it
        marks       TEXT    NOT NULL,
        PRIMARY KEY (workspace, path)
    ) STRICT, WITHOUT ROWID;
";

/// The table of what is not settled, as its migration makes it.
pub(super) const WATCHES: &str = "
    CREATE TABLE watches (
        id          TEXT    PRIMARY KEY,
        session_id  INTEGER NOT NULL,           -- whose event it was; that may be gone
        workspace   TEXT    NOT NULL,
        since_ms    INTEGER NOT NULL,
        owner       TEXT    NOT NULL,           -- as of a lease
        marks       TEXT    NOT NULL
    ) STRICT, WITHOUT ROWID;
";
