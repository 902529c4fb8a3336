//! More than the limits of a run allow.
//!
//! Each runs with limits far below the usual ones, so that it takes little time and, where they do
//! not hold, does little harm; without the sandbox it runs without these limits.

use std::{
    fs::{self, File},
    io::Write as _,
    thread,
    time::Duration,
};

use rustix::{
    process::{Resource, Rlimit, getrlimit, setrlimit},
    time::{ClockId, clock_gettime},
};

use super::{
    Group,
    attempt::{Attempt, Tried, Way},
    errno,
    stage::Stage,
    targets::Targets,
};
use crate::{Limits, Output, SandboxConfig};

pub(super) const ATTEMPTS: &[Attempt] = &[
    of("limits.memory", "use more memory than the limit", |_| {
        memory()
    })
    .bounded(|config, _| config.max_memory = Some(64 * MIB)),
    of(
        "limits.processes",
        "start more processes and threads than the limit",
        |_| threads(),
    )
    .bounded(|_, limits| limits.processes = Some(THREADS / 2)),
    of(
        "limits.file-size",
        "write a file larger than the limit",
        |targets| {
            let path = targets.workspace.join("large");
            let written = File::create(path)
                .and_then(|mut file| (0..4).try_for_each(|_| file.write_all(&vec![0; MEBIBYTE])));
            Tried::of(written, "4 MiB in a file")
        },
    )
    .bounded(|_, limits| limits.file_size = Some(MIB)),
    of(
        "limits.open-files",
        "open more files than the limit",
        |_| {
            let files: Result<Vec<File>, _> = (0..FILES).map(|_| File::open("/dev/null")).collect();
            Tried::of(files, format!("{FILES} open files"))
        },
    )
    .bounded(|_, limits| limits.open_files = Some(FILES / 2)),
    of(
        "limits.processor-time",
        "use more processor time than the limit",
        |_| {
            while spent() < Duration::from_millis(1500) {
                std::hint::spin_loop();
            }
            Tried::Got("1.5 s of processor time".to_owned())
        },
    )
    .bounded(|config, _| config.max_cpu_time = Some(Duration::from_secs(1))),
    of("limits.raise", "raise a limit again", |_| {
        let open = getrlimit(Resource::Nofile);
        let more = open.maximum.map(|limit| limit + 1);
        let raised = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: open.current,
                maximum: more,
            },
        );
        match more {
            Some(more) => Tried::of(raised, format!("{more} open files")),
            None => Tried::Got("there is no limit".to_owned()),
        }
    }),
    of(
        "limits.core-dump",
        "leave a core dump",
        |_| match getrlimit(Resource::Core).maximum {
            Some(0) => Tried::Refused("the limit is 0".to_owned()),
            Some(_) | None => Tried::Got("a core dump may be written".to_owned()),
        },
    )
    .without_control("no level allows one"),
    of(
        "limits.temporary-files",
        "fill the memory of the machine by /tmp and /dev/shm",
        |_| Tried::any(["/tmp", "/dev/shm", "/run", "/var/tmp"].map(fill)),
    )
    .without_control("it might fill a disk"),
    Attempt::new(
        "limits.output",
        Group::Limits,
        "make this process hold more output than the limit",
        Way::Script("exec head -c 8388608 /dev/zero"),
    )
    .bounded(|_, limits| limits.kept_bytes = 64 * 1024)
    .judged(held),
];

const MIB: u64 = 1024 * 1024;
const MEBIBYTE: usize = 1024 * 1024;

/// How many threads are started, and how many files opened: twice the limit.
const THREADS: u64 = 64;
const FILES: u64 = 128;

/// As little as a thread can do with.
const STACK: usize = 64 * 1024;

/// How much memory is used: four times the limit.
const MEMORY: usize = 256 * MEBIBYTE;

/// More than any folder of a sandbox takes.
const DISK: u64 = 1024 * MIB;

/// Lifts every limit that an attempt exceeds.
pub(super) fn lift(config: &mut SandboxConfig, limits: &mut Limits) {
    config.max_memory = None;
    config.max_cpu_time = None;
    limits.processes = None;
    limits.file_size = None;
    limits.open_files = None;
    limits.kept_bytes = 16 * MEBIBYTE;
}

const fn of(id: &'static str, title: &'static str, inside: fn(&Targets) -> Tried) -> Attempt {
    Attempt::new(id, Group::Limits, title, Way::Inside(inside))
}

fn memory() -> Tried {
    let mut bytes: Vec<u8> = Vec::new();
    if bytes.try_reserve_exact(MEMORY).is_err() {
        return Tried::Refused("ENOMEM".to_owned());
    }
    // A control group counts what is used, not what is reserved.
    bytes.resize(MEMORY, 1);
    Tried::Got(format!(
        "{} MiB",
        std::hint::black_box(bytes).len() / MEBIBYTE
    ))
}

fn threads() -> Tried {
    let started: Result<Vec<_>, _> = (0..THREADS)
        // They end with this process.
        .map(|_| thread::Builder::new().stack_size(STACK).spawn(thread::park))
        .collect();
    Tried::of(started, format!("{THREADS} threads"))
}

/// Returns the processor time of this process.
fn spent() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

fn fill(folder: &str) -> Tried {
    let path = std::path::Path::new(folder).join("openclaw-fill");
    let filled = File::create(&path).and_then(|file| {
        let flags = rustix::fs::FallocateFlags::empty();
        Ok(rustix::fs::fallocate(&file, flags, 0, DISK)?)
    });
    drop(fs::remove_file(&path));
    match filled {
        Ok(()) => Tried::Got(format!("1 GiB in {folder}")),
        Err(err) => Tried::Refused(errno::of(err)),
    }
}

/// Judges by what this process holds.
fn held(_stage: &Stage, output: &Output, tried: Tried) -> Tried {
    let held = output.stdout.len();
    if matches!(tried, Tried::Unable(_)) {
        tried
    } else if output.truncated && held < MEBIBYTE {
        Tried::Refused(format!("{} KiB are held", held / 1024))
    } else {
        Tried::Got(format!("{} KiB are held", held / 1024))
    }
}
