//! `openclaw credentials rotate`: another master password, and every record encrypted anew.

use std::process::ExitCode;

use clap::Args;
use openclaw_core::CredentialStore;
use openclaw_core::credentials::RecordState;
use openclaw_core::events::SecretChange;
use openclaw_gateway::vault::{PasswordSource, VaultError};
use serde_json::json;

use super::store::{Keyring, NewPassword, recorded};
use crate::commands::Cx;
use crate::error::CliError;
use crate::output::Look;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw credentials rotate
  openclaw credentials rotate --new-password-file ~/new-password

The records stay. Where the gateway takes the old password from, put the new one: the store is opened
with nothing else from then on. `openclaw configure --section auth --rotate` does the same.";

/// The arguments of `credentials rotate`.
#[derive(Debug, Args)]
pub(super) struct RotateArgs {
    #[command(flatten)]
    new: NewPassword,
}

pub(super) fn run(cx: Cx<'_>, args: &RotateArgs) -> Result<ExitCode, CliError> {
    rotate(cx, &args.new, "openclaw credentials rotate")
}

/// Exchanges the master password; `by` is what does it, in the audit stream.
pub(crate) fn rotate(cx: Cx<'_>, new: &NewPassword, by: &str) -> Result<ExitCode, CliError> {
    let keyring = Keyring::locate(cx)?;
    keyring.expect_store()?;
    let path = keyring.vault.path();
    let old = keyring.password(cx)?;
    let mut store = CredentialStore::open(path, &*old.secret)
        .map_err(|err| VaultError::opening(path, &old.source, err))?;
    let new = new.get(cx)?;
    store
        .rotate(&*new.secret)
        .map_err(|err| keyring.failed(err))?;
    let records = store.list().map_err(|err| keyring.failed(err))?;
    let known = records
        .into_iter()
        .filter(|record| record.state == RecordState::Ok);
    let names: Vec<String> = known.map(|record| record.name).collect();
    let mut warnings: Vec<String> = recorded(&keyring.state, &names, SecretChange::Rotated, by)
        .into_iter()
        .collect();
    if old.source != PasswordSource::Typed {
        warnings.push(format!(
            "{} still has the old password: put the new one there before the next start",
            old.source
        ));
    }
    if cx.out.is_json() {
        let data = json!({ "path": path, "records": names });
        cx.out.answer(&data, &warnings)?;
        return Ok(ExitCode::SUCCESS);
    }
    cx.out.line(format_args!(
        "{}  the master password; records: {}",
        cx.out.look(Look::Good, "rotated"),
        names.len()
    ))?;
    for warning in warnings {
        cx.out.warning(warning);
    }
    Ok(ExitCode::SUCCESS)
}
