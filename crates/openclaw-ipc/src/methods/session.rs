//! Params and outputs of the methods about sessions.

use openclaw_core::clock::rfc3339;
use openclaw_core::events;
use openclaw_core::usage::Attended;
use openclaw_core::validation::{self, AttachmentKind};
use openclaw_core::{AgentId, ChannelId, Cost, PeerId, ProviderId, RunId, SessionKey, Usage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::page::PageLimit;
use crate::event::Event;

/// Params of `session.create`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionCreateParams {
    /// The agent to talk with; the default agent unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
    /// The channel that the conversation belongs to; `rpc` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelId>,
    /// The correspondent on that channel; without one, every call makes a session of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_id: Option<PeerId>,
}

/// Output of `session.create`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionCreateOutput {
    /// The session's key.
    pub session_key: SessionKey,
}

/// Params of `session.message`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionMessageParams {
    /// The session to speak in.
    pub session_key: SessionKey,
    /// The text: at most 100,000 bytes, no control characters but tabs and line ends.
    pub content: String,
    /// Files that go with it: at most 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// The client's own name for the message, at most 256 bytes. When a message of that name was
    /// sent before, it is not sent again: the answer is the one that it got, or will get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// Whether anybody waits for the answer; what nobody waits for has a cap of its own.
    #[serde(default, skip_serializing_if = "is_attended")]
    pub attended: Attended,
    /// Whose message it is, where the caller passes on somebody else's. They are a guest, with the
    /// tools that rules give to guests, unless they are listed as an owner
    /// (`commands.ownerAllowFrom`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<MessageSender>,
    /// What becomes of the message if the session has a run; what the config says unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueMode>,
}

/// What becomes of a message that arrives while its session has a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum QueueMode {
    /// The run takes it in before the model decides again, if it is its sender's own run.
    Steer,
    /// It has a run of its own afterwards.
    Followup,
    /// It has one run afterwards, together with others of its sender.
    Collect,
    /// The run ends, and it has the next one, if its sender may do that.
    Interrupt,
}

/// Somebody whose message is passed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MessageSender {
    /// The channel that they wrote on; the session's, where it has one, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelId>,
    /// Who they are there, as the channel says.
    pub peer: PeerId,
}

/// What is usual goes without saying.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
const fn is_attended(attended: &Attended) -> bool {
    matches!(attended, Attended::Yes)
}

/// A file that goes with a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attachment {
    /// What it is to its sender.
    pub kind: AttachmentKind,
    /// Its media type (RFC 6838), such as `image/png`.
    pub mime: String,
    /// Its content in base64: at most 50,000,000 bytes when decoded.
    #[serde(with = "base64_text")]
    #[schemars(with = "String", extend("contentEncoding" = "base64"))]
    pub data: Vec<u8>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
}

/// Output of `session.message`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionMessageOutput {
    /// The run that the message set off.
    pub run_id: RunId,
    /// The agent's answer; empty when it wrote none.
    pub content: String,
    /// The model that wrote the answer, as its provider names it.
    pub model: String,
    /// The provider that was asked; `scripted` is the offline model for demos and tests.
    pub provider: ProviderId,
    /// What all model calls of the run used together.
    pub usage: Usage,
    /// What all model calls of the run cost together, in nano-USD; left out where the price of one
    /// is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// The model that stood in for the agent's own, as `provider/model`, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// How many steps the run took.
    pub steps: u32,
    /// Why the model stopped.
    pub stop_reason: StopReason,
    /// The provider's own word for it, where ours does not say everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_detail: Option<String>,
}

/// Why the model stopped; a run without an answer is an error instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StopReason {
    /// The model had said what it wanted to say.
    EndTurn,
    /// The answer reached the largest number of tokens and is cut off.
    MaxTokens,
    /// The model declined to answer.
    Refusal,
    /// The model wrote a text at which it was told to stop.
    StopSequence,
    /// Another reason of the provider's; the detail has its name.
    Other,
}

/// Params of `session.history`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionHistoryParams {
    /// The session to read.
    pub session_key: SessionKey,
    /// Read what comes after the event with this `seq`; from the start unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<u64>,
    /// The largest number of events: 1 to 1,000; 200 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<PageLimit>,
}

/// Output of `session.history`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionHistoryOutput {
    /// The events, oldest first.
    pub events: Vec<Event>,
    /// The cursor of the next page; null when this is the last one.
    pub next_cursor: Option<u64>,
}

/// Params of `session.end`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionEndParams {
    /// The session to end.
    pub session_key: SessionKey,
    /// Why, in the caller's words; it goes into the event log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Output of `session.end`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionEndOutput {
    /// Always true: a session that cannot be ended is an error.
    pub ended: bool,
    /// The `seq` of the `SessionEnded` event.
    pub seq: u64,
}

/// Params of `session.list`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionListParams {
    /// The `nextCursor` of the page before; from the start unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// The largest number of sessions: 1 to 1,000; 200 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<PageLimit>,
}

/// Output of `session.list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionListOutput {
    /// The sessions, the one with the latest event first.
    pub sessions: Vec<SessionSummary>,
    /// The cursor of the next page, to be passed back as it is; null when this is the last one.
    pub next_cursor: Option<String>,
}

/// A session in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionSummary {
    /// The session's key.
    pub session_key: SessionKey,
    /// The agent whose session it is.
    pub agent_id: AgentId,
    /// How many events it has; also the `seq` of the last one.
    pub events: u64,
    /// When its first event was recorded (RFC 3339, UTC).
    pub started_at: String,
    /// When its last event was recorded (RFC 3339, UTC).
    pub updated_at: String,
    /// Whether it has ended.
    pub ended: bool,
    /// Where the session lies while it is not in the event log: `openclaw-jsonl` or
    /// `openclaw-sqlite`, a file of TypeScript OpenClaw's. Its `events` are then the entries there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Whether the session can only be read; the first message to it takes it into the event log.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
}

/// Params of `session.cancel`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionCancelParams {
    /// The session whose run is to stop.
    pub session_key: SessionKey,
}

/// Output of `session.cancel`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionCancelOutput {
    /// Whether there was a run to stop.
    pub cancelled: bool,
}

impl From<Attachment> for validation::Attachment {
    fn from(wire: Attachment) -> Self {
        Self {
            kind: wire.kind,
            mime: wire.mime,
            bytes: wire.data,
            filename: wire.filename,
        }
    }
}

impl From<events::SessionSummary> for SessionSummary {
    fn from(session: events::SessionSummary) -> Self {
        Self {
            agent_id: session.key.agent(),
            session_key: session.key,
            events: session.head,
            started_at: rfc3339(session.started),
            updated_at: rfc3339(session.updated),
            ended: session.ended,
            source: None,
            read_only: false,
        }
    }
}

mod base64_text {
    //! Bytes as base64 text, with an error that does not quote them.

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD
            .decode(text)
            .map_err(|err| D::Error::custom(format_args!("not base64 (RFC 4648): {err}")))
    }
}
