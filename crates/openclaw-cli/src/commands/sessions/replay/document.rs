//! A replay as scripts read it.

use openclaw_core::Usage;
use openclaw_gateway::agents::calls::Call;
use openclaw_gateway::agents::replay::{
    Decision, Difference, End, RecordedStep, Replay, ReplayStep,
};
use openclaw_gateway::providers::{AssistantBlock, Message, UserBlock};
use serde_json::{Map, Value, json};

use super::Outcome;

/// Returns the data of the envelope.
pub(super) fn document(outcome: &Outcome) -> Value {
    let Outcome {
        recording,
        recorded_model,
        replay,
        steps,
    } = outcome;
    let asked = steps.is_some();
    let end = replay.as_ref().and_then(Replay::end);
    let totals = replay.as_ref().map(Replay::totals).unwrap_or_default();
    let answer = |of: fn(&Replay) -> Option<&str>| replay.as_ref().and_then(of);
    let mut data = json!({
        "sessionKey": recording.session,
        "at": recording.at,
        "head": recording.head,
        "state": recording.state,
        "model": {
            "recorded": recorded_model.as_ref().map(ToString::to_string),
            "replayed": replay.as_ref().map(|replay| replay.model().to_string()),
        },
        "outcome": match end {
            Some(End::Answered) => "answered",
            Some(End::Diverged(_)) => "diverged",
            Some(End::TooManySteps(_)) => "toomanysteps",
            None if replay.is_some() => "notasked",
            None => "nothing",
        },
        "steps": match (steps, replay) {
            (Some(steps), _) => steps.iter().map(compared).collect(),
            (None, Some(replay)) => replay.recorded().iter().map(planned).collect(),
            (None, None) => Vec::new(),
        },
        "diverged": match end {
            Some(End::Diverged(divergence)) => json!({
                "step": divergence.step,
                "reason": divergence.missing.to_string(),
                "call": call(&divergence.call),
            }),
            Some(End::Answered | End::TooManySteps(_)) | None => Value::Null,
        },
        "answer": {
            "recorded": answer(Replay::recorded_answer),
            "replayed": answer(Replay::answer),
        },
        "usage": {
            "recorded": usage(totals.recorded),
            "replayed": usage(totals.replayed),
        },
    });
    if let (Some(replay), false, Some(data)) = (replay, asked, data.as_object_mut()) {
        data.insert("request".to_owned(), request(replay));
    }
    data
}

fn compared(step: &ReplayStep) -> Value {
    let differences: Vec<&str> = step
        .differences
        .iter()
        .copied()
        .map(Difference::as_str)
        .collect();
    json!({
        "step": step.step,
        "same": step.is_same(),
        "differences": differences,
        "recorded": step.recorded.as_ref().map(recorded),
        "replayed": decision(&step.replayed),
    })
}

fn planned(step: &RecordedStep) -> Value {
    json!({
        "step": step.step,
        "same": null,
        "differences": [],
        "recorded": recorded(step),
        "replayed": null,
    })
}

fn recorded(step: &RecordedStep) -> Value {
    let mut recorded = Map::new();
    recorded.insert("step".to_owned(), step.step.into());
    recorded.insert("seq".to_owned(), step.seq.into());
    recorded.extend(decision(&step.decision));
    recorded.into()
}

fn decision(decision: &Decision) -> Map<String, Value> {
    Map::from_iter(
        [
            ("provider", json!(decision.provider)),
            ("model", json!(decision.model)),
            ("text", json!(decision.text)),
            ("calls", decision.calls.iter().map(call).collect()),
            ("usage", json!(decision.usage.map(usage))),
            ("stop", json!(decision.stop)),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    )
}

fn call(call: &Call) -> Value {
    json!({ "id": call.id, "tool": call.tool, "params": call.params })
}

fn usage(usage: Usage) -> Value {
    json!({
        "input": usage.input,
        "output": usage.output,
        "cacheRead": usage.cache_read,
        "cacheWrite": usage.cache_write,
        "reasoning": usage.reasoning,
        "total": usage.total(),
    })
}

/// What would be sent: pictures are counted, the system prompt and the tools' schemas are the
/// same in every turn.
fn request(replay: &Replay) -> Value {
    let request = replay.request();
    let tools: Vec<&str> = request
        .tools
        .iter()
        .map(|tool| tool.name.as_str())
        .collect();
    json!({
        "model": replay.model().to_string(),
        "maxTokens": request.max_tokens,
        "system": { "characters": request.system.chars().count() },
        "tools": tools,
        "messages": request.messages.iter().map(message).collect::<Vec<_>>(),
    })
}

fn message(message: &Message) -> Value {
    match message {
        Message::User(blocks) => {
            let texts: Vec<&str> = blocks
                .iter()
                .filter_map(|block| match block {
                    UserBlock::Text(text) => Some(text.as_str()),
                    UserBlock::Image { .. } | UserBlock::Document { .. } => None,
                })
                .collect();
            let is_document = |block: &&UserBlock| matches!(block, UserBlock::Document { .. });
            let documents = blocks.iter().filter(is_document).count();
            let pictures = blocks.len().saturating_sub(texts.len() + documents);
            let mut message = json!({ "role": "user", "texts": texts, "pictures": pictures });
            if let (1.., Some(members)) = (documents, message.as_object_mut()) {
                members.insert("documents".to_owned(), documents.into());
            }
            message
        }
        Message::Assistant(blocks) => {
            let (mut texts, mut calls) = (Vec::new(), Vec::new());
            for block in blocks {
                match block {
                    AssistantBlock::Text(text) => texts.push(text.as_str()),
                    AssistantBlock::ToolCall(call) => calls.push(json!({
                        "id": call.id,
                        "tool": call.name,
                        "params": call.arguments.to_object(),
                    })),
                    AssistantBlock::Thinking(_) => {}
                }
            }
            json!({ "role": "assistant", "texts": texts, "calls": calls })
        }
        Message::ToolResults(results) => {
            let results: Vec<Value> = results
                .iter()
                .map(|result| {
                    json!({
                        "callId": result.call_id,
                        "success": !result.is_error,
                        "content": result.content,
                    })
                })
                .collect();
            json!({ "role": "tool", "results": results })
        }
    }
}
