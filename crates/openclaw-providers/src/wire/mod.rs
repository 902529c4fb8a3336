//! What the APIs over HTTP share: asking, reading an answer to its end, and telling what failed.
//!
//! [`open`] sends a request and hands a [`Pipe`] the bytes that come back; the pipe tells from their
//! beginning whether it is a stream, one document or a page of somebody else, and gives the events
//! to the API's [`Decode`]. [`Party`] puts everything that goes wrong into words that may be shown,
//! [`Access`] carries the key.

mod access;
mod complaint;
mod entries;
mod exchange;
mod halves;
mod pipe;
mod shape;

use std::collections::VecDeque;

use openclaw_core::ProviderId;
use openclaw_core::redaction::mask;
use openclaw_http::HttpError;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) use access::Access;
pub(crate) use complaint::sent;
pub(crate) use entries::Entries;
pub(crate) use exchange::{get, open, post};
pub(crate) use halves::read_whole;
pub(crate) use pipe::Pipe;

use crate::error::{ProviderError, Reason, excerpt};
use crate::event::StreamEvent;
use crate::sse;

/// The most characters of an event that go into the log.
const EXCERPT_CHARS: usize = 300;

/// How an API separates the events of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Server-sent events.
    Sse,
    /// A JSON document in each line.
    NdJson,
}

impl Framing {
    /// The media type that requests ask for.
    pub(crate) const fn mime(self) -> &'static str {
        match self {
            Self::Sse => "text/event-stream",
            Self::NdJson => "application/x-ndjson",
        }
    }
}

/// Reads the events of one API.
///
/// What goes for every API is not its business: an event named `error`, a document with an `error`
/// in it, and telling how many events were skipped.
pub(crate) trait Decode: Send + 'static {
    /// How they are separated; an event of NDJSON has no name.
    const FRAMING: Framing = Framing::Sse;

    /// Takes the whole answer of a server that does not stream it; the decoder is finished then.
    fn document(&mut self, text: &str, _out: &mut VecDeque<StreamEvent>) -> Result<(), Fault> {
        Err(Fault::malformed("a document instead of a stream", text))
    }

    /// Takes an event and adds what it means to `out`.
    fn event(&mut self, event: &sse::Event, out: &mut VecDeque<StreamEvent>) -> Result<(), Fault>;

    /// Takes the end of the stream; a fault if the answer is not whole.
    fn end(&mut self, _out: &mut VecDeque<StreamEvent>) -> Result<(), Fault> {
        if self.is_finished() {
            Ok(())
        } else {
            Err(Fault::EndedEarly)
        }
    }

    /// Returns whether the answer is whole.
    fn is_finished(&self) -> bool;

    /// Returns whether the model is done, so that [`Decode::end`] may come at any time; what may
    /// still come, such as the usage, is not worth a long wait.
    fn may_end(&self) -> bool {
        false
    }

    /// Returns what was skipped so far.
    fn skipped(&self) -> Skipped;
}

/// What a decoder left out because this program does not know it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Skipped {
    /// How many events and parts.
    pub(crate) count: u32,
    /// How many bytes, about; the model may have written them, so they count for tokens.
    pub(crate) bytes: u64,
}

impl Skipped {
    /// Takes note of an event or part of so many bytes.
    pub(crate) fn add(&mut self, bytes: usize) {
        self.count = self.count.saturating_add(1);
        self.weigh(bytes);
    }

    /// Takes note of so many bytes that nothing comes of, for now at least.
    pub(crate) fn weigh(&mut self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// What a decoder found wrong, before the provider's name is added and its key taken out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The provider sent an error.
    Sent { reason: Reason, message: String },
    /// The provider sent something that its API does not have.
    Malformed { what: &'static str, data: String },
    /// The stream ended before the answer was whole.
    EndedEarly,
}

impl Fault {
    pub(crate) fn malformed(what: &'static str, data: &str) -> Self {
        Self::Malformed {
            what,
            data: data.to_owned(),
        }
    }
}

/// Reads the data of an event as JSON.
pub(crate) fn read_json<T: DeserializeOwned>(data: &str) -> Result<T, Fault> {
    serde_json::from_str(data)
        .map_err(|_what| Fault::malformed("an event that its API does not have", data))
}

/// Returns the text of a call's arguments, which is an object's; some send the text itself, and what
/// is neither is what the model is told that it wrote.
pub(crate) fn written(arguments: Value) -> String {
    match arguments {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// Tells whether a name leads to a place below a path when it is written behind it.
pub(crate) fn stays_below(name: &str) -> bool {
    name.split('/')
        .all(|segment| !matches!(segment, "" | "." | ".."))
}

/// Pieces without text carry nothing.
pub(crate) fn not_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// The provider at the other end, in whose name errors are told.
#[derive(Clone, Debug)]
pub(crate) struct Party {
    pub(crate) id: ProviderId,
}

impl Party {
    pub(crate) fn http(&self, error: HttpError) -> ProviderError {
        match error {
            HttpError::Cancelled => ProviderError::Cancelled,
            HttpError::Status {
                status,
                retry_after,
                body_excerpt,
                ..
            } => {
                let (reason, message) = complaint::of_body(&body_excerpt, status);
                ProviderError::Status {
                    provider: self.id.clone(),
                    status,
                    reason,
                    message: complaint::public(&message),
                    retry_after: retry_after.or_else(|| complaint::retry_after(&body_excerpt)),
                }
            }
            source => ProviderError::Http {
                provider: self.id.clone(),
                source,
            },
        }
    }

    pub(crate) fn fault(&self, fault: Fault) -> ProviderError {
        let provider = self.id.clone();
        match fault {
            Fault::Sent { reason, message } => ProviderError::Sent {
                provider,
                reason,
                message: complaint::public(&message),
            },
            Fault::Malformed { what, data } => {
                let excerpt = excerpt(&mask(&data), EXCERPT_CHARS);
                tracing::warn!(%provider, what, excerpt, "the provider's answer makes no sense");
                ProviderError::Malformed {
                    provider,
                    what,
                    excerpt,
                    begun: false,
                }
            }
            Fault::EndedEarly => ProviderError::EndedEarly {
                provider,
                source: None,
            },
        }
    }

    /// Makes the refusal of a model's name that is a way out of its path.
    pub(crate) fn model_name(&self, model: &str) -> ProviderError {
        ProviderError::ModelName {
            provider: self.id.clone(),
            model: excerpt(model, EXCERPT_CHARS),
        }
    }

    /// Says that a list of models has more pages than are asked for.
    pub(crate) fn tell_more_pages(&self, asked: usize) {
        tracing::warn!(provider = %self.id, asked, "the provider's list of models has more pages, which are not asked for");
    }

    fn too_large(&self, what: &'static str, limit: usize) -> ProviderError {
        ProviderError::TooLarge {
            provider: self.id.clone(),
            what,
            limit,
        }
    }
}
