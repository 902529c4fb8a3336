//! The offline model in conversation with tools that this test plays.

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use openclaw_providers::{
    Arguments, AssistantBlock, Message, Provider as _, ProviderError, Request, ScriptedProvider,
    StopReason, StreamEvent, ToolCall, ToolResult, ToolSpec, UserBlock,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// A folder of files and the conversation about it.
#[derive(Debug, Default)]
struct Talk {
    files: BTreeMap<String, String>,
    messages: Vec<Message>,
    log: Vec<String>,
}

impl Talk {
    /// Says something, plays the tools that the model calls, and returns its last words.
    async fn say(&mut self, text: &str) -> String {
        self.messages
            .push(Message::User(vec![UserBlock::Text(text.into())]));
        loop {
            let stop = CancellationToken::new();
            let provider = ScriptedProvider::new();
            let answer = provider.complete(self.request(), stop).await.unwrap();
            self.messages
                .push(Message::Assistant(answer.content.clone()));
            let mut words = String::new();
            let mut results = Vec::new();
            for block in answer.content {
                match block {
                    AssistantBlock::Text(text) => words = text,
                    AssistantBlock::ToolCall(call) => results.push(self.play(&call)),
                    AssistantBlock::Thinking(thinking) => panic!("{thinking:?}"),
                }
            }
            if results.is_empty() {
                assert_eq!(answer.stop, StopReason::EndTurn);
                return words;
            }
            assert_eq!(answer.stop, StopReason::ToolUse);
            self.messages.push(Message::ToolResults(results));
        }
    }

    fn play(&mut self, call: &ToolCall) -> ToolResult {
        let Arguments::Object(arguments) = &call.arguments else {
            panic!("{call:?}");
        };
        let argument = |name: &str| arguments[name].as_str().unwrap().to_owned();
        let played = match call.name.as_str() {
            "ls" => Ok(self.files.keys().cloned().collect::<Vec<_>>().join("\n")),
            "exec" if argument("command") == "false" => Err("exit status 1".into()),
            "exec" => Ok(format!("ran {}", argument("command"))),
            "read" => self
                .files
                .get(&argument("path"))
                .cloned()
                .ok_or_else(|| "no such file".to_owned()),
            "write" => {
                self.files.insert(argument("path"), argument("content"));
                Ok(String::new())
            }
            other => panic!("{other}"),
        };
        self.log.push(format!("{} {}", call.id, call.name));
        ToolResult {
            call_id: call.id.clone(),
            is_error: played.is_err(),
            content: played.unwrap_or_else(|failure| failure),
        }
    }

    fn request(&self) -> Request {
        Request {
            messages: self.messages.clone(),
            tools: ["exec", "ls", "read", "write"].map(tool).into(),
            ..Request::default()
        }
    }
}

fn tool(name: &str) -> ToolSpec {
    ToolSpec {
        name: name.into(),
        description: String::new(),
        parameters: json!({"type": "object"}).into(),
    }
}

#[tokio::test]
async fn keeps_notes_over_several_steps_and_turns() {
    let mut talk = Talk::default();
    let said = [
        talk.say("what do you remember?").await,
        talk.say("remember that tea is green").await,
        talk.say("Remember: milk").await,
        talk.say("what do you remember?").await,
    ];
    assert_eq!(
        said,
        [
            "I have no notes yet.",
            "I wrote it down in `notes.md`: \"that tea is green\".",
            "I wrote it down in `notes.md`: \"milk\".",
            "Reading my notes is done. This came back:\n\n```\n- that tea is green\n- milk\n```",
        ]
    );
    assert_eq!(talk.files["notes.md"], "- that tea is green\n- milk\n");
    assert_eq!(
        talk.log,
        [
            "call_1 read",
            "call_2 read",
            "call_3 write",
            "call_4 read",
            "call_5 write",
            "call_6 read",
        ]
    );
}

#[tokio::test]
async fn runs_commands_side_by_side_and_tells_which_failed() {
    let mut talk = Talk::default();
    assert_eq!(
        talk.say("run `true` and `false`").await,
        "`true` is done. This came back:\n\n```\nran true\n```\n\n\
         `false` failed. This came back:\n\n```\nexit status 1\n```"
    );
    assert_eq!(talk.log, ["call_1 exec", "call_2 exec"]);
    let Message::ToolResults(results) = &talk.messages[2] else {
        panic!("{:?}", talk.messages);
    };
    assert_eq!(results.len(), 2);
}

#[tokio::test]
async fn shows_lists_and_files_and_writes_them() {
    let mut talk = Talk::default();
    assert_eq!(
        [
            talk.say("write a.txt: hello").await,
            talk.say("list the files here").await,
            talk.say("read a.txt").await,
            talk.say("read b.txt").await,
        ],
        [
            "Writing `a.txt` is done. Nothing came back.",
            "`ls .` is done. This came back:\n\n```\na.txt\n```",
            "Reading `a.txt` is done. This came back:\n\n```\nhello\n```",
            "Reading `b.txt` failed. This came back:\n\n```\nno such file\n```",
        ]
    );
}

#[tokio::test]
async fn says_what_it_is_when_it_does_not_understand() {
    let said = Talk::default().say("write me a poem").await;
    assert!(
        said.starts_with("I am the scripted offline model of openclaw-rs"),
        "{said}"
    );
    assert!(said.contains("You said: \"write me a poem\"."), "{said}");
    assert!(said.contains("- list the files here\n"), "{said}");
}

#[tokio::test]
async fn calls_no_tool_that_it_was_not_offered() {
    let request = Request {
        messages: vec![Message::User(vec![UserBlock::Text("run `ls`".into())])],
        ..Request::default()
    };
    let provider = ScriptedProvider::new();
    let answer = provider
        .complete(request, CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(
        answer.content,
        [AssistantBlock::Text(
            "I would need the tool `exec` for that, and I do not have it here.".into()
        )]
    );
}

#[tokio::test]
async fn streams_word_by_word_and_stops_when_told() {
    let request = Request {
        messages: vec![Message::User(vec![UserBlock::Text("hello there".into())])],
        ..Request::default()
    };
    let stop = CancellationToken::new();
    let provider = ScriptedProvider::new();
    let mut events = provider.stream(request, stop.clone()).await.unwrap();
    let first = [events.next().await, events.next().await];
    let model = "offline-1".into();
    assert_eq!(
        first.map(|event| event.unwrap().unwrap()),
        [
            StreamEvent::Started { model },
            StreamEvent::Text("I ".into())
        ]
    );
    stop.cancel();
    let rest = events.collect::<Vec<_>>().await;
    assert!(
        matches!(rest[..], [Err(ProviderError::Cancelled)]),
        "{rest:?}"
    );
}
