//! The output of a tool while it runs, on its way to whoever watches.

use std::fmt;
use std::mem;

use openclaw_core::redaction::StreamMask;
use parking_lot::Mutex;

use crate::bus::OutputStream;

/// Takes output as it is written, and hands it on with known secrets masked.
///
/// What was held back because it could have become a secret is handed on when this is dropped.
pub(crate) struct LiveOutput {
    hand_on: Box<dyn Fn(OutputStream, String) + Send + Sync>,
    stdout: Mutex<StreamMask>,
    stderr: Mutex<StreamMask>,
}

impl fmt::Debug for LiveOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveOutput").finish_non_exhaustive()
    }
}

impl LiveOutput {
    pub(crate) fn new(hand_on: impl Fn(OutputStream, String) + Send + Sync + 'static) -> Self {
        Self {
            hand_on: Box::new(hand_on),
            stdout: Mutex::default(),
            stderr: Mutex::default(),
        }
    }

    /// Takes a piece, which may be cut anywhere.
    pub(crate) fn write(&self, stream: OutputStream, bytes: &[u8]) {
        let shown = self.mask(stream).lock().push_bytes(bytes);
        self.show(stream, shown);
    }

    const fn mask(&self, stream: OutputStream) -> &Mutex<StreamMask> {
        match stream {
            OutputStream::Stdout => &self.stdout,
            OutputStream::Stderr => &self.stderr,
        }
    }

    fn show(&self, stream: OutputStream, shown: String) {
        if !shown.is_empty() {
            (self.hand_on)(stream, shown);
        }
    }
}

impl Drop for LiveOutput {
    fn drop(&mut self) {
        for stream in [OutputStream::Stdout, OutputStream::Stderr] {
            let rest = mem::take(&mut *self.mask(stream).lock()).finish();
            self.show(stream, rest);
        }
    }
}
