//! `models.providers.<id>.request`: how requests get to a provider.

use serde_json::Value;

use super::reader::Reader;
use super::secrets::SecretInput;

/// What is said where a certificate would not be looked at.
const INSECURE: &str = "is refused: without looking at the certificate, anybody on the way could read the key; name the server's own authority in `tls.ca`";

/// How requests get to a provider.
#[derive(Clone, Debug, Default)]
pub struct RequestSettings {
    /// How the key is shown, if it is not the API's own way (`auth`).
    pub auth: Option<RequestAuth>,
    /// Which proxy they go through (`proxy`).
    pub proxy: ProxySettings,
    /// The authorities that are trusted beside the system's, each as PEM (`tls.ca`, `proxy.tls.ca`).
    pub authorities: Vec<SecretInput>,
}

/// How a key is shown to a provider.
#[derive(Clone, Debug)]
pub enum RequestAuth {
    /// As `Authorization: Bearer …`.
    Bearer(SecretInput),
    /// In a header of its own.
    Header {
        /// The header.
        name: String,
        /// What stands before the key.
        prefix: String,
        /// The key.
        value: SecretInput,
    },
}

/// Which proxy requests go through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ProxySettings {
    /// The one that the environment names, if it names one (`env-proxy`, or nothing).
    #[default]
    Environment,
    /// This one (`explicit-proxy`); it may have a name and a password in it.
    Url(String),
}

impl Reader<'_> {
    pub(super) fn request(&mut self, id: &str) -> RequestSettings {
        let at = ["models", "providers", id, "request"];
        let below = |keys: &[&'static str]| [&at[..], keys].concat();
        let url = self.string(&below(&["proxy", "url"]));
        let explicit = self.string(&below(&["proxy", "mode"])).as_deref() == Some("explicit-proxy");
        let mut authorities = Vec::new();
        for tls in [&["tls"][..], &["proxy", "tls"]] {
            let below = |key: &'static str| [&at[..], tls, &[key]].concat();
            authorities.extend(self.secret(&below("ca")));
            if self.raw(&below("insecureSkipVerify")) == Some(&Value::Bool(true)) {
                self.not_followed(&below("insecureSkipVerify"), INSECURE);
            }
        }
        RequestSettings {
            auth: self.request_auth(&at),
            proxy: match url {
                Some(url) if explicit => ProxySettings::Url(url),
                _ => ProxySettings::Environment,
            },
            authorities,
        }
    }

    fn request_auth(&mut self, at: &[&str]) -> Option<RequestAuth> {
        let below = |key: &'static str| [at, &["auth", key]].concat();
        match self.string(&below("mode"))?.as_str() {
            "authorization-bearer" => Some(RequestAuth::Bearer(self.secret(&below("token"))?)),
            "header" => Some(RequestAuth::Header {
                name: self.string(&below("headerName"))?,
                // A space at its end belongs to it.
                prefix: self
                    .raw(&below("prefix"))
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned(),
                value: self.secret(&below("value"))?,
            }),
            _ => None,
        }
    }
}
