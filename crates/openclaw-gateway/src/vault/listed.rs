//! A record as clients and commands are told of it: everything but the secret.

use openclaw_core::clock::rfc3339;
use openclaw_core::credentials::{Record, RecordKind, RecordState};
use openclaw_ipc::methods::{CredentialKind, CredentialRow, CredentialState};

/// Returns what may be told of a record.
pub fn listed(record: &Record) -> CredentialRow {
    let (state, damage) = match &record.state {
        RecordState::Ok => (CredentialState::Ok, None),
        RecordState::Damaged(damage) => (CredentialState::Damaged, Some(damage.to_string())),
    };
    CredentialRow {
        name: record.name.clone(),
        kind: record.kind.map(|kind| match kind {
            RecordKind::Key => CredentialKind::Key,
            RecordKind::OAuth => CredentialKind::Oauth,
        }),
        updated: record.updated.map(rfc3339),
        state,
        damage,
    }
}
