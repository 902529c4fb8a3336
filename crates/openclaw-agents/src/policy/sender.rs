//! Which of the rules for senders is about one.

use openclaw_core::access::Sender;
use openclaw_core::tool_rules::{Lists, SenderKey, folded};

/// Returns what is said about a sender: the nearest key counts, and no other.
pub(super) fn about<'a>(by_sender: &'a [(SenderKey, Lists)], sender: &Sender) -> Option<&'a Lists> {
    let fitting = by_sender.iter().filter(|(key, _)| fits(key, sender));
    // Of equal keys the first one counts; the last `*` does.
    let nearest = fitting.min_by_key(|(key, _)| distance(key));
    nearest.map(|(_, lists)| lists)
}

fn fits(key: &SenderKey, sender: &Sender) -> bool {
    match key {
        SenderKey::Channel { channel, id } => {
            folded(sender.channel.as_str()) == *channel && is(sender, id)
        }
        SenderKey::Id(id) | SenderKey::Phone(id) => is(sender, id),
        SenderKey::Anybody => true,
    }
}

fn is(sender: &Sender, id: &str) -> bool {
    let peer = folded(sender.peer.as_str());
    peer == *id || peer.strip_prefix('@').is_some_and(|peer| peer == id)
}

const fn distance(key: &SenderKey) -> u8 {
    match key {
        SenderKey::Channel { .. } => 0,
        SenderKey::Id(_) => 1,
        SenderKey::Phone(_) => 2,
        SenderKey::Anybody => 3,
    }
}
