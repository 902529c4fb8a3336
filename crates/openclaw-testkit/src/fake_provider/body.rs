//! The body of an answer: bytes, silences and a broken connection, in the order of a script.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::body::{Body, Bytes, Frame, SizeHint};

use super::progress::Progress;

/// One thing that the body does.
#[derive(Debug)]
pub(super) enum Step {
    Send(Bytes),
    /// Waits until the test lets it go on.
    Hold,
    /// Breaks the connection.
    Cut,
}

pub(super) struct ReplyBody {
    steps: VecDeque<Step>,
    length: Option<u64>,
    flushed: bool,
    held: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    watch: HangUpWatch,
}

impl ReplyBody {
    /// Makes a body of unknown length, as event streams are.
    pub(super) fn stream(steps: Vec<Step>, progress: &Arc<Progress>) -> Self {
        Self {
            steps: steps.into(),
            length: None,
            flushed: true,
            held: None,
            watch: HangUpWatch::new(progress),
        }
    }

    /// Makes a body that promises `length` bytes, whatever it then does.
    pub(super) fn document(steps: Vec<Step>, length: usize, progress: &Arc<Progress>) -> Self {
        Self {
            length: u64::try_from(length).ok(),
            ..Self::stream(steps, progress)
        }
    }
}

impl fmt::Debug for ReplyBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyBody")
            .field("steps", &self.steps)
            .finish_non_exhaustive()
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            if let Some(held) = &mut self.held {
                ready!(held.as_mut().poll(cx));
                self.held = None;
            }
            // hyper flushes when it has to wait, so every piece is followed by a moment of that.
            if !self.flushed {
                self.flushed = true;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            match self.steps.pop_front() {
                Some(Step::Send(bytes)) => {
                    self.flushed = false;
                    if self.steps.is_empty() {
                        self.watch.over();
                    }
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Some(Step::Hold) => self.held = Some(self.watch.progress.hold()),
                Some(Step::Cut) => {
                    self.watch.over();
                    let cut = io::Error::new(io::ErrorKind::ConnectionAborted, "cut by the test");
                    return Poll::Ready(Some(Err(cut)));
                }
                None => {
                    self.watch.over();
                    return Poll::Ready(None);
                }
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.length
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// Notes that a client hung up, unless the answer was over by then.
#[derive(Debug)]
pub(super) struct HangUpWatch {
    progress: Arc<Progress>,
    over: bool,
}

impl HangUpWatch {
    pub(super) fn new(progress: &Arc<Progress>) -> Self {
        Self {
            progress: Arc::clone(progress),
            over: false,
        }
    }

    pub(super) const fn over(&mut self) {
        self.over = true;
    }
}

impl Drop for HangUpWatch {
    fn drop(&mut self) {
        if !self.over {
            self.progress.hung_up();
        }
    }
}
