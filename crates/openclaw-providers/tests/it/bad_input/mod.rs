//! What servers should not send, and what comes of it: a typed error or a defined repair, a text that
//! says what to do, and memory that stays bounded.

mod apis;
mod halves;
mod open_end;
mod server;

use std::fs;
use std::sync::Arc;

use futures_util::StreamExt as _;
use openclaw_core::{ApiKey, Kind, Usage};
use openclaw_http::HttpError;
use openclaw_providers::{
    Arguments, AssistantBlock, Completion, Fold, Message, PROVIDERS, Provider, ProviderConfig,
    ProviderError, Reach, Reason, Request, UserBlock, build,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use self::apis::{APIS, Api, Call, Wire};
use self::server::{Pieces, Server, gzip_of_zeros};

const KEY: &str = "sk-of-the-bad-input";
const JSON: &str = "content-type: application/json";
const MIB: usize = 1024 * 1024;

fn provider(api: &Api, server: &Server) -> Arc<dyn Provider> {
    let mut config = ProviderConfig {
        base_url: Some(server.url(api.base)),
        api_key: Some(Arc::new(ApiKey::new(KEY.into()))),
        ..ProviderConfig::new("mine")
    };
    config
        .params
        .insert("apiVersion".into(), json!("2025-04-01-preview"));
    build(api.name, config).unwrap()
}

fn request() -> Request {
    Request {
        model: "model-1".into(),
        messages: vec![Message::User(vec![UserBlock::Text("hello".into())])],
        ..Request::default()
    }
}

/// Asks once and puts the answer together.
async fn ask(api: &Api, server: &Server) -> Result<Completion, ProviderError> {
    let provider = provider(api, server);
    let mut fold = Fold::new("mine".into());
    let mut events = provider.stream(request(), CancellationToken::new()).await?;
    while let Some(event) = events.next().await {
        fold.push(&event?)?;
    }
    fold.finish()
}

/// Holds an error against what every error owes to people.
fn told(api: &Api, error: &ProviderError) -> String {
    let text = error.to_string();
    assert!(!format!("{error:?}").contains(KEY), "{}: {text}", api.name);
    assert!(
        error.hint().is_some(),
        "{}: nothing to do about: {text}",
        api.name
    );
    assert!(text.len() < 1000, "{}: {text}", api.name);
    text
}

async fn refused(api: &Api, answer: (&str, &str)) -> (Reason, String) {
    let (status, body) = answer;
    let quoting = body.replace("invalid x-api-key", &format!("invalid x-api-key {KEY}"));
    let server = Server::whole(&format!("{status}\r\n{JSON}"), quoting);
    let error = ask(api, &server).await.unwrap_err();
    told(api, &error);
    match &error {
        ProviderError::Status { reason, .. } => (*reason, error.hint().unwrap()),
        other => panic!("{}: {other:?}", api.name),
    }
}

/// Makes the answer of a server that streams these pieces.
fn streamed(api: &Api, body: impl Into<Vec<u8>>) -> Server {
    Server::whole(
        &format!("200 OK\r\ncontent-type: {}", api.wire.mime()),
        body,
    )
}

fn answered(api: &Api, calls: &[Call]) -> String {
    api.wire.start() + &api.wire.text("Well.") + &api.wire.end(calls)
}

#[test]
fn every_api_over_http_is_in_the_table() {
    let known = PROVIDERS.iter().filter(|spec| spec.reach == Reach::Http);
    let mut known = known.map(|spec| spec.api).collect::<Vec<_>>();
    let mut rows = APIS.iter().map(|api| api.name).collect::<Vec<_>>();
    known.sort_unstable();
    rows.sort_unstable();
    assert_eq!(rows, known);
}

#[tokio::test]
async fn a_wrong_key_is_named_as_such() {
    for api in APIS {
        let (reason, hint) = refused(api, api.wrong_key).await;
        assert_eq!(reason, Reason::Authentication, "{}", api.name);
        assert_eq!(hint, "check the API key of provider `mine`");
    }
}

#[tokio::test]
async fn a_wrong_model_is_named_as_such() {
    for api in APIS {
        let (reason, hint) = refused(api, api.wrong_model).await;
        assert_eq!(reason, Reason::NotFound, "{}", api.name);
        assert_eq!(
            hint,
            "check the model's name and `baseUrl` of provider `mine`"
        );
    }
}

#[tokio::test]
async fn a_conversation_that_is_too_long_is_named_as_such() {
    for api in APIS {
        let (reason, hint) = refused(api, api.too_long).await;
        assert_eq!(reason, Reason::ContextLength, "{}", api.name);
        assert_eq!(
            hint,
            "start a new session or choose a model with more context"
        );
    }
}

#[tokio::test]
async fn a_filter_that_objects_is_named_as_such() {
    for api in APIS {
        let Some(filtered) = api.filtered else {
            continue;
        };
        let (reason, hint) = refused(api, filtered).await;
        assert_eq!(reason, Reason::ContentFilter, "{}", api.name);
        assert_eq!(hint, "put the message differently or choose another model");
    }
}

#[tokio::test]
async fn a_page_of_html_says_that_somebody_else_answered() {
    let page = "\r\n<!DOCTYPE html>\n<html><body>nginx</body></html>\n";
    for api in APIS {
        for (status, said) in [
            (
                "200 OK",
                "provider `mine` sent a web page, so a proxy or another server answered",
            ),
            (
                "502 Bad Gateway",
                "provider `mine` answered with status 502: a web page and not a word of the API, so a proxy or another server answered",
            ),
        ] {
            for mime in ["text/html", "application/json", "text/event-stream"] {
                let server = Server::whole(&format!("{status}\r\ncontent-type: {mime}"), page);
                let error = ask(api, &server).await.unwrap_err();
                assert_eq!(told(api, &error), said, "{} {mime}", api.name);
                assert_eq!(error.kind(), Kind::Unavailable);
            }
        }
    }
}

#[tokio::test]
async fn an_error_with_a_status_of_success_is_an_error() {
    let error = json!({"error": {"message": "no model is loaded", "type": "server_error"}});
    for api in APIS {
        for body in [error.to_string(), format!("{error:#}")] {
            for mime in [JSON, "content-type: text/plain", "x-none: 1"] {
                let server = Server::whole(&format!("200 OK\r\n{mime}"), body.clone());
                let error = ask(api, &server).await.unwrap_err();
                let said = "provider `mine` broke off its answer: no model is loaded";
                assert_eq!(told(api, &error), said, "{} {mime}", api.name);
            }
        }
    }
}

#[tokio::test]
async fn a_gzip_bomb_is_not_unpacked() {
    let bomb = gzip_of_zeros(10 * MIB);
    assert!(bomb.len() < 100_000);
    for api in APIS {
        let before = resident();
        for mime in [api.wire.mime(), "application/json"] {
            let head = format!("200 OK\r\ncontent-encoding: gzip\r\ncontent-type: {mime}");
            let server = Server::whole(&head, bomb.clone());
            let error = ask(api, &server).await.unwrap_err();
            told(api, &error);
            let encoded = matches!(
                &error,
                ProviderError::Http {
                    source: HttpError::Encoded { .. },
                    ..
                }
            );
            assert!(encoded, "{}: {error:?}", api.name);
        }
        assert!(resident() < before + 8 * MIB, "{}", api.name);
    }
}

#[tokio::test]
async fn bytes_that_are_no_utf8_are_replaced() {
    for api in APIS {
        let text = answered(api, &[]).replace("Well.", "gr\u{7f}n");
        let bytes = text.into_bytes().into_iter();
        let bytes = bytes.map(|byte| if byte == 0x7f { 0xff } else { byte });
        let server = streamed(api, bytes.collect::<Vec<_>>());
        let answer = ask(api, &server).await.unwrap();
        let said = AssistantBlock::Text("gr\u{fffd}n".into());
        assert_eq!(answer.content, [said], "{}", api.name);
    }
}

#[tokio::test]
async fn arguments_that_are_no_json_are_kept_as_they_were_written() {
    for api in APIS {
        let server = streamed(api, answered(api, &[("call_1", "ls -l")]));
        let answer = ask(api, &server).await.unwrap();
        let call = calls(&answer).remove(0);
        assert_eq!(call.1, Arguments::Malformed("ls -l".into()), "{}", api.name);
    }
}

#[tokio::test]
async fn arguments_that_are_no_object_are_kept_as_they_were_written() {
    for api in APIS {
        for arguments in ["[1,\"a\"]", "7", "true"] {
            let server = streamed(api, answered(api, &[("call_1", arguments)]));
            let answer = ask(api, &server).await.unwrap();
            let call = calls(&answer).remove(0);
            let kept = Arguments::Malformed(arguments.into());
            assert_eq!(call.1, kept, "{}", api.name);
        }
    }
}

#[tokio::test]
async fn what_makes_no_sense_in_an_answer_that_has_begun_is_not_blamed_on_the_address() {
    for api in APIS {
        let body = api.wire.start() + &api.wire.text("Well.") + api.wire.nonsense();
        let error = ask(api, &streamed(api, body)).await.unwrap_err();
        assert!(
            matches!(error, ProviderError::Malformed { .. }),
            "{error:?}"
        );
        told(api, &error);
        let hint = error.hint().unwrap();
        assert!(hint.starts_with("try again"), "{}: {hint}", api.name);
    }
}

#[tokio::test]
async fn calls_with_one_id_get_two() {
    for api in APIS {
        let twice = [("call_1", r#"{"a":1}"#), ("call_1", r#"{"a":2}"#)];
        let server = streamed(api, answered(api, &twice));
        let answer = ask(api, &server).await.unwrap();
        let calls = calls(&answer);
        assert_eq!(calls.len(), 2, "{}: {calls:?}", api.name);
        assert_ne!(calls[0].0, calls[1].0, "{}", api.name);
        assert_ne!(calls[0].1, calls[1].1, "{}", api.name);
    }
}

#[tokio::test]
async fn an_answer_without_a_count_of_tokens_counts_none() {
    for api in APIS {
        let server = streamed(api, answered(api, &[]));
        let answer = ask(api, &server).await.unwrap();
        assert_eq!(answer.usage, Usage::default(), "{}", api.name);
        assert_eq!(answer.content, [AssistantBlock::Text("Well.".into())]);
    }
}

/// Asks a server that sends a gigabyte; returns what was too large.
async fn flooded(api: &Api, first: String, rest: String, most: u64) -> &'static str {
    let mime = api.wire.mime();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {mime}\r\n\r\n");
    let first = format!("{head}{}{first}", api.wire.start());
    let server = Server::start(move || gigabyte(&first, &rest));
    let before = resident();
    let error = ask(api, &server).await.unwrap_err();
    let grown = resident().saturating_sub(before) / MIB;
    told(api, &error);
    let sent = server.sent() / u64::try_from(MIB).unwrap();
    assert!(sent < most, "{}: {sent} MiB were sent", api.name);
    assert!(grown < 64, "{}: {grown} MiB more memory", api.name);
    match error {
        ProviderError::TooLarge { what, .. } => what,
        other => panic!("{}: {other:?}", api.name),
    }
}

#[tokio::test]
async fn a_line_of_a_gigabyte_is_refused_early() {
    for api in APIS {
        let begun = api.wire.endless().to_owned();
        let what = flooded(api, begun, "x".repeat(64 * 1024), 64).await;
        assert_eq!(what, "a line", "{}", api.name);
    }
}

#[tokio::test]
async fn words_of_a_gigabyte_are_refused_early() {
    for api in APIS {
        let words = api.wire.text(&"word ".repeat(2000));
        let what = flooded(api, String::new(), words, 64).await;
        assert_eq!(what, "an answer", "{}", api.name);
    }
}

#[tokio::test]
async fn a_document_of_a_gigabyte_is_refused_early() {
    let api = APIS.iter().find(|api| api.wire == Wire::Chat).unwrap();
    let begun = "{\"x\":\"".to_owned();
    let what = flooded(api, begun, "x".repeat(64 * 1024), 64).await;
    assert_eq!(what, "a document", "{}", api.name);
}

#[tokio::test]
async fn a_gigabyte_of_nothing_is_refused_early() {
    // What counts the bytes is the same for all APIs, but for how their events are told apart.
    for wire in [Wire::Anthropic, Wire::Ollama] {
        let api = APIS.iter().find(|api| api.wire == wire).unwrap();
        let nothing = wire.nothing().repeat(16);
        let what = flooded(api, String::new(), nothing, 160).await;
        assert_eq!(what, "an answer", "{}", api.name);
    }
}

fn gigabyte(first: &str, rest: &str) -> Pieces {
    let times = 1024 * MIB / rest.len();
    let rest = std::iter::repeat_n(rest.as_bytes().to_vec(), times);
    Box::new(std::iter::once(first.as_bytes().to_vec()).chain(rest))
}

fn calls(answer: &Completion) -> Vec<(String, Arguments)> {
    let calls = answer.content.iter().filter_map(|block| match block {
        AssistantBlock::ToolCall(call) => Some((call.id.0.clone(), call.arguments.clone())),
        AssistantBlock::Text(_) | AssistantBlock::Thinking(_) => None,
    });
    calls.collect()
}

/// Returns how many bytes of memory this process has at its peak.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|line| line.trim().strip_suffix(" kB"))
        .unwrap();
    peak.parse::<usize>().unwrap() * 1024
}
