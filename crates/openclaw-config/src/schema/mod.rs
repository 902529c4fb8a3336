//! The shape that OpenClaw 2026.9.6 asks of a config, as data, and the check against it.
//!
//! The data (`openclaw.json`) is written by `cargo xtask schema` from the recorded schema of the
//! tool. It covers the config's own sections, every channel, and the settings of every plugin
//! that comes with OpenClaw. What a shape cannot say is in [`crate::rules`].

mod check;
mod forms;
mod outline;
mod part;
mod say;
mod trail;
mod union;

use serde_json::Value;

use self::check::Check;
pub use self::outline::{document, knows, nearest, prefers_array, unknown_member};
use self::part::{PartId, Schema};
use self::trail::Trail;
use crate::problem::{KeyPath, Problem};

pub(crate) use self::forms::{is_file_id, is_program_id};

/// The keys of `channels` that are settings of all channels and name none.
const ABOUT_ALL_CHANNELS: [&str; 2] = ["defaults", "modelByChannel"];

/// Whose settings are looked at; OpenClaw judges its own ones first, and words the two differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Area {
    /// Those of OpenClaw itself.
    Core,
    /// Those of a channel or a plugin.
    Owned,
}

/// Returns everything in which a config is not of the shape that OpenClaw asks for.
pub fn validate(value: &Value) -> Vec<Problem> {
    let mut problems = validate_core(value);
    for (id, channel) in members(value.get("channels")) {
        problems.extend(validate_channel(id, channel));
    }
    for (id, entry) in members(
        value
            .get("plugins")
            .and_then(|plugins| plugins.get("entries")),
    ) {
        if let Some(config) = entry.get("config") {
            problems.extend(validate_plugin(id, config));
        }
    }
    problems
}

/// Checks everything but what belongs to a channel or a plugin.
pub(crate) fn validate_core(value: &Value) -> Vec<Problem> {
    run(Area::Core, &Trail::ROOT, value, |schema| {
        Some(schema.root())
    })
}

/// Checks the settings of a channel; one that OpenClaw has no schema for may say anything.
pub(crate) fn validate_channel(id: &str, value: &Value) -> Vec<Problem> {
    if ABOUT_ALL_CHANNELS.contains(&id) {
        return Vec::new();
    }
    let channels = Trail::ROOT.key("channels");
    run(Area::Owned, &channels.key(id), value, |schema| {
        schema.below(&["channels", id])
    })
}

/// Checks the settings of a plugin; one that does not come with OpenClaw may say anything.
pub(crate) fn validate_plugin(id: &str, config: &Value) -> Vec<Problem> {
    let plugins = Trail::ROOT.key("plugins");
    let entries = plugins.key("entries");
    let entry = entries.key(id);
    run(Area::Owned, &entry.key("config"), config, |schema| {
        schema.below(&["plugins", "entries", id, "config"])
    })
}

/// Returns the known keys of the object at a path of known keys.
#[cfg(test)]
fn known_keys(path: &[&str]) -> Vec<&'static str> {
    let schema = Schema::load().unwrap();
    schema.part(schema.below(path).unwrap()).members().collect()
}

fn run(
    area: Area,
    trail: &Trail<'_>,
    value: &Value,
    start: impl FnOnce(&'static Schema) -> Option<PartId>,
) -> Vec<Problem> {
    match Schema::load() {
        Ok(schema) => {
            let check = Check { schema, area };
            start(schema).map_or_else(Vec::new, |part| check.problems(part, value, trail))
        }
        Err(err) => vec![Problem::new(
            KeyPath::root(),
            format!("the embedded config schema is damaged: {err}"),
        )],
    }
}

fn members(value: Option<&Value>) -> impl Iterator<Item = (&str, &Value)> {
    let members = value.and_then(Value::as_object).into_iter().flatten();
    members.map(|(key, value)| (key.as_str(), value))
}

#[cfg(test)]
mod tests;
