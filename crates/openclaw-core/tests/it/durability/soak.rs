//! How long the tests of durability run, and where their figures go; `cargo xtask soak` says both.

use std::fmt::Display;
use std::fs::OpenOptions;
use std::io::Write as _;

use openclaw_core::env::Env;

/// Asks for the long form: how many times the writer is killed; the other tests scale with it.
const ROUNDS: &str = "OPENCLAW_SOAK_ROUNDS";
/// The seed of a run that is to be repeated.
const SEED: &str = "OPENCLAW_SOAK_SEED";
/// The file that figures are appended to.
const FIGURES: &str = "OPENCLAW_SOAK_FIGURES";

/// The seed of the short form, which is the same in every run.
const SHORT_SEED: u64 = 2026;

/// Which form of the tests was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Short,
    /// The long form, with this many rounds of the kill loop.
    Long(u32),
}

pub(super) fn form() -> Form {
    let env = Env::from_process();
    env.get(ROUNDS)
        .map_or(Form::Short, |rounds| Form::Long(rounds.parse().unwrap()))
}

/// Returns the seed of this run; the long form takes another one each time.
pub(super) fn seed() -> u64 {
    let env = Env::from_process();
    match (env.get(SEED), form()) {
        (Some(seed), _) => seed.parse().unwrap(),
        (None, Form::Short) => SHORT_SEED,
        (None, Form::Long(_)) => getrandom::u64().unwrap(),
    }
}

/// Shows how far the long form has come.
#[expect(clippy::print_stderr, reason = "the soak is watched in a terminal")]
pub(super) fn progress(text: &str) {
    if form() != Form::Short {
        eprintln!("    {text}");
    }
}

/// Prints figures, and hands them to `cargo xtask soak` if that is who asked.
#[expect(clippy::print_stderr, reason = "the figures are what the test is for")]
pub(super) fn figures(subject: &str, figures: &[(&str, &dyn Display)]) {
    let figures: Vec<_> = figures
        .iter()
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    let line = format!("{subject}: {}", figures.join(", "));
    eprintln!("{line}");
    if let Some(file) = Env::from_process().get_os(FIGURES) {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(file)
            .unwrap();
        writeln!(file, "{line}").unwrap();
    }
}
