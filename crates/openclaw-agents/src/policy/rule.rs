//! Whether one of this program's own rules is about a call.

use openclaw_core::access::Sender;
use openclaw_core::tool_rules::{Argument, Pattern, Rule};
use serde_json::Value;

use super::names::Name;
use super::{Asking, Decision};

/// The tool whose arguments a shell reads.
const EXEC: &str = "exec";

/// Where a command's variables stand among its arguments.
const ENV: &str = "/env";

/// Tells whether a rule is about a call.
pub(super) fn fits(rule: &Rule, asking: &Asking<'_>, name: &Name) -> bool {
    let sender = asking.sender;
    let is_agent = |pattern: &Pattern| pattern.fits_name(asking.agent.as_str());
    let is_channel = |pattern: &Pattern| pattern.fits_name(sender.channel.as_str());
    rule.agent.as_ref().is_none_or(is_agent)
        && rule.channel.as_ref().is_none_or(is_channel)
        && rule.sender.as_ref().is_none_or(|it| is_sender(it, sender))
        && rule.standing.is_none_or(|it| it == sender.standing)
        && is_tool(rule, name)
        && fits_arguments(rule, asking.arguments, name)
}

/// A rule gives the tools that it names and no others; their arguments are not the same.
fn is_tool(rule: &Rule, name: &Name) -> bool {
    let found = match rule.decision {
        Decision::Allow => name.named_in(&rule.tools),
        Decision::Ask | Decision::Deny => name.denied_by(&rule.tools),
    };
    found.is_some()
}

/// A tool that has no arguments yet is there if some of them would do: a rule that denies some
/// calls does not take the tool away, and one that allows some gives it.
fn fits_arguments(rule: &Rule, arguments: Option<&Value>, name: &Name) -> bool {
    let Some(arguments) = arguments else {
        return rule.arguments.is_empty() || rule.decision != Decision::Deny;
    };
    if rule.decision == Decision::Allow && name.is(EXEC) && has_silent_env(rule, arguments) {
        return false;
    }
    rule.arguments.iter().all(|Argument { pointer, like }| {
        let value = arguments.pointer(pointer);
        value.is_some_and(|value| is_like(rule.decision, like, value, name))
    })
}

/// Tells whether a command comes with variables that a rule about its arguments says nothing
/// about: they may make another command of it.
fn has_silent_env(rule: &Rule, arguments: &Value) -> bool {
    let env = arguments.pointer(ENV).and_then(Value::as_object);
    let says = |pointer: &str| rule.arguments.iter().any(|it| it.pointer == pointer);
    let mut names = env.into_iter().flatten().map(|(name, _)| name);
    !rule.arguments.is_empty() && !says(ENV) && names.any(|name| !says(&format!("{ENV}/{name}")))
}

/// Of an array, every item has to fit what is allowed, and any one of them what is not.
fn is_like(decision: Decision, like: &Pattern, value: &Value, name: &Name) -> bool {
    let item = |value: &Value| is_like(decision, like, value, name);
    match (value, decision) {
        (Value::String(text), Decision::Allow) if name.is(EXEC) => like.fits_command(text),
        (Value::String(text), _) => like.fits(text),
        (Value::Array(items), Decision::Allow) => !items.is_empty() && items.iter().all(item),
        (Value::Array(items), Decision::Ask | Decision::Deny) => items.iter().any(item),
        (other, _) => like.fits(&other.to_string()),
    }
}

fn is_sender(pattern: &Pattern, sender: &Sender) -> bool {
    let in_full = format!("{}:{}", sender.channel, sender.peer);
    pattern.fits_name(sender.peer.as_str()) || pattern.fits_name(&in_full)
}
