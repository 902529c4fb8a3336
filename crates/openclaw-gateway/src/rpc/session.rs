//! The methods about sessions.

use openclaw_core::access::Inbound;
use openclaw_core::events::{EndReason, NewEvent, SessionSummary, StoreError};
use openclaw_core::validation;
use openclaw_core::{ChannelId, Kind, MessageId, PeerId, SessionEventKind, SessionKey};
use openclaw_ipc::methods::{
    SessionCancel, SessionCancelOutput, SessionCancelParams, SessionCreate, SessionCreateOutput,
    SessionCreateParams, SessionEnd, SessionEndOutput, SessionEndParams, SessionHistory,
    SessionHistoryOutput, SessionHistoryParams, SessionList, SessionListOutput, SessionListParams,
    SessionMessage, SessionMessageOutput, SessionMessageParams, StopReason,
};
use openclaw_ipc::{Event, Handle, RpcError};
use openclaw_providers::StopReason as ModelStop;

use super::{CallCx, Rpc, public, session_key_error, store_error};

/// The longest idempotency key, in bytes.
const MAX_IDEMPOTENCY_KEY: usize = 256;

/// The channel of messages that come in over RPC.
const RPC_CHANNEL: &str = "rpc";

impl Handle<SessionCreate> for Rpc {
    async fn handle(
        &self,
        cx: &CallCx,
        params: SessionCreateParams,
    ) -> Result<SessionCreateOutput, RpcError> {
        let agent = self.agent(params.agent_id.as_ref())?;
        let channel = params
            .channel
            .unwrap_or_else(|| ChannelId::from(RPC_CHANNEL));
        let key = match &params.peer_id {
            Some(peer) => SessionKey::direct(&agent.id, &channel, peer),
            None => SessionKey::explicit(&agent.id),
        };
        let session_key = key.map_err(|err| session_key_error(&err))?;
        let peer_id = params
            .peer_id
            .unwrap_or_else(|| PeerId(cx.admitted.principal().to_string()));
        let start = NewEvent::from(SessionEventKind::SessionStarted { channel, peer_id });
        match self.store.append(&session_key, vec![start]).await {
            Ok(_) | Err(StoreError::SessionExists(_)) => Ok(SessionCreateOutput { session_key }),
            Err(err) => Err(store_error(&err)),
        }
    }
}

impl Handle<SessionMessage> for Rpc {
    async fn handle(
        &self,
        cx: &CallCx,
        params: SessionMessageParams,
    ) -> Result<SessionMessageOutput, RpcError> {
        let message_id = params.idempotency_key.map(message_id).transpose()?;
        let inbound = Inbound {
            channel: ChannelId::from(RPC_CHANNEL),
            peer: PeerId(cx.admitted.principal().to_string()),
            message_id,
            text: params.content,
            attachments: params
                .attachments
                .into_iter()
                .map(validation::Attachment::from)
                .collect(),
        };
        let reply = self
            .accept(cx.admitted, params.session_key, inbound)
            .await
            .map_err(|err| public(&err))?;
        let (stop_reason, stop_detail) = stop_reason(reply.stop);
        Ok(SessionMessageOutput {
            run_id: reply.run_id,
            content: reply.content,
            model: reply.model,
            provider: reply.provider,
            usage: reply.usage,
            steps: reply.steps,
            stop_reason,
            stop_detail,
        })
    }
}

fn message_id(key: String) -> Result<MessageId, RpcError> {
    if key.is_empty() || key.len() > MAX_IDEMPOTENCY_KEY || key.chars().any(char::is_control) {
        let message = format!("has 1 to {MAX_IDEMPOTENCY_KEY} bytes and no control characters");
        return Err(
            RpcError::new(Kind::Invalid, format!("an idempotency key {message}"))
                .with_field("idempotencyKey"),
        );
    }
    Ok(MessageId(key))
}

impl Handle<SessionHistory> for Rpc {
    async fn handle(
        &self,
        _cx: &CallCx,
        params: SessionHistoryParams,
    ) -> Result<SessionHistoryOutput, RpcError> {
        let session = self.existing(&params.session_key).await?;
        let after = params.cursor.unwrap_or_default();
        let limit = u64::from(params.limit.unwrap_or_default().get());
        let range = after.saturating_add(1)..=after.saturating_add(limit);
        let events = self
            .store
            .read(&session.key, range)
            .await
            .map_err(|err| store_error(&err))?;
        let last = events.last().map(|event| event.seq);
        Ok(SessionHistoryOutput {
            events: events.into_iter().map(Event::from).collect(),
            next_cursor: last.filter(|seq| *seq < session.head),
        })
    }
}

impl Handle<SessionEnd> for Rpc {
    async fn handle(
        &self,
        _cx: &CallCx,
        params: SessionEndParams,
    ) -> Result<SessionEndOutput, RpcError> {
        let session = self.existing(&params.session_key).await?;
        if session.ended {
            return Err(store_error(&StoreError::SessionEnded(session.key)));
        }
        let reason = match params.reason {
            Some(reason) => {
                validation::validate_message(&reason).map_err(|err| {
                    RpcError::new(err.kind(), err.to_string()).with_field("reason")
                })?;
                EndReason::Other(reason)
            }
            None => EndReason::Requested,
        };
        self.engine.stop(&session.key).await;
        let end = NewEvent::from(SessionEventKind::SessionEnded { reason });
        let recorded = self
            .store
            .append(&session.key, vec![end])
            .await
            .map_err(|err| store_error(&err))?;
        let seq = recorded.last().map(|event| event.seq).unwrap_or_default();
        Ok(SessionEndOutput { ended: true, seq })
    }
}

impl Handle<SessionList> for Rpc {
    async fn handle(
        &self,
        _cx: &CallCx,
        params: SessionListParams,
    ) -> Result<SessionListOutput, RpcError> {
        let skip = match params.cursor.as_deref().map(str::parse::<u64>) {
            None => 0,
            Some(Ok(skip)) => skip,
            Some(Err(_unreadable)) => {
                return Err(
                    RpcError::new(Kind::Invalid, "the cursor is not one of `nextCursor`")
                        .with_field("cursor"),
                );
            }
        };
        let limit = params.limit.unwrap_or_default().get();
        let page = self
            .store
            .sessions(skip, limit.saturating_add(1))
            .await
            .map_err(|err| store_error(&err))?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = page.len() > limit;
        let next = skip.saturating_add(u64::try_from(limit).unwrap_or(u64::MAX));
        Ok(SessionListOutput {
            sessions: page.into_iter().take(limit).map(Into::into).collect(),
            next_cursor: more.then(|| next.to_string()),
        })
    }
}

impl Handle<SessionCancel> for Rpc {
    async fn handle(
        &self,
        _cx: &CallCx,
        params: SessionCancelParams,
    ) -> Result<SessionCancelOutput, RpcError> {
        let session = self.existing(&params.session_key).await?;
        Ok(SessionCancelOutput {
            cancelled: self.engine.cancel(&session.key).await,
        })
    }
}

impl Rpc {
    pub(super) async fn existing(&self, key: &SessionKey) -> Result<SessionSummary, RpcError> {
        let found = self
            .store
            .session(key)
            .await
            .map_err(|err| store_error(&err))?;
        found.ok_or_else(|| store_error(&StoreError::NoSession(key.clone())))
    }
}

fn stop_reason(stop: ModelStop) -> (StopReason, Option<String>) {
    match stop {
        // A model that says it wants tools but names none has said what it wanted to say.
        ModelStop::EndTurn | ModelStop::ToolUse => (StopReason::EndTurn, None),
        ModelStop::MaxTokens => (StopReason::MaxTokens, None),
        ModelStop::Refusal => (StopReason::Refusal, None),
        ModelStop::StopSequence => (StopReason::StopSequence, None),
        ModelStop::Other(detail) => (StopReason::Other, Some(detail)),
    }
}
