//! Changing files, all of them or none.

use std::{
    ffi::OsString,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
};

use cap_std::fs::{Dir, Permissions};
use parking_lot::Mutex;

use super::{
    EntryKind, Fault, FileError, Folder, Workspace, blocking, expect_file,
    write::{create, fill, fresh},
};

/// A file is compared with what is expected of it, and then replaced; nobody else of this process
/// comes in between.
static TURN: Mutex<()> = Mutex::new(());

/// One file that is to become another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where it is.
    pub path: PathBuf,
    /// What has to be there for the change to be made.
    pub before: Before,
    /// What is to be there afterwards; nothing, if that is `None`.
    pub after: Option<Vec<u8>>,
    /// The file whose permissions it gets when nothing was there before.
    pub like: Option<PathBuf>,
}

/// What is expected where a file is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before {
    /// Whatever is there, as long as it is a regular file.
    Anything,
    /// Nothing.
    Nothing,
    /// A file with exactly this content.
    Exactly(Vec<u8>),
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Where it is, relative to the folder and without symlinks.
    pub path: PathBuf,
    /// How many bytes it had before, if there was one.
    pub before: Option<u64>,
}

/// A change that was found to be possible.
struct Planned<'a> {
    change: &'a Change,
    changed: Changed,
    permissions: Option<Permissions>,
}

/// A change of which everything is on the disk but the file's name.
struct Staged {
    parent: Dir,
    name: OsString,
    /// Where the new content is.
    fresh: Option<PathBuf>,
    /// Where the old content is, once it is no longer there under its own name alone.
    old: Option<PathBuf>,
    /// Whether there is something at the place that was not there before.
    placed: bool,
}

/// What went wrong, and with which of the changes.
type Failed = (usize, Fault);

impl Workspace {
    /// Makes all of these changes or, when one of them cannot be made, none.
    ///
    /// A file that exists keeps its permissions; a symlink is followed while it stays inside, and
    /// folders that are missing are made. What programs of the owner act upon is not changed, by
    /// whatever path. A reader sees the old or the new content of each file; if the machine stops
    /// in between, some files may be new and others old.
    pub async fn change(&self, changes: Vec<Change>) -> Result<Vec<Changed>, FileError> {
        let folder = Arc::clone(&self.folder);
        let protected = Arc::clone(&self.protected);
        let first = changes.first().map(|change| change.path.clone());
        let work = move || {
            let done = folder.change(&changes, &protected);
            Ok(done.map_err(|(index, fault)| {
                let path = changes.get(index).map(|change| change.path.clone());
                fault.at("writing", path.unwrap_or_default())
            }))
        };
        let done = blocking("writing", first.unwrap_or_default(), work).await?;
        done.map_err(|err| self.named(err))
    }
}

impl Folder {
    fn change(&self, changes: &[Change], protected: &[PathBuf]) -> Result<Vec<Changed>, Failed> {
        let mut planned: Vec<Planned<'_>> = Vec::with_capacity(changes.len());
        for (index, change) in changes.iter().enumerate() {
            let plan = self
                .plan(change, protected)
                .map_err(|fault| (index, fault))?;
            // After the first change, what the second one expects is no longer there.
            if planned
                .iter()
                .any(|other| other.changed.path == plan.changed.path)
            {
                return Err((index, Fault::Changed));
            }
            planned.push(plan);
        }
        let (mut staged, mut made) = (Vec::new(), Vec::new());
        let done = self.make(&planned, &mut staged, &mut made);
        if done.is_err() {
            for change in staged.iter_mut().rev() {
                change.undo();
            }
        }
        for change in &staged {
            change.tidy();
        }
        if done.is_err() {
            // A folder that somebody has put something into meanwhile stays.
            for folder in made.iter().rev() {
                drop(self.dir.remove_dir(folder));
            }
        }
        done?;
        Ok(planned.into_iter().map(|plan| plan.changed).collect())
    }

    fn plan<'a>(&self, change: &'a Change, protected: &[PathBuf]) -> Result<Planned<'a>, Fault> {
        let path = self.relative(&change.path)?;
        let target = self.target(&path, protected)?;
        if target.file_name().is_none() {
            return Err(Fault::NotAFile(EntryKind::Directory));
        }
        let found = match self.dir.metadata(&target) {
            Ok(found) => Some(found),
            Err(err) if err.kind() == ErrorKind::NotFound => None,
            Err(err) => return Err(err.into()),
        };
        match (&found, &change.before) {
            (Some(_), Before::Nothing) => return Err(Fault::Exists),
            (None, Before::Exactly(_)) => return Err(Fault::Changed),
            (None, Before::Anything) if change.after.is_none() => {
                return Err(std::io::Error::from(ErrorKind::NotFound).into());
            }
            (Some(found), Before::Anything | Before::Exactly(_)) => {
                expect_file(found.file_type())?;
            }
            (None, Before::Anything | Before::Nothing) => {}
        }
        let permissions = match (&found, &change.like) {
            (Some(found), _) => Some(found.permissions()),
            (None, Some(like)) => Some(self.dir.metadata(self.relative(like)?)?.permissions()),
            (None, None) => None,
        };
        Ok(Planned {
            change,
            changed: Changed {
                path: target,
                before: found.as_ref().map(cap_std::fs::Metadata::len),
            },
            permissions,
        })
    }

    /// Writes everything beside the files, and puts it in their places when nothing is missing.
    fn make(
        &self,
        planned: &[Planned<'_>],
        staged: &mut Vec<Staged>,
        made: &mut Vec<PathBuf>,
    ) -> Result<(), Failed> {
        for (index, plan) in planned.iter().enumerate() {
            let failed = |fault| (index, fault);
            let stage = self.stage(plan, made).map_err(failed)?;
            staged.push(stage);
            if let (Some(stage), Some(content)) = (staged.last_mut(), &plan.change.after) {
                stage
                    .fill(content, plan.permissions.clone())
                    .map_err(failed)?;
            }
        }
        let _turn = TURN.lock();
        for (index, plan) in planned.iter().enumerate() {
            self.verify(plan).map_err(|fault| (index, fault))?;
        }
        // A single rename happens or does not.
        let keeps_old = planned.len() > 1;
        for (index, stage) in staged.iter_mut().enumerate() {
            let placed = if keeps_old {
                stage.set_aside().and_then(|()| stage.place())
            } else {
                stage.place()
            };
            placed.map_err(|fault| (index, fault))?;
        }
        Ok(())
    }

    fn stage(&self, plan: &Planned<'_>, made: &mut Vec<PathBuf>) -> Result<Staged, Fault> {
        let path = &plan.changed.path;
        let name = path
            .file_name()
            .ok_or(Fault::NotAFile(EntryKind::Directory))?;
        Ok(Staged {
            parent: self.descend(path.parent().unwrap_or(Path::new("")), made)?,
            name: name.to_owned(),
            fresh: None,
            old: None,
            placed: false,
        })
    }

    /// Looks whether a file is still what is expected.
    fn verify(&self, plan: &Planned<'_>) -> Result<(), Fault> {
        let path = &plan.changed.path;
        match &plan.change.before {
            Before::Anything => Ok(()),
            Before::Nothing => match self.dir.symlink_metadata(path) {
                Ok(_) => Err(Fault::Exists),
                Err(_) => Ok(()),
            },
            Before::Exactly(content) => {
                let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
                match self.read(path, length) {
                    Ok(found) if found == *content => Ok(()),
                    Ok(_) | Err(Fault::TooLarge(_)) => Err(Fault::Changed),
                    Err(fault) => Err(fault),
                }
            }
        }
    }
}

impl Staged {
    fn fill(&mut self, content: &[u8], permissions: Option<Permissions>) -> Result<(), Fault> {
        let (name, file) = create(&self.parent)?;
        self.fresh = Some(name);
        Ok(fill(file, content, permissions)?)
    }

    /// Gives the old file a second name, so that it can be had back.
    fn set_aside(&mut self) -> Result<(), Fault> {
        let found = self.parent.symlink_metadata(&self.name);
        if found.is_err_and(|err| err.kind() == ErrorKind::NotFound) {
            return Ok(());
        }
        let linked = fresh(|name| self.parent.hard_link(&self.name, &self.parent, name));
        let (name, ()) = match linked {
            Ok(linked) => linked,
            // Not every file system has second names; then it has none of its own for a moment.
            Err(_) => fresh(|name| self.parent.rename(&self.name, &self.parent, name))?,
        };
        self.old = Some(name);
        Ok(())
    }

    fn place(&mut self) -> Result<(), Fault> {
        match &self.fresh {
            Some(fresh) => {
                self.parent.rename(fresh, &self.parent, &self.name)?;
                self.placed = true;
            }
            None => match self.parent.remove_file(&self.name) {
                // It has no other name than the one that it was set aside under.
                Err(err) if err.kind() == ErrorKind::NotFound && self.old.is_some() => {}
                done => done?,
            },
        }
        self.fresh = None;
        Ok(())
    }

    /// Puts the old file back in its place, or leaves nothing there.
    fn undo(&mut self) {
        let undone = match self.old.take() {
            Some(old) => {
                let undone = self.parent.rename(&old, &self.parent, &self.name);
                // Two names of one file stay as they are when one is renamed to the other.
                drop(self.parent.remove_file(&old));
                undone
            }
            None if self.placed => self.parent.remove_file(&self.name),
            None => Ok(()),
        };
        if let Err(err) = undone {
            tracing::warn!(%err, name = ?self.name, "a change of several files could not be undone");
        }
    }

    /// Removes what is left beside the file.
    fn tidy(&self) {
        for name in self.fresh.iter().chain(&self.old) {
            drop(self.parent.remove_file(name));
        }
    }
}
