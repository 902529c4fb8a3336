//! What a home may have opened: its own files, and nothing that its stores or links point at elsewhere.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use super::Home;
use crate::sqlite::{Database, Listing};
use crate::trouble::{Fault, Spot, Trouble};

/// What of a home could not be looked into.
#[derive(Debug, Default)]
pub(super) struct Blind {
    /// Why.
    troubles: Vec<Trouble>,
    /// Folders with transcripts of which no store says what they are.
    folders: HashSet<PathBuf>,
}

impl Blind {
    pub(super) fn troubles(&self) -> &[Trouble] {
        &self.troubles
    }

    /// Tells whether a file lies in a folder whose store could not be read.
    pub(super) fn has(&self, file: &Path) -> bool {
        file.parent()
            .is_some_and(|folder| self.folders.contains(folder))
    }
}

impl Home {
    /// Checks that a path really lies in a folder of the home, wherever links lead.
    ///
    /// The home itself may be reached by a link; below it, folders are what they are called.
    pub(super) fn within(&self, folder: &Path, path: &Path) -> Result<(), Fault> {
        let inside = folder
            .strip_prefix(&self.root)
            .map_err(|_elsewhere| Fault::Outside)?;
        let real = self.root.canonicalize()?.join(inside);
        if path.canonicalize()?.starts_with(real) {
            Ok(())
        } else {
            Err(Fault::Outside)
        }
    }

    /// Checks the same of a path that need not be there.
    pub(super) fn within_if_there(&self, folder: &Path, path: &Path) -> Result<(), Fault> {
        match path.symlink_metadata() {
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(()),
            _ => self.within(folder, path),
        }
    }

    /// Tells whether a folder is what it is called, and no link to somewhere else.
    pub(super) fn is_own(&mut self, folder: &Path) -> bool {
        match self.within_if_there(folder, folder) {
            Ok(()) => true,
            Err(fault) => {
                self.unread(folder, fault);
                false
            }
        }
    }

    /// Lists the sessions of a database that is the home's own, with all that belongs to it.
    pub(super) fn listing(&self, database: &Database) -> Result<Listing, Fault> {
        let file = database.file();
        let folder = file.parent().unwrap_or(file);
        for path in database.files() {
            self.within_if_there(folder, &path)?;
        }
        Listing::of(database)
    }

    /// Notes a store or a folder that could not be looked into.
    pub(super) fn unread(&mut self, file: &Path, fault: impl Into<Fault>) {
        let trouble = Trouble::new(file, Spot::Whole, fault);
        self.blind.troubles.push(trouble.clone());
        self.troubles.push(trouble);
    }

    /// Notes that nothing says what the transcripts in a folder are.
    pub(super) fn unsorted(&mut self, folder: &Path) {
        self.blind.folders.insert(folder.to_owned());
    }
}
