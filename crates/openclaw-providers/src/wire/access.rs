//! The way into an API: its key, and the headers that a configuration adds.

use std::sync::Arc;

use openclaw_core::ApiKey;
use openclaw_core::redaction::learn;
use openclaw_http::{GetJson, HeaderName, HttpError, PostJson, header};

use crate::error::ProviderError;
use crate::identity::Identity;
use crate::provider::{KeyStyle, ProviderConfig};

/// A request that headers can be added to.
pub(crate) trait Carrier: Sized {
    /// Sets a header to `prefix` and the secret.
    fn carry(self, name: HeaderName, prefix: &str, secret: &ApiKey) -> Result<Self, HttpError>;
}

impl Carrier for PostJson {
    fn carry(self, name: HeaderName, prefix: &str, secret: &ApiKey) -> Result<Self, HttpError> {
        self.secret_header(name, prefix, secret)
    }
}

impl Carrier for GetJson {
    fn carry(self, name: HeaderName, prefix: &str, secret: &ApiKey) -> Result<Self, HttpError> {
        self.secret_header(name, prefix, secret)
    }
}

/// What every request of a provider carries.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    key: Option<Arc<ApiKey>>,
    /// The key's header, and what stands before the key in it; none if the key is not sent.
    place: Option<(HeaderName, String)>,
    headers: Vec<(HeaderName, Arc<ApiKey>)>,
}

impl Access {
    /// Reads it from a configuration; `own` is how the API has the key by itself.
    pub(crate) fn of(
        config: &ProviderConfig,
        own: (HeaderName, &str),
    ) -> Result<Self, ProviderError> {
        let named = |name: &str| {
            HeaderName::try_from(name).map_err(|source| ProviderError::HeaderName {
                provider: config.id.clone(),
                name: name.to_owned(),
                source,
            })
        };
        let place = match &config.key_style {
            KeyStyle::Api => Some((own.0, own.1.to_owned())),
            KeyStyle::Bearer => Some((header::AUTHORIZATION, "Bearer ".to_owned())),
            KeyStyle::Header { name, prefix } => Some((named(name)?, prefix.clone())),
            KeyStyle::None => None,
        };
        let mut headers = Vec::new();
        for (name, value) in &config.headers {
            learn(value);
            headers.push((named(name)?, Arc::clone(value)));
        }
        Ok(Self {
            key: config.key(),
            place,
            headers,
        })
    }

    /// Makes the access of a key alone.
    pub(crate) fn with_key(key: Arc<ApiKey>, own: (HeaderName, &str)) -> Self {
        learn(&key);
        Self {
            key: Some(key).filter(|key| !key.is_empty()),
            place: Some((own.0, own.1.to_owned())),
            headers: Vec::new(),
        }
    }

    /// Returns the key, if there is one.
    pub(crate) fn key(&self) -> Option<&ApiKey> {
        self.key.as_deref()
    }

    /// Tells an address that is asked with this from others.
    pub(crate) fn identity(&self, address: &str) -> Identity {
        let headers = self.headers.iter().map(|(_name, value)| value);
        Identity::of(address, self.key.iter().chain(headers))
    }

    /// Adds the key and the headers to a request; a configured header takes the place of another.
    pub(crate) fn apply<R: Carrier>(&self, mut request: R) -> Result<R, HttpError> {
        if let (Some(key), Some((name, prefix))) = (&self.key, &self.place) {
            request = request.carry(name.clone(), prefix, key)?;
        }
        for (name, value) in &self.headers {
            request = request.carry(name.clone(), "", value)?;
        }
        Ok(request)
    }
}
