//! Params and output of the method about the gateway's log.

use openclaw_core::{RunId, SessionKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::page::PageLimit;

/// Params of `logs.tail`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogsTailParams {
    /// Read what was written after this place; the last lines unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// The largest number of lines: 1 to 1,000; 200 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<PageLimit>,
    /// Only lines of this level and worse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<LineLevel>,
    /// Only lines of this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<SessionKey>,
    /// Only lines of this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
}

/// How bad what a line of the log says is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LineLevel {
    /// Something went wrong.
    Error,
    /// Something may be wrong.
    Warn,
    /// Something is worth knowing.
    Info,
    /// It helps to find out why.
    Debug,
    /// Everything else.
    Trace,
}

/// Output of `logs.tail`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogsTailOutput {
    /// The lines, the oldest first. A page may be shorter than was asked for.
    pub lines: Vec<LogLine>,
    /// The cursor of what is written from here on; null where there is no log yet.
    pub next_cursor: Option<String>,
    /// Whether there are more such lines already: after these with a cursor, before them without.
    pub more: bool,
    /// Whether the file that the cursor was in is gone, so that these are the last lines and some
    /// may be missing.
    pub reset: bool,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// When it was written; null of a line that is only text.
    pub time: Option<String>,
    /// How bad it is; null of a line that is only text.
    pub level: Option<String>,
    /// The part of the program that wrote it; null of a line that is only text.
    pub module: Option<String>,
    /// What it says.
    pub message: String,
    /// What else is in it, such as `request`, `session`, `run` and `call`.
    pub fields: Map<String, Value>,
}
