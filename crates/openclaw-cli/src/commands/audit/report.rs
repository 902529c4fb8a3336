//! What a check of the log found, in words.

use openclaw_core::events::{Finding, Report};
use openclaw_gateway::audit::first_finding;

use crate::error::CliError;
use crate::output::{Look, Output};
use crate::text;

/// How many findings people are shown; the first one says where it began.
const SHOWN: usize = 20;

/// Says where a finding is and what is wrong there.
pub(super) fn place(finding: &Finding) -> String {
    let event = match (&finding.session, finding.seq) {
        (Some(session), Some(seq)) => format!(" (event {seq} of {})", text::one_line(session)),
        (Some(session), None) => format!(" ({})", text::one_line(session)),
        (None, Some(seq)) => format!(" (event {seq} of a session that is gone)"),
        (None, None) => String::new(),
    };
    format!("position {}{event}: {}", finding.position, finding.what)
}

/// Prints what is wrong, the first of it in a sentence.
pub(crate) fn print_findings(out: &Output, report: &Report) -> Result<(), CliError> {
    let Some(first) = first_finding(report) else {
        return Ok(());
    };
    out.line(format_args!(
        "{}  {}",
        out.look(Look::Bad, "first bad event"),
        place(first)
    ))?;
    let rest = report.findings.len().saturating_sub(SHOWN);
    let rows = report
        .findings
        .iter()
        .take(SHOWN)
        .map(|finding| {
            let session = finding.session.as_deref().unwrap_or("-");
            vec![
                finding.position.to_string(),
                text::one_line(session).into_owned(),
                finding
                    .seq
                    .map_or_else(|| "-".to_owned(), |seq| seq.to_string()),
                finding.what.to_string(),
            ]
        })
        .collect();
    out.table(&["POSITION", "SESSION", "EVENT", "WHAT"], rows)?;
    if rest > 0 {
        out.note(format_args!("and {rest} more; see --json"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use openclaw_core::events::Tampering;

    use super::*;

    fn finding(session: Option<&str>, seq: Option<u64>) -> String {
        place(&Finding {
            position: 7,
            session: session.map(str::to_owned),
            seq,
            what: Tampering::Edited,
        })
    }

    #[test]
    fn a_finding_is_named_as_precisely_as_it_is_known() {
        assert_eq!(
            finding(Some("agent:main:main"), Some(3)),
            "position 7 (event 3 of agent:main:main): the event was edited"
        );
        assert_eq!(
            finding(None, Some(3)),
            "position 7 (event 3 of a session that is gone): the event was edited"
        );
        assert_eq!(finding(None, None), "position 7: the event was edited");
        assert!(!finding(Some("a\u{1b}[2J"), None).contains('\u{1b}'));
    }
}
