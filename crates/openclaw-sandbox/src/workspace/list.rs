//! Listing a directory.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    io::ErrorKind,
    path::Path,
};

use super::{EntryKind, Fault, FileError, Folder, Workspace};

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: OsString,
    /// What it is.
    pub kind: EntryKind,
    /// Its size in bytes; 0 for what is no regular file.
    pub size: u64,
}

/// The entries of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The entries, sorted by name.
    pub entries: Vec<Entry>,
    /// Whether there are more, whose names sort after these.
    pub truncated: bool,
}

impl Workspace {
    /// Returns the entries of the directory at `path`, by name, at most `max_entries` of them.
    ///
    /// An empty path is the folder itself.
    pub async fn list(
        &self,
        path: impl AsRef<Path>,
        max_entries: usize,
    ) -> Result<Listing, FileError> {
        self.list_after(path, OsString::new(), max_entries).await
    }

    /// As [`list`](Self::list), of the entries whose names sort after a name.
    pub async fn list_after(
        &self,
        path: impl AsRef<Path>,
        after: impl Into<OsString>,
        max_entries: usize,
    ) -> Result<Listing, FileError> {
        let after = after.into();
        self.with("listing", path, move |folder, path| {
            folder.list(path, &after, max_entries)
        })
        .await
    }
}

impl Folder {
    fn list(&self, path: &Path, after: &OsStr, max_entries: usize) -> Result<Listing, Fault> {
        // A map that drops its last entry when it is too large keeps the first names of any number.
        let mut entries = BTreeMap::new();
        let mut truncated = false;
        for entry in self.dir.read_dir(path)? {
            let entry = entry?;
            if entry.file_name().as_os_str() <= after {
                continue;
            }
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                // It was removed meanwhile.
                Err(err) if err.kind() == ErrorKind::NotFound => continue,
                Err(err) => return Err(err.into()),
            };
            let kind = EntryKind::of(metadata.file_type());
            let size = if kind == EntryKind::File {
                metadata.len()
            } else {
                0
            };
            let name = entry.file_name();
            drop(entries.insert(name.clone(), Entry { name, kind, size }));
            if entries.len() > max_entries {
                truncated = entries.pop_last().is_some();
            }
        }
        Ok(Listing {
            entries: entries.into_values().collect(),
            truncated,
        })
    }
}
