//! What is known of a server by its address.

use super::{MaxTokensField, Switch, ThinkingFormat};

/// Whose server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    OpenAI,
    Azure,
    OpenRouter,
    DeepSeek,
    Moonshot,
    Mistral,
    ModelStudio,
    Together,
    XAi,
    Xiaomi,
    Zai,
    Cerebras,
    Chutes,
    Cloudflare,
    /// Somebody else's, or one's own.
    Other,
}

/// The servers by the names of their hosts, which may have others before them.
const HOSTS: &[(&str, Server)] = &[
    ("api.openai.com", Server::OpenAI),
    ("openai.azure.com", Server::Azure),
    ("services.ai.azure.com", Server::Azure),
    ("cognitiveservices.azure.com", Server::Azure),
    ("openrouter.ai", Server::OpenRouter),
    ("api.deepseek.com", Server::DeepSeek),
    ("api.moonshot.ai", Server::Moonshot),
    ("api.moonshot.cn", Server::Moonshot),
    ("api.mistral.ai", Server::Mistral),
    ("dashscope.aliyuncs.com", Server::ModelStudio),
    ("dashscope-intl.aliyuncs.com", Server::ModelStudio),
    ("dashscope-us.aliyuncs.com", Server::ModelStudio),
    ("api.together.xyz", Server::Together),
    ("api.together.ai", Server::Together),
    ("api.x.ai", Server::XAi),
    ("api.xiaomimimo.com", Server::Xiaomi),
    ("api.z.ai", Server::Zai),
    ("open.bigmodel.cn", Server::Zai),
    ("api.cerebras.ai", Server::Cerebras),
    ("llm.chutes.ai", Server::Chutes),
    ("api.cloudflare.com", Server::Cloudflare),
    ("gateway.ai.cloudflare.com", Server::Cloudflare),
];

impl Server {
    pub(crate) fn of(base_url: &str) -> Self {
        let host = host(base_url).to_ascii_lowercase();
        let known = HOSTS.iter().find(|(name, _)| {
            host.strip_suffix(name)
                .is_some_and(|before| before.is_empty() || before.ends_with('.'))
        });
        known.map_or(Self::Other, |(_, server)| *server)
    }

    /// Tells what it does unless the configuration says otherwise.
    ///
    /// The values are OpenClaw's (`resolveOpenAICompletionsCompatDefaults`), with one difference: a
    /// server of which nothing is known gets what every server takes, and nothing that is OpenAI's.
    pub(super) const fn does(self, switch: Switch) -> bool {
        match switch {
            Switch::Store | Switch::StrictMode | Switch::PromptCacheKey => {
                matches!(self, Self::OpenAI | Self::Azure)
            }
            Switch::LongCacheRetention => {
                !matches!(self, Self::ModelStudio | Self::Together | Self::Cloudflare)
            }
            Switch::DeveloperRole => matches!(self, Self::OpenAI),
            Switch::Instructions => matches!(self, Self::OpenAI | Self::Azure | Self::XAi),
            Switch::ReasoningEffort => {
                !matches!(self, Self::Zai | Self::Together | Self::Mistral | Self::XAi)
            }
            Switch::ReasoningContent => matches!(self, Self::DeepSeek | Self::Xiaomi),
            Switch::UsageInStreaming | Switch::Tools | Switch::Temperature => true,
            Switch::StringContent
            | Switch::StrictMessageKeys
            | Switch::ToolResultName
            | Switch::AssistantAfterToolResult
            | Switch::ThinkingAsText
            | Switch::SessionIdHeader
            | Switch::SessionAffinityHeaders => false,
        }
    }

    pub(super) const fn max_tokens_field(self) -> MaxTokensField {
        match self {
            // The newer models refuse `max_tokens`.
            Self::OpenAI | Self::Azure => MaxTokensField::MaxCompletionTokens,
            _ => MaxTokensField::MaxTokens,
        }
    }

    pub(super) const fn thinking_format(self) -> ThinkingFormat {
        match self {
            Self::DeepSeek | Self::Xiaomi => ThinkingFormat::DeepSeek,
            Self::Zai => ThinkingFormat::Zai,
            Self::Together => ThinkingFormat::Together,
            Self::OpenRouter => ThinkingFormat::OpenRouter,
            _ => ThinkingFormat::OpenAI,
        }
    }

    /// Tells whether the parts of a prompt that are to be cached are marked for this model.
    pub(super) fn marks_cache(self, model: &str) -> bool {
        match self {
            Self::ModelStudio => true,
            Self::OpenRouter => model.starts_with("anthropic/"),
            _ => false,
        }
    }
}

fn host(url: &str) -> &str {
    let (_scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (_user, place) = authority.rsplit_once('@').unwrap_or(("", authority));
    place.split(':').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_its_host() {
        for (url, server) in [
            ("https://api.openai.com/v1", Server::OpenAI),
            ("https://eu.API.openai.com:443/v1", Server::OpenAI),
            ("https://api.openai.com.example/v1", Server::Other),
            ("https://notapi.openai.com/v1", Server::Other),
            ("https://me@x.openai.azure.com/openai", Server::Azure),
            ("https://openrouter.ai/api/v1", Server::OpenRouter),
            ("http://127.0.0.1:11434/v1", Server::Other),
            ("", Server::Other),
        ] {
            assert_eq!(Server::of(url), server, "{url}");
        }
    }
}
