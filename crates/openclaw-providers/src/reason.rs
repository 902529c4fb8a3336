//! What a provider's refusal amounts to, whichever words it uses.
//!
//! Every API has names for errors, and every server that copies an API has its own idea of them. So
//! the name comes first, and where it says no more than that something is wrong, the words for
//! people are searched for what providers are known to write.

use openclaw_core::ProviderId;

/// What a provider's refusal amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The request is wrong, or the model cannot do what it asks for.
    InvalidRequest,
    /// The key is wrong.
    Authentication,
    /// There is no money left.
    Billing,
    /// The key may not do this.
    Permission,
    /// The model or the address does not exist.
    NotFound,
    /// The request has too many bytes.
    TooLarge,
    /// The conversation has more tokens than the model can take.
    ContextLength,
    /// The provider's filter objects to the request.
    ContentFilter,
    /// The model cannot call tools, and the request offers some.
    NoTools,
    /// Too many requests or tokens in too short a time.
    RateLimited,
    /// The provider has too much to do.
    Overloaded,
    /// The provider took too long.
    Timeout,
    /// Something went wrong at the provider.
    Server,
    /// Something that we have no name for.
    Unknown,
}

/// Words by which a reason is known, in lower case, the more telling ones first.
const WORDS: &[(Reason, &[&str])] = &[
    (
        Reason::ContextLength,
        &[
            // Anthropic
            "prompt is too long",
            "exceed context limit",
            // OpenAI, vLLM, OpenRouter
            "maximum context length",
            "context length is only",
            "exceeds the context window",
            "context_length_exceeded",
            "context length exceeded",
            // Google
            "exceeds the maximum number of tokens",
            // Ollama
            "exceeds the context length",
            "exceeded max context length",
            // llama.cpp, LM Studio
            "exceeds the available context size",
            "greater than the context length",
            // xAI, Groq, Amazon
            "maximum prompt length",
            "reduce the length of the messages",
            "input is too long for requested model",
        ],
    ),
    (
        Reason::ContentFilter,
        &[
            // Anthropic
            "blocked by content filtering",
            // Azure
            "content management policy",
            "responsibleaipolicyviolation",
            // OpenAI
            "violating our usage policy",
            "result of our safety system",
            // Google
            "prohibited_content",
            "blocked by safety",
            // DeepSeek, Qwen
            "content exists risk",
            "inappropriate content",
        ],
    ),
    (
        Reason::NoTools,
        &[
            // Ollama
            "does not support tools",
            // OpenRouter
            "that support tool use",
            // Groq, Google
            "does not support function calling",
            "function calling is not enabled",
        ],
    ),
    (
        Reason::Billing,
        &[
            // Anthropic
            "credit balance is too low",
            "reached your specified api usage limits",
            // OpenAI
            "exceeded your current quota",
            "billing hard limit",
            // DeepSeek, OpenRouter
            "insufficient balance",
            "insufficient credits",
            "requires more credits",
        ],
    ),
    (
        Reason::Authentication,
        &[
            "api key not valid",
            "api key expired",
            "incorrect api key",
            "invalid api key",
            "invalid x-api-key",
            "invalid bearer token",
            "invalid subscription key",
        ],
    ),
    (
        Reason::NotFound,
        &[
            "model not found",
            "no such model",
            "unknown model",
            "model does not exist",
            "model not exist",
            "is not a valid model",
            "is not found for api version",
            "try pulling it first",
            "does not exist or you do not have access to it",
        ],
    ),
    (Reason::Overloaded, &["overloaded", "at capacity"]),
];

impl Reason {
    /// Finds the reason by the name that an API gives to an error, or by a status in its place.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "invalid_request_error" | "BadRequestError" | "INVALID_ARGUMENT" => {
                Self::InvalidRequest
            }
            "authentication_error" | "invalid_api_key" | "UNAUTHENTICATED" => Self::Authentication,
            "billing_error"
            | "insufficient_quota"
            | "insufficient_user_quota"
            | "billing_hard_limit_reached"
            | "billing_not_active" => Self::Billing,
            "permission_error" | "PERMISSION_DENIED" => Self::Permission,
            "not_found_error" | "model_not_found" | "NotFoundError" | "NOT_FOUND"
            | "DeploymentNotFound" => Self::NotFound,
            "request_too_large" => Self::TooLarge,
            "context_length_exceeded" | "exceed_context_size_error" => Self::ContextLength,
            "content_filter"
            | "content_policy_violation"
            | "invalid_prompt"
            | "ResponsibleAIPolicyViolation"
            | "data_inspection_failed" => Self::ContentFilter,
            "rate_limit_error" | "rate_limit_exceeded" | "RESOURCE_EXHAUSTED" => Self::RateLimited,
            "overloaded_error" | "service_unavailable" | "UNAVAILABLE" => Self::Overloaded,
            "timeout_error" | "DEADLINE_EXCEEDED" => Self::Timeout,
            "api_error" | "server_error" | "internal_error" | "INTERNAL" => Self::Server,
            _ => return name.parse().ok().map(Self::of_status),
        })
    }

    /// Finds the reason by an HTTP status.
    pub(crate) const fn of_status(status: u64) -> Self {
        match status {
            400 | 422 => Self::InvalidRequest,
            401 => Self::Authentication,
            402 => Self::Billing,
            403 => Self::Permission,
            404 => Self::NotFound,
            413 => Self::TooLarge,
            429 => Self::RateLimited,
            503 | 529 => Self::Overloaded,
            408 | 504 => Self::Timeout,
            500..=599 => Self::Server,
            _ => Self::Unknown,
        }
    }

    /// Returns a closer reason, if this one says little and the provider's words say more.
    ///
    /// Google writes of quotas where it means a rate, so a limit stays a limit whatever the words.
    pub(crate) fn or_by_words(self, message: &str) -> Self {
        match self {
            Self::InvalidRequest | Self::TooLarge | Self::Server | Self::Unknown => {
                let message = message.to_lowercase();
                let said = |(_, words): &&(Self, &[&str])| {
                    words.iter().any(|words| message.contains(words))
                };
                WORDS.iter().find(said).map_or(self, |(reason, _)| *reason)
            }
            Self::Authentication
            | Self::Billing
            | Self::Permission
            | Self::NotFound
            | Self::ContextLength
            | Self::ContentFilter
            | Self::NoTools
            | Self::RateLimited
            | Self::Overloaded
            | Self::Timeout => self,
        }
    }

    /// Returns what to do about it.
    pub(crate) fn hint(self, provider: &ProviderId) -> String {
        match self {
            Self::Authentication => format!("check the API key of provider `{provider}`"),
            Self::Permission => format!(
                "check the API key of provider `{provider}` and which models its account may use"
            ),
            Self::Billing => format!("check the credit at provider `{provider}`"),
            Self::NotFound => {
                format!("check the model's name and `baseUrl` of provider `{provider}`")
            }
            Self::TooLarge => "send less or smaller files at once".to_owned(),
            Self::ContextLength => {
                "start a new session or choose a model with more context".to_owned()
            }
            Self::ContentFilter => "put the message differently or choose another model".to_owned(),
            Self::NoTools => "choose a model that can call tools".to_owned(),
            Self::RateLimited | Self::Overloaded | Self::Timeout | Self::Server => {
                "try again later or configure another model".to_owned()
            }
            Self::InvalidRequest => format!(
                "check the model's settings and that `api` of provider `{provider}` is the one it speaks"
            ),
            Self::Unknown => "try again; if it happens again, choose another model".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What providers wrote, as their documentation and their users quote it.
    #[test]
    fn the_words_of_providers_are_understood() {
        for (reason, words) in [
            (
                Reason::ContextLength,
                "prompt is too long: 213462 tokens > 200000 maximum",
            ),
            (
                Reason::ContextLength,
                "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000",
            ),
            (
                Reason::ContextLength,
                "This model's maximum context length is 16384 tokens. However, you requested 122946 tokens",
            ),
            (
                Reason::ContextLength,
                "However, the model's context length is only 1024 tokens, resulting in a maximum input length of 24 tokens.",
            ),
            (
                Reason::ContextLength,
                "Your input exceeds the context window of this model.",
            ),
            (
                Reason::ContextLength,
                "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).",
            ),
            (
                Reason::ContextLength,
                "the request exceeds the available context size. try increasing the context size",
            ),
            (
                Reason::ContextLength,
                "prompt too long; exceeded max context length by 12 tokens",
            ),
            (
                Reason::ContentFilter,
                "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
            ),
            (
                Reason::ContentFilter,
                "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
            ),
            (
                Reason::ContentFilter,
                "Output blocked by content filtering policy",
            ),
            (
                Reason::Billing,
                "Your credit balance is too low to access the Anthropic API.",
            ),
            (
                Reason::Authentication,
                "API key not valid. Please pass a valid API key.",
            ),
            (Reason::NotFound, "Model Not Exist"),
            (
                Reason::NoTools,
                "registry.ollama.ai/library/gemma:2b does not support tools",
            ),
            (Reason::NotFound, "foo/bar is not a valid model ID"),
            (Reason::InvalidRequest, "max_tokens: must be at least 1"),
        ] {
            assert_eq!(Reason::InvalidRequest.or_by_words(words), reason, "{words}");
        }
    }

    #[test]
    fn a_rate_limit_stays_one_whatever_the_words() {
        let words = "You exceeded your current quota, please check your plan and billing details.";
        assert_eq!(Reason::RateLimited.or_by_words(words), Reason::RateLimited);
        assert_eq!(Reason::InvalidRequest.or_by_words(words), Reason::Billing);
    }

    #[test]
    fn names_and_statuses_in_their_place_are_known() {
        assert_eq!(Reason::of_name("429"), Some(Reason::RateLimited));
        assert_eq!(Reason::of_name("UNAVAILABLE"), Some(Reason::Overloaded));
        assert_eq!(Reason::of_name("error"), None);
    }
}
