//! The wire formats that the fake speaks.

/// A model API's wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WireFormat {
    /// Anthropic Messages: `POST /v1/messages`.
    Anthropic,
    /// OpenAI Chat Completions: `POST /v1/chat/completions`.
    OpenAi,
    /// Google Gemini: `POST /v1beta/models/{model}:streamGenerateContent`.
    Google,
    /// Ollama's own: `POST /api/chat`.
    Ollama,
    /// OpenAI Responses: `POST /v1/responses`.
    Responses,
    /// Chat Completions at Azure: `POST /openai/deployments/{model}/chat/completions`.
    Azure,
    /// Responses at Azure: `POST /openai/v1/responses`.
    AzureResponses,
}

impl WireFormat {
    /// The two formats that most servers speak, for tests that run once for each.
    pub const ALL: [Self; 2] = [Self::Anthropic, Self::OpenAi];

    const EVERY: [Self; 7] = [
        Self::Anthropic,
        Self::OpenAi,
        Self::Google,
        Self::Ollama,
        Self::Responses,
        Self::Azure,
        Self::AzureResponses,
    ];

    /// Returns the name by which a config's `api` calls it.
    pub const fn api(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic-messages",
            // OpenClaw's config has no name for Azure's; its address tells.
            Self::OpenAi | Self::Azure => "openai-completions",
            Self::Google => "google-generative-ai",
            Self::Ollama => "ollama",
            Self::Responses => "openai-responses",
            Self::AzureResponses => "azure-openai-responses",
        }
    }

    /// Returns the path that requests are posted to; Google's and Azure's name the model
    /// `fake-model`.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Anthropic => "/v1/messages",
            Self::OpenAi => "/v1/chat/completions",
            Self::Google => "/v1beta/models/fake-model:streamGenerateContent",
            Self::Ollama => "/api/chat",
            Self::Responses => "/v1/responses",
            Self::Azure => "/openai/deployments/fake-model/chat/completions",
            Self::AzureResponses => "/openai/v1/responses",
        }
    }

    pub(super) fn of_path(path: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|wire| match wire {
            Self::Google => google_model(path).is_some(),
            Self::Azure => is_deployment(path),
            _ => wire.path() == path,
        })
    }
}

/// Tells whether a path of Azure's names a deployment.
fn is_deployment(path: &str) -> bool {
    path.strip_prefix("/openai/deployments/")
        .and_then(|rest| rest.strip_suffix("/chat/completions"))
        .is_some_and(|name| !name.is_empty() && !name.contains('/'))
}

/// Returns the model that a path of Google's names, and whether the answer is to stream.
pub(super) fn google_model(path: &str) -> Option<(&str, bool)> {
    let (model, method) = path.strip_prefix("/v1beta/models/")?.split_once(':')?;
    match method {
        "streamGenerateContent" => Some((model, true)),
        "generateContent" => Some((model, false)),
        _ => None,
    }
}
