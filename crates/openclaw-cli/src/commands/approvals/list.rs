//! `openclaw approvals list`: what waits, and what became of what waited.

use clap::Args;
use openclaw_gateway::Home;
use openclaw_ipc::methods::{ApprovalsList, ApprovalsListParams};

use super::card::{card, closed};
use crate::commands::Cx;
use crate::error::CliError;
use crate::remote;

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// List those that wait no more, too, the newest hundred, with who decided and when
    #[arg(long)]
    all: bool,
}

pub(super) async fn run(cx: Cx<'_>, home: &Home, args: ListArgs) -> Result<(), CliError> {
    let params = ApprovalsListParams { all: args.all };
    let list = remote::call::<ApprovalsList>(home, params).await?;
    if cx.out.is_json() {
        return cx.out.answer(&list, &[]);
    }
    let waiting = list.approvals.iter().map(card);
    let over = list.closed.iter().flatten().map(closed);
    for (n, lines) in waiting.chain(over).enumerate() {
        if n > 0 {
            cx.out.line("")?;
        }
        for line in lines {
            cx.out.line(line)?;
        }
    }
    cx.out.note(if list.approvals.is_empty() {
        "nothing waits for your consent"
    } else {
        "`openclaw approvals resolve ID allow-once|allow-always|deny` decides"
    });
    Ok(())
}
