//! One thing that is worth knowing.

use std::path::PathBuf;

use openclaw_ipc::methods::{DoctorFinding, DoctorSeverity};

/// One thing that is worth knowing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its name, which never changes.
    pub check_id: &'static str,
    /// How bad it is.
    pub severity: DoctorSeverity,
    /// What is so.
    pub message: String,
    /// Why that matters, or how it came to be.
    pub why: String,
    /// The file or folder.
    pub path: PathBuf,
    /// What to do about it: a command where there is one.
    pub fix_hint: Option<String>,
}

impl From<Finding> for DoctorFinding {
    fn from(finding: Finding) -> Self {
        Self {
            check_id: finding.check_id.to_owned(),
            severity: finding.severity,
            message: finding.message,
            why: finding.why,
            path: finding.path.to_string_lossy().into_owned(),
            fix_hint: finding.fix_hint,
        }
    }
}
