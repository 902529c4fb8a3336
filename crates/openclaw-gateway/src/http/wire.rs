//! A client's connection, with what it may take.
//!
//! The stream below HTTP and WebSocket knows what the layers above it do not tell each other: that
//! a client does not read its answers, how a request was cut up, how much somebody may send who
//! has not shown who he is.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::time::{Sleep, sleep};
use tokio_util::sync::CancellationToken;

use super::crowd::{Crowd, Member};
use super::framing::{Head, Verdict};

/// How long a client may take to read anything at all of what is sent to it.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// The stream of a connection.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
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
    /// A request is under way.
    Request,
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
        state.use_ = Use::Request;
        state.head.verdict()
    }

    /// Notes that a request is answered.
    pub(super) fn end(&self) {
        let mut state = self.state.lock();
        if matches!(state.use_, Use::Request) {
            state.use_ = Use::Waiting(self.waiting.join(self.go.clone()));
            state.head = Head::default();
        }
    }

    /// Notes that the connection becomes a WebSocket, which stays when others have to go.
    pub(super) fn becomes_socket(&self) {
        self.state.lock().use_ = Use::Socket;
    }

    /// Reads no more than so many bytes from now on.
    pub(super) fn bound(&self, bytes: usize) {
        self.state.lock().allowance = Some(bytes);
    }

    /// Reads without a bound again.
    pub(super) fn lift_bound(&self) {
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

impl Wire {
    /// Takes the stream of a connection.
    pub(super) fn new(stream: TcpStream, line: Arc<Line>, place: OwnedSemaphorePermit) -> Self {
        Self {
            stream,
            line,
            patience: None,
            _place: place,
        }
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
            None => ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?,
            Some(allowance) => {
                let room = allowance.min(buf.remaining());
                let mut part = ReadBuf::new(buf.initialize_unfilled_to(room));
                ready!(Pin::new(&mut this.stream).poll_read(cx, &mut part))?;
                let read = part.filled().len();
                buf.advance(read);
                let left = Some(allowance.saturating_sub(read));
                let mut state = this.line.state.lock();
                state.allowance = state.allowance.and(left);
            }
        }
        let mut state = this.line.state.lock();
        if matches!(state.use_, Use::Waiting(_)) {
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
