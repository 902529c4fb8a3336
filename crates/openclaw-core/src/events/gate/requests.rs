//! Reading requests, what was decided about them, and standing answers.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Params};

use super::note::{Row, decision_at};
use crate::approvals::{ApprovalId, Decision, Grant, Pending};
use crate::events::change::Change;
use crate::events::error::StoreError;
use crate::events::rows::{
    COLUMN_COUNT, COLUMNS, Stored, column_json, column_text, timestamp, unsigned,
};
use crate::events::store::EventStore;
use crate::ids::RunId;
use crate::session_key::SessionKey;

/// What follows [`COLUMNS`] in a query for requests.
const MORE: &str = ", s.key, a.decided FROM approvals a
     JOIN sessions s ON s.id = a.session_id
     JOIN events e ON e.session_id = a.session_id AND e.seq = a.requested";

impl EventStore {
    /// Returns the requests that wait for an answer now, the oldest first.
    pub async fn pending_approvals(&self, now: Timestamp) -> Result<Vec<Pending>, StoreError> {
        self.query(move |connection| {
            let which = "WHERE a.decided IS NULL AND a.expires_ms > ?1 ORDER BY a.number";
            let found = requests(connection, which, [now.as_millisecond()])?;
            Ok(found.into_iter().map(|(request, _)| request).collect())
        })
        .await
    }

    /// Returns a request and what was decided about it, if anything was.
    pub async fn approval(
        &self,
        approval: &ApprovalId,
    ) -> Result<Option<(Pending, Option<Decision>)>, StoreError> {
        let id = approval.0.clone();
        self.query(move |connection| Ok(requests(connection, "WHERE a.id = ?1", [id])?.pop()))
            .await
    }

    /// Returns at which event of its session a request stands.
    pub async fn asked_at(&self, approval: &ApprovalId) -> Result<Option<u64>, StoreError> {
        let approval = approval.clone();
        self.query(move |connection| Ok(Row::find(connection, &approval)?.map(|row| row.requested)))
            .await
    }

    /// Returns the newest requests, with what was decided about them, the newest first.
    pub async fn approval_history(
        &self,
        limit: u32,
    ) -> Result<Vec<(Pending, Option<Decision>)>, StoreError> {
        self.query(move |connection| {
            requests(connection, "ORDER BY a.number DESC LIMIT ?1", [limit])
        })
        .await
    }

    /// Returns the standing answers, the oldest first.
    pub async fn grants(&self) -> Result<Vec<Grant>, StoreError> {
        self.query(|connection| {
            connection
                .prepare_cached(
                    "SELECT digest, shape, by, since_ms FROM grants ORDER BY since_ms, digest",
                )
                .and_then(|mut statement| {
                    statement
                        .query_map([], |row| {
                            Ok(Grant {
                                digest: row.get(0)?,
                                shape: column_json(row, 1)?,
                                by: row.get(2)?,
                                since: timestamp(row.get(3)?),
                            })
                        })?
                        .collect()
                })
                .map_err(StoreError::read)
        })
        .await
    }

    /// Tells whether calls of the shape with that digest may run without being asked for.
    pub async fn is_granted(&self, digest: &str) -> Result<bool, StoreError> {
        let digest = digest.to_owned();
        self.query(move |connection| {
            connection
                .prepare_cached("SELECT 1 FROM grants WHERE digest = ?1")
                .and_then(|mut statement| statement.query_row([digest], |_| Ok(())).optional())
                .map(|found| found.is_some())
                .map_err(StoreError::read)
        })
        .await
    }
}

fn requests(
    connection: &Connection,
    which: &str,
    params: impl Params,
) -> Result<Vec<(Pending, Option<Decision>)>, StoreError> {
    let sql = format!("SELECT {COLUMNS}{MORE} {which}");
    let mut statement = connection.prepare_cached(&sql).map_err(StoreError::read)?;
    let mut rows = statement.query(params).map_err(StoreError::read)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(StoreError::read)? {
        let stored = Stored::of(row).map_err(StoreError::read)?;
        let session =
            column_text(row, COLUMN_COUNT, SessionKey::parse).map_err(StoreError::read)?;
        let decided: Option<i64> = row
            .get(COLUMN_COUNT.saturating_add(1))
            .map_err(StoreError::read)?;
        let decision = match decided {
            Some(seq) => decision_at(connection, stored.session_id, unsigned(seq))?,
            None => None,
        };
        let event = stored.decode(&session)?;
        if let Some(Change::ApprovalRequested {
            approval,
            call_id,
            shape,
            reasons,
            expires,
            ..
        }) = Change::of(&event)
        {
            let request = Pending {
                id: approval,
                session,
                run_id: event.run_id.unwrap_or_else(|| RunId(String::new())),
                call_id,
                shape,
                reasons,
                asked: event.time,
                expires,
            };
            found.push((request, decision));
        }
    }
    Ok(found)
}
