//! Tools: what an agent can do.
//!
//! A tool is a type with a name, typed arguments and one async function; its JSON Schema follows
//! from the arguments. What is not in the [`ToolRegistry`] cannot be called. To add one, write its
//! file here and its line in [`ToolRegistry::standard`].

mod apply_patch;
mod edit;
mod exec;
mod find;
mod grep;
mod image;
mod live;
mod ls;
mod message;
mod near;
mod page;
mod place;
mod process;
mod read;
mod registry;
mod schema;
mod search;
mod sessions;
#[cfg(test)]
mod tests;
mod web;
mod web_fetch;
mod web_search;
mod write;

use std::path::PathBuf;

use async_trait::async_trait;
use openclaw_core::events::{CallPayload, ToolPayload};
use openclaw_core::provenance::Mark;
use openclaw_sandbox::{Command, FileError, SandboxConfig, SandboxError, Workspace};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::means::Means;
use crate::world::{Caller, World};

pub use apply_patch::ApplyPatchTool;
pub use edit::EditTool;
pub use exec::{ExecTool, ExecTool as BashTool};
pub use find::FindTool;
pub use grep::GrepTool;
pub use image::ImageTool;
pub use ls::LsTool;
pub use message::MessageTool;
pub use process::ProcessTool;
pub use read::{ReadTool, ReadTool as ReadFileTool};
pub use registry::{CallRefused, RegistryError, ToolRegistry};
pub use schema::{ArgumentError, ArgumentFault, ArgumentProblem};
pub use sessions::{
    SessionReach, SessionsHistoryTool, SessionsListTool, SessionsSendTool, Visibility,
};
pub use web_fetch::{Part, Reading, WebFetchTool};
pub use web_search::{SearchEngine, Searching, WebSearchTool};
pub use write::WriteTool;

pub(crate) use live::LiveOutput;
pub(crate) use registry::AnyTool;

/// What a result says that was kept from an earlier call: no server was asked for it.
pub(crate) const KEPT: &str = "cached";
/// The most bytes of a file, or of a command's output, that one call gives to the model unless
/// something else is said.
pub(crate) const MAX_RESULT_BYTES: usize = 64 * 1024;

/// The most bytes of an error that a model is told of.
const MAX_ERROR_BYTES: usize = 16 * 1024;

/// How often a change is worked out anew because another call has changed the file meanwhile.
const MAX_TRIES: u32 = 8;

/// A tool.
#[async_trait]
pub trait Tool: Send + Sync + 'static {
    /// The name that it goes by unless it is registered under another.
    const NAME: &'static str;
    /// What it does, for the model.
    const DESCRIPTION: &'static str;
    /// By what it touches this machine; what neither runs commands nor uses [`ToolCx::workspace`]
    /// touches nothing that the sandbox has a say in.
    const TOUCH: Touch = Touch::Nothing;
    /// What a call of it may bring about; the gate asks for some of that.
    const EFFECT: Effect = Effect::Read;
    /// What an agent has to have to be told of it.
    const NEEDS: Needs = Needs::Nothing;
    /// Its arguments. Derive `Deserialize` with `deny_unknown_fields`, and `JsonSchema`.
    type Args: DeserializeOwned + JsonSchema + Send;

    /// Returns what this one call may bring about, where that depends on its arguments.
    fn effect(_params: &Value) -> Effect {
        Self::EFFECT
    }

    /// Returns every address that a call would ask a server for; whoever makes them up tells that
    /// server what they like.
    fn addresses(_params: &Value) -> Vec<String> {
        Vec::new()
    }

    /// Returns every file that a call would write, move or remove, as its arguments name them; what
    /// is on record of them has to be there before they change.
    fn writes(_params: &Value) -> Vec<String> {
        Vec::new()
    }

    /// Returns the command that a call would run, and how that would be confined, for whoever is
    /// asked about it.
    fn would_run(&self, _args: &Self::Args, _cx: &ToolCx) -> Option<(SandboxConfig, Command)> {
        None
    }

    /// Says what a call is about that its arguments only name, for whoever is asked about it.
    fn about(&self, _params: &Value, _cx: &ToolCx) -> Option<String> {
        None
    }

    /// Does what it is for.
    ///
    /// # Cancel safety
    /// The future is dropped when the turn is cancelled.
    async fn run(&self, args: Self::Args, cx: &ToolCx) -> Result<ToolOutput, ToolError>;
}

/// By what a tool touches this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// By commands, which run in the sandbox.
    Commands,
    /// By reading files of the workspace.
    Reads,
    /// By reading and writing files of the workspace.
    Writes,
    /// By nothing.
    Nothing,
}

/// What an agent has to have for a tool to be of use to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing that not every agent has.
    Nothing,
    /// A model that can see.
    Eyes,
}

/// What a tool call may bring about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The model learns something, and nothing else changes.
    Read,
    /// Files of the workspace change.
    Write,
    /// A command runs.
    Exec,
    /// Something leaves for somebody else.
    Send,
    /// A secret is used.
    Secret,
}

/// What a tool call may use.
pub struct ToolCx {
    /// The files that it may touch.
    pub workspace: Workspace,
    /// Folders outside of the workspace that it may read, and not write.
    pub readable: Vec<PathBuf>,
    /// How its commands are confined.
    pub sandbox: SandboxConfig,
    /// By which means they run.
    pub means: Means,
    /// On whose behalf it is called.
    pub caller: Caller,
    /// What it reaches beyond the workspace.
    pub world: World,
    /// Tells it to stop.
    pub stop: CancellationToken,
    /// The untrusted pieces that are in view of whoever calls.
    pub(crate) in_view: Vec<Mark>,
    /// Takes output while it is being written.
    pub(crate) live: LiveOutput,
}

impl std::fmt::Debug for ToolCx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ToolCx")
            .field("sandbox", &self.sandbox)
            .finish_non_exhaustive()
    }
}

/// What a tool call came to.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolOutput {
    /// The result, as it is recorded and as clients get it.
    pub result: Value,
    /// Whether the tool did what was asked.
    pub success: bool,
    /// How it ran.
    pub payload: ToolPayload,
    /// Where the result came from; empty when that follows from the tool.
    pub marks: Vec<Mark>,
    /// The files of the workspace that it wrote or removed, relative to the workspace.
    pub wrote: Vec<PathBuf>,
    /// The calls of a model that were made for it.
    pub calls: Vec<CallPayload>,
}

impl ToolOutput {
    /// Makes the output of a call that did what was asked.
    pub fn text(text: impl Into<String>) -> Self {
        Self::of(Value::String(text.into()))
    }

    /// As [`text`](Self::text), of another form.
    pub fn of(result: Value) -> Self {
        Self {
            result,
            success: true,
            payload: ToolPayload::default(),
            marks: Vec::new(),
            wrote: Vec::new(),
            calls: Vec::new(),
        }
    }
}

/// Why a tool call failed.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The model gets this as the call's result and may try something else.
    #[error("{0}")]
    ForModel(String),
    /// There is no such tool.
    #[error("there is no tool `{name}`; there are: {known}")]
    NoTool {
        /// What was asked for.
        name: String,
        /// The tools that there are.
        known: String,
    },
    /// The arguments are not what the tool takes.
    #[error(transparent)]
    Arguments(#[from] ArgumentError),
    /// A rule does not allow it.
    #[error("`{tool}` is not allowed here: {reason} ({rule})")]
    Denied {
        /// What was asked for.
        tool: String,
        /// The rule that decided.
        rule: String,
        /// What it says.
        reason: String,
    },
    /// The sandbox refused to run a command.
    #[error(transparent)]
    Refused(#[from] SandboxError),
    /// A file of the workspace cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The model asked for more at once than is run side by side.
    #[error(
        "not run: one answer may call {limit} tools, and this one called more; call the rest in the \
         next step"
    )]
    TooMany {
        /// How many are run.
        limit: usize,
    },
    /// A message came in before the call began.
    #[error(
        "not run: a message came in before it began; read that first, and call the tool again if it \
         is still wanted"
    )]
    PassedOver,
    /// The turn was cancelled.
    #[error("cancelled before it ended")]
    Cancelled,
}

impl ToolError {
    /// Returns the text that goes back to the model.
    pub fn model_text(&self) -> String {
        let hint = match self {
            Self::Refused(err) => err.hint(),
            Self::File(err) => err.hint(),
            Self::ForModel(_)
            | Self::NoTool { .. }
            | Self::Arguments(_)
            | Self::Denied { .. }
            | Self::TooMany { .. }
            | Self::PassedOver
            | Self::Cancelled => None,
        };
        let told = hint.map_or_else(|| self.to_string(), |hint| format!("{self}; {hint}"));
        // Most say what they are about, and that may be of any length.
        page::shortened(told, MAX_ERROR_BYTES)
    }

    /// Returns why nothing ran at all, if that is so.
    pub fn refusal(&self) -> Option<String> {
        match self {
            Self::NoTool { .. }
            | Self::Denied { .. }
            | Self::Refused(_)
            | Self::TooMany { .. }
            | Self::PassedOver => Some(self.to_string()),
            Self::ForModel(_) | Self::Arguments(_) | Self::File(_) | Self::Cancelled => None,
        }
    }
}

/// Returns a result as the model reads it: text as it is, an object as `key: value` lines.
pub(crate) fn model_text(result: &Value) -> String {
    match result {
        Value::String(text) => text.clone(),
        Value::Object(map) => {
            let lines: Vec<String> = map
                .iter()
                .map(|(key, value)| match value {
                    Value::String(text) if text.contains('\n') => format!("{key}:\n{text}"),
                    Value::String(text) => format!("{key}: {text}"),
                    other => format!("{key}: {other}"),
                })
                .collect();
            lines.join("\n")
        }
        other => other.to_string(),
    }
}
