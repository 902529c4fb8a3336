//! The walk through the folders of a workspace, on its [`route`](crate::protected::route).
//!
//! What an earlier walk found comes first: see [`known`].

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use rustix::fs::{AtFlags, StatxFlags, statx};

use super::{Absent, Survey, at, sockets};
use crate::{
    SandboxError,
    protected::{
        Where,
        folder::Folder,
        known,
        relics::HEAD,
        route::{ENTRIES, Find, Route, Sight, Step, find},
        settings,
    },
};

/// How many folders that were not looked at are told of.
const TOLD: usize = 64;

/// How many mounts there may be before settings of editors in deeper folders, and repositories
/// without a working tree, are left as they are. The rest is for repositories that have one.
const OPTIONAL: usize = 512;

/// What a walk has come to.
#[derive(Default)]
struct Tour {
    found: BTreeSet<PathBuf>,
    /// What is protected when room is left after the repositories: names of the table, and the
    /// [`HEAD`] of repositories without a working tree.
    optional: Vec<PathBuf>,
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
        let mut route = Route::new();
        while let Some(step) = route.next() {
            self.step(root, &step, &mut route, &mut tour)?;
        }
        if !route.skipped.is_empty() {
            self.cut_short(root, &route);
        }
        self.optional(root, &mut tour.optional)?;
        known::keep(&root.path, tour.found, &gone);
        Ok(())
    }

    /// Protects what there is room for. Of too many the oldest are taken: a command cannot make
    /// anything older than what was there before.
    fn optional(&mut self, root: &Folder, paths: &mut [PathBuf]) -> Result<(), SandboxError> {
        if self.notes.len() + paths.len() > OPTIONAL {
            paths.sort_by_cached_key(|path| age(root, path));
        }
        for path in paths {
            let (Some(within), Some(name)) = (path.parent(), path.file_name()) else {
                continue;
            };
            if self.notes.len() >= OPTIONAL {
                self.leave_out(root.path.join(&path));
                continue;
            }
            match open(root, within).map_err(at(path))? {
                Opened::Folder(folder) if name == HEAD => self.bare(&folder)?,
                Opened::Folder(folder) => self.protect(&folder, name, Absent::Left)?,
                Opened::Closed => self.leave_out(root.path.join(within)),
                Opened::Nothing => {}
            }
        }
        Ok(())
    }

    /// Protects what an earlier walk found, and says whether it may still be there.
    fn again(&mut self, root: &Folder, path: &Path, tour: &mut Tour) -> Result<bool, SandboxError> {
        let (Some(within), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(false);
        };
        let folder = match open(root, within).map_err(at(path))? {
            Opened::Folder(folder) => folder,
            Opened::Closed => return Ok(true),
            Opened::Nothing => return Ok(false),
        };
        // A command can take away for a while what makes a folder a repository.
        if name == HEAD {
            let settings = folder.find("config").map_err(at(path))?;
            if settings.is_none() && folder.find(HEAD).map_err(at(path))?.is_none() {
                return Ok(false);
            }
            tour.optional.push(path.to_path_buf());
            return Ok(tour.found.insert(path.to_path_buf()));
        }
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
        route: &mut Route,
        tour: &mut Tour,
    ) -> Result<(), SandboxError> {
        let within = &step.within;
        let folder = match open(root, within).map_err(at(&root.path.join(within)))? {
            Opened::Folder(folder) => folder,
            Opened::Closed => {
                self.leave_out(root.path.join(within));
                return Ok(());
            }
            Opened::Nothing => return Ok(()),
        };
        let sight = route.look(&folder, step).map_err(at(&folder.path))?;
        // That of the top is protected with what else lies there.
        if !within.as_os_str().is_empty() && is_repository(&folder, &sight) {
            let head = within.join(HEAD);
            if tour.found.insert(head.clone()) {
                tour.optional.push(head);
            }
        }
        for (name, find) in sight.finds {
            match find {
                Find::Socket => sockets::cover(self, &folder, &name)?,
                Find::Name(place) => self.found(&folder, &within.join(&name), place, tour)?,
                Find::Folder => {
                    if route.add(step, &name) {
                        self.leave_out(folder.path.join(name));
                    }
                }
            }
        }
        if sight.cut {
            self.leave_out(folder.path);
        }
        Ok(())
    }

    /// Tells that there are more entries than were looked at.
    fn cut_short(&mut self, root: &Folder, route: &Route) {
        static TOLD_OF: AtomicBool = AtomicBool::new(false);
        for step in route.skipped.iter().take(TOLD) {
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

/// Says whether a folder is a repository without a working tree, or was one: its settings are what
/// a command cannot have taken away.
fn is_repository(folder: &Folder, sight: &Sight) -> bool {
    sight.is_like_bare()
        || sight.has_settings() && settings::are_of_repository(&folder.path.join("config"))
}

/// Returns when something was made, as far as the file system knows; nobody can change that.
fn age(root: &Folder, path: &Path) -> Option<(i64, u32)> {
    // A repository is as old as its folder, in which `HEAD` comes and goes.
    let path = match path.parent() {
        Some(folder) if path.ends_with(HEAD) => folder,
        Some(_) | None => path,
    };
    let known = statx(
        &root.handle,
        path,
        AtFlags::SYMLINK_NOFOLLOW,
        StatxFlags::BTIME,
    );
    let known = known.ok()?;
    let told = StatxFlags::from_bits_retain(known.stx_mask).contains(StatxFlags::BTIME);
    told.then_some((known.stx_btime.tv_sec, known.stx_btime.tv_nsec))
}

/// What came of opening a folder of the workspace.
enum Opened {
    Folder(Folder),
    /// It is another user's, and not ours to look into; nor is it the command's.
    Closed,
    /// It is none any more.
    Nothing,
}

fn open(root: &Folder, within: &Path) -> io::Result<Opened> {
    match root.descendant(within) {
        Ok(Some(folder)) => Ok(Opened::Folder(folder)),
        Ok(None) => Ok(Opened::Nothing),
        Err(err) if err.kind() == io::ErrorKind::PermissionDenied => Ok(Opened::Closed),
        Err(err) => Err(err),
    }
}
