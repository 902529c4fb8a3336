//! The audit stream: what was decided, attempted and given away, whichever session it was in.
//!
//! Its entries are events like any other, `StateChanged` under a key that begins with `audit.`,
//! in a session of their own that belongs to the log itself ([`SessionKey::audit`]).

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::change::state_changed;
use super::error::StoreError;
use super::hash::EventHash;
use super::{NewEvent, SessionEvent, SessionEventKind};
use crate::approvals::{Answer, ApprovalId};
use crate::ids::CallId;
use crate::session_key::SessionKey;

/// One entry of the audit stream; its name in the log is `audit.` and the name given here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "key", content = "value", rename_all_fields = "camelCase")]
pub enum AuditEntry {
    /// Somebody proved who they are.
    #[serde(rename = "audit.auth.allowed")]
    AuthAllowed {
        /// Who they are.
        principal: String,
        /// What they came in by.
        transport: String,
        /// The network address that they came from.
        #[serde(skip_serializing_if = "Option::is_none")]
        peer: Option<String>,
        /// How often, since the last entry like this one.
        count: u64,
    },
    /// Somebody could not prove who they are.
    #[serde(rename = "audit.auth.denied")]
    AuthDenied {
        /// Why.
        reason: String,
        /// What they tried to come in by.
        transport: String,
        /// The network address that they came from.
        #[serde(skip_serializing_if = "Option::is_none")]
        peer: Option<String>,
        /// How often, since the last entry like this one.
        count: u64,
    },
    /// Somebody is known, and asked for what they may not do.
    #[serde(rename = "audit.auth.forbidden")]
    AuthForbidden {
        /// Who they are.
        principal: String,
        /// What they called.
        method: String,
        /// How often, since the last entry like this one.
        count: u64,
    },
    /// Somebody was given tokens.
    #[serde(rename = "audit.token.issued")]
    TokenIssued {
        /// Names the grant; it is no secret.
        id: String,
        /// What it allows.
        scopes: Vec<String>,
        /// What gave it.
        by: String,
    },
    /// Somebody asked for a code by which a browser can log in.
    #[serde(rename = "audit.token.offered")]
    LoginOffered {
        /// Who they are.
        by: String,
    },
    /// The tokens of a grant open nothing any more.
    #[serde(rename = "audit.token.ended")]
    TokenEnded {
        /// Names the grant.
        id: String,
        /// Why.
        reason: String,
    },
    /// A device asked to be let in, and waits.
    #[serde(rename = "audit.device.requested")]
    DeviceRequested {
        /// The device.
        device: String,
        /// What it wants to be allowed.
        rights: Vec<String>,
        /// The network address that it came from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        peer: Option<String>,
    },
    /// A device was let in, or allowed more.
    #[serde(rename = "audit.device.paired")]
    DevicePaired {
        /// The device.
        device: String,
        /// What it may do now.
        rights: Vec<String>,
        /// Who let it in.
        by: String,
    },
    /// A device, its token or its request opens nothing any more.
    #[serde(rename = "audit.device.ended")]
    DeviceEnded {
        /// The device.
        device: String,
        /// Why.
        reason: String,
    },
    /// Somebody asked for more than their share.
    #[serde(rename = "audit.rate.limited")]
    RateLimited {
        /// Who they are.
        principal: String,
        /// What they asked for too often: calls, or messages to one session.
        #[serde(default)]
        what: String,
        /// The network address that they came from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        peer: Option<String>,
        /// How often, since the last entry like this one.
        count: u64,
    },
    /// A tool was asked for.
    #[serde(rename = "audit.tool.called")]
    ToolCalled {
        /// The session that it was asked for in.
        session: SessionKey,
        /// The event there that has its arguments.
        seq: u64,
        /// Its name.
        tool: String,
        /// The call.
        call_id: Option<CallId>,
    },
    /// A tool call ended.
    #[serde(rename = "audit.tool.finished")]
    ToolFinished {
        /// The session that it was asked for in.
        session: SessionKey,
        /// The event there that has its result.
        seq: u64,
        /// Its name.
        tool: String,
        /// The call.
        call_id: Option<CallId>,
        /// Whether it did what was asked.
        success: bool,
        /// The sandbox level that a command ran at.
        #[serde(skip_serializing_if = "Option::is_none")]
        sandbox: Option<String>,
        /// What of that level this machine did not have.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        degraded: Vec<String>,
        /// The exit status of a command.
        #[serde(skip_serializing_if = "Option::is_none")]
        exit_code: Option<i32>,
    },
    /// A tool call was refused and nothing ran.
    #[serde(rename = "audit.tool.refused")]
    ToolRefused {
        /// The session that it was asked for in.
        session: SessionKey,
        /// The event there that has the refusal.
        seq: u64,
        /// Its name.
        tool: String,
        /// The call.
        call_id: Option<CallId>,
        /// Why.
        reason: String,
    },
    /// Somebody was asked whether a tool call may run.
    #[serde(rename = "audit.approval.requested")]
    ApprovalRequested {
        /// The session of the call.
        session: SessionKey,
        /// The event there that has what was asked for.
        seq: u64,
        /// The request.
        approval: ApprovalId,
        /// The call.
        call_id: CallId,
        /// The tool.
        tool: String,
        /// The name of what exactly was asked for.
        digest: String,
    },
    /// It was decided whether a tool call may run.
    #[serde(rename = "audit.approval.decided")]
    ApprovalDecided {
        /// The session of the call.
        session: SessionKey,
        /// The event there that has the decision.
        seq: u64,
        /// The request.
        approval: ApprovalId,
        /// The call.
        call_id: CallId,
        /// Whether it may run.
        allowed: bool,
        /// What exactly was decided; none when nobody answered.
        #[serde(skip_serializing_if = "Option::is_none")]
        answer: Option<Answer>,
        /// Who decided, or why nobody did.
        by: String,
    },
    /// A standing approval was taken back.
    #[serde(rename = "audit.grant.withdrawn")]
    GrantWithdrawn {
        /// The name of what could run without being asked for.
        digest: String,
        /// Who took it back.
        by: String,
    },
    /// A command in the sandbox was let through to a host.
    #[serde(rename = "audit.egress.allowed")]
    EgressAllowed {
        /// The session that it runs in.
        session: SessionKey,
        /// The host as the command named it, with its port; another one where there are too many.
        host: String,
        /// The rule that lets it through.
        rule: String,
        /// How often, since the last entry like this one.
        count: u64,
    },
    /// A command in the sandbox was not let through to a host.
    #[serde(rename = "audit.egress.refused")]
    EgressRefused {
        /// The session that it runs in.
        session: SessionKey,
        /// The host as the command named it, with its port; another one where there are too many.
        host: String,
        /// Why.
        reason: String,
        /// How often, since the last entry like this one.
        count: u64,
    },
    /// A secret was read, by its name; its value is in no log.
    #[serde(rename = "audit.secret.accessed")]
    SecretAccessed {
        /// The secret's name.
        name: String,
        /// What it was read for.
        purpose: String,
    },
    /// A secret was put into the credential store, taken out of it or written anew.
    #[serde(rename = "audit.secret.changed")]
    SecretChanged {
        /// The record; every record when the master password was exchanged.
        name: String,
        /// What was done.
        change: SecretChange,
        /// What did it.
        by: String,
    },
    /// The config is not what it was at the last entry like this one.
    #[serde(rename = "audit.config.changed")]
    ConfigChanged {
        /// The file.
        file: PathBuf,
        /// The SHA-256 of its text, in hexadecimal digits.
        sha256: String,
        /// What noticed it.
        by: String,
    },
    /// The config was changed in a way that the running gateway does not take up.
    #[serde(rename = "audit.config.refused")]
    ConfigRefused {
        /// The file.
        file: PathBuf,
        /// What is wrong with it; no secret is in it.
        problems: Vec<String>,
    },
    /// Somebody raised a cap on what models may cost, for the current period.
    #[serde(rename = "audit.cap.raised")]
    CapRaised {
        /// The cap.
        cap: String,
        /// The session or agent whose cap it is, if each has its own.
        #[serde(skip_serializing_if = "Option::is_none")]
        subject: Option<String>,
        /// When the period began.
        since: Timestamp,
        /// What it was raised to, in US dollars.
        #[serde(skip_serializing_if = "Option::is_none")]
        usd: Option<f64>,
        /// What it was raised to, in tokens.
        #[serde(skip_serializing_if = "Option::is_none")]
        tokens: Option<u64>,
        /// Who raised it.
        by: String,
    },
    /// The events of a session, or a part of them, were deleted; their hashes stay.
    #[serde(rename = "audit.session.deleted")]
    SessionDeleted {
        /// The key that the session had.
        session: SessionKey,
        /// The row of the session, which outlives its key.
        stream: i64,
        /// The first event that was deleted.
        from: u64,
        /// The last event that was deleted.
        to: u64,
        /// The hash of that last event.
        head_hash: EventHash,
        /// Why.
        reason: String,
        /// Where a copy was kept.
        #[serde(skip_serializing_if = "Option::is_none")]
        archive: Option<PathBuf>,
    },
    /// A session began as a branch of another.
    #[serde(rename = "audit.session.forked")]
    SessionForked {
        /// The new session.
        session: SessionKey,
        /// The session that it branches off.
        from: SessionKey,
        /// The last event that both have.
        at: u64,
    },
    /// A session came from an exported file.
    #[serde(rename = "audit.session.imported")]
    SessionImported {
        /// The session.
        session: SessionKey,
        /// How many events it has.
        events: u64,
        /// The hash of the last of them.
        head_hash: EventHash,
    },
    /// A backup of the log was made.
    #[serde(rename = "audit.backup.created")]
    BackupCreated {
        /// The file.
        file: PathBuf,
        /// The last position that it has.
        position: u64,
    },
    /// The log was put back from a backup.
    #[serde(rename = "audit.backup.restored")]
    BackupRestored {
        /// The file.
        file: PathBuf,
        /// The last position that it has.
        position: u64,
    },
    /// Anchors that a power loss had taken were written again.
    #[serde(rename = "audit.anchors.renewed")]
    AnchorsRenewed {
        /// How many.
        count: u64,
    },
    /// The end of the log was gone when the next event was to be recorded.
    #[serde(rename = "audit.log.cut")]
    LogCut {
        /// The first position that was gone.
        from: u64,
        /// The last position that is known to have been there.
        to: u64,
    },
    /// The owner accepted the log as it was.
    #[serde(rename = "audit.log.accepted")]
    LogAccepted {
        /// How many events it had.
        events: u64,
        /// Why.
        reason: String,
    },
}

/// What was done to a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretChange {
    /// It was stored, in place of an earlier one if there was one.
    Set,
    /// It was removed.
    Removed,
    /// It was encrypted anew, under another password or key.
    Rotated,
    /// It was taken over from a place where it lay in plain text.
    Imported,
    /// The place in plain text that it was taken over from does not have it any more.
    Redacted,
}

impl SecretChange {
    /// Returns the change's name, as it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Removed => "removed",
            Self::Rotated => "rotated",
            Self::Imported => "imported",
            Self::Redacted => "redacted",
        }
    }
}

impl AuditEntry {
    /// Returns the entry that an event of the audit stream holds, if this version knows it.
    pub fn of(event: &SessionEvent) -> Option<Self> {
        match &event.kind {
            SessionEventKind::StateChanged { key, value } => {
                let tagged = serde_json::json!({ "key": key, "value": value });
                serde_json::from_value(tagged).ok()
            }
            _ => None,
        }
    }

    pub(super) fn to_event(&self) -> Result<NewEvent, StoreError> {
        state_changed(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_state_change_under_its_own_name() {
        let entry = AuditEntry::SecretAccessed {
            name: "models.providers.anthropic.apiKey".into(),
            purpose: "provider".into(),
        };
        let SessionEventKind::StateChanged { key, value } = entry.to_event().unwrap().kind else {
            panic!("no state change");
        };
        assert_eq!(key, "audit.secret.accessed");
        assert_eq!(value["name"], "models.providers.anthropic.apiKey");
    }
}
