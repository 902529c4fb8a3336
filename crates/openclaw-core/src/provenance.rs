//! Where the pieces come from that a model sees, and whether they may set anything off.
//!
//! A model does what it reads. What somebody else wrote (a web page, a file from outside, another
//! person) is marked where it enters; while such a piece is new, what reaches out asks first.

use serde::{Deserialize, Serialize};

use crate::ids::{ChannelId, PeerId};
use crate::session_key::SessionKey;

/// Where a piece of a conversation came from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(
    tag = "from",
    rename_all = "lowercase",
    rename_all_fields = "camelCase"
)]
pub enum Source {
    /// The principal: whoever the agent works for.
    Principal,
    /// Another person.
    Person {
        /// The channel that they wrote on.
        channel: ChannelId,
        /// Who they are there.
        peer: PeerId,
    },
    /// A program that hands on what others wrote.
    Webhook {
        /// The name that it gives itself.
        name: String,
    },
    /// A web server.
    Web {
        /// Its host name.
        host: String,
    },
    /// A file outside of the workspace, or one that came with a message.
    File {
        /// Its path or name.
        path: String,
    },
    /// The workspace: its files, and what commands say that can reach nothing else.
    Workspace,
    /// A file of the workspace that was written while something untrusted was in view.
    Written {
        /// Its path in the workspace.
        path: String,
    },
    /// A command that could reach more than the workspace.
    Command,
    /// Another session.
    Session {
        /// Its key.
        key: SessionKey,
    },
    /// A skill.
    Skill {
        /// Its name.
        name: String,
    },
    /// A tool that none of the others describes.
    Tool {
        /// Its name.
        name: String,
    },
}

/// What is recorded about where a piece came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Where it came from.
    #[serde(flatten)]
    pub source: Source,
    /// Whether it may be the work of somebody whom the agent does not work for.
    pub trust: Trust,
}

/// Whether a piece may be the work of a stranger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    /// It is the principal's own.
    Trusted,
    /// Nobody vouches for it.
    Untrusted,
}
