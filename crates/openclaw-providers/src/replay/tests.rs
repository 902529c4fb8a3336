//! Cassettes that are written by hand, around the recorded streams of each API.

use std::fs;
use std::path::Path;

use openclaw_core::Kind;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::request::{AssistantBlock, Message, UserBlock};

const ANTHROPIC: &str = "anthropic-messages";
const OPENAI: &str = "openai-completions";

/// One exchange of a cassette.
struct Recorded {
    api: &'static str,
    url: &'static str,
    status: u16,
    answer: String,
}

impl Recorded {
    fn anthropic(answer: String) -> Self {
        Self {
            api: ANTHROPIC,
            url: "https://api.anthropic.com/v1/messages",
            status: 200,
            answer,
        }
    }

    fn openai(answer: String) -> Self {
        Self {
            api: OPENAI,
            url: "https://api.openai.com/v1/chat/completions",
            status: 200,
            answer,
        }
    }
}

fn stream_of(api: &str, case: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/sse");
    fs::read_to_string(root.join(api).join(case)).unwrap()
}

/// Writes a cassette and returns the model that it is.
fn cassette(folder: &TempDir, recorded: &[Recorded]) -> String {
    let mut lines = vec![json!({
        "record": "cassette", "format": "openclaw-cassette", "version": 1, "program": "by hand",
    })];
    for (number, recorded) in recorded.iter().enumerate() {
        lines.extend([
            json!({
                "record": "request", "exchange": number,
                "label": { "api": recorded.api, "provider": "mine" },
                "method": "POST", "url": recorded.url,
                "body": { "model": format!("{}-model", recorded.api), "messages": [{}] },
            }),
            json!({ "record": "response", "exchange": number, "status": recorded.status }),
            json!({ "record": "chunk", "exchange": number, "text": recorded.answer }),
            json!({ "record": "end", "exchange": number, "how": "whole" }),
        ]);
    }
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    let path = folder.path().join("tape.jsonl");
    fs::write(&path, lines.join("\n")).unwrap();
    path.to_str().unwrap().to_owned()
}

fn replaying() -> ReplayProvider {
    ReplayProvider::from_config(&ProviderConfig::new(ID))
}

async fn ask(provider: &ReplayProvider, model: &str) -> Result<String, ProviderError> {
    let request = Request {
        model: model.to_owned(),
        messages: vec![Message::User(vec![UserBlock::Text("hello".into())])],
        ..Request::default()
    };
    let answer = provider.complete(request, CancellationToken::new()).await?;
    assert_eq!(answer.provider.as_str(), ID);
    let texts = answer.content.into_iter().map(|block| match block {
        AssistantBlock::Text(text) => text,
        other => panic!("{other:?}"),
    });
    Ok(texts.collect())
}

#[tokio::test]
async fn each_exchange_goes_through_the_decoder_of_its_api() {
    let folder = tempfile::tempdir().unwrap();
    let model = cassette(
        &folder,
        &[
            Recorded::anthropic(stream_of(ANTHROPIC, "text.sse")),
            Recorded::openai(stream_of(OPENAI, "text.sse")),
        ],
    );
    let provider = replaying();
    for _ in 0..2 {
        let said = ask(&provider, &model).await.unwrap();
        assert_eq!(said, "Grüß dich, Welt 🦀!");
    }
    let error = ask(&provider, &model).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid);
    assert!(error.hint().unwrap().contains("begin again"), "{error:?}");
}

#[tokio::test]
async fn where_the_recorded_turn_went_on_with_another_provider_the_replay_does() {
    let folder = tempfile::tempdir().unwrap();
    let overloaded = Recorded {
        status: 529,
        ..Recorded::anthropic(String::new())
    };
    let model = cassette(
        &folder,
        &[overloaded, Recorded::openai(stream_of(OPENAI, "text.sse"))],
    );
    let said = ask(&replaying(), &model).await.unwrap();
    assert_eq!(said, "Grüß dich, Welt 🦀!");
}

#[tokio::test]
async fn a_cassette_that_is_missing_or_leads_back_to_itself_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.jsonl");
    let error = ask(&replaying(), missing.to_str().unwrap()).await;
    let error = error.unwrap_err();
    assert!(error.hint().unwrap().contains("path"), "{error:?}");

    let again = Recorded {
        api: API,
        ..Recorded::anthropic(String::new())
    };
    let model = cassette(&folder, &[again]);
    let error = ask(&replaying(), &model).await.unwrap_err();
    assert!(
        matches!(error, ProviderError::UnknownApi { .. }),
        "{error:?}"
    );
}

#[test]
fn a_model_is_a_path() {
    let home = Env::from_process().get_os(HOME.name).map(PathBuf::from);
    assert_eq!(
        Some(located("~/bug.jsonl")),
        home.map(|home| home.join("bug.jsonl"))
    );
    assert_eq!(located("/tmp/bug.jsonl"), Path::new("/tmp/bug.jsonl"));
    assert_eq!(located("runs/bug.jsonl"), Path::new("runs/bug.jsonl"));
}

#[test]
fn the_model_is_found_wherever_an_api_has_it() {
    let named = |path: &str, body: Value| {
        model(&Upcoming {
            label: ProviderConfig::new("mine").label(ANTHROPIC),
            path: path.to_owned(),
            body,
        })
    };
    assert_eq!(named("/v1/messages", json!({ "model": "m" })), "m");
    assert_eq!(
        named("/v1beta/models/g-2:streamGenerateContent", json!({})),
        "g-2"
    );
    assert_eq!(
        named("/openai/deployments/d-1/chat/completions", json!({})),
        "d-1"
    );
    assert_eq!(named("/api", json!(null)), "");
}
