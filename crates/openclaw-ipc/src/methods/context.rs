//! Params and outputs of the methods about what a model sees of a session.

use openclaw_core::SessionKey;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Params of `context.show`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContextShowParams {
    /// The session.
    pub session_key: SessionKey,
}

/// Output of `context.show`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContextShowOutput {
    /// The session.
    pub session_key: SessionKey,
    /// The model that is asked first, as `provider/model`.
    pub model: String,
    /// How many tokens its window has; null if that is not known.
    pub window: Option<u64>,
    /// How many tokens a request may have before the session is compacted.
    pub limit: u64,
    /// How many tokens the next request has, estimated on the safe side, without the message that
    /// it will be about.
    pub estimated: u64,
    /// How much of the window that is, in percent; null if the window is not known.
    pub percent: Option<u64>,
    /// What the provider counted of the session's last step, with its answer; null if it has not
    /// said, or the view has changed since then.
    pub reported: Option<u64>,
    /// The parts of the request, in its order.
    pub parts: Vec<ContextPart>,
    /// The compactions on record, oldest first.
    pub compactions: Vec<ContextCompaction>,
}

/// A part of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContextPart {
    /// What kind of part.
    pub kind: ContextPartKind,
    /// Which one, where there are several of a kind.
    pub name: Option<String>,
    /// How many things there are in it.
    pub count: u64,
    /// How many tokens it has, estimated on the safe side.
    pub tokens: u64,
}

/// A kind of part of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ContextPartKind {
    /// A section of the system prompt.
    System,
    /// The skills that the system prompt lists.
    Skills,
    /// The files of the workspace that stand in the system prompt.
    Files,
    /// A tool with the schema of its arguments.
    Tool,
    /// What stands in place of the earlier conversation.
    Summary,
    /// What people wrote.
    Messages,
    /// Pictures and documents in that.
    Attachments,
    /// What the model wrote, with its thoughts and its calls.
    Answers,
    /// What came of the calls.
    Results,
}

impl ContextPartKind {
    /// Returns its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Skills => "skills",
            Self::Files => "files",
            Self::Tool => "tool",
            Self::Summary => "summary",
            Self::Messages => "messages",
            Self::Attachments => "attachments",
            Self::Answers => "answers",
            Self::Results => "results",
        }
    }
}

/// A compaction on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContextCompaction {
    /// Its event.
    pub seq: u64,
    /// When it was.
    pub time: String,
    /// The first event that the model still sees as it is.
    pub first_kept: u64,
    /// How many tokens a request had before it.
    pub tokens_before: u64,
    /// How many it had after it; null if that was not recorded.
    pub tokens_after: Option<u64>,
    /// What set it off: `threshold`, `overflow` or `manual`; null if that was not recorded.
    pub trigger: Option<String>,
    /// The model that wrote the summary; null if none did.
    pub model: Option<String>,
    /// Why no model wrote it, where one should have.
    pub failure: Option<String>,
    /// Whether it was undone.
    pub undone: bool,
}

/// Params of `session.compact`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionCompactParams {
    /// The session.
    pub session_key: SessionKey,
    /// Shows what would be done, and does nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<CompactPreview>,
}

/// What is shown of a compaction that is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum CompactPreview {
    /// What would leave the model's view; no model is asked.
    Boundaries,
    /// That, and the summary that a model is asked for, which costs what such a call costs.
    Summary,
}

/// Output of `session.compact`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionCompactOutput {
    /// The event by which it was done; null if it was not.
    pub seq: Option<u64>,
    /// The first event that stays in view as it is; null if all of them do, because there is not
    /// enough to sum up.
    pub first_kept: Option<u64>,
    /// What leaves the view, oldest first.
    pub leaving: Vec<LeavingPiece>,
    /// What has stood in place of earlier events so far.
    pub summary_before: Option<String>,
    /// What stands there then; null if no model was asked for it.
    pub summary: Option<String>,
    /// The model that wrote it.
    pub model: Option<String>,
    /// How many tokens a request has before, estimated on the safe side.
    pub tokens_before: u64,
    /// How many it has after, without a summary that is not written.
    pub tokens_after: u64,
    /// What the model's calls cost, in US dollars; null if none was made or the price is not known.
    pub cost_usd: Option<f64>,
}

/// Something that leaves the model's view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeavingPiece {
    /// Its event.
    pub seq: u64,
    /// How many tokens it has, estimated on the safe side.
    pub tokens: u64,
    /// How it begins, a line for each of its parts.
    pub text: String,
}

/// Params of `session.restore`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionRestoreParams {
    /// The session.
    pub session_key: SessionKey,
    /// The event of a compaction, which is undone together with all later ones; the latest unless
    /// given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compaction: Option<u64>,
}

/// Output of `session.restore`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionRestoreOutput {
    /// The events of the compactions that were undone, the latest first.
    pub undone: Vec<u64>,
}
