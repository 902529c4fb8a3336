//! `openclaw sessions delete`: a session goes, and a copy of it stays unless nobody wants one.

use std::path::{self, Path, PathBuf};

use clap::Args;
use openclaw_core::events::{AuditEntry, SessionSummary};
use openclaw_core::state_dir::StateDir;
use openclaw_core::{Clock, SessionEvent};
use openclaw_gateway::retention::{self, CopyTo, archive_folder};
use serde_json::json;

use super::SessionsError;
use super::consent::Consent;
use super::lookup::find;
use crate::commands::Cx;
use crate::confirm::confirm;
use crate::error::CliError;
use crate::output::Look;
use crate::text;

pub(super) const EXAMPLES: &str = "\
Examples:
  openclaw sessions delete agent:main:main
  openclaw sessions delete agent:main:main --yes --reason \"asked to\" --archive main.jsonl
  openclaw sessions delete agent:main:main --yes --no-archive

Without --archive, the copy goes to openclaw-rs/archive in the state directory.";

/// Why a session is deleted when nobody says it.
const REASON: &str = "requested";

/// The arguments of `sessions delete`.
#[derive(Debug, Args)]
pub(super) struct DeleteArgs {
    /// The session's key
    key: String,
    #[command(flatten)]
    consent: Consent,
    /// Why, for the audit stream
    #[arg(long, value_name = "TEXT", default_value = REASON)]
    reason: String,
    /// Write the copy to this file, which must not exist
    #[arg(long, value_name = "FILE", conflicts_with = "no_archive")]
    archive: Option<PathBuf>,
    /// Keep no copy: nobody can get the session back
    #[arg(long)]
    no_archive: bool,
}

pub(super) async fn delete(cx: Cx<'_>, state: &StateDir, args: DeleteArgs) -> Result<(), CliError> {
    let (store, session) = find(state, &args.key).await?;
    let absolute = |path: PathBuf| path::absolute(&path).unwrap_or(path);
    let copy_to = match args.archive {
        _ if args.no_archive => CopyTo::Nowhere,
        Some(file) => CopyTo::File(absolute(file)),
        None => CopyTo::Folder(absolute(archive_folder(state))),
    };
    if args.consent.dry_run {
        return plan(cx, &session, &copy_to);
    }
    if !args.consent.yes {
        let question = format!("Delete {}?", what(&session, &copy_to));
        confirm(cx.out, "deleting a session", &question)?;
    }
    let clock = Clock::system();
    let deleted = retention::delete(&store, &session, &copy_to, &args.reason, &clock)
        .await
        .map_err(SessionsError::from)?;
    let copy = deleted.copy.as_ref().map(|copy| copy.file.as_path());
    let restore = copy.map(|file| restore_command(cx, file));
    if cx.out.is_json() {
        let emptied = emptied(&deleted.tombstone);
        let data = json!({
            "sessionKey": session.key,
            "events": session.head,
            "deletedEvents": emptied,
            "archive": copy,
            "headHash": deleted.copy.as_ref().map(|copy| copy.head_hash),
            "tombstone": deleted.tombstone.seq,
            "restore": restore,
        });
        return cx.out.answer(&data, &[]);
    }
    let line = format!("deleted {}, {} events", session.key, session.head);
    cx.out.line(text::one_line(&line))?;
    match (copy, restore) {
        (Some(file), Some(restore)) => {
            let line = format!("a copy is in {}", file.display());
            cx.out.line(text::one_line(&line))?;
            let line = format!("get it back with: {restore}");
            cx.out.line(cx.out.look(Look::Dim, &text::one_line(&line)))
        }
        _ => cx.out.line("no copy was kept"),
    }
}

/// Says what would be deleted.
fn plan(cx: Cx<'_>, session: &SessionSummary, copy_to: &CopyTo) -> Result<(), CliError> {
    if cx.out.is_json() {
        let archive = match copy_to {
            CopyTo::Folder(path) | CopyTo::File(path) => Some(path),
            CopyTo::Nowhere => None,
        };
        let data = json!({
            "dryRun": true,
            "sessionKey": session.key,
            "events": session.head,
            "archive": archive,
        });
        return cx.out.answer(&data, &[]);
    }
    let line = format!("would delete {}", what(session, copy_to));
    cx.out.line(text::one_line(&line))
}

fn what(session: &SessionSummary, copy_to: &CopyTo) -> String {
    let after = match copy_to {
        CopyTo::Folder(folder) => format!("a copy goes to {}", folder.display()),
        CopyTo::File(file) => format!("a copy goes to {}", file.display()),
        CopyTo::Nowhere => "nobody can get it back".to_owned(),
    };
    format!("{} with {} events ({after})", session.key, session.head)
}

/// Returns how many events were emptied; those that a branch shares stay.
fn emptied(tombstone: &SessionEvent) -> u64 {
    match AuditEntry::of(tombstone) {
        Some(AuditEntry::SessionDeleted { from, to, .. }) => {
            to.saturating_add(1).saturating_sub(from)
        }
        _ => 0,
    }
}

/// Returns the command that takes a copy in again.
pub(super) fn restore_command(cx: Cx<'_>, file: &Path) -> String {
    format!(
        "openclaw{} sessions import {}",
        cx.state_flags(),
        quoted(&file.to_string_lossy())
    )
}

/// Quotes a word for a POSIX shell, if need be.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_to_the_shell() {
        assert_eq!(quoted("/a/b-c.jsonl"), "/a/b-c.jsonl");
        assert_eq!(quoted("/my files/it's"), r"'/my files/it'\''s'");
    }
}
