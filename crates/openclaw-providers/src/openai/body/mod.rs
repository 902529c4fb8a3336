//! The body of a request in the Chat Completions API.

mod messages;

use std::borrow::Cow;

use openclaw_core::ProviderId;
use serde::Serialize;
use serde_json::{Map, Value, json};

use self::messages::{Turn, cache_control};
pub(crate) use self::messages::{data_url, result_text};
use crate::quirks::{Dialect, LongCache, MaxTokensField, Switch, ThinkingFormat};
use crate::request::{CacheRetention, Effort, Request, ToolSpec};

/// The longest `prompt_cache_key`, in characters.
const MAX_CACHE_KEY: usize = 64;

#[derive(Clone, Debug, Serialize)]
pub(super) struct Body<'a> {
    model: &'a str,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    /// What only some servers know.
    #[serde(flatten)]
    extras: Map<String, Value>,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
}

impl Body<'_> {
    pub(super) fn without_stream_options(&self) -> Self {
        Self {
            stream_options: None,
            ..self.clone()
        }
    }
}

#[derive(Clone, Debug, Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Clone, Debug, Serialize)]
struct Tool<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<Value>,
}

#[derive(Clone, Debug, Serialize)]
struct Function<'a> {
    name: &'a str,
    description: &'a str,
    parameters: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

/// Writes a request to the model that the server calls `model`.
pub(super) fn of<'a>(
    request: &'a Request,
    model: &'a str,
    dialect: &Dialect,
    own: &ProviderId,
) -> Body<'a> {
    let (max_tokens, max_completion_tokens) = match dialect.max_tokens_field() {
        MaxTokensField::MaxCompletionTokens => (None, request.max_tokens),
        MaxTokensField::MaxTokens => (request.max_tokens, None),
    };
    let usage = dialect.does(Switch::UsageInStreaming);
    let temperature = request.temperature;
    Body {
        model,
        stream: true,
        stream_options: usage.then_some(StreamOptions {
            include_usage: true,
        }),
        max_tokens,
        max_completion_tokens,
        temperature: temperature.filter(|_| dialect.does(Switch::Temperature)),
        extras: extras(request, dialect),
        messages: messages::of(request, dialect, own),
        tools: tools(request, dialect),
    }
}

fn tools<'a>(request: &'a Request, dialect: &Dialect) -> Vec<Tool<'a>> {
    let strict = dialect.does(Switch::StrictMode).then_some(false);
    let tool = |spec: &'a ToolSpec| Tool {
        kind: "function",
        function: Function {
            name: &spec.name,
            description: &spec.description,
            parameters: &spec.parameters,
            strict,
        },
        cache_control: None,
    };
    let mut tools = request.tools.iter().map(tool).collect::<Vec<_>>();
    if let Some(last) = tools.last_mut() {
        last.cache_control = cache_control(request.cache, dialect);
    }
    tools
}

fn extras(request: &Request, dialect: &Dialect) -> Map<String, Value> {
    let mut extras = thoughts(request, dialect);
    if dialect.does(Switch::Store) {
        extras.insert("store".to_owned(), Value::Bool(false));
    }
    if let Some(routing) = &dialect.quirks.routing {
        extras.insert("provider".to_owned(), routing.clone());
    }
    extras.extend(caching(request, dialect));
    extras
}

/// Writes how hard the model is to think, in the server's way.
fn thoughts(request: &Request, dialect: &Dialect) -> Map<String, Value> {
    let mut fields = Map::new();
    let word = match request.tools.as_slice() {
        [] => request.effort.and_then(|effort| dialect.effort(effort)),
        _ => dialect.effort_beside_tools(request.effort),
    };
    let mut put = |field: &str, value: Value| fields.insert(field.to_owned(), value);
    let format = dialect.thinking_format();
    let Some(effort) = request.effort else {
        if let (ThinkingFormat::OpenAI, Some(word)) = (format, word) {
            put("reasoning_effort", word.into());
        }
        return fields;
    };
    let thinks = effort != Effort::Off;
    let word = word.filter(|_| thinks || format == ThinkingFormat::OpenAI);
    match format {
        ThinkingFormat::OpenAI => {}
        ThinkingFormat::OpenRouter => {
            let said = word.map(|word| json!({"effort": word}));
            put("reasoning", said.unwrap_or(json!({"enabled": thinks})));
            return fields;
        }
        ThinkingFormat::DeepSeek => {
            let kind = if thinks { "enabled" } else { "disabled" };
            put("thinking", json!({"type": kind}));
        }
        ThinkingFormat::Together => {
            put("reasoning", json!({"enabled": thinks}));
        }
        ThinkingFormat::Qwen => {
            put("enable_thinking", thinks.into());
            return fields;
        }
        ThinkingFormat::QwenChatTemplate => {
            let kwargs = json!({"enable_thinking": thinks, "preserve_thinking": true});
            put("chat_template_kwargs", kwargs);
            return fields;
        }
        ThinkingFormat::Zai => {
            let said = if thinks {
                json!({"type": "enabled", "clear_thinking": false})
            } else {
                json!({"type": "disabled"})
            };
            put("thinking", said);
        }
    }
    if let Some(word) = word {
        put("reasoning_effort", word.into());
    }
    fields
}

/// Writes by which name the prompt is found in the provider's cache, and how long it is to stay.
pub(crate) fn caching(request: &Request, dialect: &Dialect) -> Map<String, Value> {
    let mut fields = Map::new();
    let known = dialect.does(Switch::PromptCacheKey);
    if !known || request.cache == CacheRetention::None {
        return fields;
    }
    if let Some(name) = cache_key(request) {
        fields.insert("prompt_cache_key".to_owned(), name.into());
    }
    if request.cache == CacheRetention::Long {
        let said = match dialect.long_cache() {
            LongCache::Unknown => None,
            LongCache::Day => Some(("prompt_cache_retention", json!("24h"))),
            LongCache::HalfAnHour => Some(("prompt_cache_options", json!({"ttl": "30m"}))),
        };
        fields.extend(said.map(|(field, value)| (field.to_owned(), value)));
    }
    fields
}

/// Returns the name under which requests of a conversation belong together.
pub(crate) fn cache_key(request: &Request) -> Option<Cow<'_, str>> {
    let name = request.conversation.as_deref()?;
    Some(match name.char_indices().nth(MAX_CACHE_KEY) {
        None => Cow::Borrowed(name),
        Some(_) => Cow::Owned(name.chars().take(MAX_CACHE_KEY).collect()),
    })
}

#[cfg(test)]
mod tests;
