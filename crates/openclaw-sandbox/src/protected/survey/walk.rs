//! The walk through the folders of a workspace.
//!
//! It goes through all folders of one depth before the next, so that what lies near the top is found
//! however much lies deeper, and through what was fetched or built in the end. What an earlier walk
//! found comes first: see [`known`].

use std::{
    collections::{BTreeSet, VecDeque},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
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
        known, names,
    },
};

/// How many folders down it goes.
const DEPTH: usize = 8;

/// How many entries it looks at.
const ENTRIES: usize = 65_536;

/// Folders of what was fetched or built, with more entries than everything else together. Only
/// what lies in their own folders is looked at, and no more entries than this.
const BULKY: [&str; 2] = ["node_modules", "target"];
const BULKY_ENTRIES: usize = 8_192;

/// How many folders that were not looked at are told of.
const TOLD: usize = 64;

/// How many mounts there may be before settings of editors in deeper folders are left as they are.
/// The rest is for repositories.
const OPTIONAL: usize = 512;

/// What an entry is to the walk.
enum Find {
    Folder,
    Socket,
    Name(Where),
}

/// A folder that is waiting to be looked at.
struct Step {
    within: PathBuf,
    depth: usize,
    /// How deep it goes from here.
    most: usize,
}

/// What a walk has come to.
#[derive(Default)]
struct Tour {
    found: BTreeSet<PathBuf>,
    /// What is protected when room is left after the repositories.
    optional: Vec<PathBuf>,
    waiting: VecDeque<Step>,
    bulky: VecDeque<Step>,
}

impl Survey<'_> {
    /// Protects what lies in the folders of a workspace, the nearer ones first.
    pub(super) fn walk(&mut self, root: &Folder) -> Result<(), SandboxError> {
        let mut tour = Tour::default();
        let mut gone = BTreeSet::new();
        for path in known::of(&root.path) {
            if !self.again(root, &path, &mut tour)? {
                gone.insert(path);
            }
        }
        let most = DEPTH;
        tour.waiting.push_back(Step {
            within: PathBuf::new(),
            depth: 0,
            most,
        });
        let mut left = ENTRIES;
        while left > 0
            && let Some(step) = tour.waiting.pop_front()
        {
            self.step(root, &step, &mut tour, &mut left)?;
        }
        if left == 0 {
            self.cut_short(root, &tour);
        }
        let mut left = left.min(BULKY_ENTRIES);
        while left > 0
            && let Some(step) = tour.bulky.pop_front()
        {
            tour.waiting.clear();
            self.step(root, &step, &mut tour, &mut left)?;
            tour.bulky.append(&mut tour.waiting);
        }
        for path in &tour.optional {
            if self.notes.len() < OPTIONAL {
                let (folder, name) = (path.parent(), path.file_name());
                if let (Some(folder), Some(name)) = (folder, name)
                    && let Some(folder) = open(root, folder).map_err(at(path))?
                {
                    self.protect(&folder, name, Absent::Left)?;
                }
            } else {
                self.leave_out(root.path.join(path));
            }
        }
        known::keep(&root.path, tour.found, &gone);
        Ok(())
    }

    /// Protects what an earlier walk found, and says whether it is still there.
    fn again(&mut self, root: &Folder, path: &Path, tour: &mut Tour) -> Result<bool, SandboxError> {
        let (Some(within), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(false);
        };
        let Some(folder) = open(root, within).map_err(at(path))? else {
            return Ok(false);
        };
        let Some(found) = folder.find(name).map_err(at(path))? else {
            return Ok(false);
        };
        match find(name.to_str(), found.kind, 1) {
            Some(Find::Name(place)) => self.found(&folder, path, place, tour)?,
            Some(Find::Folder | Find::Socket) | None => return Ok(false),
        }
        Ok(true)
    }

    /// Protects a name, or notes that it is to be protected if room is left.
    fn found(
        &mut self,
        folder: &Folder,
        path: &Path,
        place: Where,
        tour: &mut Tour,
    ) -> Result<(), SandboxError> {
        if !tour.found.insert(path.to_path_buf()) {
            return Ok(());
        }
        if place == Where::Records
            && let Some(name) = path.file_name()
        {
            return self.records(folder, &name.to_string_lossy());
        }
        tour.optional.push(path.to_path_buf());
        Ok(())
    }

    /// Looks at one folder.
    fn step(
        &mut self,
        root: &Folder,
        step: &Step,
        tour: &mut Tour,
        left: &mut usize,
    ) -> Result<(), SandboxError> {
        let Step {
            within,
            depth,
            most,
        } = step;
        let folder = match open(root, within) {
            Ok(Some(folder)) => folder,
            Ok(None) => return Ok(()),
            Err(err) => return Err(at(&root.path.join(within))(err)),
        };
        let mut finds = Vec::new();
        let read = folder.entries(|name, kind| {
            if let Some(find) = find(name.to_str(), kind, *depth) {
                finds.push((name.to_owned(), find));
            }
            *left = left.saturating_sub(1);
            Ok(if *left > 0 { Next::More } else { Next::Enough })
        });
        read.map_err(at(&folder.path))?;
        for (name, find) in finds {
            let path = within.join(&name);
            let depth = depth + 1;
            match find {
                Find::Socket => sockets::cover(self, &folder, &name)?,
                Find::Name(place) => self.found(&folder, &path, place, tour)?,
                Find::Folder if BULKY.iter().any(|bulky| name == *bulky) => {
                    if depth <= *most {
                        let most = depth + 1;
                        let within = path;
                        tour.bulky.push_back(Step {
                            within,
                            depth,
                            most,
                        });
                    }
                }
                Find::Folder if depth <= *most => {
                    // Packages of one owner lie in a folder of their own.
                    let scope = *most < DEPTH && name.to_string_lossy().starts_with('@');
                    tour.waiting.push_back(Step {
                        within: path,
                        depth,
                        most: most + usize::from(scope),
                    });
                }
                Find::Folder if *most == DEPTH => self.leave_out(folder.path.join(name)),
                Find::Folder => {}
            }
        }
        if *left == 0 {
            self.leave_out(folder.path);
        }
        Ok(())
    }

    /// Tells that there are more entries than were looked at.
    fn cut_short(&mut self, root: &Folder, tour: &Tour) {
        static TOLD_OF: AtomicBool = AtomicBool::new(false);
        for step in tour.waiting.iter().take(TOLD) {
            self.leave_out(root.path.join(&step.within));
        }
        if !TOLD_OF.swap(true, Ordering::Relaxed) {
            let workspace = root.path.display();
            tracing::warn!(%workspace, "the workspace has more than {ENTRIES} entries: \
                repositories in its deeper folders may not be protected");
        }
    }

    fn leave_out(&mut self, path: PathBuf) {
        if self.left_out.len() < TOLD {
            self.left_out.push(path);
        }
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
        Some(_) | None => (kind == FileType::Directory).then_some(Find::Folder),
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
