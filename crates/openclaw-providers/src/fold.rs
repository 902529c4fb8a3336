//! Puts the pieces of an answer together.

use openclaw_core::redaction::mask;
use openclaw_core::{CallId, ProviderId, Usage};

use crate::error::{ProviderError, excerpt};
use crate::event::{StopReason, StreamEvent};
use crate::request::{Arguments, AssistantBlock, Thinking, ToolCall};

/// The largest answer that is held, in bytes.
pub const MAX_COMPLETION: usize = 16 * 1024 * 1024;

/// The most tool calls that one answer may have.
pub(crate) const MAX_CALLS: usize = 1024;

/// What a tool call counts for beside its text, so that empty calls have a limit too.
const CALL_OVERHEAD: usize = 256;

/// A whole answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// What the model wrote, in its order.
    pub content: Vec<AssistantBlock>,
    /// Why it stopped.
    pub stop: StopReason,
    /// The tokens that it took.
    pub usage: Usage,
    /// How many events and parts of the answer were not known and are left out.
    pub skipped: u32,
    /// The model that answered, as its provider names it.
    pub model: String,
    /// The provider that answered.
    pub provider: ProviderId,
}

/// An answer in the making.
#[derive(Clone, Debug)]
pub struct Fold {
    provider: ProviderId,
    model: String,
    parts: Vec<Part>,
    bytes: usize,
    usage: Usage,
    skipped: u32,
    stop: Option<StopReason>,
}

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Thinking(Thinking),
    Call(Call),
}

#[derive(Clone, Debug)]
struct Call {
    index: u32,
    id: CallId,
    name: String,
    json: String,
    ended: bool,
}

impl Fold {
    /// Starts with nothing.
    pub fn new(provider: ProviderId) -> Self {
        Self {
            provider,
            model: String::new(),
            parts: Vec::new(),
            bytes: 0,
            usage: Usage::default(),
            skipped: 0,
            stop: None,
        }
    }

    /// Adds the next piece.
    pub fn push(&mut self, event: &StreamEvent) -> Result<(), ProviderError> {
        if self.stop.is_some() {
            return Err(self.misplaced("an event after the end of its answer", event));
        }
        self.grow(event)?;
        match event {
            StreamEvent::Started { model } => model.clone_into(&mut self.model),
            StreamEvent::Text(text) => self.text(text),
            StreamEvent::Thinking(text) => self.thinking(|open| open.text.push_str(text)),
            StreamEvent::ThinkingSignature(signature) => {
                self.thinking(|open| open.signature = Some(signature.clone()));
            }
            StreamEvent::RedactedThinking(data) => {
                let by = Some(self.provider.clone());
                self.parts.push(Part::Thinking(Thinking {
                    redacted: Some(data.clone()),
                    by,
                    ..Thinking::default()
                }));
            }
            StreamEvent::ToolCallStart { index, id, name } => {
                if self.call(*index).is_some() {
                    return Err(self.misplaced("a tool call that begins twice", event));
                }
                let calls = self
                    .parts
                    .iter()
                    .filter(|part| matches!(part, Part::Call(_)));
                if calls.count() >= MAX_CALLS {
                    return Err(self.misplaced("tool calls without end", event));
                }
                self.parts.push(Part::Call(Call {
                    index: *index,
                    id: id.clone(),
                    name: name.clone(),
                    json: String::new(),
                    ended: false,
                }));
            }
            StreamEvent::ToolCallArguments { index, json } => match self.call(*index) {
                Some(call) if !call.ended => call.json.push_str(json),
                _ => return Err(self.misplaced("arguments of no open tool call", event)),
            },
            StreamEvent::ToolCallEnd { index } => match self.call(*index) {
                Some(call) if !call.ended => call.ended = true,
                _ => return Err(self.misplaced("the end of no open tool call", event)),
            },
            StreamEvent::Usage(usage) => self.usage = *usage,
            StreamEvent::Skipped(count) => self.skipped = *count,
            StreamEvent::Unread(_) => {}
            StreamEvent::Stop(reason) => self.stop = Some(reason.clone()),
        }
        Ok(())
    }

    /// Returns what the answer took so far, whether it is whole or not.
    pub const fn usage(&self) -> Usage {
        self.usage
    }

    /// Returns the whole answer; an error if the model has not stopped.
    pub fn finish(self) -> Result<Completion, ProviderError> {
        let Some(stop) = self.stop else {
            return Err(ProviderError::EndedEarly {
                provider: self.provider,
                source: None,
            });
        };
        Ok(Completion {
            content: self.parts.into_iter().map(AssistantBlock::from).collect(),
            stop,
            usage: self.usage,
            skipped: self.skipped,
            model: self.model,
            provider: self.provider,
        })
    }

    fn text(&mut self, more: &str) {
        match self.parts.last_mut() {
            Some(Part::Text(text)) => text.push_str(more),
            _ if more.is_empty() => {}
            _ => self.parts.push(Part::Text(more.to_owned())),
        }
    }

    /// Adds to the thoughts that are open (not signed, not redacted, nothing said since) or to new ones.
    fn thinking(&mut self, add: impl FnOnce(&mut Thinking)) {
        let open = self.parts.pop_if(|part| match part {
            Part::Thinking(thinking) => thinking.signature.is_none() && thinking.redacted.is_none(),
            Part::Text(_) | Part::Call(_) => false,
        });
        let mut thinking = match open {
            Some(Part::Thinking(thinking)) => thinking,
            _ => Thinking {
                by: Some(self.provider.clone()),
                ..Thinking::default()
            },
        };
        add(&mut thinking);
        self.parts.push(Part::Thinking(thinking));
    }

    fn call(&mut self, index: u32) -> Option<&mut Call> {
        self.parts.iter_mut().find_map(|part| match part {
            Part::Call(call) if call.index == index => Some(call),
            _ => None,
        })
    }

    fn grow(&mut self, event: &StreamEvent) -> Result<(), ProviderError> {
        let more = match event {
            StreamEvent::Text(text)
            | StreamEvent::Thinking(text)
            | StreamEvent::ThinkingSignature(text)
            | StreamEvent::RedactedThinking(text)
            | StreamEvent::Started { model: text }
            | StreamEvent::ToolCallArguments { json: text, .. } => text.len(),
            StreamEvent::ToolCallStart { id, name, .. } => [id.as_str().len(), name.len()]
                .into_iter()
                .fold(CALL_OVERHEAD, usize::saturating_add),
            StreamEvent::ToolCallEnd { .. }
            | StreamEvent::Usage(_)
            | StreamEvent::Skipped(_)
            | StreamEvent::Unread(_)
            | StreamEvent::Stop(_) => 0,
        };
        self.bytes = self.bytes.saturating_add(more);
        if self.bytes > MAX_COMPLETION {
            return Err(ProviderError::TooLarge {
                provider: self.provider.clone(),
                what: "an answer",
                limit: MAX_COMPLETION,
            });
        }
        Ok(())
    }

    fn misplaced(&self, what: &'static str, event: &StreamEvent) -> ProviderError {
        ProviderError::Malformed {
            provider: self.provider.clone(),
            what,
            excerpt: excerpt(&mask(&format!("{event:?}")), 200),
            begun: true,
        }
    }
}

impl From<Part> for AssistantBlock {
    fn from(part: Part) -> Self {
        match part {
            Part::Text(text) => Self::Text(text),
            Part::Thinking(thinking) => Self::Thinking(thinking),
            // A call that the model was cut off in has no end; its arguments show that.
            Part::Call(call) => Self::ToolCall(ToolCall {
                id: call.id,
                name: call.name,
                arguments: Arguments::parse(&call.json),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    fn fold(events: &[StreamEvent]) -> Result<Completion, ProviderError> {
        let mut fold = Fold::new("test".into());
        for event in events {
            fold.push(event)?;
        }
        fold.finish()
    }

    fn start(index: u32) -> StreamEvent {
        StreamEvent::ToolCallStart {
            index,
            id: CallId(format!("call_{index}")),
            name: "ls".into(),
        }
    }

    fn call(index: u32, arguments: Arguments) -> AssistantBlock {
        AssistantBlock::ToolCall(ToolCall {
            id: CallId(format!("call_{index}")),
            name: "ls".into(),
            arguments,
        })
    }

    fn thoughts(text: &str, signature: Option<&str>) -> AssistantBlock {
        AssistantBlock::Thinking(Thinking {
            text: text.into(),
            signature: signature.map(str::to_owned),
            redacted: None,
            by: Some("test".into()),
        })
    }

    #[test]
    fn calls_without_end_are_refused() {
        let mut fold = Fold::new("test".into());
        let calls = u32::try_from(MAX_CALLS).unwrap();
        for index in 0..calls {
            fold.push(&start(index)).unwrap();
        }
        let err = fold.push(&start(calls)).unwrap_err();
        assert!(err.to_string().contains("tool calls without end"), "{err}");
    }

    #[test]
    fn keeps_the_order_and_merges_the_pieces_of_one_part() {
        let usage = Usage {
            input: 3,
            output: 5,
            ..Usage::default()
        };
        let completion = fold(&[
            StreamEvent::Started { model: "m".into() },
            StreamEvent::Thinking("a".into()),
            StreamEvent::Thinking("b".into()),
            StreamEvent::ThinkingSignature("s".into()),
            StreamEvent::Thinking("c".into()),
            StreamEvent::RedactedThinking("x".into()),
            StreamEvent::Thinking("d".into()),
            StreamEvent::Text("Hello ".into()),
            StreamEvent::Text("you".into()),
            start(0),
            start(1),
            StreamEvent::ToolCallArguments {
                index: 1,
                json: "{".into(),
            },
            StreamEvent::ToolCallEnd { index: 0 },
            StreamEvent::ToolCallEnd { index: 1 },
            StreamEvent::Usage(Usage { output: 1, ..usage }),
            StreamEvent::Usage(usage),
            StreamEvent::Stop(StopReason::ToolUse),
        ]);
        assert_eq!(
            completion.unwrap(),
            Completion {
                content: vec![
                    thoughts("ab", Some("s")),
                    thoughts("c", None),
                    AssistantBlock::Thinking(Thinking {
                        redacted: Some("x".into()),
                        by: Some("test".into()),
                        ..Thinking::default()
                    }),
                    thoughts("d", None),
                    AssistantBlock::Text("Hello you".into()),
                    call(0, Arguments::Object(Map::new())),
                    call(1, Arguments::Malformed("{".into())),
                ],
                stop: StopReason::ToolUse,
                usage,
                skipped: 0,
                model: "m".into(),
                provider: "test".into(),
            }
        );
    }

    #[test]
    fn an_answer_without_a_stop_has_ended_early() {
        let error = fold(&[StreamEvent::Text("Hel".into())]).unwrap_err();
        assert!(matches!(error, ProviderError::EndedEarly { .. }));
    }

    #[test]
    fn events_in_the_wrong_place_are_refused() {
        let end = StreamEvent::ToolCallEnd { index: 0 };
        let more = StreamEvent::ToolCallArguments {
            index: 0,
            json: "{}".into(),
        };
        let stop = StreamEvent::Stop(StopReason::EndTurn);
        for (events, what) in [
            (vec![start(0), start(0)], "a tool call that begins twice"),
            (vec![more.clone()], "arguments of no open tool call"),
            (
                vec![start(0), end.clone(), more],
                "arguments of no open tool call",
            ),
            (vec![end.clone()], "the end of no open tool call"),
            (
                vec![start(0), end.clone(), end],
                "the end of no open tool call",
            ),
            (
                vec![stop.clone(), stop],
                "an event after the end of its answer",
            ),
        ] {
            let error = fold(&events).unwrap_err();
            assert_eq!(error.to_string(), format!("provider `test` sent {what}"));
        }
    }

    #[test]
    fn an_answer_without_end_is_refused_at_the_limit() {
        let piece = StreamEvent::Text("x".repeat(1024 * 1024));
        let mut fold = Fold::new("test".into());
        let taken = (0..100).take_while(|_| fold.push(&piece).is_ok()).count();
        assert_eq!(taken, 16);
    }

    #[test]
    fn a_piece_in_the_wrong_place_is_quoted_without_secrets() {
        let secret = "cnry-of-a-piece-0123456789";
        openclaw_core::redaction::learn_text(secret);
        for padding in ["", &"x".repeat(140)] {
            let piece = StreamEvent::ToolCallArguments {
                index: 7,
                json: format!("{padding}{secret}"),
            };
            let error = fold(&[piece]).unwrap_err();
            assert!(!format!("{error:?}").contains("cnry"), "{error:?}");
        }
    }
}
