//! Whether an agent may send to other conversations than its own.

use serde_json::Value;

use crate::migration::log::{Log, below};
use crate::migration::scope::Scope;
use crate::migration::tree::{Record, made, record_at, record_at_mut, take};
use crate::problem::KeyPath;

const MESSAGE: [&str; 2] = ["tools", "message"];
const OLD: &str = "allowCrossContextSend";

/// The one switch that bypassed every limit became two limits.
pub(in crate::migration) fn cross_context(root: &mut Record, log: &mut Log) {
    let global = record_at(root, &MESSAGE).cloned().unwrap_or_default();
    Scope::Agents.visit(root, &mut |agent, path| {
        if let Some(message) = record_at_mut(agent, &MESSAGE) {
            let path = below(path, &MESSAGE);
            agent_limits(message, &path, &global, log);
        }
    });
    let Some(message) = record_at_mut(root, &MESSAGE) else {
        return;
    };
    let Some(bypass) = take(message, OLD) else {
        return;
    };
    if bypass == Value::Bool(true) {
        limits(message, [true; 2]);
    }
    let path = below(&KeyPath::root(), &MESSAGE);
    log.turned(&path.key(OLD), &path.key("crossContext"), "as two limits");
}

fn agent_limits(message: &mut Record, path: &KeyPath, global: &Record, log: &mut Log) {
    let inherited = global.get(OLD) == Some(&Value::Bool(true));
    let own = take(message, OLD);
    if own.is_none() && !inherited {
        return;
    }
    // A null counts as nothing said, so that the inherited switch applies.
    let own = own.filter(|own| !own.is_null());
    let bypasses = own.map_or(inherited, |own| own == Value::Bool(true));
    let said = |limit: &str| {
        let own = record_at(message, &["crossContext"]).and_then(|own| own.get(limit));
        let global = record_at(global, &["crossContext"]).and_then(|all| all.get(limit));
        own.filter(|own| !own.is_null())
            .or(global)
            .and_then(Value::as_bool)
    };
    if bypasses {
        limits(message, [true; 2]);
    } else if inherited {
        let kept = [
            said("allowWithinProvider") != Some(false),
            said("allowAcrossProviders") == Some(true),
        ];
        limits(message, kept);
    }
    log.turned(&path.key(OLD), &path.key("crossContext"), "as two limits");
}

fn limits(message: &mut Record, [within, across]: [bool; 2]) {
    let limits = made(message, &["crossContext"]);
    limits.insert("allowWithinProvider".to_owned(), Value::Bool(within));
    limits.insert("allowAcrossProviders".to_owned(), Value::Bool(across));
}
