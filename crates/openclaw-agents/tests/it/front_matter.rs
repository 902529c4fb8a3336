//! Front matter that nobody meant well: whatever stands in it, it is read or refused, and soon.
//!
//! `OPENCLAW_SOAK_SECONDS=600 cargo test -p openclaw-agents --test it front_matter -- --nocapture`
//! is the long form.

use std::time::{Duration, Instant};

use openclaw_agents::skills::front_matter::{FrontMatter, MAX_TEXT};
use openclaw_agents::skills::manifest::Manifest;
use openclaw_core::env::Env;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};

/// Asks for the long form: how many seconds texts are tried.
const SECONDS: &str = "OPENCLAW_SOAK_SECONDS";
/// How many texts are tried before the clock is looked at.
const ROUND: u32 = 256;
/// How long one text may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Pieces that mean something in YAML, in JSON5 or to OpenClaw.
const PIECES: [&str; 44] = [
    "name: ",
    "description: ",
    "metadata: ",
    "metadata:\n  ",
    "user-invocable: ",
    "\"openclaw\"",
    "openclaw:",
    "requires",
    "bins",
    "install",
    "\n",
    "\n  ",
    "\n    ",
    "\t",
    " ",
    ": ",
    ":",
    "- ",
    "? ",
    ", ",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "|",
    ">-",
    "#",
    " # ",
    "&a ",
    "*a",
    "<<: *a",
    "!!str ",
    "!x ",
    "%",
    "@",
    "`",
    "~",
    "null",
    "1e999",
    "\\u00e9",
    "---",
    "...",
];

fn block() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => prop::sample::select(&PIECES[..]).prop_map(str::to_owned),
        2 => "[a-z]{1,6}",
        1 => "\\PC{0,4}",
        1 => any::<char>().prop_map(String::from),
        1 => (prop::sample::select(&PIECES[..]), 2_usize..300).prop_map(|(piece, n)| piece.repeat(n)),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn is_read_or_refused(block: &str) -> Result<(), TestCaseError> {
    let text = format!("---\n{block}\n---\nbody\n");
    let started = Instant::now();
    let lines = text.split(['\n', '\r']).count();
    match FrontMatter::parse(&text) {
        Ok(front) => {
            drop(Manifest::of(&front));
            let size: usize = front.fields().values().map(String::len).sum();
            // Quotes and escapes of JSON come on top of the text itself.
            prop_assert!(size <= 7 * (MAX_TEXT + text.len()), "{size} bytes came out");
        }
        Err(err) => {
            prop_assert!(err.line >= 1 && err.column >= 1, "{err:?}");
            prop_assert!(
                err.line <= lines.saturating_add(1),
                "line {} of {lines}: {err}",
                err.line
            );
        }
    }
    let took = started.elapsed();
    prop_assert!(took < PATIENCE, "{} bytes took {took:?}", text.len());
    Ok(())
}

#[test]
fn whatever_stands_in_front_matter_is_read_or_refused() {
    let asked = Env::from_process()
        .get(SECONDS)
        .and_then(|text| text.parse().ok());
    let end = Instant::now() + Duration::from_secs(asked.unwrap_or(0));
    let mut tried = 0;
    loop {
        let mut runner = TestRunner::new(Config {
            cases: ROUND,
            failure_persistence: None,
            ..Config::default()
        });
        match runner.run(&block(), |block| is_read_or_refused(&block)) {
            Ok(()) => {}
            Err(TestError::Fail(why, block)) => panic!("{why}\n{block:?}"),
            Err(TestError::Abort(why)) => panic!("{why}"),
        }
        tried += u64::from(ROUND);
        if Instant::now() >= end {
            break;
        }
    }
    if asked.is_some() {
        eprintln!("front matter: {tried} texts tried");
    }
}
