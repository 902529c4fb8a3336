//! What model calls took, and what is left to spend.
//!
//! Tables of the log's file, which change in the transaction that records: `usage` has the
//! sums of all calls, by a quarter of an hour, session and model, and keeps them when a session is
//! deleted; `spent` and `spent_in_session` have of those what limits are about, in so few rows that
//! every call can look at them; `reservations` has the calls that are under way, of every process; `raises` has the
//! caps that somebody has raised. So what was spent is known at once, after a start too, and two
//! processes on one log cannot spend the same money.
//!
//! Reading order: `tally` reads what a recorded event says about calls, `book` keeps the sums,
//! `limit` says what may be spent and judges, `reserve` sets money aside and gives it back, `lost`
//! deals with the calls of processes that died, `report` sums up.

mod book;
mod limit;
mod lost;
mod report;
mod reserve;
mod tally;

#[cfg(test)]
mod tests;

pub use limit::{Limit, Raise, Scope, Spent, Standing};
pub use report::{UsageCell, UsageQuery};
pub use reserve::{Call, Reservation, Shortage, Spender, Verdict};

pub(super) use book::{Source, count};
pub(super) use reserve::{Asked, Granted, Hold, spent, unspent};
pub(super) use tally::rebuild;

/// What limits are about; what was spent elsewhere is not.
pub(super) const SPENT: &str = "
    CREATE TABLE spent (
        quarter     INTEGER NOT NULL,           -- of an hour, since 1970
        agent       TEXT    NOT NULL,
        attended    INTEGER NOT NULL,           -- 0 when nobody waited for the answer
        nanos       INTEGER NOT NULL,           -- in billionths of a US dollar
        tokens      INTEGER NOT NULL,           -- of every kind
        PRIMARY KEY (quarter, agent, attended)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO spent
        SELECT quarter, agent, attended, CAST(total(nanos) AS INTEGER),
               CAST(total(input) + total(output) + total(cache_read) + total(cache_write) AS INTEGER)
        FROM usage WHERE own = 1 GROUP BY quarter, agent, attended;
    CREATE TABLE spent_in_session (
        session_id  INTEGER PRIMARY KEY REFERENCES sessions (id),
        nanos       INTEGER NOT NULL,
        tokens      INTEGER NOT NULL
    ) STRICT;
    INSERT INTO spent_in_session
        SELECT session_id, CAST(total(nanos) AS INTEGER),
               CAST(total(input) + total(output) + total(cache_read) + total(cache_write) AS INTEGER)
        FROM usage WHERE own = 1 GROUP BY session_id;
";

/// The other tables, as the migration makes them.
pub(super) const TABLES: &str = "
    CREATE TABLE usage (
        quarter     INTEGER NOT NULL,           -- of an hour, since 1970
        session_id  INTEGER NOT NULL REFERENCES sessions (id),
        provider    TEXT    NOT NULL,
        model       TEXT    NOT NULL,
        channel     TEXT    NOT NULL,           -- that the message came by
        attended    INTEGER NOT NULL,           -- 0 when nobody waited for the answer
        own         INTEGER NOT NULL,           -- 0 when it was spent elsewhere, and imported
        agent       TEXT    NOT NULL,
        calls       INTEGER NOT NULL,
        failed      INTEGER NOT NULL,
        unpriced    INTEGER NOT NULL,           -- calls whose price nobody knows
        input       INTEGER NOT NULL,
        output      INTEGER NOT NULL,
        cache_read  INTEGER NOT NULL,
        cache_write INTEGER NOT NULL,
        reasoning   INTEGER NOT NULL,
        nanos       INTEGER NOT NULL,           -- in billionths of a US dollar
        latency     TEXT    NOT NULL,           -- how many calls took how long
        first_token TEXT    NOT NULL,
        PRIMARY KEY (quarter, session_id, provider, model, channel, attended, own)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX usage_session ON usage (session_id);
    CREATE TABLE reservations (
        id          TEXT    PRIMARY KEY,
        owner       TEXT    NOT NULL,           -- the process that makes the call
        run_id      TEXT    NOT NULL,
        session_id  INTEGER NOT NULL REFERENCES sessions (id),
        agent       TEXT    NOT NULL,
        channel     TEXT    NOT NULL,
        attended    INTEGER NOT NULL,
        provider    TEXT    NOT NULL,
        model       TEXT    NOT NULL,
        usage       TEXT    NOT NULL,           -- the most that it may take, or what it took
        tokens      INTEGER NOT NULL,
        nanos       INTEGER,
        settled     INTEGER NOT NULL DEFAULT 0  -- 1 when it took that, and is not recorded yet
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE raises (
        cap         TEXT    NOT NULL,
        subject     TEXT    NOT NULL,           -- the session or agent, if it is one's own
        period_ms   INTEGER NOT NULL,           -- since when it goes; another period is capped anew
        nanos       INTEGER,
        tokens      INTEGER,
        PRIMARY KEY (cap, subject, period_ms)
    ) STRICT, WITHOUT ROWID;
";
