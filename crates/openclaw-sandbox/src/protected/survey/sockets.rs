//! Sockets in a workspace on which something listens.
//!
//! To connect to one is no write, so no mount flag forbids it, and what listens there is outside
//! the sandbox. A socket that nobody listens on any more is left: programs remove their old ones.

use std::{ffi::OsStr, os::fd::AsRawFd as _};

use rustix::{
    fs::{Mode, OFlags, openat},
    io::Errno,
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with},
};

use super::{Survey, What, at};
use crate::{SandboxError, protected::folder::Folder};

/// How many sockets are covered in one run.
const MOST: usize = 64;

/// Covers the socket `name`, if somebody may listen there.
pub(super) fn cover(
    survey: &mut Survey<'_>,
    folder: &Folder,
    name: &OsStr,
) -> Result<(), SandboxError> {
    let path = folder.path.join(name);
    let Some(found) = folder.find(name).map_err(at(&path))? else {
        return Ok(());
    };
    if !listens(folder, name) {
        return Ok(());
    }
    survey.sockets += 1;
    if survey.sockets > MOST {
        if survey.sockets == MOST + 1 {
            let path = path.display();
            tracing::warn!(%path, "more than {MOST} sockets; the command can reach the rest");
        }
        return Ok(());
    }
    survey.note(&path, What::Covered, found)
}

/// Says whether a connection is answered by anything but that nobody is there.
fn listens(folder: &Folder, name: &OsStr) -> bool {
    connection(folder, name) != Err(Errno::CONNREFUSED)
}

fn connection(folder: &Folder, name: &OsStr) -> Result<(), Errno> {
    // By an open handle, because the address of a socket is shorter than a path may be, and so that
    // no symlink leads elsewhere.
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let there = openat(&folder.handle, name, flags, Mode::empty())?;
    let address = SocketAddrUnix::new(format!("/proc/self/fd/{}", there.as_raw_fd()))?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    connect(&socket, &address)
}
