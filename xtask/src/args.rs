//! The command line: a word for the command, and few flags.
//!
//! Parsed by hand, because clap belongs to the `openclaw` binary and would more than double the
//! time that a fresh clone needs to compile this program.

use std::ffi::OsString;

use crate::bench::Part;
use crate::soak;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Chores of this workspace.

Usage: cargo xtask COMMAND

Commands:
  demo [-- ARGS]       build `openclaw`, then run `openclaw demo ARGS`; its exit code is passed on
  test                 install what the tests need (Debian, as root), then run all of them
  ci [--no-test]       fmt, tidy, clippy, test, doc, deny, advisories, codegen; a table at the end
  codegen [--check]    write docs/reference; with --check, fail where it differs from the code
  schema               write the config schema of openclaw-config from the recorded one
  tidy                 check the crate graph, the sources and the paths that ARCHITECTURE.md names
  bench [PART]         measure the release build and write the figures to docs/benchmarks.md;
                       PART is gateway, events, stores, providers, agents or sandbox, all of
                       them unless it is named
  soak [--rounds N] [--seconds S]
                       kill writers, cut the power, let processes compete: what the event log has
                       to survive, at length, with N kills (50); then try the readers of foreign
                       files and streams with made-up ones, S seconds each (600)
  way-back             install the real OpenClaw (npm, 800 MB) and have it look at homes that
                       this program has worked in

Everything is built beneath CARGO_TARGET_DIR if that is set, otherwise in
${XDG_CACHE_HOME:-$HOME/.cache}/openclaw-rs/target, which every checkout shares.

Exit codes: 0 done, 1 something failed, 2 the command line was not understood.
";

/// One chore, as asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Print the help text.
    Help,
    /// Run the demo.
    Demo {
        /// What follows `openclaw demo`.
        arguments: Vec<OsString>,
    },
    /// Run every test.
    Test,
    /// Run every check.
    Ci(Tests),
    /// Generate the reference pages.
    Codegen(Mode),
    /// Write the compact config schema.
    Schema,
    /// Check what no other tool checks.
    Tidy,
    /// Have the real OpenClaw look at homes that this program has worked in.
    WayBack,
    /// Run the long forms of the tests of durability.
    Soak {
        /// How many times a writing process is killed; the other tests of the log scale with it.
        rounds: u32,
        /// How many seconds each reader of foreign files and streams is tried.
        seconds: u32,
    },
    /// Measure these parts of the release build.
    Bench(Vec<Part>),
}

/// Whether `ci` runs the tests too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tests {
    /// They are one of the steps.
    Run,
    /// They ran already.
    Skip,
}

/// What `codegen` does with a page that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Writes it.
    Write,
    /// Reports it.
    Check,
}

/// Why a command line was not understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UsageError {
    /// There is no such command.
    #[error("no command `{0}`")]
    Command(String),
    /// The command does not take this.
    #[error("`{command}` takes no `{argument}`")]
    Argument {
        command: &'static str,
        argument: String,
    },
    /// A flag's number is missing or is none.
    #[error("`{flag}` takes a number from 1 on")]
    Number { flag: &'static str },
}

/// Reads the arguments that follow the program's name.
pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Command, UsageError> {
    let mut arguments = arguments.peekable();
    let Some(word) = arguments.next() else {
        return Ok(Command::Help);
    };
    match word.to_string_lossy().as_ref() {
        "help" | "--help" | "-h" => Ok(Command::Help),
        "demo" => {
            // The separator is for cargo's and the reader's sake; the demo does not see it.
            arguments.next_if(|argument| argument == "--");
            let arguments = arguments.collect();
            Ok(Command::Demo { arguments })
        }
        "test" => without_flags("test", Command::Test, arguments),
        "schema" => without_flags("schema", Command::Schema, arguments),
        "tidy" => without_flags("tidy", Command::Tidy, arguments),
        "way-back" => without_flags("way-back", Command::WayBack, arguments),
        "soak" => {
            let rounds = number(&mut arguments, "--rounds")?;
            let rounds = rounds.unwrap_or(soak::ROUNDS);
            let seconds = number(&mut arguments, "--seconds")?;
            let seconds = seconds.unwrap_or(soak::SECONDS);
            without_flags("soak", Command::Soak { rounds, seconds }, arguments)
        }
        "bench" => {
            let named = Part::ALL
                .into_iter()
                .find(|part| flag(&mut arguments, part.name()));
            let parts = named.map_or_else(|| Part::ALL.to_vec(), |part| vec![part]);
            without_flags("bench", Command::Bench(parts), arguments)
        }
        "ci" => {
            let tests = flag(&mut arguments, "--no-test").then_some(Tests::Skip);
            without_flags("ci", Command::Ci(tests.unwrap_or(Tests::Run)), arguments)
        }
        "codegen" => {
            let mode = flag(&mut arguments, "--check").then_some(Mode::Check);
            let command = Command::Codegen(mode.unwrap_or(Mode::Write));
            without_flags("codegen", command, arguments)
        }
        other => Err(UsageError::Command(other.to_owned())),
    }
}

fn flag<I>(arguments: &mut std::iter::Peekable<I>, name: &str) -> bool
where
    I: Iterator<Item = OsString>,
{
    arguments.next_if(|argument| argument == name).is_some()
}

/// Takes a flag and the number after it, if the flag comes next.
fn number<I>(
    arguments: &mut std::iter::Peekable<I>,
    name: &'static str,
) -> Result<Option<u32>, UsageError>
where
    I: Iterator<Item = OsString>,
{
    if !flag(arguments, name) {
        return Ok(None);
    }
    let number = arguments.next();
    let number = number.and_then(|number| number.to_str()?.parse().ok());
    match number.filter(|number| *number > 0) {
        Some(number) => Ok(Some(number)),
        None => Err(UsageError::Number { flag: name }),
    }
}

fn without_flags(
    name: &'static str,
    command: Command,
    mut rest: impl Iterator<Item = OsString>,
) -> Result<Command, UsageError> {
    match rest.next() {
        None => Ok(command),
        Some(argument) if argument == "--help" || argument == "-h" => Ok(Command::Help),
        Some(argument) => Err(UsageError::Argument {
            command: name,
            argument: argument.to_string_lossy().into_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, UsageError> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn commands_take_their_flags() {
        assert_eq!(parsed("ci"), Ok(Command::Ci(Tests::Run)));
        assert_eq!(parsed("ci --no-test"), Ok(Command::Ci(Tests::Skip)));
        assert_eq!(parsed("codegen"), Ok(Command::Codegen(Mode::Write)));
        assert_eq!(parsed("codegen --check"), Ok(Command::Codegen(Mode::Check)));
        assert_eq!(parsed("test"), Ok(Command::Test));
        assert_eq!(
            parsed("bench"),
            Ok(Command::Bench(vec![
                Part::Gateway,
                Part::Events,
                Part::Stores,
                Part::Providers,
                Part::Agents,
                Part::Sandbox
            ]))
        );
        assert_eq!(
            parsed("bench stores"),
            Ok(Command::Bench(vec![Part::Stores]))
        );
        let soak = |rounds, seconds| Ok(Command::Soak { rounds, seconds });
        assert_eq!(parsed("soak"), soak(50, 600));
        assert_eq!(parsed("soak --rounds 3 --seconds 5"), soak(3, 5));
        assert_eq!(parsed("schema"), Ok(Command::Schema));
        assert_eq!(parsed("way-back"), Ok(Command::WayBack));
        assert_eq!(parsed("tidy --help"), Ok(Command::Help));
        assert_eq!(parsed(""), Ok(Command::Help));
    }

    #[test]
    fn the_demo_gets_everything_after_the_first_separator() {
        let expected = |arguments: &[&str]| {
            let arguments = arguments.iter().map(OsString::from).collect();
            Ok(Command::Demo { arguments })
        };
        assert_eq!(parsed("demo"), expected(&[]));
        assert_eq!(
            parsed("demo -- --exit -- x"),
            expected(&["--exit", "--", "x"])
        );
        assert_eq!(parsed("demo --exit"), expected(&["--exit"]));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        assert_eq!(
            parsed("build"),
            Err(UsageError::Command("build".to_owned()))
        );
        assert_eq!(
            parsed("tidy --fix").unwrap_err().to_string(),
            "`tidy` takes no `--fix`"
        );
        for line in ["soak --rounds", "soak --rounds 0", "soak --rounds many"] {
            assert_eq!(
                parsed(line).unwrap_err().to_string(),
                "`--rounds` takes a number from 1 on",
                "{line}"
            );
        }
    }
}
