//! Going through a folder with all that lies in it.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use cap_std::fs::Dir;
use tokio_util::sync::CancellationToken;

use super::{EntryKind, Fault, FileError, Folder, OpenFile, Workspace, write::open_real};

/// How far a walk goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalkBounds {
    /// The most folders within folders.
    pub depth: usize,
    /// The most entries that are looked at.
    pub entries: usize,
    /// The longest that it takes, what the visitor does included.
    pub time: Duration,
}

impl Default for WalkBounds {
    fn default() -> Self {
        Self {
            depth: 64,
            entries: 500_000,
            time: Duration::from_secs(20),
        }
    }
}

/// Whoever is shown what a walk comes by.
pub trait Visitor: Send + 'static {
    /// Is told of a folder before its entries are shown.
    fn enter(&mut self, _folder: &Inside<'_>) {}

    /// Is told that all entries of the folder that was entered last have been shown.
    fn leave(&mut self) {}

    /// Is shown an entry and says how to go on. The entries of a folder come by name, each
    /// followed by what lies in it.
    fn see(&mut self, found: &Found<'_>) -> Next;
}

/// How a walk goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// With what lies in this entry, if it is a directory.
    Into,
    /// With what comes after it.
    Past,
    /// Not at all.
    Stop,
}

/// A directory whose entries are about to be shown.
#[derive(Debug)]
pub struct Inside<'a> {
    dir: &'a Dir,
    /// Where it is, relative to where the walk began; empty for that itself.
    pub path: &'a Path,
}

impl Inside<'_> {
    /// Opens a regular file of it.
    pub fn open(&self, name: &str) -> Result<OpenFile, FileError> {
        let path = Path::new(name);
        OpenFile::open(self.dir, path).map_err(|fault| fault.at("reading", self.path.join(path)))
    }
}

/// An entry that a walk has come by.
#[derive(Debug)]
pub struct Found<'a> {
    parent: &'a Dir,
    name: &'a Path,
    /// Where it is, relative to where the walk began; empty when it began at a file.
    pub path: &'a Path,
    /// What it is. A symlink is not followed.
    pub kind: EntryKind,
}

impl Found<'_> {
    /// Opens it, if it is a regular file.
    pub fn open(&self) -> Result<OpenFile, FileError> {
        OpenFile::open(self.parent, self.name)
            .map_err(|fault| fault.at("reading", self.path.to_path_buf()))
    }

    /// Returns how many bytes it has, if it is a regular file that is still there.
    pub fn size(&self) -> Option<u64> {
        let found = self.parent.symlink_metadata(self.name).ok()?;
        found.is_file().then(|| found.len())
    }
}

/// How a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalkEnd {
    /// Everything was shown.
    Whole,
    /// The visitor did not want more.
    Stopped,
    /// There are folders too deep to go into; everything else was shown.
    TooDeep,
    /// There are too many entries.
    TooMany,
    /// It took too long.
    TooLong,
    /// It was cancelled.
    Cancelled,
}

/// What a walk came to.
#[derive(Debug)]
pub struct Walked<V> {
    /// Whoever was shown it.
    pub visitor: V,
    /// How it ended.
    pub end: WalkEnd,
    /// How many directories could not be looked into.
    pub unreadable: usize,
}

/// A directory that is being gone through.
struct Level {
    dir: Dir,
    path: PathBuf,
    entries: std::vec::IntoIter<(OsString, EntryKind)>,
}

struct Walk<V> {
    visitor: V,
    bounds: WalkBounds,
    until: Instant,
    stop: CancellationToken,
    levels: Vec<Level>,
    seen: usize,
    too_deep: usize,
    unreadable: usize,
}

impl Workspace {
    /// Shows a visitor everything that lies in the directory at `path`, or the file there.
    ///
    /// No symlink is followed on the way, so nothing is shown twice and nothing from elsewhere.
    ///
    /// # Cancel safety
    /// When the future is dropped, the walk goes on until `stop` is cancelled or it ends.
    pub async fn walk<V: Visitor>(
        &self,
        path: impl AsRef<Path>,
        visitor: V,
        bounds: WalkBounds,
        stop: CancellationToken,
    ) -> Result<Walked<V>, FileError> {
        self.with("searching", path, move |folder, path| {
            let until = Instant::now() + bounds.time;
            let walk = Walk {
                visitor,
                bounds,
                until,
                stop,
                levels: Vec::new(),
                seen: 0,
                too_deep: 0,
                unreadable: 0,
            };
            walk.of(folder, path)
        })
        .await
    }
}

impl<V: Visitor> Walk<V> {
    fn of(mut self, folder: &Folder, path: &Path) -> Result<Walked<V>, Fault> {
        let found = folder.dir.metadata(path)?;
        let kind = EntryKind::of(found.file_type());
        let end = if kind == EntryKind::Directory {
            let dir = folder.dir.open_dir(path)?;
            match self.enter(dir, PathBuf::new())? {
                Some(end) => end,
                None => self.go(),
            }
        } else {
            let next = self.visitor.see(&Found {
                parent: &folder.dir,
                name: path,
                path: Path::new(""),
                kind,
            });
            match next {
                Next::Into | Next::Past => WalkEnd::Whole,
                Next::Stop => WalkEnd::Stopped,
            }
        };
        Ok(Walked {
            visitor: self.visitor,
            end,
            unreadable: self.unreadable,
        })
    }

    fn go(&mut self) -> WalkEnd {
        while let Some(level) = self.levels.last_mut() {
            let Some((name, kind)) = level.entries.next() else {
                drop(self.levels.pop());
                self.visitor.leave();
                continue;
            };
            if let Some(end) = self.exhausted() {
                return end;
            }
            let Some(level) = self.levels.last() else {
                break;
            };
            let path = level.path.join(&name);
            let next = self.visitor.see(&Found {
                parent: &level.dir,
                name: Path::new(&name),
                path: &path,
                kind,
            });
            match next {
                Next::Stop => return WalkEnd::Stopped,
                Next::Into if kind == EntryKind::Directory => {
                    if let Some(end) = self.descend(&name, path) {
                        return end;
                    }
                }
                Next::Into | Next::Past => {}
            }
        }
        if self.too_deep > 0 {
            WalkEnd::TooDeep
        } else {
            WalkEnd::Whole
        }
    }

    /// Goes into a directory of the last one; what cannot be looked into is counted.
    fn descend(&mut self, name: &OsStr, path: PathBuf) -> Option<WalkEnd> {
        if self.levels.len() > self.bounds.depth {
            self.too_deep = self.too_deep.saturating_add(1);
            return None;
        }
        let level = self.levels.last()?;
        let entered = match open_real(&level.dir, name) {
            Ok(dir) => self.enter(dir, path),
            Err(err) => Err(err.into()),
        };
        entered.unwrap_or_else(|_| {
            self.unreadable = self.unreadable.saturating_add(1);
            None
        })
    }

    /// Reads the names of a directory, unless that takes the walk beyond its bounds.
    fn enter(&mut self, dir: Dir, path: PathBuf) -> Result<Option<WalkEnd>, Fault> {
        let mut entries = Vec::new();
        for entry in dir.entries()? {
            let entry = entry?;
            if let Some(end) = self.exhausted() {
                return Ok(Some(end));
            }
            self.seen = self.seen.saturating_add(1);
            entries.push((entry.file_name(), EntryKind::of(entry.file_type()?)));
        }
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        self.visitor.enter(&Inside {
            dir: &dir,
            path: &path,
        });
        self.levels.push(Level {
            dir,
            path,
            entries: entries.into_iter(),
        });
        Ok(None)
    }

    fn exhausted(&self) -> Option<WalkEnd> {
        if self.stop.is_cancelled() {
            Some(WalkEnd::Cancelled)
        } else if self.seen > self.bounds.entries {
            Some(WalkEnd::TooMany)
        } else if Instant::now() > self.until {
            Some(WalkEnd::TooLong)
        } else {
            None
        }
    }
}
