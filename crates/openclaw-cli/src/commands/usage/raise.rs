//! `openclaw usage raise`: lets somebody spend more for now.

use clap::{Args, ValueEnum};
use openclaw_core::{AgentId, SessionKey};
use openclaw_gateway::Home;
use openclaw_ipc::methods::{CapName, UsageRaise, UsageRaiseParams};

use super::caps;
use crate::commands::Cx;
use crate::error::CliError;
use crate::remote;

#[derive(Debug, Args)]
pub(super) struct RaiseArgs {
    /// The cap
    #[arg(value_enum)]
    cap: Cap,
    /// What to raise it to, in US dollars
    #[arg(long, value_name = "N", required_unless_present = "tokens", value_parser = amount, allow_negative_numbers = true)]
    usd: Option<f64>,
    /// What to raise it to, in tokens
    #[arg(long, value_name = "N")]
    tokens: Option<u64>,
    /// The session whose cap it is
    #[arg(long, value_name = "KEY", required_if_eq("cap", "session"))]
    session: Option<String>,
    /// The agent whose cap it is [default: the default agent]
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
}

/// Reads an amount of money; JSON has no way to write what is none.
fn amount(text: &str) -> Result<f64, String> {
    let usd: Option<f64> = text.parse().ok();
    usd.filter(|usd| usd.is_finite() && *usd >= 0.0)
        .ok_or_else(|| format!("`{text}` is no amount of US dollars"))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Cap {
    /// One message and everything that is done to answer it, for all of today
    Turn,
    /// One session
    Session,
    /// One agent today
    Agent,
    /// Everything today
    Day,
    /// One run that nobody waits for, for all of today
    Unattended,
    /// All runs of today that nobody waits for
    UnattendedDay,
}

impl Cap {
    const fn wire(self) -> CapName {
        match self {
            Self::Turn => CapName::Turn,
            Self::Session => CapName::Session,
            Self::Agent => CapName::Agent,
            Self::Day => CapName::Day,
            Self::Unattended => CapName::Unattended,
            Self::UnattendedDay => CapName::UnattendedDay,
        }
    }
}

pub(super) async fn run(cx: Cx<'_>, home: &Home, args: RaiseArgs) -> Result<(), CliError> {
    let session = args.session.as_deref().map(SessionKey::parse).transpose()?;
    let params = UsageRaiseParams {
        cap: args.cap.wire(),
        usd: args.usd,
        tokens: args.tokens,
        session_key: session,
        agent_id: args.agent.map(AgentId::from),
    };
    let output = remote::call::<UsageRaise>(home, params).await?;
    if cx.out.is_json() {
        return cx.out.answer(&output, &[]);
    }
    let header = ["CAP", "OF", "LIMIT", "SPENT", "SET ASIDE", "SET BY"];
    cx.out.table(&header, vec![caps::row(&output.cap)])?;
    let until = output.until.as_ref().map_or_else(
        || "it stays raised".to_owned(),
        |until| format!("it is raised until {until}"),
    );
    cx.out.note(until);
    Ok(())
}
