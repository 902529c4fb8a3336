//! How long the properties are tried: briefly with every test run, and for as long as is asked.
//!
//! `OPENCLAW_FUZZ_SECONDS=600 cargo test -p openclaw-config --test it fuzz` runs the long form.

use openclaw_core::env::Env;
use proptest::test_runner::Config;

/// Asks for the long form: how many seconds each property is tried.
const SECONDS: &str = "OPENCLAW_FUZZ_SECONDS";

/// How many cases the short form tries.
const CASES: u32 = 512;

/// Returns how a property is tried in the short form.
pub(crate) fn config() -> Config {
    Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    }
}
