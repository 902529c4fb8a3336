//! `policy` of `openclaw-rs.json5`: ordered rules, about arguments as well.

use openclaw_core::access::Standing;
use openclaw_core::tool_rules::{Argument, Decision, Entry, Pattern, Place, Rule};
use serde_json::Value;

use super::OwnRules;
use super::lists::{entry_of, members};
use crate::problem::{KeyPath, Problem};
use crate::settings::own_providers::unknown;

/// The key in `openclaw-rs.json5`.
pub(in crate::settings) const KEY: &str = "policy";

const RULES: &str = "rules";
const AGENT: &str = "agent";
const CHANNEL: &str = "channel";
const SENDER: &str = "sender";
const STANDING: &str = "standing";
const TOOL: &str = "tool";
const ARGS: &str = "args";
const DECISION: &str = "decision";
const BECAUSE: &str = "because";

/// What a rule may say.
const MEMBERS: [&str; 8] = [
    AGENT, CHANNEL, SENDER, STANDING, TOOL, ARGS, DECISION, BECAUSE,
];

/// What a rule has to say.
const NEEDED: [&str; 2] = [TOOL, DECISION];

const DECISIONS: [(&str, Decision); 3] = [
    ("allow", Decision::Allow),
    ("ask", Decision::Ask),
    ("deny", Decision::Deny),
];

const STANDINGS: [(&str, Standing); 3] = [
    ("owner", Standing::Principal),
    ("guest", Standing::Guest),
    ("webhook", Standing::Webhook),
];

/// The most rules; each is looked at for each call.
const MOST_RULES: usize = 1000;

/// Returns everything that is wrong with a `policy` at this place.
pub(in crate::settings) fn problems(path: &KeyPath, policy: &Value) -> Vec<Problem> {
    if !policy.is_object() {
        return vec![Problem::new(path.clone(), "expected an object")];
    }
    let strange = members(Some(policy)).filter(|(key, _)| *key != RULES);
    let mut problems: Vec<Problem> = strange
        .map(|(key, _)| unknown(path.key(key), key, &[RULES]))
        .collect();
    let path = path.key(RULES);
    match policy.get(RULES) {
        None => {}
        Some(Value::Array(rules)) if rules.len() > MOST_RULES => {
            let message = format!("expected at most {MOST_RULES} rules");
            problems.push(Problem::new(path, message));
        }
        Some(Value::Array(rules)) => {
            for (index, rule) in rules.iter().enumerate() {
                of_rule(&path.index(index), rule, &mut problems);
            }
        }
        Some(_) => problems.push(Problem::new(path, "expected a list of rules")),
    }
    problems
}

fn of_rule(path: &KeyPath, rule: &Value, problems: &mut Vec<Problem>) {
    if !rule.is_object() {
        problems.push(Problem::new(path.clone(), "expected an object"));
        return;
    }
    for key in NEEDED.iter().filter(|key| rule.get(key).is_none()) {
        problems.push(Problem::new(path.clone(), format!("needs `{key}`")));
    }
    for (key, value) in members(Some(rule)) {
        let path = path.key(key);
        let text = value.as_str().is_some_and(|text| !text.trim().is_empty());
        let problem = match key {
            AGENT | CHANNEL | SENDER | BECAUSE if text => None,
            AGENT | CHANNEL | SENDER | BECAUSE => Some(Problem::new(path, "expected a text")),
            STANDING => one_of(path, value, &STANDINGS),
            DECISION => one_of(path, value, &DECISIONS),
            TOOL => {
                let message = "expected the name of a tool, with `*` for any part of it, a group \
                               such as `group:fs`, or a list of those";
                let named = !tools(value, None).is_empty();
                (!named || !all_texts(value)).then(|| Problem::new(path, message))
            }
            ARGS => {
                arguments(&path, value, problems);
                None
            }
            _ => Some(unknown(path, key, &MEMBERS)),
        };
        problems.extend(problem);
    }
}

fn one_of<T>(path: KeyPath, value: &Value, known: &[(&str, T)]) -> Option<Problem> {
    let named = |(name, _): &&(&str, T)| value.as_str() == Some(name);
    if known.iter().any(|one| named(&one)) {
        return None;
    }
    let names: Vec<String> = known.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut problem = Problem::new(path, format!("expected one of: {}", names.join(", ")));
    problem.allowed = names;
    Some(problem)
}

fn arguments(path: &KeyPath, args: &Value, problems: &mut Vec<Problem>) {
    if !args.is_object() {
        let message = "expected an object of JSON pointers, such as { \"/command\": \"git *\" }";
        problems.push(Problem::new(path.clone(), message));
    }
    for (pointer, like) in members(Some(args)) {
        let path = path.key(pointer);
        if !pointer.starts_with('/') {
            let message = "expected a JSON pointer: it begins with `/`";
            problems.push(Problem::new(path, message));
        } else if !like.is_string() {
            let message = "expected a text, with `*` for any part of it";
            problems.push(Problem::new(path, message));
        }
    }
}

/// Reads a `policy` that was judged; what is wrong with it is left out.
pub(in crate::settings) fn read(
    policy: Option<&Value>,
    find: impl Fn(&KeyPath) -> Option<String>,
) -> OwnRules {
    let path = KeyPath::root().key(KEY).key(RULES);
    let rules = policy.and_then(|policy| policy.get(RULES)?.as_array());
    let rules = rules.into_iter().flatten().enumerate();
    rules
        .filter_map(|(index, value)| {
            let path = path.index(index);
            let place = Place {
                file: find(&path),
                path: path.to_string(),
            };
            rule(value, place)
        })
        .collect()
}

fn rule(value: &Value, place: Place) -> Option<Rule> {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let pattern = |key: &str| text(key).map(Pattern::name);
    let arguments = members(value.get(ARGS)).filter_map(|(pointer, like)| {
        Some(Argument {
            pointer: pointer.to_owned(),
            like: Pattern::exact(like.as_str()?),
        })
    });
    let (_, decision) = DECISIONS
        .into_iter()
        .find(|(name, _)| text(DECISION) == Some(name))?;
    let standing = STANDINGS
        .into_iter()
        .find(|(name, _)| text(STANDING) == Some(name));
    Some(Rule {
        agent: pattern(AGENT),
        channel: pattern(CHANNEL),
        sender: pattern(SENDER),
        standing: standing.map(|(_, standing)| standing),
        tools: tools(value.get(TOOL)?, place.file.as_deref()),
        arguments: arguments.collect(),
        decision,
        because: text(BECAUSE).map(|text| text.trim().to_owned()),
        place,
    })
}

fn tools(value: &Value, file: Option<&str>) -> Vec<Entry> {
    let texts = match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().into_iter().collect::<Vec<_>>(),
    };
    let entries = texts.into_iter();
    entries
        .filter_map(|text| entry_of(text, file.map(str::to_owned)))
        .collect()
}

fn all_texts(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().all(Value::is_string),
        other => other.is_string(),
    }
}
