//! A program on a pseudo-terminal, and whoever sits there and types.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::time::timeout;

use crate::process::{HomeCommand, Running};

/// How long a text may take to be there.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program that runs on a terminal; it is killed when this is dropped.
#[derive(Debug)]
pub struct Terminal {
    running: Running,
    keyboard: File,
    printed: UnboundedReceiver<Vec<u8>>,
    screen: Vec<u8>,
    /// How much of the screen was waited for already.
    seen: usize,
}

impl HomeCommand {
    /// Starts it on a terminal of its own: input, output and errors.
    ///
    /// # Panics
    /// When there is no terminal to be had, or it cannot be started.
    pub fn on_terminal(self) -> Terminal {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&ours).expect("a terminal");
        unlockpt(&ours).expect("a terminal");
        let name = ptsname(&ours, Vec::new()).expect("the terminal's name");
        let name = Path::new(std::ffi::OsStr::from_bytes(name.as_bytes())).to_owned();
        let theirs = || {
            OpenOptions::new()
                .read(true)
                .write(true)
                // Or it would be the terminal of the test, too.
                .custom_flags(i32::try_from(OFlags::NOCTTY.bits()).expect("a flag"))
                .open(&name)
                .expect("the terminal's other end")
        };
        let running = self.start_reading(theirs().into(), theirs().into(), theirs().into());
        let keyboard = File::from(ours);
        let screen = keyboard.try_clone().expect("the terminal once more");
        Terminal {
            running,
            keyboard,
            printed: read(screen),
            screen: Vec::new(),
            seen: 0,
        }
    }
}

impl Terminal {
    /// Waits for a text after the last one that was waited for; returns what stands from there to
    /// its end.
    ///
    /// # Panics
    /// When it does not come, with the whole screen.
    pub async fn until(&mut self, text: &str) -> String {
        let from = self.seen;
        loop {
            let new = self.screen.get(self.seen..).unwrap_or_default();
            let found = new
                .windows(text.len())
                .position(|part| part == text.as_bytes());
            if let Some(at) = found {
                self.seen += at + text.len();
                let part = self.screen.get(from..self.seen).unwrap_or_default();
                return String::from_utf8_lossy(part).into_owned();
            }
            let more = timeout(PATIENCE, self.printed.recv()).await;
            match more {
                Ok(Some(more)) => self.screen.extend(more),
                Ok(None) | Err(_) => panic!("`{text}` did not come\n{}", self.screen()),
            }
        }
    }

    /// Types something, as it is; a line ends with `\n`.
    ///
    /// # Panics
    /// When nobody reads from the terminal any more.
    pub fn types(&mut self, text: &str) {
        let typed = self.keyboard.write_all(text.as_bytes());
        typed.expect("somebody at the other end");
    }

    /// Waits for the end; returns the exit code and all that was printed, with what was typed.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn ends(mut self) -> (Option<i32>, String) {
        let status = timeout(PATIENCE, self.running.wait()).await;
        let Ok(status) = status else {
            panic!("did not end\n{}", self.screen());
        };
        while let Ok(Some(more)) = timeout(PATIENCE, self.printed.recv()).await {
            self.screen.extend(more);
        }
        (status.code(), self.screen())
    }

    fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen).into_owned()
    }
}

/// Reads until nobody has the other end any more.
#[expect(
    clippy::disallowed_methods,
    reason = "a test prints no more than fits into memory"
)]
fn read(mut screen: File) -> UnboundedReceiver<Vec<u8>> {
    let (sender, printed) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        // Linux says that it is over by an error.
        while let Ok(count @ 1..) = screen.read(&mut buffer) {
            let part = buffer.get(..count).unwrap_or_default();
            if sender.send(part.to_vec()).is_err() {
                return;
            }
        }
    });
    printed
}
