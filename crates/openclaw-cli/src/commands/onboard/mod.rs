//! `openclaw onboard`: writes a first config.
//!
//! It writes one file, only where none is, and never a key into it: the config points to the
//! environment variable that holds it, or to the credential store, which gets it. Everything is
//! checked before anything is written.

mod plan;
mod write;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use openclaw_config::record_name;
use openclaw_core::state_dir::StateDir;
use openclaw_core::{EventStore, Kind};
use openclaw_gateway::audit::record_config_changes;
use serde_json::json;

use self::plan::Plan;
use super::Cx;
use super::credentials::typed::Piped;
use super::credentials::{Intake, Keyring, NewPassword};
use crate::error::CliError;
use crate::output::Look;
use crate::runtime::{self, Threads};

const EXAMPLES: &str = "\
Examples:
  openclaw onboard --non-interactive --provider anthropic --api-key-env ANTHROPIC_API_KEY
  openclaw onboard --non-interactive --provider ollama --model llama3.2
  openclaw onboard --non-interactive --provider mine --base-url http://127.0.0.1:8000/v1 --model m

  openclaw onboard --non-interactive --provider anthropic --store-key < key

The config names the variable that holds the key, or the record of the encrypted credential store;
the key itself is not in it.";

/// What does it, in the audit stream.
const BY: &str = "openclaw onboard";

/// The arguments of `onboard`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct OnboardArgs {
    /// Ask nothing; take everything from the flags
    #[arg(long)]
    non_interactive: bool,
    /// The model provider: anthropic, openai, openrouter, ollama, ... or any name with --base-url
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// The environment variable that holds the API key
    #[arg(long, value_name = "NAME")]
    api_key_env: Option<String>,
    /// Put the API key, typed or from standard input, into the encrypted credential store
    #[arg(long, conflicts_with = "api_key_env")]
    store_key: bool,
    /// Where the provider's API is
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// The API that it speaks [default: openai-completions for a provider of your own]
    #[arg(long, value_name = "API")]
    api: Option<String>,
    /// The model, as the provider names it
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// The port that the gateway is to listen on
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
}

/// Why no config was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OnboardError {
    /// There are no questions yet.
    #[error("onboarding by questions is not available: --non-interactive is required")]
    Interactive,
    /// A flag is needed and was not given.
    #[error("{flag} is required{why}")]
    Missing {
        /// The flag.
        flag: &'static str,
        /// What makes it required; empty or with a space in front.
        why: String,
        /// A value that often fits.
        usual: Option<String>,
    },
    /// A flag has a value that it cannot have.
    #[error("{flag} cannot be `{value}`: {reason}")]
    Bad {
        /// The flag.
        flag: &'static str,
        /// Its value.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is a config already.
    #[error("the config `{}` exists already and was left as it is", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
        /// What would have been written.
        addition: String,
    },
    /// The config cannot be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
}

impl OnboardError {
    /// Returns the kind of this failure.
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Interactive | Self::Missing { .. } | Self::Bad { .. } => Kind::Invalid,
            Self::Exists { .. } => Kind::Denied,
            Self::Write { .. } => Kind::Unavailable,
        }
    }

    /// Returns what the user can do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Interactive => Some(
                "add --non-interactive --provider NAME --api-key-env NAME; see `openclaw onboard --help`"
                    .to_owned(),
            ),
            Self::Missing { flag, usual: Some(usual), .. } => Some(format!("add {flag} {usual}")),
            Self::Missing { usual: None, .. } => Some("see `openclaw onboard --help`".to_owned()),
            Self::Exists { addition, .. } => {
                Some(format!("add by hand what is missing from it:\n{addition}"))
            }
            Self::Bad { .. } | Self::Write { .. } => None,
        }
    }
}

pub(crate) fn run(cx: Cx<'_>, args: OnboardArgs) -> Result<ExitCode, CliError> {
    if !args.non_interactive {
        return Err(OnboardError::Interactive.into());
    }
    let state = StateDir::locate(cx.env, cx.overrides)?;
    let plan = Plan::of(args)?;
    let path = state.config_file().to_owned();
    let text = plan.config_text()?;
    write::expect_none(&path, &text)?;
    let stored = match &plan.stored_key {
        Some(id) => store_key(cx, &record_name(id))?,
        None => Vec::new(),
    };
    write::write(&path, &text)?;
    let recorded = runtime::block_on(Threads::One, record(&state));

    let unset = plan
        .api_key_env
        .as_deref()
        .filter(|name| cx.env.get(name).is_none());
    let warnings: Vec<String> =
        unset
            .map(|name| format!("the environment variable `{name}` is not set now"))
            .into_iter()
            .chain(recorded.err().map(|err| {
                format!("the audit stream does not say that the config was written: {err}")
            }))
            .chain(stored)
            .collect();
    if cx.out.is_json() {
        let data = json!({
            "configPath": path,
            "stateDir": state.root(),
            "provider": plan.provider,
            "api": plan.api,
            "baseUrl": plan.base_url,
            "model": plan.model_ref(),
            "apiKeyEnv": plan.api_key_env,
            "credential": plan.stored_key.as_deref().map(record_name),
            "port": plan.port,
        });
        cx.out.answer(&data, &warnings)?;
        return Ok(ExitCode::SUCCESS);
    }
    cx.out.line(format_args!("config  {}", path.display()))?;
    cx.out.line(format_args!("model   {}", plan.model_ref()))?;
    if let Some(name) = &plan.api_key_env {
        cx.out
            .line(format_args!("key     from the environment variable {name}"))?;
    }
    if let Some(id) = &plan.stored_key {
        let record = record_name(id);
        cx.out
            .line(format_args!("key     the credential {record}, encrypted"))?;
    }
    for warning in warnings {
        cx.out.warning(warning);
    }
    let next = format!(
        "try     openclaw{} agent --message \"hello\"",
        cx.state_flags()
    );
    cx.out.note(cx.out.look_aside(Look::Dim, &next));
    Ok(ExitCode::SUCCESS)
}

/// Takes the key from standard input or the terminal; returns what the user should know.
fn store_key(cx: Cx<'_>, record: &str) -> Result<Vec<String>, CliError> {
    let keyring = Keyring::locate(cx)?;
    let opened = keyring.open_or_make(cx, &NewPassword::default())?;
    let intake = Intake {
        name: record,
        what: "API key",
        piped: Piped::WhereNoTerminal,
        by: BY,
    };
    let stored = keyring.take(cx, &opened.store, &intake)?;
    Ok(opened.warnings.into_iter().chain(stored.warning).collect())
}

/// Puts on record that there is a config now.
async fn record(state: &StateDir) -> Result<(), CliError> {
    state.create()?;
    let store = EventStore::open(&state.event_log())?;
    record_config_changes(&store, &[state.config_file().to_owned()], BY).await?;
    Ok(())
}
