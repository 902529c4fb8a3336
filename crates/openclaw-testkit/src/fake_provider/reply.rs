//! What the fake answers, written once for every wire format.

use std::fmt::Display;

use openclaw_core::Usage;
use serde_json::Value;

use super::chunking::Chunking;

/// One answer of the fake model.
#[derive(Clone, Debug)]
#[must_use = "give it to a provider"]
pub struct Reply {
    pub(super) shape: Shape,
    pub(super) headers: Vec<(String, String)>,
    pub(super) chunking: Chunking,
    pub(super) course: Course,
}

/// A tool call that the fake model makes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "put it into a reply"]
pub struct FakeCall {
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) arguments: String,
}

/// Why the fake model says that it stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It has nothing more to say.
    EndTurn,
    /// It waits for tool results.
    ToolUse,
    /// It ran out of tokens.
    MaxTokens,
    /// It declines to answer.
    Refusal,
    /// A reason of the provider's own, as it is; Responses has no place for one.
    Other(&'static str),
}

#[derive(Clone, Debug)]
pub(super) enum Shape {
    Message(Box<Message>),
    Error {
        status: u16,
        kind: Option<String>,
        message: Option<String>,
    },
    Html {
        status: u16,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) thinking: Option<Thinking>,
    pub(super) text: String,
    pub(super) calls: Vec<FakeCall>,
    pub(super) usage: Usage,
    pub(super) stop: Stop,
    pub(super) model: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Thinking {
    pub(super) text: String,
    pub(super) signature: String,
}

/// What becomes of the answer on its way.
#[derive(Clone, Debug)]
pub(super) enum Course {
    Whole,
    /// The connection breaks after so many events.
    Cut(usize),
    /// Nothing more comes after so many events until the test lets it.
    Hold(usize),
    /// Not even the headers come until the test lets them.
    HoldHeaders,
    /// An error takes the place of the rest after so many events.
    Error {
        after: usize,
        kind: String,
        message: String,
    },
}

impl Reply {
    /// Answers with words; no words at all make an empty answer.
    pub fn text(text: impl Into<String>) -> Self {
        Self::message(text.into(), Vec::new(), Stop::EndTurn)
    }

    /// Answers with tool calls: pairs of a tool and its arguments, or [`FakeCall`]s.
    pub fn tool_calls<C: Into<FakeCall>>(calls: impl IntoIterator<Item = C>) -> Self {
        let calls = calls.into_iter().map(Into::into).collect();
        Self::message(String::new(), calls, Stop::ToolUse)
    }

    /// Answers with an HTTP error in the form of the API: 401, 429, 529 and so on.
    pub fn status(status: u16) -> Self {
        Self::new(Shape::Error {
            status,
            kind: None,
            message: None,
        })
    }

    /// Answers with an error page, as a proxy in front of the API does.
    pub fn html(status: u16) -> Self {
        Self::new(Shape::Html { status })
    }

    /// Sends the headers of an answer and then nothing.
    pub fn hang() -> Self {
        Self::text("").hold_after(0)
    }

    /// Puts words before the tool calls.
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        self.message_mut().text = text.into();
        self
    }

    /// Puts thoughts before everything; `signature` is what Anthropic signs them with.
    pub fn with_thinking(mut self, text: impl Into<String>, signature: impl Into<String>) -> Self {
        self.message_mut().thinking = Some(Thinking {
            text: text.into(),
            signature: signature.into(),
        });
        self
    }

    /// Sets the token counts.
    pub fn usage(mut self, usage: Usage) -> Self {
        self.message_mut().usage = usage;
        self
    }

    /// Sets the reason for stopping, which otherwise fits the content.
    pub fn stop(mut self, stop: Stop) -> Self {
        self.message_mut().stop = stop;
        self
    }

    /// Names the model that answers; otherwise it is the one that was asked for.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.message_mut().model = Some(model.into());
        self
    }

    /// Sets the text of an error answer.
    pub fn saying(mut self, text: impl Into<String>) -> Self {
        match &mut self.shape {
            Shape::Error { message, .. } => *message = Some(text.into()),
            Shape::Message(_) | Shape::Html { .. } => {
                panic!("only Reply::status has an error text")
            }
        }
        self
    }

    /// Sets the error's type, which otherwise fits the status.
    pub fn of_type(mut self, name: impl Into<String>) -> Self {
        match &mut self.shape {
            Shape::Error { kind, .. } => *kind = Some(name.into()),
            Shape::Message(_) | Shape::Html { .. } => {
                panic!("only Reply::status has an error type")
            }
        }
        self
    }

    /// Says when to try again: seconds or an HTTP date.
    pub fn retry_after(self, when: impl Display) -> Self {
        self.header("retry-after", when)
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl Display) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// Cuts an event stream into pieces.
    pub fn chunked(mut self, chunking: Chunking) -> Self {
        self.chunking = chunking;
        self
    }

    /// Breaks the connection after so many events, without ending the body.
    ///
    /// An answer that does not stream breaks in its middle.
    pub fn cut_after(self, events: usize) -> Self {
        self.on_course(Course::Cut(events))
    }

    /// Falls silent after so many events, until
    /// [`release`](super::FakeProvider::release) or until the client goes away.
    ///
    /// An answer that does not stream falls silent before its first byte.
    pub fn hold_after(self, events: usize) -> Self {
        self.on_course(Course::Hold(events))
    }

    /// Sends not even the headers before [`release`](super::FakeProvider::release).
    pub fn hold_headers(self) -> Self {
        self.on_course(Course::HoldHeaders)
    }

    /// Sends an error event in place of the rest after so many events, as an overloaded API does.
    pub fn error_event(self, after: usize, kind: &str, message: &str) -> Self {
        self.on_course(Course::Error {
            after,
            kind: kind.to_owned(),
            message: message.to_owned(),
        })
    }

    fn new(shape: Shape) -> Self {
        Self {
            shape,
            headers: Vec::new(),
            chunking: Chunking::default(),
            course: Course::Whole,
        }
    }

    fn message(text: String, calls: Vec<FakeCall>, stop: Stop) -> Self {
        Self::new(Shape::Message(Box::new(Message {
            thinking: None,
            text,
            calls,
            usage: Usage {
                input: 2500,
                output: 15,
                ..Usage::default()
            },
            stop,
            model: None,
        })))
    }

    fn message_mut(&mut self) -> &mut Message {
        match &mut self.shape {
            Shape::Message(message) => message,
            Shape::Error { .. } | Shape::Html { .. } => {
                panic!("an error answer has no content, usage, model or reason for stopping")
            }
        }
    }

    fn on_course(mut self, course: Course) -> Self {
        self.course = course;
        self
    }
}

impl FakeCall {
    /// Calls a tool.
    pub fn new(name: impl Into<String>, arguments: &Value) -> Self {
        Self::raw(name, arguments.to_string())
    }

    /// Calls a tool with arguments that need not be JSON.
    pub fn raw(name: impl Into<String>, arguments: impl Into<String>) -> Self {
        Self {
            id: None,
            name: name.into(),
            arguments: arguments.into(),
        }
    }

    /// Sets the call's id; otherwise it is one that the provider never used before.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }
}

impl<N: Into<String>> From<(N, Value)> for FakeCall {
    fn from((name, arguments): (N, Value)) -> Self {
        Self::new(name, &arguments)
    }
}
