//! Reading a file for a search: no longer than there is time, only if it is text, and without
//! secrets.

use std::io::{self, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use openclaw_core::redaction::StreamMask;
use openclaw_sandbox::OpenFile;
use tokio_util::sync::CancellationToken;

/// How much of a file decides whether it is text.
const SNIFFED: u64 = 8192;

/// How much is masked at once.
const CHUNK: usize = 64 * 1024;

/// Says when a search has to end.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    until: Instant,
    stop: CancellationToken,
    has_ended: Arc<AtomicBool>,
}

/// A file that is read while there is time.
#[derive(Debug)]
pub(super) struct Watched {
    begin: Cursor<Vec<u8>>,
    rest: OpenFile,
    watch: Watch,
}

/// A text that is read without the secrets in it.
#[derive(Debug)]
pub(super) struct Masked<R> {
    inner: R,
    /// Nothing, when the text has come to its end.
    mask: Option<StreamMask>,
    ready: Cursor<Vec<u8>>,
}

impl Watch {
    pub(super) fn new(until: Instant, stop: CancellationToken) -> Self {
        Self {
            until,
            stop,
            has_ended: Arc::default(),
        }
    }

    /// Says whether a file was not read to its end.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Relaxed)
    }

    /// Fails once a search has to end.
    pub(super) fn check(&self) -> io::Result<()> {
        if self.stop.is_cancelled() || Instant::now() > self.until {
            self.has_ended.store(true, Ordering::Relaxed);
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }
}

impl Watched {
    /// Begins to read a file, unless it is no text.
    pub(super) fn text(mut file: OpenFile, watch: &Watch) -> io::Result<Option<Self>> {
        let mut begin = Vec::new();
        file.by_ref().take(SNIFFED).read_to_end(&mut begin)?;
        if begin.contains(&0) {
            return Ok(None);
        }
        Ok(Some(Self {
            begin: Cursor::new(begin),
            rest: file,
            watch: watch.clone(),
        }))
    }
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.watch.check()?;
        match self.begin.read(buffer)? {
            0 => self.rest.read(buffer),
            n => Ok(n),
        }
    }
}

impl<R: Read> Masked<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            mask: Some(StreamMask::new()),
            ready: Cursor::default(),
        }
    }
}

impl<R: Read> Read for Masked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let n = self.ready.read(buffer)?;
            let Some(mask) = self.mask.as_mut().filter(|_| n == 0 && !buffer.is_empty()) else {
                return Ok(n);
            };
            let mut chunk = vec![0; CHUNK];
            let read = self.inner.read(&mut chunk)?;
            let shown = match chunk.get(..read) {
                Some(piece) if !piece.is_empty() => mask.push_bytes(piece),
                Some(_) | None => self.mask.take().map(StreamMask::finish).unwrap_or_default(),
            };
            self.ready = Cursor::new(shown.into_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use openclaw_core::redaction::learn_text;

    use super::*;

    #[test]
    fn a_secret_is_masked_wherever_reading_cuts_it() {
        let secret = "cnry-of-a-search-0123456789";
        learn_text(secret);
        for before in CHUNK - 40..CHUNK + 4 {
            let text = format!("{}{secret}\nend\n", "x".repeat(before));
            let mut read = String::new();
            Masked::new(text.as_bytes())
                .read_to_string(&mut read)
                .unwrap();
            assert_eq!(read, format!("{}[REDACTED]\nend\n", "x".repeat(before)));
        }
    }
}
