//! The sign-ins of OpenClaw's agents, read where OpenClaw keeps them.
//!
//! Until spring 2026 an agent had them in `auth-profiles.json`; since then they are in its
//! database, and since autumn what all agents share is in `state/openclaw.sqlite`. The newest place
//! that has a profile counts.

mod redact;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use openclaw_core::secrets::ApiKey;
use openclaw_core::{AgentId, ProviderId};
use rusqlite::{Connection, OptionalExtension as _};
use serde_json::Value;

use crate::json;
use crate::key;
use crate::sqlite::{Database, regular};
use crate::trouble::{Fault, Spot, Trouble};

pub use redact::{Moved, Place, RedactError, Redacted, places};

/// The agent whose sign-ins all others fall back to.
const MAIN: &str = "main";

/// The cell of a database that has sign-ins.
#[derive(Debug)]
struct Cell {
    table: &'static str,
    select: &'static str,
    update: &'static str,
}

/// What an agent has for itself.
const OWN: Cell = Cell {
    table: "auth_profile_store",
    select: "SELECT store_json FROM auth_profile_store WHERE store_key = 'primary'",
    update: "UPDATE auth_profile_store SET store_json = ?1 WHERE store_key = 'primary'",
};

/// What all agents share.
const SHARED: Cell = Cell {
    table: "config_machine_state",
    select: "SELECT value_json FROM config_machine_state WHERE state_key = 'authProfiles.store'",
    update: "UPDATE config_machine_state SET value_json = ?1 WHERE state_key = 'authProfiles.store'",
};

/// One sign-in.
#[derive(Clone, Debug)]
pub struct AuthProfile {
    /// Its name, such as `anthropic:default`.
    pub id: String,
    /// The provider that it is for.
    pub provider: ProviderId,
    /// What it is.
    pub kind: AuthKind,
    /// The secret, or where it is.
    pub secret: Secret,
    /// When it ends, in milliseconds since 1970.
    pub expires_ms: Option<u64>,
}

/// What a sign-in is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthKind {
    /// A key of the provider's.
    ApiKey,
    /// A token that is sent as bearer.
    Token,
    /// The access token of an OAuth sign-in; OpenClaw renews it, and it soon ends.
    OAuth,
}

/// A secret, or where it is.
#[derive(Clone)]
pub enum Secret {
    /// The secret itself.
    Given(Arc<ApiKey>),
    /// A reference, as OpenClaw writes it: `{source, provider, id}`.
    Elsewhere(Value),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(key) => fmt::Debug::fmt(key, f),
            Self::Elsewhere(reference) => write!(f, "Elsewhere({reference})"),
        }
    }
}

/// The sign-ins of an agent, and what could not be read.
#[derive(Clone, Debug, Default)]
pub struct SignIns {
    /// The profiles, by their names.
    pub profiles: Vec<AuthProfile>,
    /// Places that could not be read, and profiles that say too little. No secret is in it.
    pub troubles: Vec<Trouble>,
}

/// Reads the sign-ins that an agent may use: its own, those that all share, and those of `main`.
pub fn profiles(state_dir: &Path, agent: &AgentId) -> SignIns {
    let mut signs = SignIns::default();
    let main = AgentId::from(MAIN);
    let own = key::is_agent(agent).then(|| folder(state_dir, agent));
    let shared = state_dir.join("state").join("openclaw.sqlite");
    if let Some(own) = &own {
        signs.take_agent(own);
    }
    signs.take_cell(&shared, &SHARED);
    if *agent != main {
        signs.take_agent(&folder(state_dir, &main));
    }
    signs.profiles.sort_by(|a, b| a.id.cmp(&b.id));
    signs
}

fn folder(state_dir: &Path, agent: &AgentId) -> PathBuf {
    state_dir.join("agents").join(agent.as_str()).join("agent")
}

impl SignIns {
    fn take_agent(&mut self, folder: &Path) {
        self.take_cell(&folder.join("openclaw-agent.sqlite"), &OWN);
        self.take_file(&folder.join("auth-profiles.json"));
    }

    fn take_file(&mut self, file: &Path) {
        match text(file) {
            Ok(text) => self.take(file, &text),
            Err(Fault::Missing) => {}
            Err(fault) => self.troubles.push(Trouble::new(file, Spot::Whole, fault)),
        }
    }

    /// Takes what one cell of a database has, if the database and its table are there.
    fn take_cell(&mut self, file: &Path, cell: &Cell) {
        if file.symlink_metadata().is_err() {
            return;
        }
        let read = |connection: &Connection| {
            let known = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1";
            let known = connection
                .query_row(known, [cell.table], |_| Ok(()))
                .optional()?;
            match known {
                Some(()) => Ok(connection
                    .query_row(cell.select, [], |row| row.get::<_, String>(0))
                    .optional()?),
                None => Ok(None),
            }
        };
        match Database::new(file).read(read) {
            Ok(Some(text)) => self.take(file, &text),
            Ok(None) => {}
            Err(fault) => self.troubles.push(Trouble::new(file, Spot::Whole, fault)),
        }
    }

    /// Takes the profiles in a store that are not known yet.
    fn take(&mut self, file: &Path, text: &str) {
        let wrong = |spot, reason: &str| {
            let reason = reason.to_owned();
            Trouble::new(file, spot, Fault::Form { reason })
        };
        // The parser's own words would quote what it did not expect, which may be a key.
        let Ok(store) = serde_json::from_str::<Value>(text) else {
            self.troubles.push(wrong(Spot::Whole, "no JSON"));
            return;
        };
        let Some(profiles) = store.get("profiles").and_then(Value::as_object) else {
            self.troubles
                .push(wrong(Spot::Whole, "it has no `profiles`"));
            return;
        };
        for (id, profile) in profiles {
            if self.profiles.iter().any(|known| known.id == *id) {
                continue;
            }
            match read(id, profile) {
                Ok(profile) => self.profiles.push(profile),
                Err(reason) => {
                    self.troubles.push(wrong(Spot::Session(id.clone()), reason));
                }
            }
        }
    }
}

fn text(file: &Path) -> Result<String, Fault> {
    regular(file)?;
    Ok(String::from_utf8_lossy(&fs::read(file)?).into_owned())
}

/// Reads one profile.
fn read(id: &str, profile: &Value) -> Result<AuthProfile, &'static str> {
    let provider = json::text(profile, "provider").ok_or("it names no provider")?;
    let said = json::text(profile, "type").or_else(|| json::text(profile, "mode"));
    let (kind, fields) = match said {
        Some("api_key" | "apiKey") => (AuthKind::ApiKey, ["keyRef", "key", "apiKey"]),
        Some("token") => (AuthKind::Token, ["tokenRef", "token", "token"]),
        Some("oauth") => (AuthKind::OAuth, ["accessRef", "access", "access"]),
        _ => return Err("its type is none of api_key, token and oauth"),
    };
    let [reference, ..] = fields;
    let secret = match profile.get(reference) {
        Some(reference @ Value::Object(_)) => Some(Secret::Elsewhere(reference.clone())),
        _ => fields.iter().find_map(|field| match profile.get(field)? {
            Value::String(secret) if !secret.trim().is_empty() => Some(Secret::Given(Arc::new(
                ApiKey::new(secret.trim().to_owned()),
            ))),
            reference @ Value::Object(_) => Some(Secret::Elsewhere(reference.clone())),
            _ => None,
        }),
    };
    let expires = json::count(profile, "expires");
    Ok(AuthProfile {
        id: id.to_owned(),
        provider: ProviderId(provider.trim().to_lowercase()),
        kind,
        secret: secret.ok_or("it has no secret")?,
        expires_ms: (expires > 0).then_some(expires),
    })
}

#[cfg(test)]
mod tests;
