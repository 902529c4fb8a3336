//! A client's connection, with what it may take.
//!
//! The stream below HTTP and WebSocket knows what the layers above it do not tell each other: that
//! a client does not read its answers, how a request was cut up, how much somebody may send who
//! has not shown who he is.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::time::{Instant, Sleep, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::crowd::{Crowd, Member};
use super::framing::{Head, Verdict};

/// How long a client may take to read anything at all of what is sent to it.
pub(crate) const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// What a client that speaks HTTP/2 without having agreed on it says first (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How many more requests of a connection may be taken back by the client than were answered.
///
/// Each costs the client one frame and us the start of a request, and none of them counts towards
/// the requests that are under way at the same time (CVE-2023-44487).
const TAKEN_BACK: u32 = 100;

/// What bytes come and go over.
pub(super) trait Duplex: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin> Duplex for T {}

/// How a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speech {
    /// HTTP/1.1, in text.
    Text,
    /// HTTP/2, in frames.
    Frames,
}

/// The stream of a connection.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Box<dyn Duplex>,
    /// What was read to find out how the client speaks.
    ahead: Vec<u8>,
    line: Arc<Line>,
    /// Since the client stopped to read.
    patience: Option<Pin<Box<Sleep>>>,
    /// Given back when the connection is closed, whoever has it then.
    _place: OwnedSemaphorePermit,
}

/// What is known about a connection, for those who work on it.
#[derive(Debug)]
pub(crate) struct Line {
    /// Where it is while nothing of a request is under way.
    waiting: Arc<Crowd>,
    /// Cancelled when the connection has to make room.
    go: CancellationToken,
    /// Notified when a bounded client has sent all that it may.
    used_up: Notify,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    use_: Use,
    head: Head,
    speech: Speech,
    /// Since when it is used so.
    since: Instant,
    answered: u32,
    taken_back: u32,
    /// How much more may be read, where that is bounded.
    allowance: Option<usize>,
    /// Whether the client does not read what is sent to it.
    stuck: bool,
    /// Who wants to read, and has to wait.
    reader: Option<Waker>,
}

/// What a connection is used for.
#[derive(Debug)]
enum Use {
    /// For nothing yet, or nothing more: it waits for the head of a request.
    Waiting(
        #[expect(
            dead_code,
            reason = "it is held, and gives up its place by being dropped"
        )]
        Member,
    ),
    /// So many requests are under way.
    Requests(usize),
    /// It is a WebSocket.
    Socket,
}

impl Line {
    /// Makes the record of a connection that has just been accepted.
    pub(super) fn new(waiting: &Arc<Crowd>) -> Arc<Self> {
        let go = CancellationToken::new();
        let member = waiting.join(go.clone());
        Arc::new(Self {
            waiting: Arc::clone(waiting),
            go,
            used_up: Notify::new(),
            state: Mutex::new(State {
                use_: Use::Waiting(member),
                head: Head::default(),
                speech: Speech::Text,
                since: Instant::now(),
                answered: 0,
                taken_back: 0,
                allowance: None,
                stuck: false,
                reader: None,
            }),
        })
    }

    /// Ends when the connection has to make room for another one.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(super) async fn pushed_out(&self) {
        self.go.cancelled().await;
    }

    /// Notes that a request has come, and returns what is to be thought of its head.
    pub(super) fn begin(&self) -> Verdict {
        let mut state = self.state.lock();
        let under_way = match state.use_ {
            Use::Requests(others) => others,
            Use::Waiting(_) | Use::Socket => 0,
        };
        state.use_ = Use::Requests(under_way.saturating_add(1));
        match state.speech {
            Speech::Text => state.head.verdict(),
            // A frame says how long it is, and a head how it ends, in one way only.
            Speech::Frames => Verdict::Clear,
        }
    }

    /// Notes that a request has come to its end.
    pub(super) fn end(&self, how: Ending) {
        let mut state = self.state.lock();
        let count = match how {
            Ending::Answered => &mut state.answered,
            Ending::TakenBack => &mut state.taken_back,
        };
        *count = count.saturating_add(1);
        let tolerated = state.answered.saturating_add(TAKEN_BACK);
        let flood = state.speech == Speech::Frames && state.taken_back > tolerated;
        match state.use_ {
            Use::Requests(0 | 1) => {
                state.use_ = Use::Waiting(self.waiting.join(self.go.clone()));
                state.head = Head::default();
                state.since = Instant::now();
            }
            Use::Requests(several) => state.use_ = Use::Requests(several.saturating_sub(1)),
            Use::Waiting(_) | Use::Socket => {}
        }
        drop(state);
        if flood {
            self.go.cancel();
        }
    }

    /// Ends when nothing has been under way for so long.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(super) async fn idle(&self, long: Duration) {
        loop {
            let until = {
                let state = self.state.lock();
                match state.use_ {
                    Use::Waiting(_) => state.since + long,
                    Use::Requests(_) | Use::Socket => Instant::now() + long,
                }
            };
            if until <= Instant::now() {
                return;
            }
            sleep_until(until).await;
        }
    }

    /// Notes that the connection becomes a WebSocket, which stays when others have to go.
    pub(crate) fn becomes_socket(&self) {
        self.state.lock().use_ = Use::Socket;
    }

    /// Reads no more than so many bytes from now on.
    pub(crate) fn bound(&self, bytes: usize) {
        self.state.lock().allowance = Some(bytes);
    }

    /// Reads without a bound again.
    pub(crate) fn lift_bound(&self) {
        let mut state = self.state.lock();
        state.allowance = None;
        wake(state.reader.take());
    }

    /// Ends when a client has sent all that it may, and more is asked for.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(super) async fn used_up(&self) {
        self.used_up.notified().await;
    }
}

/// How a request comes to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It has its answer.
    Answered,
    /// The client does not want it any more, or is gone.
    TakenBack,
}

impl Wire {
    /// Takes the stream of a connection.
    pub(super) fn new(
        stream: Box<dyn Duplex>,
        line: Arc<Line>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            stream,
            ahead: Vec::new(),
            line,
            patience: None,
            _place: place,
        }
    }

    /// Finds out how a client speaks, by its first bytes where it was not agreed on.
    pub(super) async fn speech(&mut self, agreed: Option<Speech>) -> io::Result<Speech> {
        let speech = match agreed {
            Some(agreed) => agreed,
            None => loop {
                if !PREFACE.starts_with(&self.ahead) {
                    break Speech::Text;
                }
                if self.ahead.len() == PREFACE.len() {
                    break Speech::Frames;
                }
                let mut next = [0; PREFACE.len()];
                let room = PREFACE.len().saturating_sub(self.ahead.len());
                let next = next.get_mut(..room).unwrap_or_default();
                let read = self.stream.read(next).await?;
                if read == 0 {
                    break Speech::Text;
                }
                self.ahead.extend(next.iter().take(read));
            },
        };
        self.line.state.lock().speech = speech;
        Ok(speech)
    }

    /// Reads what was read ahead, and then what comes.
    fn poll_next(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let some = self.ahead.len().min(buf.remaining());
        buf.put_slice(self.ahead.get(..some).unwrap_or_default());
        self.ahead.drain(..some);
        Poll::Ready(Ok(()))
    }

    /// Notes what became of an attempt to write.
    fn wrote<T>(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            if self.patience.take().is_some() {
                let mut state = self.line.state.lock();
                state.stuck = false;
                wake(state.reader.take());
            }
            return outcome;
        }
        let patience = self.patience.get_or_insert_with(|| {
            self.line.state.lock().stuck = true;
            Box::pin(sleep(WRITE_TIMEOUT))
        });
        ready!(patience.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let allowance = {
            let mut state = this.line.state.lock();
            // Whoever does not read gets no chance to ask for more answers.
            if state.stuck || state.allowance == Some(0) {
                if !state.stuck {
                    this.line.used_up.notify_one();
                }
                state.reader = Some(cx.waker().clone());
                return Poll::Pending;
            }
            state.allowance
        };
        let before = buf.filled().len();
        match allowance {
            None => ready!(this.poll_next(cx, buf))?,
            Some(allowance) => {
                let room = allowance.min(buf.remaining());
                let mut part = ReadBuf::new(buf.initialize_unfilled_to(room));
                ready!(this.poll_next(cx, &mut part))?;
                let read = part.filled().len();
                buf.advance(read);
                let left = Some(allowance.saturating_sub(read));
                let mut state = this.line.state.lock();
                state.allowance = state.allowance.and(left);
            }
        }
        let mut state = this.line.state.lock();
        if state.speech == Speech::Text && matches!(state.use_, Use::Waiting(_)) {
            state
                .head
                .look_at(buf.filled().get(before..).unwrap_or_default());
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write(cx, data);
        this.wrote(cx, outcome)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write_vectored(cx, data);
        this.wrote(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
