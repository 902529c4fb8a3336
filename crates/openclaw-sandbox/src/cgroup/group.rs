//! The control group of one run.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{
        Once,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    Obstacle,
    place::{self, Place, User},
    removal::{self, Directories, Name},
};
use crate::{Limits, SandboxConfig};

/// The most that the kernel takes for a number of processes.
const MOST_PROCESSES: u64 = 4_194_304;

/// A control group of one run; dropping it removes it.
#[derive(Debug)]
pub(crate) struct Group {
    entrances: Vec<File>,
    /// Where the kernel counts the processes that it killed for want of memory.
    killed: PathBuf,
    /// Dropped after the entrances.
    directories: Directories,
}

/// What a run may use as a whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) memory: Option<u64>,
    pub(super) processes: Option<u64>,
}

impl Group {
    /// Makes a group with the limits of a run, where this process may make one.
    ///
    /// Blocks on the file system. The first call removes what earlier processes left behind.
    pub(crate) fn make(config: &SandboxConfig, limits: &Limits) -> io::Result<Option<Self>> {
        static FIRST: Once = Once::new();
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let bounds = Bounds {
            memory: config.max_memory,
            processes: limits.processes,
        };
        if bounds.memory.or(bounds.processes).is_none() {
            return Ok(None);
        }
        let process = std::process::id();
        let made = place::ours().and_then(|place| {
            FIRST.call_once(|| {
                for parent in place.parents() {
                    removal::sweep(parent, process);
                }
            });
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let directories = directories(&place, Name { process, number })?;
            Ok((place, directories))
        });
        match made {
            Ok((place, directories)) => Self::limited(&place, directories, bounds).map(Some),
            Err(obstacle) => {
                tell(&obstacle);
                Ok(None)
            }
        }
    }

    /// The files to enter the group by, open for writing: a process without threads that writes
    /// `0` to each of them is in.
    pub(crate) fn procs(&self) -> &[File] {
        &self.entrances
    }

    /// Says whether the kernel killed something in the group because its memory was used up.
    pub(crate) fn ran_out(&self) -> bool {
        fs::read_to_string(&self.killed).is_ok_and(|counts| {
            counts
                .lines()
                .filter_map(|line| line.strip_prefix("oom_kill "))
                .any(|count| count.trim() != "0")
        })
    }

    /// Returns its directories, one for each hierarchy.
    pub(super) fn directories(&self) -> &[PathBuf] {
        &self.directories.0
    }

    pub(super) fn limited(
        place: &Place,
        directories: Directories,
        bounds: Bounds,
    ) -> io::Result<Self> {
        let processes = bounds.processes.map(|most| most.min(MOST_PROCESSES));
        // Moving a process waits until no process of the machine forks or ends, which takes ten
        // milliseconds; moving a single thread does not, and only the first version lets one move.
        let (entrance, counts) = match place {
            Place::V1 { .. } => ("tasks", "memory.oom_control"),
            Place::V2 { .. } => ("cgroup.procs", "memory.events"),
        };
        // With the first version these are two directories.
        let mut each = directories.0.iter();
        let memory = each.next().ok_or(io::ErrorKind::NotFound)?;
        let pids = each.next().unwrap_or(memory);
        if let Some(bytes) = bounds.memory {
            match place {
                Place::V1 { .. } => {
                    // In this order: the limit with swap may not be below the one without.
                    set(memory, "memory.limit_in_bytes", bytes)?;
                    set_if_there(memory, "memory.memsw.limit_in_bytes", bytes)?;
                }
                Place::V2 { .. } => {
                    set(memory, "memory.max", bytes)?;
                    set_if_there(memory, "memory.swap.max", 0)?;
                    // A command that lost one of its processes is no use.
                    set_if_there(memory, "memory.oom.group", 1)?;
                }
            }
        }
        if let Some(most) = processes {
            set(pids, "pids.max", most)?;
        }
        let enter = |directory: &PathBuf| {
            OpenOptions::new()
                .write(true)
                .open(directory.join(entrance))
        };
        Ok(Self {
            entrances: directories.0.iter().map(enter).collect::<Result<_, _>>()?,
            killed: memory.join(counts),
            directories,
        })
    }
}

/// Makes the directories of a group.
pub(super) fn directories(place: &Place, name: Name) -> Result<Directories, Obstacle> {
    let refused = |path: &Path, err: &io::Error| Obstacle::Refused {
        path: path.to_path_buf(),
        kind: err.kind(),
    };
    let parents = place.parents();
    if let Some(parent) = parents.first() {
        place.prepare().map_err(|err| refused(parent, &err))?;
    }
    let mut directories = Directories::default();
    for parent in parents {
        let directory = parent.join(name.text());
        fs::create_dir(&directory).map_err(|err| refused(parent, &err))?;
        directories.0.push(directory);
    }
    Ok(directories)
}

fn set(directory: &Path, file: &str, value: u64) -> io::Result<()> {
    fs::write(directory.join(file), value.to_string())
}

/// As [`set`], unless the kernel was built or started without it.
fn set_if_there(directory: &Path, file: &str, value: u64) -> io::Result<()> {
    if directory.join(file).exists() {
        set(directory, file, value)
    } else {
        Ok(())
    }
}

/// Tells root, once, what limits its commands lack: the kernel counts no processes of root without
/// a group.
fn tell(obstacle: &Obstacle) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| match User::ours() {
        User::Root => tracing::warn!(
            reason = %obstacle,
            hint = obstacle.hint(),
            "commands of root run without a control group: their processes are not counted, and \
             their memory only one by one"
        ),
        User::Other => tracing::debug!(reason = %obstacle, "commands get no control group"),
    });
}
