//! Params and outputs of the methods about what waits for somebody's consent, and about what has
//! it for good.

use openclaw_core::AgentId;
use openclaw_core::approvals::{Answer, ApprovalId, Decision, Grant, Pending, Shape};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Params of `approvals.list`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalsListParams {
    /// Whether those are listed, too, that wait no more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
}

/// Output of `approvals.list`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalsListOutput {
    /// The calls that wait, the oldest first.
    pub approvals: Vec<Pending>,
    /// With `all`, the newest of those that wait no more, the newest first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Vec<ClosedApproval>>,
}

/// A call that was asked about and waits no more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClosedApproval {
    /// What was asked.
    #[serde(flatten)]
    pub request: Pending,
    /// What was decided; none when its time was up with nobody there to say so, which denies.
    pub decision: Option<Decision>,
}

/// Params of `approvals.resolve`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalsResolveParams {
    /// The request.
    pub id: ApprovalId,
    /// What is decided.
    pub decision: Answer,
}

/// Output of `approvals.resolve`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalsResolveOutput {
    /// The request.
    pub id: ApprovalId,
    /// What was decided.
    pub decision: Answer,
    /// Whether the call may run.
    pub allowed: bool,
    /// What was decided about.
    pub shape: Shape,
}

/// Output of `approvals.grants`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalsGrantsOutput {
    /// The calls that run without being asked for, the oldest first.
    pub grants: Vec<Grant>,
}

/// Params of `approvals.withdraw`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalsWithdrawParams {
    /// The digest of the shape that was allowed.
    pub digest: String,
}

/// Output of `approvals.withdraw`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalsWithdrawOutput {
    /// Whether calls of that shape are asked for again.
    pub withdrawn: bool,
}

/// Params of `approvals.files`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalsFilesParams {
    /// The agent whose workspace is meant; the default agent unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
}

/// Output of `approvals.files`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalsFilesOutput {
    /// The workspace.
    pub workspace: String,
    /// The files and folders in it that carry words of strangers.
    pub files: Vec<MarkedFile>,
}

/// A file that was written while something untrusted was in view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MarkedFile {
    /// Its path in the workspace; `.` for all of it.
    pub path: String,
    /// What was in view, a phrase each.
    pub sources: Vec<String>,
}

/// Params of `approvals.vouch`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalsVouchParams {
    /// The agent whose workspace is meant; the default agent unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
    /// The file, or a folder with all that is in it; `.` for the whole workspace.
    pub path: String,
}

/// Output of `approvals.vouch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalsVouchOutput {
    /// How many marks were taken away.
    pub cleared: u64,
}
