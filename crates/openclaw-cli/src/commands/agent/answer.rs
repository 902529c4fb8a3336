//! What is told of an answer: its document, and that it is not all that the model had to say.

use openclaw_ipc::methods::{SessionMessageOutput, StopReason};
use serde_json::{Value, json};

use super::Turn;
use crate::text;

/// Tells that the model did not come to the end of its answer, and what to do about it.
pub(super) fn unfinished(answer: &SessionMessageOutput) -> Option<String> {
    let detail = answer.stop_detail.as_deref().unwrap_or_default();
    let (what, hint) = match answer.stop_reason {
        StopReason::EndTurn | StopReason::StopSequence => return None,
        StopReason::MaxTokens => (
            "is cut off: the model may write no more tokens",
            "raise `maxTokens` of the model, or ask it to go on",
        ),
        StopReason::Refusal => (
            "is not whole: the model or a filter of its provider declined to go on",
            "put the message differently, or choose another model",
        ),
        StopReason::Other => match detail {
            "context_length" => (
                "is cut off: the conversation is as long as the model can read",
                "go on in a new session (`--new`), or choose a model that reads more",
            ),
            "pause_turn" => ("is not whole: the model paused", "ask it to go on"),
            _ => (
                "may not be whole",
                "ask the model to go on, or put the message differently",
            ),
        },
    };
    let why = if detail.is_empty() {
        String::new()
    } else {
        format!(" (the provider says `{}`)", text::one_line(detail))
    };
    Some(format!("the answer {what}{why}; {hint}"))
}

/// The document that TypeScript OpenClaw prints for a turn.
pub(super) fn document(turn: &Turn) -> Value {
    let Turn {
        session,
        answer,
        duration,
    } = turn;
    let usage = answer.usage;
    let payloads: Vec<Value> = (!answer.content.is_empty())
        .then(|| json!({ "text": answer.content, "mediaUrl": null }))
        .into_iter()
        .collect();
    let mut agent_meta = json!({
        "sessionKey": session,
        "provider": answer.provider,
        "model": answer.model,
        "usage": {
            "input": usage.input,
            "output": usage.output,
            "cacheRead": usage.cache_read,
            "cacheWrite": usage.cache_write,
            "total": usage.total(),
        },
    });
    if let (Some(id), Some(meta)) = (
        super::super::sessions::session_id(session),
        agent_meta.as_object_mut(),
    ) {
        meta.insert("sessionId".to_owned(), Value::from(id));
    }
    if let Some(meta) = agent_meta.as_object_mut() {
        let cost = answer.cost.map(|cost| Value::from(cost.usd()));
        let fallback = answer.fallback.clone().map(Value::from);
        meta.extend(cost.map(|cost| ("costUsd".to_owned(), cost)));
        meta.extend(fallback.map(|model| ("fallback".to_owned(), model)));
    }
    let mut meta = json!({
        "durationMs": u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        "stopReason": answer.stop_reason,
        "steps": answer.steps,
        "agentMeta": agent_meta,
    });
    if let (Some(detail), Some(meta)) = (&answer.stop_detail, meta.as_object_mut()) {
        meta.insert("stopDetail".to_owned(), Value::from(detail.as_str()));
    }
    json!({
        "runId": answer.run_id,
        "status": "ok",
        "summary": "completed",
        "result": {
            "payloads": payloads,
            "meta": meta,
        },
    })
}
