//! How fast a long answer is read.

use std::hint::black_box;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use memchr::memchr_iter;
use openclaw_providers::StreamEvent;
use openclaw_providers::sse::Decoder;
use tokio::io::AsyncReadExt as _;

use crate::sample::Sample;
use crate::server;

const BYTES: usize = 10_000_000;

/// What a socket gives at once.
const PIECE: usize = 16 * 1024;

/// How often each is measured, in turn; the median counts. The decoder alone is done in no time.
const ROUNDS: usize = 15;
const DECODER_ROUNDS: usize = 301;

/// Counts the lines that begin with `data:`.
fn split_lines(bytes: &[u8]) -> usize {
    let mut from = 0;
    let mut lines = 0;
    for end in memchr_iter(b'\n', bytes) {
        lines += usize::from(bytes[from..end].starts_with(b"data:"));
        from = end + 1;
    }
    lines
}

fn decode(bytes: &[u8]) -> usize {
    let mut decoder = Decoder::new();
    let mut events = 0;
    for piece in bytes.chunks(PIECE) {
        let pushed = decoder.push(piece, |event| {
            black_box(event);
            events += 1;
            ControlFlow::Continue(())
        });
        pushed.expect("events");
    }
    events
}

/// Measures the decoder of server-sent events alone.
pub(crate) fn decoder(sample: Sample) -> String {
    let answer = sample.of_size(BYTES);
    let bytes = answer.as_bytes();
    assert_eq!(decode(bytes), split_lines(bytes));
    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..DECODER_ROUNDS {
        ours.push(timed(|| decode(black_box(bytes))));
        plain.push(timed(|| split_lines(black_box(bytes))));
    }
    let what = format!("`{}`, server-sent events alone", sample.api);
    row(&what, bytes.len(), ours, plain)
}

fn timed(work: impl FnOnce() -> usize) -> Duration {
    let began = Instant::now();
    black_box(work());
    began.elapsed()
}

/// Measures the whole way from the socket to the events of the stream model.
pub(crate) async fn layer(sample: Sample) -> String {
    let answer = sample.of_size(BYTES);
    let length = answer.len();
    let address = server::serve(2 * ROUNDS, move |stream| {
        stream.write_all(answer.as_bytes()).unwrap();
    });
    let provider = server::provider(sample.api, address);
    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let mut events = server::ask(&provider).await;
        let mut last = None;
        while let Some(event) = events.next().await {
            last = Some(event.expect("an event"));
        }
        ours.push(began.elapsed());
        assert!(matches!(last, Some(StreamEvent::Stop(_))), "{last:?}");

        let began = Instant::now();
        let mut socket = server::connect(address).await;
        let mut buffer = vec![0; PIECE];
        loop {
            match socket.read(&mut buffer).await.unwrap() {
                0 => break,
                n => black_box(split_lines(&buffer[..n])),
            };
        }
        plain.push(began.elapsed());
    }
    let what = format!("`{}`, from the socket to the events", sample.api);
    row(&what, length, ours, plain)
}

fn row(what: &str, bytes: usize, ours: Vec<Duration>, plain: Vec<Duration>) -> String {
    let (ours, plain) = (median(ours), median(plain));
    let rate = |time: Duration| bytes as f64 / 1e6 / time.as_secs_f64();
    let ratio = ours.as_secs_f64() / plain.as_secs_f64();
    let (ours, plain) = (rate(ours), rate(plain));
    format!("| {what} | {ours:.0} | {plain:.0} | {ratio:.2} |")
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
