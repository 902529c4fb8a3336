//! What a model's server does differently from the API that it claims to speak.
//!
//! Three things are held together: what the configuration says ([`Quirks`]), what is known of the
//! server by its address (`Server`), and what is known of the model by its name (`Family`).
//! A `Dialect` answers from the first of them that has an answer. What holds for every API, such
//! as a model without tools, is done to the request itself in `fitted`.

mod dialect;
mod family;
mod fit;
mod server;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

pub(crate) use dialect::{Api, Dialect};
pub(crate) use family::{Family, LongCache};
pub(crate) use fit::fitted;
pub(crate) use server::Server;

use crate::request::Effort;

/// The quirks of one model, as `models.providers.<id>.models[].compat` tells them.
///
/// What is left open follows from the server's address and the model's name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quirks {
    switches: BTreeMap<Switch, bool>,
    /// The field that bounds an answer.
    pub max_tokens_field: Option<MaxTokensField>,
    /// How the server is told to think.
    pub thinking_format: Option<ThinkingFormat>,
    /// The words for effort that the server knows.
    pub efforts: Option<Vec<String>>,
    /// The server's word for an effort, by OpenClaw's.
    pub effort_names: BTreeMap<String, String>,
    /// Keywords of JSON Schema that the server refuses.
    pub unsupported_keywords: Vec<String>,
    /// Whether the parts of a prompt that are to be cached are marked as Anthropic has it.
    pub marks_cache: bool,
    /// What `OpenRouter` is told about the providers behind it, as it is.
    pub routing: Option<Value>,
}

/// Something that a server does or does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Switch {
    /// It takes `store`.
    Store,
    /// It takes `prompt_cache_key`.
    PromptCacheKey,
    /// It keeps a prompt longer when it is asked to.
    LongCacheRetention,
    /// It knows the role `developer`.
    DeveloperRole,
    /// It takes an effort.
    ReasoningEffort,
    /// It takes `temperature`.
    Temperature,
    /// It takes the system prompt beside the conversation (Responses).
    Instructions,
    /// It tells the usage of a stream.
    UsageInStreaming,
    /// The model can call tools.
    Tools,
    /// It takes `strict` with a tool.
    StrictMode,
    /// It takes nothing but text as content.
    StringContent,
    /// It takes nothing but `role` and `content` in a message.
    StrictMessageKeys,
    /// It wants the tool's name with its result.
    ToolResultName,
    /// It wants words of the model between tool results and the user's.
    AssistantAfterToolResult,
    /// It takes thoughts back as words.
    ThinkingAsText,
    /// It wants `reasoning_content` in every answer that it gets back.
    ReasoningContent,
    /// It wants the conversation's name in the header `session_id` (Responses).
    SessionIdHeader,
    /// It wants the conversation's name in headers, to send it to the same machine again.
    SessionAffinityHeaders,
}

/// The switches by their names in `compat`.
const SWITCHES: &[(&str, Switch)] = &[
    ("supportsStore", Switch::Store),
    ("supportsPromptCacheKey", Switch::PromptCacheKey),
    ("supportsLongCacheRetention", Switch::LongCacheRetention),
    ("supportsDeveloperRole", Switch::DeveloperRole),
    ("supportsReasoningEffort", Switch::ReasoningEffort),
    ("supportsTemperature", Switch::Temperature),
    ("supportsInstructions", Switch::Instructions),
    ("supportsUsageInStreaming", Switch::UsageInStreaming),
    ("supportsTools", Switch::Tools),
    ("supportsStrictMode", Switch::StrictMode),
    ("requiresStringContent", Switch::StringContent),
    ("strictMessageKeys", Switch::StrictMessageKeys),
    ("requiresToolResultName", Switch::ToolResultName),
    (
        "requiresAssistantAfterToolResult",
        Switch::AssistantAfterToolResult,
    ),
    ("requiresThinkingAsText", Switch::ThinkingAsText),
    (
        "requiresReasoningContentOnAssistantMessages",
        Switch::ReasoningContent,
    ),
    ("sendSessionIdHeader", Switch::SessionIdHeader),
    ("sendSessionAffinityHeaders", Switch::SessionAffinityHeaders),
];

/// The field that bounds an answer in Chat Completions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxTokensField {
    /// `max_tokens`, which every server but OpenAI's knows.
    MaxTokens,
    /// `max_completion_tokens`.
    MaxCompletionTokens,
}

/// How a server is told to think in Chat Completions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThinkingFormat {
    /// `reasoning_effort`.
    OpenAI,
    /// `reasoning: {effort}`.
    OpenRouter,
    /// `thinking: {type}` and `reasoning_effort`.
    DeepSeek,
    /// `reasoning: {enabled}` and `reasoning_effort`.
    Together,
    /// `enable_thinking`.
    Qwen,
    /// `chat_template_kwargs: {enable_thinking}`.
    QwenChatTemplate,
    /// `thinking: {type, clear_thinking}`.
    Zai,
}

impl ThinkingFormat {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "openai" => Self::OpenAI,
            "openrouter" => Self::OpenRouter,
            "deepseek" => Self::DeepSeek,
            "together" => Self::Together,
            "qwen" => Self::Qwen,
            "qwen-chat-template" => Self::QwenChatTemplate,
            "zai" => Self::Zai,
            _ => return None,
        })
    }
}

impl Quirks {
    /// Reads the object `compat`; what it does not understand it leaves open.
    pub fn read(compat: &Map<String, Value>) -> Self {
        let mut quirks = Self::default();
        for (key, value) in compat {
            // `ignored` tells the user.
            let _understood = quirks.set(key, value);
        }
        quirks
    }

    /// Returns the keys of `compat` that have no effect here.
    pub fn ignored(compat: &Map<String, Value>) -> Vec<String> {
        let mut quirks = Self::default();
        let ignored = compat
            .iter()
            .filter(|(key, value)| quirks.set(key, value).is_none());
        ignored.map(|(key, _)| key.clone()).collect()
    }

    #[cfg(test)]
    pub(crate) fn with(mut self, switch: Switch) -> Self {
        self.switches.insert(switch, true);
        self
    }

    #[cfg(test)]
    pub(crate) fn without(mut self, switch: Switch) -> Self {
        self.switches.insert(switch, false);
        self
    }

    /// Returns what the configuration says of a switch.
    pub fn says(&self, switch: Switch) -> Option<bool> {
        self.switches.get(&switch).copied()
    }

    /// Takes one key; none if it is unknown or its value makes no sense.
    fn set(&mut self, key: &str, value: &Value) -> Option<()> {
        if let Some((_, switch)) = SWITCHES.iter().find(|(name, _)| *name == key) {
            self.switches.insert(*switch, value.as_bool()?);
            return Some(());
        }
        match key {
            "maxTokensField" => {
                self.max_tokens_field = Some(match value.as_str()? {
                    "max_tokens" => MaxTokensField::MaxTokens,
                    "max_completion_tokens" => MaxTokensField::MaxCompletionTokens,
                    _ => return None,
                });
            }
            "thinkingFormat" => {
                self.thinking_format = Some(ThinkingFormat::named(value.as_str()?)?);
            }
            "supportedReasoningEfforts" => self.efforts = Some(texts(value)?),
            "reasoningEffortMap" => {
                let names = value.as_object()?.iter().filter_map(|(ours, theirs)| {
                    Some((
                        ours.to_ascii_lowercase(),
                        theirs.as_str()?.trim().to_owned(),
                    ))
                });
                self.effort_names = names.collect();
            }
            "unsupportedToolSchemaKeywords" => self.unsupported_keywords = texts(value)?,
            "cacheControlFormat" if value == "anthropic" => self.marks_cache = true,
            "openRouterRouting" if value.is_object() => self.routing = Some(value.clone()),
            _ => return None,
        }
        Some(())
    }
}

fn texts(value: &Value) -> Option<Vec<String>> {
    let texts = value.as_array()?.iter().filter_map(Value::as_str);
    Some(texts.map(str::to_owned).collect())
}

/// Efforts that are not `off`, the least first, with their names on the wire.
pub(crate) const EFFORTS: &[(Effort, &str)] = &[
    (Effort::Minimal, "minimal"),
    (Effort::Low, "low"),
    (Effort::Medium, "medium"),
    (Effort::High, "high"),
    (Effort::XHigh, "xhigh"),
    (Effort::Max, "max"),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn reads_what_openclaws_schema_allows() {
        let compat = object(json!({
            "supportsStore": false,
            "maxTokensField": "max_tokens",
            "thinkingFormat": "qwen-chat-template",
            "supportedReasoningEfforts": ["low", "high"],
            "reasoningEffortMap": {"High": "intense"},
            "unsupportedToolSchemaKeywords": ["pattern"],
            "cacheControlFormat": "anthropic",
            "openRouterRouting": {"only": ["groq"]},
        }));
        assert_eq!(Quirks::ignored(&compat), [""; 0]);
        assert_eq!(
            Quirks::read(&compat),
            Quirks {
                max_tokens_field: Some(MaxTokensField::MaxTokens),
                thinking_format: Some(ThinkingFormat::QwenChatTemplate),
                efforts: Some(vec!["low".into(), "high".into()]),
                effort_names: [("high".into(), "intense".into())].into(),
                unsupported_keywords: vec!["pattern".into()],
                marks_cache: true,
                routing: Some(json!({"only": ["groq"]})),
                ..Quirks::default().without(Switch::Store)
            }
        );
    }

    #[test]
    fn what_makes_no_sense_is_named_and_left_open() {
        let compat = object(json!({
            "codeMode": "preferred",
            "maxTokensField": "tokens",
            "supportsStore": "yes",
            "supportsTools": true,
            "thinkingFormat": 3,
            "toolSchemaProfile": "gemini",
        }));
        assert_eq!(
            Quirks::ignored(&compat),
            [
                "codeMode",
                "maxTokensField",
                "supportsStore",
                "thinkingFormat",
                "toolSchemaProfile"
            ]
        );
        assert_eq!(Quirks::read(&compat), Quirks::default().with(Switch::Tools));
    }
}
