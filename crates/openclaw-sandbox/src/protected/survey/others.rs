//! What Mercurial and Jujutsu act upon.

use std::path::Path;

use super::{Absent, Survey, at};
use crate::{
    SandboxError,
    protected::{folder::Folder, relics::Watch},
};

/// Settings of a repository of Mercurial: its own, and those that are not for who shares it.
const SETTINGS: [&str; 2] = ["hgrc", "hgrc-not-shared"];

/// The file that says whose repository a working tree of Mercurial shares.
const SHARED: &str = "sharedpath";

impl Survey<'_> {
    /// Protects the settings of a repository of Mercurial, in which its hooks are.
    pub(super) fn mercurial(&mut self, records: &Folder) -> Result<(), SandboxError> {
        for name in SETTINGS {
            self.protect(records, name.as_ref(), Absent::Filled)?;
        }
        if records.find(SHARED).map_err(at(&records.path))?.is_none() {
            let made = Watch::Made(records.path.clone(), SHARED);
            self.relics.push(made);
            return Ok(());
        }
        self.protect(records, SHARED.as_ref(), Absent::Left)?;
        let Ok(source) = std::fs::read_to_string(records.path.join(SHARED)) else {
            return Ok(());
        };
        let source = records.path.join(source.trim_end());
        for name in SETTINGS {
            self.pointed_at(&source.join(name), Absent::Filled)?;
        }
        Ok(())
    }

    /// Protects the settings of a repository of Jujutsu, and those of the repository of git in it.
    pub(super) fn jujutsu(&mut self, records: &Folder) -> Result<(), SandboxError> {
        self.named(records, "repo/config.toml".as_ref(), Absent::Filled)?;
        self.protect(records, "workspace-config.toml".as_ref(), Absent::Filled)?;
        let store = records.descendant(Path::new("repo/store/git"));
        match store.map_err(at(&records.path))? {
            Some(store) => self.bare(&store),
            None => Ok(()),
        }
    }
}
