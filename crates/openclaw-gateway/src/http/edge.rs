//! What the edge goes by: names, origins and proxies from the config, and what it keeps count of.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use openclaw_config::{AuthMode, ClientAddress, GatewaySettings, ProxyAuth};
use openclaw_core::access::tokens::Ended;
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;

use super::crowd::Crowd;
use super::host::Authority;
use super::refused::Budget;

/// How many sockets may be open at once whose clients have not shown who they are.
const STRANGERS: usize = 64;

/// The edge of a running gateway.
#[derive(Debug)]
pub(crate) struct Edge {
    /// A changed config exchanges them.
    settings: RwLock<Arc<EdgeSettings>>,
    /// Tells the sockets that came in by other settings.
    changed: Mutex<watch::Sender<bool>>,
    /// The sockets whose clients have not shown yet who they are.
    pub(super) strangers: Arc<Crowd>,
    /// How many refusals may be told in the log.
    pub(super) budget: Budget,
}

/// Whom the edge listens to, and whom it believes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EdgeSettings {
    /// The origins of pages that may call besides the gateway's own, as browsers write them.
    pub(super) origins: Vec<String>,
    /// The hosts of these origins: names that the gateway goes by, too.
    pub(super) names: Vec<String>,
    pub(super) proxies: Vec<IpNet>,
    pub(super) real_ip: bool,
    /// How proxies name the user, where they are asked to.
    pub(super) proxy_auth: Option<ProxyAuth>,
    /// Whether nobody has to show anything.
    pub(crate) open: bool,
}

impl EdgeSettings {
    /// Takes what is the edge's from a config.
    pub(crate) fn of(gateway: &GatewaySettings) -> Self {
        let names = gateway.allowed_origins.iter().filter_map(|origin| {
            let (_scheme, authority) = origin.split_once("://")?;
            Some(Authority::parse(authority)?.host.to_owned())
        });
        Self {
            origins: gateway.allowed_origins.clone(),
            names: names.collect(),
            proxies: gateway.trusted_proxies.clone(),
            real_ip: gateway.client_address == ClientAddress::ForwardedOrReal,
            proxy_auth: match gateway.auth.mode {
                AuthMode::TrustedProxy => gateway.auth.proxy.clone(),
                AuthMode::Token | AuthMode::Password | AuthMode::None => None,
            },
            open: gateway.auth.mode == AuthMode::None,
        }
    }

    /// Tells whether what this address says about others counts.
    pub(super) fn trusts(&self, ip: IpAddr) -> bool {
        self.proxies.iter().any(|net| net.contains(&ip))
    }
}

impl Edge {
    pub(crate) fn new(settings: EdgeSettings) -> Self {
        Self {
            settings: RwLock::new(Arc::new(settings)),
            changed: Mutex::new(watch::Sender::new(false)),
            strangers: Arc::new(Crowd::new(STRANGERS)),
            budget: Budget::default(),
        }
    }

    /// Takes up changed settings; requests that are under way keep the ones they came in with, and
    /// sockets have to come in again.
    pub(crate) fn replace(&self, settings: EdgeSettings) {
        if **self.settings.read() == settings {
            return;
        }
        *self.settings.write() = Arc::new(settings);
        let before = std::mem::replace(&mut *self.changed.lock(), watch::Sender::new(false));
        before.send_replace(true);
    }

    /// Returns what ends when the settings change.
    pub(crate) fn until_changed(&self) -> Ended {
        Ended::new(self.changed.lock().subscribe(), None)
    }

    pub(crate) fn settings(&self) -> Arc<EdgeSettings> {
        Arc::clone(&self.settings.read())
    }
}
