//! What a command can make in a repository that no mount can keep it from, and that is taken away
//! when the run has ended.
//!
//! Git dies where it finds a folder under these names, so nothing can be mounted there.

use std::io::{self, Read as _};

use rustix::{
    fs::{AtFlags, FileType, unlinkat},
    io::Errno,
};

use super::folder::Folder;

/// The file that names the repository of a linked worktree. In the folder of a repository itself it
/// makes git take hooks and settings from where it says.
pub(super) const COMMONDIR: &str = "commondir";

/// The file that makes a folder a repository, together with [`PARTS`].
pub(super) const HEAD: &str = "HEAD";

/// The folders without which git takes no folder for a repository.
pub(super) const PARTS: [&str; 2] = ["objects", "refs"];

/// How much of [`HEAD`] is looked at.
const LONGEST_HEAD: u64 = 4096;

/// A name that did not exist when the run began, and that no program makes in earnest.
#[derive(Debug)]
pub(super) enum Watch {
    /// [`COMMONDIR`] in the folder of a repository.
    Commondir(Folder),
    /// [`HEAD`] at the top of a working tree: with the rest, git takes it for a repository when
    /// it finds `.git` damaged, and the settings are those beside it.
    Bare(Folder),
}

impl Watch {
    fn remove(&self) -> io::Result<()> {
        let (folder, name) = match self {
            Self::Commondir(folder) => (folder, COMMONDIR),
            Self::Bare(folder) if is_bare(folder)? => (folder, HEAD),
            Self::Bare(_) => return Ok(()),
        };
        match unlinkat(&folder.handle, name, AtFlags::empty()) {
            Ok(()) => {
                let path = folder.path.join(name);
                let path = path.display();
                tracing::warn!(%path, "a command made this, which makes git take settings and \
                    hooks from elsewhere; it was removed");
                Ok(())
            }
            Err(Errno::NOENT) => Ok(()),
            Err(err) => Err(err.into()),
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Err(err) = self.remove() {
            let (Self::Commondir(folder) | Self::Bare(folder)) = self;
            let path = folder.path.display();
            tracing::warn!(%path, error = %err, "the repository was left as the command made it");
        }
    }
}

/// Says whether git would take the folder itself for a repository.
pub(super) fn is_bare(folder: &Folder) -> io::Result<bool> {
    let has = |name| Ok::<_, io::Error>(folder.find(name)?.map(|found| found.kind));
    // Git follows symlinks here, so it is enough not to be a file.
    let is_folder = |kind| matches!(kind, Some(FileType::Directory | FileType::Symlink));
    let [objects, refs] = PARTS;
    if !is_folder(has(objects)?) || !is_folder(has(refs)?) {
        return Ok(false);
    }
    match has(HEAD)? {
        Some(FileType::Symlink) => Ok(true),
        Some(FileType::RegularFile) => {
            let mut text = String::new();
            let read = folder
                .file(HEAD)?
                .take(LONGEST_HEAD)
                .read_to_string(&mut text);
            Ok(read.is_ok() && is_reference(&text))
        }
        Some(_) | None => Ok(false),
    }
}

/// Says whether git takes this for the content of [`HEAD`].
fn is_reference(text: &str) -> bool {
    let id = text.bytes().take_while(u8::is_ascii_hexdigit).count();
    text.starts_with("ref:") || id >= 40
}
