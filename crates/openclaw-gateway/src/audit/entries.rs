//! Entries of the audit stream as clients and commands are told of them.

use std::path::Path;

use openclaw_core::approvals::Answer;
use openclaw_core::clock::rfc3339;
use openclaw_core::events::{AuditEntry, StoreError};
use openclaw_core::{EventStore, SessionEvent, SessionEventKind, SessionKey};
use openclaw_ipc::methods::{AuditKind, AuditRow};

/// What the names of all entries begin with.
const PREFIX: &str = "audit.";

/// How many entries are read at a time.
const PAGE: u64 = 512;

/// Takes an event of the audit stream; one of another kind is no entry.
pub fn row(event: &SessionEvent) -> Option<AuditRow> {
    let SessionEventKind::StateChanged { key, value } = &event.kind else {
        return None;
    };
    Some(AuditRow {
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

/// Tells whether an entry is about that; every entry is, where nothing is named.
pub fn is_about(row: &AuditRow, kind: Option<AuditKind>) -> bool {
    kind.is_none_or(|kind| has(kind, &row.kind))
}

/// Returns up to `wanted` entries before a number, the latest first, and where to go on, if there
/// are more of the stream.
pub async fn latest(
    store: &EventStore,
    before: Option<u64>,
    kind: Option<AuditKind>,
    wanted: usize,
) -> Result<(Vec<AuditRow>, Option<u64>), StoreError> {
    let audit = SessionKey::audit();
    let head = match store.session(&audit).await? {
        Some(stream) => stream.head,
        None => 0,
    };
    let mut to = before.map_or(head, |before| head.min(before.saturating_sub(1)));
    let mut found = Vec::new();
    while to > 0 && found.len() < wanted {
        let from = to.saturating_sub(PAGE - 1).max(1);
        let events = store.read(&audit, from..=to).await?;
        let missing = wanted.saturating_sub(found.len());
        let entries = events.iter().rev().filter_map(row);
        found.extend(entries.filter(|entry| is_about(entry, kind)).take(missing));
        to = from.saturating_sub(1);
    }
    let next = found
        .last()
        .map(|entry| entry.seq)
        .filter(|seq| found.len() == wanted && *seq > 1);
    Ok((found, next))
}

fn has(about: AuditKind, kind: &str) -> bool {
    kind.split('.').next() == Some(about.as_str())
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
        assert!(has(AuditKind::Auth, "auth.denied") && !has(AuditKind::Auth, "authority.x"));
        assert!(has(AuditKind::Tool, "tool.called") && !has(AuditKind::Tool, "config.changed"));
    }
}
