//! `openclaw approvals grants` and `withdraw`: what runs without being asked for.

use clap::Args;
use openclaw_core::Kind;
use openclaw_gateway::Home;
use openclaw_ipc::RpcError;
use openclaw_ipc::methods::{
    ApprovalsGrants, ApprovalsWithdraw, ApprovalsWithdrawParams, NoParams,
};

use super::card::shape;
use crate::commands::Cx;
use crate::error::CliError;
use crate::{remote, text};

#[derive(Debug, Args)]
pub(super) struct WithdrawArgs {
    /// The digest, as `openclaw approvals grants` names it
    digest: String,
}

pub(super) async fn list(cx: Cx<'_>, home: &Home) -> Result<(), CliError> {
    let list = remote::call::<ApprovalsGrants>(home, NoParams {}).await?;
    if cx.out.is_json() {
        return cx.out.answer(&list, &[]);
    }
    if list.grants.is_empty() {
        cx.out.note("nothing was allowed for good");
        return Ok(());
    }
    for (n, grant) in list.grants.iter().enumerate() {
        if n > 0 {
            cx.out.line("")?;
        }
        cx.out.line(format_args!("digest     {}", grant.digest))?;
        cx.out.line(format_args!(
            "given      {} by {}",
            grant.since,
            text::one_line(&grant.by)
        ))?;
        cx.out
            .line(format_args!("agent      {}", grant.shape.agent))?;
        for line in shape(&grant.shape) {
            cx.out.line(line)?;
        }
    }
    Ok(())
}

pub(super) async fn withdraw(cx: Cx<'_>, home: &Home, args: WithdrawArgs) -> Result<(), CliError> {
    let digest = whole(home, args.digest).await?;
    let params = ApprovalsWithdrawParams { digest };
    let withdrawn = remote::call::<ApprovalsWithdraw>(home, params).await?;
    if cx.out.is_json() {
        return cx.out.answer(&withdrawn, &[]);
    }
    cx.out.line("withdrawn: such calls are asked for again")
}

/// Returns the one digest that begins like this; where there is none, what was typed.
async fn whole(home: &Home, typed: String) -> Result<String, CliError> {
    let grants = remote::call::<ApprovalsGrants>(home, NoParams {})
        .await?
        .grants;
    let mut meant = grants
        .into_iter()
        .map(|grant| grant.digest)
        .filter(|digest| digest.starts_with(&typed));
    match (meant.next(), meant.next()) {
        (Some(only), None) if !typed.is_empty() => Ok(only),
        (Some(one), Some(other)) if one != typed && other != typed => {
            let message = format!("several standing approvals begin with `{typed}`");
            let error = RpcError::new(Kind::Invalid, message).with_field("digest");
            let hint = "name more of the digest; see them with `openclaw approvals grants`";
            Err(error.with_hint(hint).into())
        }
        _ => Ok(typed),
    }
}
