//! The error object.

use serde::{Deserialize, Serialize};

/// The body of an answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ApiError,
}

/// What went wrong, for programs and people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiError {
    /// A sentence for people.
    pub message: String,
    /// The class of the failure, such as `invalid_request_error`.
    #[serde(rename = "type")]
    pub class: String,
    /// Which member of the request is meant.
    pub param: Option<String>,
    /// Which failure of its class it is.
    pub code: Option<String>,
}

impl ApiError {
    /// Makes an error of a class.
    pub fn new(class: &str, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            class: class.to_owned(),
            param: None,
            code: None,
        }
    }

    /// Makes the error of a request that is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new("invalid_request_error", message)
    }

    /// Says which member of the request is meant.
    #[must_use]
    pub fn about(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// Says which failure of its class it is.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }
}
