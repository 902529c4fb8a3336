//! Channels: each brings its own settings into the current form.
//!
//! Most of what was renamed is the same in many channels, so that [`aliases`] and [`moves`] know
//! it once, and each channel says which of it applies.

pub(super) mod aliases;
pub(super) mod discord;
pub(super) mod feishu;
pub(super) mod imessage;
pub(super) mod inherited;
pub(super) mod moves;
pub(super) mod routing;
pub(super) mod signal;
pub(super) mod slack;
pub(super) mod stray;
pub(super) mod telegram;
pub(super) mod whatsapp;

use super::log::Log;
use super::tree::{Record, record_at};
use aliases::{Aliases, Delivery, Inheritance};

/// A channel's own migration.
type Channel = (&'static str, fn(&mut Record, &mut Log));

/// Every channel that has a migration of its own; in the order of their names.
const CHANNELS: &[Channel] = &[
    ("clickclack", clickclack),
    ("discord", discord::all),
    ("feishu", feishu::all),
    ("googlechat", googlechat),
    ("imessage", imessage::all),
    ("irc", irc),
    ("matrix", moves::matrix),
    ("mattermost", mattermost),
    ("msteams", msteams),
    ("nextcloud-talk", nextcloud_talk),
    ("reef", stray::reef),
    ("signal", signal::all),
    ("slack", slack::all),
    ("telegram", telegram::all),
    ("tlon", tlon),
    ("whatsapp", whatsapp::all),
    ("zalouser", moves::zalouser),
];

/// Brings the settings of every channel into the current form.
pub(super) fn all(root: &mut Record, log: &mut Log) {
    for (id, channel) in CHANNELS {
        let is_set_up = record_at(root, &["channels", id]).is_some();
        if is_set_up || record_at(root, &["plugins", "entries", id]).is_some() {
            channel(root, log);
        }
    }
}

fn clickclack(root: &mut Record, log: &mut Log) {
    moves::remove_everywhere(root, ("clickclack", "timeoutSeconds"), log);
}

fn googlechat(root: &mut Record, log: &mut Log) {
    moves::googlechat(root, log);
    let aliases = Aliases {
        dm: true,
        inheritance: Inheritance::FromDefaultAccount,
        ..Aliases::new("googlechat", Delivery::Only)
    };
    aliases.apply(root, log);
}

fn irc(root: &mut Record, log: &mut Log) {
    let aliases = Aliases {
        inheritance: Inheritance::Copied,
        ..Aliases::new("irc", Delivery::Only)
    };
    aliases.apply(root, log);
    moves::remove(
        root,
        ("irc", &["mentionPatterns"]),
        "it was never read",
        log,
    );
}

fn mattermost(root: &mut Record, log: &mut Log) {
    moves::private_network(root, "mattermost", log);
    let aliases = Aliases {
        inheritance: Inheritance::Copied,
        ..Aliases::new("mattermost", Delivery::AndModes)
    };
    aliases.apply(root, log);
}

fn msteams(root: &mut Record, log: &mut Log) {
    Aliases::new("msteams", Delivery::AndModes).apply(root, log);
}

fn nextcloud_talk(root: &mut Record, log: &mut Log) {
    moves::private_network(root, "nextcloud-talk", log);
    let aliases = Aliases {
        inheritance: Inheritance::Copied,
        ..Aliases::new("nextcloud-talk", Delivery::Only)
    };
    aliases.apply(root, log);
}

fn tlon(root: &mut Record, log: &mut Log) {
    moves::private_network(root, "tlon", log);
}
