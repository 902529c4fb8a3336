//! Making one result of what several handlers return.

use serde_json::{Map, Value, json};

use super::catalog::Hook;
use super::environment;
use super::handler::HookError;

/// What is between texts of several handlers.
const BETWEEN: &str = "\n\n";

/// Whether the next handler is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It is.
    Call,
    /// It is not: this one dealt with it.
    Done,
    /// It is not: this one blocks, for that reason.
    Block(String),
}

/// Takes in what a handler of `by` returned; what is malformed changes nothing.
///
/// `Null`, which says nothing, does not come here.
pub(super) fn take(
    hook: Hook,
    merged: &mut Map<String, Value>,
    by: &str,
    result: Value,
) -> Result<Next, HookError> {
    let Value::Object(mut result) = result else {
        return Err(HookError::Malformed("it is no object"));
    };
    match hook {
        Hook::BeforeAgentRun => return outcome(merged, &result),
        Hook::BeforeToolCall => return tool_call(merged, by, result),
        Hook::MessageSending | Hook::ReplyPayloadSending => {
            if flag(&result, "cancel")? {
                return Ok(Next::Block(reason(&result, &["cancelReason", "reason"])));
            }
            last(merged, &mut result, "content");
            last(merged, &mut result, "payload");
        }
        Hook::BeforeInstall => {
            if flag(&result, "block")? {
                return Ok(Next::Block(reason(&result, &["blockReason"])));
            }
            append(merged, &mut result, "findings");
        }
        Hook::BeforeMessageWrite | Hook::ToolResultPersist => {
            if hook == Hook::BeforeMessageWrite && flag(&result, "block")? {
                return Ok(Next::Block(reason(&result, &["blockReason"])));
            }
            last(merged, &mut result, "message");
        }
        Hook::BeforeAgentReply
        | Hook::InboundClaim
        | Hook::BeforeDispatch
        | Hook::ReplyDispatch => return claim(merged, result),
        Hook::BeforeModelResolve => {
            first_text(merged, &mut result, "providerOverride");
            first_text(merged, &mut result, "modelOverride");
        }
        Hook::AgentTurnPrepare | Hook::BeforePromptBuild | Hook::HeartbeatPromptContribution => {
            prompt(merged, &mut result);
        }
        Hook::BeforeAgentFinalize => finalize(merged, &mut result),
        Hook::ResolveExecEnv => merged.extend(environment::allowed(result)),
        Hook::SubagentDeliveryTarget => first(merged, &mut result, "origin"),
        // What observers return does not count, and evaluations are kept apart.
        _ => {}
    }
    Ok(Next::Call)
}

fn claim(merged: &mut Map<String, Value>, result: Map<String, Value>) -> Result<Next, HookError> {
    if !flag(&result, "handled")? {
        return Ok(Next::Call);
    }
    *merged = result;
    Ok(Next::Done)
}

/// Reads a decision of exactly the form `{outcome: "pass"}` or `{outcome: "block", reason, …}`.
fn outcome(
    merged: &mut Map<String, Value>,
    result: &Map<String, Value>,
) -> Result<Next, HookError> {
    match result.get("outcome").and_then(Value::as_str) {
        Some("pass") if result.len() == 1 => Ok(Next::Call),
        Some("block") => {
            let message = result.get("message").and_then(Value::as_str);
            let message = message.map(str::trim).filter(|text| !text.is_empty());
            if let Some(message) = message {
                merged.insert("message".to_owned(), message.into());
            }
            Ok(Next::Block(reason(result, &["reason"])))
        }
        _ => Err(HookError::Malformed("its `outcome` is neither")),
    }
}

fn tool_call(
    merged: &mut Map<String, Value>,
    by: &str,
    mut result: Map<String, Value>,
) -> Result<Next, HookError> {
    if flag(&result, "block")? {
        return Ok(Next::Block(reason(&result, &["blockReason"])));
    }
    let (params, approval) = (
        object(&mut result, "params")?,
        object(&mut result, "requireApproval")?,
    );
    // What somebody is asked about does not change any more; a later handler can block it only.
    if merged.contains_key("requireApproval") {
        return Ok(Next::Call);
    }
    if let Some(params) = params {
        merged.insert("params".to_owned(), params.into());
    }
    if let Some(mut approval) = approval {
        approval.insert("pluginId".to_owned(), by.into());
        merged.insert("requireApproval".to_owned(), approval.into());
    }
    Ok(Next::Call)
}

fn prompt(merged: &mut Map<String, Value>, result: &mut Map<String, Value>) {
    first_text(merged, result, "systemPrompt");
    for part in [
        "prependContext",
        "appendContext",
        "prependSystemContext",
        "appendSystemContext",
    ] {
        join(merged, result, part);
    }
    let Some(Value::Array(mut tools)) = result.remove("toolsAllow") else {
        return;
    };
    tools.retain(Value::is_string);
    let tools = match merged.remove("toolsAllow") {
        Some(Value::Array(before)) => before
            .into_iter()
            .filter(|tool| tools.contains(tool))
            .collect(),
        _ => tools,
    };
    merged.insert("toolsAllow".to_owned(), tools.into());
}

/// One that accepts the answer outdoes all that want another; of those, the reasons come together
/// and the first instruction counts.
fn finalize(merged: &mut Map<String, Value>, result: &mut Map<String, Value>) {
    let action = |from: &Map<String, Value>| {
        let action = from.get("action").and_then(Value::as_str);
        action.map(str::to_owned)
    };
    if action(merged).as_deref() == Some("finalize") {
        return;
    }
    match action(result).as_deref() {
        Some("finalize") => {
            merged.clear();
            merged.insert("action".to_owned(), "finalize".into());
            last(merged, result, "reason");
        }
        Some("revise") => {
            merged.insert("action".to_owned(), "revise".into());
            join(merged, result, "reason");
            let instruction = result
                .get("retry")
                .and_then(|retry| retry.get("instruction"));
            let instruction = instruction.and_then(Value::as_str).unwrap_or_default();
            if !instruction.trim().is_empty() {
                first(merged, result, "retry");
            }
        }
        _ => {}
    }
}

/// Returns what an evaluator came to, under its name.
pub(super) fn evaluation(by: &str, result: Result<Value, HookError>) -> Value {
    match result {
        Ok(result) => json!({ "evaluatorId": by, "status": "completed", "result": result }),
        Err(err) => json!({ "evaluatorId": by, "status": "error", "error": err.to_string() }),
    }
}

/// Puts what a handler made in the place of what it got, where the next one is to see that.
pub(super) fn pass_on(hook: Hook, event: &mut Value, merged: &Map<String, Value>) {
    let part = match hook {
        Hook::ReplyPayloadSending => "payload",
        Hook::ToolResultPersist | Hook::BeforeMessageWrite => "message",
        _ => return,
    };
    if let (Some(event), Some(made)) = (event.as_object_mut(), merged.get(part)) {
        event.insert(part.to_owned(), made.clone());
    }
}

fn flag(result: &Map<String, Value>, name: &'static str) -> Result<bool, HookError> {
    match result.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(HookError::Malformed("a part that is yes or no is neither")),
    }
}

fn object(
    result: &mut Map<String, Value>,
    name: &'static str,
) -> Result<Option<Map<String, Value>>, HookError> {
    match result.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(HookError::Malformed("a part that is an object is none")),
    }
}

fn reason(result: &Map<String, Value>, names: &[&str]) -> String {
    let texts = names.iter().filter_map(|name| result.get(*name)?.as_str());
    let mut texts = texts.map(str::trim).filter(|text| !text.is_empty());
    texts.next().unwrap_or("no reason was given").to_owned()
}

fn first(merged: &mut Map<String, Value>, result: &mut Map<String, Value>, name: &str) {
    if !merged.contains_key(name) {
        last(merged, result, name);
    }
}

/// As [`first`]; what is no text does not count.
fn first_text(merged: &mut Map<String, Value>, result: &mut Map<String, Value>, name: &str) {
    if result.get(name).is_some_and(Value::is_string) {
        first(merged, result, name);
    }
}

fn last(merged: &mut Map<String, Value>, result: &mut Map<String, Value>, name: &str) {
    if let Some(value) = result.remove(name).filter(|value| !value.is_null()) {
        merged.insert(name.to_owned(), value);
    }
}

fn join(merged: &mut Map<String, Value>, result: &mut Map<String, Value>, name: &str) {
    let Some(Value::String(more)) = result.remove(name) else {
        return;
    };
    let text = match merged.get(name).and_then(Value::as_str) {
        Some(before) if !before.is_empty() && !more.is_empty() => {
            format!("{before}{BETWEEN}{more}")
        }
        Some(before) if more.is_empty() => before.to_owned(),
        _ => more,
    };
    merged.insert(name.to_owned(), text.into());
}

fn append(merged: &mut Map<String, Value>, result: &mut Map<String, Value>, name: &str) {
    let Some(Value::Array(more)) = result.remove(name) else {
        return;
    };
    match merged.get_mut(name) {
        Some(Value::Array(all)) => all.extend(more),
        _ => drop(merged.insert(name.to_owned(), more.into())),
    }
}
