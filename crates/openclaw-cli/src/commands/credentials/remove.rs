//! `openclaw credentials remove`: one secret goes for good.

use std::process::ExitCode;

use clap::Args;
use openclaw_core::events::SecretChange;
use serde_json::json;

use super::error::CredentialsFailure;
use super::store::{Keyring, recorded};
use crate::commands::Cx;
use crate::commands::configure::login::give_back;
use crate::confirm::confirm;
use crate::error::CliError;
use crate::output::Look;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw credentials remove openai
  openclaw credentials remove openai --dry-run
  openclaw credentials remove openai --yes --json";

/// What does it, in the audit stream.
const BY: &str = "openclaw credentials remove";

/// The arguments of `credentials remove`.
#[derive(Debug, Args)]
pub(super) struct RemoveArgs {
    /// The name
    name: String,
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

pub(super) fn remove(cx: Cx<'_>, args: &RemoveArgs) -> Result<ExitCode, CliError> {
    let name = &args.name;
    let keyring = Keyring::locate(cx)?;
    let store = keyring.open(cx)?;
    let records = store.list().map_err(|err| keyring.failed(err))?;
    if !records.iter().any(|record| record.name == *name) {
        return Err(CredentialsFailure::NoRecord(name.clone()).into());
    }
    let mut warnings = Vec::new();
    if !args.dry_run {
        if !args.yes {
            let question = format!("Remove {name}? Nobody can get it back.");
            confirm(cx.out, "removing a credential", &question)?;
        }
        warnings.extend(give_back(cx, &store, name));
        if !store.remove(name).map_err(|err| keyring.failed(err))? {
            let file = keyring.vault.record_file(name);
            return Err(CredentialsFailure::Unlisted(file).into());
        }
        warnings.extend(recorded(
            &keyring.state,
            std::slice::from_ref(name),
            SecretChange::Removed,
            BY,
        ));
    }
    if cx.out.is_json() {
        let data = json!({ "name": name, "removed": !args.dry_run, "dryRun": args.dry_run });
        cx.out.answer(&data, &warnings)?;
        return Ok(ExitCode::SUCCESS);
    }
    let done = if args.dry_run {
        cx.out.look(Look::Dim, "would be removed")
    } else {
        cx.out.look(Look::Good, "removed")
    };
    cx.out.line(format_args!("{done}  {name}"))?;
    for warning in warnings {
        cx.out.warning(warning);
    }
    Ok(ExitCode::SUCCESS)
}
