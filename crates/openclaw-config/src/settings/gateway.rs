//! `gateway`: where it listens, whom it lets in, and whether it follows its config.

use super::reader::Reader;
use super::secrets::SecretInput;

/// The port that the gateway listens on unless told otherwise.
pub const DEFAULT_PORT: u16 = 18789;

/// The settings under `gateway`.
#[derive(Clone, Debug)]
pub struct GatewaySettings {
    /// The port to listen on.
    pub port: u16,
    /// Which addresses to listen on.
    pub bind: Bind,
    /// The configured bearer token, or where to find it (`auth.token`).
    pub token: Option<SecretInput>,
    /// Whether a changed config is taken up while the gateway runs (`reload.mode`).
    pub reload: ReloadMode,
}

/// Which addresses the gateway listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bind {
    /// 127.0.0.1 only.
    Loopback,
    /// Every address of the machine.
    Lan,
}

/// Whether a changed config is taken up while the gateway runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReloadMode {
    /// What can change at once does; the rest is named and waits for the next start.
    Hybrid,
    /// The gateway keeps the config that it was started with.
    Off,
}

impl Reader<'_> {
    pub(super) fn gateway(&mut self) -> GatewaySettings {
        self.auth_mode();
        GatewaySettings {
            port: self
                .number(&["gateway", "port"])
                .and_then(|port| u16::try_from(port).ok())
                .filter(|port| *port > 0)
                .unwrap_or(DEFAULT_PORT),
            bind: self.bind(),
            token: self.secret(&["gateway", "auth", "token"]),
            reload: match self.string(&["gateway", "reload", "mode"]).as_deref() {
                Some("off") => ReloadMode::Off,
                _ => ReloadMode::Hybrid,
            },
        }
    }

    fn bind(&mut self) -> Bind {
        let at = ["gateway", "bind"];
        match self.string(&at).as_deref() {
            None | Some("loopback" | "auto") => Bind::Loopback,
            Some("lan") => Bind::Lan,
            Some(other) => {
                let message = format!("`{other}` is not supported; listening on loopback");
                self.not_followed(&at, message);
                Bind::Loopback
            }
        }
    }

    fn auth_mode(&mut self) {
        let at = ["gateway", "auth", "mode"];
        if let Some(other) = self.string(&at).filter(|mode| mode != "token") {
            let message = format!("`{other}` is not supported; a bearer token is required");
            self.not_followed(&at, message);
        }
    }
}
