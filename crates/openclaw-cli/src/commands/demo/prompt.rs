//! The part of the demo in which the person talks.

use std::io;
use std::thread;

use openclaw_core::validation::{MAX_MESSAGE_SIZE, validate_message};
use tokio::sync::mpsc;

use super::stage::Show;
use crate::commands::Cx;
use crate::error::CliError;
use crate::output::Look;

/// Talks until an empty line, `exit` or the end of the input.
pub(super) async fn talk(cx: Cx<'_>, show: &mut Show<'_>) -> Result<(), CliError> {
    cx.out.line(cx.out.look(Look::Strong, "\nYour turn"))?;
    cx.out
        .line("Try: list the files here, run `COMMAND`, remember TEXT. An empty line ends it.")?;
    let mut lines = lines();
    loop {
        let label = cx.out.look(Look::Strong, "you> ");
        cx.out.piece(label)?;
        let Some(line) = lines.recv().await else {
            return cx.out.line("");
        };
        let line = line.map_err(CliError::Input)?;
        let said = line.trim();
        if matches!(said, "" | "exit" | "quit") {
            return Ok(());
        }
        let outcome = match validate_message(said) {
            Ok(said) => show.ask(said).await,
            Err(err) => Err(err.into()),
        };
        match outcome {
            Ok(()) => {}
            Err(err @ CliError::Output(_)) => return Err(err),
            // A turn that fails does not end the conversation.
            Err(err) => cx.out.failure(&err),
        }
    }
}

/// Reads lines on a thread of its own, because a read from a terminal cannot be cancelled.
///
/// The thread ends with the process.
fn lines() -> mpsc::Receiver<io::Result<String>> {
    let (tx, rx) = mpsc::channel(1);
    let reader = move || {
        loop {
            let mut line = String::with_capacity(MAX_MESSAGE_SIZE.min(256));
            let read = io::stdin().read_line(&mut line);
            let line = match read {
                Ok(0) => break,
                Ok(_) => Ok(line),
                Err(err) => Err(err),
            };
            if tx.blocking_send(line).is_err() {
                break;
            }
        }
    };
    // Without a thread there are no lines, which ends the conversation as the end of input does.
    drop(
        thread::Builder::new()
            .name("stdin".to_owned())
            .spawn(reader),
    );
    rx
}
