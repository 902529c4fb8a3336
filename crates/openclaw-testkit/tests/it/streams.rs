//! What the fake sends is what the real APIs send.

use openclaw_core::Usage;
use openclaw_testkit::{Chunking, FakeCall, FakeProvider, Reply, Stop, WireFormat};
use serde_json::json;

use crate::ask::{ask, post, request};

fn everything() -> Reply {
    Reply::tool_calls([
        FakeCall::new("exec", &json!({"command": "ls -la"})),
        FakeCall::raw("exec", r#"{"comm"#).id("cut"),
    ])
    .with_thinking("Let me see.", "c2lnbmVk")
    .with_text("I look at \u{1f99e} first.")
    .usage(Usage {
        input: 100,
        output: 42,
        cache_read: 20,
        cache_write: 3,
        cache_write_1h: 0,
        reasoning: 7,
    })
}

const fn media_type(wire: WireFormat) -> &'static str {
    match wire {
        WireFormat::Ollama => "application/x-ndjson",
        _ => "text/event-stream; charset=utf-8",
    }
}

async fn streamed(wire: WireFormat, reply: Reply) -> String {
    let provider = FakeProvider::scripted([reply]);
    let answer = ask(&provider, wire).await;
    assert_eq!(
        (
            answer.status,
            answer.header("content-type"),
            answer.complete
        ),
        (200, Some(media_type(wire)), true)
    );
    answer.text()
}

async fn whole(wire: WireFormat, reply: Reply) -> String {
    let provider = FakeProvider::scripted([reply]);
    let mut body = request(wire);
    body["stream"] = json!(false);
    let answer = post(wire, &body).send(provider.addr()).await.unwrap();
    assert_eq!(
        (
            answer.status,
            answer.header("content-type"),
            answer.complete
        ),
        (200, Some("application/json"), true)
    );
    format!("{:#}", answer.json())
}

#[tokio::test]
async fn anthropic_streams_thoughts_words_and_calls_as_blocks() {
    insta::assert_snapshot!(streamed(WireFormat::Anthropic, everything()).await);
}

#[tokio::test]
async fn openai_streams_words_and_calls_as_deltas() {
    insta::assert_snapshot!(streamed(WireFormat::OpenAi, everything()).await);
}

#[tokio::test]
async fn google_streams_parts_and_whole_calls() {
    insta::assert_snapshot!(streamed(WireFormat::Google, everything()).await);
}

#[tokio::test]
async fn responses_stream_items_and_their_pieces() {
    insta::assert_snapshot!(streamed(WireFormat::Responses, everything()).await);
}

#[tokio::test]
async fn responses_answer_whole_when_they_are_not_asked_to_stream() {
    insta::assert_snapshot!(whole(WireFormat::Responses, everything()).await);
}

#[tokio::test]
async fn azure_tells_of_the_prompt_before_the_answer() {
    let answer = streamed(WireFormat::Azure, Reply::text("Yes.")).await;
    let first = answer.split("\n\n").next().unwrap();
    assert!(first.contains("prompt_filter_results"), "{first}");
}

#[tokio::test]
async fn ollama_streams_lines_and_whole_calls() {
    insta::assert_snapshot!(streamed(WireFormat::Ollama, everything()).await);
}

#[tokio::test]
async fn ollama_answers_whole_when_it_is_not_asked_to_stream() {
    insta::assert_snapshot!(whole(WireFormat::Ollama, everything()).await);
}

#[tokio::test]
async fn anthropic_answers_whole_when_it_is_not_asked_to_stream() {
    insta::assert_snapshot!(whole(WireFormat::Anthropic, everything()).await);
}

#[tokio::test]
async fn openai_answers_whole_when_it_is_not_asked_to_stream() {
    insta::assert_snapshot!(whole(WireFormat::OpenAi, everything()).await);
}

#[tokio::test]
async fn an_empty_answer_has_no_content() {
    let reply = || Reply::text("").stop(Stop::MaxTokens).model("other");
    insta::assert_snapshot!(
        "empty_anthropic",
        streamed(WireFormat::Anthropic, reply()).await
    );
    insta::assert_snapshot!("empty_openai", streamed(WireFormat::OpenAi, reply()).await);
}

#[tokio::test]
async fn an_error_takes_the_place_of_the_rest() {
    let reply = || Reply::text("one two").error_event(2, "overloaded_error", "Overloaded");
    insta::assert_snapshot!(
        "error_anthropic",
        streamed(WireFormat::Anthropic, reply()).await
    );
    insta::assert_snapshot!("error_openai", streamed(WireFormat::OpenAi, reply()).await);
    insta::assert_snapshot!(
        "error_responses",
        streamed(WireFormat::Responses, reply()).await
    );
    insta::assert_snapshot!("error_google", streamed(WireFormat::Google, reply()).await);
    insta::assert_snapshot!("error_ollama", streamed(WireFormat::Ollama, reply()).await);
}

#[tokio::test]
async fn openai_counts_tokens_only_when_it_is_asked_to() {
    let provider = FakeProvider::scripted([Reply::text("hi")]);
    let mut body = request(WireFormat::OpenAi);
    body["stream_options"] = json!(null);
    let request = post(WireFormat::OpenAi, &body);
    let answer = request.send(provider.addr()).await.unwrap();
    assert!(!answer.text().contains("usage"), "{}", answer.text());
}

#[tokio::test]
async fn ids_are_new_with_every_request() {
    for wire in WireFormat::ALL {
        let reply = Reply::tool_calls([("exec", json!({}))]);
        let provider = FakeProvider::scripted([reply.clone(), reply]);
        let first = ask(&provider, wire).await.text();
        let second = ask(&provider, wire).await.text();
        assert_eq!(first.replace("000001", "000002"), second);
        assert_ne!(first, second);
    }
}

#[tokio::test]
async fn every_way_of_cutting_gives_the_same_bytes() {
    for wire in WireFormat::ALL {
        let text = streamed(wire, everything()).await;
        let length = text.len();
        let cases = [
            (Chunking::Whole, vec![length]),
            (Chunking::PER_BYTE, vec![1; length]),
            (Chunking::Bytes(length - 1), vec![length - 1, 1]),
            (
                Chunking::At(vec![length + 5, 7, 0, 3, 7]),
                vec![3, 4, length - 7],
            ),
            (
                Chunking::Events,
                text.split_inclusive("\n\n").map(str::len).collect(),
            ),
        ];
        for (chunking, lengths) in cases {
            let provider = FakeProvider::scripted([everything().chunked(chunking.clone())]);
            let answer = ask(&provider, wire).await;
            let found: Vec<usize> = answer.chunks.iter().map(Vec::len).collect();
            assert_eq!(
                (answer.text(), found),
                (text.clone(), lengths),
                "{chunking:?}"
            );
        }
    }
}
