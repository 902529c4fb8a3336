//! A response, in one piece or in events.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::response::Response;
use openclaw_agents::terms::ClientCall;
use openclaw_core::Usage as Tokens;
use openclaw_ipc::openai::events::ResponseEvent;
use openclaw_ipc::openai::responses::{
    IncompleteDetails, InputDetails, OutputDetails, OutputItem, OutputText, Phase, ResponseError,
    ResponseObject, ResponsesUsage, Status,
};
use uuid::Uuid;

use crate::http::routes::json_text;
use crate::openai::asking::{Asking, End, Outcome};
use crate::openai::chat::pieces;
use crate::openai::door::Failure;
use crate::openai::streamed::{Frame, Voice};

/// Where the text of a response stands in it.
const TEXT_AT: usize = 0;

/// A response, as far as it is known before there is an answer.
#[derive(Clone, Debug)]
pub(super) struct Resource {
    response: ResponseObject,
    /// The id of the item that has the text.
    message: String,
}

impl Resource {
    pub(super) fn of(
        asking: &Asking,
        previous: Option<String>,
        metadata: Option<BTreeMap<String, String>>,
    ) -> Self {
        Self {
            response: ResponseObject {
                id: asking.id.clone(),
                object: "response".to_owned(),
                created_at: asking.created,
                status: Status::InProgress,
                model: asking.target.model.clone(),
                output: Vec::new(),
                usage: ResponsesUsage::default(),
                error: None,
                incomplete_details: None,
                previous_response_id: previous,
                metadata,
            },
            message: format!("msg_{}", Uuid::new_v4()),
        }
    }

    /// Returns the response in one piece.
    pub(super) fn whole(self, outcome: &Outcome) -> Response {
        let text = serde_json::to_string(&self.done(outcome)).unwrap_or_default();
        json_text(StatusCode::OK, text)
    }

    fn done(&self, outcome: &Outcome) -> ResponseObject {
        let mut output = Vec::new();
        if !outcome.text.is_empty() || outcome.calls.is_empty() {
            output.push(self.message_of(outcome));
        }
        output.extend(outcome.calls.iter().map(call));
        ResponseObject {
            status: status(outcome.end),
            output,
            usage: usage(&outcome.usage),
            incomplete_details: incomplete(outcome.end),
            ..self.response.clone()
        }
    }

    fn message_of(&self, outcome: &Outcome) -> OutputItem {
        OutputItem::Message {
            id: self.message.clone(),
            role: "assistant".to_owned(),
            content: vec![OutputText::new(outcome.text.clone())],
            phase: Some(match outcome.end {
                End::Calls => Phase::Commentary,
                End::Whole | End::Length | End::Declined => Phase::FinalAnswer,
            }),
            status: status(outcome.end),
        }
    }
}

const fn status(end: End) -> Status {
    match end {
        End::Whole | End::Calls => Status::Completed,
        End::Length | End::Declined => Status::Incomplete,
    }
}

fn incomplete(end: End) -> Option<IncompleteDetails> {
    let reason = match end {
        End::Whole | End::Calls => return None,
        End::Length => "max_output_tokens",
        End::Declined => "content_filter",
    };
    Some(IncompleteDetails {
        reason: reason.to_owned(),
    })
}

fn call(call: &ClientCall) -> OutputItem {
    OutputItem::FunctionCall {
        id: format!("fc_{}", Uuid::new_v4()),
        call_id: call.id.0.clone(),
        name: call.tool.clone(),
        arguments: call.arguments.clone(),
        status: Some(Status::Completed),
    }
}

fn usage(tokens: &Tokens) -> ResponsesUsage {
    ResponsesUsage {
        input_tokens: tokens.prompt(),
        input_tokens_details: InputDetails {
            cached_tokens: tokens.cache_read,
            cache_write_tokens: tokens.cache_write,
        },
        output_tokens: tokens.output,
        output_tokens_details: OutputDetails {
            reasoning_tokens: tokens.reasoning,
        },
        total_tokens: tokens.total(),
    }
}

/// Says a response in events.
#[derive(Debug)]
pub(super) struct Events {
    resource: Resource,
    /// Where the next event stands.
    next: u64,
    /// Whether there is an item for the text.
    text: TextItem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TextItem {
    None,
    Added,
}

impl Events {
    pub(super) const fn new(resource: Resource) -> Self {
        Self {
            resource,
            next: 0,
            text: TextItem::None,
        }
    }

    fn event(&mut self, make: impl FnOnce(u64) -> ResponseEvent) -> Frame {
        let at = self.next;
        self.next = at.saturating_add(1);
        let event = make(at);
        Frame::of(Some(event.name()), &event)
    }

    /// Adds the item that has the text, once.
    fn begin_text(&mut self) -> Vec<Frame> {
        if self.text == TextItem::Added {
            return Vec::new();
        }
        self.text = TextItem::Added;
        let id = self.resource.message.clone();
        let item = OutputItem::Message {
            id: id.clone(),
            role: "assistant".to_owned(),
            content: Vec::new(),
            phase: None,
            status: Status::InProgress,
        };
        let added = self.event(|sequence_number| ResponseEvent::ItemAdded {
            output_index: TEXT_AT,
            item,
            sequence_number,
        });
        let part = self.event(|sequence_number| ResponseEvent::PartAdded {
            item_id: id,
            output_index: TEXT_AT,
            content_index: 0,
            part: OutputText::new(""),
            sequence_number,
        });
        vec![added, part]
    }

    fn end_text(&mut self, outcome: &Outcome) -> Vec<Frame> {
        let (id, text) = (self.resource.message.clone(), outcome.text.clone());
        let done = self.event(|sequence_number| ResponseEvent::TextDone {
            item_id: id.clone(),
            output_index: TEXT_AT,
            content_index: 0,
            text: text.clone(),
            sequence_number,
        });
        let part = self.event(|sequence_number| ResponseEvent::PartDone {
            item_id: id,
            output_index: TEXT_AT,
            content_index: 0,
            part: OutputText::new(text),
            sequence_number,
        });
        let item = self.resource.message_of(outcome);
        vec![done, part, self.item_done(TEXT_AT, item)]
    }

    fn item_done(&mut self, output_index: usize, item: OutputItem) -> Frame {
        self.event(|sequence_number| ResponseEvent::ItemDone {
            output_index,
            item,
            sequence_number,
        })
    }

    /// Says a call, which is known as a whole.
    fn call(&mut self, output_index: usize, item: &OutputItem) -> Vec<Frame> {
        let OutputItem::FunctionCall {
            id,
            call_id,
            name,
            arguments,
            ..
        } = item
        else {
            return Vec::new();
        };
        let begun = OutputItem::FunctionCall {
            id: id.clone(),
            call_id: call_id.clone(),
            name: name.clone(),
            arguments: String::new(),
            status: Some(Status::InProgress),
        };
        let mut frames = vec![self.event(|sequence_number| ResponseEvent::ItemAdded {
            output_index,
            item: begun,
            sequence_number,
        })];
        for piece in pieces(arguments) {
            frames.push(self.event(|sequence_number| ResponseEvent::ArgumentsDelta {
                item_id: id.clone(),
                output_index,
                delta: piece.to_owned(),
                sequence_number,
            }));
        }
        frames.push(self.event(|sequence_number| ResponseEvent::ArgumentsDone {
            item_id: id.clone(),
            output_index,
            arguments: arguments.clone(),
            sequence_number,
        }));
        frames.push(self.item_done(output_index, item.clone()));
        frames
    }
}

impl Voice for Events {
    fn begin(&mut self) -> Vec<Frame> {
        let response = self.resource.response.clone();
        let created = self.event(|sequence_number| ResponseEvent::Created {
            response,
            sequence_number,
        });
        let response = self.resource.response.clone();
        let in_progress = self.event(|sequence_number| ResponseEvent::InProgress {
            response,
            sequence_number,
        });
        vec![created, in_progress]
    }

    fn text(&mut self, piece: String) -> Vec<Frame> {
        let mut frames = self.begin_text();
        let item_id = self.resource.message.clone();
        frames.push(self.event(|sequence_number| ResponseEvent::TextDelta {
            item_id,
            output_index: TEXT_AT,
            content_index: 0,
            delta: piece,
            sequence_number,
        }));
        frames
    }

    fn end(&mut self, outcome: &Outcome) -> Vec<Frame> {
        let response = self.resource.done(outcome);
        let mut frames = Vec::new();
        for (index, item) in response.output.iter().enumerate() {
            match item {
                OutputItem::Message { .. } => {
                    frames.extend(self.begin_text());
                    frames.extend(self.end_text(outcome));
                }
                OutputItem::FunctionCall { .. } => frames.extend(self.call(index, item)),
            }
        }
        let end = outcome.end;
        frames.push(self.event(|sequence_number| match status(end) {
            Status::Incomplete => ResponseEvent::Incomplete {
                response,
                sequence_number,
            },
            Status::InProgress | Status::Completed | Status::Failed => ResponseEvent::Completed {
                response,
                sequence_number,
            },
        }));
        frames
    }

    fn failed(&mut self, failure: &Failure) -> Vec<Frame> {
        let response = ResponseObject {
            status: Status::Failed,
            error: Some(ResponseError {
                code: failure.error.class.clone(),
                message: failure.error.message.clone(),
            }),
            ..self.resource.response.clone()
        };
        vec![self.event(|sequence_number| ResponseEvent::Failed {
            response,
            sequence_number,
        })]
    }
}

#[cfg(test)]
mod tests {
    use openclaw_core::CallId;

    use super::*;

    fn resource() -> Resource {
        Resource {
            response: ResponseObject {
                id: "resp_1".to_owned(),
                object: "response".to_owned(),
                created_at: 1,
                status: Status::InProgress,
                model: "openclaw".to_owned(),
                output: Vec::new(),
                usage: ResponsesUsage::default(),
                error: None,
                incomplete_details: None,
                previous_response_id: None,
                metadata: None,
            },
            message: "msg_1".to_owned(),
        }
    }

    fn outcome(text: &str, calls: Vec<ClientCall>, end: End) -> Outcome {
        Outcome {
            text: text.to_owned(),
            calls,
            end,
            usage: Tokens::default(),
        }
    }

    #[test]
    fn a_response_of_calls_alone_has_no_text() {
        let call = ClientCall {
            id: CallId("call_1".to_owned()),
            tool: "w".to_owned(),
            arguments: "{}".to_owned(),
        };
        let done = resource().done(&outcome("", vec![call], End::Calls));
        assert!(matches!(
            done.output.as_slice(),
            [OutputItem::FunctionCall { .. }]
        ));
        assert_eq!(done.status, Status::Completed);
    }

    #[test]
    fn a_response_that_is_cut_off_says_so() {
        let done = resource().done(&outcome("so", Vec::new(), End::Length));
        let told = serde_json::to_value(&done).unwrap();
        assert_eq!(told["status"], "incomplete");
        assert_eq!(told["incomplete_details"]["reason"], "max_output_tokens");
        assert_eq!(told["output"][0]["status"], "incomplete");
    }
}
