//! `POST /tools/invoke`: one tool, run for a client without a model, in OpenClaw's form.
//!
//! `wanted` reads what is asked for, `refusal` says why nothing comes of it. The call goes through
//! the same gate as `tools.execute`; before that, `gateway.tools` may take the tool away.

mod refusal;
mod wanted;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::any;
use openclaw_agents::tools::ToolOutput;
use openclaw_core::access::Scope;
use openclaw_core::redaction::{mask, mask_value};
use serde_json::{Value, json};

use self::refusal::Refusal;
use self::wanted::{Run, Wanted};
use crate::audit::Transport;
use crate::builder::Gateway;
use crate::http::guard::{admit, door, presented};
use crate::http::payload;
use crate::http::routes::{json_text, read};
use crate::rpc::{CallCx, public};
use crate::telemetry::{Counted, Dialect};

/// The most bytes of a request.
const MAX_BODY: usize = 2 * 1024 * 1024;
/// What it is called where refusals are counted.
const NAME: &str = "POST /tools/invoke";

/// Returns the route. It lets in by itself, so that a refusal is in its own words.
pub(crate) fn router() -> Router<Gateway> {
    Router::new().route("/tools/invoke", any(handle))
}

async fn handle(State(gateway): State<Gateway>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let entered = match enter(&gateway, &head) {
        Ok(entered) => entered,
        Err(refusal) => return refusal.answer(),
    };
    let count = Counted::begins(&gateway, Dialect::Http);
    match Box::pin(invoke(&gateway, &entered, &head, body)).await {
        Ok(answer) => {
            count.ends(None);
            json_text(StatusCode::OK, answer.to_string())
        }
        Err(refusal) => {
            count.ends(Some(refusal.kind()));
            refusal.answer()
        }
    }
}

/// Lets somebody in: the caller is known before a byte of the body is read.
fn enter(gateway: &Gateway, head: &Parts) -> Result<CallCx, Refusal> {
    let door = door(Transport::Http, &head.extensions);
    let presented = presented(&head.headers, &head.extensions);
    let pass = admit(gateway, presented, door);
    let pass = pass.map_err(|refused| Refusal::refused(refused, gateway, door))?;
    if head.method != Method::POST {
        return Err(Refusal::wrong_method());
    }
    Ok(CallCx::of(pass.admitted, door.peer))
}

async fn invoke(
    gateway: &Gateway,
    cx: &CallCx,
    head: &Parts,
    body: Body,
) -> Result<Value, Refusal> {
    let rpc = &gateway.shared.rpc;
    rpc.allow(cx, Scope::Write, NAME)?;
    let body = read(&head.headers, body, MAX_BODY).await;
    let body = body.map_err(|refused| {
        let door = door(Transport::Http, &head.extensions);
        Refusal::refused(refused, gateway, door)
    })?;
    let asked = payload::object(&body).map_err(Refusal::invalid)?;
    drop(body);
    let wanted = Wanted::of(rpc, cx, &head.headers, asked)?;
    let Wanted { own, run } = wanted;
    if run == Run::NotAtAll {
        let tool = &own.call.tool;
        let text =
            format!("not run, as `dryRun` asks: `{tool}` may be called with these arguments");
        return Ok(json!({
            "ok": true,
            "dryRun": true,
            "result": { "content": [{ "type": "text", "text": text }] },
        }));
    }
    let (session, sender) = (own.session.clone(), own.sender.clone());
    let begun = rpc.begin(&session, sender.channel, sender.peer).await;
    begun.map_err(|err| Refusal::from(crate::rpc::store_error(&err)))?;
    // A client that goes away wants no result any more.
    let _hangs_up = own.stop.clone().drop_guard();
    let output = rpc.call_tool(own).await;
    told(output.map_err(|err| Refusal::from(public(&err)))?)
}

/// Returns what a call came to, as OpenClaw's tools say it: a text, and what it was made of.
fn told(output: ToolOutput) -> Result<Value, Refusal> {
    if let Some(refused) = output.payload.refused {
        return Err(Refusal::blocked(mask(&refused)));
    }
    let result = mask_value(output.result);
    let text = match &result {
        // What failed without a result says only why.
        Value::String(text) if !output.success => return Err(Refusal::failed(text)),
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    };
    let mut told = json!({ "content": [{ "type": "text", "text": text }] });
    if let (Some(told), false) = (told.as_object_mut(), result.is_string()) {
        told.insert("details".to_owned(), result);
    }
    Ok(json!({ "ok": true, "result": told }))
}
