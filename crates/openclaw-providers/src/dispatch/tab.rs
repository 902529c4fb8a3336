//! What one call takes, from what was set aside for it to what it was settled with.
//!
//! Settled is what the provider told. What it did not tell, or told before it broke off, or cannot
//! be the whole, is estimated on the safe side: the request's tokens from its size, the answer's from
//! what came of it, hidden thoughts and unknown parts included. A call that was refused, or got
//! nowhere, is taken to have cost nothing; one that got through and brought no word is taken to have
//! cost its request. A call that is dropped half-way is settled the same way.

use std::mem;
use std::time::Duration;

use openclaw_core::events::{CallOutcome, CallPayload};
use openclaw_core::{Cost, ModelRef, Price, Usage};
use openclaw_http::{HttpError, Phase};
use tokio::time::Instant;

use crate::dispatch::candidate::{Candidate, Credential};
use crate::dispatch::estimate::{self, Bytes, Size};
use crate::error::ProviderError;
use crate::event::StreamEvent;
use crate::meter::{Meter, Planned, Reservation, Unreserved};
use crate::request::{CacheRetention, Request};

/// How many times more tokens something may seem to have than its provider counts, before the
/// count is taken to be that of something else.
const ODD: u64 = 4;

/// An open call.
#[derive(Debug)]
pub(crate) struct Tab {
    model: ModelRef,
    credential: Option<String>,
    price: Option<Price>,
    reservation: Option<Box<dyn Reservation>>,
    /// The tokens of the request, estimated.
    asked: Size,
    written: Written,
    told: Usage,
    whole: bool,
    /// Whether it is known that the provider did nothing for it.
    refused: bool,
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
        let price = info.and_then(|info| info.price.clone());
        let limit = request
            .max_tokens
            .or_else(|| info.and_then(|info| info.max_tokens));
        let asked = estimate::request(request);
        // How long what is written to a cache is kept, only the answer tells.
        let dearest = match request.cache {
            CacheRetention::Long => price.clone().map(Price::kept_for_an_hour),
            CacheRetention::None | CacheRetention::Short => price.clone(),
        };
        let reservation = meter
            .reserve(Planned {
                provider: &candidate.model.provider,
                model: &candidate.model.model,
                price: dearest.as_ref(),
                input_tokens: asked.most,
                output_tokens: limit.map_or(estimate::ANSWER, u64::from),
            })
            .await?;
        Ok(Self {
            model: candidate.model.clone(),
            credential: Some(credential.name.clone()).filter(|name| !name.is_empty()),
            price,
            reservation: Some(reservation),
            asked,
            written: Written::default(),
            told: Usage::default(),
            whole: false,
            refused: false,
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
        match event {
            StreamEvent::Text(_)
            | StreamEvent::Thinking(_)
            | StreamEvent::RedactedThinking(_)
            | StreamEvent::ToolCallArguments { .. }
            | StreamEvent::ToolCallStart { .. } => {
                self.first_token.get_or_insert(self.began.elapsed());
            }
            StreamEvent::Usage(usage) => self.told = *usage,
            StreamEvent::Skipped(count) => self.skipped = *count,
            StreamEvent::Stop(_) => self.whole = true,
            StreamEvent::Started { .. }
            | StreamEvent::ThinkingSignature(_)
            | StreamEvent::Unread(_)
            | StreamEvent::ToolCallEnd { .. } => {}
        }
        self.written.add(event);
    }

    /// Returns what the call took as far as that is known, and what is estimated beyond that.
    ///
    /// What is told counts, unless it is less than a quarter of what is estimated; then the estimate
    /// does. The estimates are on the safe side: English has about two thirds of the tokens that are
    /// estimated, and of the scripts that the newest tokenizers write most densely, Tamil for one,
    /// a text has hardly more than a quarter. So no honest count is less than that, and whatever is
    /// counts something else, such as the part of a prompt that is not in a cache; to take it for the
    /// whole would let a cap be exceeded by any factor, and not by four.
    ///
    /// The tokens of a prompt are those from all places together, caches included, and only its text
    /// tells that a count is too low: a picture or a PDF may have few tokens however large it is.
    pub(crate) fn usage(&self) -> Usage {
        let mut usage = self.told;
        let written = self.written.tokens();
        if self.refused && written == 0 {
            return usage;
        }
        let prompt = usage.prompt();
        if prompt == 0 || is_odd(prompt, self.asked.text) {
            let cached = prompt.saturating_sub(usage.input);
            usage.input = self.asked.most.saturating_sub(cached);
        }
        if is_odd(usage.output, written) || !self.whole {
            usage.output = usage.output.max(written);
        }
        usage
    }

    /// Settles the call and returns what is recorded of it.
    pub(crate) fn close(mut self, failure: Option<&ProviderError>) -> CallPayload {
        self.refused = failure.is_some_and(did_nothing);
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
        let cost = self.price.as_ref().map(|price| price.of(&usage));
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

/// What came of an answer.
#[derive(Debug, Default)]
struct Written {
    words: Bytes,
    /// Thoughts that no signature has followed, and what could not be read since the last one.
    open: Bytes,
    /// The tokens of the thoughts before.
    thought: u64,
}

impl Written {
    fn add(&mut self, event: &StreamEvent) {
        match event {
            StreamEvent::Text(text)
            | StreamEvent::ToolCallArguments { json: text, .. }
            | StreamEvent::ToolCallStart { name: text, .. } => self.words.add(text),
            StreamEvent::Thinking(text) => self.open.add(text),
            StreamEvent::Unread(bytes) => self.open.add_unread(*bytes),
            // What is signed holds the thoughts themselves, of which nothing or a summary was shown.
            StreamEvent::ThinkingSignature(signature) => {
                let shown = mem::take(&mut self.open).tokens();
                self.think(shown.max(estimate::sealed(signature)));
            }
            StreamEvent::RedactedThinking(data) => self.think(estimate::sealed(data)),
            StreamEvent::Started { .. }
            | StreamEvent::ToolCallEnd { .. }
            | StreamEvent::Usage(_)
            | StreamEvent::Skipped(_)
            | StreamEvent::Stop(_) => {}
        }
    }

    const fn think(&mut self, tokens: u64) {
        self.thought = self.thought.saturating_add(tokens);
    }

    const fn tokens(&self) -> u64 {
        self.words
            .tokens()
            .saturating_add(self.open.tokens())
            .saturating_add(self.thought)
    }
}

/// Tells whether a count is so far below an estimate that it is one of something else.
const fn is_odd(told: u64, estimated: u64) -> bool {
    told.saturating_mul(ODD) < estimated
}

/// Returns whether a provider that failed like this did not begin to work.
fn did_nothing(failure: &ProviderError) -> bool {
    match failure {
        ProviderError::Http { source, .. } => !matches!(
            source,
            HttpError::Broken { .. }
                | HttpError::Timeout {
                    phase: Phase::FirstByte | Phase::Idle | Phase::Total,
                    ..
                }
        ),
        ProviderError::EndedEarly { .. }
        | ProviderError::Stalled { .. }
        | ProviderError::Empty { .. }
        | ProviderError::TooLarge { .. }
        | ProviderError::Cancelled => false,
        _ => true,
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
