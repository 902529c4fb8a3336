//! The chores of this workspace, run as `cargo xtask COMMAND`.
//!
//! One module per command. A fresh clone compiles this program before anything else, so it links
//! none of the workspace's crates; the generator of reference pages, which has to, is a second
//! program (`src/reference/`) that `codegen` builds when it is asked for.
#![forbid(unsafe_code)]

mod args;
mod bench;
mod ci;
mod codegen;
mod demo;
mod deny;
mod error;
mod foreign;
mod metadata;
mod place;
mod release;
mod report;
mod run;
mod schema;
mod soak;
mod test;
mod tidy;
mod tools;
mod way_back;

use std::process::ExitCode;

use crate::args::Command;
use crate::error::Error;
use crate::place::Place;

/// The exit code of a command line that was not understood.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let command = match args::parse(std::env::args_os().skip(1)) {
        Ok(command) => command,
        Err(err) => {
            report::error(&err);
            report::note("`cargo xtask --help` lists the commands");
            return ExitCode::from(USAGE);
        }
    };
    match carry_out(&command) {
        Ok(code) => code,
        Err(err) => {
            report::error(&err);
            ExitCode::FAILURE
        }
    }
}

fn carry_out(command: &Command) -> Result<ExitCode, Error> {
    let place = Place::find()?;
    match command {
        Command::Help => report::answer(args::HELP),
        Command::Demo { arguments } => return demo::demo(&place, arguments).map(ExitCode::from),
        Command::Test => test::test(&place)?,
        Command::Ci(tests) => ci::ci(&place, *tests)?,
        Command::Codegen(mode) => codegen::codegen(&place, *mode)?,
        Command::Schema => schema::schema(&place)?,
        Command::Tidy => tidy::tidy(&place)?,
        Command::WayBack => way_back::way_back(&place)?,
        Command::Soak { rounds, seconds } => soak::soak(&place, *rounds, *seconds)?,
        Command::Bench(parts) => bench::bench(&place, parts)?,
    }
    Ok(ExitCode::SUCCESS)
}
