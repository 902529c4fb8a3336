//! Writing lines, and letting old files go.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{ACTIVE, LogFiles, Place};
use crate::clock::Clock;
use crate::state_dir::private_dir;

/// How large a file may become, unless somebody says otherwise.
pub const DEFAULT_MAX_BYTES: u64 = 20_000_000;

/// How many full files there is room for, the one that is written to included.
const FILES: u64 = 6;

/// How many days a file is kept.
const DAYS: i32 = 14;

/// The file whose lock is held while files are put aside.
const LOCK: &str = ".rotation.lock";

/// Writes lines to the file of the day.
///
/// # Security
/// The files can be read by their owner only. What is written has to be masked already.
#[derive(Debug)]
pub struct LogWriter {
    files: LogFiles,
    max_bytes: u64,
    clock: Clock,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    id: FileId,
    place: Place,
    /// How large it is, as far as this process knows.
    size: u64,
}

/// Names a file whatever path it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId(u64, u64);

impl FileId {
    pub(super) fn of(about: &fs::Metadata) -> Self {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            Self(about.dev(), about.ino())
        }
        #[cfg(not(unix))]
        {
            // Elsewhere a file that is open is not put aside.
            Self(u64::from(about.is_file()), 0)
        }
    }

    /// Makes it of the numbers that [`FileId::parts`] has returned.
    pub(super) const fn from_parts(device: u64, number: u64) -> Self {
        Self(device, number)
    }

    /// Returns the numbers that it consists of.
    pub(super) const fn parts(self) -> (u64, u64) {
        (self.0, self.1)
    }
}

impl LogWriter {
    /// Makes a writer; nothing is touched before the first line.
    pub fn new(files: LogFiles, max_bytes: u64, clock: Clock) -> Self {
        Self {
            files,
            max_bytes: max_bytes.max(1),
            clock,
            open: None,
        }
    }

    /// Appends a line, which ends with its only line end, in one write.
    pub fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        let active = self.files.active(day(self.clock.now()));
        let mut open = match self.open.take() {
            Some(open) if self.is_current(&open, active) => open,
            // A new file, for the day or because another process has put the last one aside.
            _ => self.opened(active)?,
        };
        if open.size > 0 && open.size.saturating_add(length) > self.max_bytes {
            open = self.put_aside(open)?;
        }
        let written = open.file.write_all(line);
        open.size = open.size.saturating_add(length);
        self.open = Some(open);
        written
    }

    fn is_current(&self, open: &Open, active: Place) -> bool {
        open.place == active
            && fs::metadata(self.files.path(active))
                .is_ok_and(|about| FileId::of(&about) == open.id)
    }

    fn opened(&self, active: Place) -> io::Result<Open> {
        private_dir(&self.files.folder)?;
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(self.files.path(active))?;
        let about = file.metadata()?;
        #[cfg(unix)]
        keep_private(&file, &about)?;
        // A file of a new day is the occasion to let the oldest go.
        self.let_go(active)?;
        Ok(Open {
            id: FileId::of(&about),
            place: active,
            size: about.len(),
            file,
        })
    }

    /// Gives a full file a number and opens a new one.
    fn put_aside(&self, open: Open) -> io::Result<Open> {
        let lock = File::create(self.files.folder.join(LOCK))?;
        if lock.try_lock().is_err() {
            // Another process is doing it; a file may be a few lines too long.
            return Ok(open);
        }
        if self.is_current(&open, open.place) {
            let of_day = |place: &&Place| place.day == open.place.day && place.number != ACTIVE;
            let places = self.files.places()?;
            let last = places.iter().rev().find(of_day);
            let number = last.map_or(1, |last| last.number.saturating_add(1));
            let aside = Place {
                number,
                ..open.place
            };
            fs::rename(self.files.path(open.place), self.files.path(aside))?;
        }
        self.opened(open.place)
    }

    /// Removes what is too old, and what there is no room for.
    fn let_go(&self, active: Place) -> io::Result<()> {
        let room = self.max_bytes.saturating_mul(FILES);
        let oldest = day(self.clock.now()).checked_sub(jiff::Span::new().days(DAYS));
        // The one that is written to has its room whatever it holds.
        let mut taken = self.max_bytes;
        for place in self.files.places()?.into_iter().rev() {
            if place == active {
                continue;
            }
            let path = self.files.path(place);
            let too_old = match (place.day, &oldest) {
                (Some(day), Ok(oldest)) => day < *oldest,
                _ => false,
            };
            taken = taken.saturating_add(size(&path));
            if too_old || taken > room {
                match fs::remove_file(&path) {
                    Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

/// Takes rights away that others have to a file that was there before.
#[cfg(unix)]
fn keep_private(file: &File, about: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    if about.permissions().mode() & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |about| about.len())
}

fn day(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}
