//! What a model hears from the outside: messages, also those that a run takes in between its steps,
//! and what the loop tells it by itself.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openclaw_core::events::Change;
use openclaw_core::validation::{Attachment, AttachmentKind};
use openclaw_core::{SessionEvent, SessionEventKind};
use openclaw_providers::{Message, UserBlock};

use super::{Piece, Said, piece};
use crate::terms::stands_for_results;

/// Returns the messages that runs took in which were going on when they arrived, by their events.
pub(crate) fn taken(events: &[SessionEvent]) -> HashSet<u64> {
    events
        .iter()
        .filter_map(Change::of)
        .filter_map(|change| match change {
            Change::MessageTaken { message } => Some(message),
            _ => None,
        })
        .collect()
}

/// A session's events, and which of their messages are seen where a run took them in.
pub(super) struct Log<'a> {
    events: &'a [SessionEvent],
    /// Those that the model sees.
    seen: Vec<&'a SessionEvent>,
    taken: HashSet<u64>,
}

impl<'a> Log<'a> {
    pub(super) fn new(events: &'a [SessionEvent], seen: Vec<&'a SessionEvent>) -> Self {
        let taken = taken(events);
        Self {
            events,
            seen,
            taken,
        }
    }

    /// Tells whether an event is a message that is seen in another place than its own.
    pub(super) fn is_elsewhere(&self, event: &SessionEvent) -> bool {
        self.taken.contains(&event.seq)
    }

    /// Tells whether an event is a message that only repeats results which are seen by themselves.
    pub(super) fn is_seen_as_results(&self, event: &SessionEvent) -> bool {
        stands_for_results(event, &self.seen)
    }

    /// Returns what a run heard between its steps, if an event says that it heard something.
    pub(super) fn heard(&self, event: &SessionEvent) -> Option<Piece> {
        let (from, blocks) = match Change::of(event)? {
            Change::MessageTaken { message } => {
                let place = self
                    .events
                    .binary_search_by_key(&message, |event| event.seq);
                let found = self.events.get(place.ok()?)?;
                (message, said(found)?)
            }
            Change::ModelTold { text } => (event.seq, vec![UserBlock::Text(text)]),
            _ => return None,
        };
        Some(Piece {
            from,
            ..piece(event, Said::User(blocks))
        })
    }
}

/// Adds what was heard between two steps to the conversation of a run that goes on.
pub(crate) fn hear(messages: &mut Vec<Message>, blocks: Vec<UserBlock>) {
    if blocks.is_empty() {
        return;
    }
    match messages.last_mut() {
        Some(Message::User(last)) => last.extend(blocks),
        _ => messages.push(Message::User(blocks)),
    }
}

/// Returns what an event that is a message says.
pub(crate) fn said(event: &SessionEvent) -> Option<Vec<UserBlock>> {
    match &event.kind {
        SessionEventKind::MessageReceived {
            content,
            attachments,
        } => Some(user_blocks(content, attachments)),
        _ => None,
    }
}

fn user_blocks(content: &str, attachments: &[Attachment]) -> Vec<UserBlock> {
    let mut blocks = vec![UserBlock::Text(content.to_owned())];
    blocks.extend(attachments.iter().map(attachment_block));
    blocks
}

fn attachment_block(attachment: &Attachment) -> UserBlock {
    let name = attachment.filename.as_deref().unwrap_or("unnamed");
    let picture = matches!(attachment.kind, AttachmentKind::Photo)
        && ["image/png", "image/jpeg", "image/gif", "image/webp"]
            .contains(&attachment.mime.as_str());
    if picture {
        return UserBlock::Image {
            mime: attachment.mime.clone(),
            base64: STANDARD.encode(&attachment.bytes),
        };
    }
    if attachment.mime == "application/pdf" {
        return UserBlock::Document {
            mime: attachment.mime.clone(),
            name: name.to_owned(),
            base64: STANDARD.encode(&attachment.bytes),
        };
    }
    match std::str::from_utf8(&attachment.bytes) {
        Ok(text) if attachment.mime.starts_with("text/") => {
            UserBlock::Text(format!("[attached file {name}]\n{text}"))
        }
        _ => UserBlock::Text(format!(
            "[attached file {name}: {}, {} bytes, not shown]",
            attachment.mime,
            attachment.bytes.len()
        )),
    }
}

/// Returns what a run heard at one of its events, if it heard something there; `all` are the
/// events of its session.
pub(crate) fn heard_between(event: &SessionEvent, all: &[SessionEvent]) -> Vec<UserBlock> {
    let log = Log {
        events: all,
        seen: Vec::new(),
        taken: HashSet::new(),
    };
    match log.heard(event).map(|piece| piece.said) {
        Some(Said::User(blocks)) => blocks,
        Some(Said::Step(_)) | None => Vec::new(),
    }
}
