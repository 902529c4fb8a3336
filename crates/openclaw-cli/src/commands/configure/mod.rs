//! `openclaw configure`: what has to be set up once, by questions.
//!
//! There is one section yet, `auth`: the master password of the credential store, the key of a
//! provider, or a sign-in.

pub(crate) mod login;

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use openclaw_config::record_name;
use serde_json::json;

use self::login::{LoginArgs, login};
use super::Cx;
use super::credentials::typed::{self, Piped};
use super::credentials::{Intake, Keyring, NewPassword, rotate};
use crate::error::CliError;
use crate::output::Look;

const EXAMPLES: &str = "\
Examples:
  openclaw configure --section auth                       make the credential store, and store a key
  openclaw configure --section auth --provider anthropic --stdin < key
  openclaw configure --section auth --login example       sign in at a provider, in a browser
  openclaw configure --section auth --login example --device
  openclaw configure --section auth --rotate              exchange the master password

A new store gets the password from the file named in OPENCLAW_CREDENTIALS_PASSWORD_FILE, from systemd
or from OPENCLAW_CREDENTIALS_PASSWORD, and otherwise asks for one twice. The gateway needs it at each
start.";

/// What does it, in the audit stream.
const BY: &str = "openclaw configure";

/// The arguments of `configure`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ConfigureArgs {
    /// What to set up
    #[arg(long, value_enum)]
    section: Section,
    /// Exchange the master password, and encrypt everything anew
    #[arg(long, conflicts_with = "provider")]
    rotate: bool,
    /// Store the key of this provider
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Read the key from standard input even at a terminal
    #[arg(long, requires = "provider")]
    stdin: bool,
    #[command(flatten)]
    login: LoginArgs,
    #[command(flatten)]
    new: NewPassword,
}

/// What can be set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Section {
    /// The credential store
    Auth,
}

impl ConfigureArgs {
    const fn piped(&self) -> Piped {
        if self.stdin {
            Piped::Always
        } else {
            Piped::WhereNoTerminal
        }
    }
}

pub(crate) fn run(cx: Cx<'_>, args: &ConfigureArgs) -> Result<ExitCode, CliError> {
    match args.section {
        Section::Auth if args.rotate => rotate(cx, &args.new, BY),
        Section::Auth => match args.login.asked() {
            Some((provider, how)) => login(cx, &provider, how, &args.new),
            None => auth(cx, args),
        },
    }
}

fn auth(cx: Cx<'_>, args: &ConfigureArgs) -> Result<ExitCode, CliError> {
    let keyring = Keyring::locate(cx)?;
    let opened = keyring.open_or_make(cx, &args.new)?;
    let (path, made, mut warnings) = (keyring.vault.path(), opened.made, opened.warnings);
    if !cx.out.is_json() {
        let done = cx
            .out
            .look(Look::Good, if made { "made" } else { "opened" });
        cx.out.line(format_args!(
            "{done}  the credential store {}",
            path.display()
        ))?;
    }
    let provider = match &args.provider {
        Some(provider) => Some(provider.clone()),
        None if typed::is_attended(cx) => asked(cx)?,
        None => None,
    };
    let record = provider.as_deref().map(record_name);
    if let Some(record) = &record {
        let intake = Intake {
            name: record,
            what: &format!("Key for {record}"),
            piped: args.piped(),
            by: BY,
        };
        warnings.extend(keyring.take(cx, &opened.store, &intake)?.warning);
    }
    if cx.out.is_json() {
        let data = json!({ "path": path, "made": made, "record": record });
        cx.out.answer(&data, &warnings)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(record) = record {
        let done = cx.out.look(Look::Good, "stored");
        cx.out.line(format_args!("{done}  {record}"))?;
    }
    for warning in warnings {
        cx.out.warning(warning);
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks for a provider; an empty answer is none.
fn asked(cx: Cx<'_>) -> Result<Option<String>, CliError> {
    cx.out.stderr_bytes(
        b"Store the key of which provider (anthropic, openai, ...; empty for none)? ",
    )?;
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .map_err(CliError::Input)?;
    let answer = answer.trim();
    Ok((!answer.is_empty()).then(|| answer.to_owned()))
}
