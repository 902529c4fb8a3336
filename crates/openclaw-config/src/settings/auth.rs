//! `gateway.auth`: how callers show who they are, and how often they may be wrong.

use std::num::NonZeroU32;
use std::time::Duration;

use openclaw_core::env::OPENCLAW_GATEWAY_PASSWORD;
use serde_json::Value;

use super::reader::Reader;
use super::secrets::SecretInput;

/// The longest stretch of time that OpenClaw's timers know.
const LONGEST_MS: u64 = 0x7fff_ffff;

/// How callers show who they are.
#[derive(Clone, Debug)]
pub struct AuthSettings {
    /// What is asked for (`mode`).
    pub mode: AuthMode,
    /// The configured bearer token, or where to find it (`token`).
    pub token: Option<SecretInput>,
    /// The configured password, or where to find it (`password`).
    pub password: Option<SecretInput>,
    /// How many wrong credentials are too many (`rateLimit`).
    pub rate: LockoutSettings,
    /// How a trusted proxy tells the user (`trustedProxy`).
    pub proxy: Option<ProxyAuth>,
}

/// What a caller has to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMode {
    /// The bearer token.
    Token,
    /// The password, as a bearer.
    Password,
    /// A user's name in a header of a trusted proxy, which has asked for the rest.
    TrustedProxy,
    /// Nothing; only where nobody else can reach the gateway.
    None,
}

/// How many wrong credentials are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockoutSettings {
    /// So many in `window` are too many (`maxAttempts`).
    pub attempts: NonZeroU32,
    /// The time in which they are counted (`windowMs`).
    pub window: Duration,
    /// How long an address is locked out then (`lockoutMs`).
    pub lockout: Duration,
    /// Whether this computer itself is never locked out (`exemptLoopback`).
    ///
    /// OpenClaw's default is yes. It is no here: a web page or a program in a sandbox comes from
    /// loopback, too.
    pub exempt_loopback: bool,
}

impl Default for LockoutSettings {
    fn default() -> Self {
        Self {
            attempts: NonZeroU32::new(10).unwrap_or(NonZeroU32::MIN),
            window: Duration::from_mins(1),
            lockout: Duration::from_mins(5),
            exempt_loopback: false,
        }
    }
}

/// How a trusted proxy tells the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyAuth {
    /// The header with the user's name, in lower case (`userHeader`).
    pub user_header: String,
    /// Further headers that have to be there, in lower case (`requiredHeaders`).
    pub required_headers: Vec<String>,
    /// The users who are let in; everybody where it is empty (`allowUsers`).
    pub allow_users: Vec<String>,
    /// Whether the proxy may be on this computer (`allowLoopback`).
    pub allow_loopback: bool,
}

impl Reader<'_> {
    pub(super) fn auth(&mut self) -> AuthSettings {
        let token = self.secret(&["gateway", "auth", "token"]);
        let password = self.secret(&["gateway", "auth", "password"]);
        let has_password =
            password.is_some() || self.env().get(OPENCLAW_GATEWAY_PASSWORD.name).is_some();
        AuthSettings {
            mode: match self.string(&["gateway", "auth", "mode"]).as_deref() {
                Some("none") => AuthMode::None,
                Some("password") => AuthMode::Password,
                Some("trusted-proxy") => AuthMode::TrustedProxy,
                None if has_password => AuthMode::Password,
                // The schema knows no other; should it ever, a token is asked for.
                Some(_) | None => AuthMode::Token,
            },
            token,
            password,
            rate: self.lockout(),
            proxy: self.proxy_auth(),
        }
    }

    fn lockout(&mut self) -> LockoutSettings {
        let base = ["gateway", "auth", "rateLimit"];
        let default = LockoutSettings::default();
        let attempts = self.positive(&base, "maxAttempts");
        let window = self.positive(&base, "windowMs");
        let lockout = self.positive(&base, "lockoutMs");
        let time = |ms: Option<u64>, default| {
            ms.map_or(default, |ms| Duration::from_millis(ms.min(LONGEST_MS)))
        };
        LockoutSettings {
            attempts: attempts.map_or(default.attempts, |n| {
                let n = u32::try_from(n).unwrap_or(u32::MAX);
                NonZeroU32::new(n).unwrap_or(default.attempts)
            }),
            window: time(window, default.window),
            lockout: time(lockout, default.lockout),
            exempt_loopback: self.is_true(&["gateway", "auth", "rateLimit", "exemptLoopback"]),
        }
    }

    /// Reads a number that makes no sense unless it is positive and whole.
    fn positive(&mut self, base: &[&str], key: &str) -> Option<u64> {
        let path: Vec<&str> = base.iter().copied().chain([key]).collect();
        let number = self.number(&path).filter(|n| *n > 0);
        if number.is_none() && self.raw(&path).is_some() {
            self.not_followed(&path, "is no positive whole number; the default counts");
        }
        number
    }

    fn proxy_auth(&self) -> Option<ProxyAuth> {
        let base = ["gateway", "auth", "trustedProxy"];
        let under = |key| base.into_iter().chain([key]).collect::<Vec<_>>();
        let header = |text: String| text.trim().to_ascii_lowercase();
        Some(ProxyAuth {
            user_header: self.string(&under("userHeader")).map(header)?,
            required_headers: self
                .texts_as_written(&under("requiredHeaders"))
                .into_iter()
                .map(header)
                .collect(),
            allow_users: self.texts_as_written(&under("allowUsers")),
            allow_loopback: self.is_true(&under("allowLoopback")),
        })
    }

    fn is_true(&self, path: &[&str]) -> bool {
        self.raw(path) == Some(&Value::Bool(true))
    }
}
