//! Answers that come to their end.

use openclaw_providers::{
    Arguments, AssistantBlock, Completion, Message, StopReason, ToolCall, UserBlock,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::served::{self, End};
use super::{Verdict, ensure, every_api, request};
use crate::server::Server;

/// Ollama has no sign for an answer that is declined: it is an answer like any other.
const DECLINES_IN_WORDS: [&str; 1] = ["ollama"];

/// The fields in which APIs put what they signed or hid.
const SIGNED: [&str; 5] = [
    "data",
    "encrypted_content",
    "signature",
    "thoughtSignature",
    "thought_signature",
];

pub(super) fn text(completion: &Completion) -> String {
    let text = completion.content.iter().filter_map(|block| match block {
        AssistantBlock::Text(text) => Some(text.as_str()),
        AssistantBlock::Thinking(_) | AssistantBlock::ToolCall(_) => None,
    });
    text.collect()
}

pub(super) fn calls(completion: &Completion) -> Vec<&ToolCall> {
    let calls = completion.content.iter().filter_map(|block| match block {
        AssistantBlock::ToolCall(call) => Some(call),
        AssistantBlock::Thinking(_) | AssistantBlock::Text(_) => None,
    });
    calls.collect()
}

pub(super) fn stops(completion: &Completion, stop: &StopReason) -> Verdict {
    ensure!(
        completion.stop == *stop,
        "stops with {:?} instead of {stop:?}",
        completion.stop
    );
    Ok(())
}

/// Checks that `exec` is called with these commands, and by ids that differ.
pub(super) fn runs(completion: &Completion, commands: &[&str]) -> Verdict {
    let calls = calls(completion);
    let run = calls.iter().filter(|call| call.name == "exec");
    let run = run.map(|call| &call.arguments).collect::<Vec<_>>();
    let expected = commands.iter().map(|command| {
        let arguments = json!({"command": command});
        Arguments::Object(arguments.as_object().unwrap().clone())
    });
    let expected = expected.collect::<Vec<_>>();
    ensure!(run.iter().copied().eq(&expected), "runs {run:?}");
    let mut ids = calls
        .iter()
        .map(|call| call.id.as_str())
        .collect::<Vec<_>>();
    ids.sort_unstable();
    ids.dedup();
    ensure!(ids.len() == calls.len(), "two calls have one id: {calls:?}");
    ensure!(!ids.contains(&""), "a call has no id: {calls:?}");
    stops(completion, &StopReason::ToolUse)
}

#[tokio::test]
async fn a_text_comes_whole() {
    every_api(async |api| {
        let answer = served::complete(api, "text", request()).await?;
        let text = text(&answer);
        ensure!(text == "Grüß dich, Welt 🦀!", "says {text:?}");
        let usage = answer.usage;
        ensure!(usage.input > 0 && usage.output > 0, "takes {usage:?}");
        ensure!(!answer.model.is_empty(), "comes from no model");
        stops(&answer, &StopReason::EndTurn)
    })
    .await;
}

#[tokio::test]
async fn a_tool_is_called_with_its_arguments() {
    every_api(async |api| {
        let answer = served::complete(api, "tool", request()).await?;
        let calls = calls(&answer);
        ensure!(calls.len() == 1, "calls {calls:?}");
        ensure!(answer.usage.output > 0, "takes {:?}", answer.usage);
        runs(&answer, &["ls 🦀"])
    })
    .await;
}

#[tokio::test]
async fn tools_that_are_called_side_by_side_are_told_apart() {
    every_api(async |api| {
        let answer = served::complete(api, "parallel-tools", request()).await?;
        runs(&answer, &["a", "b"])
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_was_declined_is_a_refusal() {
    every_api(async |api| {
        let answer = served::complete(api, "refusal", request()).await?;
        if DECLINES_IN_WORDS.contains(&api) {
            ensure!(!text(&answer).is_empty(), "says nothing");
            return stops(&answer, &StopReason::EndTurn);
        }
        stops(&answer, &StopReason::Refusal)
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_got_too_long_says_so() {
    every_api(async |api| {
        let answer = served::complete(api, "max-tokens", request()).await?;
        ensure!(!text(&answer).is_empty(), "says nothing");
        stops(&answer, &StopReason::MaxTokens)
    })
    .await;
}

#[tokio::test]
async fn thoughts_come_before_the_text() {
    every_api(async |api| {
        let answer = served::complete(api, "thinking", request()).await?;
        let at = |wanted: fn(&AssistantBlock) -> bool| answer.content.iter().position(wanted);
        let thought = at(|block| match block {
            AssistantBlock::Thinking(thinking) => !thinking.text.is_empty(),
            AssistantBlock::Text(_) | AssistantBlock::ToolCall(_) => false,
        });
        let said = at(|block| matches!(block, AssistantBlock::Text(_)));
        ensure!(
            thought.is_some() && said.is_some() && thought < said,
            "answers {:?}",
            answer.content
        );
        stops(&answer, &StopReason::EndTurn)
    })
    .await;
}

/// Returns everything in a recorded answer that is signed or hidden.
fn signed(body: &str) -> Vec<String> {
    let mut found = Vec::new();
    let documents = body.lines().filter_map(|line| {
        let json = line.strip_prefix("data:").unwrap_or(line);
        serde_json::from_str::<Value>(json).ok()
    });
    for document in documents {
        collect(&document, &mut found);
    }
    // What comes in parts, each with what came before, is whole in the last of them.
    let whole = |text: &&String| {
        let begins = |other: &String| other.starts_with(*text) && other != *text;
        !found.iter().any(begins)
    };
    found.iter().filter(whole).cloned().collect()
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(fields) => {
            for (name, field) in fields {
                match field.as_str() {
                    Some(text) if SIGNED.contains(&name.as_str()) && !text.is_empty() => {
                        found.push(text.to_owned());
                    }
                    _ => collect(field, found),
                }
            }
        }
        _ => {}
    }
}

/// Asks on after an answer, and returns the request as it went over the wire.
async fn asked_on(api: &str, id: &str, answer: &Completion) -> Result<String, String> {
    let server = Server::start([served::stream(api, "text", End::InOrder)?]);
    let mut request = request();
    request.messages.extend([
        Message::Assistant(answer.content.clone()),
        Message::User(vec![UserBlock::Text("And now?".into())]),
    ]);
    let provider = served::provider(api, id, &server);
    let answer = provider.complete(request, CancellationToken::new());
    answer
        .await
        .map_err(|error| format!("asked on: {error:?}"))?;
    Ok(server.requests().concat())
}

#[tokio::test]
async fn what_is_signed_goes_back_unchanged_and_to_nobody_else() {
    every_api(async |api| {
        let signed = signed(served::body(api, "thinking")?);
        let answer = served::complete(api, "thinking", request()).await?;
        let back = asked_on(api, "mine", &answer).await?;
        let elsewhere = asked_on(api, "another", &answer).await?;
        for text in signed {
            let text = Value::from(text).to_string();
            ensure!(back.contains(&text), "{text} does not go back: {back}");
            ensure!(
                !elsewhere.contains(&text),
                "{text} goes elsewhere: {elsewhere}"
            );
        }
        Ok(())
    })
    .await;
}
