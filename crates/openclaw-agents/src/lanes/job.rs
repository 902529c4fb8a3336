//! A recorded message that waits for its answer.

use std::sync::Arc;

use openclaw_core::access::{Admitted, Sender, Standing};
use openclaw_core::{RunId, SessionKey};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::Span;

use super::rules::QueueMode;
use crate::agent::Agent;
use crate::error::AgentError;
use crate::meters::Attended;
use crate::run::Reply;
use crate::terms::Terms;

/// How much of a message that got no turn is told to the next one, in characters.
const EXCERPT: usize = 160;

/// A recorded message that waits for its answer.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) party: Party,
    pub(crate) session: SessionKey,
    /// What is to become of it when it has to wait.
    pub(crate) mode: QueueMode,
    pub(crate) run: RunId,
    /// The message's sequence number.
    pub(crate) message: u64,
    /// What it says, in short.
    pub(crate) excerpt: String,
    pub(crate) arrived: Instant,
    /// What the lines of its turn belong to.
    pub(crate) span: Span,
    pub(crate) reply: oneshot::Sender<Result<Reply, AgentError>>,
}

/// On whose behalf, and under whose rules, a turn is taken.
#[derive(Clone, Debug)]
pub(crate) struct Party {
    pub(crate) admitted: Admitted,
    pub(crate) agent: Arc<Agent>,
    pub(crate) sender: Sender,
    pub(crate) attended: Attended,
    /// What came with the message, if a program sent it.
    pub(crate) terms: Option<Arc<Terms>>,
}

impl Party {
    /// Tells whether a message of the other may be part of this one's turn.
    ///
    /// # Security
    /// A turn goes on under the rules of whoever began it. Whoever has other rights, or would be
    /// held to other rules or other bounds, must not borrow them.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.sender == other.sender
            && self.admitted == other.admitted
            && self.attended == other.attended
            && Arc::ptr_eq(&self.agent, &other.agent)
            && self.terms.is_none()
            && other.terms.is_none()
    }

    /// Tells whether this one may end the other's turn.
    pub(crate) fn may_end(&self, other: &Self) -> bool {
        self.sender.standing == Standing::Principal || self.sender == other.sender
    }
}

/// Returns the beginning of a text, on one line.
pub(crate) fn excerpt(text: &str) -> String {
    let mut words = text.split_whitespace();
    let mut excerpt = words.next().unwrap_or_default().to_owned();
    for word in words {
        if excerpt.chars().count() > EXCERPT {
            break;
        }
        excerpt.push(' ');
        excerpt.push_str(word);
    }
    if excerpt.chars().count() <= EXCERPT {
        return excerpt;
    }
    let cut: String = excerpt.chars().take(EXCERPT).collect();
    format!("{cut}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_one_short_line() {
        assert_eq!(excerpt(" a\n\nb "), "a b");
        let long = excerpt(&"x".repeat(1_000_000));
        assert_eq!(long.chars().count(), EXCERPT + 1);
    }
}
