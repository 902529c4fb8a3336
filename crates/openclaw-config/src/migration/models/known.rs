//! The models that are gone, and what took their places.

use crate::migration::tree::folded;

type Table = &'static [(&'static str, &'static [&'static str])];

const GROQ: Table = &[
    (
        "llama-3.3-70b-versatile",
        &["deepseek-r1-distill-llama-70b", "llama3-70b-8192"],
    ),
    ("llama-3.1-8b-instant", &["gemma2-9b-it", "llama3-8b-8192"]),
    (
        "openai/gpt-oss-120b",
        &[
            "meta-llama/llama-4-maverick-17b-128e-instruct",
            "moonshotai/kimi-k2-instruct",
            "moonshotai/kimi-k2-instruct-0905",
        ],
    ),
    ("qwen/qwen3-32b", &["mistral-saba-24b", "qwen-qwq-32b"]),
];

const XAI: Table = &[
    (
        "grok-build-0.1",
        &[
            "grok-code-fast",
            "grok-code-fast-1",
            "grok-code-fast-1-0825",
        ],
    ),
    (
        "grok-4.3",
        &[
            "grok-4-fast-reasoning",
            "grok-4-1-fast-reasoning",
            "grok-4-0709",
        ],
    ),
    ("grok-imagine-image-quality", &["grok-imagine-image-pro"]),
];

const OPENAI: Table = &[
    (
        "gpt-5.3-codex",
        &["gpt-5.2-codex", "gpt-5.1-codex", "gpt-5-codex"],
    ),
    ("gpt-5.5-pro", &["gpt-5-pro", "gpt-5.2-pro"]),
    ("gpt-5.4-nano", &["gpt-4.1-nano", "gpt-5-nano"]),
    (
        "gpt-5.4-mini",
        &[
            "gpt-4.1-mini",
            "gpt-4o-mini",
            "gpt-5.1-codex-mini",
            "gpt-5-mini",
        ],
    ),
    (
        "gpt-5.5",
        &[
            "gpt-4",
            "gpt-4-turbo",
            "gpt-4.1",
            "gpt-4o",
            "gpt-4o-2024-05-13",
            "gpt-4o-2024-08-06",
            "gpt-4o-2024-11-20",
            "gpt-5",
            "gpt-5-chat-latest",
            "gpt-5.1",
            "gpt-5.1-chat-latest",
            "gpt-5.1-codex-max",
            "gpt-5.2",
            "gpt-5.2-chat-latest",
        ],
    ),
];

/// What differs for a Codex subscription.
const CODEX: Table = &[
    (
        "gpt-5.5",
        &["gpt-5.2", "gpt-5.2-codex", "gpt-5.1-codex", "gpt-5-codex"],
    ),
    ("gpt-5.4-mini", &["gpt-4.1-nano", "gpt-5-nano"]),
];

/// Returns what took the place of a provider's model; both names are in lower case.
pub(super) fn successor(provider: &str, model: &str) -> Option<&'static str> {
    let tables: &[Table] = match provider {
        "groq" => &[GROQ],
        "xai" => &[XAI],
        "openai" if model == "gpt-5.6" => return Some("gpt-5.6-sol"),
        "openai" | "github-copilot" => &[OPENAI],
        "openai-codex" => &[CODEX, OPENAI],
        _ => &[],
    };
    let found = tables
        .iter()
        .flat_map(|table| table.iter())
        .find(|(_, gone)| gone.contains(&model));
    let copilot = ["github-copilot", "copilot-proxy"].contains(&provider);
    match found {
        Some((new, _)) => Some(new),
        None if copilot && model == "grok-code-fast-1" => Some("gpt-5.4-mini"),
        None => None,
    }
}

/// Returns what Google calls a model today.
pub(super) fn google(id: &str) -> String {
    if let Some(own) = id.strip_prefix("google/") {
        return format!("google/{}", google(own));
    }
    let new = match id {
        "gemini-3-pro" | "gemini-3-pro-preview" | "gemini-3.1-pro" => "gemini-3.1-pro-preview",
        "gemini-3-flash" | "gemini-3.1-flash" | "gemini-3.1-flash-preview" => {
            "gemini-3-flash-preview"
        }
        "gemini-3.1-flash-lite-preview" => "gemini-3.1-flash-lite",
        "gemma-4-26b" => "gemma-4-26b-a4b-it",
        _ => id,
    };
    new.to_owned()
}

/// Returns what Together calls a model today; the models of other providers keep their names.
pub(super) fn together(provider: &str, id: &str) -> String {
    let new = match id {
        "moonshotai/Kimi-K2.5" if provider == "together" => "moonshotai/Kimi-K2.6",
        _ => id,
    };
    new.to_owned()
}

/// Providers of Claude whose models follow Anthropic's; the empty name stands for none.
const CLAUDE_PROVIDERS: [&str; 6] = [
    "",
    "anthropic",
    "github-copilot",
    "copilot-proxy",
    "venice",
    "vercel-ai-gateway",
];

/// Returns what took the place of an earlier Claude; the model may have a path before its name.
pub(super) fn claude(provider: &str, model: &str) -> Option<String> {
    if !CLAUDE_PROVIDERS.contains(&provider) {
        return None;
    }
    if let Some((path, name)) = model.rsplit_once('/')
        && let Some(new) = claude_name(provider, name)
    {
        return Some(format!("{path}/{new}"));
    }
    claude_name(provider, model)
}

fn claude_name(provider: &str, name: &str) -> Option<String> {
    let name = folded(name);
    let family = retired_family(&name)?;
    let dotted = ["github-copilot", "copilot-proxy"].contains(&provider);
    let behind = ["venice", "vercel-ai-gateway"].contains(&provider);
    let (prefix, dotted) = match name.strip_prefix("anthropic.") {
        Some(_) => ("anthropic.", false),
        None => ("", dotted),
    };
    let version = match (family, dotted) {
        ("opus", false) if !behind => "4-7",
        ("opus", true) if !behind => "4.7",
        (_, false) => "4-6",
        (_, true) => "4.6",
    };
    Some(format!("{prefix}claude-{family}-{version}"))
}

const OPUS: [&str; 7] = [
    "claude-opus-4",
    "claude-opus-4-5",
    "claude-opus-4.5",
    "claude-opus-4-1",
    "claude-opus-4.1",
    "claude-opus-4-0",
    "claude-opus-4.0",
];
const SONNET: [&str; 7] = [
    "claude-sonnet-4",
    "claude-sonnet-4-5",
    "claude-sonnet-4.5",
    "claude-sonnet-4-1",
    "claude-sonnet-4.1",
    "claude-sonnet-4-0",
    "claude-sonnet-4.0",
];
const SHORT_OPUS: [&str; 4] = ["opus-4.5", "opus-4.1", "opus-4", "opus-3"];
const SHORT_SONNET: [&str; 9] = [
    "sonnet-4.5",
    "sonnet-4.1",
    "sonnet-4.0",
    "sonnet-4",
    "sonnet-3.7",
    "sonnet-3.5",
    "sonnet-3",
    "haiku-3.5",
    "haiku-3",
];

/// Tells whether a Claude is gone, and which family follows it: the small ones follow Sonnet.
fn retired_family(name: &str) -> Option<&'static str> {
    if let Some(own) = name.strip_prefix("anthropic.claude-") {
        let current = |versions: &[&str]| versions.iter().any(|version| own.starts_with(version));
        return match own {
            _ if own.starts_with("opus-") && !current(&["opus-4-7", "opus-4-6"]) => Some("opus"),
            _ if own.starts_with("sonnet-") && !current(&["sonnet-4-6"]) => Some("sonnet"),
            _ if own.starts_with("haiku-") => Some("sonnet"),
            _ => None,
        };
    }
    if is_version_of(name, "claude-opus-4", &OPUS) || SHORT_OPUS.contains(&name) {
        return Some("opus");
    }
    if is_version_of(name, "claude-sonnet-4", &SONNET) || SHORT_SONNET.contains(&name) {
        return Some("sonnet");
    }
    let third = name.starts_with("claude-3");
    if third && name.contains("opus") {
        Some("opus")
    } else if third && (name.contains("sonnet") || name.contains("haiku")) {
        Some("sonnet")
    } else {
        None
    }
}

/// Tells whether a name is one of the versions, one of them with an addition, or has a date.
fn is_version_of(name: &str, first: &str, versions: &[&str]) -> bool {
    const DIGITS: usize = 6;
    let is_addition = |rest: &str| rest.is_empty() || rest.starts_with(['-', '.', ':', '@']);
    let dated = name
        .strip_prefix(first)
        .and_then(|rest| rest.strip_prefix("-20"));
    let dated = dated.and_then(|rest| rest.get(..DIGITS));
    versions.iter().any(|version| {
        let rest = name.strip_prefix(version);
        rest.is_some_and(|rest| {
            if *version == first {
                rest.is_empty()
            } else {
                is_addition(rest)
            }
        })
    }) || dated.is_some_and(|date| date.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Short names of Anthropic's models.
const ANTHROPIC: [&str; 16] = [
    "fable",
    "fable-5",
    "fable-5.1",
    "fable-5-1",
    "haiku",
    "opus-5.5",
    "opus-5-5",
    "opus-5",
    "opus",
    "opus-4.8",
    "opus-4.7",
    "opus-4.6",
    "mythos-5",
    "sonnet-5",
    "sonnet",
    "sonnet-4.6",
];

/// Tells whether a model has the very name that its provider uses, and no short or earlier one.
pub(in crate::migration) fn literal(provider: &str, model: &str) -> bool {
    let key = folded(model);
    let is = |names: &[&str]| names.contains(&key.as_str());
    if let Some(rest) = key.strip_prefix(&format!("{provider}/")) {
        return ["openrouter", "nvidia"].contains(&provider) && !rest.contains('/');
    }
    match provider {
        "anthropic" => !is(&ANTHROPIC),
        "google" | "google-gemini-cli" | "google-vertex" => google(model) == model,
        "openrouter" | "nvidia" => model.contains('/'),
        "vercel-ai-gateway" => {
            !is(&["opus-4.6", "sonnet-5", "sonnet", "sonnet-4.6"]) && !key.starts_with("claude-")
        }
        "xai" => !is(&[
            "grok-4.3-latest",
            "grok-4.5-latest",
            "grok-4.7-latest",
            "grok-build-latest",
            "grok-4-fast-reasoning",
            "grok-4-1-fast-reasoning",
        ]),
        "together" => together(provider, model) == model,
        _ => true,
    }
}
