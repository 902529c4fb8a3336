//! `openclaw tokens`: who else may use the gateway, and for what.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use openclaw_core::access::{Scope, TokenId, UnknownScope};
use openclaw_gateway::Home;
use openclaw_ipc::methods::{
    NoParams, TokensCreate, TokensCreateParams, TokensList, TokensRevoke, TokensRevokeParams,
};

use super::Cx;
use crate::error::CliError;
use crate::runtime::{self, Threads};
use crate::{remote, text};

const CREATE_EXAMPLES: &str = "\
Examples:
  openclaw tokens create --name backup --scope operator.read
  openclaw tokens create --name phone --scope write --scope approvals --json

The access token is good for an hour. Whoever holds the refresh token exchanges it for the next
pair, once: POST /auth/token with {\"refreshToken\": \"…\"}.";

const LIST_EXAMPLES: &str = "\
Examples:
  openclaw tokens list
  openclaw tokens list --json";

const REVOKE_EXAMPLES: &str = "\
Examples:
  openclaw tokens revoke t-5f0c1a9e

Its tokens open nothing any more, and its connections are closed at once.";

/// The arguments of `tokens`.
#[derive(Debug, Args)]
pub(crate) struct TokensArgs {
    #[command(subcommand)]
    command: TokensCommand,
}

#[derive(Debug, Subcommand)]
enum TokensCommand {
    /// Issue a pair of tokens
    #[command(after_help = CREATE_EXAMPLES)]
    Create(CreateArgs),
    /// List who was given tokens
    #[command(after_help = LIST_EXAMPLES)]
    List,
    /// End a grant
    #[command(after_help = REVOKE_EXAMPLES)]
    Revoke(RevokeArgs),
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// What to call it in the list
    #[arg(long)]
    name: String,
    /// What its bearer may do: operator.read, operator.write, operator.approvals or
    /// operator.admin; may be repeated
    #[arg(long = "scope", value_name = "SCOPE", required = true, value_parser = scope)]
    scopes: Vec<Scope>,
}

#[derive(Debug, Args)]
struct RevokeArgs {
    /// The grant, as `openclaw tokens list` names it
    id: String,
}

/// A token that was to be revoked and is not there.
#[derive(Debug, thiserror::Error)]
#[error("there is no grant `{0}`")]
pub(crate) struct NoGrant(pub(crate) TokenId);

pub(crate) fn run(cx: Cx<'_>, args: TokensArgs) -> Result<ExitCode, CliError> {
    let home = cx.home_to_call()?;
    runtime::block_on(Threads::Two, async {
        match args.command {
            TokensCommand::Create(args) => create(cx, &home, args).await,
            TokensCommand::List => list(cx, &home).await,
            TokensCommand::Revoke(args) => revoke(cx, &home, args).await,
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn create(cx: Cx<'_>, home: &Home, args: CreateArgs) -> Result<(), CliError> {
    let params = TokensCreateParams {
        name: args.name,
        scopes: args.scopes,
    };
    let issued = remote::call::<TokensCreate>(home, params).await?;
    if cx.out.is_json() {
        return cx.out.answer(&issued, &[]);
    }
    let scopes: Vec<&str> = issued.scopes.iter().map(|scope| scope.as_str()).collect();
    cx.out.line(format_args!("grant    {}", issued.token_id))?;
    cx.out
        .line(format_args!("scopes   {}", scopes.join(", ")))?;
    cx.out.line(format_args!(
        "access   {}  (until {})",
        issued.access_token.0, issued.access_expires_at
    ))?;
    cx.out.line(format_args!(
        "refresh  {}  (until {})",
        issued.refresh_token.0, issued.refresh_expires_at
    ))?;
    cx.out.note("the tokens are not shown again");
    Ok(())
}

async fn list(cx: Cx<'_>, home: &Home) -> Result<(), CliError> {
    let list = remote::call::<TokensList>(home, NoParams {}).await?;
    if cx.out.is_json() {
        return cx.out.answer(&list, &[]);
    }
    if list.tokens.is_empty() {
        cx.out
            .note("nobody was given tokens; `openclaw tokens create --help` says how");
        return Ok(());
    }
    let rows = list.tokens.iter().map(|token| {
        let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
        vec![
            token.token_id.to_string(),
            text::one_line(&token.name).into_owned(),
            scopes.join(", "),
            token.created_at.clone(),
            token.expires_at.clone(),
            token.last_used_at.clone().unwrap_or_else(|| "-".to_owned()),
        ]
    });
    let header = ["GRANT", "NAME", "SCOPES", "CREATED", "UNTIL", "LAST USED"];
    cx.out.table(&header, rows.collect())
}

async fn revoke(cx: Cx<'_>, home: &Home, args: RevokeArgs) -> Result<(), CliError> {
    let id = TokenId(args.id);
    let params = TokensRevokeParams {
        token_id: id.clone(),
    };
    let output = remote::call::<TokensRevoke>(home, params).await?;
    if !output.revoked {
        return Err(NoGrant(id).into());
    }
    if cx.out.is_json() {
        return cx.out.answer(&output, &[]);
    }
    cx.out.note(format_args!("{id} is revoked"));
    Ok(())
}

/// Reads a scope by its whole name, or by what stands behind the dot.
fn scope(text: &str) -> Result<Scope, UnknownScope> {
    text.parse().or_else(|err| {
        let whole = format!("operator.{text}");
        whole.parse().map_err(|_same: UnknownScope| err)
    })
}
