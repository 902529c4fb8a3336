//! The standard input of a command.

use std::{
    fs::File,
    io,
    os::fd::{AsFd as _, OwnedFd},
};

use tokio::{io::AsyncWriteExt as _, net::unix::pipe::Sender};

use crate::Stdin;

/// What is still to be written to a command.
#[derive(Debug)]
pub(crate) struct Input {
    pipe: OwnedFd,
    bytes: Vec<u8>,
}

/// Returns the command's end, and what to do with ours.
pub(super) fn open(stdin: &Stdin) -> io::Result<(OwnedFd, Option<Input>)> {
    match stdin {
        Stdin::Null => Ok((File::open("/dev/null")?.into(), None)),
        Stdin::Inherit => Ok((io::stdin().as_fd().try_clone_to_owned()?, None)),
        Stdin::Bytes(bytes) => {
            let (theirs, ours) = io::pipe()?;
            let input = Input {
                pipe: ours.into(),
                bytes: bytes.clone(),
            };
            Ok((theirs.into(), Some(input)))
        }
    }
}

impl Input {
    /// Writes everything, and closes the pipe.
    pub(crate) async fn feed(self) -> io::Result<()> {
        Sender::from_owned_fd(self.pipe)?
            .write_all(&self.bytes)
            .await
    }
}
