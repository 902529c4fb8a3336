//! `openclaw dashboard`: a link by which one browser logs in.

use std::process::ExitCode;

use openclaw_gateway::Home;
use openclaw_ipc::methods::{LoginCreate, NoParams};
use serde::Serialize;

use super::Cx;
use crate::error::CliError;
use crate::remote;
use crate::runtime::{self, Threads};

pub(crate) const EXAMPLES: &str = "\
Examples:
  openclaw dashboard
  openclaw dashboard --json

The link works once, within ten minutes. What makes it work stands behind the `#`, which browsers
send to nobody.";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    url: String,
    expires_at: String,
}

pub(crate) fn run(cx: Cx<'_>) -> Result<ExitCode, CliError> {
    let home = cx.home_to_call()?;
    let link = runtime::block_on(Threads::Two, link(&home))?;
    if cx.out.is_json() {
        cx.out.answer(&link, &[])?;
    } else {
        cx.out.line(&link.url)?;
        cx.out.note(format_args!(
            "open it in a browser on this machine; it works once, until {}",
            link.expires_at
        ));
    }
    Ok(ExitCode::SUCCESS)
}

async fn link(home: &Home) -> Result<Link, CliError> {
    let Some(running) = home.running()? else {
        return Err(CliError::NoGateway(home.state.root().to_owned()));
    };
    let mut client = remote::connect(home, &running).await?;
    let login = client.call::<LoginCreate>(&NoParams {}).await?;
    Ok(Link {
        url: format!("{}/login#t={}", running.url(), login.code.0),
        expires_at: login.expires_at,
    })
}
