//! `openclaw approvals resolve`: deciding.

use clap::{Args, ValueEnum};
use openclaw_core::approvals::{Answer, ApprovalId};
use openclaw_gateway::Home;
use openclaw_ipc::methods::{ApprovalsResolve, ApprovalsResolveParams};

use super::card::subject;
use crate::commands::Cx;
use crate::error::CliError;
use crate::remote;

#[derive(Debug, Args)]
pub(super) struct ResolveArgs {
    /// The request, as `openclaw approvals list` names it
    id: String,
    /// What to decide
    #[arg(value_enum)]
    decision: Decision,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Decision {
    /// This call may run
    AllowOnce,
    /// This call may run, and every later one of exactly the same shape
    AllowAlways,
    /// It may not run
    Deny,
}

impl From<Decision> for Answer {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::AllowOnce => Self::AllowOnce,
            Decision::AllowAlways => Self::AllowAlways,
            Decision::Deny => Self::Deny,
        }
    }
}

pub(super) async fn run(cx: Cx<'_>, home: &Home, args: ResolveArgs) -> Result<(), CliError> {
    let params = ApprovalsResolveParams {
        id: ApprovalId(args.id),
        decision: args.decision.into(),
    };
    let resolved = remote::call::<ApprovalsResolve>(home, params).await?;
    if cx.out.is_json() {
        return cx.out.answer(&resolved, &[]);
    }
    let decided = if resolved.allowed {
        "allowed"
    } else {
        "denied"
    };
    cx.out
        .line(format_args!("{decided}: {}", subject(&resolved.shape)))
}
