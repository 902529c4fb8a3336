//! What is counted of a request.

use openclaw_core::CallId;
use openclaw_providers::{Arguments, ToolCall, ToolResult};
use serde_json::Map;

use super::*;

#[test]
fn what_was_said_is_counted_by_who_said_it() {
    let call = |id: &str| {
        AssistantBlock::ToolCall(ToolCall {
            id: CallId(id.to_owned()),
            name: "look".to_owned(),
            arguments: Arguments::Object(Map::new()),
        })
    };
    let result = |id: &str| ToolResult {
        call_id: CallId(id.to_owned()),
        content: "seen".to_owned(),
        is_error: false,
    };
    let picture = UserBlock::Image {
        mime: "image/png".to_owned(),
        base64: "AAAA".to_owned(),
    };
    let parts = said(&[
        Message::User(vec![UserBlock::Text("look at this".to_owned()), picture]),
        Message::Assistant(vec![call("a"), call("b")]),
        Message::ToolResults(vec![result("a"), result("b")]),
        Message::Assistant(vec![AssistantBlock::Text("done".to_owned())]),
    ]);
    let counts: Vec<(PartKind, usize)> = parts.iter().map(|part| (part.kind, part.count)).collect();
    assert_eq!(
        counts,
        [
            (PartKind::Messages, 1),
            (PartKind::Attachments, 1),
            (PartKind::Answers, 3),
            (PartKind::Results, 2),
        ]
    );
    assert!(parts.iter().all(|part| part.tokens > 0), "{parts:?}");
}
