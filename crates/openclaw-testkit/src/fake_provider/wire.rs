//! The wire formats that the fake speaks.

/// A model API's wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WireFormat {
    /// Anthropic Messages: `POST /v1/messages`.
    Anthropic,
    /// OpenAI Chat Completions: `POST /v1/chat/completions`.
    OpenAi,
}

impl WireFormat {
    /// Both formats, for tests that run once for each.
    pub const ALL: [Self; 2] = [Self::Anthropic, Self::OpenAi];

    /// Returns the name by which a config's `api` calls it.
    pub const fn api(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic-messages",
            Self::OpenAi => "openai-completions",
        }
    }

    /// Returns the path that requests are posted to.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Anthropic => "/v1/messages",
            Self::OpenAi => "/v1/chat/completions",
        }
    }

    pub(super) fn of_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|wire| wire.path() == path)
    }
}
