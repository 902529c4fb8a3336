//! What the provider layer costs: per byte of a long answer, and per piece of a slow one.
//!
//! ```text
//! cargo bench -p openclaw-providers --bench providers
//! ```
//!
//! Beside the decoder of server-sent events stands the least that can be done with such a stream:
//! to look for the ends of its lines and count those that begin with `data:`. Beside the whole
//! layer stands a plain socket, read by the same runtime in the same process.
#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a benchmark stops at the first surprise and prints what it finds"
)]

mod latency;
mod sample;
mod server;
mod throughput;

use sample::SAMPLES;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    // `cargo test --benches` runs this without the argument that `cargo bench` adds.
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("providers benchmark: run it with cargo bench");
        return;
    }
    println!("| 10 MB of an answer | MB/s | plain line splitter, MB/s | ratio of the times |");
    println!("|---|---|---|---|");
    for sample in SAMPLES {
        println!("{}", throughput::decoder(sample));
    }
    for sample in SAMPLES {
        println!("{}", throughput::layer(sample).await);
    }
    println!();
    println!("| latency of a piece of an answer | p50 | p99 |");
    println!("|---|---|---|");
    for sample in SAMPLES {
        println!("{}", latency::rows(sample).await);
    }
}
