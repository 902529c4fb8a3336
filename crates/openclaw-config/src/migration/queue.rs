//! What happens to a message that arrives while an agent is busy.

use serde_json::Value;

use super::log::{Log, at};
use super::tree::{Record, record_at_mut};
use crate::problem::KeyPath;

/// Ways to wait that are gone, and what they are now.
const MODES: [(&str, &str); 3] = [
    ("queue", "steer"),
    ("steer-backlog", "followup"),
    ("steer+backlog", "followup"),
];

/// Replaces ways to wait that are gone.
pub(super) fn modes(root: &mut Record, log: &mut Log) {
    let Some(queue) = record_at_mut(root, &["messages", "queue"]) else {
        return;
    };
    let path = at(&["messages", "queue"]);
    if let Some(mode) = queue.get_mut("mode") {
        replace(mode, &path.key("mode"), log);
    }
    if let Some(channels) = record_at_mut(queue, &["byChannel"]) {
        for (channel, mode) in channels {
            replace(mode, &path.key("byChannel").key(channel), log);
        }
    }
}

fn replace(mode: &mut Value, path: &KeyPath, log: &mut Log) {
    let known = MODES.iter().find(|(old, _)| mode.as_str() == Some(old));
    if let Some((old, new)) = known {
        *mode = Value::from(*new);
        log.renamed(path, old, new);
    }
}
