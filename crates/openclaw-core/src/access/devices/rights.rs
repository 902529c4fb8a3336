//! What a device may do: OpenClaw's operator scopes.
//!
//! They are finer than the scopes of this gateway's own tokens. What a credential gives is a set of
//! [`Scopes`]; [`Rights::of`] says what that is here, and a client has of it what it asks for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::access::{Scope, Scopes};

/// One thing that a client may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Right {
    /// Everything.
    #[serde(rename = "operator.admin")]
    Admin,
    /// Look at sessions, agents and tools.
    #[serde(rename = "operator.read")]
    Read,
    /// Speak to agents; includes to look.
    #[serde(rename = "operator.write")]
    Write,
    /// Decide what waits for approval.
    #[serde(rename = "operator.approvals")]
    Approvals,
    /// Answer what an agent asks.
    #[serde(rename = "operator.questions")]
    Questions,
    /// Decide which devices may come in.
    #[serde(rename = "operator.pairing")]
    Pairing,
}

/// A text that names no right that is known here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no operator scope")]
pub struct UnknownRight(pub String);

impl Right {
    /// Every right.
    pub const ALL: [Self; 6] = [
        Self::Admin,
        Self::Read,
        Self::Write,
        Self::Approvals,
        Self::Questions,
        Self::Pairing,
    ];

    /// Returns its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "operator.admin",
            Self::Read => "operator.read",
            Self::Write => "operator.write",
            Self::Approvals => "operator.approvals",
            Self::Questions => "operator.questions",
            Self::Pairing => "operator.pairing",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Admin => 1,
            Self::Read => 2,
            Self::Write => 4,
            Self::Approvals => 8,
            Self::Questions => 16,
            Self::Pairing => 32,
        }
    }

    /// Returns the bits of every right of which one is enough.
    const fn sufficient(self) -> u8 {
        let admin = Self::Admin.bit();
        match self {
            Self::Read => self.bit() | Self::Write.bit() | admin,
            Self::Admin | Self::Write | Self::Approvals | Self::Questions | Self::Pairing => {
                self.bit() | admin
            }
        }
    }

    /// Returns the scope that its holder has for the methods of this gateway's own table.
    const fn scope(self) -> Option<Scope> {
        match self {
            Self::Admin => Some(Scope::Admin),
            Self::Read => Some(Scope::Read),
            Self::Write => Some(Scope::Write),
            Self::Approvals => Some(Scope::Approvals),
            Self::Questions | Self::Pairing => None,
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Right {
    type Err = UnknownRight;

    fn from_str(text: &str) -> Result<Self, UnknownRight> {
        Self::ALL
            .into_iter()
            .find(|right| right.as_str() == text)
            .ok_or_else(|| UnknownRight(text.to_owned()))
    }
}

/// A set of rights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Right>", into = "Vec<Right>")]
pub struct Rights(u8);

impl Rights {
    /// Returns what a credential with these scopes gives.
    ///
    /// Only an administrator decides about devices: whoever can let a device in can let one in that
    /// may do anything.
    pub fn of(scopes: Scopes) -> Self {
        if scopes.include(Scope::Admin) {
            return Right::ALL.into_iter().collect();
        }
        let given = Right::ALL.into_iter().filter(|right| match right {
            Right::Admin | Right::Pairing => false,
            Right::Read => scopes.include(Scope::Read),
            Right::Write => scopes.include(Scope::Write),
            Right::Approvals | Right::Questions => scopes.include(Scope::Approvals),
        });
        given.collect()
    }

    /// Returns the rights of either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the rights that are asked for in `other` and included here.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Right::ALL
            .into_iter()
            .filter(|right| self.include(*right) && other.has(*right))
            .collect()
    }

    /// Tells whether somebody with these rights may do what needs `right`.
    pub const fn include(self, right: Right) -> bool {
        self.0 & right.sufficient() != 0
    }

    /// Tells whether every right of another set is included.
    pub fn cover(self, other: Self) -> bool {
        other.iter().all(|right| self.include(right))
    }

    /// Returns the rights by name.
    pub fn iter(self) -> impl Iterator<Item = Right> {
        Right::ALL.into_iter().filter(move |right| self.has(*right))
    }

    /// Tells whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns what its holder may do by the methods of this gateway's own table.
    pub fn scopes(self) -> Scopes {
        self.iter().filter_map(Right::scope).collect()
    }

    const fn has(self, right: Right) -> bool {
        self.0 & right.bit() != 0
    }
}

impl From<Vec<Right>> for Rights {
    fn from(rights: Vec<Right>) -> Self {
        rights.into_iter().collect()
    }
}

impl From<Rights> for Vec<Right> {
    fn from(rights: Rights) -> Self {
        rights.iter().collect()
    }
}

impl FromIterator<Right> for Rights {
    fn from_iter<I: IntoIterator<Item = Right>>(rights: I) -> Self {
        Self(rights.into_iter().fold(0, |bits, right| bits | right.bit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_what_it_asks_for_and_its_credential_gives() {
        let all = Rights::of(Scopes::ALL);
        let asked = Rights::from_iter([Right::Read, Right::Approvals]);
        assert_eq!(all.and(asked), asked);
        let write = Rights::of(Scopes::from_iter([Scope::Write]));
        assert_eq!(
            write.iter().collect::<Vec<_>>(),
            [Right::Read, Right::Write]
        );
        assert_eq!(write.and(all), write);
        assert_eq!(write.and(asked), Rights::from_iter([Right::Read]));
        assert!(!write.include(Right::Pairing) && all.include(Right::Pairing));
        assert!(Rights::from_iter([Right::Admin]).cover(all) && !write.cover(all));
    }

    #[test]
    fn what_is_asked_for_bounds_the_scopes_too() {
        let asked = Rights::from_iter([Right::Read, Right::Pairing]);
        let scopes = Rights::of(Scopes::ALL).and(asked).scopes();
        assert_eq!(scopes, Scopes::from_iter([Scope::Read]));
    }
}
