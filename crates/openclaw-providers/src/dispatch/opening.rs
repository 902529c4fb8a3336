//! One attempt: a stream that is watched, up to its first token.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::StreamExt as _;
use openclaw_core::ProviderId;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::dispatch::candidate::Policy;
use crate::error::ProviderError;
use crate::event::{EventStream, StreamEvent};
use crate::fold::{Completion, Fold};
use crate::provider::Provider;
use crate::request::Request;

/// An answer that comes in, and the watch over it.
pub(crate) struct Live {
    events: EventStream,
    fold: Fold,
    provider: ProviderId,
    stop: CancellationToken,
    stall: Duration,
    /// When it is given up if nothing comes; none if that is never.
    deadline: Option<Instant>,
}

impl Live {
    /// Asks a provider once and waits for the head of its answer.
    pub(crate) async fn open<P: Provider + ?Sized>(
        provider: &P,
        request: Request,
        stall: Duration,
        stop: &CancellationToken,
    ) -> Result<Self, ProviderError> {
        let events = tokio::select! {
            biased;
            () = stop.cancelled() => return Err(ProviderError::Cancelled),
            opened = provider.stream(request, stop.clone()) => opened?,
        };
        Ok(Self {
            events,
            fold: Fold::new(provider.id().clone()),
            provider: provider.id().clone(),
            stop: stop.clone(),
            stall,
            deadline: Instant::now().checked_add(stall),
        })
    }

    /// Returns what comes next; none at the end of the answer.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(crate) async fn next(&mut self) -> Result<Option<StreamEvent>, ProviderError> {
        let deadline = self.deadline;
        let silence = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        let event = tokio::select! {
            biased;
            () = self.stop.cancelled() => return Err(ProviderError::Cancelled),
            event = self.events.next() => event,
            () = silence => {
                return Err(ProviderError::Stalled {
                    provider: self.provider.clone(),
                    limit: self.stall,
                });
            }
        };
        // A connection that is closed because of the stop may look like one that broke.
        let stopped = |error| {
            if self.stop.is_cancelled() {
                ProviderError::Cancelled
            } else {
                error
            }
        };
        let Some(event) = event.transpose().map_err(stopped)? else {
            return Ok(None);
        };
        self.fold.push(&event)?;
        if is_content(&event) {
            self.deadline = Instant::now().checked_add(self.stall);
        }
        Ok(Some(event))
    }

    /// Reads up to the first token, or to the end of an answer that has none.
    pub(crate) async fn begin(
        &mut self,
        mut note: impl FnMut(&StreamEvent),
    ) -> Result<(VecDeque<StreamEvent>, Begun), ProviderError> {
        let mut early = VecDeque::new();
        while let Some(event) = self.next().await? {
            note(&event);
            let content = is_content(&event);
            early.push_back(event);
            if content {
                return Ok((early, Begun::Speaks));
            }
        }
        Ok((early, Begun::Ended))
    }

    /// Returns the whole answer.
    pub(crate) fn finish(self) -> Result<Completion, ProviderError> {
        self.fold.finish()
    }
}

/// How an answer began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// With a token.
    Speaks,
    /// With its end.
    Ended,
}

/// Whether an event brings something that somebody may see or a tool may run.
fn is_content(event: &StreamEvent) -> bool {
    match event {
        StreamEvent::Text(text) | StreamEvent::Thinking(text) => !text.is_empty(),
        StreamEvent::ThinkingSignature(_)
        | StreamEvent::RedactedThinking(_)
        | StreamEvent::ToolCallStart { .. }
        | StreamEvent::ToolCallArguments { .. }
        | StreamEvent::ToolCallEnd { .. } => true,
        StreamEvent::Started { .. }
        | StreamEvent::Usage(_)
        | StreamEvent::Skipped(_)
        | StreamEvent::Unread(_)
        | StreamEvent::Stop(_) => false,
    }
}

/// Waits, unless everything is to stop.
pub(crate) async fn pause(length: Duration, stop: &CancellationToken) -> Result<(), ProviderError> {
    tokio::select! {
        biased;
        () = stop.cancelled() => Err(ProviderError::Cancelled),
        () = sleep(length) => Ok(()),
    }
}

/// Asks one provider until it begins to answer, and returns the whole answer.
pub(crate) async fn complete<P: Provider + ?Sized>(
    provider: &P,
    request: Request,
    stop: &CancellationToken,
) -> Result<Completion, ProviderError> {
    let policy = Policy::default();
    let mut attempt = 1_u32;
    loop {
        let begun = async {
            let mut live = Live::open(provider, request.clone(), policy.stall, stop).await?;
            let (_, begun) = live.begin(|_| {}).await?;
            match begun {
                Begun::Speaks => Ok(Err(live)),
                Begun::Ended => live.finish().map(Ok),
            }
        };
        let error: ProviderError = match begun.await {
            Ok(Ok(wordless)) => return Ok(wordless),
            Ok(Err(mut live)) => {
                while live.next().await?.is_some() {}
                return live.finish();
            }
            Err(error) => error,
        };
        let wait = error.wait(&policy.retry, attempt);
        match wait.filter(|_| error.is_retryable()) {
            Some(wait) => pause(wait, stop).await?,
            None => return Err(error),
        }
        attempt = attempt.saturating_add(1);
    }
}
