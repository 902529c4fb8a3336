//! Params and output of the method that examines the home.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::usage::CapStatus;

/// Params of `doctor.run`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DoctorRunParams {
    /// Read the whole event log and check every hash, which takes its time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deep: bool,
}

/// Output of `doctor.run`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DoctorRunOutput {
    /// The version of this document.
    pub schema_version: u32,
    /// Whether nothing has to be done: there are no warnings and no errors.
    pub ok: bool,
    /// How many checks were made.
    pub checks_run: u32,
    /// How many were not.
    pub checks_skipped: u32,
    /// What was found.
    pub findings: Vec<DoctorFinding>,
    /// The caps that hold on what models may cost.
    pub caps: Vec<CapStatus>,
}

/// One thing that is worth knowing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DoctorFinding {
    /// Its name, which never changes.
    pub check_id: String,
    /// How bad it is.
    pub severity: DoctorSeverity,
    /// What is so.
    pub message: String,
    /// Why that matters, or how it came to be.
    pub why: String,
    /// The file or folder.
    pub path: String,
    /// What to do about it: a command where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix_hint: Option<String>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DoctorSeverity {
    /// It is as it should be, or may be.
    Info,
    /// Something does not work as well as it could, or soon will not.
    Warning,
    /// Something does not work, or cannot be trusted.
    Error,
}

impl DoctorSeverity {
    /// Returns the word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}
