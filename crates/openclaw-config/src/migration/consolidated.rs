//! Settings that said the same as another one, or said it in more than one way.

use serde_json::Value;

use super::log::{Log, at, below};
use super::scope::Scope;
use super::table::{Move, Retired, apply_retired};
use super::tree::{Record, made, record_at, record_at_mut, take, text_at, trimmed};
use super::{knobs, session};
use crate::problem::KeyPath;

const NO_PROMPT: &str = "a persona has no prompt of its own";
const NO_BYPASS: &str = "the check cannot be turned off";

const FIRST: &[Retired] = &[
    Retired::at(Scope::Root, &["tts", "personas", "*", "prompt"], NO_PROMPT),
    Retired::at(
        Scope::AgentsAndDefaults,
        &["tts", "personas", "*", "prompt"],
        NO_PROMPT,
    ),
    Retired::at(
        Scope::Channels,
        &["tts", "personas", "*", "prompt"],
        NO_PROMPT,
    ),
    Retired::at(
        Scope::Channels,
        &["voice", "tts", "personas", "*", "prompt"],
        NO_PROMPT,
    ),
];

const LAST: &[Retired] = &[
    Retired::at(
        Scope::Root,
        &["secrets", "providers", "*", "allowInsecurePath"],
        NO_BYPASS,
    ),
    Retired::at(
        Scope::Root,
        &["secrets", "providers", "*", "allowSymlinkCommand"],
        NO_BYPASS,
    ),
    Retired::at(
        Scope::Root,
        &["security", "installPolicy", "exec", "allowInsecurePath"],
        NO_BYPASS,
    ),
    Retired::at(
        Scope::Root,
        &["security", "installPolicy", "exec", "allowSymlinkCommand"],
        NO_BYPASS,
    ),
];

/// Brings these settings together.
pub(super) fn all(root: &mut Record, log: &mut Log) {
    apply_retired(FIRST, root, log);
    wide_area(root, log);
    signal(root, log);
    service_accounts(root, log);
    session::idle_minutes(root, log);
    exec_modes(root, log);
    compaction(root, log);
    session_arguments(root, log);
    web(root, log);
    response_prefix(root, log);
    knobs::settled(root, log);
    apply_retired(LAST, root, log);
}

/// Naming a domain turns wide-area discovery on.
fn wide_area(root: &mut Record, log: &mut Log) {
    let Some(area) = record_at_mut(root, &["discovery", "wideArea"]) else {
        return;
    };
    let path = at(&["discovery", "wideArea"]);
    let Some(enabled) = take(area, "enabled") else {
        return;
    };
    log.removed(&path.key("enabled"), "naming a domain turns it on");
    if enabled == Value::Bool(false) && trimmed(area, "domain").is_some() {
        take(area, "domain");
        log.removed(&path.key("domain"), "it was off");
    }
}

/// Signal's endpoint is one address.
fn signal(root: &mut Record, log: &mut Log) {
    let Some(signal) = record_at(root, &["channels", "signal"]) else {
        return;
    };
    let whole = signal.clone();
    Scope::Channel("signal").visit(root, &mut |entry, path| {
        let is_account = path.segments().len() > 2;
        signal_endpoint(entry, path, Some(&whole).filter(|_| is_account), log);
    });
}

fn signal_endpoint(entry: &mut Record, path: &KeyPath, whole: Option<&Record>, log: &mut Log) {
    const DEFAULT_HOST: &str = "127.0.0.1";
    let parts = ["httpHost", "httpPort"].map(|key| take(entry, key));
    if parts.iter().all(Option::is_none) {
        return;
    }
    let to = path.key("httpUrl");
    let from = path.key(if parts[0].is_some() {
        "httpHost"
    } else {
        "httpPort"
    });
    let inherits = |key: &str| whole.and_then(|whole| whole.get(key)).cloned();
    if entry.contains_key("httpUrl") || inherits("httpUrl").is_some_and(|url| url.is_string()) {
        log.superseded(&from, &to);
        return;
    }
    let [host, port] = parts.map(|part| part.filter(|part| !part.is_null()));
    let host = host.or_else(|| inherits("httpHost"));
    let host = host.as_ref().and_then(Value::as_str).map(str::trim);
    let host = host.filter(|host| !host.is_empty()).unwrap_or(DEFAULT_HOST);
    let port = port.or_else(|| inherits("httpPort"));
    let port = port
        .filter(Value::is_number)
        .unwrap_or_else(|| Value::from(8080));
    let url = if host.contains(':') && !host.starts_with('[') {
        format!("http://[{host}]:{port}")
    } else {
        format!("http://{host}:{port}")
    };
    entry.insert("httpUrl".to_owned(), Value::from(url));
    entry.entry("autoStart").or_insert(Value::Bool(true));
    log.turned(&from, &to, "as one address");
}

/// A reference to a service account is written where the account would be, and wins.
fn service_accounts(root: &mut Record, log: &mut Log) {
    Scope::Channel("googlechat").visit(root, &mut |entry, path| {
        if let Some(reference) = take(entry, "serviceAccountRef") {
            entry.insert("serviceAccount".to_owned(), reference);
            log.moved(&path.key("serviceAccountRef"), &path.key("serviceAccount"));
        }
    });
}

const EXEC: [&str; 2] = ["tools", "exec"];
const POLICY: [&str; 2] = ["security", "ask"];

/// What may be run, and when somebody is asked: `security` and `ask`.
#[derive(Clone, Debug, Default)]
struct Policy {
    security: Option<String>,
    ask: Option<String>,
}

/// What may be run is one mode.
fn exec_modes(root: &mut Record, log: &mut Log) {
    let inherited = record_at(root, &EXEC).map(configured).unwrap_or_default();
    exec_mode(root, &KeyPath::root(), &Policy::default(), log);
    Scope::Agents.visit(root, &mut |agent, path| {
        exec_mode(agent, path, &inherited, log);
    });
}

/// Returns the policy of the root that agents inherit; only a complete one counts.
fn configured(exec: &Record) -> Policy {
    let of = |security: &str, ask: &str| Policy {
        security: Some(security.to_owned()),
        ask: Some(ask.to_owned()),
    };
    match text_at(exec, &["mode"]) {
        Some("deny") => of("deny", "off"),
        Some("allowlist") => of("allowlist", "off"),
        Some("ask" | "auto") => of("allowlist", "on-miss"),
        Some("full") => of("full", "off"),
        _ => match own_policy(exec) {
            [Some(security), Some(ask)] => of(&security, &ask),
            _ => Policy::default(),
        },
    }
}

fn own_policy(exec: &Record) -> [Option<String>; 2] {
    let known: [&[&str]; 2] = [
        &["deny", "allowlist", "full"],
        &["on-miss", "always", "off"],
    ];
    let own = |key: &str, known: &[&str]| {
        let value = text_at(exec, &[key]).filter(|value| known.contains(value));
        value.map(str::to_owned)
    };
    let [security, ask] = known;
    [own("security", security), own("ask", ask)]
}

fn exec_mode(scope: &mut Record, path: &KeyPath, inherited: &Policy, log: &mut Log) {
    let Some(exec) = record_at_mut(scope, &EXEC) else {
        return;
    };
    let path = below(path, &EXEC);
    let said = POLICY.map(|key| exec.contains_key(key));
    let to = path.key("mode");
    if said == [false, false] {
        return;
    }
    if !exec.contains_key("mode") {
        let [security, ask] = own_policy(exec);
        let [says_security, says_ask] = said;
        if (says_security && security.is_none()) || (says_ask && ask.is_none()) {
            return;
        }
        let security = security.or_else(|| inherited.security.clone());
        let ask = ask.or_else(|| inherited.ask.clone());
        let mode = match (security.as_deref(), ask.as_deref()) {
            (None, _) | (_, None | Some("always")) | (Some("full"), Some("on-miss")) => return,
            (Some("deny"), _) => "deny",
            (Some("full"), _) => "full",
            (_, Some("off")) => "allowlist",
            _ => "ask",
        };
        exec.insert("mode".to_owned(), Value::from(mode));
        for key in POLICY {
            if take(exec, key).is_some() {
                log.turned(&path.key(key), &to, "which says both in one word");
            }
        }
        return;
    }
    for key in POLICY {
        if take(exec, key).is_some() {
            log.superseded(&path.key(key), &to);
        }
    }
}

/// How a conversation is shortened is not told in words any more.
fn compaction(root: &mut Record, log: &mut Log) {
    const WHY: &str = "a compaction follows no instructions of its own";
    const INSTRUCTIONS: &[Retired] = &[
        Retired::at(
            Scope::AgentsAndDefaults,
            &["compaction", "customInstructions"],
            WHY,
        ),
        Retired::at(
            Scope::AgentsAndDefaults,
            &["compaction", "identifierInstructions"],
            WHY,
        ),
        Retired::at(
            Scope::AgentsAndDefaults,
            &["compaction", "memoryFlush", "prompt"],
            WHY,
        ),
        Retired::at(
            Scope::AgentsAndDefaults,
            &["compaction", "memoryFlush", "systemPrompt"],
            WHY,
        ),
    ];
    apply_retired(INSTRUCTIONS, root, log);
    Scope::AgentsAndDefaults.visit(root, &mut |agent, path| {
        let compaction = record_at_mut(agent, &["compaction"]);
        let custom = compaction.filter(|own| text_at(own, &["identifierPolicy"]) == Some("custom"));
        if let Some(compaction) = custom {
            compaction.insert("identifierPolicy".to_owned(), Value::from("strict"));
            let path = below(path, &["compaction", "identifierPolicy"]);
            log.renamed(&path, "custom", "strict");
        }
    });
}

/// A command-line backend takes its session in a list of arguments.
fn session_arguments(root: &mut Record, log: &mut Log) {
    Scope::AgentsAndDefaults.visit(root, &mut |agent, path| {
        let backends = record_at_mut(agent, &["cliBackends"]);
        for (id, backend) in backends.into_iter().flatten() {
            let Some(backend) = backend.as_object_mut() else {
                continue;
            };
            let Some(argument) = take(backend, "sessionArg") else {
                continue;
            };
            let path = below(path, &["cliBackends", id]);
            let (from, to) = (path.key("sessionArg"), path.key("sessionArgs"));
            if backend.contains_key("sessionArgs") || !argument.is_string() {
                log.superseded(&from, &to);
            } else {
                let arguments = vec![argument, Value::from("{sessionId}")];
                backend.insert("sessionArgs".to_owned(), Value::from(arguments));
                log.moved(&from, &to);
            }
        }
    });
}

/// `WhatsApp`'s web session is a part of `WhatsApp`.
fn web(root: &mut Record, log: &mut Log) {
    let Some(web) = super::tree::take_record(root, "web") else {
        return;
    };
    let Some(enabled) = web.get("enabled") else {
        log.removed(&at(&["web"]), "it is a part of WhatsApp");
        return;
    };
    let whatsapp = made(root, &["channels", "whatsapp"]);
    let from = at(&["web", "enabled"]);
    let to = at(&["channels", "whatsapp", "enabled"]);
    if whatsapp.contains_key("enabled") {
        log.superseded(&from, &to);
    } else {
        whatsapp.insert("enabled".to_owned(), enabled.clone());
        log.moved(&from, &to);
    }
}

/// The channels that can begin their answers with a prefix of their own.
const PREFIXED: [&str; 21] = [
    "buzz",
    "clickclack",
    "discord",
    "feishu",
    "googlechat",
    "imessage",
    "irc",
    "line",
    "matrix",
    "mattermost",
    "msteams",
    "nextcloud-talk",
    "qa-channel",
    "signal",
    "slack",
    "telegram",
    "tlon",
    "twitch",
    "whatsapp",
    "zalo",
    "zalouser",
];

/// Each channel has its own prefix; the common one stays for those that have none.
fn response_prefix(root: &mut Record, log: &mut Log) {
    let from = ["messages", "responsePrefix"];
    let Some(prefix) = super::tree::value_at(root, &from).cloned() else {
        return;
    };
    super::scope::each_channel(root, |id, channel| {
        if PREFIXED.contains(&id) && !channel.contains_key("responsePrefix") {
            channel.insert("responsePrefix".to_owned(), prefix.clone());
            let to = at(&["channels", id, "responsePrefix"]);
            let text = format!("copied `{}` to `{to}`", at(&from));
            log.push(&at(&from), Some(&to), text);
        }
    });
}

/// Where the messages of `WhatsApp` were told apart from others.
pub(super) const MOVED: &[Move] = &[Move {
    scope: Scope::Root,
    from: &["messages", "messagePrefix"],
    to: &["channels", "whatsapp", "responsePrefix"],
}];
