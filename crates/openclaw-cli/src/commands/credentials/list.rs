//! `openclaw credentials list`: names, kinds, ages and states.

use std::path::Path;
use std::process::ExitCode;

use openclaw_gateway::vault::listed;
use openclaw_ipc::methods::{CredentialKind, CredentialRow, CredentialsListOutput};

use super::store::Keyring;
use crate::commands::Cx;
use crate::error::CliError;
use crate::text;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw credentials list
  openclaw credentials list --json

The list itself is encrypted, so that the master password is needed.";

pub(super) fn list(cx: Cx<'_>) -> Result<ExitCode, CliError> {
    let keyring = Keyring::locate(cx)?;
    let path = keyring.vault.path();
    if !keyring.vault.exists() {
        if cx.out.is_json() {
            cx.out.answer(&list_of(path, None), &[])?;
        } else {
            cx.out.note(format_args!(
                "there is no credential store in {}; make one with `openclaw{} configure --section auth`",
                path.display(),
                cx.state_flags()
            ));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let records = keyring
        .open(cx)?
        .list()
        .map_err(|err| keyring.failed(err))?;
    let records: Vec<CredentialRow> = records.iter().map(listed).collect();
    if cx.out.is_json() {
        cx.out.answer(&list_of(path, Some(records)), &[])?;
    } else if records.is_empty() {
        cx.out.note("nothing is stored yet");
    } else {
        let rows = records.iter().map(row).collect();
        cx.out.table(&["NAME", "KIND", "STORED", "STATE"], rows)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn list_of(store: &Path, records: Option<Vec<CredentialRow>>) -> CredentialsListOutput {
    CredentialsListOutput {
        path: store.to_string_lossy().into_owned(),
        exists: records.is_some(),
        records: records.unwrap_or_default(),
    }
}

fn row(record: &CredentialRow) -> Vec<String> {
    let state = record.damage.as_deref().unwrap_or("ok");
    vec![
        text::one_line(&record.name).into_owned(),
        record.kind.map_or("-", CredentialKind::as_str).to_owned(),
        record.updated.clone().unwrap_or_else(|| "-".to_owned()),
        text::one_line(state).into_owned(),
    ]
}
