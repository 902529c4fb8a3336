//! The `openclaw` binary: the front door for people and scripts.
//!
//! Reading order: `cli` is what can be typed, `commands` has one file for each command, `output`
//! is the only place that prints, `error` says why a command failed and which exit code follows.
#![forbid(unsafe_code)]

mod cli;
mod commands;
mod confirm;
mod conversation;
mod error;
mod event_line;
mod hardening;
mod logging;
mod output;
mod panics;
mod progress;
mod remote;
mod runtime;
mod signals;
mod terminal;
mod text;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;
use openclaw_core::Kind;
use openclaw_core::env::Env;

use crate::cli::Cli;
use crate::output::{Format, Output};
use crate::terminal::ColorWhen;

fn main() -> ExitCode {
    #[cfg(unix)]
    if let Some(code) = openclaw_sandbox::init::dispatch() {
        return code;
    }
    panics::install();
    let exposed = hardening::apply();
    run(
        &Env::from_process(),
        &std::env::args_os().collect::<Vec<_>>(),
        exposed,
    )
}

fn run(env: &Env, args: &[OsString], exposed: Option<String>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(err) => {
            Output::new(cli::format_of(args), ColorWhen::Auto, env).usage(&err);
            let code = if err.use_stderr() {
                Kind::Invalid.exit_code()
            } else {
                0
            };
            return ExitCode::from(code);
        }
    };
    let format = if cli.global.json {
        Format::Json
    } else {
        Format::Text
    };
    let out = Output::new(format, cli.global.color(), env);
    let log_color = if out.stderr().color {
        logging::Color::On
    } else {
        logging::Color::Off
    };
    for problem in [logging::start(env, log_color), exposed]
        .into_iter()
        .flatten()
    {
        out.warning(problem);
    }
    match commands::run(cli, env, &out) {
        Ok(code) => code,
        // Whoever read the output has seen enough of it, as in `openclaw sessions list | head -1`.
        Err(err) if err.is_broken_pipe() => ExitCode::SUCCESS,
        Err(err) => {
            out.failure(&err);
            ExitCode::from(err.kind().exit_code())
        }
    }
}
