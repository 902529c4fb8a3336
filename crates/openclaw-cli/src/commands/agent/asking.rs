//! Asking whoever sits at the terminal whether a call of their turn may run.
//!
//! Without a terminal nobody is asked here: it is said how to answer from somewhere else.

use std::collections::VecDeque;
use std::io::{self, IsTerminal as _};

use openclaw_core::SessionKey;
use openclaw_core::approvals::{Answer, ApprovalId, Pending};
use openclaw_ipc::{EventData, Notification};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::{self, JoinHandle};

use crate::commands::Cx;
use crate::commands::approvals::{card, subject};
use crate::output::Look;

/// How many notes about questions may wait to be looked at.
const BACKLOG: usize = 256;

/// The key of the event that closes a question.
const DECIDED: &str = "approval.decided";

/// What is heard of the questions of a session.
#[derive(Debug)]
enum Heard {
    Asked(Box<Pending>),
    /// Somebody has decided, wherever.
    Decided(String),
}

/// Takes in what is heard of a turn.
#[derive(Debug)]
pub(super) struct Ear {
    session: SessionKey,
    heard: Sender<Heard>,
}

/// Asks one question after the other.
#[derive(Debug)]
pub(super) struct Asker<'a> {
    cx: Cx<'a>,
    heard: Receiver<Heard>,
    waiting: VecDeque<Pending>,
    /// The question that is on the screen.
    asked: Option<ApprovalId>,
    /// Reads a line; it cannot be stopped, so it may outlive the question that it was begun for.
    reading: Option<JoinHandle<io::Result<String>>>,
}

/// Returns both ends, for the questions of a session.
pub(super) fn asker<'a>(cx: Cx<'a>, session: &SessionKey) -> (Ear, Asker<'a>) {
    let (sender, heard) = mpsc::channel(BACKLOG);
    let ear = Ear {
        session: session.clone(),
        heard: sender,
    };
    let asker = Asker {
        cx,
        heard,
        waiting: VecDeque::new(),
        asked: None,
        reading: None,
    };
    (ear, asker)
}

impl Ear {
    /// Takes a notification; what is about no question of the session is passed over.
    pub(super) fn take(&self, notification: &Notification) {
        let heard = match notification {
            Notification::ApprovalRequested(params) if params.approval.session == self.session => {
                Heard::Asked(params.approval.clone())
            }
            Notification::SessionEvent(params) if params.event.session_key == self.session => {
                match &params.event.data {
                    EventData::StateChanged { key, value } if key == DECIDED => {
                        let id = value.get("approval").and_then(|id| id.as_str());
                        Heard::Decided(id.unwrap_or_default().to_owned())
                    }
                    _ => return,
                }
            }
            _ => return,
        };
        // A question that is not asked here can be answered elsewhere, and expires.
        drop(self.heard.try_send(heard));
    }
}

impl Asker<'_> {
    /// Waits for the next decision that is made here.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(super) async fn decision(&mut self) -> (ApprovalId, Answer) {
        loop {
            tokio::select! {
                heard = self.heard.recv() => match heard {
                    Some(heard) => self.hear(heard),
                    // The turn is over; whoever waits for this has better things to wait for.
                    None => std::future::pending().await,
                },
                line = line(&mut self.reading), if self.reading.is_some() => {
                    self.reading = None;
                    if let Some(decision) = self.read(&line) {
                        return decision;
                    }
                }
            }
        }
    }

    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Asked(pending) if !self.is_terminal() => {
                let id = &pending.id;
                for line in card(&pending) {
                    self.cx.out.note(line);
                }
                self.cx.out.note(format_args!(
                    "a call waits for consent; decide from another terminal with `openclaw \
                     approvals{} resolve {id} allow-once|allow-always|deny`",
                    self.cx.state_flags()
                ));
            }
            Heard::Asked(pending) => {
                self.waiting.push_back(*pending);
                self.ask_next();
            }
            Heard::Decided(id) => {
                self.waiting.retain(|pending| pending.id.0 != id);
                if self.asked.as_ref().is_some_and(|asked| asked.0 == id) {
                    self.asked = None;
                    self.cx.out.note("decided elsewhere, or given up");
                    self.ask_next();
                }
            }
        }
    }

    /// Shows the next question, when none is on the screen.
    fn ask_next(&mut self) {
        if self.asked.is_some() {
            return;
        }
        let Some(pending) = self.waiting.front() else {
            return;
        };
        self.asked = Some(pending.id.clone());
        let out = self.cx.out;
        out.note(out.look_aside(Look::Strong, "this call waits for your consent:"));
        for line in card(pending) {
            out.note(line);
        }
        // What was typed before belongs to no question, or to an earlier one.
        forget_typed();
        self.prompt();
    }

    fn prompt(&mut self) {
        let prompt = b"allow once (a), allow always exactly this (A), or deny (d)? ";
        // Where the prompt cannot be shown, the answer cannot be typed either.
        drop(self.cx.out.stderr_bytes(prompt));
        if self.reading.is_none() {
            self.reading = Some(task::spawn_blocking(read_line));
        }
    }

    /// Returns what was decided with a line, if it is about the question on the screen.
    fn read(&mut self, line: &io::Result<String>) -> Option<(ApprovalId, Answer)> {
        let id = self.asked.clone()?;
        let (answer, told) = match line.as_deref().map(str::trim) {
            Ok("a") => (Answer::AllowOnce, None),
            Ok("A") => (Answer::AllowAlways, None),
            Ok("d" | "D") => (Answer::Deny, Some("denied")),
            // The end of the input, which is no answer and must not leave the call waiting.
            Err(_) => (Answer::Deny, Some("\ndenied, as nothing was answered")),
            Ok(_) => {
                self.prompt();
                return None;
            }
        };
        self.asked = None;
        let asked = self.waiting.iter().position(|pending| pending.id == id);
        if let (Some(told), Some(asked)) = (told, asked.and_then(|at| self.waiting.remove(at))) {
            let subject = subject(&asked.shape);
            self.cx.out.note(format_args!("{told}: {subject}"));
        }
        self.ask_next();
        Some((id, answer))
    }

    fn is_terminal(&self) -> bool {
        !self.cx.out.is_json() && io::stdin().is_terminal() && self.cx.out.stderr().terminal
    }
}

async fn line(reading: &mut Option<JoinHandle<io::Result<String>>>) -> io::Result<String> {
    match reading {
        Some(handle) => handle.await.unwrap_or_else(|lost| Err(lost.into())),
        None => std::future::pending().await,
    }
}

fn read_line() -> io::Result<String> {
    let mut line = String::new();
    if io::stdin().read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line)
}

#[cfg(unix)]
fn forget_typed() {
    use rustix::termios::{QueueSelector, tcflush};
    // At worst, a line that was typed too early counts.
    tcflush(io::stdin(), QueueSelector::IFlush).ok();
}

#[cfg(not(unix))]
fn forget_typed() {}
