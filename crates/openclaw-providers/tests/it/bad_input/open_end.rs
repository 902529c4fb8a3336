//! Servers that finish their answer and leave it open.

use std::sync::mpsc;
use std::time::Duration;

use futures_util::StreamExt as _;
use openclaw_core::Usage;
use openclaw_providers::{AssistantBlock, Fold, StreamEvent};
use tokio_util::sync::CancellationToken;

use super::apis::{APIS, Api, Wire};
use super::server::{Pieces, Server};
use super::{provider, request};

fn is_ended_by_the_connection(api: &Api) -> bool {
    matches!(api.wire, Wire::Anthropic | Wire::Chat | Wire::Google)
}

/// Makes a whole answer but for what says that nothing follows.
fn answer(api: &Api) -> String {
    let usage = match api.wire {
        Wire::Anthropic => {
            r#"data: {"type":"message_delta","delta":{},"usage":{"input_tokens":3,"output_tokens":2}}"#
        }
        Wire::Google => {
            r#"data: {"candidates":[],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2}}"#
        }
        _ => r#"data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#,
    };
    let end = api.wire.end(&[]).replace("data: [DONE]\n\n", "");
    let (end, _stop) = end.split_once("event: message_stop").unwrap_or((&end, ""));
    let said = api.wire.start() + &api.wire.text("Well.") + end;
    let mime = api.wire.mime();
    format!("HTTP/1.1 200 OK\r\ncontent-type: {mime}\r\n\r\n{said}{usage}\n\n")
}

/// Asks a server that goes on with these pieces, in a time that only waiting takes.
async fn ask(api: &Api, paused: Paused, rest: impl Fn() -> Pieces + Send + 'static) {
    let first = answer(api).into_bytes();
    let server = Server::start(move || Box::new(std::iter::once(first.clone()).chain(rest())));
    let provider = provider(api, &server);
    let mut fold = Fold::new("mine".into());
    let asked = provider.stream(request(), CancellationToken::new());
    let mut events = asked.await.unwrap();
    let since = tokio::time::Instant::now();
    while let Some(event) = events.next().await {
        let event = event.unwrap();
        // From its first word on, the whole of it is there.
        if paused == Paused::Yes && matches!(event, StreamEvent::Text(_)) {
            tokio::time::pause();
        }
        fold.push(&event).unwrap();
    }
    assert!(since.elapsed() < Duration::from_secs(10), "{}", api.name);
    let answer = fold.finish().unwrap();
    assert_eq!(answer.content, [AssistantBlock::Text("Well.".into())]);
    let usage = Usage {
        input: 3,
        output: 2,
        ..Usage::default()
    };
    assert_eq!(answer.usage, usage, "{}", api.name);
    if paused == Paused::Yes {
        tokio::time::resume();
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Paused {
    Yes,
    No,
}

#[tokio::test]
async fn an_answer_that_is_finished_but_left_open_is_whole() {
    for api in APIS.iter().filter(|api| is_ended_by_the_connection(api)) {
        ask(api, Paused::Yes, || {
            let (open, end) = mpsc::channel::<Vec<u8>>();
            Box::new(std::iter::from_fn(move || {
                let _open = &open;
                end.recv().ok()
            }))
        })
        .await;
    }
}

#[tokio::test]
async fn an_answer_that_is_closed_behind_its_reason_to_stop_is_whole() {
    for api in APIS.iter().filter(|api| is_ended_by_the_connection(api)) {
        ask(api, Paused::No, || Box::new(std::iter::empty())).await;
    }
}

#[tokio::test]
async fn pings_after_the_end_do_not_keep_an_answer_open() {
    let apis = APIS.iter().filter(|api| is_ended_by_the_connection(api));
    let asked = apis.map(|api| {
        ask(api, Paused::No, || {
            let (open, end) = mpsc::channel::<Vec<u8>>();
            Box::new(std::iter::from_fn(move || {
                let _open = &open;
                let waited = end.recv_timeout(Duration::from_millis(200));
                Some(waited.unwrap_or_else(|_nothing| b": ping\n\n".to_vec()))
            }))
        })
    });
    futures_util::future::join_all(asked).await;
}
