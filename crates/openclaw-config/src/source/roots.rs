//! Where included files may lie.

use std::path::{Component, Path, PathBuf};

use openclaw_core::env::{self, Env};

/// Directories that includes may lie in.
#[derive(Debug)]
pub(super) struct Roots(Vec<Root>);

#[derive(Debug)]
struct Root {
    named: PathBuf,
    real: PathBuf,
}

impl Roots {
    /// Finds the directory of a config and those that the environment names.
    pub(super) fn new(config: &Path, env: &Env) -> Self {
        let own = config.parent().map(Path::to_path_buf);
        let all = own.into_iter().chain(further(env));
        Self(
            all.map(|named| {
                let real = named.canonicalize().unwrap_or_else(|_| named.clone());
                Root { named, real }
            })
            .collect(),
        )
    }

    /// Returns whether a path lies in one of them by its name.
    pub(super) fn name_one_of(&self, path: &Path) -> bool {
        self.0.iter().any(|root| path.starts_with(&root.named))
    }

    /// Returns whether they hold a file, all symbolic links resolved.
    pub(super) fn hold(&self, real: &Path) -> bool {
        self.0.iter().any(|root| real.starts_with(&root.real))
    }

    /// Returns all of them, for a message.
    pub(super) fn listed(&self) -> String {
        let all: Vec<_> = self
            .0
            .iter()
            .map(|root| format!("`{}`", root.named.display()))
            .collect();
        all.join(", ")
    }
}

/// Returns a path without `.` and `..`, by its name only.
pub(crate) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => {
                normal.push(component);
            }
        }
    }
    normal
}

/// Returns the directories besides the config's own that includes may lie in.
fn further(env: &Env) -> Vec<PathBuf> {
    let home = env
        .get_os(env::OPENCLAW_HOME.name)
        .or_else(|| env.get_os(env::HOME.name))
        .map(PathBuf::from);
    let listed = env
        .get(env::OPENCLAW_INCLUDE_ROOTS.name)
        .unwrap_or_default();
    let entries = listed
        .split(':')
        .map(str::trim)
        .filter(|entry| !entry.is_empty());
    entries
        .filter_map(|entry| {
            let below_home = entry
                .strip_prefix("~/")
                .or_else(|| (entry == "~").then_some(""));
            let path = match (below_home, &home) {
                (Some(below), Some(home)) => home.join(below),
                _ => std::path::absolute(entry).ok()?,
            };
            Some(normal(&path))
        })
        .collect()
}
