//! `hooks`: the addresses by which programs of others hand something to agents; off unless they
//! are asked for.
//!
//! Left out: `hooks.internal`, which is about events inside of the gateway, and `hooks.gmail`, which
//! starts a program that looks at a mailbox.

mod mapping;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use openclaw_core::access::WebhookToken;
use serde_json::Value;

use self::mapping::gmail;
pub use self::mapping::{MappedAction, WebhookMapping};
use super::reader::Reader;
use super::secrets::SecretInput;
use crate::problem::{KeyPath, Problem};

/// Where the settings stand.
const AT: &str = "hooks";
/// The path that requests come by unless another is named.
const USUAL_PATH: &str = "/hooks";
/// What the keys begin with that are made for requests without one.
const MADE_KEY: &str = "hook:";
/// The most bytes of a request.
const MAX_BODY: usize = 256 * 1024;
/// The most bytes of one mail unless the config says something else.
const MAIL_BYTES: usize = 20_000;
/// How many mails come at once at most, and what each takes beside its text.
const MAILS: usize = 100;
const MAIL_OVERHEAD: usize = 8192;
/// How much longer a mail's text may be in JSON.
const ESCAPING: usize = 3;
/// The most bytes of a request with mails, whatever the config says.
const MAX_MAIL_BODY: usize = 32 * 1024 * 1024;

/// Who may hand what to which agent.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// What they show to be let in (`token`).
    pub token: SecretInput,
    /// What the addresses begin with, without a slash at the end (`path`).
    pub path: String,
    /// The agents that they reach, in lower case; none means all of them (`allowedAgentIds`).
    pub agents: Option<Vec<String>>,
    /// Which sessions they reach.
    pub keys: WebhookKeys,
    /// What becomes of requests to addresses of one's own, in the order in which they are looked at
    /// (`mappings`, `presets`).
    pub mappings: Vec<WebhookMapping>,
    /// The most bytes of a request to `gmail` (`gmail.maxBytes`).
    pub mail_body: usize,
}

/// Which sessions webhooks reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookKeys {
    /// The key of requests that name none (`defaultSessionKey`).
    pub usual: Option<String>,
    /// Whether a request may name one (`allowRequestSessionKey`).
    pub named: KeysBySender,
    /// What keys begin with, in lower case; none means anything (`allowedSessionKeyPrefixes`).
    pub prefixes: Vec<String>,
}

/// Whether a request may name its session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeysBySender {
    /// It may not.
    #[default]
    Refused,
    /// It may.
    Allowed,
}

impl WebhookSettings {
    /// Returns the most bytes of a request to an address below the path.
    pub fn max_body(&self, name: &str) -> usize {
        let of_mail = self
            .mappings
            .iter()
            .any(|mapping| mapping.path.as_deref() == Some(gmail::PATH));
        if of_mail && name == gmail::PATH {
            self.mail_body
        } else {
            MAX_BODY
        }
    }
}

impl WebhookKeys {
    /// Tells whether a key begins as one of the prefixes says.
    pub fn admit(&self, key: &str) -> bool {
        let key = key.trim().to_lowercase();
        let mut prefixes = self.prefixes.iter();
        self.prefixes.is_empty() || prefixes.any(|prefix| key.starts_with(prefix))
    }
}

impl Reader<'_> {
    /// Returns the webhooks; none where they are off, or where what is said of them cannot hold.
    pub(super) fn webhooks(&mut self) -> Option<WebhookSettings> {
        if self.raw(&[AT, "enabled"]) != Some(&Value::Bool(true)) {
            return None;
        }
        let keys = self.webhook_keys();
        let mappings = self.webhook_mappings();
        let path = self.webhook_path();
        let token = self.secret(&[AT, "token"]);
        let off = |what: &str| format!("the webhooks stay off: {what}");
        let own = ["token", "password"].map(|key| self.raw(&["gateway", "auth", key]));
        let weak = match &token {
            Some(SecretInput::Inline(token)) => WebhookToken::new(Arc::clone(token)).err(),
            _ => None,
        };
        let weak = weak.map(|weak| weak.to_string());
        let refused = if token.is_none() {
            Some(("token", "there is no token"))
        } else if own.contains(&self.raw(&[AT, "token"])) {
            Some(("token", "their token is also the gateway's own"))
        } else if let Some(weak) = &weak {
            Some(("token", weak.as_str()))
        } else if path.is_none() {
            Some(("path", "their path cannot be `/`"))
        } else {
            contradiction(&keys, &mappings)
        };
        if let Some((key, why)) = refused {
            self.not_followed(&[AT, key], off(why));
            return None;
        }
        self.not_followed_of_mappings(&mappings);
        Some(WebhookSettings {
            token: token?,
            path: path?,
            agents: self.webhook_agents(),
            keys,
            mappings,
            mail_body: self.mail_body(),
        })
    }

    fn webhook_keys(&self) -> WebhookKeys {
        let prefixes = self.texts_as_written(&[AT, "allowedSessionKeyPrefixes"]);
        WebhookKeys {
            usual: self
                .string(&[AT, "defaultSessionKey"])
                .map(|key| key.trim().to_owned()),
            named: match self.raw(&[AT, "allowRequestSessionKey"]) {
                Some(Value::Bool(true)) => KeysBySender::Allowed,
                _ => KeysBySender::Refused,
            },
            prefixes: prefixes
                .iter()
                .map(|prefix| prefix.trim().to_lowercase())
                .filter(|prefix| !prefix.is_empty())
                .collect(),
        }
    }

    fn webhook_path(&self) -> Option<String> {
        let text = self.string(&[AT, "path"]);
        let text = text.as_deref().map_or(USUAL_PATH, str::trim);
        let path = text.trim_matches('/');
        (!path.is_empty()).then(|| format!("/{path}"))
    }

    /// A list that names every agent is as good as none; one that is empty names nobody.
    fn webhook_agents(&self) -> Option<Vec<String>> {
        let at = [AT, "allowedAgentIds"];
        self.raw(&at)?;
        let ids = self.texts_as_written(&at).into_iter();
        let ids: Vec<String> = ids.map(|id| id.trim().to_lowercase()).collect();
        (!ids.iter().any(|id| id == "*")).then_some(ids)
    }

    fn mail_body(&self) -> usize {
        let said = self.number(&[AT, "gmail", "maxBytes"]);
        let each = said.map_or(MAIL_BYTES, |n| usize::try_from(n).unwrap_or(usize::MAX));
        each.saturating_mul(ESCAPING)
            .saturating_add(MAIL_OVERHEAD)
            .saturating_mul(MAILS)
            .clamp(MAX_BODY, MAX_MAIL_BODY)
    }

    fn webhook_mappings(&mut self) -> Vec<WebhookMapping> {
        let list = self.raw(&[AT, "mappings"]).and_then(Value::as_array);
        let mut mappings: Vec<WebhookMapping> = list
            .into_iter()
            .flatten()
            .enumerate()
            .map(|(index, mapping)| WebhookMapping::read(index, mapping))
            .collect();
        for preset in self.texts_as_written(&[AT, "presets"]) {
            if preset == gmail::PATH {
                mappings.push(gmail::mapping());
            } else {
                let message = format!("there is no preset `{preset}`: it adds nothing");
                self.not_followed(&[AT, "presets"], message);
            }
        }
        mappings
    }

    fn not_followed_of_mappings(&mut self, mappings: &[WebhookMapping]) {
        let agents: Vec<String> = self
            .members(&["agents", "entries"])
            .map(|(id, _)| id.to_lowercase())
            .collect();
        for (index, mapping) in mappings.iter().enumerate() {
            let at = KeyPath::from_iter([AT, "mappings"]).index(index);
            let problems = mapping.not_followed(&agents).into_iter();
            for (key, message) in problems {
                self.note(Problem::new(at.key(key), message));
            }
        }
    }
}

/// Returns what settings cannot hold together, and where.
fn contradiction(
    keys: &WebhookKeys,
    mappings: &[WebhookMapping],
) -> Option<(&'static str, &'static str)> {
    let prefixes = "allowedSessionKeyPrefixes";
    match &keys.usual {
        Some(usual) if !keys.admit(usual) => Some((
            "defaultSessionKey",
            "it begins with none of hooks.allowedSessionKeyPrefixes",
        )),
        None if !keys.admit(MADE_KEY) => Some((
            prefixes,
            "without hooks.defaultSessionKey the prefixes have to admit `hook:`",
        )),
        _ if keys.prefixes.is_empty() && mapping::fills_in_a_key(mappings) => Some((
            prefixes,
            "a mapping fills in a session key, so that the prefixes of keys have to be named",
        )),
        _ => None,
    }
}
