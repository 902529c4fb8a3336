//! `agent` and `agent.wait`: a message whose sender waits for what comes of it.

use std::time::{Duration, Instant};

use openclaw_agents::{AgentError, Attended, Reply};
use openclaw_core::access::Inbound;
use openclaw_core::events::Change;
use openclaw_core::{Clock, PeerId, RunId, SessionEvent, SessionEventKind, SessionKey};
use openclaw_ipc::RpcError;
use openclaw_ipc::openclaw::OpenclawError;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::time;

use super::given::Given;
use super::sessions::{by_id, keys};
use super::{Answer, agents};
use crate::builder::Gateway;
use crate::openclaw::Client;
use crate::openclaw::chat;
use crate::openclaw::floor::{Entered, Shout};
use crate::openclaw::messages::own_name;
use crate::pipeline::{NotAccepted, RPC_CHANNEL, Said, Speaker};
use crate::rpc::{Rpc, message_id, public, store_error};

/// How long somebody waits for a run unless asked otherwise, and at most.
const WAIT_MS: u64 = 30_000;
const MOST_WAIT_MS: u64 = 24 * 60 * 60 * 1000;

/// How many events at the end of a session are looked through for a run.
const TAIL: u64 = 4096;

/// What of `agent` changes nothing here: there are no messengers to deliver to, and how long a run
/// may take is set for all of them.
const TEXTS: [&str; 11] = [
    "replyTo",
    "channel",
    "replyChannel",
    "accountId",
    "replyAccountId",
    "threadId",
    "groupId",
    "groupChannel",
    "groupSpace",
    "lane",
    "label",
];
const FLAGS: [&str; 2] = ["bestEffortDeliver", "cleanupBundleMcpOnRunEnd"];

/// What of `agent` would change the run, and cannot be followed.
const NOT_HAD: [&str; 26] = [
    "provider",
    "model",
    "to",
    "expectedExistingSessionId",
    "thinking",
    "deliver",
    "attachments",
    "cwd",
    "modelRun",
    "extraSystemPrompt",
    "acpTurnSource",
    "internalRuntimeHandoffId",
    "internalExecutionIdentityRetry",
    "internalExecutionIdentityRecoveryAttempt",
    "execApprovalFollowupExpectedSessionId",
    "internalEvents",
    "inputProvenance",
    "suppressPromptPersistence",
    "sourceReplyDeliveryMode",
    "disableMessageTool",
    "swarmCollector",
    "swarmOutputSchema",
    "forceRestartSafeTools",
    "forceCodeModeTools",
    "voiceWakeTrigger",
    "bootstrapContextRunKind",
];

/// How a run ended.
#[derive(Debug)]
struct Outcome {
    ended: i64,
    /// What was answered, or why nothing was.
    said: Result<Option<String>, String>,
}

/// `agent`: says something to an agent. It is answered twice: when the message was accepted, and
/// when the run has ended.
pub(super) async fn agent(
    gateway: &Gateway,
    client: &Client,
    mut given: Given,
) -> Result<Answer, RpcError> {
    let message = given.needed_text("message")?;
    let name = given.needed_text("idempotencyKey")?;
    let agent = given.text("agentId");
    let key = given.any_text("sessionKey").filter(|key| !key.is_empty());
    let id = given.any_text("sessionId").filter(|id| !id.is_empty());
    for name in TEXTS {
        given.any_text(name);
    }
    for name in FLAGS {
        given.flag(name);
    }
    given.integer("timeout", 0..=u64::MAX);
    given.one_of("promptMode", &["full"]);
    given.one_of("bootstrapContextMode", &["full"]);
    given.one_of("sessionEffects", &["visible"]);
    given.not_followed(&NOT_HAD);
    given.done()?;
    let rpc = &gateway.shared.rpc;
    let session = match (key, id) {
        (Some(key), _) => keys::read(rpc, &key, agent.as_deref())?,
        (None, Some(id)) => match by_id(rpc, &id).await? {
            Some(found) => found.key,
            None => return Err(keys::unknown(id)),
        },
        (None, None) => keys::read(rpc, "main", agent.as_deref())?,
    };
    agents::find(rpc, Some(session.agent().as_str()))?;
    let message_id = message_id(name.clone())?;
    chat::begin(gateway, client, &session).await?;
    // The one that was sent before under the same name is the one that is answered, then.
    let place = match rpc.floor.submit(&session, &name) {
        Entered::First(place) => Some(place),
        Entered::UnderWay | Entered::Done => None,
    };
    let accepted = json!({
        "runId": name,
        "sessionKey": session,
        "agentId": session.agent(),
        "status": "accepted",
        "acceptedAt": Clock::system().now().as_millisecond(),
    });
    let said = Said {
        session: session.clone(),
        inbound: Inbound {
            channel: RPC_CHANNEL.into(),
            peer: PeerId(client.admitted.principal().to_string()),
            message_id: Some(message_id),
            text: message,
            attachments: Vec::new(),
        },
        speaker: Speaker::Caller,
        attended: Attended::Yes,
        queue: None,
    };
    let (own, cx) = (gateway.clone(), client.cx());
    // In a task of its own, so that the run goes on when its sender hangs up.
    let running = rpc.scope.spawn("agent", async move {
        let began = Instant::now();
        let outcome = own.shared.rpc.accept(&cx, said).await;
        let failure = outcome.as_ref().err().map(|err| refusal(err).message);
        if let Some(place) = place {
            chat::settled(&own.shared.rpc, (&session, &name), place, failure);
        }
        match outcome {
            Ok(reply) => finished(&own.shared.rpc, &session, &name, reply, began).await,
            Err(err) => Err(refusal(&err)),
        }
    });
    let later = async move {
        let outcome = running
            .await
            .unwrap_or_else(|_gone| Err(public(&AgentError::Defect)));
        outcome.map_err(OpenclawError::from)
    };
    Ok(Answer {
        now: accepted,
        later: Some(Box::pin(later)),
    })
}

fn refusal(err: &NotAccepted) -> RpcError {
    match err {
        NotAccepted::Limited(wait) => wait.refusal("messages to this session"),
        NotAccepted::Agent(err) => public(err),
    }
}

/// Returns what OpenClaw answers when a run has ended.
async fn finished(
    rpc: &Rpc,
    session: &SessionKey,
    name: &str,
    reply: Reply,
    began: Instant,
) -> Result<Value, RpcError> {
    let summary = keys::summary(rpc, session).await?;
    let id = summary.map(|summary| keys::session_id(session, summary.started));
    let payloads = if reply.content.is_empty() {
        json!([])
    } else {
        json!([{ "text": reply.content, "mediaUrl": null }])
    };
    let usage = reply.usage;
    Ok(json!({
        "runId": name,
        "status": "ok",
        "summary": "completed",
        "result": {
            "payloads": payloads,
            "meta": {
                "durationMs": u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
                "agentMeta": {
                    "sessionId": id,
                    "provider": reply.provider,
                    "model": reply.model,
                    "usage": {
                        "input": usage.input,
                        "output": usage.output,
                        "cacheRead": usage.cache_read,
                        "cacheWrite": usage.cache_write,
                        "total": usage.total(),
                    },
                    "costUsd": reply.cost.map(openclaw_core::Cost::usd),
                },
                "aborted": false,
            },
        },
    }))
}

/// `agent.wait`: waits until a run has ended, but no longer than somebody wants to wait.
pub(super) async fn wait(gateway: &Gateway, mut given: Given) -> Result<Value, RpcError> {
    let run = given.needed_text("runId")?;
    let patience = given.integer("timeoutMs", 0..=u64::MAX).unwrap_or(WAIT_MS);
    given.done()?;
    let rpc = &gateway.shared.rpc;
    let patience = Duration::from_millis(patience.min(MOST_WAIT_MS));
    let ended = time::timeout(patience, ended(rpc, &run)).await;
    let outcome = match ended {
        Err(_elapsed) => return Ok(json!({ "runId": run, "status": "timeout" })),
        Ok(outcome) => outcome?,
    };
    Ok(match outcome.said {
        Ok(text) => json!({
            "runId": run,
            "status": "ok",
            "endedAt": outcome.ended,
            "terminalReply": text.map(|text| json!({ "disposition": "visible", "text": text })),
        }),
        Err(error) => json!({
            "runId": run, "status": "error", "endedAt": outcome.ended, "error": error,
        }),
    })
}

/// Waits for the end of a run. One that nobody has begun may still begin.
async fn ended(rpc: &Rpc, run: &str) -> Result<Outcome, RpcError> {
    let id = RunId::from(run);
    // Heard from before it is looked, so that no end is missed in between.
    let mut facts = rpc.store.subscribe(rpc.store.position());
    loop {
        let mut shouts = rpc.floor.listen();
        if let Some(session) = rpc.floor.done_in(run) {
            return outcome(rpc, &session, run).await;
        }
        loop {
            let shout = tokio::select! {
                shout = shouts.recv() => shout,
                fact = facts.next() => {
                    let event = fact.map_err(|err| store_error(&err))?;
                    match said(&event).filter(|_| event.run_id.as_ref() == Some(&id)) {
                        Some(said) => {
                            let ended = event.time.as_millisecond();
                            return Ok(Outcome { ended, said });
                        }
                        None => continue,
                    }
                }
            };
            match shout {
                Ok(Shout::Settled(settled)) if settled.run == run => {
                    let found = outcome(rpc, &settled.session, run).await?;
                    return Ok(match &settled.failure {
                        Some(failure) => Outcome {
                            said: Err(failure.clone()),
                            ..found
                        },
                        None => found,
                    });
                }
                Ok(_) => {}
                // What was missed may have been it.
                Err(RecvError::Lagged(_)) => break,
                Err(RecvError::Closed) => return Err(public(&AgentError::Cancelled)),
            }
        }
    }
}

/// Reads from the log how a run ended, by its own name or by its sender's.
async fn outcome(rpc: &Rpc, session: &SessionKey, run: &str) -> Result<Outcome, RpcError> {
    let head = keys::summary(rpc, session)
        .await?
        .map_or(0, |summary| summary.head);
    let tail = head.saturating_sub(TAIL).max(1)..=head;
    let events = rpc.store.read(session, tail).await;
    let events = events.map_err(|err| store_error(&err))?;
    let mut found = Outcome {
        ended: Clock::system().now().as_millisecond(),
        said: Ok(None),
    };
    let named = events
        .iter()
        .rev()
        .find(|event| own_name(event) == Some(run));
    let id = named.and_then(|event| event.run_id.clone());
    let id = id.unwrap_or_else(|| RunId::from(run));
    for event in events
        .iter()
        .filter(|event| event.run_id.as_ref() == Some(&id))
    {
        if let Some(said) = said(event) {
            found = Outcome {
                ended: event.time.as_millisecond(),
                said,
            };
        }
    }
    Ok(found)
}

fn said(event: &SessionEvent) -> Option<Result<Option<String>, String>> {
    match &event.kind {
        SessionEventKind::AgentResponse { content, .. } => {
            Some(Ok(Some(content.clone()).filter(|text| !text.is_empty())))
        }
        SessionEventKind::StateChanged { key, value } => match Change::read(key, value) {
            Some(Change::RunFailed { message, .. }) => Some(Err(message)),
            Some(Change::RunCutOff { .. }) => Some(Err(
                "the process of the run died before it had ended".to_owned(),
            )),
            _ => None,
        },
        _ => None,
    }
}
