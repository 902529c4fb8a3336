//! `POST /hooks/…`: programs of others hand something to an agent, by a token of their own.
//!
//! `door` lets in, `payload` and `mapped` make orders of what is sent, with the session that `keys`
//! says and the texts that `template` fills in; `dispatch` has the agent take its turn, and `refusal`
//! says why nothing comes of a request. `memory` is what is known from one request to the next.
//!
//! # Security
//! Whoever holds the token may set a task. What comes is marked as nobody's that the agent works
//! for, so that commands and what leaves ask first, whatever the text says.

mod answer;
mod dispatch;
mod door;
mod keys;
mod mapped;
mod memory;
mod order;
mod payload;
mod refusal;
mod template;

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use openclaw_config::WebhookSettings;
use openclaw_core::access::WebhookToken;
use openclaw_core::events::AuditEntry;
use parking_lot::RwLock;

use self::answer::answer;
use self::memory::Memory;
use crate::audit::Transport;
use crate::builder::Gateway;
use crate::home::{Home, secret_name};
use crate::http::guard;
use crate::telemetry::{Counted, Dialect};

/// Where the token stands.
const TOKEN: &str = "hooks.token";

/// What programs of others may hand in, as the config is now, and what is known of what they did.
#[derive(Debug, Default)]
pub(crate) struct Webhooks {
    open: RwLock<Option<Arc<Open>>>,
    memory: Memory,
}

/// The webhooks of a config that asks for them.
#[derive(Debug)]
pub(crate) struct Open {
    token: WebhookToken,
    settings: WebhookSettings,
}

/// An address that is one of the webhooks'.
#[derive(Debug)]
pub(crate) struct Called {
    open: Arc<Open>,
    /// What stands behind their path.
    name: String,
}

impl Webhooks {
    /// Takes up what a config asks for.
    pub(crate) fn replace(&self, open: Option<Open>) {
        *self.open.write() = open.map(Arc::new);
    }

    /// Tells whether an address is one of the webhooks'.
    pub(crate) fn called(&self, path: &str) -> Option<Called> {
        let open = self.open.read().as_ref().map(Arc::clone)?;
        let rest = path.strip_prefix(open.settings.path.as_str())?;
        if !(rest.is_empty() || rest.starts_with('/')) {
            return None;
        }
        let name = rest.trim_matches('/').to_owned();
        Some(Called { open, name })
    }
}

impl Open {
    /// Returns the webhooks of a home, if it has any that can be opened, and what the audit stream
    /// is to say about their token. Why they stay off is logged.
    pub(crate) fn of(home: &Home) -> (Option<Self>, Option<AuditEntry>) {
        let Some(settings) = home.config.webhooks.clone() else {
            return (None, None);
        };
        let read = AuditEntry::SecretAccessed {
            name: secret_name(&settings.token, TOKEN),
            purpose: "token of the webhooks".to_owned(),
        };
        let secret = match home.secret(&settings.token, TOKEN) {
            Ok(secret) => secret,
            Err(err) => {
                tracing::error!(%err, "the webhooks stay off");
                return (None, None);
            }
        };
        let token = match WebhookToken::new(secret) {
            Ok(token) => token,
            Err(err) => {
                tracing::error!(%err, setting = TOKEN, "the webhooks stay off");
                return (None, Some(read));
            }
        };
        match home.token() {
            Ok(own) if token.opens(&own) => {
                let err = "it is also the gateway's own: give the webhooks another one";
                tracing::error!(err, setting = TOKEN, "the webhooks stay off");
                (None, Some(read))
            }
            Ok(_) => (Some(Self { token, settings }), Some(read)),
            Err(err) => {
                tracing::error!(%err, "the webhooks stay off");
                (None, Some(read))
            }
        }
    }
}

/// Answers a request that came to an address of the webhooks'.
pub(crate) async fn handle(gateway: Gateway, called: Called, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let door = guard::door(Transport::Webhook, &head.extensions);
    let cx = match door::enter(&gateway, &called.open, &head, door) {
        Ok(cx) => cx,
        Err(refusal) => return refusal.answer(),
    };
    let count = Counted::begins(&gateway, Dialect::Http);
    let answered = Box::pin(answer(&gateway, &cx, called, &head, body)).await;
    match answered {
        Ok(response) => {
            count.ends(None);
            response
        }
        Err(refusal) => {
            count.ends(Some(refusal.kind()));
            refusal.answer()
        }
    }
}
