//! Where symlinks of a protected folder lead to, such as hooks that are kept elsewhere.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use rustix::fs::FileType;

use super::{Absent, Survey, What, at};
use crate::{
    SandboxError,
    protected::{
        folder::{Folder, Next},
        relics::Watch,
    },
};

/// How many entries of a protected folder are looked at for symlinks.
const LINKS: usize = 256;

/// How many symlinks the way from one of them has; the kernel follows no more.
const WAYS: usize = 40;

impl Survey<'_> {
    /// Protects the files in the workspaces that symlinks of a protected folder lead to.
    pub(super) fn links(&mut self, folder: &Folder) -> Result<(), SandboxError> {
        let mut links = Vec::new();
        let mut looked = 0;
        let read = folder.entries(|name, kind| {
            if kind == FileType::Symlink {
                links.push(folder.path.join(name));
            }
            looked += 1;
            Ok(if looked < LINKS {
                Next::More
            } else {
                Next::Enough
            })
        });
        read.map_err(at(&folder.path))?;
        for link in links {
            let Ok(target) = fs::canonicalize(&link) else {
                continue;
            };
            if let Some((root, within)) = self.inside(&target)
                && target.is_file()
            {
                let root = Folder::open(&root).map_err(at(&root))?;
                self.named(&root, &within, Absent::Left)?;
                self.ways(&link)?;
            }
        }
        Ok(())
    }

    /// Notes the symlinks on the way from a symlink, which no mount can keep from being replaced.
    fn ways(&mut self, link: &Path) -> Result<(), SandboxError> {
        for (way, target) in ways(link) {
            let (Some(_), Some(folder)) = (self.inside(&way), way.parent()) else {
                continue;
            };
            let itself = Folder::open(folder).and_then(|folder| folder.itself());
            self.note(folder, What::Own, itself.map_err(at(folder))?)?;
            self.relics.push(Watch::Way(way, target));
        }
        Ok(())
    }
}

/// Returns the symlinks on the way from `link`, without itself, and where they lead to.
fn ways(link: &Path) -> Vec<(PathBuf, PathBuf)> {
    let mut ways = Vec::new();
    let (Some(folder), Ok(target)) = (link.parent(), fs::read_link(link)) else {
        return ways;
    };
    let mut here = folder.to_path_buf();
    let mut rest = target;
    while ways.len() < WAYS {
        let mut parts = rest.components();
        let Some(part) = parts.next() else { break };
        let after = parts.as_path().to_path_buf();
        match part {
            Component::Prefix(_) | Component::CurDir => {}
            Component::RootDir => here = PathBuf::from("/"),
            Component::ParentDir => drop(here.pop()),
            Component::Normal(name) => {
                let there = here.join(name);
                if let Ok(target) = fs::read_link(&there) {
                    ways.push((there, target.clone()));
                    rest = target.join(after);
                    continue;
                }
                here = there;
            }
        }
        rest = after;
    }
    ways
}
