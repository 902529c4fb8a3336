//! What came into a run's view since the message that it answers.

use std::collections::HashSet;

use openclaw_core::events::{Change, StoreError};
use openclaw_core::provenance::{Mark, Source, Trust};
use openclaw_core::{EventStore, RunId, SessionEvent, SessionEventKind, SessionKey};

use super::{TaintRules, WrittenFiles};

/// How many sources a question names.
const MOST_NAMED: usize = 4;

/// The untrusted pieces that came into view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    marks: Vec<Mark>,
}

/// The run whose view it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watched<'a> {
    pub(crate) store: &'a EventStore,
    pub(crate) session: &'a SessionKey,
    pub(crate) run: &'a RunId,
    /// The message that the run answers.
    pub(crate) message: u64,
}

impl View {
    /// Looks at everything that was recorded since the message that a run answers.
    ///
    /// A message of the principal's makes what came before it old, if they could have seen what
    /// came of that: what a run brought in that ended only after the message was written still
    /// counts. So does what came before a message that is taken in while a run goes on, as the run
    /// may have set out on something already.
    pub(crate) async fn of(
        rules: &TaintRules,
        watched: Watched<'_>,
        written: &WrittenFiles,
    ) -> Result<Self, StoreError> {
        let read = |since: u64| watched.store.read(watched.session, since..=u64::MAX);
        let mut events = read(watched.message).await?;
        let unseen = unseen(&events, watched.message);
        if let Some(first) = unseen.iter().min() {
            events = read(*first).await?;
        }
        let mut view = Self::default();
        for source in written.given() {
            view.add(rules.mark(source));
        }
        for mark in fold(&events, watched.run, &unseen) {
            view.add(mark.clone());
        }
        Ok(view)
    }

    fn add(&mut self, mark: Mark) {
        if mark.trust == Trust::Untrusted && !self.marks.contains(&mark) {
            self.marks.push(mark);
        }
    }

    /// Tells whether anything untrusted is in view.
    pub(crate) fn is_tainted(&self) -> bool {
        !self.marks.is_empty()
    }

    /// Returns where the untrusted pieces came from.
    pub(crate) fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// Says why something is asked for, a sentence for each source.
    pub(crate) fn reasons(&self) -> Vec<String> {
        let mut reasons: Vec<String> = self
            .marks
            .iter()
            .take(MOST_NAMED)
            .map(|mark| {
                format!(
                    "{} came into view since your last message",
                    name(&mark.source)
                )
            })
            .collect();
        let more = self.marks.len().saturating_sub(MOST_NAMED);
        if more > 0 {
            reasons.push(format!("and so did {more} more untrusted pieces"));
        }
        reasons
    }
}

/// Returns the earlier messages whose runs ended only after a message: whoever wrote it did not
/// know yet what came of those.
fn unseen(since: &[SessionEvent], message: u64) -> HashSet<u64> {
    since
        .iter()
        .filter(|event| {
            matches!(event.kind, SessionEventKind::AgentResponse { .. })
                || matches!(Change::of(event), Some(Change::RunFailed { .. }))
        })
        .filter_map(|event| event.cause)
        .filter(|cause| *cause < message)
        .collect()
}

/// Returns the marks of what a run sees of the events since its message, or since the first of
/// the messages whose ends were not seen.
fn fold<'a>(events: &'a [SessionEvent], run: &RunId, unseen: &HashSet<u64>) -> Vec<&'a Mark> {
    let taken: HashSet<u64> = events
        .iter()
        .filter_map(|event| match Change::of(event) {
            Some(Change::MessageTaken { message }) => Some(message),
            _ => None,
        })
        .collect();
    events
        .iter()
        .filter(|event| match event.kind {
            // A message that waits for its own turn is not in view yet.
            SessionEventKind::MessageReceived { .. } => {
                event.run_id.as_ref() == Some(run)
                    || taken.contains(&event.seq)
                    || unseen.contains(&event.seq)
            }
            // What a client had run by itself is not part of the conversation.
            SessionEventKind::ToolResult { .. } => event.step.is_some(),
            _ => true,
        })
        .filter_map(|event| event.payload.as_ref())
        .flat_map(|payload| &payload.marks)
        .collect()
}

/// Names a source for whoever is asked, as a phrase.
pub fn name(source: &Source) -> String {
    match source {
        Source::Principal => "your message".to_owned(),
        Source::Person { channel, peer } => format!("a message from {peer} on {channel}"),
        Source::Webhook { name } => format!("what the webhook `{name}` brought"),
        Source::Web { host } if host == "web_search" => "what a web search found".to_owned(),
        Source::Web { host } => format!("a web page ({host})"),
        Source::File { path } => format!("a file from outside the workspace ({path})"),
        Source::Workspace => "a file of the workspace".to_owned(),
        Source::Written { path } if path == "." => {
            "the workspace, written to while something untrusted was in view,".to_owned()
        }
        Source::Written { path } => {
            format!("a file that was written while something untrusted was in view ({path})")
        }
        Source::Command => "the output of a command that could reach the network".to_owned(),
        Source::Session { key } => format!("text of another session ({key})"),
        Source::Skill { name } => {
            format!("a skill that was written while something untrusted was in view ({name})")
        }
        Source::Tool { name } => format!("the output of the tool `{name}`"),
    }
}
