//! Folders that stand on the host for what does not exist, so that something can be mounted there.
//!
//! Several runs share one, in this process and in others, and the kernel detaches a mount from a
//! folder that is removed elsewhere. Each run holds a shared lock on the folder; whoever ends tries
//! for the exclusive lock, and only who gets it removes the folder. What a killed process left is
//! known by its mode, taken over by the next run, and removed when that ends.
//!
//! Nothing that a person made is lost: only an empty folder is ever removed.

use std::{
    ffi::{OsStr, OsString},
    io, thread,
    time::Duration,
};

use rustix::{
    fs::{AtFlags, FlockOperation, Mode, fchmod, flock, fstat, mkdirat, unlinkat},
    io::Errno,
};

use super::folder::{Folder, Next};

/// Readable for everyone, writable for nobody, and with the sticky bit: nobody makes such a folder
/// by hand. The umask can only take rights away, which leaves the mark as it is.
const MARK: u32 = 0o1555;

/// What tells a placeholder: the sticky bit is set, and none of those for writing.
const MARKED: (u32, u32) = (0o1222, 0o1000);

/// The mode of a folder that somebody began to use while it was a placeholder.
const ORDINARY: u32 = 0o755;

/// How often to try while others make and remove the folder, and how long to wait for them.
const TRIES: u32 = 500;
const PAUSE: Duration = Duration::from_millis(1);

/// A folder that this run shares.
#[derive(Debug)]
pub(super) struct Placeholder {
    parent: Folder,
    name: OsString,
    folder: Folder,
    removal: Removal,
}

/// What may be done with a placeholder in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Removal {
    Last,
    /// The file system knows no modes or no locks, so it cannot be told who else uses the folder.
    Never,
}

/// What came of the attempt to share a placeholder.
#[derive(Debug)]
pub(super) enum Taken {
    /// It is shared.
    Shared(Placeholder),
    /// Something else is there.
    Occupied,
    /// It came and went too often.
    Busy,
}

impl Placeholder {
    /// Makes or shares the placeholder `name` in `parent`.
    pub(super) fn take(parent: &Folder, name: &OsStr) -> io::Result<Taken> {
        for _ in 0..TRIES {
            let made = match mkdirat(&parent.handle, name, Mode::from_raw_mode(MARK)) {
                Ok(()) => true,
                Err(Errno::EXIST) => false,
                Err(err) => return Err(err.into()),
            };
            let Some(folder) = parent.child(name)? else {
                // It was removed meanwhile, unless something that is no folder is there.
                if parent.find(name)?.is_some() {
                    return Ok(Taken::Occupied);
                }
                continue;
            };
            if made {
                // What the umask took away. A file system without modes shows it below.
                fchmod(&folder.handle, Mode::from_raw_mode(MARK)).unwrap_or_default();
            }
            let removal = match (is_marked(&folder)?, made) {
                (true, _) if !is_empty(&folder)? => return Ok(Taken::Occupied),
                (true, _) => match flock(&folder.handle, FlockOperation::NonBlockingLockShared) {
                    Ok(()) => Removal::Last,
                    Err(Errno::WOULDBLOCK) => {
                        // Who holds it is about to remove it.
                        thread::park_timeout(PAUSE);
                        continue;
                    }
                    Err(_) => Removal::Never,
                },
                (false, true) => Removal::Never,
                (false, false) => return Ok(Taken::Occupied),
            };
            let placeholder = Self {
                parent: parent.clone(),
                name: name.to_owned(),
                folder,
                removal,
            };
            if placeholder.is_in_place()? {
                return Ok(Taken::Shared(placeholder));
            }
        }
        Ok(Taken::Busy)
    }

    /// Says whether the path still leads to the folder that is held.
    fn is_in_place(&self) -> io::Result<bool> {
        let here = self.folder.itself()?;
        let there = self.parent.find(&self.name)?;
        Ok(there.is_some_and(|there| there.is(here)))
    }

    fn release(&self) -> io::Result<()> {
        let exclusive = FlockOperation::NonBlockingLockExclusive;
        // Who does not get the lock has lost its own by asking, and leaves the rest to the others.
        if self.removal == Removal::Never
            || flock(&self.folder.handle, exclusive).is_err()
            || !self.is_in_place()?
        {
            return Ok(());
        }
        match unlinkat(&self.parent.handle, &self.name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(Errno::NOTEMPTY | Errno::EXIST) => {
                Ok(fchmod(&self.folder.handle, Mode::from_raw_mode(ORDINARY))?)
            }
            Err(err) => Err(err.into()),
        }
    }
}

impl Drop for Placeholder {
    fn drop(&mut self) {
        if let Err(err) = self.release() {
            let path = self.folder.path.display();
            tracing::warn!(%path, error = %err, "an empty folder was left in the workspace");
        }
    }
}

/// Says whether a folder is a placeholder, in use or left behind.
pub(super) fn is_one(folder: &Folder) -> io::Result<bool> {
    Ok(is_marked(folder)? && is_empty(folder)?)
}

fn is_marked(folder: &Folder) -> io::Result<bool> {
    let (mask, mark) = MARKED;
    Ok(fstat(&folder.handle)?.st_mode & mask == mark)
}

/// Says whether nothing lies in a folder.
pub(super) fn is_empty(folder: &Folder) -> io::Result<bool> {
    let mut empty = true;
    folder.entries(|_, _| {
        empty = false;
        Ok(Next::Enough)
    })?;
    Ok(empty)
}
