//! What it costs to look through a text in which no secret is, beside a copy of the same text.
//!
//! ```text
//! cargo bench -p openclaw-core --bench redaction
//! ```
#![forbid(unsafe_code)]

use divan::Bencher;
use divan::counter::BytesCount;
use openclaw_core::redaction::{learn_text, mask};

fn main() {
    divan::main();
}

/// The output of a build, or something like it.
fn text() -> String {
    let lines = (0..1000).map(|n| {
        format!("   Compiling some-crate v1.{n}.0 (/home/user/src/some-crate) in {n}.{n} s\n")
    });
    lines.collect()
}

/// Makes keys known that look like those of providers.
fn know(keys: usize) {
    for n in 0..keys {
        learn_text(&format!(
            "sk-ant-api03-{:032x}",
            n.wrapping_mul(0x9e37_79b9)
        ));
    }
}

#[divan::bench]
fn copy(bencher: Bencher<'_, '_>) {
    let text = text();
    let bencher = bencher.counter(BytesCount::of_str(&text));
    bencher.bench(|| divan::black_box(&text).clone());
}

#[divan::bench(args = [1, 5, 20, 200])]
fn look_through(bencher: Bencher<'_, '_>, keys: usize) {
    know(keys);
    let text = text();
    let bencher = bencher.counter(BytesCount::of_str(&text));
    bencher.bench(|| mask(divan::black_box(&text)).len());
}
