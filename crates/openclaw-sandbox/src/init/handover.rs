//! Passing descriptors to the first program, over a socket that it has as its standard input.
//!
//! What arrives over a socket is owned by whoever receives it, so nothing has to be believed about
//! the numbers of open descriptors. The socket is a way in and, for one listener, a way out; the
//! real standard input takes its place before the command begins.
//!
//! The kernel counts for each user what is on its way over all sockets, and a command can use that
//! up. Then the first program inherits the descriptors and is told their numbers.

use std::{
    fs::File,
    io::{self, IoSlice, IoSliceMut, Write as _},
    mem::MaybeUninit,
    os::{
        fd::{AsFd as _, AsRawFd, BorrowedFd, OwnedFd, RawFd},
        unix::net::UnixStream,
    },
};

use rustix::{
    io::Errno,
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
    },
    process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open},
};

use super::{memory, orders::Orders};

/// How many descriptors one message carries at most.
const MOST: usize = 32;

/// How long their numbers are at most, as text.
const NUMBERS: usize = 512;

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

/// What was given, and what has to be done with it.
#[derive(Debug)]
pub(crate) struct Given {
    /// Our end of the socket.
    pub(crate) ours: UnixStream,
    /// The standard input of the first program.
    pub(crate) theirs: UnixStream,
    /// What the first program has to inherit under the same numbers; mostly nothing.
    pub(crate) inherited: Vec<OwnedFd>,
}

impl Handover<'_> {
    /// Puts everything into a new socket.
    pub(crate) fn give(self) -> io::Result<Given> {
        let orders = memory::file("orders", &serde_json::to_vec(self.orders)?)?;
        let mut descriptors = vec![orders.as_fd(), self.report.as_fd(), self.stdin.as_fd()];
        descriptors.extend(self.groups.iter().map(File::as_fd));
        let (ours, theirs) = UnixStream::pair()?;
        let inherited = match send(ours.as_fd(), &descriptors) {
            Ok(()) => Vec::new(),
            Err(err) if err.raw_os_error() == Some(Errno::TOOMANYREFS.raw_os_error()) => {
                tracing::warn!(
                    "this user has too many descriptors in messages; they are inherited"
                );
                leave(&ours, &descriptors)?
            }
            Err(err) => return Err(err),
        };
        Ok(Given {
            ours,
            theirs,
            inherited,
        })
    }
}

/// Writes the numbers of the descriptors, of which it returns copies to be inherited.
fn leave(mut socket: &UnixStream, descriptors: &[BorrowedFd<'_>]) -> io::Result<Vec<OwnedFd>> {
    let inherited: Vec<OwnedFd> = descriptors
        .iter()
        .map(BorrowedFd::try_clone_to_owned)
        .collect::<Result<_, _>>()?;
    let numbers: Vec<RawFd> = inherited.iter().map(AsRawFd::as_raw_fd).collect();
    socket.write_all(&serde_json::to_vec(&numbers)?)?;
    Ok(inherited)
}

/// Takes what was inherited by its numbers; those themselves are closed with all others.
fn inherited(numbers: &[u8]) -> io::Result<Vec<OwnedFd>> {
    let numbers: Vec<RawFd> = serde_json::from_slice(numbers)?;
    // A number alone owns nothing. The kernel gives out descriptors of any process by number, so of
    // this one, too.
    let this = pidfd_open(getpid(), PidfdFlags::empty())?;
    let own = numbers
        .into_iter()
        .map(|number| pidfd_getfd(&this, number, PidfdGetfdFlags::empty()));
    Ok(own.collect::<Result<_, _>>()?)
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
        let mut words = [0; NUMBERS];
        let (length, mut descriptors) = receive_with(socket, &mut words)?;
        if descriptors.is_empty() {
            descriptors = inherited(words.get(..length).unwrap_or_default())?;
        }
        let mut descriptors = descriptors.into_iter();
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
    receive_with(socket, &mut [0]).map(|(_, descriptors)| descriptors)
}

/// Receives the beginning of a message, too, and returns how long it is.
fn receive_with(socket: BorrowedFd<'_>, words: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(
        socket,
        &mut [IoSliceMut::new(words)],
        &mut ancillary,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    let descriptors = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(rights) => Some(rights),
        _ => None,
    });
    Ok((received.bytes, descriptors.flatten().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_sent_is_taken_by_its_number() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let files = ["one", "two"].map(|text| memory::file("test", text.as_bytes()).unwrap());
        let left = leave(&ours, &files.each_ref().map(File::as_fd)).unwrap();
        assert_eq!(left.len(), 2);
        let mut words = [0; NUMBERS];
        let (length, sent) = receive_with(theirs.as_fd(), &mut words).unwrap();
        assert!(sent.is_empty());
        let taken = inherited(&words[..length]).unwrap();
        let texts = taken
            .into_iter()
            .map(|descriptor| memory::content(&File::from(descriptor)).unwrap());
        assert_eq!(texts.collect::<Vec<_>>(), [b"one", b"two"]);
        assert!(inherited(b"\0").is_err());
    }
}
