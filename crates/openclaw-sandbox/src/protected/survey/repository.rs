//! What git and Mercurial act upon: hooks, settings, and the files that say where those are.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use rustix::{fs::FileType, io::Errno};

use super::{Absent, Survey, What, at};
use crate::{
    SandboxError,
    protected::{
        ProtectionFault,
        folder::{Folder, Next},
        relics::{self, COMMONDIR, HEAD, Watch},
        settings::Settings,
    },
};

/// How many repositories of a run are looked at.
const MOST: usize = 64;

/// How many repositories of submodules, and how many linked worktrees, one repository has before
/// the folder that holds them is protected as a whole.
const PARTS: usize = 16;

/// How deep the name of a submodule may be, as a path.
const NAME_DEPTH: usize = 4;

/// How much of a file of git's is read.
const LONGEST: u64 = 64 * 1024;

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
                    return self.protect(&records, "hgrc".as_ref(), Absent::Filled);
                }
                if relics::is_bare(folder).map_err(at(&folder.path))? {
                    return Err(SandboxError::ProtectedPath {
                        path: folder.path.join(HEAD),
                        fault: ProtectionFault::Bare,
                    });
                }
                self.relics.push(Watch::Bare(folder.clone()));
                self.repository(&records, Some(&folder.path), Role::Main)
            }
            Some(_) => {
                self.protect(folder, name.as_ref(), Absent::Left)?;
                let Some(target) = text(folder, name)
                    .as_deref()
                    .and_then(|text| text.strip_prefix("gitdir:"))
                    .map(|target| folder.path.join(target.trim()))
                else {
                    return Ok(());
                };
                self.linked(&target, Some(&folder.path))
            }
        }
    }

    /// Protects the repository that another file leads to, if it lies in a workspace.
    fn linked(&mut self, target: &Path, top: Option<&Path>) -> Result<(), SandboxError> {
        let Some((root, within)) = self.inside(target) else {
            return Ok(());
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
        if self.repositories.len() >= MOST {
            let path = git.path.display();
            tracing::warn!(%path, "more than {MOST} repositories; this one is not protected");
            return Ok(());
        }
        if !self.repositories.insert((itself.device, itself.inode)) {
            return Ok(());
        }
        let has = |name: &str| git.find(name).map(|found| found.is_some());
        let is_repository = has(HEAD).map_err(&failed)?;
        let settings = text(git, "config").map(|text| Settings::of(&text));
        let settings = settings.unwrap_or_default();
        if has(COMMONDIR).map_err(&failed)? {
            if role == Role::Main {
                return Err(SandboxError::ProtectedPath {
                    path: git.path.join(COMMONDIR),
                    fault: ProtectionFault::Commondir,
                });
            }
            return self.worktree(git, top);
        }
        self.relics.push(Watch::Commondir(git.clone()));
        let (closed, filled) = if is_repository {
            (Absent::Closed, Absent::Filled)
        } else {
            // `git init` is under way here, or has yet to come.
            (Absent::Left, Absent::Left)
        };
        self.protect(git, "config".as_ref(), filled)?;
        self.protect(git, "hooks".as_ref(), closed)?;
        self.protect(git, "config.worktree".as_ref(), per_worktree(&settings))?;
        self.elsewhere(git, top, &settings)?;
        self.submodules(git)?;
        self.worktrees(git, &settings)
    }

    /// Protects what the settings name.
    fn elsewhere(
        &mut self,
        git: &Folder,
        top: Option<&Path>,
        settings: &Settings,
    ) -> Result<(), SandboxError> {
        let worktree = settings.worktree.as_ref().map(|path| git.path.join(path));
        if let Some(top) = worktree.as_deref().or(top)
            && let Some(hooks) = settings.hooks_beneath(top)
        {
            self.pointed_at(&hooks, Absent::Closed)?;
        }
        for file in &settings.includes {
            self.pointed_at(&git.path.join(file), Absent::Filled)?;
        }
        Ok(())
    }

    /// Protects a path, if it lies in a workspace.
    fn pointed_at(&mut self, path: &Path, absent: Absent) -> Result<(), SandboxError> {
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
        match text(part, COMMONDIR) {
            Some(target) => self.linked(&part.path.join(target.trim()), top),
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
            for child in folders(&folder)? {
                if child.find(HEAD).map_err(at(&child.path))?.is_some() {
                    found.push(child);
                } else if depth < NAME_DEPTH {
                    waiting.push((child, depth + 1));
                }
                if found.len() + waiting.len() > PARTS {
                    return self.whole(&modules);
                }
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

/// Returns the beginning of a regular file, if it can be read.
fn text(folder: &Folder, name: &str) -> Option<String> {
    let found = folder.find(name).ok()??;
    let mut bytes = Vec::new();
    if found.kind == FileType::RegularFile {
        let file = folder.file(name).ok()?;
        file.take(LONGEST).read_to_end(&mut bytes).ok()?;
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
