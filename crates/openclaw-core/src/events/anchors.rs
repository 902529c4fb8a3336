//! The anchors: a second record of every event's hash, in a file beside the database.
//!
//! Whoever rewrites a whole session in the database, with new hashes that fit each other, or cuts
//! off its end, or takes it out, leaves the anchors as they were. Each position of the log has one
//! slot of 32 bytes: a tag over the event's place, session and hash, and a byte that says whether
//! the event's commit is known to have succeeded. The tag is written before the commit and
//! confirmed after it, so that a killed process leaves no event without a tag, and no confirmed
//! tag without its event.
//!
//! The file is not synced with every commit. After a power loss the newest slots may be empty, or
//! hold what was announced for a commit that never came about; the header names the boot of the
//! machine that wrote last, so that such slots are believed to come from a power loss only when
//! the machine has been restarted since.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::Position;
use super::hash::EventHash;
use crate::state_dir::private_file;

/// The first half of the header.
const MAGIC: [u8; 16] = *b"openclaw anchor1";
/// Names what is hashed.
const DOMAIN: &[u8] = b"openclaw anchor 1\0";
/// The bytes of a slot, and of the header.
const SLOT: usize = 32;
/// How many of the newest slots a power loss may leave empty.
pub(super) const WINDOW: u64 = 4096;
/// After how many slots the file is synced, well within [`WINDOW`].
const SYNC_EVERY: u64 = 1024;

/// Whether an event's commit is known to have succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Pending,
    Confirmed,
}

/// What is anchored of an event.
#[derive(Clone, Debug)]
pub(super) struct Anchor {
    pub(super) position: Position,
    pub(super) session: String,
    pub(super) seq: i64,
    pub(super) hash: EventHash,
}

/// What a slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot([u8; SLOT]);

impl Slot {
    /// What was never written.
    pub(super) const EMPTY: Self = Self([0; SLOT]);

    pub(super) fn new(anchor: &Anchor, state: State) -> Self {
        let mut hasher = Sha256::new_with_prefix(DOMAIN);
        hasher.update(anchor.position.to_be_bytes());
        hasher.update(anchor.seq.to_be_bytes());
        hasher.update(anchor.hash.as_bytes());
        hasher.update(&anchor.session);
        let mut slot: [u8; SLOT] = hasher.finalize().into();
        if let Some(last) = slot.last_mut() {
            *last = match state {
                State::Pending => 1,
                State::Confirmed => 2,
            };
        }
        Self(slot)
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::EMPTY
    }

    pub(super) fn is_confirmed(&self) -> bool {
        self.0.last() == Some(&2)
    }

    /// Tells whether this is the slot of that event, confirmed or not.
    pub(super) fn is_of(&self, anchor: &Anchor) -> bool {
        *self == Self::new(anchor, State::Confirmed) || *self == Self::new(anchor, State::Pending)
    }
}

/// What the file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// The open file.
#[derive(Debug)]
pub(super) struct Anchors {
    place: Place,
    written: u64,
}

#[derive(Debug)]
enum Place {
    File(File),
    /// As they lie in a backup.
    Copy(Vec<u8>),
}

impl Anchors {
    /// Returns the path of the anchors of the database at `path`.
    pub(super) fn path(database: &Path) -> PathBuf {
        let mut name = database.as_os_str().to_owned();
        name.push("-anchors");
        PathBuf::from(name)
    }

    /// Makes the file, or takes the one that is there.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        match private_file(path) {
            Ok(_) => {}
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {}
            Err(err) => return Err(err),
        }
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let anchors = Self {
            place: Place::File(file),
            written: 0,
        };
        anchors.mark_boot()?;
        // A file that is there but has no header would be taken for none.
        if let Place::File(file) = &anchors.place {
            file.sync_all()?;
        }
        Ok(anchors)
    }

    /// Opens the file if there is one with our header.
    pub(super) fn open(path: &Path, access: Access) -> io::Result<Option<Self>> {
        let write = access == Access::Write;
        let file = match OpenOptions::new().read(true).write(write).open(path) {
            Ok(file) => file,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(err) => return Err(err),
        };
        Self::checked(Place::File(file))
    }

    /// Takes the anchors that [`Anchors::copy`] returned.
    pub(super) fn from_copy(bytes: Vec<u8>) -> io::Result<Option<Self>> {
        Self::checked(Place::Copy(bytes))
    }

    fn checked(place: Place) -> io::Result<Option<Self>> {
        let anchors = Self { place, written: 0 };
        let header = anchors.header()?;
        let (magic, boot) = header.split_at(MAGIC.len());
        // A header that was cut or emptied must not pass for one from before a restart.
        let whole = boot != [0; 16] || boot_id().is_none();
        Ok((magic == MAGIC && whole).then_some(anchors))
    }

    /// Returns the header and the slots up to a position.
    pub(super) fn copy(&self, last: Position) -> io::Result<Vec<u8>> {
        let end = usize::try_from(offset(last.saturating_add(1))).map_err(io::Error::other)?;
        let mut bytes = vec![0; end];
        self.read_at(&mut bytes, 0)?;
        Ok(bytes)
    }

    fn header(&self) -> io::Result<[u8; SLOT]> {
        let mut header = [0; SLOT];
        self.read_at(&mut header, 0)?;
        Ok(header)
    }

    /// Tells whether the machine was, or may have been, restarted since the last mark.
    pub(super) fn restarted(&self) -> io::Result<bool> {
        if matches!(self.place, Place::Copy(_)) {
            return Ok(false);
        }
        let header = self.header()?;
        let (_, marked) = header.split_at(MAGIC.len());
        Ok(boot_id().is_none_or(|boot| boot != marked))
    }

    /// Notes that this boot of the machine writes.
    pub(super) fn mark_boot(&self) -> io::Result<()> {
        let mut header = [0; SLOT];
        let (magic, boot) = header.split_at_mut(MAGIC.len());
        magic.copy_from_slice(&MAGIC);
        boot.copy_from_slice(&boot_id().unwrap_or_default());
        self.write_at(&header, 0)
    }

    /// Writes the slots of events that follow each other in the log.
    pub(super) fn write(&mut self, anchors: &[Anchor], state: State) -> io::Result<()> {
        let Some(first) = anchors.first() else {
            return Ok(());
        };
        let slots: Vec<u8> = anchors
            .iter()
            .flat_map(|anchor| Slot::new(anchor, state).0)
            .collect();
        self.write_at(&slots, offset(first.position))?;
        if state == State::Confirmed {
            self.written = self.written.saturating_add(count(anchors.len()));
            if self.written >= SYNC_EVERY {
                self.sync()?;
            }
        }
        Ok(())
    }

    /// Takes away the slots of all positions after the last one.
    pub(super) fn cut_after(&self, last: Position) -> io::Result<()> {
        match &self.place {
            Place::File(file) => {
                file.set_len(offset(last.saturating_add(1)))?;
                file.sync_data()
            }
            Place::Copy(_) => Err(io::ErrorKind::ReadOnlyFilesystem.into()),
        }
    }

    pub(super) fn sync(&mut self) -> io::Result<()> {
        if let Place::File(file) = &self.place
            && self.written > 0
        {
            file.sync_data()?;
            self.written = 0;
        }
        Ok(())
    }

    /// Returns the slots of `number` positions from `first` on; what was never written is empty.
    pub(super) fn read(&self, first: Position, number: usize) -> io::Result<Vec<Slot>> {
        let mut bytes = vec![0; number.saturating_mul(SLOT)];
        self.read_at(&mut bytes, offset(first))?;
        let (slots, _) = bytes.as_chunks::<SLOT>();
        Ok(slots.iter().copied().map(Slot).collect())
    }

    /// Returns the last position that has a slot.
    pub(super) fn end(&self) -> io::Result<Position> {
        let length = match &self.place {
            Place::File(file) => file.metadata()?.len(),
            Place::Copy(bytes) => count(bytes.len()),
        };
        Ok((length / count(SLOT)).saturating_sub(1))
    }

    /// Fills `bytes` from the file; what lies beyond its end stays zero.
    fn read_at(&self, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            let read = match &self.place {
                Place::File(file) => pread(file, bytes, offset)?,
                Place::Copy(copy) => {
                    let start = usize::try_from(offset).unwrap_or(usize::MAX);
                    copy.get(start..).unwrap_or_default().read(bytes)?
                }
            };
            if read == 0 {
                break;
            }
            offset = offset.saturating_add(count(read));
            bytes = bytes.get_mut(read..).unwrap_or_default();
        }
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        match &self.place {
            Place::File(file) => pwrite(file, bytes, offset),
            Place::Copy(_) => Err(io::ErrorKind::ReadOnlyFilesystem.into()),
        }
    }
}

/// Position 0 is no event's; the header is there.
fn offset(position: Position) -> u64 {
    position.saturating_mul(count(SLOT))
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Returns what the kernel calls this boot of the machine, where it says so.
fn boot_id() -> Option<[u8; 16]> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let id: uuid::Uuid = text.trim().parse().ok()?;
    Some(id.into_bytes())
}

#[cfg(unix)]
fn pread(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, bytes, offset)
}

#[cfg(unix)]
fn pwrite(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
fn pread(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, bytes, offset)
}

#[cfg(windows)]
fn pwrite(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        offset = offset.saturating_add(count(written));
        bytes = bytes.get(written..).unwrap_or_default();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchor(position: Position) -> Anchor {
        Anchor {
            position,
            session: "agent:main:main".into(),
            seq: 1,
            hash: EventHash::START,
        }
    }

    #[test]
    fn a_slot_is_bound_to_its_event_and_place() {
        let slot = Slot::new(&anchor(3), State::Pending);
        assert!(slot.is_of(&anchor(3)) && !slot.is_confirmed() && !slot.is_empty());
        assert!(!slot.is_of(&anchor(4)));
        let renamed = Anchor {
            session: "agent:main:other".into(),
            ..anchor(3)
        };
        assert!(!slot.is_of(&renamed));
    }

    #[test]
    fn slots_are_read_where_they_were_written_and_empty_elsewhere() {
        let dir = tempfile::tempdir().unwrap();
        let path = Anchors::path(&dir.path().join("events.sqlite"));
        assert!(Anchors::open(&path, Access::Read).unwrap().is_none());
        let mut anchors = Anchors::create(&path).unwrap();
        anchors
            .write(&[anchor(2), anchor(3)], State::Confirmed)
            .unwrap();
        let anchors = Anchors::open(&path, Access::Read).unwrap().unwrap();
        let found: Vec<bool> = anchors
            .read(1, 4)
            .unwrap()
            .iter()
            .map(Slot::is_confirmed)
            .collect();
        assert_eq!(found, [false, true, true, false]);
        assert_eq!(anchors.end().unwrap(), 3);
        assert_eq!(anchors.restarted().unwrap(), boot_id().is_none());
    }
}
