//! The method table: every method of the gateway, on one page.
//!
//! One entry in `table.rs` gives a method its name, scope, documentation, params, output and an
//! example. From the table come the marker types, [`METHODS`], the dispatch with its scope check,
//! the JSON Schema and the reference page. A gateway that leaves a method without a handler does
//! not compile:
//!
//! ```compile_fail,E0277
//! use openclaw_ipc::methods::{Handlers, MethodInfo, dispatch};
//! use openclaw_ipc::{RpcError, jsonrpc::Params};
//!
//! struct Nothing;
//! impl Handlers for Nothing {
//!     type Cx = ();
//!     type Error = RpcError;
//!     fn authorize(&self, _: &(), _: &MethodInfo) -> Result<(), RpcError> {
//!         Ok(())
//!     }
//! }
//! async fn call() {
//!     drop(dispatch(&Nothing, &(), "session.create", Params::default()).await);
//! }
//! ```
//!
//! What the methods do is the gateway's business.

mod agent;
mod approvals;
mod audit;
mod config;
mod context;
mod credentials;
mod devices;
mod discover;
mod dispatch;
mod doctor;
mod events;
mod extensions;
mod health;
mod logs;
mod models;
mod page;
mod policy;
mod session;
mod skills;
mod table;
mod tokens;
mod tools;
mod usage;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use openclaw_core::access::Scope;

pub use agent::{
    ActiveRun, AgentListOutput, AgentState, AgentStatusOutput, AgentStatusParams, AgentSummary,
};
pub use approvals::{
    ApprovalsFilesOutput, ApprovalsFilesParams, ApprovalsGrantsOutput, ApprovalsListOutput,
    ApprovalsListParams, ApprovalsResolveOutput, ApprovalsResolveParams, ApprovalsVouchOutput,
    ApprovalsVouchParams, ApprovalsWithdrawOutput, ApprovalsWithdrawParams, ClosedApproval,
    MarkedFile,
};
pub use audit::{
    AuditFinding, AuditKind, AuditListOutput, AuditListParams, AuditRow, AuditVerifyOutput,
};
pub use config::{
    ConfigChangeOutput, ConfigGetOutput, ConfigGetParams, ConfigIssue, ConfigPatchParams,
    ConfigPlace, ConfigSchemaOutput, ConfigSetHow, ConfigSetParams, ConfigUnsetParams,
    ConfigValidateOutput,
};
pub use context::{
    CompactPreview, ContextCompaction, ContextPart, ContextPartKind, ContextShowOutput,
    ContextShowParams, LeavingPiece, SessionCompactOutput, SessionCompactParams,
    SessionRestoreOutput, SessionRestoreParams,
};
pub use credentials::{CredentialKind, CredentialRow, CredentialState, CredentialsListOutput};
pub use devices::{
    DeviceRow, DevicesApproveParams, DevicesListOutput, DevicesRejectParams, DevicesRevokeOutput,
    DevicesRevokeParams, PairingRow,
};
pub use discover::{RpcDiscoverInfo, RpcDiscoverOutput};
pub use dispatch::{Handle, Handlers};
pub use doctor::{DoctorFinding, DoctorRunOutput, DoctorRunParams, DoctorSeverity};
pub use events::{
    EventsListOutput, EventsListParams, EventsSubscribeOutput, EventsSubscribeParams,
};
pub use extensions::{ChannelRow, ChannelsListOutput, PluginRow, PluginsListOutput};
pub use health::{GatewayStatus, HealthCause, HealthGetOutput};
pub use logs::{LineLevel, LogLine, LogsTailOutput, LogsTailParams};
pub use models::{FailingModel, ModelsStatusOutput};
pub use page::{PageLimit, PageLimitError};
pub use policy::{
    PolicyDecision, PolicyExplainOutput, PolicyExplainParams, PolicyLayer, PolicySender,
    PolicyStanding,
};
pub use session::{
    Attachment, MessageSender, QueueMode, SessionCancelOutput, SessionCancelParams,
    SessionCreateOutput, SessionCreateParams, SessionEndOutput, SessionEndParams,
    SessionHistoryOutput, SessionHistoryParams, SessionListOutput, SessionListParams,
    SessionMessageOutput, SessionMessageParams, SessionSummary, StopReason,
};
pub use skills::{
    BrokenSkillFile, SkillConfigCheck, SkillInstallOption, SkillNeeds, SkillRow, SkillsListOutput,
    SkillsListParams,
};
pub use table::{
    AgentList, AgentStatus, ApprovalsFiles, ApprovalsGrants, ApprovalsList, ApprovalsResolve,
    ApprovalsVouch, ApprovalsWithdraw, AuditList, AuditVerify, ChannelsList, ConfigGet,
    ConfigPatch, ConfigSchema, ConfigSet, ConfigUnset, ConfigValidate, ContextShow,
    CredentialsList, DevicesApprove, DevicesList, DevicesReject, DevicesRevoke, DoctorRun,
    EventsList, EventsSubscribe, HealthGet, LoginCreate, LogsTail, METHODS, ModelsStatus,
    PluginsList, PolicyExplain, RpcDiscover, SessionCancel, SessionCompact, SessionCreate,
    SessionEnd, SessionHistory, SessionList, SessionMessage, SessionRestore, SkillsList,
    TokensCreate, TokensList, TokensRevoke, ToolsExecute, ToolsList, UsageGet, UsageRaise,
    UsageStatus, dispatch,
};
pub use tokens::{
    Disclosed, LoginCreateOutput, TokenSummary, TokensCreateOutput, TokensCreateParams,
    TokensListOutput, TokensRevokeOutput, TokensRevokeParams,
};
pub use tools::{ToolSummary, ToolsExecuteOutput, ToolsExecuteParams, ToolsListOutput};
pub use usage::{
    Amount, CapName, CapStatus, Percentiles, UsageBy, UsageGetOutput, UsageGetParams,
    UsageRaiseOutput, UsageRaiseParams, UsageRow, UsageStatusOutput, UsageStatusParams,
};

/// A method, as a type: what a client calls and what a gateway handles.
pub trait Method: 'static {
    /// The name on the wire, in the form `resource.verb`.
    const NAME: &'static str;
    /// What a caller must be allowed to do.
    const SCOPE: Scope;
    /// What the method does, for the reference page; Markdown.
    const DOC: &'static str;
    /// One call as it may look.
    const EXAMPLE: Example;
    /// What it is called with.
    type Params: DeserializeOwned + Serialize + JsonSchema + Send;
    /// What it answers.
    type Output: DeserializeOwned + Serialize + JsonSchema + Send;
}

/// Params of a method that takes none.
#[expect(
    clippy::empty_structs_with_brackets,
    reason = "a unit struct would be read from null instead of an object"
)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoParams {}

/// A row of the method table, for everything that is not the call itself.
#[derive(Clone, Copy, Debug)]
pub struct MethodInfo {
    /// The name on the wire.
    pub name: &'static str,
    /// What a caller must be allowed to do.
    pub scope: Scope,
    /// What the method does; Markdown.
    pub doc: &'static str,
    /// Params and output of one call, as JSON text.
    pub example: Example,
    /// Describes the params.
    pub params_schema: fn(&mut SchemaGenerator) -> Schema,
    /// Describes the output.
    pub output_schema: fn(&mut SchemaGenerator) -> Schema,
}

/// One call as it may look.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The params, as JSON text.
    pub params: &'static str,
    /// The output, as JSON text.
    pub output: &'static str,
}

impl MethodInfo {
    /// Returns the row of one method.
    pub const fn of<M: Method>() -> Self {
        Self {
            name: M::NAME,
            scope: M::SCOPE,
            doc: M::DOC,
            example: M::EXAMPLE,
            params_schema: SchemaGenerator::subschema_for::<M::Params>,
            output_schema: SchemaGenerator::subschema_for::<M::Output>,
        }
    }

    /// Returns the method of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        METHODS.iter().find(|method| method.name == name)
    }
}
