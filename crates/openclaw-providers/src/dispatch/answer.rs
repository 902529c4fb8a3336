//! An answer that has begun.

use std::collections::VecDeque;
use std::fmt;

use openclaw_core::ModelRef;
use openclaw_core::events::CallPayload;

use crate::dispatch::health::{Pass, Rest};
use crate::dispatch::opening::Live;
use crate::dispatch::tab::Tab;
use crate::dispatch::verdict::Verdict;
use crate::error::ProviderError;
use crate::event::StreamEvent;
use crate::fold::Completion;
use crate::request::AssistantBlock;

/// Nobody answered.
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub error: ProviderError,
    /// Every call that was made on the way.
    pub calls: Vec<CallPayload>,
}

/// An answer from its first token on.
///
/// Dropping it closes the connection; what it took until then is settled.
pub struct Answer {
    pub(super) model: ModelRef,
    pub(super) early: VecDeque<StreamEvent>,
    pub(super) live: Live,
    pub(super) tab: Tab,
    pub(super) pass: Pass,
    pub(super) rest: Rest,
    pub(super) calls: Vec<CallPayload>,
    pub(super) end: Option<Result<(), ProviderError>>,
}

impl Answer {
    /// Returns the model that answers, as it is configured.
    pub const fn model(&self) -> &ModelRef {
        &self.model
    }

    /// Returns the next event, those before the first token included; none at the end of the
    /// answer and after a failure, which [`Answer::finish`] tells.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<StreamEvent> {
        if let Some(event) = self.early.pop_front() {
            return Some(event);
        }
        if self.end.is_some() {
            return None;
        }
        match self.live.next().await {
            Ok(Some(event)) => {
                self.tab.note(&event);
                Some(event)
            }
            Ok(None) => {
                self.end = Some(Ok(()));
                None
            }
            Err(error) => {
                self.end = Some(Err(error));
                None
            }
        }
    }

    /// Ends the answer: the whole of it or why there is none, and every call that was made for it,
    /// the one that answered last. An answer that is not at its end is broken off.
    pub fn finish(mut self) -> (Result<Completion, ProviderError>, Vec<CallPayload>) {
        let usage = self.tab.usage();
        let outcome = match self.end {
            Some(Ok(())) => self.live.finish().and_then(spoken),
            Some(Err(error)) => Err(error),
            None => Err(ProviderError::Cancelled),
        };
        match &outcome {
            Ok(_) => self.pass.healthy(),
            Err(error) => note_failure(&mut self.pass, self.rest, error),
        }
        self.calls.push(self.tab.close(outcome.as_ref().err()));
        // What the provider did not tell is told as it was settled.
        let outcome = outcome.map(|completion| Completion {
            usage,
            ..completion
        });
        (outcome, self.calls)
    }
}

/// Tells the health of key and model what a failure says about it.
pub(super) fn note_failure(pass: &mut Pass, rest: Rest, error: &ProviderError) {
    let rests = match error.verdict() {
        Verdict::Key(ailment) => pass.key_fails(ailment, rest, error.asked()),
        Verdict::Passing | Verdict::Broken => pass.model_fails(rest, error.asked()),
        Verdict::Silent => pass.model_hangs(rest),
        Verdict::Final | Verdict::Unable | Verdict::Empty => None,
    };
    let Some(rests) = rests else { return };
    let (model, credential) = (pass.model(), pass.credential());
    match error.verdict() {
        Verdict::Key(ailment) if ailment.needs_its_owner() => {
            let hint = error.hint();
            tracing::warn!(%model, credential, why = %error, hint, ?rests, "a key does not work and is left alone for a while; somebody has to see to it");
        }
        _ => {
            tracing::info!(%model, credential, why = %error, ?rests, "a model or key is left alone for a while");
        }
    }
}

/// An answer without a word and without a call is none.
pub(super) fn spoken(completion: Completion) -> Result<Completion, ProviderError> {
    let says_something = completion.content.iter().any(|block| match block {
        AssistantBlock::Text(text) => !text.trim().is_empty(),
        AssistantBlock::ToolCall(_) => true,
        AssistantBlock::Thinking(_) => false,
    });
    if says_something {
        return Ok(completion);
    }
    Err(ProviderError::Empty {
        provider: completion.provider,
        stop: completion.stop,
    })
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}
