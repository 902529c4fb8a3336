//! What one call takes, from what was set aside for it to what it was settled with.
//!
//! Settled is what the provider told. Where it told nothing although it wrote something, or broke
//! off before it told the last of it, the tokens are estimated on the safe side: the request's from
//! its size, the answer's from what came of it. A call of which nothing came and nothing was told
//! is taken to have cost nothing. A call that is dropped half-way is settled the same way.

use std::mem;
use std::time::Duration;

use openclaw_core::events::{CallOutcome, CallPayload};
use openclaw_core::{Cost, ModelRef, Price, Usage};
use tokio::time::Instant;

use crate::dispatch::candidate::{Candidate, Credential};
use crate::dispatch::estimate;
use crate::error::ProviderError;
use crate::event::StreamEvent;
use crate::meter::{Meter, Planned, Reservation, Unreserved};
use crate::request::Request;

/// An open call.
#[derive(Debug)]
pub(crate) struct Tab {
    model: ModelRef,
    credential: Option<String>,
    price: Option<Price>,
    reservation: Option<Box<dyn Reservation>>,
    /// The tokens of the request, estimated.
    asked: u64,
    /// The tokens of what came, estimated.
    written: u64,
    told: Usage,
    whole: bool,
    skipped: u32,
    began: Instant,
    first_token: Option<Duration>,
}

impl Tab {
    /// Sets aside what the call may take, and begins to count.
    pub(crate) async fn open(
        candidate: &Candidate,
        credential: &Credential,
        request: &Request,
        meter: &dyn Meter,
    ) -> Result<Self, Unreserved> {
        let info = candidate.info.as_ref();
        let price = info.and_then(|info| info.price);
        let limit = request
            .max_tokens
            .or_else(|| info.and_then(|info| info.max_tokens));
        let asked = estimate::request(request);
        let reservation = meter
            .reserve(Planned {
                provider: &candidate.model.provider,
                model: &candidate.model.model,
                price: price.as_ref(),
                input_tokens: asked,
                output_tokens: limit.map_or(estimate::ANSWER, u64::from),
            })
            .await?;
        Ok(Self {
            model: candidate.model.clone(),
            credential: Some(credential.name.clone()).filter(|name| !name.is_empty()),
            price,
            reservation: Some(reservation),
            asked,
            written: 0,
            told: Usage::default(),
            whole: false,
            skipped: 0,
            began: Instant::now(),
            first_token: None,
        })
    }

    /// Returns how much the call may write, where a cap leaves less than was planned.
    pub(crate) fn max_tokens(&self) -> Option<u32> {
        let left = self.reservation.as_ref()?.output_tokens()?;
        Some(u32::try_from(left).unwrap_or(u32::MAX))
    }

    /// Takes note of what came.
    pub(crate) fn note(&mut self, event: &StreamEvent) {
        let text = match event {
            StreamEvent::Text(text)
            | StreamEvent::Thinking(text)
            | StreamEvent::RedactedThinking(text)
            | StreamEvent::ToolCallArguments { json: text, .. }
            | StreamEvent::ToolCallStart { name: text, .. } => text,
            StreamEvent::Usage(usage) => {
                self.told = *usage;
                return;
            }
            StreamEvent::Skipped(count) => {
                self.skipped = *count;
                return;
            }
            StreamEvent::Stop(_) => {
                self.whole = true;
                return;
            }
            StreamEvent::Started { .. }
            | StreamEvent::ThinkingSignature(_)
            | StreamEvent::ToolCallEnd { .. } => return,
        };
        if self.first_token.is_none() {
            self.first_token = Some(self.began.elapsed());
        }
        self.written = self.written.saturating_add(estimate::tokens(text));
    }

    /// Returns what the call took as far as that is known, and what is estimated beyond that.
    pub(crate) fn usage(&self) -> Usage {
        let mut usage = self.told;
        if self.written == 0 {
            return usage;
        }
        let read = [usage.cache_read, usage.cache_write]
            .into_iter()
            .fold(usage.input, u64::saturating_add);
        let told_all = self.whole && self.told != Usage::default();
        if read == 0 && !told_all {
            usage.input = self.asked;
        }
        if usage.output == 0 || !told_all {
            usage.output = usage.output.max(self.written);
        }
        usage
    }

    /// Settles the call and returns what is recorded of it.
    pub(crate) fn close(mut self, failure: Option<&ProviderError>) -> CallPayload {
        let (usage, cost) = self.settle();
        CallPayload {
            provider: self.model.provider.clone(),
            model: mem::take(&mut self.model.model),
            credential: self.credential.take(),
            outcome: match failure {
                None => CallOutcome::Ok,
                Some(error) => CallOutcome::Failed {
                    kind: error.kind(),
                    message: error.to_string(),
                },
            },
            usage,
            cost,
            latency_ms: millis(self.began.elapsed()),
            first_token_ms: self.first_token.map(millis),
            skipped: self.skipped,
        }
    }

    fn settle(&mut self) -> (Usage, Option<Cost>) {
        let usage = self.usage();
        let cost = self.price.map(|price| price.of(&usage));
        if let Some(reservation) = self.reservation.take() {
            // Nothing told and nothing written: the reservation goes back whole.
            if usage != Usage::default() {
                reservation.settle(&usage, cost);
            }
        }
        (usage, cost)
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        self.settle();
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
