//! What git and Mercurial act upon: hooks, settings, and the files that say where those are.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use rustix::{fs::FileType, io::Errno};

use super::{Absent, Survey, What, at, stays};
use crate::{
    SandboxError,
    protected::{
        ProtectionFault,
        folder::{Folder, Next},
        placeholder::is_empty,
        relics::{self, COMMONDIR, HEAD, Watch},
        settings::{self, Settings, repository_of},
    },
};

/// How many repositories of submodules, and how many linked worktrees, one repository has before
/// the folder that holds them is protected as a whole.
const PARTS: usize = 16;

/// How deep the name of a submodule may be, as a path, before that happens.
const NAME_DEPTH: usize = 6;

/// What makes us take a folder for the repository of a submodule. A command can remove some of it
/// and make some of it, so one is enough.
const SIGNS: [&str; 5] = [HEAD, "config", "hooks", "objects", "refs"];

/// Folders of a repository in which no repository of a submodule lies.
const INNER: [&str; 9] = [
    "branches",
    "hooks",
    "info",
    "lfs",
    "logs",
    "modules",
    "objects",
    "refs",
    "worktrees",
];

/// What kind of a repository a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// `.git` as a folder.
    Main,
    /// What a `.git` file leads to: that of a submodule, or the part of a linked worktree.
    Linked,
}

impl Survey<'_> {
    /// Protects the records of a version control program in a folder.
    pub(super) fn records(&mut self, folder: &Folder, name: &str) -> Result<(), SandboxError> {
        let path = folder.path.join(name);
        self.records.insert(path.clone());
        match folder
            .find(name)
            .map_err(at(&path))?
            .map(|found| found.kind)
        {
            None => Ok(()),
            Some(FileType::Symlink) => Err(SandboxError::ProtectedPath {
                path,
                fault: ProtectionFault::Symlink,
            }),
            Some(FileType::Directory) => {
                let Some(records) = folder.child(name).map_err(at(&path))? else {
                    return Ok(());
                };
                if name.eq_ignore_ascii_case(".hg") {
                    return self.mercurial(&records);
                }
                if name.eq_ignore_ascii_case(".jj") {
                    return self.jujutsu(&records);
                }
                self.tops.insert(folder.path.clone());
                // What a command left whose run was cut off. No repository has it.
                if relics::is_bare(folder).map_err(at(&folder.path))? {
                    relics::remove(folder, HEAD.as_ref()).map_err(stays(&folder.path))?;
                }
                self.relics.push(Watch::Bare(folder.path.clone()));
                self.repository(&records, Some(&folder.path), Role::Main)
            }
            Some(_) => {
                self.protect(folder, name.as_ref(), Absent::Left)?;
                self.tops.insert(folder.path.clone());
                let Some(target) = repository_of(&folder.path)? else {
                    return Ok(());
                };
                self.linked(&target, Some(&folder.path))
            }
        }
    }

    /// Protects a repository without a working tree.
    pub(super) fn bare(&mut self, folder: &Folder) -> Result<(), SandboxError> {
        self.repository(folder, None, Role::Linked)
    }

    /// Protects what a workspace without records of its own has of a repository: it may be one
    /// itself, or lie in the working tree of one that has hooks here.
    pub(super) fn without_records(&mut self, root: &Folder) -> Result<(), SandboxError> {
        let failed = at(&root.path);
        if root.find(".git").map_err(&failed)?.is_some() {
            return Ok(());
        }
        // As if they were there: the command may make a repository, which the next run refuses
        // with these in it.
        self.relics
            .push(Watch::Made(root.path.join(".git"), COMMONDIR));
        if relics::is_bare(root).map_err(&failed)? {
            self.repository(root, None, Role::Linked)?;
        } else {
            self.relics.push(Watch::Bare(root.path.clone()));
        }
        for top in root.path.ancestors().skip(1) {
            if let Some(git) = repository_of(top)? {
                self.tops.insert(top.to_path_buf());
                return self.elsewhere(&git, Some(top));
            }
        }
        Ok(())
    }

    /// Protects the repository that another file leads to, or what it names in a workspace.
    fn linked(&mut self, target: &Path, top: Option<&Path>) -> Result<(), SandboxError> {
        let Some((root, within)) = self.inside(target) else {
            return self.elsewhere(target, top);
        };
        let path = root.join(within);
        match Folder::open(&path) {
            Ok(repository) => self.repository(&repository, top, Role::Linked),
            Err(err) => match Errno::from_io_error(&err) {
                Some(Errno::NOENT | Errno::NOTDIR) => Ok(()),
                Some(Errno::LOOP) => Err(SandboxError::ProtectedPath {
                    path,
                    fault: ProtectionFault::Symlink,
                }),
                Some(_) | None => Err(at(&path)(err)),
            },
        }
    }

    /// Protects the hooks and settings of a repository, whose working tree is at `top`.
    fn repository(
        &mut self,
        git: &Folder,
        top: Option<&Path>,
        role: Role,
    ) -> Result<(), SandboxError> {
        let failed = at(&git.path);
        let itself = git.itself().map_err(&failed)?;
        let first = self.repositories.insert((itself.device, itself.inode));
        if git.find(COMMONDIR).map_err(&failed)?.is_some() {
            match role {
                // The same, left by a command.
                Role::Main => {
                    relics::remove(git, COMMONDIR.as_ref()).map_err(stays(&git.path))?;
                }
                Role::Linked if first => return self.worktree(git, top),
                Role::Linked => return Ok(()),
            }
        }
        self.elsewhere(&git.path, top)?;
        if !first {
            return Ok(());
        }
        self.relics.push(Watch::Made(git.path.clone(), COMMONDIR));
        // Not by what makes git take it for a repository: a command can take that away for a
        // while. Only where nothing is, `git init` has yet to come.
        let (closed, filled) = if is_empty(git).map_err(&failed)? {
            (Absent::Left, Absent::Left)
        } else {
            (Absent::Closed, Absent::Filled)
        };
        let settings = Settings::read(&git.path)?;
        self.protect(git, "config".as_ref(), filled)?;
        self.protect(git, "hooks".as_ref(), closed)?;
        self.protect(git, "config.worktree".as_ref(), per_worktree(&settings))?;
        self.submodules(git)?;
        self.worktrees(git, &settings)?;
        let mut missing = Vec::new();
        for name in ["config.worktree", "modules", "worktrees"] {
            if git.find(name).map_err(&failed)?.is_none() {
                missing.push(name.into());
            }
        }
        self.relics.push(Watch::Links(git.path.clone(), missing));
        Ok(())
    }

    /// Protects what the settings name, of a repository that may lie anywhere.
    fn elsewhere(&mut self, git: &Path, top: Option<&Path>) -> Result<(), SandboxError> {
        let settings = Settings::read(git)?;
        let worktree = settings.worktree.as_ref().map(|path| git.join(path));
        if let Some(top) = worktree.as_deref().or(top) {
            for hooks in settings.hooks_beneath(top) {
                self.pointed_at(&hooks, Absent::Closed)?;
            }
        }
        for file in &settings.includes {
            self.pointed_at(file, Absent::Filled)?;
        }
        Ok(())
    }

    /// Protects a path, if it lies in a workspace.
    pub(super) fn pointed_at(&mut self, path: &Path, absent: Absent) -> Result<(), SandboxError> {
        match self.inside(path) {
            Some((root, within)) => {
                let root = Folder::open(&root).map_err(at(&root))?;
                self.named(&root, &within, absent)
            }
            None => Ok(()),
        }
    }

    /// Protects the part of a repository that belongs to one linked worktree.
    fn worktree(&mut self, part: &Folder, top: Option<&Path>) -> Result<(), SandboxError> {
        self.protect(part, COMMONDIR.as_ref(), Absent::Left)?;
        self.protect(part, "config.worktree".as_ref(), Absent::Left)?;
        self.elsewhere(&part.path, top)?;
        match settings::common_of(&part.path)? {
            Some(common) => self.linked(&common, None),
            None => Ok(()),
        }
    }

    /// Protects the repositories of submodules.
    fn submodules(&mut self, git: &Folder) -> Result<(), SandboxError> {
        let Some(modules) = git.child("modules").map_err(at(&git.path))? else {
            return no_symlink(git, "modules");
        };
        let mut found = Vec::new();
        let mut waiting = vec![(modules.clone(), 0)];
        while let Some((folder, depth)) = waiting.pop() {
            let children = folders(&folder)?;
            if children.len() > PARTS {
                return self.whole(&modules);
            }
            let is_repository = depth > 0 && is_like_repository(&folder)?;
            for child in children {
                let name = child.path.file_name();
                if is_repository && INNER.iter().any(|inner| name == Some(OsStr::new(inner))) {
                    continue;
                }
                waiting.push((child, depth + 1));
                if depth >= NAME_DEPTH || found.len() + waiting.len() > PARTS {
                    return self.whole(&modules);
                }
            }
            if is_repository {
                found.push(folder);
            }
        }
        for repository in found {
            self.repository(&repository, None, Role::Linked)?;
        }
        Ok(())
    }

    /// Protects the parts of linked worktrees.
    fn worktrees(&mut self, git: &Folder, settings: &Settings) -> Result<(), SandboxError> {
        let Some(worktrees) = git.child("worktrees").map_err(at(&git.path))? else {
            return no_symlink(git, "worktrees");
        };
        let parts = folders(&worktrees)?;
        if parts.len() > PARTS {
            return self.whole(&worktrees);
        }
        for part in parts {
            self.protect(&part, COMMONDIR.as_ref(), Absent::Left)?;
            self.protect(&part, "config.worktree".as_ref(), per_worktree(settings))?;
        }
        Ok(())
    }

    fn whole(&mut self, folder: &Folder) -> Result<(), SandboxError> {
        let itself = folder.itself().map_err(at(&folder.path))?;
        self.note(&folder.path, What::ReadOnly, itself)
    }
}

/// Refuses a symlink in the place of a folder of git's.
fn no_symlink(git: &Folder, name: &str) -> Result<(), SandboxError> {
    let path = git.path.join(name);
    let found = git.find(name).map_err(at(&path))?;
    match found.map(|found| found.kind) {
        Some(FileType::Symlink) => Err(SandboxError::ProtectedPath {
            path,
            fault: ProtectionFault::Symlink,
        }),
        Some(_) | None => Ok(()),
    }
}

fn per_worktree(settings: &Settings) -> Absent {
    if settings.reads_worktree() {
        Absent::Filled
    } else {
        Absent::Left
    }
}

/// Returns the folders in a folder; one more than [`PARTS`] is enough to know that they are many.
fn folders(folder: &Folder) -> Result<Vec<Folder>, SandboxError> {
    let mut names: Vec<PathBuf> = Vec::new();
    let read = folder.entries(|name, kind| {
        if kind == FileType::Directory {
            names.push(name.into());
        }
        Ok(if names.len() > PARTS {
            Next::Enough
        } else {
            Next::More
        })
    });
    read.map_err(at(&folder.path))?;
    let mut found = Vec::new();
    for name in names {
        found.extend(folder.child(name).map_err(at(&folder.path))?);
    }
    Ok(found)
}

fn is_like_repository(folder: &Folder) -> Result<bool, SandboxError> {
    for sign in SIGNS {
        if folder.find(sign).map_err(at(&folder.path))?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
