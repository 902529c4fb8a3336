//! The methods about sessions.

use std::fmt;

use openclaw_core::access::Inbound;
use openclaw_core::clock::rfc3339;
use openclaw_core::events::{EndReason, NewEvent, SessionSummary, StoreError};
use openclaw_core::redaction::mask;
use openclaw_core::session_key::Scope as KeyScope;
use openclaw_core::validation;
use openclaw_core::{
    ChannelId, Kind, MessageId, PeerId, SessionEvent, SessionEventKind, SessionKey,
};
use openclaw_ipc::methods::{
    SessionCancel, SessionCancelOutput, SessionCancelParams, SessionCreate, SessionCreateOutput,
    SessionCreateParams, SessionEnd, SessionEndOutput, SessionEndParams, SessionHistory,
    SessionHistoryOutput, SessionHistoryParams, SessionList, SessionListOutput, SessionListParams,
    SessionMessage, SessionMessageOutput, SessionMessageParams, SessionSummary as SessionRow,
    StopReason,
};
use openclaw_ipc::{Event, Handle, RpcError};
use openclaw_providers::StopReason as ModelStop;

use super::{CallCx, Rpc, public, session_key_error, store_error};
use crate::pipeline::{NotAccepted, RPC_CHANNEL, Said, Speaker};
use crate::takeover::Waiting;
use crate::turns;

/// The longest idempotency key, in bytes.
const MAX_IDEMPOTENCY_KEY: usize = 256;

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
        names_no_secret(session_key.as_str(), "peerId")?;
        let peer_id = params
            .peer_id
            .unwrap_or_else(|| PeerId(cx.admitted.principal().to_string()));
        let adopted = self.takeover.adopt(&self.store, &session_key).await;
        adopted.map_err(|err| store_error(&err))?;
        let start = NewEvent::from(SessionEventKind::SessionStarted { channel, peer_id });
        match self.store.append(&session_key, vec![start]).await {
            Ok(_) => {
                self.tell_start(&session_key);
                Ok(SessionCreateOutput { session_key })
            }
            Err(StoreError::SessionExists(_)) => Ok(SessionCreateOutput { session_key }),
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
        names_no_secret(params.session_key.as_str(), "sessionKey")?;
        let (speaker, channel, peer) = match params.sender {
            None => {
                let peer = PeerId(cx.admitted.principal().to_string());
                (Speaker::Caller, ChannelId::from(RPC_CHANNEL), peer)
            }
            Some(sender) => {
                let channel = relayed_on(&params.session_key, sender.channel)?;
                names_no_secret(sender.peer.as_str(), "sender")?;
                if sender.peer.as_str().trim().is_empty() {
                    let message = "a sender is somebody: say who they are on the channel";
                    return Err(RpcError::new(Kind::Invalid, message).with_field("sender.peer"));
                }
                (Speaker::Relayed, channel, sender.peer)
            }
        };
        let inbound = Inbound {
            channel,
            peer,
            message_id,
            text: params.content,
            attachments: params
                .attachments
                .into_iter()
                .map(validation::Attachment::from)
                .collect(),
        };
        let reply = self
            .accept(
                cx,
                Said {
                    session: params.session_key,
                    inbound,
                    speaker,
                    attended: params.attended,
                    queue: params.queue.map(turns::asked_for),
                },
            )
            .await
            .map_err(|err| match err {
                NotAccepted::Limited(wait) => wait.refusal("messages to this session"),
                NotAccepted::Agent(err) => public(&err),
            })?;
        let (stop_reason, stop_detail) = stop_reason(reply.stop);
        Ok(SessionMessageOutput {
            run_id: reply.run_id,
            content: reply.content,
            model: reply.model,
            provider: reply.provider,
            usage: reply.usage,
            cost: reply.cost,
            fallback: reply.fallback.map(|model| model.to_string()),
            steps: reply.steps,
            stop_reason,
            stop_detail,
        })
    }
}

/// Returns the channel of a message that is passed on: the one that is named, or the session's.
fn relayed_on(session: &SessionKey, named: Option<ChannelId>) -> Result<ChannelId, RpcError> {
    let of_session = || match session.scope() {
        KeyScope::Direct { channel, .. } | KeyScope::Group { channel, .. } => Some(channel),
        KeyScope::Main | KeyScope::Other(_) => None,
    };
    named.or_else(of_session).ok_or_else(|| {
        let message = "a sender needs a channel: the session does not say which one is meant";
        RpcError::new(Kind::Invalid, message).with_field("sender.channel")
    })
}

pub(crate) fn message_id(key: String) -> Result<MessageId, RpcError> {
    if key.is_empty() || key.len() > MAX_IDEMPOTENCY_KEY || key.chars().any(char::is_control) {
        let message = format!("has 1 to {MAX_IDEMPOTENCY_KEY} bytes and no control characters");
        return Err(
            RpcError::new(Kind::Invalid, format!("an idempotency key {message}"))
                .with_field("idempotencyKey"),
        );
    }
    names_no_secret(&key, "idempotencyKey")?;
    Ok(MessageId(key))
}

/// Refuses a secret as a name: a name is kept and shown as it is.
fn names_no_secret(name: &str, field: &str) -> Result<(), RpcError> {
    if mask(name) == name {
        return Ok(());
    }
    let message = "a name must not have a secret in it";
    Err(RpcError::new(Kind::Invalid, message).with_field(field))
}

impl Handle<SessionHistory> for Rpc {
    async fn handle(
        &self,
        _cx: &CallCx,
        params: SessionHistoryParams,
    ) -> Result<SessionHistoryOutput, RpcError> {
        let after = params.cursor.unwrap_or_default();
        let limit = u64::from(params.limit.unwrap_or_default().get());
        let waiting = self
            .takeover
            .read(Some(&self.store), &params.session_key)
            .await
            .map_err(|err| store_error(&err))?;
        if let Some((_, events)) = waiting {
            return Ok(page_of(&events, after, limit));
        }
        let session = self.existing(&params.session_key).await?;
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
        self.tell_end(&session.key, seq);
        Ok(SessionEndOutput { ended: true, seq })
    }
}

impl Handle<SessionList> for Rpc {
    async fn handle(
        &self,
        _cx: &CallCx,
        params: SessionListParams,
    ) -> Result<SessionListOutput, RpcError> {
        let Cursor { recorded, waiting } = Cursor::read(params.cursor.as_deref())?;
        let limit = params.limit.unwrap_or_default().get();
        let failed = |err: StoreError| store_error(&err);
        let page = self.store.sessions(recorded, limit.saturating_add(1)).await;
        let theirs = self.takeover.waiting(Some(&self.store)).await;
        let mut ours = page.map_err(failed)?.into_iter().peekable();
        let mut theirs = theirs.map_err(failed)?.into_iter().skip(waiting).peekable();
        let mut next = Cursor { recorded, waiting };
        let mut sessions = Vec::new();
        while sessions.len() < usize::try_from(limit).unwrap_or(usize::MAX) {
            // The one with the latest event comes first, wherever it lies.
            let later = match (ours.peek(), theirs.peek()) {
                (Some(our), Some(their)) => their.updated > our.updated,
                (None, Some(_)) => true,
                (_, None) => false,
            };
            if later && let Some(their) = theirs.next() {
                next.waiting = next.waiting.saturating_add(1);
                sessions.push(listed(their));
            } else if let Some(our) = ours.next() {
                next.recorded = next.recorded.saturating_add(1);
                sessions.push(our.into());
            } else {
                break;
            }
        }
        let more = ours.peek().is_some() || theirs.peek().is_some();
        Ok(SessionListOutput {
            sessions,
            next_cursor: more.then(|| next.to_string()),
        })
    }
}

/// How far a listing has come: in the log, and among the sessions that are not in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Cursor {
    recorded: u64,
    waiting: usize,
}

impl Cursor {
    fn read(text: Option<&str>) -> Result<Self, RpcError> {
        let Some(text) = text else {
            return Ok(Self::default());
        };
        let (recorded, waiting) = text.split_once('+').unwrap_or((text, "0"));
        match (recorded.parse(), waiting.parse()) {
            (Ok(recorded), Ok(waiting)) => Ok(Self { recorded, waiting }),
            _ => Err(
                RpcError::new(Kind::Invalid, "the cursor is not one of `nextCursor`")
                    .with_field("cursor"),
            ),
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.recorded)?;
        if self.waiting > 0 {
            write!(f, "+{}", self.waiting)?;
        }
        Ok(())
    }
}

/// Returns the list's row of a session that is not in the log.
fn listed(waiting: Waiting) -> SessionRow {
    SessionRow {
        agent_id: waiting.key.agent(),
        session_key: waiting.key,
        events: waiting.entries,
        started_at: rfc3339(waiting.started),
        updated_at: rfc3339(waiting.updated),
        ended: false,
        source: Some(waiting.source.to_owned()),
        read_only: true,
    }
}

/// Returns a page of the events that a session would have in the log.
fn page_of(events: &[SessionEvent], after: u64, limit: u64) -> SessionHistoryOutput {
    let last = after.saturating_add(limit);
    let page: Vec<Event> = events
        .iter()
        .filter(|event| event.seq > after && event.seq <= last)
        .cloned()
        .map(Event::from)
        .collect();
    let more = events.last().is_some_and(|event| event.seq > last);
    SessionHistoryOutput {
        events: page,
        next_cursor: more.then_some(last),
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
        stop @ (ModelStop::ContextLength | ModelStop::Other(_)) => {
            (StopReason::Other, Some(stop.to_string()))
        }
    }
}
