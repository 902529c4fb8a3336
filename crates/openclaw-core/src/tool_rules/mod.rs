//! What a config says about which tools may be called, as plain data.
//!
//! The config crate reads it from files, with groups and profiles replaced by what they stand for;
//! the agents crate judges calls by it. What it comes to for a call is not said here.

mod commands;
mod list;
mod owners;
mod pattern;
mod rule;

pub use commands::{AskWhen, CommandRule, Security};
pub use list::{
    Conversation, ConversationKind, Conversations, Entry, Lists, Place, Profile, Scope, SenderKey,
};
pub use owners::{Owner, Owners};
pub use pattern::{Pattern, folded, list_name};
pub use rule::{Argument, Decision, Rule};

/// The rules about tools of one agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolRules {
    /// What goes for all agents (`tools`).
    pub shared: Scope,
    /// What goes for this one (`agents.entries.<id>.tools`).
    pub own: Scope,
    /// What goes for conversations on channels (`channels.<id>.groups` and the like).
    pub conversations: Vec<Conversations>,
    /// What goes where commands are confined (`tools.sandbox.tools`).
    pub sandboxed: Option<Lists>,
    /// What goes for commands (`tools.exec`).
    pub commands: Option<CommandRule>,
    /// This program's own rules, the first one first (`policy.rules`).
    pub rules: Vec<Rule>,
    /// Whom the agent works for, of those who write on channels (`commands.ownerAllowFrom`).
    pub owners: Owners,
}
