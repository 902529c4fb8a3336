//! `tools` and `toolsBySender` of conversations: groups, rooms and direct chats on channels.

use openclaw_core::tool_rules::{Conversation, ConversationKind, Conversations, folded};
use serde_json::Value;

use super::lists::{Lookup, TOOLS_BY_SENDER, channel_name, members};
use crate::problem::KeyPath;

/// Where a channel lists its conversations, and of which kind they are.
const PLAIN: [(&str, ConversationKind); 3] = [
    ("groups", ConversationKind::Group),
    ("channels", ConversationKind::Group),
    ("direct", ConversationKind::Direct),
];

/// Where a channel lists houses that have conversations in them.
const HOUSES: [&str; 2] = ["guilds", "teams"];

const ACCOUNTS: &str = "accounts";
const TOOLS: &str = "tools";
const OTHERS: &str = "*";

/// Reads the conversations of every channel and account about which something is said.
pub(super) fn read(lookup: &Lookup<'_>) -> Vec<Conversations> {
    let mut all = Vec::new();
    for (id, channel) in lookup.members(&["channels"]) {
        let path: KeyPath = ["channels", id].into_iter().collect();
        of_account(lookup, &channel_name(id), (&path, channel), &mut all);
        let path = path.key(ACCOUNTS);
        for (account, value) in members(channel.get(ACCOUNTS)) {
            let path = path.key(account);
            of_account(lookup, &channel_name(id), (&path, value), &mut all);
        }
    }
    all.retain(|conversations| !conversations.each.is_empty());
    all
}

fn of_account(
    lookup: &Lookup<'_>,
    channel: &str,
    (path, account): (&KeyPath, &Value),
    all: &mut Vec<Conversations>,
) {
    for (key, kind) in PLAIN {
        let path = path.key(key);
        let each = members(account.get(key))
            .filter_map(|(id, value)| Some((folded(id), one(lookup, &path.key(id), value)?)));
        all.push(Conversations {
            channel: channel.to_owned(),
            kind,
            each: each.collect(),
        });
    }
    for key in HOUSES {
        let path = path.key(key);
        for (id, house) in members(account.get(key)) {
            all.push(Conversations {
                channel: channel.to_owned(),
                kind: ConversationKind::Group,
                each: rooms(lookup, &path.key(id), (id, house)),
            });
        }
    }
}

/// Reads the rooms of a house. A room that says nothing has what the house says; the key of a
/// session does not name the house, so what one house says goes for the rooms that it lists, and
/// what all houses say (`*`) for every other.
fn rooms(
    lookup: &Lookup<'_>,
    path: &KeyPath,
    (id, house): (&str, &Value),
) -> Vec<(String, Conversation)> {
    let whole = one(lookup, path, house);
    let path = path.key("channels");
    let mut each: Vec<(String, Conversation)> = members(house.get("channels"))
        .filter(|(room, _)| *room != OTHERS || id == OTHERS)
        .filter_map(|(room, value)| {
            let said = one(lookup, &path.key(room), value).or_else(|| whole.clone())?;
            Some((folded(room), said))
        })
        .collect();
    if id == OTHERS && each.iter().all(|(room, _)| room != OTHERS) {
        each.extend(whole.map(|whole| (OTHERS.to_owned(), whole)));
    }
    each
}

/// Reads what is said about one conversation, if anything is.
fn one(lookup: &Lookup<'_>, path: &KeyPath, value: &Value) -> Option<Conversation> {
    let tools = value.get(TOOLS).filter(|tools| tools.is_object());
    let tools = tools.map(|tools| lookup.lists(&path.key(TOOLS), tools));
    let by_sender = lookup.by_sender(&path.key(TOOLS_BY_SENDER), value.get(TOOLS_BY_SENDER));
    (tools.is_some() || !by_sender.is_empty()).then_some(Conversation { tools, by_sender })
}
