//! `openclaw credentials verify`: whether every secret can still be had.

use std::process::ExitCode;

use clap::Args;
use openclaw_core::CredentialStore;
use openclaw_core::credentials::{CredentialError, Record, RecordState};
use openclaw_gateway::vault::{listed, repair};
use openclaw_ipc::methods::CredentialRow;
use serde_json::json;

use super::error::CredentialsFailure;
use super::store::Keyring;
use crate::commands::Cx;
use crate::error::CliError;
use crate::output::Look;
use crate::text;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw credentials verify
  openclaw credentials verify anthropic openai
  openclaw credentials verify --json

The exit code is 0 when every record opens and is what was stored, and 1 when not. Nothing is changed.";

/// The exit code when something was found.
const FINDINGS: u8 = 1;

/// The arguments of `credentials verify`.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// Only these
    names: Vec<String>,
}

pub(super) fn verify(cx: Cx<'_>, args: &VerifyArgs) -> Result<ExitCode, CliError> {
    let keyring = Keyring::locate(cx)?;
    let store = keyring.open(cx)?;
    let path = keyring.vault.path();
    let mut records = store.list().map_err(|err| keyring.failed(err))?;
    for name in &args.names {
        if !records.iter().any(|record| record.name == *name) {
            return Err(CredentialsFailure::NoRecord(name.clone()).into());
        }
    }
    records.retain(|record| args.names.is_empty() || args.names.contains(&record.name));
    for record in &mut records {
        check(&store, record).map_err(|err| keyring.failed(err))?;
    }
    let damaged = records
        .iter()
        .filter(|record| record.state != RecordState::Ok)
        .count();
    let code = ExitCode::from(if damaged == 0 { 0 } else { FINDINGS });
    if cx.out.is_json() {
        let records: Vec<CredentialRow> = records.iter().map(listed).collect();
        let data = json!({
            "path": path,
            "intact": damaged == 0,
            "damaged": damaged,
            "records": records,
        });
        cx.out.answer(&data, &[])?;
        return Ok(code);
    }
    for record in &records {
        let (look, state) = match &record.state {
            RecordState::Ok => (Look::Good, "ok".to_owned()),
            RecordState::Damaged(damage) => (Look::Bad, damage.to_string()),
        };
        let name = text::one_line(&record.name).into_owned();
        let state = text::one_line(&state).into_owned();
        cx.out
            .line(format_args!("{name}  {}", cx.out.look(look, &state)))?;
        if let RecordState::Damaged(damage) = &record.state {
            let label = cx.out.look_aside(Look::Strong, "hint:");
            cx.out
                .note(format_args!("{label} {}", repair(&name, damage)));
        }
    }
    Ok(code)
}

/// Opens a record, and forgets what is in it.
fn check(store: &CredentialStore, record: &mut Record) -> Result<(), CredentialError> {
    if record.state == RecordState::Ok {
        match store.get(&record.name) {
            Ok(_secret) => {}
            Err(CredentialError::Record { damage, .. }) => {
                record.state = RecordState::Damaged(damage);
            }
            Err(err) => return Err(err),
        }
    }
    Ok(())
}
