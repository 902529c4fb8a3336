//! Files of the host outside the workspace.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, CWD, Mode, chmodat};

use super::{
    Group,
    attempt::{Attempt, Tried, Way},
    errno,
    stage::Stage,
    targets::Targets,
};
use crate::Output;

pub(super) const ATTEMPTS: &[Attempt] = &[
    of(
        "files.shadow",
        "read the password hashes in /etc/shadow",
        |_| Tried::of(fs::read("/etc/shadow"), "/etc/shadow"),
    ),
    of(
        "files.home",
        "read a secret file in your home",
        |targets| match &targets.home {
            Some(path) => secret(path, targets),
            None => Tried::Unable("no file can be made in your home".to_owned()),
        },
    ),
    of(
        "files.beside",
        "read a secret file beside the workspace",
        |targets| secret(&targets.beside(), targets),
    ),
    of(
        "files.proc-root",
        "read it through the root of another process",
        through_processes,
    ),
    of(
        "files.symlink-read",
        "read it through a symlink in the workspace",
        |targets| secret(&targets.workspace.join("link"), targets),
    ),
    of(
        "files.symlink-write",
        "overwrite it through a symlink in the workspace",
        |targets| {
            let link = targets.workspace.join("link");
            Tried::of(fs::write(link, "overwritten"), "a write through the link")
        },
    )
    .judged(changed),
    of(
        "files.overwrite",
        "overwrite a file beside the workspace",
        |targets| {
            let made = fs::create_dir_all(&targets.outside);
            let written = made.and_then(|()| fs::write(targets.beside(), "overwritten"));
            Tried::of(written, "a write beside the workspace")
        },
    )
    .judged(changed),
    of(
        "files.delete",
        "delete a file beside the workspace",
        |targets| Tried::of(fs::remove_file(targets.beside()), "a file is gone"),
    )
    .judged(changed),
    of(
        "files.plant",
        "create a file beside the workspace",
        |targets| {
            let made = fs::create_dir_all(&targets.outside);
            let planted = made.and_then(|()| fs::write(targets.outside.join("planted"), "x"));
            Tried::of(planted, "a new file beside the workspace")
        },
    )
    .judged(planted),
    of(
        "files.hard-link",
        "link a file from beside the workspace into it",
        |targets| {
            let name = targets.workspace.join("hard-link");
            Tried::of(fs::hard_link(targets.beside(), name), "a second name of it")
        },
    ),
    of(
        "files.shared-memory",
        "read shared memory of the host in /dev/shm",
        |targets| match &targets.shared {
            Some(path) => secret(path, targets),
            None => Tried::Unable("no file can be made in /dev/shm".to_owned()),
        },
    ),
    of(
        "files.programs",
        "create a file among the programs in /usr",
        |targets| {
            Tried::any(["/usr", "/usr/bin", "/usr/local/bin"].map(|folder| create(folder, targets)))
        },
    ),
    of("files.etc", "create a file in /etc", |targets| {
        Tried::any(["/etc", "/etc/cron.d", "/etc/profile.d"].map(|folder| create(folder, targets)))
    }),
    of(
        "files.root",
        "create a file in the root folder",
        |targets| create("/", targets),
    ),
    of(
        "files.own-program",
        "change the first program of the sandbox",
        |_| {
            // To what it is already, so that nothing is different where it is allowed. A program
            // that runs cannot be opened for writing anywhere.
            let program = "/proc/self/exe";
            let changed = rustix::fs::stat(program).and_then(|stat| {
                chmodat(
                    CWD,
                    program,
                    Mode::from_raw_mode(stat.st_mode),
                    AtFlags::empty(),
                )
            });
            Tried::of(changed, "the permissions of openclaw")
        },
    ),
    of(
        "files.core-pattern",
        "open the kernel's settings for writing",
        |_| {
            Tried::any(
                ["/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe"].map(open_to_write),
            )
        },
    ),
    of(
        "files.sysrq",
        "open the trigger for a reboot for writing",
        |_| open_to_write("/proc/sysrq-trigger"),
    ),
    of(
        "files.control-groups",
        "open a control group of the host for writing",
        control_groups,
    ),
    of(
        "files.devices",
        "read a disk or the memory of the machine in /dev",
        |_| devices(),
    ),
];

const fn of(id: &'static str, title: &'static str, inside: fn(&Targets) -> Tried) -> Attempt {
    Attempt::new(id, Group::Files, title, Way::Inside(inside))
}

/// Reads a file that holds the secret.
pub(super) fn secret(path: &Path, targets: &Targets) -> Tried {
    match fs::read(path) {
        Ok(bytes) if holds(&bytes, &targets.secret) => Tried::Got("the secret".to_owned()),
        Ok(_) => Tried::Refused("another file is there".to_owned()),
        Err(err) => Tried::Refused(errno::of(err)),
    }
}

/// Says whether bytes contain the secret.
pub(super) fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes
        .windows(secret.len())
        .any(|window| window == secret.as_bytes())
}

/// Returns the folders of `/proc` that stand for processes.
pub(super) fn processes() -> Vec<PathBuf> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter(|entry| {
            let name = entry.file_name();
            name.as_encoded_bytes().iter().all(u8::is_ascii_digit)
        })
        .map(|entry| entry.path())
        .collect()
}

fn through_processes(targets: &Targets) -> Tried {
    let file = targets.beside();
    let within = file.strip_prefix("/").unwrap_or(&file);
    Tried::any(
        processes()
            .iter()
            .map(|process| secret(&process.join("root").join(within), targets)),
    )
}

fn create(folder: &str, targets: &Targets) -> Tried {
    let path = Path::new(folder).join(format!("openclaw-{}", targets.secret));
    let made = OpenOptions::new().write(true).create_new(true).open(&path);
    let tried = Tried::of(made, format!("a new file in {folder}"));
    if matches!(tried, Tried::Got(_)) {
        // Nothing is to stay behind where there is no sandbox; that it was made is all that counts.
        drop(fs::remove_file(&path));
    }
    tried
}

/// Opens a file for writing, and writes nothing.
pub(super) fn open_to_write(path: impl AsRef<Path>) -> Tried {
    let path = path.as_ref();
    let opened = OpenOptions::new().write(true).open(path);
    Tried::of(opened, path.display().to_string())
}

fn control_groups(_targets: &Targets) -> Tried {
    const FILES: [&str; 3] = ["release_agent", "cgroup.procs", "notify_on_release"];
    let root = PathBuf::from("/sys/fs/cgroup");
    let below = fs::read_dir(&root).into_iter().flatten().flatten();
    let folders = below.map(|entry| entry.path()).filter(|path| path.is_dir());
    Tried::any(
        [root]
            .into_iter()
            .chain(folders)
            .flat_map(|folder| FILES.map(|file| open_to_write(folder.join(file)))),
    )
}

fn devices() -> Tried {
    let disks = fs::read_dir("/dev").into_iter().flatten().flatten();
    let disks = disks
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_block_device()))
        .map(|entry| entry.path());
    let memory = ["/dev/mem", "/dev/kmem", "/dev/port"].map(PathBuf::from);
    Tried::any(
        memory
            .into_iter()
            .chain(disks)
            .map(|path| Tried::of(File::open(&path), path.display().to_string())),
    )
}

/// Judges by the file beside the workspace.
fn changed(stage: &Stage, _output: &Output, tried: Tried) -> Tried {
    match (fs::read(stage.targets.beside()), tried) {
        (Ok(bytes), Tried::Got(_)) if bytes == stage.targets.secret.as_bytes() => {
            Tried::Refused("it changed a file of the sandbox's own".to_owned())
        }
        (Ok(bytes), tried) if bytes == stage.targets.secret.as_bytes() => tried,
        (Ok(_), _) => Tried::Got("the file is another now".to_owned()),
        (Err(_), _) => Tried::Got("the file is gone".to_owned()),
    }
}

/// Judges by whether there is a new file beside the workspace.
fn planted(stage: &Stage, _output: &Output, tried: Tried) -> Tried {
    let there = fs::symlink_metadata(stage.targets.outside.join("planted"))
        .is_ok_and(|metadata| metadata.size() > 0);
    match tried {
        _ if there => Tried::Got("the file is there".to_owned()),
        Tried::Got(_) => Tried::Refused("it is in a folder of the sandbox's own".to_owned()),
        Tried::Refused(_) | Tried::Unable(_) => tried,
    }
}
