//! Params and outputs of the methods about the log of all sessions.

use openclaw_core::SessionKey;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::page::PageLimit;
use crate::cursor::Cursor;
use crate::event::Event;

/// Params of `events.subscribe`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventsSubscribeParams {
    /// Follow what comes after this place; from now on unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
    /// Follow only these sessions, which need not exist yet; all of them unless given, and none
    /// when the list is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions: Option<Vec<SessionKey>>,
}

/// Output of `events.subscribe`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventsSubscribeOutput {
    /// The place after which the events come that follow this answer.
    pub cursor: Cursor,
    /// How many events of the whole log are recorded after it already.
    pub behind: u64,
}

/// Params of `events.list`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventsListParams {
    /// Read what comes after this place; from the start unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
    /// The largest number of events: 1 to 1,000; 200 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<PageLimit>,
}

/// Output of `events.list`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventsListOutput {
    /// The events, in the order of the log. A page may be shorter than was asked for.
    pub events: Vec<Event>,
    /// The cursor of the next page, and of `events.subscribe`; also there when nothing follows yet.
    pub next_cursor: Cursor,
    /// Whether more is recorded after it already.
    pub more: bool,
}
