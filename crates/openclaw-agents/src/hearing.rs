//! What a run hears between its steps: messages that steer it, and what the loop tells the model.
//!
//! Everything is on record before the model hears it, so that a later turn, a restart and a replay
//! see what it saw.

use openclaw_core::events::{Change, NewEvent, Payload};
use openclaw_providers::{Message, UserBlock};

use crate::error::AgentError;
use crate::run::Run;
use crate::transcript;

/// What a model is told that answered nothing.
pub(crate) const EMPTY: &str = "(Note of the program: your last answer was empty. Answer now, in \
     words; if there is something that you cannot do or do not know, say that.)";

impl Run {
    /// Takes in, at the beginning, what is to be answered in the same turn, and what earlier
    /// messages said that got no turn.
    pub(crate) async fn begin_hearing(&self) -> Result<(), AgentError> {
        let dropped = self.place.dropped();
        if !dropped.is_empty() {
            let told = Change::ModelTold {
                text: summary(&dropped),
            };
            self.lease
                .append(vec![self.heard(told.to_event()?)])
                .await?;
        }
        self.take_arrivals().await?;
        Ok(())
    }

    /// Takes in what has arrived since the last step.
    pub(crate) async fn hear(&self, messages: &mut Vec<Message>) -> Result<(), AgentError> {
        for message in self.take_arrivals().await? {
            let (store, session) = (self.lease.store(), self.lease.session());
            let events = store.read(session, message..=message).await?;
            for blocks in events.iter().filter_map(transcript::said) {
                transcript::hear(messages, blocks);
            }
        }
        Ok(())
    }

    /// Records that the run takes in what has arrived, and returns its events.
    async fn take_arrivals(&self) -> Result<Vec<u64>, AgentError> {
        let arrivals = self.place.arrivals();
        if arrivals.is_empty() {
            return Ok(arrivals);
        }
        let mut taken = Vec::with_capacity(arrivals.len());
        for message in &arrivals {
            let change = Change::MessageTaken { message: *message };
            taken.push(self.heard(change.to_event()?));
        }
        self.lease.append(taken).await?;
        self.place.took(&arrivals);
        Ok(arrivals)
    }

    /// Tells the model something, and records what the last calls of it took.
    pub(crate) async fn tell(
        &self,
        messages: &mut Vec<Message>,
        text: String,
    ) -> Result<(), AgentError> {
        let told = Change::ModelTold { text: text.clone() };
        let event = self.heard(told.to_event()?).with_payload(Payload {
            calls: self.unrecorded.lock().clone(),
            ..Payload::default()
        });
        self.lease.append(vec![event]).await?;
        self.unrecorded.lock().clear();
        transcript::hear(messages, vec![UserBlock::Text(text)]);
        Ok(())
    }

    fn heard(&self, event: NewEvent) -> NewEvent {
        event.in_run(&self.id, Some(self.cause))
    }
}

/// Returns what is told of messages that got no turn.
fn summary(dropped: &[String]) -> String {
    let list: Vec<String> = dropped.iter().map(|text| format!("- {text}")).collect();
    format!(
        "(Note of the program: more messages came than could wait. These got no turn of their own; \
         this is how they begin:\n{})",
        list.join("\n")
    )
}
