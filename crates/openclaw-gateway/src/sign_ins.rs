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

/// A sign-in's name, with its key or why that cannot be had.
pub(crate) type Signed = (String, Result<Arc<ApiKey>, GatewayError>);

/// Returns the keys of the sign-ins that an agent may use at a provider, the preferred one first.
///
/// One that was made here by OAuth comes first. OpenClaw's by OAuth are OpenClaw's to renew, so they
/// are no keys. Where `auth.order` names sign-ins of the provider, no other one of OpenClaw's is used.
pub(crate) fn keys(home: &Home, agent: &AgentId, provider: &ProviderId) -> Vec<Signed> {
    let mut keys = Vec::new();
    match renewal::key(home, provider) {
        Ok(Some((name, key))) => keys.push((name, Ok(key))),
        Ok(None) => {}
        Err(err) => keys.push((renewal::record_of(provider), Err(err))),
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
    let order = home.config.sign_in_order.get(provider);
    let place = |profile: &AuthProfile| match order {
        None => Some(0),
        Some(order) => order.iter().position(|name| *name == profile.id),
    };
    let mut usable: Vec<(usize, AuthProfile)> = found
        .profiles
        .into_iter()
        .filter(|profile| profile.provider == *provider && profile.kind == AuthKind::ApiKey)
        .filter_map(|profile| Some((place(&profile)?, profile)))
        .collect();
    let first = format!("{provider}:{DEFAULT}");
    usable.sort_by_key(|(place, profile)| (*place, profile.id != first));
    keys.extend(usable.into_iter().map(|(_, profile)| {
        let key = key_of(home, &profile);
        (profile.id, key)
    }));
    keys
}

fn key_of(home: &Home, profile: &AuthProfile) -> Result<Arc<ApiKey>, GatewayError> {
    match &profile.secret {
        Secret::Given(key) => Ok(Arc::clone(key)),
        Secret::Elsewhere(reference) => {
            let path = format!("the sign-in {}", profile.id);
            let reference: SecretRef =
                serde_json::from_value(reference.clone()).map_err(|_unknown| {
                    GatewayError::SignIn {
                        name: profile.id.clone(),
                    }
                })?;
            home.secret(&SecretInput::Ref(reference), &path)
        }
    }
}
