//! The sign-ins of a home: those of our own, and those that OpenClaw left, used where they are.

use std::sync::Arc;

use openclaw_compat::auth::{AuthKind, AuthProfile, Secret, profiles};
use openclaw_config::SecretInput;
use openclaw_core::redaction;
use openclaw_core::secrets::SecretRef;
use openclaw_core::{AgentId, ApiKey, ProviderId};

use crate::error::GatewayError;
use crate::home::Home;
use crate::renewal;

/// What OpenClaw names the sign-in that was made first, after the provider and a colon.
const DEFAULT: &str = "default";

/// Returns the key of the sign-in that an agent uses at a provider, with its name, if it has one.
///
/// One that was made here by OAuth comes first. OpenClaw's by OAuth are OpenClaw's to renew, so they
/// are no keys.
pub(crate) fn key(
    home: &Home,
    agent: &AgentId,
    provider: &ProviderId,
) -> Result<Option<(String, Arc<ApiKey>)>, GatewayError> {
    if let Some(signed_in) = renewal::key(home, provider)? {
        return Ok(Some(signed_in));
    }
    let found = profiles(home.state.root(), agent);
    for trouble in &found.troubles {
        tracing::warn!(%agent, %trouble, "a sign-in cannot be read");
    }
    for profile in &found.profiles {
        // Also of those that are not used: a tool may show them.
        if let Secret::Given(secret) = &profile.secret {
            redaction::learn(secret);
        }
    }
    let mut usable: Vec<AuthProfile> = found
        .profiles
        .into_iter()
        .filter(|profile| profile.provider == *provider && profile.kind == AuthKind::ApiKey)
        .collect();
    let order = home.config.sign_in_order.get(provider);
    let first = format!("{provider}:{DEFAULT}");
    usable.sort_by_key(|profile| {
        let named = order.and_then(|order| order.iter().position(|name| *name == profile.id));
        (named.unwrap_or(usize::MAX), profile.id != first)
    });
    let Some(profile) = usable.into_iter().next() else {
        return Ok(None);
    };
    let key = match profile.secret {
        Secret::Given(key) => key,
        Secret::Elsewhere(reference) => {
            let path = format!("the sign-in {}", profile.id);
            let reference: SecretRef =
                serde_json::from_value(reference).map_err(|_unknown| GatewayError::SignIn {
                    name: profile.id.clone(),
                })?;
            home.secret(&SecretInput::Ref(reference), &path)?
        }
    };
    Ok(Some((profile.id, key)))
}
