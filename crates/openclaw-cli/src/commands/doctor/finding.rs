//! One thing that is worth knowing, in the shape that TypeScript OpenClaw's `doctor --lint` has.

use std::path::PathBuf;

use serde::Serialize;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    /// It is as it should be, or may be.
    Info,
    /// Something does not work as well as it could, or soon will not.
    Warning,
    /// Something does not work, or cannot be trusted.
    Error,
}

impl Severity {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing that is worth knowing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Finding {
    /// Its name, which never changes.
    pub(super) check_id: &'static str,
    /// How bad it is.
    pub(super) severity: Severity,
    /// What is so.
    pub(super) message: String,
    /// Why that matters, or how it came to be.
    pub(super) why: String,
    /// The file or folder.
    pub(super) path: PathBuf,
    /// What to do about it: a command where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fix_hint: Option<String>,
}
