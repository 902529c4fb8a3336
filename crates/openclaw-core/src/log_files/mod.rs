//! The files of the log: how they are named, written and read.
//!
//! Each day has a file of its own, and one that grows too large is put aside under a number, so
//! that `openclaw-2026-11-23.1.log` is older than `openclaw-2026-11-23.log`. Several processes may
//! write to the same files. What is in a line is not known here.

mod page;
mod read;
mod write;

#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::civil::Date;

pub use page::{LogPage, LogPlace, NoLogPlace, PageSize, Piece, lines_from};
pub use read::Follow;
pub use write::{DEFAULT_MAX_BYTES, LogWriter};

use crate::state_dir::StateDir;

/// What the names of dated files begin with.
const STEM: &str = "openclaw-";
/// What all names end with, unless somebody chose one.
const EXTENSION: &str = "log";

/// Where the files of a log are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFiles {
    folder: PathBuf,
    name: Name,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    /// One file for each day.
    Dated,
    /// One file of this name (stem and extension).
    Fixed(String, String),
}

/// A file among those of a log: the day, and the number that it was put aside under. The one that
/// is written to has none, and is the newest of its day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    day: Option<Date>,
    number: u32,
}

/// The number of the file that is written to.
const ACTIVE: u32 = u32::MAX;

impl LogFiles {
    /// Returns the log files of a state directory.
    pub fn of(state: &StateDir) -> Self {
        Self {
            folder: state.logs(),
            name: Name::Dated,
        }
    }

    /// Returns the log files where somebody chose the file: it has no date in its name.
    pub fn at(file: &Path) -> Self {
        let (stem, extension) = (file.file_stem(), file.extension());
        Self {
            folder: file.parent().unwrap_or_else(|| Path::new(".")).to_owned(),
            name: Name::Fixed(text(stem), text(extension)),
        }
    }

    /// Returns the folder that they are in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the files that there are, the oldest first.
    pub fn existing(&self) -> io::Result<Vec<PathBuf>> {
        Ok(self
            .places()?
            .into_iter()
            .map(|place| self.path(place))
            .collect())
    }

    fn places(&self) -> io::Result<Vec<Place>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(err) => return Err(err),
        };
        let mut places = Vec::new();
        for entry in entries {
            places.extend(self.place(&entry?.file_name().to_string_lossy()));
        }
        places.sort_unstable();
        Ok(places)
    }

    fn place(&self, name: &str) -> Option<Place> {
        let (stem, extension) = match &self.name {
            Name::Dated => (STEM, EXTENSION),
            Name::Fixed(stem, extension) => (stem.as_str(), extension.as_str()),
        };
        let middle = name.strip_prefix(stem)?;
        let middle = match extension {
            "" => middle,
            extension => middle.strip_suffix(extension)?.strip_suffix('.')?,
        };
        let (day, number) = match &self.name {
            Name::Dated => {
                let (day, number) = match middle.split_once('.') {
                    Some((day, number)) => (day, Some(number)),
                    None => (middle, None),
                };
                (Some(day.parse().ok()?), number)
            }
            Name::Fixed(..) if middle.is_empty() => (None, None),
            Name::Fixed(..) => (None, Some(middle.strip_prefix('.')?)),
        };
        let number = number.map_or(Some(ACTIVE), |digits| {
            digits.parse().ok().filter(|number| *number != ACTIVE)
        })?;
        Some(Place { day, number })
    }

    fn path(&self, place: Place) -> PathBuf {
        let number = match place.number {
            ACTIVE => String::new(),
            number => format!(".{number}"),
        };
        let name = match (&self.name, place.day) {
            (Name::Fixed(stem, extension), _) if extension.is_empty() => format!("{stem}{number}"),
            (Name::Fixed(stem, extension), _) => format!("{stem}{number}.{extension}"),
            (Name::Dated, Some(day)) => format!("{STEM}{day}{number}.{EXTENSION}"),
            (Name::Dated, None) => format!("{STEM}{number}.{EXTENSION}"),
        };
        self.folder.join(name)
    }

    /// Returns the file that is written to on a day.
    fn active(&self, day: Date) -> Place {
        Place {
            day: (self.name == Name::Dated).then_some(day),
            number: ACTIVE,
        }
    }
}

fn text(part: Option<&OsStr>) -> String {
    part.unwrap_or_default().to_string_lossy().into_owned()
}
