//! Checking that what may run without being asked for was granted.

use std::collections::{HashMap, HashSet};

use rusqlite::Connection;

use crate::approvals::{Answer, ApprovalId};
use crate::events::audit::AuditEntry;
use crate::events::error::StoreError;

/// What the audit stream says was granted, as its entries go by.
#[derive(Debug, Default)]
pub(in crate::events) struct Granted {
    /// The digests of requests that nobody has decided yet.
    asked: HashMap<ApprovalId, String>,
    given: HashSet<String>,
}

impl Granted {
    /// Takes in an entry of the audit stream.
    pub(in crate::events) fn heed(&mut self, entry: &AuditEntry) {
        match entry {
            AuditEntry::ApprovalRequested {
                approval, digest, ..
            } => {
                self.asked.insert(approval.clone(), digest.clone());
            }
            AuditEntry::ApprovalDecided {
                approval, answer, ..
            } => {
                let digest = self.asked.remove(approval);
                if *answer == Some(Answer::AllowAlways) {
                    self.given.extend(digest);
                }
            }
            AuditEntry::GrantWithdrawn { digest, .. } => {
                self.given.remove(digest);
            }
            _ => {}
        }
    }

    /// Tells whether the table has something that nobody granted.
    pub(in crate::events) fn is_exceeded(
        &self,
        connection: &Connection,
    ) -> Result<bool, StoreError> {
        if !has_grants(connection)? {
            return Ok(false);
        }
        let digests: Vec<String> = connection
            .prepare("SELECT digest FROM grants")
            .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
            .map_err(StoreError::read)?;
        Ok(digests.iter().any(|digest| !self.given.contains(digest)))
    }
}

/// Tells whether the log is of a version that knows standing approvals; a backup may be older.
fn has_grants(connection: &Connection) -> Result<bool, StoreError> {
    connection
        .query_row(
            "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'grants')",
            [],
            |row| row.get(0),
        )
        .map_err(StoreError::read)
}
