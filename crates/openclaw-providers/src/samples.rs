//! Conversations that the request bodies of all APIs are tested with.

use serde_json::json;

use crate::request::{
    Arguments, AssistantBlock, Message, Request, Thinking, ToolCall, ToolResult, ToolSpec,
    UserBlock,
};

fn call(id: &str, name: &str, arguments: &str) -> AssistantBlock {
    AssistantBlock::ToolCall(ToolCall {
        id: id.into(),
        name: name.into(),
        arguments: Arguments::parse(arguments),
    })
}

fn result(id: &str, content: &str) -> ToolResult {
    ToolResult {
        call_id: id.into(),
        content: content.into(),
        is_error: false,
    }
}

fn failure(id: &str, content: &str) -> ToolResult {
    ToolResult {
        is_error: true,
        ..result(id, content)
    }
}

fn user(text: &str) -> Message {
    Message::User(vec![UserBlock::Text(text.into())])
}

fn tool(name: &str, description: &str, argument: &str) -> ToolSpec {
    ToolSpec {
        name: name.into(),
        description: description.into(),
        parameters: json!({
            "type": "object",
            "properties": {argument: {"type": "string"}},
            "required": [argument],
        })
        .into(),
    }
}

/// Images, thoughts of all kinds, parallel calls, results good and bad, and a closing question.
pub(crate) fn conversation() -> Request {
    Request {
        model: "model-1".into(),
        system: "You are terse.".into(),
        messages: vec![
            Message::User(vec![
                UserBlock::Text("What is in this picture?".into()),
                UserBlock::Image {
                    mime: "image/png".into(),
                    base64: "iVBORw0KGgo=".into(),
                },
            ]),
            Message::Assistant(vec![
                AssistantBlock::Thinking(Thinking {
                    text: "A picture.".into(),
                    signature: Some("c2lnbmVk".into()),
                    redacted: None,
                    by: Some("test".into()),
                }),
                AssistantBlock::Thinking(Thinking {
                    redacted: Some("b3BhcXVl".into()),
                    by: Some("test".into()),
                    ..Thinking::default()
                }),
                AssistantBlock::Thinking(Thinking {
                    text: "Nobody signed this.".into(),
                    ..Thinking::default()
                }),
                AssistantBlock::Text("Let me look around.".into()),
                call("call_1", "exec", r#"{"command":"ls"}"#),
                call("call_2", "read", r#"{"path":"a.txt"}"#),
            ]),
            Message::ToolResults(vec![
                result("call_1", "a.txt"),
                failure("call_2", "no file `a.txt`"),
            ]),
            Message::Assistant(vec![AssistantBlock::Text("A cat.".into())]),
            user("Sure?"),
        ],
        tools: vec![
            tool("exec", "Runs a command.", "command"),
            tool("read", "Reads a file.", "path"),
        ],
        max_tokens: Some(1000),
        ..Request::default()
    }
}

/// What careless models and servers leave behind in a conversation.
pub(crate) fn careless() -> Request {
    Request {
        model: "model-1".into(),
        messages: vec![
            user("Go."),
            Message::Assistant(vec![
                AssistantBlock::Text("\n".into()),
                call("functions.exec:0", "functions.exec", r#"{"command":"ls"#),
                call("call_1", "", "[]"),
                call("call_2", "exec", ""),
            ]),
            Message::ToolResults(vec![
                failure("functions.exec:0", "error: no tool `functions.exec`"),
                result("call_1", ""),
                failure("call_2", ""),
            ]),
            Message::Assistant(vec![AssistantBlock::Text(" ".into())]),
            user("And?"),
        ],
        ..Request::default()
    }
}
