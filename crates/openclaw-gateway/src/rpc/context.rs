//! The methods about what a model sees of a session.

use std::sync::Arc;

use openclaw_agents::compaction::manual::{Outline, Purpose};
use openclaw_agents::context::{Account, Compaction, Desk, Part, PartKind};
use openclaw_agents::{AgentError, Attended, Meters as _, Whose};
use openclaw_core::access::{Sender, Standing};
use openclaw_core::clock::rfc3339;
use openclaw_core::{ChannelId, Kind, PeerId, RunId, SessionKey};
use openclaw_ipc::methods::{
    CompactPreview, ContextCompaction, ContextPart, ContextPartKind, ContextShow,
    ContextShowOutput, ContextShowParams, LeavingPiece, SessionCompact, SessionCompactOutput,
    SessionCompactParams, SessionRestore, SessionRestoreOutput, SessionRestoreParams,
};
use openclaw_ipc::{Handle, RpcError};

use super::{CallCx, Rpc, public, store_error};
use crate::pipeline::RPC_CHANNEL;

impl Handle<ContextShow> for Rpc {
    async fn handle(
        &self,
        cx: &CallCx,
        params: ContextShowParams,
    ) -> Result<ContextShowOutput, RpcError> {
        let desk = self.desk(cx, &params.session_key).await?;
        let account = desk.account().await.map_err(|err| public(&err))?;
        Ok(shown(params.session_key, account))
    }
}

impl Handle<SessionCompact> for Rpc {
    async fn handle(
        &self,
        cx: &CallCx,
        params: SessionCompactParams,
    ) -> Result<SessionCompactOutput, RpcError> {
        let desk = self.desk(cx, &params.session_key).await?;
        let made = match params.preview {
            Some(CompactPreview::Boundaries) => desk.outline().await,
            Some(CompactPreview::Summary) => self.compacted(desk, Purpose::Preview).await,
            None => self.compacted(desk, Purpose::Compact).await,
        };
        Ok(made
            .map_err(|err| public(&err))?
            .map_or_else(nothing_to_do, compaction))
    }
}

impl Handle<SessionRestore> for Rpc {
    async fn handle(
        &self,
        cx: &CallCx,
        params: SessionRestoreParams,
    ) -> Result<SessionRestoreOutput, RpcError> {
        let desk = self.desk(cx, &params.session_key).await?;
        let undone = desk
            .undo(params.compaction)
            .await
            .map_err(|err| public(&err))?;
        match (undone.is_empty(), params.compaction) {
            (true, Some(seq)) => Err(RpcError::new(
                Kind::NotFound,
                format!("event {seq} is no compaction that could be undone"),
            )
            .with_field("compaction")),
            _ => Ok(SessionRestoreOutput { undone }),
        }
    }
}

impl Rpc {
    async fn desk(&self, cx: &CallCx, key: &SessionKey) -> Result<Desk, RpcError> {
        let adopted = self.takeover.adopt(&self.store, key).await;
        adopted.map_err(|err| store_error(&err))?;
        let session = self.existing(key).await?;
        Ok(Desk {
            store: self.store.clone(),
            agent: self.agent(Some(&session.key.agent()))?,
            tools: Arc::clone(&self.tools),
            session: session.key,
            sender: Sender {
                channel: ChannelId::from(RPC_CHANNEL),
                peer: PeerId(cx.admitted.principal().to_string()),
                standing: Standing::Principal,
            },
            hooks: Arc::clone(&self.world.hooks),
        })
    }

    /// Has a session summed up, in a task of its own: a client who hangs up leaves no call of a
    /// model that is not on record.
    async fn compacted(&self, desk: Desk, purpose: Purpose) -> Result<Option<Outline>, AgentError> {
        let run = RunId::generate();
        let meter = self.budget.of_run(Whose {
            agent: desk.agent.id.clone(),
            session: desk.session.clone(),
            run: run.clone(),
            channel: desk.sender.channel.clone(),
            attended: Attended::Yes,
        });
        let stop = self.scope.stop().child_token();
        let task = async move { desk.compact(purpose, &run, meter.as_ref(), &stop).await };
        self.scope
            .spawn("compaction", task)
            .await
            .unwrap_or(Err(AgentError::Cancelled))
    }
}

fn shown(session_key: SessionKey, account: Account) -> ContextShowOutput {
    let estimated = account.estimated();
    let percent = account
        .space
        .window
        .filter(|window| *window > 0)
        .map(|window| estimated.saturating_mul(100).div_ceil(window));
    ContextShowOutput {
        session_key,
        model: account.model.to_string(),
        window: account.space.window,
        limit: account.space.limit,
        estimated,
        percent,
        reported: account.reported,
        parts: account.parts.into_iter().map(part).collect(),
        compactions: account.compactions.into_iter().map(on_record).collect(),
    }
}

fn part(part: Part) -> ContextPart {
    let kind = match part.kind {
        PartKind::System => ContextPartKind::System,
        PartKind::Skills => ContextPartKind::Skills,
        PartKind::Files => ContextPartKind::Files,
        PartKind::Tool => ContextPartKind::Tool,
        PartKind::Summary => ContextPartKind::Summary,
        PartKind::Messages => ContextPartKind::Messages,
        PartKind::Attachments => ContextPartKind::Attachments,
        PartKind::Answers => ContextPartKind::Answers,
        PartKind::Results => ContextPartKind::Results,
    };
    ContextPart {
        kind,
        name: part.name,
        count: u64::try_from(part.count).unwrap_or(u64::MAX),
        tokens: part.tokens,
    }
}

fn on_record(compaction: Compaction) -> ContextCompaction {
    ContextCompaction {
        seq: compaction.seq,
        time: rfc3339(compaction.time),
        first_kept: compaction.first_kept,
        tokens_before: compaction.tokens_before,
        tokens_after: compaction.how.tokens_after,
        trigger: compaction
            .how
            .trigger
            .map(|set_off| set_off.name().to_owned()),
        model: compaction.how.model,
        failure: compaction.how.failure,
        undone: compaction.undone,
    }
}

fn compaction(made: Outline) -> SessionCompactOutput {
    let priced: Option<Vec<_>> = made.calls.iter().map(|call| call.cost).collect();
    let cost = priced.filter(|costs| !costs.is_empty()).map(|costs| {
        let mut sum = openclaw_core::Cost::default();
        for cost in costs {
            sum += cost;
        }
        sum.usd()
    });
    SessionCompactOutput {
        seq: made.recorded,
        first_kept: Some(made.first_kept),
        leaving: made
            .leaving
            .into_iter()
            .map(|piece| LeavingPiece {
                seq: piece.seq,
                tokens: piece.tokens,
                text: piece.text,
            })
            .collect(),
        summary_before: Some(made.summary_before).filter(|text| !text.is_empty()),
        summary: made.summary,
        model: made.model,
        tokens_before: made.tokens_before,
        tokens_after: made.tokens_after,
        cost_usd: cost,
    }
}

const fn nothing_to_do() -> SessionCompactOutput {
    SessionCompactOutput {
        seq: None,
        first_kept: None,
        leaving: Vec::new(),
        summary_before: None,
        summary: None,
        model: None,
        tokens_before: 0,
        tokens_after: 0,
        cost_usd: None,
    }
}
