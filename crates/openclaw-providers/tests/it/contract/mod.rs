//! What holds for every API of [`PROVIDERS`] alike, whatever its answers look like on the wire.
//!
//! `fixtures/sse/README.md` has the table of the cases; every API is asked over a socket and has to
//! have an answer to every case.

mod answers;
mod broken;
mod offline;
mod quirks;
mod refusals;
mod served;

use openclaw_providers::{Message, PROVIDERS, ProviderSpec, Reach, Request, ToolSpec, UserBlock};
use serde_json::json;

/// Ends a check with a reason unless a condition holds.
macro_rules! ensure {
    ($condition:expr, $($why:tt)+) => {
        if !$condition {
            return Err(format!($($why)+));
        }
    };
}
use ensure;

/// What a check found wrong with an API.
type Verdict = Result<(), String>;

/// Holds every API that is spoken over HTTP to a check, and names all that do not stand it.
async fn every_api(check: impl AsyncFn(&'static str) -> Verdict) {
    let online = |spec: &&ProviderSpec| spec.reach == Reach::Http;
    let mut failed = Vec::new();
    for spec in PROVIDERS.iter().filter(online) {
        if let Err(why) = check(spec.api).await {
            failed.push(format!("{}: {why}", spec.api));
        }
    }
    assert!(failed.is_empty(), "\n{}\n", failed.join("\n"));
}

/// A question with tools to answer it.
fn request() -> Request {
    let exec = ToolSpec {
        name: "exec".into(),
        description: "Runs a command.".into(),
        parameters: json!({
            "type": "object",
            "properties": {"command": {"type": "string"}},
            "required": ["command"],
        })
        .into(),
    };
    Request {
        model: "model-1".into(),
        messages: vec![Message::User(vec![UserBlock::Text("hello".into())])],
        tools: vec![exec],
        ..Request::default()
    }
}
