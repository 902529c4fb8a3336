//! What `compat` says of a model holds whatever API it is asked by.

use openclaw_providers::{Message, Request, ToolResult};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::answers::calls;
use super::served::{self, End};
use super::{Verdict, ensure, every_api, request};
use crate::server::Server;

/// Returns the body of what a model is sent that is different in this way.
async fn sent(api: &str, compat: Value, request: Request) -> Result<Value, String> {
    let server = Server::start([served::stream(api, "text", End::InOrder)?]);
    served::odd(api, &server, &compat)
        .complete(request, CancellationToken::new())
        .await
        .map_err(|error| format!("no answer: {error:?}"))?;
    let seen = &server.requests()[0];
    let (_head, body) = seen.split_once("\r\n\r\n").unwrap();
    Ok(serde_json::from_str(body).unwrap())
}

/// Returns every value that has this name, wherever it is.
fn named<'a>(body: &'a Value, name: &str) -> Vec<&'a Value> {
    match body {
        Value::Object(members) => {
            let below = members.values().flat_map(|member| named(member, name));
            members.get(name).into_iter().chain(below).collect()
        }
        Value::Array(values) => values.iter().flat_map(|value| named(value, name)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

fn warm() -> Request {
    Request {
        temperature: Some(0.5),
        ..request()
    }
}

async fn what_a_model_does_not_take_is_not_sent(api: &'static str) -> Verdict {
    let body = sent(api, json!({}), warm()).await?;
    ensure!(!named(&body, "tools").is_empty(), "no tools: {body}");
    ensure!(
        named(&body, "temperature") == [&json!(0.5)],
        "no temperature: {body}"
    );
    let compat = json!({"supportsTools": false, "supportsTemperature": false});
    let body = sent(api, compat, warm()).await?;
    ensure!(named(&body, "tools").is_empty(), "tools: {body}");
    ensure!(
        named(&body, "temperature").is_empty(),
        "a temperature: {body}"
    );
    Ok(())
}

#[tokio::test]
async fn a_model_gets_no_tools_and_no_temperature_that_it_is_said_not_to_take() {
    every_api(what_a_model_does_not_take_is_not_sent).await;
}

async fn calls_become_words(api: &'static str) -> Verdict {
    let earlier = served::complete(api, "tool", request()).await?;
    let call = calls(&earlier)[0].clone();
    let mut again = request();
    again.messages.extend([
        Message::Assistant(earlier.content),
        Message::ToolResults(vec![ToolResult {
            call_id: call.id,
            content: "a.txt".into(),
            is_error: false,
        }]),
    ]);
    let body = sent(api, json!({"supportsTools": false}), again).await?;
    let text = body.to_string();
    for words in ["[called the tool exec with", "[the tool answered]"] {
        ensure!(text.contains(words), "no `{words}`: {body}");
    }
    Ok(())
}

#[tokio::test]
async fn a_model_without_tools_reads_of_earlier_calls_in_words() {
    every_api(calls_become_words).await;
}

async fn keywords_are_taken_out(api: &'static str) -> Verdict {
    let mut asked = request();
    asked.tools[0].parameters = json!({
        "type": "object",
        "properties": {"command": {"type": "string", "format": "uri"}},
    })
    .into();
    let body = sent(api, json!({}), asked.clone()).await?;
    ensure!(!named(&body, "format").is_empty(), "cut: {body}");
    let compat = json!({"unsupportedToolSchemaKeywords": ["format"]});
    let body = sent(api, compat, asked).await?;
    ensure!(named(&body, "format").is_empty(), "left: {body}");
    ensure!(!named(&body, "command").is_empty(), "too much: {body}");
    Ok(())
}

#[tokio::test]
async fn keywords_that_a_server_refuses_are_taken_out_of_the_schemas_of_tools() {
    every_api(keywords_are_taken_out).await;
}
