//! An entry of the audit stream, for people, and the flag that says which entries are meant.

use clap::ValueEnum;
use openclaw_ipc::methods::{AuditKind, AuditRow};

use crate::output::Output;
use crate::text;

/// The heads of the columns.
pub(super) const HEADER: [&str; 4] = ["SEQ", "TIME", "KIND", "WHAT"];

/// How many columns of a terminal the first three take.
const BEFORE_WHAT: u16 = 54;

/// The narrowest last column.
const NARROW: usize = 24;

/// What entries are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum About {
    /// Who was let in and who was not
    Auth,
    /// Who was given tokens, and whose were ended
    Token,
    /// Devices that asked to be let in, were let in, or are out again
    Device,
    /// Who asked too often
    Rate,
    /// Caps on what models may cost that were raised
    Cap,
    /// Tool calls, their results and refusals
    Tool,
    /// Tool calls that somebody was asked for, and what was decided
    Approval,
    /// Standing approvals that were taken back
    Grant,
    /// Hosts that commands in the sandbox reached, or did not
    Egress,
    /// Secrets that were read, by name
    Secret,
    /// Changes of the config
    Config,
    /// Sessions that were deleted, branched off or imported
    Session,
    /// Backups that were made or put back
    Backup,
    /// Anchors that were written anew
    Anchors,
    /// What happened to the log itself
    Log,
}

impl About {
    pub(super) const fn wire(self) -> AuditKind {
        match self {
            Self::Auth => AuditKind::Auth,
            Self::Token => AuditKind::Token,
            Self::Device => AuditKind::Device,
            Self::Rate => AuditKind::Rate,
            Self::Cap => AuditKind::Cap,
            Self::Tool => AuditKind::Tool,
            Self::Approval => AuditKind::Approval,
            Self::Grant => AuditKind::Grant,
            Self::Egress => AuditKind::Egress,
            Self::Secret => AuditKind::Secret,
            Self::Config => AuditKind::Config,
            Self::Session => AuditKind::Session,
            Self::Backup => AuditKind::Backup,
            Self::Anchors => AuditKind::Anchors,
            Self::Log => AuditKind::Log,
        }
    }
}

/// Returns the row of a table; without a terminal nothing is cut off.
pub(super) fn cells(entry: &AuditRow, out: &Output) -> Vec<String> {
    let what = text::one_line(&entry.what);
    let what = match out.stdout().width {
        Some(width) => {
            let room = usize::from(width.saturating_sub(BEFORE_WHAT)).max(NARROW);
            text::shorten(&what, room)
        }
        None => what,
    };
    vec![
        entry.seq.to_string(),
        entry.time.clone(),
        text::one_line(&entry.kind).into_owned(),
        what.into_owned(),
    ]
}

/// Returns an entry as one line.
pub(super) fn line(entry: &AuditRow) -> String {
    let (kind, what) = (text::one_line(&entry.kind), text::one_line(&entry.what));
    format!("{}  {}  {kind:<16}  {what}", entry.seq, entry.time)
}
