//! The hooks there are, and how each is run.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment at which handlers are called; the names are OpenClaw's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hook {
    /// Before it is settled which model answers: may choose another.
    BeforeModelResolve,
    /// Before the prompt is put together: may add context.
    AgentTurnPrepare,
    /// While the prompt is put together: may add context and take tools away.
    BeforePromptBuild,
    /// Before the finished prompt goes to a model: may stop the run.
    BeforeAgentRun,
    /// Before a model is asked: may answer in its place.
    BeforeAgentReply,
    /// Before an answer is taken as the last: may ask for another pass.
    BeforeAgentFinalize,
    /// A run ended, in whatever way.
    AgentEnd,
    /// While the prompt of a heartbeat is put together: may add context.
    HeartbeatPromptContribution,
    /// A model was asked; nothing of what was said is told.
    ModelCallStarted,
    /// A call of a model ended; nothing of what was said is told.
    ModelCallEnded,
    /// What a model is given.
    LlmInput,
    /// What a model answered.
    LlmOutput,
    /// Before a tool runs: may change its arguments, stop it, or have somebody asked.
    BeforeToolCall,
    /// A tool ran, or failed.
    AfterToolCall,
    /// Before a command runs: may add variables to its environment.
    ResolveExecEnv,
    /// Before a tool's result is recorded: may rewrite it.
    ToolResultPersist,
    /// Before a message is recorded: may rewrite it, or keep it out.
    BeforeMessageWrite,
    /// A message came in that belongs to a plugin's conversation.
    InboundClaim,
    /// A stranger asked to be let in.
    ChannelPairingRequested,
    /// A message came in.
    MessageReceived,
    /// Before a text goes out: may rewrite or stop it.
    MessageSending,
    /// Before a reply goes out: may rewrite or stop it.
    ReplyPayloadSending,
    /// A text went out, or did not.
    MessageSent,
    /// Before a message goes to the agent: may deal with it in its place.
    BeforeDispatch,
    /// Before a reply is made: may make and send it instead.
    ReplyDispatch,
    /// A session began.
    SessionStart,
    /// A session ended.
    SessionEnd,
    /// A conversation is about to be summed up.
    BeforeCompaction,
    /// A conversation was summed up.
    AfterCompaction,
    /// A session is about to begin anew.
    BeforeReset,
    /// A run began on behalf of another.
    SubagentSpawned,
    /// A run on behalf of another ended.
    SubagentEnded,
    /// A run on behalf of another went on.
    SubagentProgress,
    /// Before such a run's result is delivered: may say where to.
    SubagentDeliveryTarget,
    /// The gateway began.
    GatewayStart,
    /// The gateway is about to end.
    GatewayStop,
    /// The plan of the scheduler is complete.
    CronReconciled,
    /// A job of the scheduler changed, began or ended.
    CronChanged,
    /// Before a skill or a plugin is installed: may stop it.
    BeforeInstall,
    /// A proposal for a skill is to be judged.
    SkillProposalEvaluate,
    /// A proposal for a skill changed.
    SkillProposalChanged,
    /// A skill changed.
    SkillChanged,
}

/// How what several handlers say becomes one result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// One after the other, the highest priority first; the parts of their results come together.
    Modify,
    /// One after the other; one that blocks ends it.
    Gate,
    /// As [`Merge::Modify`], and one that blocks ends it.
    ModifyGate,
    /// One after the other, until one says that it has dealt with it.
    Claim,
    /// All at the same time; what they return does not count.
    Observe,
    /// One after the other without waiting; each gets what the one before it made.
    SyncModify,
    /// As [`Merge::SyncModify`], and one that blocks ends it.
    SyncModifyGate,
    /// All at the same time; each result counts, under its handler's name.
    Evaluate,
}

/// What follows when a handler fails, or takes too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It blocks.
    Closed,
    /// It is logged, and the others count.
    Skipped,
    /// It is a result: that one failed.
    Recorded,
}

impl Hook {
    /// Every hook, in the order in which OpenClaw's documentation has them.
    pub const ALL: [Self; 42] = [
        Self::BeforeModelResolve,
        Self::AgentTurnPrepare,
        Self::BeforePromptBuild,
        Self::BeforeAgentRun,
        Self::BeforeAgentReply,
        Self::BeforeAgentFinalize,
        Self::AgentEnd,
        Self::HeartbeatPromptContribution,
        Self::ModelCallStarted,
        Self::ModelCallEnded,
        Self::LlmInput,
        Self::LlmOutput,
        Self::BeforeToolCall,
        Self::AfterToolCall,
        Self::ResolveExecEnv,
        Self::ToolResultPersist,
        Self::BeforeMessageWrite,
        Self::InboundClaim,
        Self::ChannelPairingRequested,
        Self::MessageReceived,
        Self::MessageSending,
        Self::ReplyPayloadSending,
        Self::MessageSent,
        Self::BeforeDispatch,
        Self::ReplyDispatch,
        Self::SessionStart,
        Self::SessionEnd,
        Self::BeforeCompaction,
        Self::AfterCompaction,
        Self::BeforeReset,
        Self::SubagentSpawned,
        Self::SubagentEnded,
        Self::SubagentProgress,
        Self::SubagentDeliveryTarget,
        Self::GatewayStart,
        Self::GatewayStop,
        Self::CronReconciled,
        Self::CronChanged,
        Self::BeforeInstall,
        Self::SkillProposalEvaluate,
        Self::SkillProposalChanged,
        Self::SkillChanged,
    ];

    /// Returns the name under which plugins register for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BeforeModelResolve => "before_model_resolve",
            Self::AgentTurnPrepare => "agent_turn_prepare",
            Self::BeforePromptBuild => "before_prompt_build",
            Self::BeforeAgentRun => "before_agent_run",
            Self::BeforeAgentReply => "before_agent_reply",
            Self::BeforeAgentFinalize => "before_agent_finalize",
            Self::AgentEnd => "agent_end",
            Self::HeartbeatPromptContribution => "heartbeat_prompt_contribution",
            Self::ModelCallStarted => "model_call_started",
            Self::ModelCallEnded => "model_call_ended",
            Self::LlmInput => "llm_input",
            Self::LlmOutput => "llm_output",
            Self::BeforeToolCall => "before_tool_call",
            Self::AfterToolCall => "after_tool_call",
            Self::ResolveExecEnv => "resolve_exec_env",
            Self::ToolResultPersist => "tool_result_persist",
            Self::BeforeMessageWrite => "before_message_write",
            Self::InboundClaim => "inbound_claim",
            Self::ChannelPairingRequested => "channel_pairing_requested",
            Self::MessageReceived => "message_received",
            Self::MessageSending => "message_sending",
            Self::ReplyPayloadSending => "reply_payload_sending",
            Self::MessageSent => "message_sent",
            Self::BeforeDispatch => "before_dispatch",
            Self::ReplyDispatch => "reply_dispatch",
            Self::SessionStart => "session_start",
            Self::SessionEnd => "session_end",
            Self::BeforeCompaction => "before_compaction",
            Self::AfterCompaction => "after_compaction",
            Self::BeforeReset => "before_reset",
            Self::SubagentSpawned => "subagent_spawned",
            Self::SubagentEnded => "subagent_ended",
            Self::SubagentProgress => "subagent_progress",
            Self::SubagentDeliveryTarget => "subagent_delivery_target",
            Self::GatewayStart => "gateway_start",
            Self::GatewayStop => "gateway_stop",
            Self::CronReconciled => "cron_reconciled",
            Self::CronChanged => "cron_changed",
            Self::BeforeInstall => "before_install",
            Self::SkillProposalEvaluate => "skill_proposal_evaluate",
            Self::SkillProposalChanged => "skill_proposal_changed",
            Self::SkillChanged => "skill_changed",
        }
    }

    /// Returns how the results of its handlers become one.
    pub const fn merge(self) -> Merge {
        match self {
            Self::BeforeModelResolve
            | Self::AgentTurnPrepare
            | Self::BeforePromptBuild
            | Self::BeforeAgentFinalize
            | Self::HeartbeatPromptContribution
            | Self::ResolveExecEnv
            | Self::SubagentDeliveryTarget => Merge::Modify,
            Self::BeforeAgentRun => Merge::Gate,
            Self::BeforeToolCall
            | Self::MessageSending
            | Self::ReplyPayloadSending
            | Self::BeforeInstall => Merge::ModifyGate,
            Self::BeforeAgentReply
            | Self::InboundClaim
            | Self::BeforeDispatch
            | Self::ReplyDispatch => Merge::Claim,
            Self::ToolResultPersist => Merge::SyncModify,
            Self::BeforeMessageWrite => Merge::SyncModifyGate,
            Self::SkillProposalEvaluate => Merge::Evaluate,
            Self::AgentEnd
            | Self::ModelCallStarted
            | Self::ModelCallEnded
            | Self::LlmInput
            | Self::LlmOutput
            | Self::AfterToolCall
            | Self::ChannelPairingRequested
            | Self::MessageReceived
            | Self::MessageSent
            | Self::SessionStart
            | Self::SessionEnd
            | Self::BeforeCompaction
            | Self::AfterCompaction
            | Self::BeforeReset
            | Self::SubagentSpawned
            | Self::SubagentEnded
            | Self::SubagentProgress
            | Self::GatewayStart
            | Self::GatewayStop
            | Self::CronReconciled
            | Self::CronChanged
            | Self::SkillProposalChanged
            | Self::SkillChanged => Merge::Observe,
        }
    }

    /// Returns how long each handler has, where its registration says nothing else; none where
    /// it has as long as it takes.
    pub const fn timeout(self) -> Option<Duration> {
        let seconds = match self {
            Self::BeforeAgentRun
            | Self::BeforeToolCall
            | Self::BeforeInstall
            | Self::BeforeAgentFinalize
            | Self::BeforePromptBuild
            | Self::MessageSending
            | Self::ReplyPayloadSending
            | Self::ResolveExecEnv => 15,
            Self::AgentEnd
            | Self::BeforeCompaction
            | Self::AfterCompaction
            | Self::SkillChanged
            | Self::SkillProposalChanged => 30,
            Self::ChannelPairingRequested => 2,
            Self::GatewayStop => 5,
            Self::SkillProposalEvaluate => 120,
            _ => return None,
        };
        Some(Duration::from_secs(seconds))
    }

    /// Returns what follows when a handler fails.
    pub const fn failure(self) -> Failure {
        match self {
            Self::BeforeAgentRun | Self::BeforeToolCall | Self::BeforeInstall => Failure::Closed,
            Self::SkillProposalEvaluate => Failure::Recorded,
            _ => Failure::Skipped,
        }
    }

    /// Tells whether its handlers answer at once, without waiting for anything.
    pub const fn is_sync(self) -> bool {
        matches!(self.merge(), Merge::SyncModify | Merge::SyncModifyGate)
    }

    /// Tells whether a handler can be for some tools only.
    pub const fn is_about_tools(self) -> bool {
        matches!(self, Self::BeforeToolCall | Self::AfterToolCall)
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
