//! A program on a pseudo-terminal, and whoever sits there and types.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::time::timeout;

use crate::plain::Plain;
use crate::process::{HomeCommand, Running};

/// A program that runs on a terminal; it is killed when this is dropped.
#[derive(Debug)]
pub struct Terminal {
    running: Running,
    keyboard: File,
    printed: UnboundedReceiver<Vec<u8>>,
    screen: Vec<u8>,
    /// How much of the screen was waited for already.
    seen: usize,
    plain: Plain,
    /// How much of the plain text was waited for already.
    read: usize,
    /// How long a text, and the end, may take.
    patience: Duration,
}

/// How large a terminal is, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminalSize {
    /// How many stand in a line.
    pub columns: u16,
    /// How many lines there are.
    pub rows: u16,
}

impl HomeCommand {
    /// Starts it on a terminal of its own: input, output and errors.
    ///
    /// # Panics
    /// When there is no terminal to be had, or it cannot be started.
    pub fn on_terminal(self) -> Terminal {
        self.on_terminal_of(TerminalSize {
            columns: 80,
            rows: 24,
        })
    }

    /// As [`HomeCommand::on_terminal`], with one of this size.
    ///
    /// # Panics
    /// As [`HomeCommand::on_terminal`].
    pub fn on_terminal_of(self, size: TerminalSize) -> Terminal {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&ours).expect("a terminal");
        unlockpt(&ours).expect("a terminal");
        let size = Winsize {
            ws_row: size.rows,
            ws_col: size.columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&ours, size).expect("a terminal of this size");
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
            plain: Plain::default(),
            read: 0,
            patience: self.patience(),
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
            self.prints_more(text).await;
        }
    }

    /// Waits for a text after the last one that was waited for this way, as people see it: colours
    /// and movements of the cursor are no part of it.
    ///
    /// # Panics
    /// When it does not come, with all that was printed.
    pub async fn shows(&mut self, text: &str) {
        loop {
            let new = self.plain.text().get(self.read..).unwrap_or_default();
            let found = new
                .windows(text.len())
                .position(|part| part == text.as_bytes());
            if let Some(at) = found {
                self.read += at + text.len();
                return;
            }
            self.prints_more(text).await;
        }
    }

    /// Returns what was printed so far as people see it, as far as it was read.
    pub fn shown(&self) -> String {
        String::from_utf8_lossy(self.plain.text()).into_owned()
    }

    /// Waits for more to be printed.
    async fn prints_more(&mut self, awaited: &str) {
        let more = timeout(self.patience, self.printed.recv()).await;
        match more {
            Ok(Some(more)) => self.take(&more),
            Ok(None) | Err(_) => panic!("`{awaited}` did not come\n{}", self.shown()),
        }
    }

    fn take(&mut self, printed: &[u8]) {
        self.screen.extend(printed);
        self.plain.add(printed);
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
        let status = timeout(self.patience, self.running.wait()).await;
        let Ok(status) = status else {
            panic!("did not end\n{}", self.shown());
        };
        while let Ok(Some(more)) = timeout(self.patience, self.printed.recv()).await {
            self.take(&more);
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
