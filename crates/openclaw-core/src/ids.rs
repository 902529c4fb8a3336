//! The names of things: one newtype for each, so that a peer can never be passed for an agent.
//!
//! The fields are public because the ids are plain labels; what enters from outside is checked
//! where it enters (see [`crate::validation`]).

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// Returns the id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    };
}

id!(
    /// Names a configured agent, such as `main`.
    AgentId
);
id!(
    /// Names a channel: the way by which a message came in, such as `telegram` or `rpc`.
    ChannelId
);
id!(
    /// Names one correspondent on a channel.
    PeerId
);
id!(
    /// Names one group conversation on a channel.
    GroupId
);
id!(
    /// Names one message as its channel names it.
    MessageId
);
id!(
    /// Names a configured model provider, such as `anthropic`.
    ProviderId
);
id!(
    /// Names one run of the agent loop: everything that one inbound message set off.
    RunId
);
id!(
    /// Names one tool call; it is the model's own id, so that the result finds its way back.
    CallId
);

impl RunId {
    /// Makes a fresh run id that sorts by time (UUID version 7, RFC 9562).
    pub fn generate() -> Self {
        Self(Uuid::now_v7().to_string())
    }
}
