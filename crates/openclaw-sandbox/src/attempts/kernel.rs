//! Calls by which a process changes its own surroundings, or reaches deep into the kernel.

use std::{fs::OpenOptions, io, os::unix::fs::OpenOptionsExt as _, path::Path};

use nix::sched::CloneFlags;
use rustix::{
    fs::{AtFlags, CWD, FileType, Mode, XattrFlags, chmodat, makedev, mknodat, setxattr, stat},
    mount::{FsOpenFlags, MountFlags, UnmountFlags, fsopen, mount, unmount},
    process::chroot,
    system::sethostname,
    thread::{LinkNameSpaceType, capabilities, move_into_link_name_space, no_new_privs},
};

use super::{
    Group,
    attempt::{Attempt, Tried, Way},
    call::{Arg, Call},
    targets::Targets,
};

pub(super) const ATTEMPTS: &[Attempt] = &[
    of(
        "kernel.mount",
        "mount a file system over the workspace",
        |targets| Tried::of(mounted(&targets.workspace), "a mount over the workspace"),
    )
    .in_a_room(),
    of(
        "kernel.mount-new",
        "make a mount by the newer calls",
        |_| {
            Tried::of(
                fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC),
                "a file system to mount",
            )
        },
    )
    .in_a_room(),
    of(
        "kernel.unmount",
        "take a mount of the sandbox away",
        |targets| {
            if targets.room
                && let Err(err) = mounted(&targets.workspace)
            {
                return Tried::of(Err::<(), _>(err), "");
            }
            Tried::of(
                unmount(&targets.workspace, UnmountFlags::DETACH),
                "a mount is gone",
            )
        },
    )
    .in_a_room(),
    of("kernel.chroot", "make another folder the root", |targets| {
        Tried::of(chroot(&targets.workspace), "another root")
    })
    .in_a_room(),
    of("kernel.host-name", "change the name of the host", |_| {
        Tried::of(sethostname(b"taken"), "another name")
    })
    .in_a_room(),
    of(
        "kernel.user-namespace",
        "make a user namespace, and be root in it",
        |_| {
            Tried::of(
                nix::sched::unshare(CloneFlags::CLONE_NEWUSER),
                "a user namespace",
            )
        },
    ),
    of("kernel.mount-namespace", "make a mount namespace", |_| {
        Tried::of(
            nix::sched::unshare(CloneFlags::CLONE_NEWNS),
            "a mount namespace",
        )
    }),
    of(
        "kernel.enter-namespace",
        "enter the namespaces of another process",
        enter,
    ),
    call(
        "kernel.clone3",
        "make namespaces by a call that no filter can look into",
        libc::SYS_clone3,
        &[Arg::Zeros(8), Arg::Number(0)],
    ),
    of(
        "kernel.capabilities",
        "find a capability that was left",
        |_| match capabilities(None) {
            Ok(sets) if sets.effective.is_empty() && sets.permitted.is_empty() => {
                Tried::Refused("there is none".to_owned())
            }
            Ok(sets) => Tried::Got(format!("{:?}", sets.effective | sets.permitted)),
            Err(err) => Tried::Refused(super::errno::of(err)),
        },
    ),
    of(
        "kernel.new-privileges",
        "gain privileges by a set-uid program",
        |_| match no_new_privs() {
            Ok(true) => Tried::Refused("no_new_privs is set".to_owned()),
            Ok(false) => Tried::Got("no_new_privs is not set".to_owned()),
            Err(err) => Tried::Refused(super::errno::of(err)),
        },
    ),
    of("kernel.set-uid", "give a file the set-uid bit", |targets| {
        let file = targets.workspace.join("set-uid");
        let made = create(&file, 0o700).and_then(|()| {
            Ok(chmodat(
                CWD,
                &file,
                Mode::from_raw_mode(0o4755),
                AtFlags::empty(),
            )?)
        });
        set_uid(made, &file)
    }),
    of(
        "kernel.set-uid-open",
        "create a file with the set-uid bit",
        |targets| {
            let file = targets.workspace.join("set-uid");
            set_uid(create(&file, 0o4755), &file)
        },
    ),
    of(
        "kernel.set-uid-node",
        "make a node with the set-uid bit",
        |targets| {
            let file = targets.workspace.join("set-uid");
            let made = mknodat(
                CWD,
                &file,
                FileType::RegularFile,
                Mode::from_raw_mode(0o4755),
                0,
            );
            set_uid(made.map_err(io::Error::from), &file)
        },
    ),
    of(
        "kernel.set-capability",
        "give a file a capability",
        |targets| {
            let file = targets.workspace.join("set-capability");
            let given = create(&file, 0o700).and_then(|()| {
                let flags = XattrFlags::empty();
                Ok(setxattr(&file, "security.capability", &RAW_SOCKETS, flags)?)
            });
            Tried::of(given, "a file that may use raw sockets")
        },
    ),
    of(
        "kernel.device",
        "make a device node in the workspace",
        |targets| {
            let file = targets.workspace.join("device");
            let mode = Mode::from_raw_mode(0o600);
            let made = mknodat(CWD, &file, FileType::CharacterDevice, mode, makedev(1, 3));
            Tried::of(made, "a device node")
        },
    ),
    of(
        "kernel.trace",
        "be traced, to run what the filter of a parent forbids",
        |_| Tried::of(nix::sys::ptrace::traceme(), "a tracer"),
    ),
    of(
        "kernel.personality",
        "switch address randomization off",
        |_| {
            Tried::of(
                nix::sys::personality::set(nix::sys::personality::Persona::ADDR_NO_RANDOMIZE),
                "addresses that can be guessed",
            )
        },
    ),
    call(
        "kernel.keyring",
        "put a key into a keyring of the host",
        libc::SYS_add_key,
        &[
            Arg::Text("user"),
            Arg::Text("openclaw-sandbox-test"),
            Arg::Text("x"),
            Arg::Number(1),
            // The keyring of this process, which ends with it.
            Arg::Number(-2),
        ],
    ),
    call(
        "kernel.bpf",
        "load a program into the kernel (bpf)",
        libc::SYS_bpf,
        &[Arg::Number(5), Arg::Zeros(128), Arg::Number(128)],
    ),
    call(
        "kernel.perf",
        "watch the processor of the host (perf)",
        libc::SYS_perf_event_open,
        &[
            Arg::Zeros(128),
            Arg::Number(0),
            Arg::Number(-1),
            Arg::Number(-1),
            Arg::Number(0),
        ],
    ),
    call(
        "kernel.io-uring",
        "make system calls by a queue (io_uring)",
        libc::SYS_io_uring_setup,
        &[Arg::Number(1), Arg::Zeros(120)],
    ),
    call(
        "kernel.page-faults",
        "stop the kernel at page faults (userfaultfd)",
        libc::SYS_userfaultfd,
        &[Arg::Number(1)],
    ),
    call(
        "kernel.file-handle",
        "open a file by its number, past every folder",
        libc::SYS_open_by_handle_at,
        &[Arg::Number(-100), Arg::Zeros(64), Arg::Number(0)],
    ),
    call(
        "kernel.log",
        "read the log of the kernel",
        libc::SYS_syslog,
        &[
            // The size of its buffer, which needs the same permission.
            Arg::Number(10),
            Arg::Number(0),
            Arg::Number(0),
        ],
    ),
    call(
        "kernel.module",
        "load a module",
        libc::SYS_init_module,
        &[Arg::Zeros(1), Arg::Number(0), Arg::Text("")],
    ),
    call(
        "kernel.watch-files",
        "be told of every file access (fanotify)",
        libc::SYS_fanotify_init,
        &[Arg::Number(0), Arg::Number(0)],
    ),
    call(
        "kernel.terminal",
        "type into the terminal of the user (TIOCSTI)",
        libc::SYS_ioctl,
        &[Arg::Number(0), Arg::Number(0x5412), Arg::Text("x")],
    ),
];

/// What the kernel keeps of the capability `CAP_NET_RAW`, permitted and effective.
const RAW_SOCKETS: [u8; 20] = [
    1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];

const fn of(id: &'static str, title: &'static str, inside: fn(&Targets) -> Tried) -> Attempt {
    Attempt::new(id, Group::Kernel, title, Way::Inside(inside))
}

const fn call(
    id: &'static str,
    title: &'static str,
    number: libc::c_long,
    arguments: &'static [Arg],
) -> Attempt {
    Attempt::new(
        id,
        Group::Kernel,
        title,
        Way::Call(Call { number, arguments }),
    )
}

fn mounted(path: &Path) -> rustix::io::Result<()> {
    mount("tmpfs", path, "tmpfs", MountFlags::empty(), None)
}

/// Enters the mount namespace of the stage's process.
fn enter(targets: &Targets) -> Tried {
    use std::os::fd::AsFd as _;
    let Some(process) = targets.process else {
        return Tried::Unable("no process could be started".to_owned());
    };
    let entered = std::fs::File::open(format!("/proc/{process}/ns/mnt")).and_then(|namespace| {
        let kind = Some(LinkNameSpaceType::Mount);
        Ok(move_into_link_name_space(namespace.as_fd(), kind)?)
    });
    Tried::of(entered, "the files of the host")
}

fn create(file: &Path, mode: u32) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    options.open(file).map(drop)
}

/// The bit may also be left out without a word.
fn set_uid(made: io::Result<()>, file: &Path) -> Tried {
    let mode = made.and_then(|()| Ok(stat(file)?.st_mode));
    match mode {
        Ok(mode) if mode & 0o4000 != 0 => Tried::Got("a set-uid file".to_owned()),
        Ok(_) => Tried::Refused("the bit was left out".to_owned()),
        Err(err) => Tried::Refused(super::errno::of(err)),
    }
}
