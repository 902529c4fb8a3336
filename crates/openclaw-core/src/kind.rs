//! What kinds of failure there are, and what each becomes at the two edges that users script against.
//!
//! Every error type of the workspace answers `kind()`. The JSON-RPC code and the exit code follow
//! from the kind here and nowhere else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kind of a failure: what the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The input is wrong; sending it again will not help.
    Invalid,
    /// The configuration does not allow it; the operator has to change a file.
    Config,
    /// Who is calling is not known.
    Unauthenticated,
    /// Who is calling is known, and may not do this; or a policy or the sandbox refuses it.
    Denied,
    /// Too much, too often or too large.
    Limited,
    /// The thing named does not exist.
    NotFound,
    /// The thing changed meanwhile, or exists already.
    Conflict,
    /// Somebody else holds the thing; trying later may help.
    Busy,
    /// The gateway does not answer.
    Unreachable,
    /// Something outside that is needed does not work: a provider, a program, a port.
    Unavailable,
    /// The caller or a shutdown stopped it.
    Cancelled,
    /// A defect in this program.
    Internal,
}

impl Kind {
    /// Every kind, for tests and generated documentation.
    pub const ALL: [Self; 12] = [
        Self::Invalid,
        Self::Config,
        Self::Unauthenticated,
        Self::Denied,
        Self::Limited,
        Self::NotFound,
        Self::Conflict,
        Self::Busy,
        Self::Unreachable,
        Self::Unavailable,
        Self::Cancelled,
        Self::Internal,
    ];

    /// Returns the JSON-RPC 2.0 error code.
    ///
    /// `-32602` and `-32603` are the specification's own; the others lie in the range that it
    /// leaves to servers (-32099 to -32000).
    pub const fn rpc_code(self) -> i32 {
        match self {
            Self::Invalid => -32602,
            Self::Internal => -32603,
            Self::Unauthenticated => -32001,
            Self::Denied => -32003,
            Self::NotFound => -32004,
            Self::Conflict => -32009,
            Self::Busy => -32010,
            Self::Limited => -32029,
            Self::Unavailable => -32050,
            Self::Unreachable => -32051,
            Self::Cancelled => -32060,
            Self::Config => -32078,
        }
    }

    /// Returns the kind that a JSON-RPC error code stands for; foreign codes are `Internal`.
    pub fn from_rpc_code(code: i32) -> Self {
        Self::ALL
            .into_iter()
            .find(|kind| kind.rpc_code() == code)
            .unwrap_or(Self::Internal)
    }

    /// Returns the exit code of a command that ends with this kind of failure.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Conflict | Self::Internal => 1,
            Self::Invalid => 2,
            Self::NotFound => 3,
            Self::Unreachable => 4,
            Self::Unauthenticated => 5,
            Self::Denied => 6,
            Self::Limited | Self::Busy | Self::Unavailable => 69,
            Self::Config => 78,
            Self::Cancelled => 130,
        }
    }

    /// Returns the kind's lower-case name, as it appears in error data.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Config => "config",
            Self::Unauthenticated => "unauthenticated",
            Self::Denied => "denied",
            Self::Limited => "limited",
            Self::NotFound => "notfound",
            Self::Conflict => "conflict",
            Self::Busy => "busy",
            Self::Unreachable => "unreachable",
            Self::Unavailable => "unavailable",
            Self::Cancelled => "cancelled",
            Self::Internal => "internal",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_survives_the_trip_through_its_rpc_code_and_its_name() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_rpc_code(kind.rpc_code()), kind);
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
