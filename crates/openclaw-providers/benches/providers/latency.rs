//! How much later a piece of a slow answer arrives than over a plain socket.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use openclaw_providers::{Provider, StreamEvent};
use tokio::io::AsyncReadExt as _;

use crate::sample::Sample;
use crate::server;

/// How many pieces an answer has, and how long after one the next is sent.
const PIECES: usize = 1_000;
const PAUSE: Duration = Duration::from_millis(1);

/// How many answers are read each way, in turn.
const ROUNDS: usize = 6;

/// Measures how long a piece takes from being written until it is read, both ways.
pub(crate) async fn rows(sample: Sample) -> String {
    let epoch = Instant::now();
    let (before, _, after) = sample.parts();
    let address = server::serve(2 * ROUNDS, move |stream| {
        stream.write_all(before.as_bytes()).unwrap();
        for _ in 0..PIECES {
            thread::park_timeout(PAUSE);
            write_piece(stream, sample, epoch);
        }
        stream.write_all(after.as_bytes()).unwrap();
    });
    let provider = server::provider(sample.api, address);
    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.extend(through_the_layer(&provider, epoch).await);
        plain.extend(over_a_socket(address, sample, epoch).await);
    }
    let ((p50, p99), (plain_p50, plain_p99)) = (percentiles(ours), percentiles(plain));
    let api = sample.api;
    let added = |ours: Duration, plain: Duration| {
        let added = micros(ours) - micros(plain);
        format!("{added:.1} µs, ratio {:.2}", micros(ours) / micros(plain))
    };
    [
        format!(
            "| `{api}`, through the provider layer | {:.1} µs | {:.1} µs |",
            micros(p50),
            micros(p99)
        ),
        format!(
            "| `{api}`, over a plain socket | {:.1} µs | {:.1} µs |",
            micros(plain_p50),
            micros(plain_p99)
        ),
        format!(
            "| `{api}`, added | {} | {} |",
            added(p50, plain_p50),
            added(p99, plain_p99)
        ),
    ]
    .join("\n")
}

/// Sends the time at which it is sent.
fn write_piece(stream: &mut TcpStream, sample: Sample, epoch: Instant) {
    let (head, tail) = sample.around;
    let piece = format!("{head}{} {tail}", epoch.elapsed().as_nanos());
    stream.write_all(piece.as_bytes()).unwrap();
}

fn age(sent: &str, epoch: Instant) -> Option<Duration> {
    let sent = Duration::from_nanos(sent.trim().parse().ok()?);
    epoch.elapsed().checked_sub(sent)
}

async fn through_the_layer(provider: &Arc<dyn Provider>, epoch: Instant) -> Vec<Duration> {
    let mut events = server::ask(provider).await;
    let mut ages = Vec::with_capacity(PIECES);
    while let Some(event) = events.next().await {
        if let StreamEvent::Text(text) = event.expect("an event") {
            ages.extend(text.split_whitespace().filter_map(|sent| age(sent, epoch)));
        }
    }
    assert_eq!(ages.len(), PIECES);
    ages
}

/// Looks for nothing but the text between the two ends of an event.
async fn over_a_socket(address: SocketAddr, sample: Sample, epoch: Instant) -> Vec<Duration> {
    let (head, tail) = sample.around;
    let mut socket = server::connect(address).await;
    let mut buffer = vec![0; 16 * 1024];
    let mut ages = Vec::with_capacity(PIECES);
    loop {
        let n = socket.read(&mut buffer).await.unwrap();
        if n == 0 {
            break;
        }
        let text = std::str::from_utf8(&buffer[..n]).unwrap();
        let pieces = text.split(head).skip(1);
        let sent = pieces.filter_map(|piece| piece.split_once(tail));
        ages.extend(sent.filter_map(|(sent, _)| age(sent, epoch)));
    }
    assert_eq!(ages.len(), PIECES);
    ages
}

fn percentiles(mut ages: Vec<Duration>) -> (Duration, Duration) {
    ages.sort_unstable();
    (ages[ages.len() / 2], ages[ages.len() * 99 / 100])
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
