//! One message out of a conversation.
//!
//! The session keeps what was said in it, and a request brings the conversation along all the
//! same. As in OpenClaw, its last message of a user or a tool is the one to be answered, and what
//! stands before it becomes context of that message; where the session is known to have it, it is
//! left out.

use std::collections::HashSet;

use openclaw_agents::terms::{ClientResult, Words};
use openclaw_core::CallId;
use openclaw_core::validation::{Attachment, AttachmentKind, MAX_MESSAGE_SIZE};

/// What stands above the earlier part of a conversation.
const BEFORE: &str = "[Chat messages since your last reply - for context]";
/// What stands above the message that is to be answered.
const CURRENT: &str = "[Current message - respond to this]";
/// The name of the file that has an earlier part which is too long for a message.
const EARLIER: &str = "earlier-messages.txt";

/// What a request says, in the order of its messages.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// What the model is told after its system prompt.
    pub(super) instructions: Vec<String>,
    pub(super) lines: Vec<Line>,
}

/// A message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) by: By,
    pub(super) text: String,
}

/// Who a message is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// The user.
    User,
    /// The model.
    Assistant,
    /// A tool of the client's, by the call that it answers or by its name.
    Tool(String),
}

/// What of a conversation a session has on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Has {
    /// As far as anybody knows, nothing.
    Nothing,
    /// Everything up to the calls whose results come now.
    Everything,
}

/// The message of a request.
#[derive(Debug, PartialEq)]
pub(super) struct Message {
    pub(super) text: String,
    pub(super) attachments: Vec<Attachment>,
    pub(super) words: Words,
}

impl By {
    fn name(&self) -> String {
        match self {
            Self::User => "User".to_owned(),
            Self::Assistant => "Assistant".to_owned(),
            Self::Tool(of) if of.is_empty() => "Tool".to_owned(),
            Self::Tool(of) => format!("Tool:{of}"),
        }
    }
}

impl Line {
    pub(super) fn new(by: By, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { by, text }
    }

    /// Makes a call of the model a line of its own.
    pub(super) fn call(id: &str, name: &str, arguments: &str) -> Self {
        let text = format!("tool_call id={id} name={name} arguments={arguments}");
        Self::new(By::Assistant, text)
    }

    fn shown(&self) -> String {
        format!("{}: {}", self.by.name(), self.text)
    }
}

impl Conversation {
    /// Returns what came of the client's calls since the model last said something.
    pub(super) fn results(&self) -> Vec<ClientResult> {
        self.since_model()
            .iter()
            .filter_map(|line| match &line.by {
                By::Tool(call) => Some(ClientResult {
                    call: CallId(call.clone()),
                    output: line.text.clone(),
                }),
                By::User | By::Assistant => None,
            })
            .collect()
    }

    /// Returns a call that is answered twice, of which nobody could say what came.
    pub(super) fn answered_twice(&self) -> Option<&str> {
        let mut seen = HashSet::new();
        self.since_model().iter().find_map(|line| match &line.by {
            By::Tool(call) if !call.is_empty() && !seen.insert(call) => Some(call.as_str()),
            By::Tool(_) | By::User | By::Assistant => None,
        })
    }

    fn since_model(&self) -> &[Line] {
        let last = self.lines.iter().rposition(|line| line.by == By::Assistant);
        let from = last.map_or(0, |last| last.saturating_add(1));
        self.lines.get(from..).unwrap_or_default()
    }

    /// Makes the message to be answered; none where nobody says anything.
    pub(super) fn message(&self, has: Has) -> Option<Message> {
        let spoken = |line: &Line| line.by != By::Assistant;
        let lines = match has {
            Has::Nothing => self.lines.as_slice(),
            Has::Everything => self.since_model(),
        };
        let last = lines.iter().rposition(spoken);
        let at = last.or_else(|| lines.len().checked_sub(1))?;
        let (before, current) = (lines.get(..at).unwrap_or_default(), lines.get(at)?);
        let is_result = matches!(current.by, By::Tool(_));
        if has == Has::Everything && is_result {
            // The results themselves are what the model sees.
            let shown: Vec<String> = lines.iter().map(Line::shown).collect();
            return Some(Message {
                text: bounded(shown.join("\n")),
                attachments: Vec::new(),
                words: Words::Results,
            });
        }
        let before: Vec<String> = before
            .iter()
            .filter(|line| has == Has::Nothing || !matches!(line.by, By::Tool(_)))
            .map(Line::shown)
            .collect();
        if before.is_empty() && !is_result {
            return Some(Message::of(current.text.clone()));
        }
        let (before, current) = (before.join("\n"), current.shown());
        let whole = if before.is_empty() {
            current.clone()
        } else {
            format!("{BEFORE}\n{before}\n\n{CURRENT}\n{current}")
        };
        if whole.len() <= MAX_MESSAGE_SIZE {
            return Some(Message::of(whole));
        }
        let note = format!("{BEFORE}\n(in the attached file {EARLIER})\n\n{CURRENT}\n{current}");
        Some(Message {
            attachments: vec![Attachment {
                kind: AttachmentKind::Document,
                mime: "text/plain".to_owned(),
                bytes: before.into_bytes(),
                filename: Some(EARLIER.to_owned()),
            }],
            ..Message::of(note)
        })
    }
}

impl Message {
    const fn of(text: String) -> Self {
        Self {
            text,
            attachments: Vec::new(),
            words: Words::Own,
        }
    }
}

/// Cuts a text that the model sees in another place to the length of a message.
fn bounded(mut text: String) -> String {
    let end = text.floor_char_boundary(MAX_MESSAGE_SIZE);
    text.truncate(end);
    text
}

/// Returns a text as a message can have it: with line ends of one kind, and without characters that
/// control terminals.
pub(super) fn plain(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let legal = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    text.chars()
        .filter(legal)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation(lines: &[(By, &str)]) -> Conversation {
        Conversation {
            instructions: Vec::new(),
            lines: lines
                .iter()
                .map(|(by, text)| Line::new(by.clone(), *text))
                .collect(),
        }
    }

    fn text(of: &Conversation, has: Has) -> String {
        of.message(has).unwrap().text
    }

    #[test]
    fn a_message_alone_is_as_it_was_said() {
        let alone = conversation(&[(By::User, "hi")]);
        assert_eq!(text(&alone, Has::Nothing), "hi");
        assert!(Conversation::default().message(Has::Nothing).is_none());
    }

    #[test]
    fn what_was_said_before_is_context_of_the_message() {
        let talk = conversation(&[
            (By::User, "hi"),
            (By::Assistant, "hello"),
            (By::User, "and now?"),
        ]);
        assert_eq!(
            text(&talk, Has::Nothing),
            "[Chat messages since your last reply - for context]\nUser: hi\nAssistant: hello\n\n\
             [Current message - respond to this]\nUser: and now?"
        );
    }

    #[test]
    fn a_result_whose_call_nobody_knows_is_told() {
        let talk = conversation(&[
            (By::User, "weather?"),
            (By::Assistant, "tool_call id=c1 name=w arguments={}"),
            (By::Tool("c1".to_owned()), "rain"),
        ]);
        assert_eq!(
            text(&talk, Has::Nothing),
            "[Chat messages since your last reply - for context]\nUser: weather?\nAssistant: \
             tool_call id=c1 name=w arguments={}\n\n[Current message - respond to this]\nTool:c1: rain"
        );
    }

    #[test]
    fn a_result_whose_call_is_on_record_stands_for_itself() {
        let talk = conversation(&[
            (By::User, "weather?"),
            (By::Assistant, "tool_call id=c1 name=w arguments={}"),
            (By::Tool("c1".to_owned()), "rain"),
        ]);
        let message = talk.message(Has::Everything).unwrap();
        assert_eq!(message.text, "Tool:c1: rain");
        assert_eq!(message.words, Words::Results);
        let result = ClientResult {
            call: CallId("c1".to_owned()),
            output: "rain".to_owned(),
        };
        assert_eq!(talk.results(), [result]);
        let more = conversation(&[
            (By::Assistant, "calls"),
            (By::Tool("c1".to_owned()), "rain"),
            (By::User, "so?"),
        ]);
        assert_eq!(text(&more, Has::Everything), "so?");
        assert_eq!(more.results().len(), 1);
    }

    #[test]
    fn a_conversation_that_is_too_long_for_a_message_comes_as_a_file() {
        let long = "x".repeat(MAX_MESSAGE_SIZE);
        let talk = conversation(&[(By::User, &long), (By::User, "so?")]);
        let message = talk.message(Has::Nothing).unwrap();
        assert!(message.text.ends_with("User: so?"), "{}", message.text);
        assert_eq!(
            message.attachments[0].bytes.len(),
            "User: ".len() + long.len()
        );
    }

    #[test]
    fn a_text_keeps_its_lines_and_loses_what_controls_terminals() {
        assert_eq!(plain(" a\r\nb\rc\u{1b}[0m\0 "), "a\nb\nc[0m");
    }
}
