//! What the offline model answers, step by step.

use serde_json::{Map, Value};

use crate::error::excerpt;
use crate::request::{
    Arguments, AssistantBlock, Message, Request, ToolCall, ToolResult, UserBlock,
};
use crate::scripted::wish::Wish;

/// The most characters of a result that are quoted.
pub(super) const QUOTE_CHARS: usize = 2000;

/// The most characters of the user's words that are repeated.
const REPEAT_CHARS: usize = 200;

/// The longest notes that are written back.
///
/// A tool may have shown only a part of longer ones, and writing that would lose the rest.
const NOTES_BYTES: usize = 8 * 1024;

const NOTES: &str = "notes.md";

const ABOUT: &str = "I am the scripted offline model of openclaw-rs: not an AI, but a fixed script \
for demos and tests.";

const UNDERSTOOD: &str = "This is what I understand:

- list the files here
- run `COMMAND` (several commands in backticks run side by side)
- remember TEXT
- what do you remember
- read FILE
- write FILE: TEXT";

/// One answer: words, then tool calls.
#[derive(Debug, PartialEq)]
pub(super) struct Reply {
    pub(super) text: String,
    pub(super) calls: Vec<Call>,
}

/// A tool call without its id.
#[derive(Debug, PartialEq)]
pub(super) struct Call {
    pub(super) tool: &'static str,
    pub(super) arguments: Map<String, Value>,
}

impl Call {
    fn new<const N: usize>(tool: &'static str, arguments: [(&str, &str); N]) -> Self {
        let arguments = arguments.map(|(name, value)| (name.to_owned(), Value::from(value)));
        Self {
            tool,
            arguments: Map::from_iter(arguments),
        }
    }
}

/// A tool call that was made since the user spoke, and what came of it.
type Step<'a> = (&'a ToolCall, Option<&'a ToolResult>);

/// Answers the conversation.
pub(super) fn reply(request: &Request) -> Reply {
    let (said, since) = last_words(&request.messages);
    let steps = steps(since);
    let reply = match Wish::of(&said) {
        Wish::List { path } => match steps.as_slice() {
            [] => call(
                format!("I look into `{path}`."),
                Call::new("ls", [("path", &path)]),
            ),
            [step, ..] => say(report(&format!("`ls {path}`"), step.1)),
        },
        Wish::Run { commands } if steps.is_empty() => run(&commands),
        Wish::Run { .. } => say(ran(&steps)),
        Wish::Remember { line } => remember(&line, &steps),
        Wish::Recall => match steps.as_slice() {
            [] => call("I look into my notes.".into(), read(NOTES)),
            [(_, Some(result)), ..] if result.is_error => say("I have no notes yet.".into()),
            [step, ..] => say(report("Reading my notes", step.1)),
        },
        Wish::Read { path } => match steps.as_slice() {
            [] => call(format!("I read `{path}`."), read(&path)),
            [step, ..] => say(report(&format!("Reading `{path}`"), step.1)),
        },
        Wish::Write { path, content } => match steps.as_slice() {
            [] => call(format!("I write `{path}`."), write(&path, &content)),
            [step, ..] => say(report(&format!("Writing `{path}`"), step.1)),
        },
        Wish::Else => say(format!(
            "{ABOUT} You said: \"{}\".\n\n{UNDERSTOOD}",
            excerpt(said.trim(), REPEAT_CHARS)
        )),
    };
    without_missing_tools(reply, request)
}

fn say(text: String) -> Reply {
    Reply {
        text,
        calls: Vec::new(),
    }
}

fn call(text: String, call: Call) -> Reply {
    Reply {
        text,
        calls: vec![call],
    }
}

fn read(path: &str) -> Call {
    Call::new("read", [("path", path)])
}

fn write(path: &str, content: &str) -> Call {
    Call::new("write", [("path", path), ("content", content)])
}

fn run(commands: &[String]) -> Reply {
    let text = match commands {
        [command] => format!("I run `{command}`."),
        several => format!("I run {} commands side by side.", several.len()),
    };
    let calls = commands
        .iter()
        .map(|command| Call::new("exec", [("command", command)]));
    Reply {
        text,
        calls: calls.collect(),
    }
}

fn ran(steps: &[Step<'_>]) -> String {
    let reports = steps.iter().map(|(call, result)| {
        let command = match &call.arguments {
            Arguments::Object(object) => object.get("command").and_then(Value::as_str),
            Arguments::Malformed(_) => None,
        };
        report(&format!("`{}`", command.unwrap_or(&call.name)), *result)
    });
    reports.collect::<Vec<_>>().join("\n\n")
}

/// Reads the notes, writes them back with a line more, and confirms.
fn remember(line: &str, steps: &[Step<'_>]) -> Reply {
    match steps {
        [] => call("I look into my notes first.".into(), read(NOTES)),
        // Notes that cannot be read are taken for notes that do not exist yet.
        [(_, found)] => {
            let notes = found.filter(|result| !result.is_error);
            let notes = notes.map_or("", |result| result.content.trim_end());
            if notes.len() > NOTES_BYTES {
                return say(format!("`{NOTES}` is too long for me to add to it."));
            }
            let gap = if notes.is_empty() { "" } else { "\n" };
            let content = format!("{notes}{gap}- {line}\n");
            call("I add a line.".into(), write(NOTES, &content))
        }
        [_, (_, Some(result)), ..] if !result.is_error => {
            say(format!("I wrote it down in `{NOTES}`: \"{line}\"."))
        }
        [_, (_, result), ..] => say(report(&format!("Writing `{NOTES}`"), *result)),
    }
}

/// Tells how something went, and quotes what came back.
fn report(what: &str, result: Option<&ToolResult>) -> String {
    let Some(result) = result else {
        return format!("{what} has no result.");
    };
    let outcome = if result.is_error { "failed" } else { "is done" };
    let content = result.content.trim();
    if content.is_empty() {
        return format!("{what} {outcome}. Nothing came back.");
    }
    format!(
        "{what} {outcome}. This came back:\n\n```\n{}\n```",
        excerpt(content, QUOTE_CHARS)
    )
}

fn without_missing_tools(reply: Reply, request: &Request) -> Reply {
    let is_offered = |call: &&Call| request.tools.iter().any(|tool| tool.name == call.tool);
    match reply.calls.iter().find(|call| !is_offered(call)) {
        Some(missing) => say(format!(
            "I would need the tool `{}` for that, and I do not have it here.",
            missing.tool
        )),
        None => reply,
    }
}

/// Returns the text of the last message of the user and all messages after it.
fn last_words(messages: &[Message]) -> (String, &[Message]) {
    let mut rest = messages;
    while let Some((last, before)) = rest.split_last() {
        if let Message::User(blocks) = last {
            let texts = blocks.iter().filter_map(|block| match block {
                UserBlock::Text(text) => Some(text.as_str()),
                UserBlock::Image { .. } | UserBlock::Document { .. } => None,
            });
            let (_, since) = messages.split_at(rest.len());
            return (texts.collect::<Vec<_>>().join("\n"), since);
        }
        rest = before;
    }
    (String::new(), messages)
}

fn steps(messages: &[Message]) -> Vec<Step<'_>> {
    let results = messages.iter().filter_map(|message| match message {
        Message::ToolResults(results) => Some(results),
        Message::User(_) | Message::Assistant(_) => None,
    });
    let results = results.flatten().collect::<Vec<_>>();
    let answers = messages.iter().filter_map(|message| match message {
        Message::Assistant(blocks) => Some(blocks),
        Message::User(_) | Message::ToolResults(_) => None,
    });
    let calls = answers.flatten().filter_map(|block| match block {
        AssistantBlock::ToolCall(call) => Some(call),
        AssistantBlock::Text(_) | AssistantBlock::Thinking(_) => None,
    });
    calls
        .map(|call| {
            let result = results.iter().find(|result| result.call_id == call.id);
            (call, result.copied())
        })
        .collect()
}
