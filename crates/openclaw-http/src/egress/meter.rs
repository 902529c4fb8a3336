//! What goes through a connection: how much, and when it last did.

use std::future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

/// Counts what goes to a host and comes from it.
#[derive(Debug)]
pub(super) struct Meter(Mutex<Count>);

#[derive(Clone, Copy, Debug)]
pub(super) struct Count {
    pub(super) sent: u64,
    pub(super) received: u64,
    last: Instant,
}

/// A connection to a host, with its meter.
#[derive(Debug)]
pub(super) struct Metered {
    stream: TcpStream,
    meter: Arc<Meter>,
}

impl Meter {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Count {
            sent: 0,
            received: 0,
            last: Instant::now(),
        }))
    }

    pub(super) fn count(&self) -> Count {
        *self.0.lock()
    }

    /// Waits until nothing has gone through for this long.
    pub(super) async fn silence(&self, limit: Duration) {
        while let Some(until) = self.count().last.checked_add(limit) {
            if until <= Instant::now() {
                return;
            }
            sleep_until(until).await;
        }
        // A limit beyond the end of time is none.
        future::pending::<()>().await;
    }

    fn add(&self, sent: usize, received: usize) {
        if sent == 0 && received == 0 {
            return;
        }
        let more =
            |count: u64, bytes| count.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        let mut count = self.0.lock();
        count.sent = more(count.sent, sent);
        count.received = more(count.received, received);
        count.last = Instant::now();
    }
}

impl Metered {
    pub(super) const fn new(stream: TcpStream, meter: Arc<Meter>) -> Self {
        Self { stream, meter }
    }

    fn wrote(&self, wrote: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(n)) = &wrote {
            self.meter.add(*n, 0);
        }
        wrote
    }
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.meter.add(0, buf.filled().len().saturating_sub(before));
        read
    }
}

impl AsyncWrite for Metered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.wrote(wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
