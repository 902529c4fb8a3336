//! `openclaw config patch`: an object of changes in the shape of the config.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use openclaw_config::change::{ConfigPath, of_patch};

use super::change::{self, Asked, Verb, WritingArgs};
use super::failure::ConfigFailure;
use super::input;
use super::operation::{Mode, Said, json5_of};
use crate::commands::Cx;

const EXAMPLES: &str = "\
Examples:
  openclaw config patch --file changes.json5 --dry-run
  echo '{ gateway: { port: 19001 }, logging: null }' | openclaw config patch --stdin

Objects are merged, null removes, everything else replaces. All of it is written, or nothing.";

/// The arguments of `config patch`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PatchArgs {
    /// The patch, JSON5
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Read the patch from standard input
    #[arg(long)]
    stdin: bool,
    /// Replace the object or list at this path instead of merging it (repeatable)
    #[arg(long, value_name = "PATH")]
    replace_path: Vec<String>,
    #[command(flatten)]
    writing: WritingArgs,
}

pub(super) fn run(cx: Cx<'_>, args: &PatchArgs) -> Result<ExitCode, ConfigFailure> {
    let writing = args.writing.writing()?;
    let paths = args.replace_path.iter().map(|path| ConfigPath::parse(path));
    let replaced = paths.collect::<Result<Vec<_>, _>>()?;
    let (text, flag) = match (&args.file, args.stdin) {
        (Some(file), false) => (input::file(file, "--file")?, "--file"),
        (None, true) => (input::stdin()?, "--stdin"),
        _ => {
            return Err(ConfigFailure::Flags(
                "one of --file FILE and --stdin is needed",
            ));
        }
    };
    let operations = of_patch(&json5_of(&text, flag)?, &replaced, flag)?;
    let operations = operations.into_iter().map(|what| Said {
        what,
        mode: Mode::Json,
    });
    change::run(
        cx,
        Asked {
            verb: Verb::Patch,
            operations: operations.collect(),
            expectation: None,
            writing,
        },
    )
}
