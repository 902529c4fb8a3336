//! `openclaw devices`: which programs with a key of their own may use the gateway.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use openclaw_gateway::Home;
use openclaw_ipc::methods::{
    DevicesApprove, DevicesApproveParams, DevicesList, DevicesReject, DevicesRejectParams,
    DevicesRevoke, DevicesRevokeParams, NoParams,
};

use super::Cx;
use crate::error::CliError;
use crate::runtime::{self, Threads};
use crate::{remote, text};

const LIST_EXAMPLES: &str = "\
Examples:
  openclaw devices list
  openclaw devices list --json";

const APPROVE_EXAMPLES: &str = "\
Examples:
  openclaw devices approve 5e91da93-9c95-46ac-b73c-3550d2446b71

The client tells the request that waits for it, and `openclaw devices list` shows what it asks for.";

const REJECT_EXAMPLES: &str = "\
Examples:
  openclaw devices reject 5e91da93-9c95-46ac-b73c-3550d2446b71";

const REVOKE_EXAMPLES: &str = "\
Examples:
  openclaw devices revoke 48e26651cfff014e091854005b8b0f065e1d1a14b68af92b390a485952e2b62e

Its token opens nothing any more, and its connections are closed at once.";

/// The arguments of `devices`.
#[derive(Debug, Args)]
pub(crate) struct DevicesArgs {
    #[command(subcommand)]
    command: DevicesCommand,
}

#[derive(Debug, Subcommand)]
enum DevicesCommand {
    /// List the devices that were let in, and those that wait
    #[command(after_help = LIST_EXAMPLES)]
    List,
    /// Let a device in that waits
    #[command(after_help = APPROVE_EXAMPLES)]
    Approve(RequestArgs),
    /// Turn a device away that waits
    #[command(after_help = REJECT_EXAMPLES)]
    Reject(RequestArgs),
    /// Take a device out
    #[command(after_help = REVOKE_EXAMPLES)]
    Revoke(RevokeArgs),
}

#[derive(Debug, Args)]
struct RequestArgs {
    /// The request, as `openclaw devices list` names it
    id: String,
}

#[derive(Debug, Args)]
struct RevokeArgs {
    /// The device, as `openclaw devices list` names it
    id: String,
}

/// A device that was to be taken out and is not there.
#[derive(Debug, thiserror::Error)]
#[error("there is no device `{0}`")]
pub(crate) struct NoDevice(pub(crate) String);

pub(crate) fn run(cx: Cx<'_>, args: DevicesArgs) -> Result<ExitCode, CliError> {
    let home = cx.home_to_call()?;
    runtime::block_on(Threads::Two, async {
        match args.command {
            DevicesCommand::List => list(cx, &home).await,
            DevicesCommand::Approve(args) => approve(cx, &home, args.id).await,
            DevicesCommand::Reject(args) => reject(cx, &home, args.id).await,
            DevicesCommand::Revoke(args) => revoke(cx, &home, args.id).await,
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn list(cx: Cx<'_>, home: &Home) -> Result<(), CliError> {
    let list = remote::call::<DevicesList>(home, NoParams {}).await?;
    if cx.out.is_json() {
        return cx.out.answer(&list, &[]);
    }
    if list.pending.is_empty() && list.paired.is_empty() {
        cx.out.note("no device was let in, and none waits");
        return Ok(());
    }
    let shown = |text: &str| text::one_line(text).into_owned();
    if !list.pending.is_empty() {
        let rows = list.pending.iter().map(|request| {
            vec![
                request.request_id.clone(),
                shown(&request.client),
                shown(request.name.as_deref().unwrap_or("-")),
                request.from.clone().unwrap_or_else(|| "-".to_owned()),
                request.scopes.join(", "),
                request.at.clone(),
            ]
        });
        let header = ["WAITING", "CLIENT", "NAME", "FROM", "ASKS FOR", "SINCE"];
        cx.out.table(&header, rows.collect())?;
    }
    if list.paired.is_empty() {
        return Ok(());
    }
    let rows = list.paired.iter().map(|device| {
        vec![
            device.device_id.clone(),
            shown(&device.client),
            shown(device.name.as_deref().unwrap_or("-")),
            device.scopes.join(", "),
            device.approved_by.clone(),
            device.approved_at.clone(),
        ]
    });
    let header = ["DEVICE", "CLIENT", "NAME", "MAY", "LET IN BY", "AT"];
    cx.out.table(&header, rows.collect())
}

async fn approve(cx: Cx<'_>, home: &Home, request_id: String) -> Result<(), CliError> {
    let params = DevicesApproveParams { request_id };
    let device = remote::call::<DevicesApprove>(home, params).await?;
    if cx.out.is_json() {
        return cx.out.answer(&device, &[]);
    }
    let (id, may) = (&device.device_id, device.scopes.join(", "));
    cx.out.note(format_args!("{id} is let in and may: {may}"));
    Ok(())
}

async fn reject(cx: Cx<'_>, home: &Home, request_id: String) -> Result<(), CliError> {
    let params = DevicesRejectParams { request_id };
    let request = remote::call::<DevicesReject>(home, params).await?;
    if cx.out.is_json() {
        return cx.out.answer(&request, &[]);
    }
    let id = &request.device_id;
    cx.out.note(format_args!("{id} was turned away"));
    Ok(())
}

async fn revoke(cx: Cx<'_>, home: &Home, device_id: String) -> Result<(), CliError> {
    let params = DevicesRevokeParams {
        device_id: device_id.clone(),
    };
    let output = remote::call::<DevicesRevoke>(home, params).await?;
    if !output.revoked {
        return Err(NoDevice(device_id).into());
    }
    if cx.out.is_json() {
        return cx.out.answer(&output, &[]);
    }
    cx.out.note(format_args!("{device_id} is revoked"));
    Ok(())
}
