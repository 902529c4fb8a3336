//! Who may approve what an agent wants to do in QQ.

use serde_json::{Value, json};

use super::{EVERYBODY, NOBODY, canonical};
use crate::migration::log::Log;
use crate::migration::tree::{Record, take};
use crate::problem::KeyPath;

/// Whoever may chat may approve in the second edition, so that chats are opened by their policy.
pub(super) fn settle(
    entry: &mut Record,
    (path, inherited): (&KeyPath, Option<&Record>),
    operators: Option<&[String]>,
    log: &mut Log,
) {
    let own = |key: &str| entry.get(key).or_else(|| inherited?.get(key)).cloned();
    let is_own = entry.contains_key("execApprovals");
    let has_old = is_own || inherited.is_some_and(|whole| whole.contains_key("execApprovals"));
    let overrides = ["execApprovals", "allowFrom", "dmPolicy"];
    if inherited.is_some() && !overrides.iter().any(|key| entry.contains_key(*key)) {
        return;
    }
    let old = own("execApprovals");
    let chat = canonical(own("allowFrom").as_ref());
    let policy = own("dmPolicy");
    let policy = policy.as_ref();
    let everybody = |list: &[String]| list.iter().any(|id| id == EVERYBODY);
    let is_open = chat.is_empty() || everybody(&chat);
    let stays_open = policy == Some(&json!("open"))
        || (policy.is_none() && is_open)
        || (policy == Some(&json!("allowlist")) && everybody(&chat));
    let narrow = !chat.is_empty() && !everybody(&chat);
    let known = |list: &[String]| -> Vec<String> {
        list.iter().filter(|id| *id != EVERYBODY).cloned().collect()
    };
    let both = |list: Vec<String>| -> Vec<String> {
        list.into_iter()
            .filter(|id| !narrow || chat.contains(id))
            .collect()
    };
    let mut opens = stays_open;
    let next = if has_old {
        let old = old.as_ref().and_then(Value::as_object);
        approvers(old, &chat, policy)
    } else if let Some(operators) = operators {
        let next = or_nobody(both(known(operators)));
        opens = stays_open && policy != Some(&json!("open"));
        if chat == next && !opens {
            return;
        }
        next
    } else if is_open {
        or_nobody(known(&chat))
    } else {
        return;
    };
    if opens {
        entry.insert("dmPolicy".to_owned(), Value::from("open"));
    }
    entry.insert("allowFrom".to_owned(), Value::from(next));
    let to = path.key("allowFrom");
    if take(entry, "execApprovals").is_some() {
        log.turned(&path.key("execApprovals"), &to, "as narrow as it was");
    } else {
        log.set(&to, "to those who may approve; who may chat is `dmPolicy`");
    }
}

fn or_nobody(list: Vec<String>) -> Vec<String> {
    if list.is_empty() {
        vec![NOBODY.to_owned()]
    } else {
        list
    }
}

/// Returns those who could approve and chat before; nobody where that cannot be said.
fn approvers(old: Option<&Record>, chat: &[String], policy: Option<&Value>) -> Vec<String> {
    let nobody = vec![NOBODY.to_owned()];
    let Some(old) = old else {
        return nobody;
    };
    let filters = |key: &str| match old.get(key) {
        Some(Value::Array(list)) => !list.is_empty(),
        other => other.is_some(),
    };
    let named = canonical(old.get("approvers"));
    let is_off = old.get("enabled") == Some(&Value::Bool(false));
    let is_lost = is_off || filters("agentFilter") || filters("sessionFilter");
    let everybody = |list: &[String]| list.iter().any(|id| id == EVERYBODY);
    if is_lost || old.contains_key("target") || everybody(&named) {
        return nobody;
    }
    let narrow = !chat.is_empty() && !everybody(chat);
    if named.is_empty() {
        return if narrow { chat.to_vec() } else { nobody };
    }
    if policy == Some(&json!("allowlist")) && chat.is_empty() {
        return nobody;
    }
    or_nobody(
        named
            .into_iter()
            .filter(|id| !narrow || chat.contains(id))
            .collect(),
    )
}
