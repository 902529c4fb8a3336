//! Filling the tables from what is recorded.

use std::collections::HashMap;

use rusqlite::Connection;

use super::note::{Place, note};
use crate::events::audit::AuditEntry;
use crate::events::error::StoreError;
use crate::events::rows::{COLUMN_COUNT, COLUMNS, Stored, column_text};
use crate::events::{Position, SessionEvent};
use crate::kind::Kind;
use crate::session_key::SessionKey;

/// Takes in all that is recorded, when the tables come into being.
pub(in crate::events) fn rebuild(connection: &Connection) -> Result<(), StoreError> {
    let imported = imported(connection)?;
    each(
        connection,
        "s.deleted = 0 AND s.system = 0 AND e.raw IS NULL AND e.kind = 'StateChanged'
         AND (e.data LIKE '%\"approval.%' OR e.data LIKE '%\"file.%')",
        |session_id, event| {
            // What came before the entry that says so was recorded elsewhere.
            if imported
                .get(&event.session)
                .is_some_and(|until| event.position < *until)
            {
                return Ok(());
            }
            let place = Place {
                session_id,
                seq: event.seq,
                time: event.time,
            };
            match note(connection, place, &event.kind) {
                // A decision that came second, or late, did not count.
                Err(err) if matches!(err.kind(), Kind::Conflict | Kind::NotFound | Kind::Busy) => {
                    Ok(())
                }
                noted => noted,
            }
        },
    )?;
    // A standing answer has an entry in the audit stream, which older logs do not have: it is
    // asked for again.
    connection
        .execute("DELETE FROM grants", [])
        .map(drop)
        .map_err(StoreError::write)
}

/// Returns the last position at which each session was imported.
fn imported(connection: &Connection) -> Result<HashMap<SessionKey, Position>, StoreError> {
    let mut imported = HashMap::new();
    each(
        connection,
        "s.system = 1 AND e.data LIKE '%\"audit.session.imported\"%'",
        |_, event| {
            if let Some(AuditEntry::SessionImported { session, .. }) = AuditEntry::of(&event) {
                imported.insert(session, event.position);
            }
            Ok(())
        },
    )?;
    Ok(imported)
}

fn each(
    connection: &Connection,
    which: &str,
    mut take: impl FnMut(i64, SessionEvent) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, s.key FROM events e JOIN sessions s ON s.id = e.session_id
         WHERE {which} ORDER BY e.position"
    );
    let mut statement = connection.prepare(&sql).map_err(StoreError::read)?;
    let mut rows = statement.query([]).map_err(StoreError::read)?;
    while let Some(row) = rows.next().map_err(StoreError::read)? {
        let stored = Stored::of(row).map_err(StoreError::read)?;
        let session =
            column_text(row, COLUMN_COUNT, SessionKey::parse).map_err(StoreError::read)?;
        let session_id = stored.session_id;
        // What cannot be read says nothing; that it is damaged is for a check to find.
        if let Ok(event) = stored.decode(&session) {
            take(session_id, event)?;
        }
    }
    Ok(())
}
