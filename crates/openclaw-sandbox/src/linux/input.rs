//! The standard input of a command, and the terminal that it may have in its place.

use std::{
    fs::File,
    io,
    os::fd::{AsFd as _, OwnedFd},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use rustix::{
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    io::Errno,
    pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt},
    termios::{Winsize, tcsetwinsize},
};
use tokio::{
    io::{AsyncRead, AsyncWriteExt as _, ReadBuf, unix::AsyncFd},
    net::unix::pipe::Sender,
};

use crate::{Stdin, TerminalSize};

/// Our end of a command's standard input.
#[derive(Debug)]
pub(crate) enum Input {
    /// There is nothing to write.
    Nothing,
    /// These bytes, then the end.
    Bytes { pipe: OwnedFd, bytes: Vec<u8> },
    /// Whatever is written while the command runs.
    Pipe(OwnedFd),
    /// The same for a terminal, which is also where the command's output comes from.
    Terminal(OwnedFd),
}

/// Returns the command's end, and ours.
pub(super) fn open(stdin: &Stdin) -> io::Result<(OwnedFd, Input)> {
    match stdin {
        Stdin::Null => Ok((File::open("/dev/null")?.into(), Input::Nothing)),
        Stdin::Inherit => Ok((io::stdin().as_fd().try_clone_to_owned()?, Input::Nothing)),
        Stdin::Bytes(bytes) => {
            let (theirs, ours) = io::pipe()?;
            let bytes = bytes.clone();
            let pipe = ours.into();
            Ok((theirs.into(), Input::Bytes { pipe, bytes }))
        }
        Stdin::Open => {
            let (theirs, ours) = io::pipe()?;
            Ok((theirs.into(), Input::Pipe(ours.into())))
        }
        Stdin::Terminal(size) => {
            let (theirs, ours) = terminal(*size)?;
            Ok((theirs, Input::Terminal(ours)))
        }
    }
}

fn terminal(size: TerminalSize) -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let ours = openpt(flags)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    let theirs = ioctl_tiocgptpeer(&ours, flags)?;
    let size = Winsize {
        ws_row: size.rows,
        ws_col: size.columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&theirs, size)?;
    Ok((theirs, ours))
}

/// Writes everything, and closes the pipe.
pub(crate) async fn feed(pipe: OwnedFd, bytes: Vec<u8>) -> io::Result<()> {
    Sender::from_owned_fd(pipe)?.write_all(&bytes).await
}

/// Our end of a terminal.
#[derive(Clone, Debug)]
pub(crate) struct Terminal(Arc<AsyncFd<OwnedFd>>);

impl Terminal {
    /// Takes our end, within a runtime.
    #[expect(
        deprecated,
        reason = "sound for an owned descriptor, which stays open as long as the watch; what \
                  replaces it is unsafe code"
    )]
    pub(crate) fn of(ours: OwnedFd) -> io::Result<Self> {
        fcntl_setfl(&ours, fcntl_getfl(&ours)? | OFlags::NONBLOCK)?;
        Ok(Self(Arc::new(AsyncFd::new(ours)?)))
    }

    /// Types what it is given.
    ///
    /// # Cancel safety
    /// When the future is dropped, a part may have been typed.
    pub(crate) async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let mut ready = self.0.writable().await?;
            let written = ready.try_io(|fd| Ok(rustix::io::write(fd.get_ref(), bytes)?));
            if let Ok(written) = written {
                bytes = bytes.get(written?..).unwrap_or_default();
            }
        }
        Ok(())
    }
}

impl AsyncRead for Terminal {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let mut ready = ready!(self.0.poll_read_ready(cx))?;
            let read = ready.try_io(|fd| {
                let unfilled = buffer.initialize_unfilled();
                match rustix::io::read(fd.get_ref(), unfilled) {
                    // Nobody has the other end any more.
                    Err(Errno::IO) => Ok(0),
                    other => Ok(other?),
                }
            });
            if let Ok(read) = read {
                buffer.advance(read?);
                return Poll::Ready(Ok(()));
            }
        }
    }
}
