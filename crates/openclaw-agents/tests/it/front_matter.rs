//! Front matter that nobody meant well: whatever stands in it, it is read or refused, and soon.

use std::time::{Duration, Instant};

use openclaw_agents::skills::front_matter::{FrontMatter, MAX_TEXT};
use openclaw_agents::skills::manifest::Manifest;
use openclaw_testkit::fuzz;
use proptest::prelude::*;

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
    fuzz("front matter", &block(), |block| is_read_or_refused(&block));
}
