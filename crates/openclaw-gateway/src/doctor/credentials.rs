//! The credential store: whether it opens without anybody who types, and whether every record does.

use std::sync::Arc;

use openclaw_core::CredentialStore;
use openclaw_core::credentials::{Record, RecordState};
use openclaw_ipc::methods::DoctorSeverity as Severity;

use super::finding::Finding;
use crate::vault::{Vault, VaultError, repair};

/// How many checks [`check`] makes.
pub(super) const CHECKS: u32 = 2;

/// The names of the findings, which never change.
const STORE: &str = "credentials.store";
const LOCKED: &str = "credentials.locked";
const WRONG_PASSWORD: &str = "credentials.wrong-password";
const PASSWORD_SOURCE: &str = "credentials.password-source";
const UNUSABLE: &str = "credentials.unusable";
const DAMAGED: &str = "credentials.damaged-record";

/// Checks the credential store of a home; a home without one has nothing to be checked.
pub(super) async fn check(vault: &Arc<Vault>) -> Vec<Finding> {
    let vault = Arc::clone(vault);
    // Deriving the key takes long.
    let looked = tokio::task::spawn_blocking(move || look(&vault));
    // A panic in there was reported where it happened.
    looked.await.unwrap_or_default()
}

fn look(vault: &Vault) -> Vec<Finding> {
    if !vault.exists() {
        return Vec::new();
    }
    let finding = |check_id, severity, message| Finding {
        check_id,
        severity,
        message,
        why: String::new(),
        path: vault.path().to_owned(),
        fix_hint: None,
    };
    let records = match vault.with(CredentialStore::list) {
        Ok(records) => records.unwrap_or_default(),
        Err(err) => {
            let (check_id, severity) = named(&err);
            return vec![Finding {
                why: "what the config takes from the credential store cannot be had".to_owned(),
                fix_hint: err.hint(),
                ..finding(check_id, severity, err.to_string())
            }];
        }
    };
    let source = match vault.password() {
        Ok(Some(password)) => format!("it opens with the master password from {}", password.source),
        Ok(None) | Err(_) => String::new(),
    };
    let mut findings = vec![Finding {
        why: source,
        ..finding(
            STORE,
            Severity::Info,
            format!("the credential store opens; records: {}", records.len()),
        )
    }];
    findings.extend(records.into_iter().filter_map(|record| {
        let Record { name, state, .. } = record;
        let RecordState::Damaged(damage) = state else {
            return None;
        };
        Some(Finding {
            why: "its secret cannot be had any more; nothing was changed".to_owned(),
            fix_hint: Some(repair(&name, &damage)),
            ..finding(
                DAMAGED,
                Severity::Error,
                format!("the credential {name} {damage}"),
            )
        })
    }));
    findings
}

const fn named(err: &VaultError) -> (&'static str, Severity) {
    match err {
        VaultError::Locked { .. } => (LOCKED, Severity::Warning),
        VaultError::Password(_) => (PASSWORD_SOURCE, Severity::Error),
        VaultError::WrongPassword { .. } => (WRONG_PASSWORD, Severity::Error),
        VaultError::Store { .. } => (UNUSABLE, Severity::Error),
    }
}
