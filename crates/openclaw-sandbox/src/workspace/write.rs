//! Writing a file whole or not at all.

use std::{
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use cap_std::fs::{Dir, File, OpenOptions, Permissions};

use super::{EntryKind, Fault, Folder, expect_file};

/// How many names are tried for the temporary file; one is enough unless somebody plays with us.
const NAMES: u32 = 16;

impl Folder {
    /// Writes beside the file and renames over it, so that a reader sees the old or the new one.
    pub(super) fn write(&self, path: &Path, content: &[u8]) -> Result<(), Fault> {
        let (target, permissions) = self.target(path)?;
        let Some(name) = target.file_name() else {
            return Err(Fault::NotAFile(EntryKind::Directory));
        };
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => {
                self.dir.create_dir_all(parent)?;
                self.dir.open_dir(parent)?
            }
            Some(_) | None => self.dir.try_clone()?,
        };
        let (temporary, file) = create(&parent)?;
        let done = fill(file, content, permissions)
            .and_then(|()| parent.rename(&temporary, &parent, Path::new(name)));
        if done.is_err() {
            // The first error is the one to tell of.
            drop(parent.remove_file(&temporary));
        }
        Ok(done?)
    }

    /// Returns where the file really is, and the permissions that it has if it exists.
    fn target(&self, path: &Path) -> Result<(PathBuf, Option<Permissions>), Fault> {
        match self.dir.metadata(path) {
            Ok(metadata) => {
                expect_file(metadata.file_type())?;
                Ok((self.dir.canonicalize(path)?, Some(metadata.permissions())))
            }
            Err(err) if err.kind() == ErrorKind::NotFound => {
                // A link that leads nowhere would be replaced rather than followed.
                match self.dir.symlink_metadata(path) {
                    Ok(_) => Err(Fault::NotAFile(EntryKind::Symlink)),
                    Err(_) => Ok((path.to_path_buf(), None)),
                }
            }
            Err(err) => Err(err.into()),
        }
    }
}

fn create(parent: &Dir) -> io::Result<(PathBuf, File)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut tries = 0;
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = PathBuf::from(format!(".openclaw-{}-{number}.tmp", process::id()));
        match parent.open_with(&name, OpenOptions::new().write(true).create_new(true)) {
            Ok(file) => return Ok((name, file)),
            Err(err) if err.kind() == ErrorKind::AlreadyExists && tries < NAMES => tries += 1,
            Err(err) => return Err(err),
        }
    }
}

fn fill(mut file: File, content: &[u8], permissions: Option<Permissions>) -> io::Result<()> {
    file.write_all(content)?;
    if let Some(permissions) = permissions {
        file.set_permissions(ordinary(&permissions))?;
    }
    // Renamed before its content is on the disk, a file could be empty after a power loss.
    file.sync_data()
}

/// Leaves out the bits that would let the new content run as another user.
#[cfg(unix)]
fn ordinary(permissions: &Permissions) -> Permissions {
    use cap_std::fs::PermissionsExt as _;
    Permissions::from_mode(permissions.mode() & 0o777)
}

#[cfg(not(unix))]
fn ordinary(permissions: &Permissions) -> Permissions {
    permissions.clone()
}
