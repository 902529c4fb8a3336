//! `gateway`: where it listens, whom it lets in, whom it believes, and whether it follows its config.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use openclaw_core::Kind;
use openclaw_core::env::{OPENCLAW_GATEWAY_PASSWORD, OPENCLAW_GATEWAY_TOKEN};
use serde_json::Value;
use url::Url;

use super::auth::{AuthMode, AuthSettings};
use super::limits::LimitSettings;
use super::reader::Reader;
use super::tls::TlsSettings;

/// The port that the gateway listens on unless told otherwise.
pub const DEFAULT_PORT: u16 = 18789;

/// The settings under `gateway`, and this program's own that belong there.
#[derive(Clone, Debug)]
pub struct GatewaySettings {
    /// The port to listen on.
    pub port: u16,
    /// Which addresses to listen on.
    pub bind: Bind,
    /// How callers show who they are (`auth`).
    pub auth: AuthSettings,
    /// The origins of pages that may call besides the gateway's own
    /// (`controlUi.allowedOrigins`), as browsers write them.
    pub allowed_origins: Vec<String>,
    /// The proxies whose forwarded headers count (`trustedProxies`); networks of IPv4 are never in
    /// the mapped form.
    pub trusted_proxies: Vec<IpNet>,
    /// Which header of a trusted proxy tells the client's address (`allowRealIpFallback`).
    pub client_address: ClientAddress,
    /// How many calls and messages a minute may bring.
    pub limits: LimitSettings,
    /// Whether a changed config is taken up while the gateway runs (`reload.mode`).
    pub reload: ReloadMode,
    /// How it speaks TLS, if it does (`tls`).
    pub tls: Option<TlsSettings>,
    /// What else stands in the way of a start: settings that contradict each other.
    contradiction: Option<GatewayRefusal>,
}

/// Which addresses the gateway listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bind {
    /// 127.0.0.1 only.
    Loopback,
    /// Every address of the machine.
    Lan,
    /// One address of the machine (`customBindHost`).
    Custom(Ipv4Addr),
}

impl Bind {
    /// Returns the address to listen on.
    pub const fn address(self) -> IpAddr {
        IpAddr::V4(match self {
            Self::Loopback => Ipv4Addr::LOCALHOST,
            Self::Lan => Ipv4Addr::UNSPECIFIED,
            Self::Custom(address) => address,
        })
    }
}

/// Which header of a trusted proxy tells the client's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAddress {
    /// `X-Forwarded-For` only.
    Forwarded,
    /// `X-Real-IP` where `X-Forwarded-For` is missing.
    ForwardedOrReal,
}

/// Whether a changed config is taken up while the gateway runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReloadMode {
    /// What can change at once does; the rest is named and waits for the next start.
    Hybrid,
    /// The gateway keeps the config that it was started with.
    Off,
}

/// Why a gateway with these settings must not start, though each of them is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GatewayRefusal {
    /// Everybody who can reach the address would be let in.
    #[error("gateway.auth.mode is `none`, so that the gateway cannot listen on {0}")]
    OpenToOthers(IpAddr),
    /// It is not said which of two secrets counts.
    #[error("a token and a password are configured, and no gateway.auth.mode")]
    TwoSecrets,
    /// There is no password to ask for.
    #[error("gateway.auth.mode is `password`, but no password is configured")]
    NoPassword,
    /// The proxy could be passed by with the token.
    #[error("gateway.auth.mode is `trusted-proxy`, but a shared token is configured, too")]
    ProxyAndToken,
    /// Nothing says which header names the user.
    #[error("gateway.auth.mode is `trusted-proxy`, but gateway.auth.trustedProxy is missing")]
    NoUserHeader,
    /// Nobody can be the proxy.
    #[error("gateway.auth.mode is `trusted-proxy`, but gateway.trustedProxies names no proxy")]
    NoProxies,
}

impl GatewayRefusal {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        Kind::Config
    }

    /// Returns why a gateway that asks nobody for anything must not start on this address.
    pub const fn of_open(addr: IpAddr) -> Option<Self> {
        if addr.to_canonical().is_loopback() {
            return None;
        }
        Some(Self::OpenToOthers(addr))
    }

    /// Returns what to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::OpenToOthers(_) => {
                "set gateway.auth.mode to `token` or `password`, or gateway.bind to `loopback`"
            }
            Self::TwoSecrets => "set gateway.auth.mode to `token` or `password`",
            Self::NoPassword => "set gateway.auth.password or OPENCLAW_GATEWAY_PASSWORD",
            Self::ProxyAndToken => "remove gateway.auth.token and OPENCLAW_GATEWAY_TOKEN",
            Self::NoUserHeader => "set gateway.auth.trustedProxy.userHeader",
            Self::NoProxies => "set gateway.trustedProxies to the addresses of the proxy",
        }
    }
}

impl GatewaySettings {
    /// Returns why a gateway with these settings must not start on this address.
    ///
    /// # Security
    /// Whoever listens has to ask, with the address that it really listens on.
    pub fn refusal(&self, addr: IpAddr) -> Option<GatewayRefusal> {
        let open = self.auth.mode == AuthMode::None;
        self.contradiction
            .or_else(|| GatewayRefusal::of_open(addr).filter(|_| open))
    }
}

impl Reader<'_> {
    pub(super) fn gateway(&mut self) -> GatewaySettings {
        let auth = self.auth();
        let trusted_proxies = self.trusted_proxies();
        GatewaySettings {
            port: self
                .number(&["gateway", "port"])
                .and_then(|port| u16::try_from(port).ok())
                .filter(|port| *port > 0)
                .unwrap_or(DEFAULT_PORT),
            bind: self.bind(),
            contradiction: self.contradiction(&auth, &trusted_proxies),
            auth,
            allowed_origins: self.allowed_origins(),
            trusted_proxies,
            client_address: match self.raw(&["gateway", "allowRealIpFallback"]) {
                Some(Value::Bool(true)) => ClientAddress::ForwardedOrReal,
                _ => ClientAddress::Forwarded,
            },
            limits: LimitSettings::default(),
            reload: match self.string(&["gateway", "reload", "mode"]).as_deref() {
                Some("off") => ReloadMode::Off,
                _ => ReloadMode::Hybrid,
            },
            tls: self.tls(),
        }
    }

    fn bind(&mut self) -> Bind {
        let at = ["gateway", "bind"];
        match self.string(&at).as_deref() {
            None | Some("loopback" | "auto") => Bind::Loopback,
            Some("lan") => Bind::Lan,
            Some("custom") => self.custom_bind(),
            Some(other) => {
                let message = format!("`{other}` is not supported; listening on loopback");
                self.not_followed(&at, message);
                Bind::Loopback
            }
        }
    }

    fn custom_bind(&mut self) -> Bind {
        let at = ["gateway", "customBindHost"];
        let host = self.string(&at).and_then(|host| host.trim().parse().ok());
        if host.is_none() {
            self.not_followed(&at, "is no IPv4 address; listening on loopback");
        }
        host.map_or(Bind::Loopback, Bind::Custom)
    }

    /// Only origins that a browser can send are of use; `*` would let every web page in.
    fn allowed_origins(&mut self) -> Vec<String> {
        let at = ["gateway", "controlUi", "allowedOrigins"];
        let mut origins = Vec::new();
        for text in self.texts_as_written(&at) {
            match origin(&text) {
                Some(origin) => origins.push(origin),
                None if text.trim() == "*" => {
                    let message = "`*` is not supported: name every origin; no other is allowed";
                    self.not_followed(&at, message);
                }
                None => self.not_followed(&at, "an entry is no origin; it allows nobody"),
            }
        }
        origins
    }

    fn trusted_proxies(&mut self) -> Vec<IpNet> {
        let at = ["gateway", "trustedProxies"];
        let mut proxies = Vec::new();
        for text in self.texts_as_written(&at) {
            match network(&text) {
                Some(network) => proxies.push(network),
                None => self.not_followed(&at, "an entry is no address or network; it is ignored"),
            }
        }
        proxies
    }

    fn contradiction(&self, auth: &AuthSettings, proxies: &[IpNet]) -> Option<GatewayRefusal> {
        let token = auth.token.is_some() || self.env().get(OPENCLAW_GATEWAY_TOKEN.name).is_some();
        let password =
            auth.password.is_some() || self.env().get(OPENCLAW_GATEWAY_PASSWORD.name).is_some();
        match auth.mode {
            AuthMode::Password if token && self.string(&["gateway", "auth", "mode"]).is_none() => {
                Some(GatewayRefusal::TwoSecrets)
            }
            AuthMode::Password if !password => Some(GatewayRefusal::NoPassword),
            AuthMode::TrustedProxy if token => Some(GatewayRefusal::ProxyAndToken),
            AuthMode::TrustedProxy if auth.proxy.is_none() => Some(GatewayRefusal::NoUserHeader),
            AuthMode::TrustedProxy if proxies.is_empty() => Some(GatewayRefusal::NoProxies),
            AuthMode::Token | AuthMode::Password | AuthMode::TrustedProxy | AuthMode::None => None,
        }
    }
}

/// Returns an origin as a browser writes it: scheme, host, and a port that is not the scheme's own.
fn origin(text: &str) -> Option<String> {
    if !crate::rules::is_origin(text.trim()) {
        return None;
    }
    let url = Url::parse(text.trim()).ok()?;
    Some(url.origin().ascii_serialization())
}

/// Reads an address or a network; both are IPv4 where they are IPv4 in the mapped form.
fn network(text: &str) -> Option<IpNet> {
    let text = text.trim();
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_no_address) => text.parse().ok()?,
    };
    let IpNet::V6(mapped) = network else {
        return Some(network);
    };
    match (mapped.addr().to_ipv4_mapped(), mapped.prefix_len()) {
        (Some(address), prefix @ 96..) => IpNet::new(address.into(), prefix - 96).ok(),
        _ => Some(network),
    }
}
