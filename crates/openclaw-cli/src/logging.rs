//! The log: to standard error, at the level `warn` unless `OPENCLAW_LOG` says otherwise.

use std::io;

use openclaw_core::env::{Env, OPENCLAW_LOG};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Starts logging. Returns what is wrong with the filter, in which case the default is used.
pub(crate) fn start(env: &Env, color: Color) -> Option<String> {
    let wanted = env.get(OPENCLAW_LOG.name).unwrap_or_default();
    let default = || EnvFilter::default().add_directive(LevelFilter::WARN.into());
    let (filter, problem) = match EnvFilter::builder()
        .with_default_directive(LevelFilter::WARN.into())
        .parse(wanted)
    {
        Ok(filter) => (filter, None),
        Err(err) => {
            let name = OPENCLAW_LOG.name;
            (default(), Some(format!("{name} is not followed: {err}")))
        }
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(color == Color::On)
        .finish();
    // Only a second start could fail, and there is none.
    drop(tracing::subscriber::set_global_default(subscriber));
    problem
}

/// Whether log lines are coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Color {
    /// They are.
    On,
    /// They are not.
    Off,
}
