//! The walk through the folders of a workspace.

use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FileType, Mode, OFlags, ResolveFlags, openat2},
    io::Errno,
};

use super::{Absent, Survey, at, sockets};
use crate::{
    SandboxError,
    protected::{
        Where,
        folder::{Folder, Next},
        names,
    },
};

/// How many folders down it goes.
const DEPTH: usize = 3;

/// How many entries it looks at. Deeper folders come last.
const ENTRIES: usize = 4096;

/// Folders of what was fetched or built, with more entries than everything else together.
const SKIPPED: [&str; 2] = ["node_modules", "target"];

/// What an entry is to the walk.
enum Find {
    Folder,
    Socket,
    Name(Where),
}

impl Survey<'_> {
    /// Protects what lies in the folders of a workspace, the nearer ones first.
    pub(super) fn walk(&mut self, root: &Folder) -> Result<(), SandboxError> {
        let mut waiting = VecDeque::from([(PathBuf::new(), 0)]);
        let mut left = ENTRIES;
        while let Some((within, depth)) = waiting.pop_front() {
            let folder = match open(root, &within) {
                Ok(Some(folder)) => folder,
                Ok(None) => continue,
                Err(err) => return Err(at(&root.path.join(within))(err)),
            };
            let mut finds = Vec::new();
            let read = folder.entries(|name, kind| {
                if let Some(find) = find(name.to_str(), kind, depth) {
                    finds.push((name.to_owned(), find));
                }
                left = left.saturating_sub(1);
                Ok(if left > 0 { Next::More } else { Next::Enough })
            });
            read.map_err(at(&folder.path))?;
            for (name, find) in finds {
                match find {
                    Find::Folder => waiting.push_back((within.join(name), depth + 1)),
                    Find::Socket => sockets::cover(self, &folder, &name)?,
                    Find::Name(Where::Records) => {
                        self.records(&folder, &name.to_string_lossy())?;
                    }
                    Find::Name(_) => self.protect(&folder, &name, Absent::Left)?,
                }
            }
            if left == 0 {
                tracing::debug!(workspace = %root.path.display(), "not all folders were looked at");
                break;
            }
        }
        Ok(())
    }
}

fn find(name: Option<&str>, kind: FileType, depth: usize) -> Option<Find> {
    if kind == FileType::Socket {
        return Some(Find::Socket);
    }
    // What lies at the top is looked for by name, however many entries there are.
    let known = name
        .filter(|name| name.starts_with('.'))
        .and_then(names::find);
    match known {
        Some(_) if depth == 0 => None,
        Some(Where::Records) => Some(Find::Name(Where::Records)),
        // The settings of one folder are often those of another by a symlink.
        Some(place @ (Where::Closed | Where::Kept)) if kind != FileType::Symlink => {
            Some(Find::Name(place))
        }
        Some(_) | None => {
            let skipped = name.is_some_and(|name| SKIPPED.contains(&name));
            (kind == FileType::Directory && depth < DEPTH && !skipped).then_some(Find::Folder)
        }
    }
}

/// Opens a folder of the workspace; nothing, if it is none any more or may not be read.
fn open(root: &Folder, within: &Path) -> io::Result<Option<Folder>> {
    if within.as_os_str().is_empty() {
        return Ok(Some(root.clone()));
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    match openat2(&root.handle, within, flags, Mode::empty(), resolve) {
        Ok(handle) => Ok(Some(Folder {
            handle: handle.into(),
            path: root.path.join(within),
        })),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::ACCESS | Errno::XDEV) => Ok(None),
        Err(err) => Err(err.into()),
    }
}
