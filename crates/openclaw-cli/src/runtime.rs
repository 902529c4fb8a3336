//! The async runtime, made only by the commands that need one.

use std::time::Duration;

use tokio::runtime::Builder;

use crate::error::CliError;

/// How long work that nobody waits for may delay the end of the process.
const LINGER: Duration = Duration::from_secs(1);

/// How many threads run tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Threads {
    /// The calling one, for commands that look something up.
    One,
    /// Two of their own, for commands that run agents.
    Two,
}

/// Runs a future to its end.
pub(crate) fn block_on<T>(
    threads: Threads,
    future: impl Future<Output = Result<T, CliError>>,
) -> Result<T, CliError> {
    let mut builder = match threads {
        Threads::One => Builder::new_current_thread(),
        Threads::Two => Builder::new_multi_thread(),
    };
    if threads == Threads::Two {
        builder.worker_threads(2);
    }
    let runtime = builder.enable_all().build().map_err(CliError::Runtime)?;
    let outcome = runtime.block_on(future);
    runtime.shutdown_timeout(LINGER);
    outcome
}
