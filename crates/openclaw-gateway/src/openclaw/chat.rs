//! `chat.send` and `chat.abort`, and who is connected.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openclaw_agents::{AgentError, Attended};
use openclaw_core::access::{Inbound, Scope};
use openclaw_core::events::{NewEvent, StoreError};
use openclaw_core::session_key::Scope as KeyScope;
use openclaw_core::validation::{Attachment, AttachmentKind};
use openclaw_core::{Clock, Kind, PeerId, SessionEventKind, SessionKey};
use openclaw_ipc::RpcError;
use openclaw_ipc::methods::QueueMode;
use serde_json::{Value, json};

use super::Client;
use super::floor::{Entered, Settled, Shout, UnderWay};
use super::methods::given::Given;
use super::methods::sessions::keys;
use crate::builder::Gateway;
use crate::pipeline::{NotAccepted, RPC_CHANNEL, Said, Speaker};
use crate::rpc::{Rpc, message_id, public, store_error};
use crate::turns;

/// What of `chat.send` changes nothing here.
const PASSED_OVER: &[&str] = &[
    "deliver",
    "originatingChannel",
    "originatingTo",
    "originatingAccountId",
    "originatingThreadId",
    "replyToId",
    "timeoutMs",
    "suppressCommandInterpretation",
    "expectedLeafEntryId",
    "expectedSessionRoutingContract",
    "expectedPermissionMode",
    "expectedToolOverrides",
    "sessionId",
    "thinking",
    "fastMode",
    "fastAutoOnSeconds",
];

/// `system-presence`: who is connected.
pub(super) fn presence(gateway: &Gateway, given: Given) -> Result<Value, RpcError> {
    given.done()?;
    let now = Clock::system().now().as_millisecond();
    Ok(gateway.shared.rpc.floor.presence(now))
}

/// `chat.send`: gives an agent work and answers at once; what comes of it is told by events.
pub(super) async fn send(
    gateway: &Gateway,
    client: &Client,
    mut given: Given,
) -> Result<Value, RpcError> {
    let key = given.needed_text("sessionKey")?;
    let message = match given.any_text("message") {
        Some(message) => message,
        None => given.needed_text("message")?,
    };
    let name = given.needed_text("idempotencyKey")?;
    let agent = given.text("agentId");
    let queue = given.one_of("queueMode", &["steer", "followup", "collect", "interrupt"]);
    let attachments = attachments(given.any("attachments"))?;
    given.passes_over(PASSED_OVER);
    given.not_followed(&[
        "intent",
        "toolBindings",
        "systemInputProvenance",
        "systemProvenanceReceipt",
    ]);
    given.done()?;
    let rpc = &gateway.shared.rpc;
    let session = keys::read(rpc, &key, agent.as_deref())?;
    let message_id = message_id(name.clone())?;
    if message.trim().is_empty() && attachments.is_empty() {
        let message = "message or attachment required";
        return Err(RpcError::new(Kind::Invalid, message).with_field("message"));
    }
    // What cannot become a turn is said now, and not by an event later.
    if rpc.find_agent(&session.agent()).is_none() {
        let err = AgentError::NoAgent(session.agent());
        return Err(public(&err));
    }
    begin(gateway, client, &session).await?;
    let answer = |status: &str| Ok(json!({"runId": name, "status": status}));
    let place = match rpc.floor.submit(&session, &name) {
        Entered::First(place) => place,
        Entered::UnderWay => return answer("in_flight"),
        Entered::Done => return answer("ok"),
    };
    let said = Said {
        session: session.clone(),
        inbound: Inbound {
            channel: RPC_CHANNEL.into(),
            peer: PeerId(client.admitted.principal().to_string()),
            message_id: Some(message_id),
            text: message,
            attachments,
        },
        speaker: Speaker::Caller,
        attended: Attended::Yes,
        queue: queue.map(|mode| turns::asked_for(queue_mode(mode))),
    };
    let (own, cx, run) = (gateway.clone(), client.cx(), name.clone());
    let task = async move {
        let rpc = &own.shared.rpc;
        let failure = match rpc.accept(&cx, said).await {
            Ok(_on_record) => None,
            Err(NotAccepted::Limited(wait)) => {
                Some(wait.refusal("messages to this session").message)
            }
            Err(NotAccepted::Agent(err)) => Some(public(&err).message),
        };
        settled(rpc, (&session, &run), place, failure);
    };
    drop(rpc.scope.spawn("chat", task));
    answer("started")
}

/// Says to every connection that a message has come to its end.
pub(super) fn settled(
    rpc: &Rpc,
    (session, run): (&SessionKey, &str),
    place: UnderWay,
    failure: Option<String>,
) {
    drop(place);
    rpc.floor.shout(Shout::Settled(Arc::new(Settled {
        run: run.to_owned(),
        session: session.clone(),
        after: rpc.store.position(),
        failure,
    })));
}

/// Begins a session that is not there yet; an agent's main session begins with its first message.
pub(super) async fn begin(
    gateway: &Gateway,
    client: &Client,
    session: &SessionKey,
) -> Result<(), RpcError> {
    let rpc = &gateway.shared.rpc;
    let failed = |err: StoreError| store_error(&err);
    rpc.takeover
        .adopt(&rpc.store, session)
        .await
        .map_err(failed)?;
    let known = rpc.store.session(session).await.map_err(failed)?;
    if known.is_some() || session.scope() == KeyScope::Main {
        return Ok(());
    }
    let start = NewEvent::from(SessionEventKind::SessionStarted {
        channel: RPC_CHANNEL.into(),
        peer_id: PeerId(client.admitted.principal().to_string()),
    });
    match rpc.store.append(session, vec![start]).await {
        Ok(_) => {
            rpc.tell_start(session);
            Ok(())
        }
        Err(StoreError::SessionExists(_)) => Ok(()),
        Err(err) => Err(failed(err)),
    }
}

fn queue_mode(word: &str) -> QueueMode {
    match word {
        "followup" => QueueMode::Followup,
        "collect" => QueueMode::Collect,
        "interrupt" => QueueMode::Interrupt,
        _ => QueueMode::Steer,
    }
}

/// Reads the files that come with a message.
fn attachments(given: Option<Value>) -> Result<Vec<Attachment>, RpcError> {
    let unfit = |at: usize, what: &str| {
        let message = format!("invalid chat.send params: at /attachments/{at}: {what}");
        RpcError::new(Kind::Invalid, message).with_field(format!("attachments[{at}]"))
    };
    let items = match given {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(unfit(0, "must be array")),
    };
    let mut read = Vec::new();
    for (at, item) in items.into_iter().enumerate() {
        let text = |name: &str| item.get(name).and_then(Value::as_str);
        let content = text("content").ok_or_else(|| unfit(at, "content must be base64"))?;
        // Pages send what the browser gives them, which is an address with the data in it.
        let content = match content.split_once(";base64,") {
            Some((_, content)) => content,
            None => content,
        };
        let bytes = STANDARD
            .decode(content)
            .map_err(|_quotes_it| unfit(at, "content must be base64"))?;
        let mime = text("mimeType")
            .unwrap_or("application/octet-stream")
            .to_owned();
        read.push(Attachment {
            kind: if mime.starts_with("image/") {
                AttachmentKind::Photo
            } else {
                AttachmentKind::Document
            },
            mime,
            bytes,
            filename: text("fileName").map(str::to_owned),
        });
    }
    Ok(read)
}

/// `chat.abort`: stops what a session is doing.
pub(super) async fn abort(gateway: &Gateway, mut given: Given) -> Result<Value, RpcError> {
    let key = given.needed_text("sessionKey")?;
    let agent = given.text("agentId");
    let run = given.text("runId");
    given.passes_over(&["preserveSideRuns"]);
    given.done()?;
    let rpc = &gateway.shared.rpc;
    let session = keys::read(rpc, &key, agent.as_deref())?;
    let names = rpc.floor.under_way(&session);
    let is_active = rpc
        .engine
        .active()
        .iter()
        .any(|(active, _)| *active == session);
    // A run by another name is not the one that is meant.
    let meant = run.as_ref().is_none_or(|run| names.contains(run));
    if !is_active || !meant {
        return Ok(json!({"ok": true, "aborted": false, "runIds": []}));
    }
    let aborted = rpc.engine.cancel(&session).await;
    let runs = if aborted { names } else { Vec::new() };
    Ok(json!({"ok": true, "aborted": aborted, "runIds": runs}))
}

/// Returns the scope that stands for a right where calls are counted.
pub(super) const fn counted_as(right: openclaw_core::access::devices::Right) -> Scope {
    use openclaw_core::access::devices::Right;
    match right {
        Right::Admin | Right::Pairing => Scope::Admin,
        Right::Read => Scope::Read,
        Right::Write => Scope::Write,
        Right::Approvals | Right::Questions => Scope::Approvals,
    }
}
