//! What somebody may do, in the names that OpenClaw's clients know.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One thing that a caller may be allowed to do.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum Scope {
    /// Look at sessions, agents and tools.
    #[serde(rename = "operator.read")]
    Read,
    /// Speak to agents and run tools; includes to look.
    #[serde(rename = "operator.write")]
    Write,
    /// Decide what waits for approval.
    #[serde(rename = "operator.approvals")]
    Approvals,
    /// Change the gateway itself and who may use it; includes everything.
    #[serde(rename = "operator.admin")]
    Admin,
}

/// A text that names no scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no scope; there are {all}", name = .0, all = Scopes::ALL)]
pub struct UnknownScope(pub String);

impl Scope {
    /// Every scope, the least first.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Approvals, Self::Admin];

    /// Returns the scope's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "operator.read",
            Self::Write => "operator.write",
            Self::Approvals => "operator.approvals",
            Self::Admin => "operator.admin",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Read => 1,
            Self::Write => 2,
            Self::Approvals => 4,
            Self::Admin => 8,
        }
    }

    /// Returns the bits of every scope of which one is enough.
    const fn sufficient(self) -> u8 {
        let admin = Self::Admin.bit();
        match self {
            Self::Read => self.bit() | Self::Write.bit() | admin,
            Self::Write | Self::Approvals => self.bit() | admin,
            Self::Admin => admin,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or_else(|| UnknownScope(text.to_owned()))
    }
}

/// A set of scopes.
///
/// ```
/// use openclaw_core::access::{Scope, Scopes};
///
/// let scopes = Scopes::from_iter([Scope::Write]);
/// assert!(scopes.include(Scope::Read), "who may speak may look");
/// assert!(!scopes.include(Scope::Admin));
/// assert_eq!(scopes.to_string(), "operator.write");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Scope>", into = "Vec<Scope>")]
pub struct Scopes(u8);

impl Scopes {
    /// Every scope.
    pub const ALL: Self = Self(15);

    /// Tells whether somebody with these scopes may do what needs `scope`.
    pub const fn include(self, scope: Scope) -> bool {
        self.0 & scope.sufficient() != 0
    }

    /// Returns the scopes, the least first.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL
            .into_iter()
            .filter(move |scope| self.0 & scope.bit() != 0)
    }

    /// Tells whether there is no scope.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl From<Vec<Scope>> for Scopes {
    fn from(scopes: Vec<Scope>) -> Self {
        scopes.into_iter().collect()
    }
}

impl From<Scopes> for Vec<Scope> {
    fn from(scopes: Scopes) -> Self {
        scopes.iter().collect()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, scope) in self.iter().enumerate() {
            if n > 0 {
                f.write_str(", ")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scope_allows_what_it_includes_and_nothing_else() {
        let allowed = |scope| {
            let scopes = Scopes::from_iter([scope]);
            Scope::ALL.map(|needed| scopes.include(needed))
        };
        assert_eq!(allowed(Scope::Read), [true, false, false, false]);
        assert_eq!(allowed(Scope::Write), [true, true, false, false]);
        assert_eq!(allowed(Scope::Approvals), [false, false, true, false]);
        assert_eq!(allowed(Scope::Admin), [true, true, true, true]);
        assert!(
            Scope::ALL
                .into_iter()
                .all(|scope| !Scopes::default().include(scope))
        );
        assert_eq!(Scopes::from_iter(Scope::ALL), Scopes::ALL);
    }

    #[test]
    fn a_scope_has_one_name_everywhere() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(scope));
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
        }
        let err = "operator.root".parse::<Scope>().unwrap_err();
        assert!(err.to_string().contains("operator.admin"), "{err}");
    }
}
