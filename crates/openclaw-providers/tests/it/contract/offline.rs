//! The offline model, as far as the table applies to it: it cannot be cut off, hang or refuse.

use openclaw_providers::{
    Completion, Message, ProviderConfig, Request, StopReason, UserBlock, build,
};
use tokio_util::sync::CancellationToken;

use super::answers::{runs, stops, text};
use super::request;

async fn told(words: &str) -> Completion {
    let provider = build("scripted", ProviderConfig::new("mine")).unwrap();
    let request = Request {
        messages: vec![Message::User(vec![UserBlock::Text(words.into())])],
        ..request()
    };
    let answer = provider.complete(request, CancellationToken::new());
    answer.await.unwrap()
}

#[tokio::test]
async fn the_offline_model_answers_by_the_same_table() {
    let answer = told("hello").await;
    assert!(!text(&answer).is_empty());
    assert_eq!(stops(&answer, &StopReason::EndTurn), Ok(()));
    assert_eq!(runs(&told("Run `ls 🦀`").await, &["ls 🦀"]), Ok(()));
    assert_eq!(runs(&told("Run `a` and `b`").await, &["a", "b"]), Ok(()));
}
