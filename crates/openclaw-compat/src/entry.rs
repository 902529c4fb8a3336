//! One entry of a transcript: its text as it was written, and as much of it as navigation needs.

use jiff::Timestamp;
use serde_json::Value;

use crate::json;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its line in the file, from 1, or its number in the database.
    pub place: u64,
    /// Its JSON, byte for byte but for white space around it.
    pub raw: String,
    /// What it is.
    pub kind: EntryKind,
    /// When it was written, where that is known.
    pub time: Option<Timestamp>,
    pub(crate) link: Link,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// The header of a transcript.
    Session,
    /// Something that somebody said, or that a tool answered.
    Message,
    /// Another thinking level.
    ThinkingLevel,
    /// Another model.
    Model,
    /// A summary in place of what was before.
    Compaction,
    /// A new start.
    Reset,
    /// A summary of a branch that was left.
    BranchSummary,
    /// Something of an extension's that the model does not see.
    Custom,
    /// Something of an extension's that the model sees.
    CustomMessage,
    /// A name for another entry.
    Label,
    /// Something about the session.
    SessionInfo,
    /// Says which entry the conversation goes on from.
    Leaf,
    /// A type that this version does not know.
    Unknown(String),
    /// Not read; the reason is a trouble of the transcript.
    Unread,
}

/// What an entry says about its place in the tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) id: Option<String>,
    pub(crate) parent: Parent,
    /// Whether the entry hangs beside the conversation and does not move it on.
    pub(crate) aside: bool,
    /// Of a leaf entry: where the conversation is now, and where the next entry hangs.
    pub(crate) leaf: Option<(Parent, Parent)>,
    /// Of a compaction or a reset: the first entry that stays as it is.
    pub(crate) first_kept: Option<Kept>,
}

/// What an entry says about the one before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Parent {
    /// Nothing that can be used.
    #[default]
    Unsaid,
    /// There is none.
    Root,
    /// It is this one.
    Of(String),
}

/// How the first entry that stays is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    Id(String),
    /// By its number among all entries, the header included; version 1 has no ids.
    Index(u64),
}

impl EntryKind {
    fn of(value: &Value) -> Self {
        match value.get("type").and_then(Value::as_str) {
            Some("session") => Self::Session,
            Some("message") => Self::Message,
            Some("thinking_level_change") => Self::ThinkingLevel,
            Some("model_change") => Self::Model,
            Some("compaction") => Self::Compaction,
            Some("reset") => Self::Reset,
            Some("branch_summary") => Self::BranchSummary,
            Some("custom") => Self::Custom,
            Some("custom_message") => Self::CustomMessage,
            Some("label") => Self::Label,
            Some("session_info") => Self::SessionInfo,
            Some("leaf") => Self::Leaf,
            Some(other) => Self::Unknown(other.to_owned()),
            None => Self::Unknown(String::new()),
        }
    }

    /// Tells whether entries of this kind are part of a conversation's path.
    pub(crate) const fn on_path(&self) -> bool {
        match self {
            Self::Message
            | Self::ThinkingLevel
            | Self::Model
            | Self::Compaction
            | Self::Reset
            | Self::BranchSummary
            | Self::Custom
            | Self::CustomMessage
            | Self::Label
            | Self::SessionInfo => true,
            Self::Session | Self::Leaf | Self::Unknown(_) | Self::Unread => false,
        }
    }

    /// Returns the type's name in the source.
    pub fn name(&self) -> &str {
        match self {
            Self::Session => "session",
            Self::Message => "message",
            Self::ThinkingLevel => "thinking_level_change",
            Self::Model => "model_change",
            Self::Compaction => "compaction",
            Self::Reset => "reset",
            Self::BranchSummary => "branch_summary",
            Self::Custom => "custom",
            Self::CustomMessage => "custom_message",
            Self::Label => "label",
            Self::SessionInfo => "session_info",
            Self::Leaf => "leaf",
            Self::Unknown(name) => name,
            Self::Unread => "unread",
        }
    }
}

impl Entry {
    /// Makes an entry of a JSON value and the text that it was read from.
    pub(crate) fn new(place: u64, raw: String, value: &Value) -> Self {
        let kind = EntryKind::of(value);
        let time = json::time(value, "timestamp").or_else(|| {
            value
                .get("message")
                .and_then(|message| json::time(message, "timestamp"))
        });
        let link = Link::of(value, &kind);
        Self {
            place,
            raw,
            kind,
            time,
            link,
        }
    }

    /// Makes an entry of a text that is JSON but was not read.
    pub(crate) fn unread(place: u64, raw: String) -> Self {
        Self {
            place,
            raw,
            kind: EntryKind::Unread,
            time: None,
            link: Link::default(),
        }
    }

    /// Returns the entry's id.
    pub fn id(&self) -> Option<&str> {
        self.link.id.as_deref()
    }
}

impl Link {
    fn of(value: &Value, kind: &EntryKind) -> Self {
        let parent = Parent::of(value, "parentId");
        let leaf = (*kind == EntryKind::Leaf && parent != Parent::Unsaid)
            .then(|| {
                let target = Parent::of(value, "targetId");
                let next = match value.get("appendParentId") {
                    None => target.clone(),
                    Some(_) => Parent::of(value, "appendParentId"),
                };
                (target, next)
            })
            .filter(|(target, next)| *target != Parent::Unsaid && *next != Parent::Unsaid);
        let first_kept = json::text(value, "firstKeptEntryId")
            .map(|id| Kept::Id(id.to_owned()))
            .or_else(|| {
                value
                    .get("firstKeptEntryIndex")
                    .and_then(Value::as_u64)
                    .map(Kept::Index)
            });
        Self {
            id: json::text(value, "id").map(str::to_owned),
            parent,
            aside: value.get("appendMode").and_then(Value::as_str) == Some("side"),
            leaf,
            first_kept,
        }
    }
}

impl Parent {
    fn of(value: &Value, field: &str) -> Self {
        match value.get(field) {
            Some(Value::Null) => Self::Root,
            Some(Value::String(id)) if !id.trim().is_empty() => Self::Of(id.clone()),
            _ => Self::Unsaid,
        }
    }
}
