//! A request as it leaves.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use openclaw_core::ApiKey;
use reqwest::Url;
use serde::Serialize;

use crate::error::{Endpoint, HttpError};
use crate::retry::Retry;

/// A JSON document that is to be posted to a URL.
#[derive(Clone, Debug)]
pub struct PostJson {
    pub(crate) url: Url,
    pub(crate) endpoint: Endpoint,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) retry: Retry,
}

impl PostJson {
    /// Makes a request that posts `body` to `url`, with the default [`Retry`].
    pub fn new(url: &str, body: &impl Serialize) -> Result<Self, HttpError> {
        let url = Url::parse(url).map_err(|source| HttpError::InvalidUrl { source })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(HttpError::Scheme {
                scheme: url.scheme().to_owned(),
            });
        }
        let body = serde_json::to_vec(body).map_err(|source| HttpError::Encode { source })?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(Self {
            endpoint: Endpoint::of(&url),
            url,
            headers,
            body: body.into(),
            retry: Retry::default(),
        })
    }

    /// Sets the `Accept` header.
    #[must_use]
    pub fn accept(self, mime: &'static str) -> Self {
        self.header(ACCEPT, HeaderValue::from_static(mime))
    }

    /// Sets a header that is no secret.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sets a header to `prefix` and the secret, such as `Bearer ` and a key.
    ///
    /// # Security
    /// The value is marked sensitive, so that neither logs nor HTTP/2 header tables hold it.
    pub fn secret_header(
        mut self,
        name: HeaderName,
        prefix: &str,
        secret: &ApiKey,
    ) -> Result<Self, HttpError> {
        let text = format!("{prefix}{}", secret.expose_secret());
        let Ok(mut value) = HeaderValue::try_from(text) else {
            return Err(HttpError::SecretHeader { name });
        };
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(self)
    }

    /// Replaces the default [`Retry`].
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
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
