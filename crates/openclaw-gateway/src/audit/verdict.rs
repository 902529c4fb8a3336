//! What a check of the log came to, as clients and commands are told of it.

use std::path::Path;

use openclaw_core::events::{Finding, Position, Report, Tampering};
use openclaw_ipc::methods::{AuditFinding, AuditVerifyOutput};
use serde_json::Value;

/// Returns what a check of the log in this file came to; `position` is that of its last event.
pub fn verdict(log: &Path, report: &Report, position: Position) -> AuditVerifyOutput {
    AuditVerifyOutput {
        path: log.to_string_lossy().into_owned(),
        intact: report.intact,
        events: report.events,
        sessions: report.sessions,
        position,
        unanchored: report.unanchored,
        renewed: report.renewed,
        first: first_finding(report).map(finding),
        findings: report.findings.iter().map(finding).collect(),
        hint: advice(report).map(str::to_owned),
    }
}

/// Returns what is found where the log itself was taken away, and its anchors were left.
pub fn gone() -> Report {
    let finding = Finding {
        position: 1,
        session: None,
        seq: None,
        what: Tampering::CutOff,
    };
    Report {
        intact: false,
        findings: vec![finding],
        ..Report::default()
    }
}

/// Returns the finding at the lowest position.
pub fn first_finding(report: &Report) -> Option<&Finding> {
    report.findings.first()
}

/// Tells whether only the anchors speak against the log, while its hashes hold.
pub const fn is_about_anchors(what: Tampering) -> bool {
    match what {
        Tampering::CutOff | Tampering::Rewritten | Tampering::Inserted | Tampering::NoAnchors => {
            true
        }
        Tampering::Edited
        | Tampering::OutOfOrder
        | Tampering::Missing
        | Tampering::Emptied
        | Tampering::NoSession
        | Tampering::Head
        | Tampering::Grant
        | Tampering::Schema
        | Tampering::Row => false,
    }
}

/// Returns what to do about what was found.
pub fn advice(report: &Report) -> Option<&'static str> {
    if report.findings.is_empty() {
        return None;
    }
    let anchors_only = report
        .findings
        .iter()
        .all(|finding| is_about_anchors(finding.what));
    Some(if anchors_only {
        "if you lost the anchors or put the file back yourself, stop the gateway and run \
         `openclaw audit accept`; if not, somebody else did: keep a copy of the state directory and \
         put a backup back with `openclaw backup restore FILE`"
    } else {
        "keep a copy of the state directory, find out who can write to it, and put a backup back \
         with `openclaw backup restore FILE`"
    })
}

fn finding(finding: &Finding) -> AuditFinding {
    AuditFinding {
        position: finding.position,
        session: finding.session.clone(),
        seq: finding.seq,
        what: word(finding.what),
    }
}

/// Returns the name that a finding has in documents.
fn word(what: Tampering) -> String {
    match serde_json::to_value(what) {
        Ok(Value::String(word)) => word,
        _ => what.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_gone_is_not_intact_and_says_what_to_do() {
        let told = verdict(Path::new("/x/events.sqlite"), &gone(), 0);
        let first = AuditFinding {
            position: 1,
            session: None,
            seq: None,
            what: "cut-off".to_owned(),
        };
        assert_eq!((told.intact, &told.first), (false, &Some(first)));
        let hint = told.hint.unwrap_or_default();
        assert!(hint.contains("audit accept"), "{hint}");
    }
}
