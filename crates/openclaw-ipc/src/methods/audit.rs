//! Params and outputs of the methods about the audit stream and the check of the log.

use openclaw_core::events::EventHash;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::page::PageLimit;

/// Params of `audit.list`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditListParams {
    /// Only entries about this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<AuditKind>,
    /// Only what came before the entry with this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// The largest number of entries: 1 to 1,000; 200 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<PageLimit>,
}

/// What entries are about: the first word of their kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuditKind {
    /// Who was let in and who was not.
    Auth,
    /// Who was given tokens, and whose were ended.
    Token,
    /// Devices that asked to be let in, were let in, or are out again.
    Device,
    /// Who asked too often.
    Rate,
    /// Caps on what models may cost that were raised.
    Cap,
    /// Tool calls, their results and refusals.
    Tool,
    /// Tool calls that somebody was asked for, and what was decided.
    Approval,
    /// Standing approvals that were taken back.
    Grant,
    /// Hosts that commands in the sandbox reached, or did not.
    Egress,
    /// Secrets that were read, by name.
    Secret,
    /// Changes of the config.
    Config,
    /// Sessions that were deleted, branched off or imported.
    Session,
    /// Backups that were made or put back.
    Backup,
    /// Anchors that were written anew.
    Anchors,
    /// What happened to the log itself.
    Log,
}

impl AuditKind {
    /// Returns the word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Token => "token",
            Self::Device => "device",
            Self::Rate => "rate",
            Self::Cap => "cap",
            Self::Tool => "tool",
            Self::Approval => "approval",
            Self::Grant => "grant",
            Self::Egress => "egress",
            Self::Secret => "secret",
            Self::Config => "config",
            Self::Session => "session",
            Self::Backup => "backup",
            Self::Anchors => "anchors",
            Self::Log => "log",
        }
    }
}

/// Output of `audit.list`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditListOutput {
    /// The entries, the latest first.
    pub entries: Vec<AuditRow>,
    /// What to pass as `before` for the next page; null where there is none.
    pub next_before: Option<u64>,
}

/// An entry of the audit stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditRow {
    /// Its number in the audit stream.
    pub seq: u64,
    /// Its place in the whole log.
    pub position: u64,
    /// When it was recorded, as RFC 3339 in UTC.
    pub time: String,
    /// What happened, such as `auth.denied`.
    pub kind: String,
    /// What else is known about it.
    pub value: Value,
    /// The hash over it and the entry before it, in hexadecimal digits.
    #[schemars(with = "String")]
    pub hash: EventHash,
    /// All that in words.
    pub what: String,
}

/// Output of `audit.verify`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditVerifyOutput {
    /// The file of the log.
    pub path: String,
    /// Whether the log is as it was recorded.
    pub intact: bool,
    /// How many events were checked.
    pub events: u64,
    /// How many sessions they are in, deleted ones and the audit stream included.
    pub sessions: u64,
    /// The place of the last event; kept somewhere else, it tells when an older copy of the whole
    /// state directory is put back.
    pub position: u64,
    /// How many of the newest events lost their anchors in a power loss.
    pub unanchored: u64,
    /// How many anchors were missing after restarts of the machine and were written again.
    pub renewed: u64,
    /// The finding at the lowest position, which says where it began.
    pub first: Option<AuditFinding>,
    /// What is wrong, the lowest position first; at most 100.
    pub findings: Vec<AuditFinding>,
    /// What to do about it.
    pub hint: Option<String>,
}

/// One thing that is wrong with the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditFinding {
    /// The place in the whole log.
    pub position: u64,
    /// The session, where it is known.
    pub session: Option<String>,
    /// The event's number in the session, where it is known.
    pub seq: Option<u64>,
    /// What is wrong there, such as `edited` or `cut-off`.
    pub what: String,
}
