//! Writing to a command while it runs.

use std::io;

#[cfg(not(target_os = "linux"))]
use tokio::process::ChildStdin;
#[cfg(target_os = "linux")]
use tokio::{io::AsyncWriteExt as _, net::unix::pipe::Sender};

#[cfg(target_os = "linux")]
use crate::linux::Terminal;

/// What ends the input of a program that reads from a terminal (`VEOF` of POSIX).
#[cfg(target_os = "linux")]
const END_OF_TRANSMISSION: u8 = 4;

/// The standard input of a command that runs; see [`Stdin::Open`](crate::Stdin::Open) and
/// [`Stdin::Terminal`](crate::Stdin::Terminal). Dropping it closes the input.
#[derive(Debug)]
pub struct Typing(Kind);

#[derive(Debug)]
enum Kind {
    #[cfg(target_os = "linux")]
    Pipe(Sender),
    #[cfg(target_os = "linux")]
    Terminal(Terminal),
    #[cfg(not(target_os = "linux"))]
    Pipe(ChildStdin),
}

impl Typing {
    #[cfg(target_os = "linux")]
    pub(crate) fn pipe(pipe: std::os::fd::OwnedFd) -> io::Result<Self> {
        Ok(Self(Kind::Pipe(Sender::from_owned_fd(pipe)?)))
    }

    #[cfg(target_os = "linux")]
    pub(crate) const fn terminal(terminal: Terminal) -> Self {
        Self(Kind::Terminal(terminal))
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) const fn pipe(pipe: ChildStdin) -> Self {
        Self(Kind::Pipe(pipe))
    }

    /// Writes everything; a command that does not read makes this wait.
    ///
    /// # Cancel safety
    /// When the future is dropped, a part may have been written.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.0 {
            Kind::Pipe(pipe) => {
                #[cfg(not(target_os = "linux"))]
                use tokio::io::AsyncWriteExt as _;
                pipe.write_all(bytes).await
            }
            #[cfg(target_os = "linux")]
            Kind::Terminal(terminal) => terminal.write_all(bytes).await,
        }
    }

    /// Says that there will be no more. At a terminal the command may go on to read all the same.
    pub async fn close(self) -> io::Result<()> {
        match self.0 {
            Kind::Pipe(pipe) => {
                drop(pipe);
                Ok(())
            }
            #[cfg(target_os = "linux")]
            Kind::Terminal(terminal) => terminal.write_all(&[END_OF_TRANSMISSION]).await,
        }
    }
}
