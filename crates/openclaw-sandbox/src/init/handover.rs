//! Passing descriptors to the first program, over a socket that it has as its standard input.
//!
//! What arrives over a socket is owned by whoever receives it, so nothing has to be believed about
//! the numbers of open descriptors. The socket is a way in and, for one listener, a way out; the
//! real standard input takes its place before the command begins.

use std::{
    fs::File,
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::{
        fd::{AsFd as _, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use super::{memory, orders::Orders};

/// How many descriptors one message carries at most.
const MOST: usize = 32;

/// What a first program is given.
#[derive(Debug)]
pub(crate) struct Handover<'a> {
    pub(crate) orders: &'a Orders,
    /// Where it writes what it did.
    pub(crate) report: &'a File,
    /// The standard input of the command.
    pub(crate) stdin: OwnedFd,
    /// The control groups to enter: each is a `cgroup.procs`, open for writing.
    pub(crate) groups: &'a [File],
}

impl Handover<'_> {
    /// Puts everything into a new socket, and returns our end and that of the first program.
    pub(crate) fn give(self) -> io::Result<(UnixStream, UnixStream)> {
        let orders = memory::file("orders", &serde_json::to_vec(self.orders)?)?;
        let mut descriptors = vec![orders.as_fd(), self.report.as_fd(), self.stdin.as_fd()];
        descriptors.extend(self.groups.iter().map(File::as_fd));
        let (ours, theirs) = UnixStream::pair()?;
        send(ours.as_fd(), &descriptors)?;
        Ok((ours, theirs))
    }
}

/// The same as it arrives.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) orders: Orders,
    pub(super) report: File,
    pub(super) stdin: OwnedFd,
    pub(super) groups: Vec<File>,
}

impl Received {
    /// Takes it from the socket.
    pub(super) fn take(socket: BorrowedFd<'_>) -> io::Result<Self> {
        let mut descriptors = receive(socket)?.into_iter();
        let mut next = || {
            let none = || io::Error::other("a descriptor is missing");
            descriptors.next().ok_or_else(none)
        };
        let (orders, report, stdin) = (File::from(next()?), File::from(next()?), next()?);
        Ok(Self {
            orders: serde_json::from_slice(&memory::content(&orders)?)?,
            report,
            stdin,
            groups: descriptors.map(File::from).collect(),
        })
    }
}

/// Sends descriptors, with one byte that means nothing.
pub(super) fn send(socket: BorrowedFd<'_>, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::other("too many descriptors for one message"));
    }
    let byte = [IoSlice::new(&[0])];
    sendmsg(socket, &byte, &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Receives descriptors; none when the other side sends nothing any more.
pub(crate) fn receive(socket: BorrowedFd<'_>) -> io::Result<Vec<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(
        socket,
        &mut [IoSliceMut::new(&mut byte)],
        &mut ancillary,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    let descriptors = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(rights) => Some(rights),
        _ => None,
    });
    Ok(descriptors.flatten().collect())
}
