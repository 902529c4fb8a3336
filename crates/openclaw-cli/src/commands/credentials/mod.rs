//! `openclaw credentials`: the encrypted store of keys and sign-ins.
//!
//! A secret comes in by a prompt or standard input and goes out to nobody: no command here prints
//! one. Every change is on record in the audit stream, by the record's name.

mod error;
mod list;
mod remove;
mod rotate;
mod set;
mod store;
pub(crate) mod typed;
mod verify;

pub(crate) use error::CredentialsFailure;
pub(crate) use rotate::rotate;
pub(crate) use store::{Intake, Keyring, NewPassword, recorded};

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Cx;
use crate::error::CliError;

const EXAMPLES: &str = "\
Examples:
  openclaw credentials set anthropic             ask for the key, and store it
  openclaw credentials set openai --stdin < key
  openclaw credentials list
  openclaw credentials verify
  openclaw credentials remove openai
  openclaw credentials rotate                    exchange the master password

The master password comes from the file named in OPENCLAW_CREDENTIALS_PASSWORD_FILE, from systemd
(openclaw-credentials-password), from OPENCLAW_CREDENTIALS_PASSWORD, or is asked for.";

/// The arguments of `credentials`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CredentialsArgs {
    #[command(subcommand)]
    command: CredentialsCommand,
}

#[derive(Debug, Subcommand)]
enum CredentialsCommand {
    /// Show the names, kinds and ages of what is stored, and never a secret
    #[command(after_help = list::EXAMPLES)]
    List,
    /// Store a secret, in place of the one that has this name
    #[command(after_help = set::EXAMPLES)]
    Set(set::SetArgs),
    /// Remove a secret; nobody can get it back
    #[command(after_help = remove::EXAMPLES)]
    Remove(remove::RemoveArgs),
    /// Decrypt every secret and say which ones are damaged
    #[command(after_help = verify::EXAMPLES)]
    Verify(verify::VerifyArgs),
    /// Exchange the master password, and encrypt everything anew
    #[command(after_help = rotate::EXAMPLES)]
    Rotate(rotate::RotateArgs),
}

pub(crate) fn run(cx: Cx<'_>, args: CredentialsArgs) -> Result<ExitCode, CliError> {
    match args.command {
        CredentialsCommand::List => list::list(cx),
        CredentialsCommand::Set(args) => set::set(cx, &args),
        CredentialsCommand::Remove(args) => remove::remove(cx, &args),
        CredentialsCommand::Verify(args) => verify::verify(cx, &args),
        CredentialsCommand::Rotate(args) => rotate::run(cx, &args),
    }
}
