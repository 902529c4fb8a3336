//! What a verdict depends on besides the config.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::installed::{self, Installed};

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing, or nothing that can be looked at.
    Nothing,
    /// A directory.
    Directory,
    /// A symbolic link, wherever it leads.
    Link,
    /// A file that only the user may change.
    OwnFile,
    /// A file that belongs to somebody else.
    ForeignFile,
    /// A file that others may change too.
    OpenFile,
}

/// The home that a config is judged for.
#[derive(Clone)]
pub struct Surroundings {
    home: PathBuf,
    state_dir: PathBuf,
    look: Arc<dyn Fn(&Path) -> Standing + Send + Sync>,
    /// The installed plugins; looked for on the disk unless they are told.
    plugins: Option<Vec<Installed>>,
}

impl Surroundings {
    /// Takes a user's home and state directory, and looks at the disk for everything else.
    pub fn new(home: impl Into<PathBuf>, state_dir: impl Into<PathBuf>) -> Self {
        Self {
            home: home.into(),
            state_dir: state_dir.into(),
            look: Arc::new(on_disk),
            plugins: None,
        }
    }

    /// Asks another source than the disk what stands at a path, and has no plugin installed.
    #[must_use]
    pub fn looking_with(self, look: impl Fn(&Path) -> Standing + Send + Sync + 'static) -> Self {
        let look = Arc::new(look);
        let plugins = self.plugins.or_else(|| Some(Vec::new()));
        Self {
            look,
            plugins,
            ..self
        }
    }

    /// Has these plugins installed, and no others.
    #[must_use]
    pub fn having(self, plugins: Vec<Installed>) -> Self {
        let plugins = Some(plugins);
        Self { plugins, ..self }
    }

    /// Returns the installed plugins, with those in folders that a config names.
    pub(super) fn plugins(&self, folders: &[PathBuf]) -> Vec<Installed> {
        self.plugins.clone().unwrap_or_else(|| {
            let named = folders
                .iter()
                .flat_map(|folder| installed::in_folder(folder));
            installed::in_state(&self.state_dir)
                .into_iter()
                .chain(named)
                .collect()
        })
    }

    /// Returns the directory that OpenClaw keeps its state in.
    pub(super) fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// Tells what stands at a path.
    pub(super) fn look(&self, path: &Path) -> Standing {
        (self.look)(path)
    }

    /// Returns the path that a user means, without looking at the disk: `~` is their home, and
    /// `..` goes up by name.
    pub(super) fn path(&self, text: &str) -> PathBuf {
        let text = text.trim();
        let path = match text.strip_prefix('~') {
            Some("") => self.home.clone(),
            Some(rest) if rest.starts_with('/') => self.home.join(rest.trim_start_matches('/')),
            _ => PathBuf::from(text),
        };
        plain(&path)
    }
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings")
            .field("home", &self.home)
            .field("state_dir", &self.state_dir)
            .finish_non_exhaustive()
    }
}

/// Returns a path without `.` and `..`.
pub(super) fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

fn on_disk(path: &Path) -> Standing {
    /// Write permission for the group and for everybody.
    const OTHERS_WRITE: u32 = 0o022;
    let Ok(found) = fs::symlink_metadata(path) else {
        return Standing::Nothing;
    };
    if found.is_dir() {
        Standing::Directory
    } else if found.is_symlink() {
        Standing::Link
    } else if found.mode() & OTHERS_WRITE != 0 {
        Standing::OpenFile
    } else if found.uid() == rustix::process::getuid().as_raw() {
        Standing::OwnFile
    } else {
        Standing::ForeignFile
    }
}
