//! What a session's `StateChanged` events say beyond a key and a value: every key that this
//! program knows, with the type of its value.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::StoreError;
use super::gate::{path_text, workspace_text};
use super::shortening::Shortening;
use super::{NewEvent, SessionEvent, SessionEventKind};
use crate::approvals::{Answer, ApprovalId, Shape};
use crate::ids::{CallId, ProviderId, RunId};
use crate::kind::Kind;
use crate::provenance::Mark;
use crate::session_key::SessionKey;

/// A change of a session's state under a key of this program's.
///
/// Keys that are not listed here are an embedding program's or a later version's; they are kept
/// and shown as they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "key", content = "value", rename_all_fields = "camelCase")]
pub enum Change {
    /// A run ended without an answer.
    #[serde(rename = "run.failed")]
    RunFailed {
        /// The run.
        run_id: RunId,
        /// What kind of failure it was.
        kind: Kind,
        /// What went wrong.
        message: String,
    },
    /// The session began as a branch of another.
    #[serde(rename = "session.forked")]
    SessionForked {
        /// The session that it branches off.
        from: SessionKey,
        /// The last event that both have.
        at: u64,
    },
    /// From here on another model answers.
    #[serde(rename = "model.changed")]
    ModelChanged {
        /// Its provider.
        provider: ProviderId,
        /// Its name there.
        model: String,
    },
    /// The model sees a summary in place of the events before one.
    #[serde(rename = "context.compacted")]
    ContextCompacted {
        /// The summary.
        summary: String,
        /// The first event that the model still sees as it is.
        first_kept: u64,
        /// How many tokens there were before.
        tokens_before: u64,
        /// What else is known of it.
        #[serde(flatten)]
        how: Shortening,
    },
    /// A model was asked for a summary that stands nowhere; the payload has what it took.
    #[serde(rename = "summary.asked")]
    SummaryAsked {
        /// Why there is none, if there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<String>,
    },
    /// The model sees the events again that a compaction had taken out of its view.
    #[serde(rename = "context.restored")]
    ContextRestored {
        /// The compaction that does not count any more, by its event.
        compaction: u64,
    },
    /// A run took a message in that had arrived while it went on.
    #[serde(rename = "message.taken")]
    MessageTaken {
        /// The message, by its event.
        message: u64,
    },
    /// The loop told the model something by itself, as a message between its steps.
    #[serde(rename = "model.told")]
    ModelTold {
        /// What it was told.
        text: String,
    },
    /// The process of a run died, and the run was closed later.
    #[serde(rename = "run.cut_off")]
    RunCutOff {
        /// The run.
        run_id: RunId,
        /// The tool calls of which nobody knows whether they took effect.
        unknown: Vec<CallId>,
    },
    /// A tool call waits for somebody to decide whether it may run.
    #[serde(rename = "approval.requested")]
    ApprovalRequested {
        /// The request.
        approval: ApprovalId,
        /// The call.
        call_id: CallId,
        /// What is asked for.
        shape: Shape,
        /// The name of the shape, as it was before secrets were taken out of it.
        digest: String,
        /// Why, a sentence each.
        reasons: Vec<String>,
        /// When it counts as denied.
        expires: Timestamp,
    },
    /// Somebody decided whether a tool call may run.
    #[serde(rename = "approval.decided")]
    ApprovalDecided {
        /// The request; none where the call was asked for in another program.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approval: Option<ApprovalId>,
        /// The call.
        call_id: CallId,
        /// Whether it may run.
        allowed: bool,
        /// What exactly was decided.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<Answer>,
        /// Who decided.
        by: String,
    },
    /// A file of a workspace was written while the agent had a stranger's words in view.
    #[serde(rename = "file.written")]
    FileWritten {
        /// The workspace.
        workspace: String,
        /// The file, or a folder with all that is in it, by its path in the workspace; empty for
        /// the workspace itself. [`Change::file_written`] makes it.
        path: String,
        /// Where the words came from.
        marks: Vec<Mark>,
    },
    /// A file of a workspace carries no stranger's words any more.
    #[serde(rename = "file.cleared")]
    FileCleared {
        /// The workspace.
        workspace: String,
        /// The file, or a folder with all that is in it, by its path in the workspace.
        path: String,
    },
    /// From here on, files of a workspace may change while something untrusted is in view; which
    /// of them did is on record by the time that it is settled. A process that dies before that
    /// leaves it to the next one. [`EventStore::watch`](super::EventStore::watch) makes it.
    #[serde(rename = "file.watched")]
    FilesWatched {
        /// Its id.
        watch: String,
        /// The workspace.
        workspace: String,
        /// Since when.
        since: Timestamp,
        /// Who watches, as an owner of leases.
        owner: String,
        /// What such files carry.
        marks: Vec<Mark>,
    },
    /// What changed in a workspace that was watched is on record.
    #[serde(rename = "file.settled")]
    FilesSettled {
        /// The id.
        watch: String,
    },
    /// The process of a run died before it could record calls of a model; the payload has them,
    /// with the most that they may have taken.
    #[serde(rename = "calls.lost")]
    CallsLost {
        /// The run.
        run_id: RunId,
        /// How many calls they are.
        calls: u64,
    },
    /// What a model call cost.
    #[serde(rename = "usage.cost")]
    UsageCost {
        /// The price in US dollars.
        usd: f64,
    },
}

impl Change {
    /// Says that a file was written, or a folder with files in it, by its path in the workspace or
    /// its whole path.
    pub fn file_written(workspace: &Path, path: &Path, marks: Vec<Mark>) -> Self {
        Self::FileWritten {
            workspace: workspace_text(workspace),
            path: path_text(workspace, path),
            marks,
        }
    }

    /// Says that a file, or a folder with all that is in it, is the principal's own again.
    pub fn file_cleared(workspace: &Path, path: &Path) -> Self {
        Self::FileCleared {
            workspace: workspace_text(workspace),
            path: path_text(workspace, path),
        }
    }

    /// Returns the change that an event holds, if this version knows it.
    pub fn of(event: &SessionEvent) -> Option<Self> {
        match &event.kind {
            SessionEventKind::StateChanged { key, value } => Self::read(key, value),
            _ => None,
        }
    }

    /// Returns the change to a key, if this version knows it.
    pub fn read(key: &str, value: &Value) -> Option<Self> {
        let tagged = serde_json::json!({ "key": key, "value": value });
        serde_json::from_value(tagged).ok()
    }

    /// Returns the event that records the change.
    pub fn to_event(&self) -> Result<NewEvent, StoreError> {
        state_changed(self)
    }
}

/// Returns the event of a change that is written as `{key, value}`.
pub(super) fn state_changed(change: &impl Serialize) -> Result<NewEvent, StoreError> {
    let mut tagged = serde_json::to_value(change)
        .map_err(|err| StoreError::write(rusqlite::Error::ToSqlConversionFailure(Box::new(err))))?;
    let mut part = |name: &str| tagged.get_mut(name).map(Value::take).unwrap_or_default();
    let (key, value) = (part("key"), part("value"));
    let key = key.as_str().unwrap_or_default().to_owned();
    Ok(SessionEventKind::StateChanged { key, value }.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_is_an_event_under_its_key() {
        let change = Change::ModelChanged {
            provider: "anthropic".into(),
            model: "m".into(),
        };
        assert_eq!(
            change.to_event().unwrap().kind,
            SessionEventKind::StateChanged {
                key: "model.changed".into(),
                value: json!({"provider": "anthropic", "model": "m"}),
            }
        );
    }
}
