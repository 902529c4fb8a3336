//! Entries of a transcript as events.
//!
//! Each entry gives at least one event, and the first of them has the entry's JSON; so the raw
//! texts of a session's events, in their order, are the transcript. Everything is at the time at
//! which it was written there.
//!
//! | entry | events |
//! |---|---|
//! | header | `SessionStarted` |
//! | user's message, custom message, command of the user's, summary of a branch | `MessageReceived` |
//! | assistant's message with calls | one `ToolCalled` each, the first with the step |
//! | assistant's message without | `AgentResponse`, or `run.failed` when nothing was said |
//! | message that only mirrors what a messenger got | `MessageSent` |
//! | tool's result | `ToolResult` |
//! | change of model | `model.changed` |
//! | compaction | `context.compacted` |
//! | reset | `SessionEnded`, `SessionStarted` and, where messages stay, `context.compacted` |
//! | any other | `openclaw.entry` |
//! | any on a branch that was left | `openclaw.branch` |
//!
//! OpenClaw does not say whose words an entry is made of, so that nobody vouches for those of tools,
//! extensions and people who may be anybody (`origin`): they are marked as a stranger's.
//!
//! Branches that were left stay in the session, as state changes which the model never sees. As
//! sessions of their own they would share a beginning with this one, and their entries would no
//! longer stand in the order in which they were written, which is the order that goes back out.

mod content;
mod message;
mod origin;

use std::collections::HashMap;

use jiff::Timestamp;
use openclaw_core::events::{Change, EndReason, NewEvent, RawJson, Shortening, StepPayload};
use openclaw_core::session_key::Scope;
use openclaw_core::{
    CallId, ChannelId, PeerId, ProviderId, RunId, SessionEventKind, SessionKey, Usage,
};
use serde_json::{Value, json};

use crate::entry::{Entry, EntryKind, Kept};
use crate::json;
use crate::tree::Path;

/// The state key of an entry that has no kind of its own.
pub(crate) const ENTRY: &str = "openclaw.entry";
/// The state key of an entry on a branch that was left.
pub(crate) const BRANCH: &str = "openclaw.branch";
/// The state key of what the store of sessions says; the event has its JSON.
pub const STORE_ENTRY: &str = "openclaw.session";
/// The state key that ends what was taken in one go, and says where it came from.
pub const IMPORTED: &str = "openclaw.imported";

/// How much there is of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Entries of the transcript, which OpenClaw calls its events.
    #[serde(rename = "events")]
    pub entries: u64,
    /// Events that they become in the log.
    #[serde(rename = "recorded")]
    pub events: u64,
    /// Messages of people and of the agent, as they see them.
    pub messages: u64,
    /// Tool calls in the conversation.
    pub tool_calls: u64,
    /// Entries on branches that were left.
    pub abandoned: u64,
}

impl Counts {
    /// Adds what there is of another session.
    pub fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.entries, other.entries),
            (&mut self.events, other.events),
            (&mut self.messages, other.messages),
            (&mut self.tool_calls, other.tool_calls),
            (&mut self.abandoned, other.abandoned),
        ];
        for (sum, more) in pairs {
            *sum = sum.saturating_add(more);
        }
    }
}

/// A transcript as events.
#[derive(Debug, Default)]
pub(crate) struct Mapped {
    /// The events with their times.
    pub(crate) events: Vec<(Timestamp, NewEvent)>,
    pub(crate) counts: Counts,
    /// The provider and the model that answered last.
    pub(crate) model: Option<(ProviderId, String)>,
}

/// What is to be mapped.
#[derive(Debug)]
pub(crate) struct Mapping<'a> {
    /// The key of the session that the events are for.
    pub(crate) key: &'a SessionKey,
    /// The session's id in the source.
    pub(crate) session_id: &'a str,
    /// What the source's store says about the key.
    pub(crate) store_entry: Option<&'a str>,
    /// The entries, all of them.
    pub(crate) entries: &'a [Entry],
    /// The events that the first of them became already.
    pub(crate) recorded: &'a [u64],
    /// The number that the first new event gets.
    pub(crate) next: u64,
    /// When the source was last changed, for entries that have no time.
    pub(crate) updated: Timestamp,
}

impl Mapping<'_> {
    /// Makes the events.
    pub(crate) fn events(self) -> Mapped {
        let path = Path::of(self.entries);
        let mut mapper = Mapper {
            key: self.key,
            session_id: self.session_id,
            store: self
                .store_entry
                .and_then(|entry| json::parse(entry).ok())
                .unwrap_or_default(),
            next: self.next,
            places: HashMap::new(),
            muted: !self.recorded.is_empty(),
            time: first_time(self.entries).unwrap_or(self.updated),
            mapped: Mapped::default(),
            run: None,
            steps: 0,
            used: Usage::default(),
            open: HashMap::new(),
        };
        let begins =
            matches!(self.entries.first(), Some(entry) if entry.kind == EntryKind::Session);
        if self.recorded.is_empty() && !begins {
            // Without a header at its beginning the session still has to begin.
            mapper.begin(None);
        }
        for (at, entry) in self.entries.iter().enumerate() {
            let known = self.recorded.get(at).copied();
            let news = at == self.recorded.len();
            if let (true, Some(store_entry)) = (news && (at > 0 || !begins), self.store_entry) {
                mapper.muted = false;
                mapper.store(store_entry);
            }
            mapper.muted = known.is_some();
            mapper.remember(at, entry, known);
            let role = match path.has(at) {
                // Only the entry that comes first can be the header.
                _ if at == 0 && begins => Role::Header,
                true => Role::Spoken,
                false => Role::Left,
            };
            mapper.entry(self.entries, entry, role);
            if let (true, Some(store_entry)) = (news && at == 0 && begins, self.store_entry) {
                mapper.store(store_entry);
            }
        }
        mapper.mapped
    }
}

fn first_time(entries: &[Entry]) -> Option<Timestamp> {
    entries.iter().find_map(|entry| entry.time)
}

/// Goes through the entries in their order.
#[derive(Debug)]
struct Mapper<'a> {
    key: &'a SessionKey,
    session_id: &'a str,
    store: Value,
    next: u64,
    places: HashMap<String, u64>,
    /// Whether the entry is recorded already, and only what it means for later ones counts.
    muted: bool,
    time: Timestamp,
    mapped: Mapped,
    run: Option<RunId>,
    /// The steps of the run so far.
    steps: u32,
    /// What the run has used so far.
    used: Usage,
    /// Where calls belong whose results are still to come.
    open: HashMap<CallId, (Option<RunId>, u32, String)>,
}

/// What an entry is to the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// It begins it.
    Header,
    /// It is part of it.
    Spoken,
    /// It is on a branch that was left.
    Left,
}

impl Mapper<'_> {
    fn entry(&mut self, entries: &[Entry], entry: &Entry, role: Role) {
        self.time = entry.time.unwrap_or(self.time);
        let counts = &mut self.mapped.counts;
        if !self.muted {
            counts.entries = counts.entries.saturating_add(1);
        }
        match role {
            Role::Header => self.begin(Some(entry)),
            Role::Left => {
                if !self.muted {
                    counts.abandoned = counts.abandoned.saturating_add(1);
                }
                self.state(BRANCH, entry);
            }
            Role::Spoken => self.spoken(entries, entry),
        }
    }

    /// Takes in an entry of the conversation.
    fn spoken(&mut self, entries: &[Entry], entry: &Entry) {
        match &entry.kind {
            EntryKind::Message | EntryKind::CustomMessage | EntryKind::BranchSummary => {
                self.said(entry);
            }
            EntryKind::Model => self.model(entry),
            EntryKind::Compaction => self.compaction(entries, entry),
            EntryKind::Reset => self.reset(entries, entry),
            EntryKind::Session
            | EntryKind::ThinkingLevel
            | EntryKind::Custom
            | EntryKind::Label
            | EntryKind::SessionInfo
            | EntryKind::Leaf
            | EntryKind::Unknown(_)
            | EntryKind::Unread => self.state(ENTRY, entry),
        }
    }

    /// Notes which event an entry becomes.
    fn remember(&mut self, at: usize, entry: &Entry, known: Option<u64>) {
        let name = entry.id().map_or_else(|| nameless(at), str::to_owned);
        self.places.insert(name, known.unwrap_or(self.next));
    }

    /// Records an event of an entry; the entry's JSON goes with the first.
    fn push(&mut self, mut event: NewEvent, entry: Option<&Entry>) {
        if self.muted {
            return;
        }
        event.raw = entry.and_then(|entry| RawJson::new(entry.raw.clone()).ok());
        self.mapped.events.push((self.time, event));
        self.next = self.next.saturating_add(1);
        let counts = &mut self.mapped.counts;
        counts.events = counts.events.saturating_add(1);
    }

    fn begin(&mut self, entry: Option<&Entry>) {
        let (channel, peer_id) = self.correspondent();
        let start = SessionEventKind::SessionStarted { channel, peer_id };
        self.push(start.into(), entry);
    }

    /// Records what the store of sessions says.
    fn store(&mut self, store_entry: &str) {
        let value = json!({ "sessionId": self.session_id });
        let mut event = NewEvent::from(SessionEventKind::StateChanged {
            key: STORE_ENTRY.to_owned(),
            value,
        });
        event.raw = RawJson::new(store_entry.to_owned()).ok();
        self.mapped.events.push((self.time, event));
        self.next = self.next.saturating_add(1);
        let counts = &mut self.mapped.counts;
        counts.events = counts.events.saturating_add(1);
    }

    /// Returns whom the session is with: its key says so, or else the store of sessions.
    fn correspondent(&self) -> (ChannelId, PeerId) {
        match self.key.scope() {
            Scope::Direct { channel, peer } => (channel, peer),
            Scope::Group { channel, group, .. } => (channel, PeerId(group.0)),
            Scope::Main | Scope::Other(_) => {
                let said = |fields: &[&str]| {
                    fields
                        .iter()
                        .find_map(|field| json::text(&self.store, field))
                        .map(str::to_owned)
                };
                let channel =
                    said(&["lastChannel", "channel"]).unwrap_or_else(|| "openclaw".into());
                let peer = said(&["lastTo"]).unwrap_or_else(|| "local".into());
                (ChannelId(channel), PeerId(peer))
            }
        }
    }

    /// Keeps an entry as a state change that only says what it is.
    fn state(&mut self, key: &str, entry: &Entry) {
        let mut value = json!({ "type": entry.kind.name() });
        if let (Some(id), Some(map)) = (entry.id(), value.as_object_mut()) {
            map.insert("id".into(), Value::from(id));
        }
        let event = NewEvent::from(SessionEventKind::StateChanged {
            key: key.to_owned(),
            value,
        });
        self.push(event, Some(entry));
    }

    fn change(&mut self, change: &Change, entry: Option<&Entry>) {
        match (change.to_event(), entry) {
            (Ok(event), _) => self.push(event, entry),
            // A change that cannot be written is still an entry that is kept.
            (Err(_), Some(entry)) => self.state(ENTRY, entry),
            (Err(_), None) => {}
        }
    }

    fn model(&mut self, entry: &Entry) {
        let value: Value = json::parse(&entry.raw).unwrap_or_default();
        match (
            json::text(&value, "provider"),
            json::text(&value, "modelId"),
        ) {
            (Some(provider), Some(model)) => {
                let change = Change::ModelChanged {
                    provider: provider.into(),
                    model: model.to_owned(),
                };
                self.change(&change, Some(entry));
            }
            _ => self.state(ENTRY, entry),
        }
    }

    fn compaction(&mut self, entries: &[Entry], entry: &Entry) {
        let value: Value = json::parse(&entry.raw).unwrap_or_default();
        let summary = value
            .get("summary")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let change = Change::ContextCompacted {
            summary: summary.to_owned(),
            first_kept: self.first_kept(entries, entry).unwrap_or(self.next),
            tokens_before: json::count(&value, "tokensBefore"),
            how: Shortening::default(),
        };
        self.change(&change, Some(entry));
    }

    /// A reset ends the conversation and begins another; what it keeps stays before the model.
    fn reset(&mut self, entries: &[Entry], entry: &Entry) {
        let value: Value = json::parse(&entry.raw).unwrap_or_default();
        let reason = json::text(&value, "reason").unwrap_or("reset").to_owned();
        let kept = self.first_kept(entries, entry);
        let end = SessionEventKind::SessionEnded {
            reason: EndReason::Other(reason),
        };
        self.push(end.into(), Some(entry));
        self.begin(None);
        self.run = None;
        if let Some(first_kept) = kept {
            let change = Change::ContextCompacted {
                summary: String::new(),
                first_kept,
                tokens_before: 0,
                how: Shortening::default(),
            };
            self.change(&change, None);
        }
    }

    /// Returns the event of the first entry that stays as it is.
    fn first_kept(&self, entries: &[Entry], entry: &Entry) -> Option<u64> {
        let name = match entry.link.first_kept.as_ref()? {
            Kept::Id(id) => id.clone(),
            Kept::Index(index) => {
                let at = usize::try_from(*index).ok()?;
                let kept = entries.get(at)?;
                kept.id().map_or_else(|| nameless(at), str::to_owned)
            }
        };
        self.places.get(&name).copied()
    }
}

/// Returns the name under which an entry without an id is remembered; no id of OpenClaw's is like it.
fn nameless(at: usize) -> String {
    format!("#{at}")
}

/// What a step of the model's gives beside its events.
#[derive(Debug)]
struct Step {
    payload: StepPayload,
    text: String,
    cost: f64,
}
