//! The disk after a power loss.
//!
//! Promised are only: what was in a file when a sync of it began, once that sync has returned; and
//! the names in a folder likewise, by a sync of the folder. Each later change may be there, or not,
//! or in part by sectors, independently of the others; a file may have grown without the bytes that
//! made it grow, and then holds zeros or anything. No order between files, between names, or
//! between names and files is assumed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::trace::{Change, Entry, File, Operation, Recording};
use crate::durability::chance::Chance;

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// Which syncs do what they promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syncs {
    /// All of them.
    Kept,
    /// None.
    Lost,
    /// All but those of files whose names end so.
    LostOn(&'static str),
}

/// The files of a disk, by their names from its root.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) folders: BTreeSet<PathBuf>,
    pub(super) files: BTreeMap<PathBuf, Vec<u8>>,
}

/// SQLite's shared memory: it holds nothing that is not in the other files, is written through a
/// mapping that no record shows, and is made anew when the first process opens the store.
fn is_shared_memory(name: &Path) -> bool {
    name.to_string_lossy().ends_with("-shm")
}

impl Image {
    /// Reads the files below a folder.
    pub(super) fn read(root: &Path) -> Self {
        let mut image = Self::default();
        image.collect(root, Path::new(""));
        image
    }

    /// Returns what each name stands for; files are numbered in the order of their names.
    pub(super) fn entries(&self) -> impl Iterator<Item = (PathBuf, Entry)> {
        let folders = self
            .folders
            .iter()
            .map(|name| (name.clone(), Entry::Folder));
        let names = self.files.keys().cloned().enumerate();
        folders.chain(names.map(|(number, name)| (name, Entry::File(number))))
    }

    fn collect(&mut self, root: &Path, folder: &Path) {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let entry = entry.unwrap();
            let name = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                self.collect(root, &name);
                self.folders.insert(name);
            } else if !is_shared_memory(&name) {
                self.files
                    .insert(name, std::fs::read(entry.path()).unwrap());
            }
        }
    }

    /// Returns what is found when the machine has been started again.
    fn after_a_restart(mut self) -> Self {
        for (name, bytes) in &mut self.files {
            if is_anchors(name) {
                forget_boot(bytes);
            }
        }
        self
    }

    /// Writes the files below a folder; those whose folder is lost are lost with it.
    pub(super) fn write(&self, root: &Path) {
        for folder in &self.folders {
            let parent = root.join(folder.parent().unwrap());
            if parent.is_dir() {
                std::fs::create_dir(root.join(folder)).unwrap();
            }
        }
        for (name, bytes) in &self.files {
            let path = root.join(name);
            if path.parent().unwrap().is_dir() {
                std::fs::write(path, bytes).unwrap();
            }
        }
    }
}

/// The file beside the database that vouches for its events.
///
/// It is not synced with every commit and counts on finding zeros where bytes were lost, which
/// every file system with a journal gives; so it is spared what else may lie on a disk.
fn is_anchors(name: &Path) -> bool {
    name.to_string_lossy().ends_with("-anchors")
}

/// Replaces the name of this boot of the machine, which the anchors bear: a power loss ends it.
fn forget_boot(anchors: &mut [u8]) {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let boot: Uuid = boot.trim().parse().unwrap();
    let (names, _) = anchors.as_chunks_mut::<16>();
    for name in names.iter_mut().take(2) {
        if name == boot.as_bytes() {
            *name = Uuid::max().into_bytes();
        }
    }
}

/// Returns the disk with every change of the recording on it.
pub(super) fn everything(recording: &Recording) -> Image {
    killed(recording, usize::MAX)
}

/// Returns the disk as the next process finds it when this one is killed at `moment`: the system
/// does what it was asked for.
pub(super) fn killed(recording: &Recording, moment: usize) -> Image {
    let fate = |operation: &Operation| {
        if operation.begun < moment {
            Fate::Kept
        } else {
            Fate::NotYet
        }
    };
    build(recording, &fate, &mut Chance::new(0))
}

/// Returns a disk as it may be when the power goes at `moment`.
pub(super) fn left(
    recording: &Recording,
    moment: usize,
    syncs: Syncs,
    chance: &mut Chance,
) -> Image {
    let promised = Promises::at(recording, moment, syncs);
    // Now and then all of what was not synced is there, now and then nothing of it.
    let kept = *chance.pick(&[0, 10, 50, 90, 100]);
    let fate = |operation: &Operation| match operation {
        later if later.begun >= moment => Fate::NotYet,
        earlier if promised.hold(earlier) => Fate::Kept,
        _ => Fate::Open { kept },
    };
    build(recording, &fate, chance).after_a_restart()
}

/// What becomes of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is on the disk.
    Kept,
    /// It was not begun when the power went.
    NotYet,
    /// It is there so many times in a hundred.
    Open { kept: u64 },
}

/// From when on nothing is promised: the beginning of the last sync that has returned.
struct Promises {
    files: BTreeMap<File, usize>,
    folders: BTreeMap<PathBuf, usize>,
}

impl Promises {
    fn at(recording: &Recording, moment: usize, syncs: Syncs) -> Self {
        let mut promises = Self {
            files: BTreeMap::new(),
            folders: BTreeMap::new(),
        };
        let unreliable: BTreeSet<File> = match syncs {
            Syncs::LostOn(end) => {
                files_named(recording, |name| name.to_string_lossy().ends_with(end))
            }
            Syncs::Kept | Syncs::Lost => BTreeSet::new(),
        };
        for operation in &recording.operations {
            if operation.done >= moment || syncs == Syncs::Lost {
                continue;
            }
            match &operation.change {
                Change::Sync(file) if !unreliable.contains(file) => {
                    promises.files.insert(*file, operation.begun);
                }
                Change::SyncNames(folder) => {
                    promises.folders.insert(folder.clone(), operation.begun);
                }
                _ => {}
            }
        }
        promises
    }

    fn hold(&self, operation: &Operation) -> bool {
        let until = match &operation.change {
            Change::Bytes { file, .. } | Change::Length { file, .. } => self.files.get(file),
            Change::Name { name, .. } => self.folders.get(name.parent().unwrap()),
            Change::Sync(_) | Change::SyncNames(_) | Change::Acknowledged(_) => None,
        };
        until.is_some_and(|until| operation.done < *until)
    }
}

/// Returns the files that ever had a name like that.
pub(super) fn files_named(
    recording: &Recording,
    is_meant: impl Fn(&Path) -> bool,
) -> BTreeSet<File> {
    let before = recording.before.entries();
    let made = recording.operations.iter().filter_map(|operation| {
        let Change::Name { name, stands_for } = &operation.change else {
            return None;
        };
        Some((name.clone(), (*stands_for)?))
    });
    before
        .chain(made)
        .filter_map(|(name, entry)| match entry {
            Entry::File(file) if is_meant(&name) => Some(file),
            Entry::File(_) | Entry::Folder => None,
        })
        .collect()
}

fn build(recording: &Recording, fate: &dyn Fn(&Operation) -> Fate, chance: &mut Chance) -> Image {
    let before = &recording.before;
    let mut files: BTreeMap<File, Vec<u8>> = before.files.values().cloned().enumerate().collect();
    let mut names: BTreeMap<PathBuf, Option<Entry>> = before
        .entries()
        .map(|(name, entry)| (name, Some(entry)))
        .collect();
    let anchors = files_named(recording, is_anchors);
    // The changes of one name happen in their order: when one is lost, so are those after it.
    let mut stuck: BTreeSet<&Path> = BTreeSet::new();
    for operation in &recording.operations {
        let fate = fate(operation);
        if fate == Fate::NotYet {
            continue;
        }
        match &operation.change {
            Change::Bytes { file, at, bytes } => {
                let stale = chance.percent(50) && !anchors.contains(file);
                let fill = stale.then(|| chance.clone());
                let mut write = Write {
                    file: files.entry(*file).or_default(),
                    fill,
                };
                write.apply(*at, bytes, fate, chance);
            }
            Change::Length { file, length } => {
                if happens(fate, chance) {
                    files.entry(*file).or_default().resize(*length, 0);
                }
            }
            Change::Name { name, stands_for } => {
                if !stuck.contains(name.as_path()) && happens(fate, chance) {
                    names.insert(name.clone(), *stands_for);
                } else {
                    stuck.insert(name);
                }
            }
            Change::Sync(_) | Change::SyncNames(_) | Change::Acknowledged(_) => {}
        }
    }
    let mut image = Image::default();
    for (name, entry) in names {
        match entry {
            Some(Entry::Folder) => drop(image.folders.insert(name)),
            Some(Entry::File(_)) if is_shared_memory(&name) => {}
            Some(Entry::File(file)) => {
                let bytes = files.get(&file).cloned().unwrap_or_default();
                image.files.insert(name, bytes);
            }
            None => {}
        }
    }
    image
}

fn happens(fate: Fate, chance: &mut Chance) -> bool {
    match fate {
        Fate::Kept => true,
        Fate::NotYet => false,
        Fate::Open { kept } => chance.percent(kept),
    }
}

/// A write that may be lost.
struct Write<'a> {
    file: &'a mut Vec<u8>,
    /// What a file that has grown without its bytes holds: zeros, or what lay on the disk before.
    fill: Option<Chance>,
}

impl Write<'_> {
    fn apply(&mut self, at: usize, bytes: &[u8], fate: Fate, chance: &mut Chance) {
        let end = at + bytes.len();
        if happens(fate, chance) {
            return self.put(at, bytes);
        }
        match chance.below(3) {
            0 => {}
            // The length was written, the bytes were not.
            1 => self.grow(end),
            _ => {
                for sector in (at / SECTOR)..end.div_ceil(SECTOR) {
                    if chance.percent(50) {
                        let from = (sector * SECTOR).max(at);
                        let to = ((sector + 1) * SECTOR).min(end);
                        self.put(from, &bytes[from - at..to - at]);
                    }
                }
            }
        }
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.grow(at + bytes.len());
        self.file[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn grow(&mut self, length: usize) {
        let before = self.file.len().min(length);
        match &mut self.fill {
            Some(fill) if before < length => {
                let pattern = fill.next().to_le_bytes();
                let stale = pattern.repeat((length - before).div_ceil(pattern.len()));
                self.file.extend_from_slice(&stale);
                self.file.truncate(length);
            }
            _ => self.file.resize(self.file.len().max(length), 0),
        }
    }
}
