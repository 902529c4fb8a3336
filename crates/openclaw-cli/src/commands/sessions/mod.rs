//! `openclaw sessions`: what the event log knows, with or without a running gateway.
//!
//! One file for each subcommand; `lookup` finds the session that they are about, `error`
//! says what can go wrong beyond the log.

mod cleanup;
mod compact;
mod consent;
mod delete;
mod error;
mod events;
mod export;
mod fork;
mod import;
mod list;
mod lookup;
mod replay;
mod search;
mod show;
mod state;
mod tail;

pub(crate) use error::SessionsError;
pub(crate) use replay::ReplayError;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use openclaw_core::state_dir::StateDir;

pub(super) use self::lookup::{existing_log, session_id};

use self::lookup::find;
use super::Cx;
use crate::error::CliError;
use crate::runtime::{self, Threads};

const EXAMPLES: &str = "\
Examples:
  openclaw sessions list
  openclaw sessions show agent:main:main
  openclaw sessions events agent:main:main --after 10 --json
  openclaw sessions tail";

/// The arguments of `sessions`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SessionsArgs {
    #[command(subcommand)]
    command: Option<SessionsCommand>,
}

#[derive(Debug, Subcommand)]
enum SessionsCommand {
    /// List the sessions, the latest first (also without `list`)
    #[command(after_help = EXAMPLES)]
    List(list::ListArgs),
    /// Show a conversation
    #[command(after_help = show::EXAMPLES)]
    Show(show::ShowArgs),
    /// Show the events that a session is made of
    #[command(after_help = events::EXAMPLES)]
    Events(events::EventsArgs),
    /// Show what a session's events add up to
    #[command(after_help = state::EXAMPLES)]
    State(state::StateArgs),
    /// Find what was said, asked of tools or answered by them
    #[command(after_help = search::EXAMPLES)]
    Search(search::SearchArgs),
    /// Follow what happens
    #[command(after_help = tail::EXAMPLES)]
    Tail(tail::TailArgs),
    /// Begin a new session that shares the first events of another
    #[command(after_help = fork::EXAMPLES)]
    Fork(fork::ForkArgs),
    /// Run a recorded turn again, with the recorded tool results
    #[command(after_help = replay::EXAMPLES)]
    Replay(replay::ReplayArgs),
    /// Write a session to a file
    #[command(after_help = export::EXAMPLES)]
    Export(export::ExportArgs),
    /// Take in a session from a file
    #[command(after_help = import::EXAMPLES)]
    Import(import::ImportArgs),
    /// Sum up the earlier part of a session for the model, or undo that
    #[command(after_help = compact::EXAMPLES)]
    Compact(compact::CompactArgs),
    /// Delete a session; a copy of it is kept
    #[command(after_help = delete::EXAMPLES)]
    Delete(delete::DeleteArgs),
    /// Archive and delete sessions that are too old or take too much room
    #[command(after_help = cleanup::EXAMPLES)]
    Cleanup(cleanup::CleanupArgs),
}

pub(crate) fn run(cx: Cx<'_>, args: SessionsArgs) -> Result<ExitCode, CliError> {
    let state = StateDir::locate(cx.env, cx.overrides)?;
    let command = args
        .command
        .unwrap_or(SessionsCommand::List(list::ListArgs::default()));
    // A gateway that has to be made for it works beside it.
    let threads = match command {
        SessionsCommand::Compact(_) => Threads::Two,
        _ => Threads::One,
    };
    runtime::block_on(threads, async {
        match command {
            SessionsCommand::Compact(args) => compact::compact(cx, args).await?,
            SessionsCommand::List(args) => list::list(cx, &state, &args).await?,
            SessionsCommand::Show(args) => show::show(cx, &state, args).await?,
            SessionsCommand::Events(args) => events::events(cx, &state, args).await?,
            SessionsCommand::State(args) => state::state(cx, &state, args).await?,
            SessionsCommand::Search(args) => search::search(cx, &state, args).await?,
            SessionsCommand::Tail(args) => return tail::tail(cx, &state, args).await,
            SessionsCommand::Fork(args) => fork::fork(cx, &state, args).await?,
            SessionsCommand::Replay(args) => replay::replay(cx, &state, args).await?,
            SessionsCommand::Export(args) => export::export(cx, &state, args).await?,
            SessionsCommand::Import(args) => import::import(cx, &state, args).await?,
            SessionsCommand::Delete(args) => delete::delete(cx, &state, args).await?,
            SessionsCommand::Cleanup(args) => cleanup::cleanup(cx, &state, args).await?,
        }
        Ok(ExitCode::SUCCESS)
    })
}
