//! The agent loop: from an admitted message to tool calls, tool results and an answer.
//!
//! Reading order: [`agent`] is who answers, [`tools`] what it can do, [`skills`] and [`workspace`]
//! what it knows, `transcript` and `prompt` what the model sees, `step` one question to it, [`calls`] the one gate to a tool, `run` the loop of
//! one turn, [`engine`] the lanes that keep one run per session, [`runtime`] the same loop for
//! embedding programs, [`replay`] the same steps again with what a recorded turn's tools answered.
//!
//! The loop speaks to the outside through three things only: a
//! [`Route`](openclaw_providers::Route) to models, the sandbox, and the event log.
#![forbid(unsafe_code)]

pub mod agent;
pub mod approvals;
pub mod bus;
pub mod calls;
pub mod compaction;
mod confined;
pub mod context;
mod ending;
pub mod engine;
mod error;
mod gatekeeper;
mod hearing;
mod inbox;
pub mod jobs;
pub mod lanes;
pub mod loops;
mod means;
pub mod meters;
mod moments;
pub mod policy;
mod prompt;
mod repeat;
pub mod replay;
pub mod rules;
mod run;
pub mod runtime;
pub mod scope;
mod shown;
pub mod skills;
mod step;
pub mod taint;
pub mod terms;
pub mod tools;
mod tracks;
mod transcript;
pub mod workspace;
pub mod world;

pub use agent::{Agent, AgentModel, Limits, NoModel};
pub use bus::{Bus, Live};
pub use engine::{Engine, Turn};
pub use error::AgentError;
pub use inbox::MESSAGE_ID;
pub use means::{Means, ReachOf};
pub use meters::{Attended, Meters, NoMeters, Whose};
pub use openclaw_sandbox::{self as sandbox, SandboxConfig, SandboxLevel};
pub use rules::Rules;
pub use run::Reply;
pub use runtime::{AgentRuntime, Context};
pub use scope::TaskScope;
pub use skills::{SkillSet, SkillSources, Skills};
pub use terms::Terms;
pub use tools::{BashTool, ReadFileTool, Tool, ToolCx, ToolError, ToolOutput, ToolRegistry};
pub use workspace::{ContextFiles, ContextLimits};
pub use world::{Caller, Doors, NoDoors, World};
