//! The look at the workspaces after a run.
//!
//! Git of the owner acts upon a repository that it comes to, whoever made that: `git status` goes
//! down into those that the index names. So what is new in the working tree of an older repository
//! keeps only settings that run nothing; see [`scrub`]. Whether a command made it or somebody
//! outside meanwhile cannot be told apart.

mod scrub;

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use rustix::fs::FileType;

use super::{
    Seen, Where,
    folder::Folder,
    relics::{self, COMMONDIR, Watch, remove_link},
    route::{Find, Route},
    seen::Shown,
    settings::{common_of, repository_of},
    survey::stays,
};
use crate::SandboxError;

/// Names in the records of each program that have a later run refused if they are symlinks.
const OF_GIT: [&str; 5] = ["config", "hooks", "config.worktree", "modules", "worktrees"];
const OF_MERCURIAL: [&str; 3] = ["hgrc", "hgrc-not-shared", "sharedpath"];
const OF_JUJUTSU: [&str; 2] = ["repo", "workspace-config.toml"];

/// What was known when the run began.
#[derive(Debug)]
pub(super) struct Aftermath {
    pub(super) workspaces: Vec<PathBuf>,
    pub(super) relics: Vec<Watch>,
    /// The repositories, by device and inode.
    pub(super) repositories: BTreeSet<(u64, u64)>,
    /// The records of version control.
    pub(super) records: BTreeSet<PathBuf>,
    /// The working trees of git.
    pub(super) tops: BTreeSet<PathBuf>,
}

impl Aftermath {
    /// Puts everything in order that can be, and returns the first that cannot.
    pub(super) fn settle(&self, seen: &[Seen]) -> Result<(), SandboxError> {
        let mut settled = Ok(());
        for watch in &self.relics {
            settled = settled.and(watch.settle().map_err(stays(watch.path())));
        }
        for workspace in &self.workspaces {
            settled = settled.and(self.walk(workspace));
        }
        tell_of_replaced(seen);
        settled
    }

    fn walk(&self, workspace: &Path) -> Result<(), SandboxError> {
        let root = match Folder::open(workspace) {
            Ok(root) => root,
            // Its owner has taken it away meanwhile.
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(err) => return Err(stays(workspace)(err)),
        };
        let mut settled = Ok(());
        for name in [".git", ".hg", ".jj"] {
            let done = self.records(&root, name.as_ref());
            settled = settled.and(done.map_err(stays(&root.path)));
        }
        let mut route = Route::new();
        while let Some(step) = route.next() {
            let folder = match root.descendant(&step.within) {
                Ok(Some(folder)) => folder,
                // What is nobody's to look into is not a command's either.
                Ok(None) => continue,
                Err(err) if err.kind() == io::ErrorKind::PermissionDenied => continue,
                Err(err) => return settled.and(Err(stays(&root.path.join(&step.within))(err))),
            };
            let failed = stays(&folder.path);
            let sight = match route.look(&folder, &step) {
                Ok(sight) => sight,
                Err(err) => return settled.and(Err(failed(err))),
            };
            if sight.is_like_bare() && !step.within.as_os_str().is_empty() {
                settled = settled.and(self.repository(&folder, &folder.path).map_err(&failed));
            }
            for (name, find) in sight.finds {
                match find {
                    Find::Name(Where::Records) => {
                        settled = settled.and(self.records(&folder, &name).map_err(&failed));
                    }
                    Find::Folder => drop(route.add(&step, &name)),
                    Find::Name(_) | Find::Socket => {}
                }
            }
        }
        settled
    }

    /// Looks at the records of version control under a name, if they are new.
    fn records(&self, folder: &Folder, name: &OsStr) -> io::Result<()> {
        if self.records.contains(&folder.path.join(name)) {
            return Ok(());
        }
        let program = name.to_ascii_lowercase();
        match folder.find(name)?.map(|found| found.kind) {
            // It leads to something that a command can exchange, so the next one is refused.
            Some(FileType::Symlink) => relics::remove(folder, name),
            Some(FileType::Directory) => {
                let Some(records) = folder.child(name)? else {
                    return Ok(());
                };
                if program == ".hg" {
                    return links(&records, &OF_MERCURIAL);
                }
                if program == ".jj" {
                    return links(&records, &OF_JUJUTSU);
                }
                relics::remove(&records, COMMONDIR.as_ref())?;
                self.repository(&records, &folder.path)
            }
            Some(_) if program == ".git" => {
                let target = repository_of(&folder.path).ok().flatten();
                match target.and_then(|target| self.reachable(&target)) {
                    Some(repository) => self.repository(&repository, &folder.path),
                    None => Ok(()),
                }
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Looks at a repository, if it is new; `around` is its working tree, or itself without one.
    fn repository(&self, git: &Folder, around: &Path) -> io::Result<()> {
        if self.is_known(git)? {
            return Ok(());
        }
        links(git, &OF_GIT)?;
        // Whose working tree it lies in decides, and its own is as new as it is.
        if !around
            .ancestors()
            .skip(1)
            .any(|top| self.tops.contains(top))
        {
            return Ok(());
        }
        scrub::repository(git)?;
        let common = common_of(&git.path).ok().flatten();
        match common.and_then(|common| self.reachable(&common)) {
            Some(common) if !self.is_known(&common)? => scrub::repository(&common),
            Some(_) | None => Ok(()),
        }
    }

    fn is_known(&self, git: &Folder) -> io::Result<bool> {
        let itself = git.itself()?;
        Ok(self.repositories.contains(&(itself.device, itself.inode)))
    }

    /// Opens a folder that lies in a workspace, wherever the path to it leads; what lies outside
    /// is not a command's work.
    fn reachable(&self, path: &Path) -> Option<Folder> {
        let path = fs::canonicalize(path).ok()?;
        let mut workspaces = self.workspaces.iter();
        workspaces
            .any(|workspace| path.starts_with(workspace) && path != *workspace)
            .then(|| Folder::open(&path).ok())?
    }
}

/// Removes symlinks of these names, which no program makes.
fn links(folder: &Folder, names: &[&str]) -> io::Result<()> {
    names.iter().try_for_each(|name| remove_link(folder, name))
}

/// Tells of protected files that are not what they were: who replaces a file on the host takes the
/// mount off it, and from then on the command could write it.
fn tell_of_replaced(seen: &[Seen]) {
    for path in replaced(seen) {
        let path = path.display();
        tracing::warn!(%path, "this was replaced from outside while a command ran, which could \
            write it from then on; look at it");
    }
}

fn replaced(seen: &[Seen]) -> impl Iterator<Item = &Path> {
    let protected = seen.iter().filter(|one| one.shown == Shown::ReadOnly);
    let replaced = protected.filter(|one| one.open().is_none());
    replaced.map(|one| one.path.as_path())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protected::Protection;

    #[test]
    fn a_file_that_was_replaced_from_outside_is_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        let config = root.join(".git/config");
        fs::create_dir_all(root.join(".git/hooks")).unwrap();
        fs::write(&config, "[core]\n").unwrap();
        let protection = Protection::survey(&[root], &[], &[]).unwrap();
        assert_eq!(replaced(protection.seen()).count(), 0);
        fs::write(&config, "[core]\n\tbare = false\n").unwrap();
        assert_eq!(replaced(protection.seen()).count(), 0);
        fs::write(config.with_extension("lock"), "[core]\n").unwrap();
        fs::rename(config.with_extension("lock"), &config).unwrap();
        let told: Vec<_> = replaced(protection.seen()).collect();
        assert_eq!(told, [&*config]);
    }
}
