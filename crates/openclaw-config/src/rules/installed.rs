//! The plugins that a user has installed beside those that come with OpenClaw.
//!
//! Only what each is called is read, and what it offers. Its settings are its own affair: they are
//! taken as they are.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::walk;

/// What describes a plugin, in its folder.
const MANIFEST: &str = "openclaw.plugin.json";
/// Larger descriptions are not read.
const LARGEST_MANIFEST: u64 = 4 << 20;

/// Where plugins are installed in the state directory, and how many folders down each can be:
/// below a package's project, its modules, and the scope of its name.
const FOLDERS: [(&str, usize); 3] = [
    ("extensions", 1),
    ("npm/node_modules", 2),
    ("npm/projects", 4),
];

/// A plugin that somebody installed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Installed {
    /// Its id.
    pub id: String,
    /// Its folder.
    pub folder: PathBuf,
    /// What to call it.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The channels that it brings.
    pub channels: Vec<String>,
    /// The web searches that it brings.
    pub web_searches: Vec<String>,
}

/// Finds the plugins in a state directory.
pub(super) fn in_state(state_dir: &Path) -> Vec<Installed> {
    let mut found = Vec::new();
    for (folder, depth) in FOLDERS {
        find(&state_dir.join(folder), depth, &mut found);
    }
    found
}

/// Finds the plugin in a folder, or those one below it.
pub(super) fn in_folder(folder: &Path) -> Vec<Installed> {
    let mut found = Vec::new();
    find(folder, 1, &mut found);
    found
}

fn find(folder: &Path, depth: usize, found: &mut Vec<Installed>) {
    if let Some(plugin) = read(&folder.join(MANIFEST)) {
        found.push(plugin);
        return;
    }
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    let mut folders: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect();
    // The order of a directory is no one's choice.
    folders.sort();
    for folder in folders {
        find(&folder, depth, found);
    }
}

fn read(file: &Path) -> Option<Installed> {
    let size = fs::metadata(file).ok()?.len();
    let text = (size <= LARGEST_MANIFEST).then(|| fs::read(file).ok())??;
    let manifest: Value = serde_json::from_slice(&text).ok()?;
    let list = |keys: &[&str]| {
        let names = walk::elements(&manifest, keys).iter();
        let names = names.filter_map(Value::as_str);
        names.map(|name| name.trim().to_owned()).collect()
    };
    let text = |key: &str| {
        let text = walk::text(&manifest, &[key])?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    Some(Installed {
        id: walk::text(&manifest, &["id"])?.trim().to_owned(),
        folder: file.parent().unwrap_or(file).to_owned(),
        name: text("name"),
        version: text("version"),
        description: text("description"),
        channels: list(&["channels"]),
        web_searches: list(&["contracts", "webSearchProviders"]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_are_found_where_openclaw_installs_them() {
        let state = tempfile::tempdir().unwrap();
        let project = "npm/projects/x/node_modules/@scope/mine";
        for (folder, id) in [("extensions/chat", "chat"), (project, "mine")] {
            let folder = state.path().join(folder);
            fs::create_dir_all(&folder).unwrap();
            let text = format!("{{\"id\": \"{id}\", \"channels\": [\"{id}\"]}}");
            fs::write(folder.join(MANIFEST), text).unwrap();
        }
        let ids: Vec<String> = in_state(state.path())
            .into_iter()
            .map(|found| found.id)
            .collect();
        assert_eq!(ids, ["chat", "mine"]);
        let chat = in_folder(&state.path().join("extensions/chat"));
        assert_eq!(chat.first().unwrap().channels, ["chat"]);
        assert_eq!(in_state(Path::new("/nonexistent")), []);
    }
}
