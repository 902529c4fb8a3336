//! How requests get to a provider: headers, proxy, authorities, time-outs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use openclaw_config::{
    ModelSettings, ProviderSettings, ProxySettings, RequestSettings, SecretInput,
};
use openclaw_core::events::AuditEntry;
use openclaw_core::{ApiKey, ProviderId};
use openclaw_http::{Ca, Network, Proxy, Timeouts};

use super::credentials::entry;
use crate::error::GatewayError;
use crate::home::Home;

/// How a certificate in PEM begins.
const PEM: &str = "-----BEGIN";

/// Returns what is sent with every request; of two headers of one name, the later one counts.
pub(super) fn headers(
    home: &Home,
    provider: &ProviderId,
    settings: &ProviderSettings,
    model: Option<&ModelSettings>,
    read: &mut Vec<AuditEntry>,
) -> Result<Vec<(String, Arc<ApiKey>)>, GatewayError> {
    let mut headers: Vec<(String, Arc<ApiKey>)> = Vec::new();
    let of_model = model.map(|model| model.headers.as_slice());
    for (name, secret) in settings.headers.iter().chain(of_model.unwrap_or_default()) {
        let path = format!("models.providers.{provider}.headers.{name}");
        let value = secret_of(home, provider, secret, &path, read)?;
        headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        headers.push((name.clone(), value));
    }
    Ok(headers)
}

/// Returns which proxy is gone through, and who is trusted.
pub(super) fn network(
    home: &Home,
    provider: &ProviderId,
    request: &RequestSettings,
    read: &mut Vec<AuditEntry>,
) -> Result<Network, GatewayError> {
    let path = format!("models.providers.{provider}.request");
    let mut network = Network::default();
    if let ProxySettings::Url(url) = &request.proxy {
        network.proxy = Proxy::at(url).map_err(|source| GatewayError::Network {
            path: format!("{path}.proxy.url"),
            source: Box::new(source),
        })?;
    }
    for authority in &request.authorities {
        let text = match authority {
            // What stands there is no secret; asked for as one, its path would be masked in errors.
            SecretInput::Inline(text) if !text.is_empty() => Arc::clone(text),
            other => secret_of(home, provider, other, &format!("{path}.tls.ca"), read)?,
        };
        network.ca.push(authority_of(&text));
    }
    Ok(network)
}

/// Returns how long things may take: our own file is more exact than the config.
pub(super) fn timeouts(
    home: &Home,
    provider: &ProviderId,
    settings: &ProviderSettings,
) -> Timeouts {
    let mut timeouts = Timeouts::default();
    if let Some(limit) = settings.timeout {
        (timeouts.first_byte, timeouts.idle) = (limit, limit);
        timeouts.total = limit;
    }
    let Some(own) = home.config.own.providers.get(provider) else {
        return timeouts;
    };
    let own = own.timeouts;
    let set = |limit: &mut Duration, own: Option<Duration>| {
        if let Some(own) = own {
            *limit = own;
        }
    };
    set(&mut timeouts.connect, own.connect);
    set(&mut timeouts.first_byte, own.first_byte);
    set(&mut timeouts.idle, own.idle);
    set(&mut timeouts.total, own.total);
    timeouts
}

/// What stands in the config itself is no secret that was read.
fn secret_of(
    home: &Home,
    provider: &ProviderId,
    secret: &SecretInput,
    path: &str,
    read: &mut Vec<AuditEntry>,
) -> Result<Arc<ApiKey>, GatewayError> {
    let value = home.secret(secret, path)?;
    read.extend(secret.name().map(|name| entry(name, provider)));
    Ok(value)
}

/// An authority is PEM, or the path of a file with it.
#[expect(
    clippy::disallowed_methods,
    reason = "a certificate is public; it comes as a secret because OpenClaw's settings have it so"
)]
fn authority_of(text: &ApiKey) -> Ca {
    let text = text.expose_secret();
    if text.trim_start().starts_with(PEM) {
        Ca::Pem(text.to_owned())
    } else {
        Ca::File(PathBuf::from(text))
    }
}
