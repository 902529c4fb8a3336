//! The sessions of TypeScript OpenClaw's that lie in the home: which wait, and what cannot be read.

use openclaw_compat::Trouble;
use openclaw_core::events::StoreError;
use openclaw_ipc::methods::DoctorSeverity as Severity;

use super::Patient;
use super::finding::Finding;
use crate::takeover::Takeover;

/// How many checks are made here.
pub(super) const CHECKS: u32 = 2;

/// The command that takes sessions over.
const MIGRATE: &str = "openclaw migrate";

/// Checks what OpenClaw left; nothing is changed.
pub(super) async fn check(patient: &Patient) -> Vec<Finding> {
    let takeover = Takeover::of(&patient.state);
    let mut findings: Vec<Finding> = takeover
        .unreadable()
        .await
        .into_iter()
        .map(unreadable)
        .collect();
    // A log that cannot be opened is told by the checks of the log.
    findings.extend(waiting(patient, &takeover).await.unwrap_or_default());
    findings
}

fn unreadable(trouble: Trouble) -> Finding {
    Finding {
        check_id: "sessions.unreadable",
        severity: Severity::Warning,
        message: format!("cannot read {trouble}"),
        why: "sessions of OpenClaw's that it has or names are not known here, and begin anew when somebody speaks in them".to_owned(),
        path: trouble.file,
        fix_hint: Some(format!(
            "put the file back from a backup of OpenClaw's home; `{MIGRATE}` takes what can be read"
        )),
    }
}

async fn waiting(patient: &Patient, takeover: &Takeover) -> Result<Option<Finding>, StoreError> {
    if takeover.waiting(None).await?.is_empty() {
        // Where nothing lies there is no need to open the log.
        return Ok(None);
    }
    let log = patient.log()?;
    let count = takeover.waiting(log.as_ref()).await?.len();
    if count == 0 {
        return Ok(None);
    }
    Ok(Some(Finding {
        check_id: "sessions.waiting",
        severity: Severity::Info,
        message: format!(
            "{count} {} in files of OpenClaw's and not in the event log",
            if count == 1 {
                "session waits"
            } else {
                "sessions wait"
            }
        ),
        why: "each is taken in when somebody speaks in it; until then it can only be read"
            .to_owned(),
        path: patient.state.root().join("agents"),
        fix_hint: Some(MIGRATE.to_owned()),
    }))
}
