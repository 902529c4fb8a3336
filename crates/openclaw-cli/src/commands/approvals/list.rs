//! `openclaw approvals list`: what waits.

use openclaw_gateway::Home;
use openclaw_ipc::methods::{ApprovalsList, NoParams};

use super::card::card;
use crate::commands::Cx;
use crate::error::CliError;
use crate::remote;

pub(super) async fn run(cx: Cx<'_>, home: &Home) -> Result<(), CliError> {
    let list = remote::call::<ApprovalsList>(home, NoParams {}).await?;
    if cx.out.is_json() {
        return cx.out.answer(&list, &[]);
    }
    if list.approvals.is_empty() {
        cx.out.note("nothing waits for your consent");
        return Ok(());
    }
    for (n, pending) in list.approvals.iter().enumerate() {
        if n > 0 {
            cx.out.line("")?;
        }
        for line in card(pending) {
            cx.out.line(line)?;
        }
    }
    cx.out
        .note("`openclaw approvals resolve ID allow-once|allow-always|deny` decides");
    Ok(())
}
