//! What only OpenAI's APIs and their many servers do, over a socket.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use openclaw_core::ApiKey;
use openclaw_providers::{
    AssistantBlock, CacheRetention, ListedModel, Message, Modality, OpenAIProvider, Provider as _,
    ProviderConfig, ProviderError, Quirks, Reason, Request, Thinking, build,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::server::Server;

const EVENTS: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
const JSON: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n";

fn document(json: &Value) -> &'static str {
    format!("{JSON}{json}").leak()
}

fn chunks(deltas: &[Value]) -> &'static str {
    let mut text = EVENTS.to_owned();
    for delta in deltas {
        let chunk = json!({"model": "m", "choices": [{"index": 0, "delta": delta}]});
        text.extend(["data: ", &chunk.to_string(), "\n\n"]);
    }
    let last = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    format!("{text}data: {last}\n\ndata: [DONE]\n\n").leak()
}

fn key() -> ApiKey {
    ApiKey::new("sk-very-secret".into())
}

fn request(model: &str) -> Request {
    Request {
        model: model.into(),
        conversation: Some("conversation-1".into()),
        ..Request::default()
    }
}

fn config(server: &Server, quirks: &Value) -> ProviderConfig {
    let quirks = Quirks::read(quirks.as_object().unwrap());
    ProviderConfig {
        base_url: Some(server.url("/v1")),
        api_key: Some(Arc::new(key())),
        quirks: [("m".to_owned(), quirks)].into(),
        ..ProviderConfig::new("mine")
    }
}

fn stop() -> CancellationToken {
    CancellationToken::new()
}

#[tokio::test]
async fn an_address_of_azure_is_asked_in_azures_way() {
    for (path, line) in [
        (
            "/openai/deployments/d1",
            "POST /openai/deployments/d1/chat/completions?api-version=2024-12-01-preview ",
        ),
        (
            "/openai?api-version=2025-01-01",
            "POST /openai/deployments/gpt-5/chat/completions?api-version=2025-01-01 ",
        ),
    ] {
        let server = Server::start([chunks(&[json!({"content": "Yes."})])]);
        let provider = OpenAIProvider::new(key()).with_base_url(server.url(path));
        let answer = provider.complete(request("gpt-5"), stop()).await.unwrap();
        assert_eq!(answer.content, [AssistantBlock::Text("Yes.".into())]);
        let seen = &server.requests()[0];
        assert!(seen.starts_with(line), "{seen}");
        assert!(seen.contains("\r\napi-key: sk-very-secret\r\n"), "{seen}");
        assert!(!seen.contains("authorization"), "{seen}");
    }
}

#[tokio::test]
async fn azures_responses_name_the_deployment_in_the_body() {
    let whole = json!({"object": "response", "status": "completed", "model": "gpt-5", "output": [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Yes."}]},
    ]});
    let server = Server::start([document(&whole)]);
    let params = json!({"deployments": {"gpt-5": "mine-5"}});
    let config = ProviderConfig {
        base_url: Some(server.url("")),
        params: params.as_object().unwrap().clone(),
        ..config(&server, &json!({}))
    };
    let provider = build("azure-openai-responses", config).unwrap();
    let answer = provider.complete(request("gpt-5"), stop()).await.unwrap();
    assert_eq!(answer.content, [AssistantBlock::Text("Yes.".into())]);
    let seen = &server.requests()[0];
    assert!(seen.starts_with("POST /openai/v1/responses "), "{seen}");
    assert!(seen.contains(r#""model":"mine-5""#), "{seen}");
}

#[tokio::test]
async fn a_deployment_cannot_be_listed() {
    let config = ProviderConfig {
        base_url: Some("https://r.openai.azure.com".into()),
        api_key: Some(Arc::new(key())),
        ..ProviderConfig::new("mine")
    };
    let provider = build("openai-responses", config).unwrap();
    let error = provider.models(stop()).await.unwrap_err();
    assert!(matches!(error, ProviderError::NoListing { .. }), "{error}");
}

#[tokio::test]
async fn thoughts_between_tags_are_told_apart_where_a_model_is_known_for_them() {
    for (model, quirks, splits) in [
        ("qwen3-8b", json!({}), true),
        ("m", json!({"thinkingFormat": "qwen"}), true),
        ("m", json!({}), false),
    ] {
        let pieces = ["<thi", "nk>Hm.</", "think>\n\nYes."];
        let server = Server::start([chunks(&pieces.map(|text| json!({"content": text})))]);
        let provider = build("openai-completions", config(&server, &quirks)).unwrap();
        let answer = provider.complete(request(model), stop()).await.unwrap();
        let expected = if splits {
            vec![
                AssistantBlock::Thinking(Thinking {
                    text: "Hm.".into(),
                    by: Some("mine".into()),
                    ..Thinking::default()
                }),
                AssistantBlock::Text("Yes.".into()),
            ]
        } else {
            vec![AssistantBlock::Text(pieces.concat())]
        };
        assert_eq!(answer.content, expected);
    }
}

#[tokio::test]
async fn a_conversation_keeps_its_machine_where_a_server_asks_for_that() {
    let wishes = json!({"sendSessionAffinityHeaders": true, "supportsPromptCacheKey": true});
    for (cache, sent) in [(CacheRetention::Short, true), (CacheRetention::None, false)] {
        let server = Server::start([chunks(&[json!({"content": "Yes."})])]);
        let provider = build("openai-completions", config(&server, &wishes)).unwrap();
        let request = Request {
            cache,
            ..request("m")
        };
        provider.complete(request, stop()).await.unwrap();
        let seen = &server.requests()[0];
        for part in [
            "\r\nsession_id: conversation-1\r\n",
            "\r\nx-session-affinity: conversation-1\r\n",
            r#""prompt_cache_key":"conversation-1""#,
        ] {
            assert_eq!(seen.contains(part), sent, "{seen}");
        }
    }
}

#[tokio::test]
async fn lm_studio_is_asked_where_it_tells_more_than_names() {
    let names = json!({"data": [{"id": "m", "object": "model", "owned_by": "organization_owner"}]});
    let more = json!({"data": [{"id": "m", "type": "vlm", "max_context_length": 4096}]});
    let server = Server::start([document(&names), document(&more)]);
    let provider = build("openai-completions", config(&server, &json!({}))).unwrap();
    assert_eq!(
        provider.models(stop()).await.unwrap(),
        [ListedModel {
            id: "m".into(),
            context_window: Some(4096),
            input: Some(vec![Modality::Text, Modality::Image]),
            ..ListedModel::default()
        }]
    );
    let asked = server.requests();
    assert!(asked[0].starts_with("GET /v1/models "), "{}", asked[0]);
    assert!(asked[1].starts_with("GET /api/v0/models "), "{}", asked[1]);
    assert!(asked[0].contains("authorization: Bearer sk-very-secret"));
}

fn refusal(file: &str) -> &'static str {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/http");
    let text = fs::read_to_string(fixtures.join(file)).unwrap();
    let (head, body) = text.split_once("\n\n").unwrap();
    let head = head.replace('\n', "\r\n");
    format!("{head}\r\nconnection: close\r\n\r\n{body}").leak()
}

#[tokio::test]
async fn refusals_are_understood_by_their_names_and_words() {
    for (api, case, expected) in [
        ("openai-completions", "400-context", Reason::ContextLength),
        ("openai-completions", "429-quota", Reason::Billing),
        ("openai-responses", "400-context", Reason::ContextLength),
        (
            "azure-openai-completions",
            "400-filter",
            Reason::ContentFilter,
        ),
        (
            "azure-openai-completions",
            "401-key",
            Reason::Authentication,
        ),
        ("azure-openai-completions", "404", Reason::NotFound),
    ] {
        let server = Server::start([refusal(&format!("{api}/{case}.http"))]);
        let provider = build(api, config(&server, &json!({}))).unwrap();
        match provider.complete(request("m"), stop()).await.unwrap_err() {
            ProviderError::Status { reason, .. } => assert_eq!(reason, expected, "{api} {case}"),
            other => panic!("{api} {case}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn thoughts_that_another_key_sealed_are_left_out() {
    let refusal = r#"{"error": {"message": "The encrypted content gAAA could not be verified.", "type": "invalid_request_error", "param": null, "code": "invalid_encrypted_content"}}"#;
    let refused = format!("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n{refusal}").leak();
    let whole = json!({"object": "response", "status": "completed", "output": []});
    let server = Server::start([&*refused, document(&whole)]);
    let provider = build("openai-responses", config(&server, &json!({}))).unwrap();
    let request = Request {
        messages: vec![Message::Assistant(vec![
            AssistantBlock::Thinking(Thinking {
                signature: Some(r#"{"reasoningId":"rs_1","encrypted":"gAAA"}"#.into()),
                by: Some("mine".into()),
                ..Thinking::default()
            }),
            AssistantBlock::Text("Yes.".into()),
        ])],
        ..request("m")
    };
    provider.complete(request, stop()).await.unwrap();
    let asked = server.requests();
    let sealed = asked.iter().map(|request| request.contains("gAAA"));
    assert_eq!(sealed.collect::<Vec<_>>(), [true, false]);
}
