//! An entry of the audit stream, for people and for scripts.

use std::path::Path;

use clap::ValueEnum;
use openclaw_core::approvals::Answer;
use openclaw_core::clock::rfc3339;
use openclaw_core::events::{AuditEntry, EventHash};
use openclaw_core::{SessionEvent, SessionEventKind};
use serde::Serialize;
use serde_json::Value;

use crate::output::Output;
use crate::text;

/// The heads of the columns.
pub(super) const HEADER: [&str; 4] = ["SEQ", "TIME", "KIND", "WHAT"];

/// How many columns of a terminal the first three take.
const BEFORE_WHAT: u16 = 54;

/// The narrowest last column.
const NARROW: usize = 24;

/// What the names of all entries begin with.
const PREFIX: &str = "audit.";

/// What entries are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum About {
    /// Who was let in and who was not
    Auth,
    /// Who was given tokens, and whose were ended
    Token,
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
    fn has(self, kind: &str) -> bool {
        let name = match self {
            Self::Auth => "auth",
            Self::Cap => "cap",
            Self::Rate => "rate",
            Self::Tool => "tool",
            Self::Approval => "approval",
            Self::Grant => "grant",
            Self::Egress => "egress",
            Self::Secret => "secret",
            Self::Config => "config",
            Self::Session => "session",
            Self::Backup => "backup",
            Self::Token => "token",
            Self::Anchors => "anchors",
            Self::Log => "log",
        };
        kind.split('.').next() == Some(name)
    }
}

/// An entry as scripts get it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    /// Its number in the audit stream.
    pub(super) seq: u64,
    /// Its place in the whole log.
    pub(super) position: u64,
    pub(super) time: String,
    /// What happened, such as `auth.denied`.
    pub(super) kind: String,
    /// What else is known about it.
    value: Value,
    hash: EventHash,
    #[serde(skip)]
    what: String,
}

impl Entry {
    /// Takes an event of the audit stream; one of another kind is no entry.
    pub(super) fn of(event: &SessionEvent) -> Option<Self> {
        let SessionEventKind::StateChanged { key, value } = &event.kind else {
            return None;
        };
        Some(Self {
            seq: event.seq,
            position: event.position,
            time: rfc3339(event.time),
            kind: key.strip_prefix(PREFIX).unwrap_or(key).to_owned(),
            value: value.clone(),
            hash: event.hash,
            what: match AuditEntry::of(event) {
                Some(entry) => what(&entry),
                // A later version of this program wrote it.
                None => value.to_string(),
            },
        })
    }

    /// Tells whether the entry is about that; everything is about nothing in particular.
    pub(super) fn is_about(&self, about: Option<About>) -> bool {
        about.is_none_or(|about| about.has(&self.kind))
    }

    /// Returns the row of a table; without a terminal nothing is cut off.
    pub(super) fn row(&self, out: &Output) -> Vec<String> {
        let what = text::one_line(&self.what);
        let what = match out.stdout().width {
            Some(width) => {
                let room = usize::from(width.saturating_sub(BEFORE_WHAT)).max(NARROW);
                text::shorten(&what, room)
            }
            None => what,
        };
        vec![
            self.seq.to_string(),
            self.time.clone(),
            text::one_line(&self.kind).into_owned(),
            what.into_owned(),
        ]
    }

    /// Returns the entry as one line.
    pub(super) fn line(&self) -> String {
        let (kind, what) = (text::one_line(&self.kind), text::one_line(&self.what));
        format!("{}  {}  {kind:<16}  {what}", self.seq, self.time)
    }
}

fn what(entry: &AuditEntry) -> String {
    match entry {
        AuditEntry::AuthAllowed { .. }
        | AuditEntry::AuthDenied { .. }
        | AuditEntry::AuthForbidden { .. } => entrance(entry),
        AuditEntry::TokenIssued { id, scopes, by } => {
            format!("{id} for {} by {by}", scopes.join(", "))
        }
        AuditEntry::LoginOffered { by } => format!("a code for a login, by {by}"),
        AuditEntry::TokenEnded { id, reason } => format!("{id}: {reason}"),
        AuditEntry::DeviceRequested { .. }
        | AuditEntry::DevicePaired { .. }
        | AuditEntry::DeviceEnded { .. } => device(entry),
        AuditEntry::RateLimited {
            principal,
            what,
            peer,
            count,
        } => {
            let peer = from(peer.as_deref());
            format!("{principal}{peer}: too many {what}{}", times(*count))
        }
        AuditEntry::ToolCalled { .. }
        | AuditEntry::ToolFinished { .. }
        | AuditEntry::ToolRefused { .. } => tool_call(entry),
        AuditEntry::ApprovalRequested { .. }
        | AuditEntry::ApprovalDecided { .. }
        | AuditEntry::GrantWithdrawn { .. } => approval(entry),
        AuditEntry::EgressAllowed { .. } | AuditEntry::EgressRefused { .. } => way_out(entry),
        AuditEntry::SecretAccessed { name, purpose } => format!("{name} for the {purpose}"),
        AuditEntry::SecretChanged { name, change, by } => {
            format!("{name} {} by {by}", change.as_str())
        }
        AuditEntry::ConfigChanged { file, sha256, by } => {
            format!("{} is now {sha256}, noticed by {by}", file.display())
        }
        AuditEntry::ConfigRefused { file, problems } => {
            format!("{} is refused: {}", file.display(), problems.join("; "))
        }
        AuditEntry::CapRaised { .. } => raised(entry),
        AuditEntry::SessionDeleted {
            session,
            from,
            to,
            reason,
            archive,
            ..
        } => {
            let copy = copy(archive.as_deref());
            format!("{session}, events {from} to {to}: {reason}{copy}")
        }
        AuditEntry::SessionForked { session, from, at } => {
            format!("{session} branches off {from} after event {at}")
        }
        AuditEntry::SessionImported {
            session, events, ..
        } => format!("{session}, {events} events"),
        AuditEntry::BackupCreated { file, position }
        | AuditEntry::BackupRestored { file, position } => {
            format!("{} up to position {position}", file.display())
        }
        AuditEntry::AnchorsRenewed { count } => {
            format!("{count} anchors written again after a restart of the machine")
        }
        AuditEntry::LogCut { from, to } => format!("the positions {from} to {to} are gone"),
        AuditEntry::LogAccepted { events, reason } => format!("{events} events: {reason}"),
    }
}

fn entrance(entry: &AuditEntry) -> String {
    match entry {
        AuditEntry::AuthAllowed {
            principal: who,
            transport,
            peer,
            count,
        }
        | AuditEntry::AuthDenied {
            reason: who,
            transport,
            peer,
            count,
        } => {
            let peer = from(peer.as_deref());
            format!("{who} by {transport}{peer}{}", times(*count))
        }
        AuditEntry::AuthForbidden {
            principal,
            method,
            count,
        } => format!("{principal} may not call {method}{}", times(*count)),
        _ => String::new(),
    }
}

fn device(entry: &AuditEntry) -> String {
    match entry {
        AuditEntry::DeviceRequested {
            device,
            rights,
            peer,
        } => {
            let from = peer.as_deref().unwrap_or("this computer");
            format!("{device} from {from}: {}", rights.join(", "))
        }
        AuditEntry::DevicePaired { device, rights, by } => {
            format!("{device} by {by}: {}", rights.join(", "))
        }
        AuditEntry::DeviceEnded { device, reason } => format!("{device}: {reason}"),
        _ => String::new(),
    }
}

fn tool_call(entry: &AuditEntry) -> String {
    match entry {
        AuditEntry::ToolCalled {
            session, seq, tool, ..
        } => format!("{tool} in {session}, event {seq}"),
        AuditEntry::ToolFinished {
            session,
            seq,
            tool,
            success,
            sandbox,
            degraded,
            exit_code,
            ..
        } => {
            let outcome = if *success { "done" } else { "failed" };
            let status = exit_code.map_or_else(String::new, |code| format!(", status {code}"));
            let level = sandbox
                .as_ref()
                .map_or_else(String::new, |level| format!(", sandbox {level}"));
            let without = if degraded.is_empty() {
                String::new()
            } else {
                format!(" without {}", degraded.join(", "))
            };
            format!("{tool} in {session}, event {seq}: {outcome}{status}{level}{without}")
        }
        AuditEntry::ToolRefused {
            session,
            seq,
            tool,
            reason,
            ..
        } => format!("{tool} in {session}, event {seq}: refused, {reason}"),
        _ => String::new(),
    }
}

fn approval(entry: &AuditEntry) -> String {
    match entry {
        AuditEntry::ApprovalRequested {
            session,
            seq,
            approval,
            tool,
            digest,
            ..
        } => format!("{approval} for {tool} in {session}, event {seq}: shape {digest}"),
        AuditEntry::ApprovalDecided {
            session,
            seq,
            approval,
            allowed,
            answer,
            by,
            ..
        } => {
            let decided = match (answer, allowed) {
                (Some(Answer::AllowAlways), _) => "allowed from now on",
                (_, true) => "allowed once",
                (_, false) => "denied",
            };
            format!("{approval} in {session}, event {seq}: {decided} by {by}")
        }
        AuditEntry::GrantWithdrawn { digest, by } => {
            format!("shape {digest} is asked for again, by {by}")
        }
        _ => String::new(),
    }
}

fn way_out(entry: &AuditEntry) -> String {
    match entry {
        AuditEntry::EgressAllowed {
            session,
            host,
            rule: why,
            count,
        }
        | AuditEntry::EgressRefused {
            session,
            host,
            reason: why,
            count,
        } => format!("{host} from {session}: {why}{}", times(*count)),
        _ => String::new(),
    }
}

fn raised(entry: &AuditEntry) -> String {
    let AuditEntry::CapRaised {
        cap,
        subject,
        usd,
        tokens,
        by,
        ..
    } = entry
    else {
        return String::new();
    };
    let of = subject
        .as_ref()
        .map_or_else(String::new, |subject| format!(" of {subject}"));
    let to: Vec<String> = usd
        .map(|usd| format!("${usd}"))
        .into_iter()
        .chain(tokens.map(|tokens| format!("{tokens} tokens")))
        .collect();
    format!("the cap `{cap}`{of} to {} by {by}", to.join(" and "))
}

fn copy(archive: Option<&Path>) -> String {
    archive.map_or_else(String::new, |file| format!(", copy in {}", file.display()))
}

fn from(peer: Option<&str>) -> String {
    peer.map_or_else(String::new, |peer| format!(" from {peer}"))
}

fn times(count: u64) -> String {
    if count == 1 {
        String::new()
    } else {
        format!(", {count} times")
    }
}

#[cfg(test)]
mod tests {
    use openclaw_core::SessionKey;
    use openclaw_core::approvals::ApprovalId;

    use super::*;

    #[test]
    fn entries_are_told_in_words() {
        let denied = AuditEntry::AuthDenied {
            reason: "wrong bearer token".to_owned(),
            transport: "rpc".to_owned(),
            peer: Some("127.0.0.1".to_owned()),
            count: 9,
        };
        assert_eq!(
            what(&denied),
            "wrong bearer token by rpc from 127.0.0.1, 9 times"
        );
        let read = AuditEntry::SecretAccessed {
            name: "ANTHROPIC_API_KEY".to_owned(),
            purpose: "provider anthropic".to_owned(),
        };
        assert_eq!(what(&read), "ANTHROPIC_API_KEY for the provider anthropic");
        let decided = |answer: Option<Answer>| {
            what(&AuditEntry::ApprovalDecided {
                session: SessionKey::parse("agent:main:main").unwrap(),
                seq: 4,
                approval: ApprovalId("a".to_owned()),
                call_id: "c".into(),
                allowed: answer.is_some_and(Answer::allows),
                answer,
                by: "owner".to_owned(),
            })
        };
        for (answer, told) in [
            (Some(Answer::AllowOnce), "allowed once"),
            (Some(Answer::AllowAlways), "allowed from now on"),
            (Some(Answer::Deny), "denied"),
            (None, "denied"),
        ] {
            assert_eq!(
                decided(answer),
                format!("a in agent:main:main, event 4: {told} by owner")
            );
        }
    }

    #[test]
    fn what_an_entry_is_about_is_told_by_its_name() {
        assert!(About::Auth.has("auth.denied") && !About::Auth.has("authority.x"));
        assert!(About::Tool.has("tool.called") && !About::Tool.has("config.changed"));
    }
}
