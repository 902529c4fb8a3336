//! A request as it leaves.

use std::fmt;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use openclaw_core::ApiKey;
use reqwest::Url;
use serde::Serialize;

use crate::error::{Endpoint, HttpError};
use crate::retry::Retry;

/// A JSON document that is to be posted to a URL.
#[derive(Clone, Debug)]
pub struct PostJson(pub(crate) Request);

/// Any request: what the client sends, whatever the form of its body.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) endpoint: Endpoint,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) retry: Retry,
}

impl Request {
    pub(crate) fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            endpoint: Endpoint::of(&url),
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            retry: Retry::default(),
        }
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the header takes it to the server that it is for"
    )]
    fn secret_header(
        self,
        name: HeaderName,
        prefix: &str,
        secret: &ApiKey,
    ) -> Result<Self, HttpError> {
        let text = format!("{prefix}{}", secret.expose_secret());
        let Ok(mut value) = HeaderValue::try_from(text) else {
            return Err(HttpError::SecretHeader { name });
        };
        value.set_sensitive(true);
        Ok(self.header(name, value))
    }
}

/// The query and the body are left out: secrets are put there.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("endpoint", &self.endpoint)
            .field("headers", &self.headers)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

impl PostJson {
    /// Makes a request that posts `body` to `url`, with the default [`Retry`].
    pub fn new(url: &str, body: &impl Serialize) -> Result<Self, HttpError> {
        let url = web(url)?;
        let body = serde_json::to_vec(body).map_err(|source| HttpError::Encode { source })?;
        let mut request = Request::new(Method::POST, url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.body = body.into();
        Ok(Self(request))
    }

    /// Sets the `Accept` header.
    #[must_use]
    pub fn accept(self, mime: &'static str) -> Self {
        self.header(ACCEPT, HeaderValue::from_static(mime))
    }

    /// Sets a header that is no secret.
    #[must_use]
    pub fn header(self, name: HeaderName, value: HeaderValue) -> Self {
        Self(self.0.header(name, value))
    }

    /// Sets a header to `prefix` and the secret, such as `Bearer ` and a key.
    ///
    /// # Security
    /// The value is marked sensitive, so that neither logs nor HTTP/2 header tables nor cassettes
    /// hold it.
    pub fn secret_header(
        self,
        name: HeaderName,
        prefix: &str,
        secret: &ApiKey,
    ) -> Result<Self, HttpError> {
        Ok(Self(self.0.secret_header(name, prefix, secret)?))
    }

    /// Replaces the default [`Retry`].
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }
}

/// Bytes of some other kind that are to be posted to a URL.
#[derive(Clone, Debug)]
pub struct PostBytes(pub(crate) Request);

impl PostBytes {
    /// Makes a request that posts `body` to `url` and is sent once, whatever comes of it.
    pub fn new(url: &str, mime: &'static str, body: Vec<u8>) -> Result<Self, HttpError> {
        let mut request = Request::new(Method::POST, web(url)?)
            .header(CONTENT_TYPE, HeaderValue::from_static(mime));
        request.body = body.into();
        request.retry = Retry::NEVER;
        Ok(Self(request))
    }

    /// As [`PostJson::secret_header`].
    pub fn secret_header(
        self,
        name: HeaderName,
        prefix: &str,
        secret: &ApiKey,
    ) -> Result<Self, HttpError> {
        Ok(Self(self.0.secret_header(name, prefix, secret)?))
    }
}

/// A JSON document that is to be got from a URL, such as a list of models.
#[derive(Clone, Debug)]
pub struct GetJson(pub(crate) Request);

impl GetJson {
    /// Makes a request for `url`, with the default [`Retry`].
    pub fn new(url: &str) -> Result<Self, HttpError> {
        let request = Request::new(Method::GET, web(url)?);
        let json = HeaderValue::from_static("application/json");
        Ok(Self(request.header(ACCEPT, json)))
    }

    /// Sets a header that is no secret.
    #[must_use]
    pub fn header(self, name: HeaderName, value: HeaderValue) -> Self {
        Self(self.0.header(name, value))
    }

    /// Sets a header to `prefix` and the secret, as [`PostJson::secret_header`] does.
    pub fn secret_header(
        self,
        name: HeaderName,
        prefix: &str,
        secret: &ApiKey,
    ) -> Result<Self, HttpError> {
        Ok(Self(self.0.secret_header(name, prefix, secret)?))
    }

    /// Replaces the default [`Retry`].
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }
}

/// Reads the URL of a web server.
fn web(url: &str) -> Result<Url, HttpError> {
    let url = Url::parse(url).map_err(|source| HttpError::InvalidUrl { source })?;
    if matches!(url.scheme(), "http" | "https") {
        Ok(url)
    } else {
        Err(HttpError::Scheme {
            scheme: url.scheme().to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use http::header::AUTHORIZATION;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_header_does_not_show_in_the_debug_output() {
        let request = PostJson::new("https://api.example/", &json!({}))
            .unwrap()
            .secret_header(AUTHORIZATION, "Bearer ", &ApiKey::new("sk-secret".into()))
            .unwrap();
        assert!(!format!("{request:?}").contains("sk-secret"));
    }

    #[test]
    fn a_secret_with_a_newline_is_refused_by_the_name_of_its_header() {
        let refused = PostJson::new("https://api.example/", &json!({}))
            .unwrap()
            .secret_header(AUTHORIZATION, "Bearer ", &ApiKey::new("sk-secret\n".into()))
            .unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the secret for the header `authorization` has characters that a header cannot carry"
        );
    }

    #[test]
    fn only_web_servers_are_spoken_to() {
        for (url, message) in [
            ("not a url", "the URL of the request is not valid"),
            (
                "file:///etc/passwd",
                "the URL of the request has the scheme `file` instead of http or https",
            ),
        ] {
            let refused = PostJson::new(url, &json!({})).unwrap_err();
            assert_eq!(refused.to_string(), message);
        }
    }
}
