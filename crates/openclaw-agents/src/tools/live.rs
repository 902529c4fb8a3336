//! The output of a tool while it runs, on its way to whoever watches and into the tool's result.

use std::fmt;
use std::mem;
use std::sync::Arc;

use openclaw_core::redaction::StreamMask;
use openclaw_sandbox::Kept;
use parking_lot::Mutex;

use crate::bus::OutputStream;

/// Takes output as it is written, masks known secrets in it, hands on the first of it and keeps
/// what belongs into the result.
///
/// Output is masked before it is cut to its limits: of a secret that was cut in two, neither part
/// would be known. What was held back because it could have become a secret is handed on when the
/// last clone of this is dropped.
#[derive(Clone)]
pub(crate) struct LiveOutput(Arc<Inner>);

struct Inner {
    hand_on: Box<dyn Fn(OutputStream, String) + Send + Sync>,
    stdout: Mutex<Written>,
    stderr: Mutex<Written>,
}

/// What was written to one stream.
struct Written {
    mask: StreamMask,
    kept: Kept,
    /// How many bytes may still be handed on.
    open: usize,
}

/// What of an output belongs into a result.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Printed {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Whether something was left out.
    pub(crate) truncated: bool,
}

impl fmt::Debug for LiveOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveOutput").finish_non_exhaustive()
    }
}

impl Written {
    fn new(max_bytes: usize) -> Self {
        Self {
            mask: StreamMask::new(),
            kept: Kept::new(max_bytes),
            open: max_bytes,
        }
    }

    /// Keeps text that is masked, and returns what of it is handed on.
    fn take(&mut self, mut masked: String) -> String {
        self.kept.push(masked.as_bytes());
        let fits = masked.floor_char_boundary(self.open);
        // Where something was left out, nothing follows.
        self.open = if fits < masked.len() {
            0
        } else {
            self.open.saturating_sub(fits)
        };
        masked.truncate(fits);
        masked
    }
}

impl LiveOutput {
    /// Makes one that keeps and hands on so many bytes of each stream.
    pub(crate) fn new(
        max_bytes: usize,
        hand_on: impl Fn(OutputStream, String) + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner {
            hand_on: Box::new(hand_on),
            stdout: Mutex::new(Written::new(max_bytes)),
            stderr: Mutex::new(Written::new(max_bytes)),
        }))
    }

    /// Takes a piece, which may be cut anywhere.
    pub(crate) fn write(&self, stream: OutputStream, bytes: &[u8]) {
        let shown = {
            let mut written = self.0.written(stream).lock();
            let masked = written.mask.push_bytes(bytes);
            written.take(masked)
        };
        self.0.show(stream, shown);
    }

    /// Returns what was written, when no more comes.
    pub(crate) fn finish(&self) -> Printed {
        self.0.finish()
    }
}

impl Inner {
    fn finish(&self) -> Printed {
        let [stdout, stderr] =
            [OutputStream::Stdout, OutputStream::Stderr].map(|stream| self.end(stream));
        Printed {
            truncated: stdout.truncated() || stderr.truncated(),
            stdout: text(stdout),
            stderr: text(stderr),
        }
    }

    fn end(&self, stream: OutputStream) -> Kept {
        let (kept, shown) = {
            // Nothing comes after the end.
            let mut written = mem::replace(&mut *self.written(stream).lock(), Written::new(0));
            let rest = mem::take(&mut written.mask).finish();
            let shown = written.take(rest);
            (written.kept, shown)
        };
        self.show(stream, shown);
        kept
    }

    const fn written(&self, stream: OutputStream) -> &Mutex<Written> {
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

impl Drop for Inner {
    fn drop(&mut self) {
        drop(self.finish());
    }
}

/// The cut goes by bytes, so a character at it may not be whole.
fn text(kept: Kept) -> String {
    String::from_utf8_lossy(&kept.into_bytes()).into_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use openclaw_core::redaction::learn_text;

    use super::*;
    use crate::tools::MAX_RESULT_BYTES;

    const SECRET: &str = "cnry-of-the-live-output-0123456789";

    /// Writes pieces to standard output; returns what a watcher saw, and what was kept.
    fn written(pieces: &[&str]) -> (String, Printed) {
        learn_text(SECRET);
        let seen: Arc<Mutex<String>> = Arc::default();
        let watcher = Arc::clone(&seen);
        let live = LiveOutput::new(MAX_RESULT_BYTES, move |_, text| {
            watcher.lock().push_str(&text);
        });
        for piece in pieces {
            live.write(OutputStream::Stdout, piece.as_bytes());
        }
        let printed = live.finish();
        drop(live);
        let seen = seen.lock().clone();
        (seen, printed)
    }

    #[test]
    fn a_secret_is_masked_for_who_watches_and_in_the_result() {
        let (head, tail) = SECRET.split_at(10);
        let (seen, printed) = written(&["the key ", head, tail, " and cnry-of"]);
        let masked = "the key [REDACTED] and cnry-of";
        assert_eq!(seen, masked);
        let kept = Printed {
            stdout: masked.to_owned(),
            stderr: String::new(),
            truncated: false,
        };
        assert_eq!(printed, kept);
    }

    #[test]
    fn no_part_of_a_secret_is_left_where_output_is_cut() {
        for at in (MAX_RESULT_BYTES / 2 - 40..MAX_RESULT_BYTES / 2 + 40)
            .chain(MAX_RESULT_BYTES - 40..MAX_RESULT_BYTES + 40)
            .step_by(7)
        {
            let lead = "x".repeat(at);
            let trail = "y".repeat(MAX_RESULT_BYTES);
            // The cut at the end is as far from there as the first is from the beginning.
            for text in [
                format!("{lead}{SECRET}{trail}"),
                format!("{trail}{SECRET}{lead}"),
            ] {
                let (seen, printed) = written(&[&text]);
                assert!(printed.truncated);
                assert!(seen.len() <= MAX_RESULT_BYTES);
                for shown in [&seen, &printed.stdout] {
                    for part in ["cnry", "live", "6789"] {
                        assert!(!shown.contains(part), "{part} with {at} bytes before");
                    }
                }
            }
        }
    }
}
