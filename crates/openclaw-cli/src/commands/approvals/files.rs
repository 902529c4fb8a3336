//! `openclaw approvals files` and `vouch`: the files that carry words of strangers.

use clap::Args;
use openclaw_core::AgentId;
use openclaw_gateway::Home;
use openclaw_ipc::methods::{
    ApprovalsFiles, ApprovalsFilesParams, ApprovalsVouch, ApprovalsVouchParams,
};

use crate::commands::Cx;
use crate::error::CliError;
use crate::{remote, text};

#[derive(Debug, Args)]
pub(super) struct FilesArgs {
    /// The agent whose workspace is meant [default: the default agent]
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct VouchArgs {
    /// The file, or a folder with all that is in it; `.` for the whole workspace
    path: String,
    /// The agent whose workspace is meant [default: the default agent]
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
}

pub(super) async fn list(cx: Cx<'_>, home: &Home, args: FilesArgs) -> Result<(), CliError> {
    let params = ApprovalsFilesParams {
        agent_id: args.agent.map(AgentId::from),
    };
    let list = remote::call::<ApprovalsFiles>(home, params).await?;
    if cx.out.is_json() {
        return cx.out.answer(&list, &[]);
    }
    if list.files.is_empty() {
        cx.out
            .note("no file was written while something untrusted was in view");
        return Ok(());
    }
    let rows = list.files.iter().map(|file| {
        vec![
            text::one_line(&file.path).into_owned(),
            text::one_line(&file.sources.join(", ")).into_owned(),
        ]
    });
    cx.out.table(&["FILE", "WHAT WAS IN VIEW"], rows.collect())
}

pub(super) async fn vouch(cx: Cx<'_>, home: &Home, args: VouchArgs) -> Result<(), CliError> {
    let params = ApprovalsVouchParams {
        agent_id: args.agent.map(AgentId::from),
        path: args.path,
    };
    let vouched = remote::call::<ApprovalsVouch>(home, params).await?;
    if cx.out.is_json() {
        return cx.out.answer(&vouched, &[]);
    }
    cx.out
        .line(format_args!("marks taken away: {}", vouched.cleared))
}
